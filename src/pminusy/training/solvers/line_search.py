"""A step along a line on which f is convex, found by slopes alone.

Differences of f drown in rounding near the optimum, and in float32 long before; slopes do not. So
a step is good when the slope there is small beside the slope at the start, whichever its sign. Only
where f has plainly risen is the step too long all the same: beyond its minimum f may rise slowly
and far.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple, Protocol

__all__ = [
    "ACCEPT_ABOVE",
    "FALLING",
    "LOOKS",
    "RISE",
    "TARGET",
    "LineSearchStep",
    "Searchable",
    "line_search",
]

FALLING = 0.9  # the share of the first slope that may be left
ACCEPT_ABOVE = 0.4  # past the minimum by no more than this
TARGET = 0.2  # once a search is on, how much of the slope may be left
LOOKS = 20  # after the first
RISE = 1e-5  # relative to f: no rounding explains it


class Searchable(Protocol):
    """A function on a line."""

    @property
    def start(self) -> Any:
        """Value and slope at step 0."""

    def at(self, step: float) -> Any:
        """Value, slope and curvature at a step."""


class LineSearchStep(NamedTuple):
    """A step, and whether it is good: else no progress can be made in this precision."""

    step: float
    good: bool


def line_search(
    line: Searchable, *, first: float = 1.0, looks: int = LOOKS, falling: float = FALLING
) -> LineSearchStep:
    """Try the first step; otherwise bracket the zero of the slope and close in on it.

    The first step is good while at most the share `falling` of the first slope is left.
    """
    slope0 = line.start.slope
    if not slope0 < 0:
        return LineSearchStep(0.0, False)
    point = line.at(first)
    highest = line.start.value + RISE * abs(line.start.value)
    if -falling * -slope0 <= point.slope <= ACCEPT_ABOVE * -slope0 and point.value <= highest:
        return LineSearchStep(first, True)
    low, low_slope, high, high_slope = 0.0, slope0, math.inf, math.nan
    for _ in range(looks):
        if not math.isfinite(point.slope) or not math.isfinite(point.value):
            high, high_slope = point.step, math.nan
        elif abs(point.slope) <= TARGET * -slope0 and point.value <= highest:
            return LineSearchStep(point.step, True)
        elif point.slope < 0:
            low, low_slope = point.step, point.slope
        else:
            high, high_slope = point.step, point.slope
        point = line.at(_next(low, low_slope, high, high_slope, point))
    return LineSearchStep(low, low > 0)


def _next(low: float, low_slope: float, high: float, high_slope: float, point: Any) -> float:
    """Newton's step on the slope where curvature is known, else the secant's, kept inside."""
    if math.isfinite(point.slope) and point.curvature > 0:
        step = point.step - point.slope / point.curvature
    elif math.isfinite(high_slope):
        step = low - low_slope * (high - low) / (high_slope - low_slope)
    else:
        step = math.nan
    if math.isinf(high):
        return float(min(max(step, 1.5 * low), 10 * low)) if step > low else 3 * low
    width = high - low
    if not low + 0.05 * width < step < high - 0.05 * width:
        # nothing below has been good yet, or could be looked at: the minimum may be far nearer
        near = low == 0 or not math.isfinite(high_slope)
        step = low + (0.1 if near else 0.5) * width
    return float(step)
