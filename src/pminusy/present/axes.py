"""Axes of plots: the marks that fit a range, and where a value lies on the page."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Tick", "log_ticks", "padded", "round_ticks", "scale", "whole_ticks"]


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis: where, and what it says."""

    at: float
    label: str


def padded(low: float, high: float) -> tuple[float, float]:
    """Limits a little apart from the values, in the logarithm; values all equal get a factor 2."""
    room = 0.05 * (math.log10(high) - math.log10(low)) or math.log10(2)
    return low / 10**room or low, min(high * 10**room, 1e308)


def scale(low: float, high: float, start: float, end: float) -> Callable[[float], float]:
    """The straight line that takes `low` to `start` and `high` to `end`."""
    return lambda value: start + (value - low) / (high - low) * (end - start)


def log_ticks(low: float, high: float) -> list[float]:
    """Powers of ten in [low, high], at most six; in a narrow range 1, 2, 5; else the middle."""
    first, last = math.ceil(math.log10(low)), math.floor(math.log10(high))
    if last - first >= 1:
        step = math.ceil((last - first + 1) / 6)
        return [10.0**e for e in range(first, last + 1, step)]
    fine = [m * 10.0**e for e in range(first - 1, last + 2) for m in (1, 2, 5)]
    inside = [t for t in fine if low <= t <= high]
    return inside if len(inside) >= 2 else round_ticks(low, high)


def round_ticks(low: float, high: float) -> list[float]:
    """About four round numbers in [low, high], for ranges far narrower than a factor of ten."""
    step = 10.0 ** math.floor(math.log10(high - low))
    step *= next(m for m in (0.2, 0.5, 1, 2, 5) if (high - low) / (step * m) <= 5)
    return [i * step for i in range(math.ceil(low / step), math.floor(high / step) + 1)]


def whole_ticks(n: int) -> list[int]:
    """Iterations to mark: 1, round numbers, never more than seven."""
    step = next(m * 10**e for e in range(12) for m in (1, 2, 5) if n <= 6 * m * 10**e)
    return [1, *(t for t in range(step, n + 1, step) if t > 1)]
