"""The plots of the page as geometry, in the units of their view box; the templates draw them.

They are drawn here and not by a plotting library so that they take their colours from the style
sheet (light, dark, print), carry their text as text, and weigh a few kilobytes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pminusy.present.axes import Tick, log_ticks, padded, scale, whole_ticks
from pminusy.present.numbers import number, tick
from pminusy.report.predictions import Bin

__all__ = ["Curve", "Dot", "ReliabilityDiagram", "curve", "reliability_diagram"]

Array = NDArray[Any]
POINTS = 400  # of a curve: more than the pixels it is drawn on would not be seen


@dataclass(frozen=True, slots=True)
class Curve:
    """One quantity by iteration on a logarithmic scale; `points` is empty if none is above 0.

    `readings` are its points with what is said of them.
    """

    width: float
    height: float
    left: float
    bottom: float
    points: list[tuple[float, float]]
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    first: float
    last: float
    left_out: int
    readings: list[tuple[float, float, str]] = field(default_factory=list)

    @property
    def path(self) -> str:
        """The points as the `d` of an SVG path."""
        return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in self.points)


def curve(values: Array, width: float = 520, height: float = 210) -> Curve:
    """Geometry of values (iterations,) by iteration, the first iteration being 1."""
    left, right, top, bottom = 76.0, width - 14, 12.0, height - 26
    values = values.astype(np.float64)
    drawable = np.flatnonzero(np.isfinite(values) & (values > 0))
    first, last = (float(values[0]), float(values[-1])) if values.size else (math.nan, math.nan)
    if not drawable.size:
        return Curve(width, height, left, bottom, [], [], [], first, last, values.size)
    low, high = padded(float(values[drawable].min()), float(values[drawable].max()))
    x = scale(1.0, max(values.size, 2), left, right)
    y = scale(math.log10(low), math.log10(high), bottom, top)
    kept = drawable[_thinned(drawable.size)]
    return Curve(
        width,
        height,
        left,
        bottom,
        [(x(i + 1), y(math.log10(values[i]))) for i in kept.tolist()],
        [Tick(x(t), f"{t:,}") for t in whole_ticks(values.size)],
        [Tick(y(math.log10(t)), tick(t)) for t in log_ticks(low, high)],
        first,
        last,
        values.size - drawable.size,
        [
            (round(x(i + 1), 1), round(y(math.log10(values[i])), 1), _reading(i, values[i]))
            for i in kept.tolist()
        ],
    )


def _reading(i: int, value: float) -> str:
    return f"iteration {i + 1:,}: {number(value)}"


def _thinned(n: int) -> NDArray[np.intp]:
    """At most POINTS of n positions, evenly spread, the first and the last among them."""
    return np.unique(np.linspace(0, n - 1, min(n, POINTS)).round().astype(np.intp))


@dataclass(frozen=True, slots=True)
class Dot:
    """One bin of the reliability diagram and the bar of its count below it."""

    bin: Bin
    x: float
    y: float
    lower: float
    upper: float
    bar_x: float
    bar_y: float
    bar_width: float
    bar_height: float


@dataclass(frozen=True, slots=True)
class ReliabilityDiagram:
    """Geometry of the reliability diagram: a square above, counts below on the same axis."""

    left: float
    right: float
    top: float
    bottom: float
    floor: float
    dots: list[Dot]
    x_ticks: list[Tick]
    y_ticks: list[Tick]

    @property
    def readings(self) -> list[tuple[float, float, str]]:
        """Place and text of each bin, for the script."""
        return [
            (
                round(dot.x, 1),
                round(dot.y, 1),
                f"{dot.bin.low:.1f} – {dot.bin.high:.1f}: {dot.bin.count:,} rows, confidence "
                f"{number(dot.bin.confidence)}, right {number(dot.bin.accuracy)}",
            )
            for dot in self.dots
        ]


def reliability_diagram(bins: list[Bin]) -> ReliabilityDiagram:
    """Geometry of share right against confidence, with the count of rows of each bin."""
    left, right, top, bottom, floor = 56.0, 416.0, 12.0, 372.0, 462.0
    x, y = scale(0.0, 1.0, left, right), scale(0.0, 1.0, bottom, top)
    most = max((group.count for group in bins), default=1)
    bar = scale(0.0, most, 0.0, 60.0)
    dots = [
        Dot(
            group,
            x(group.confidence),
            y(group.accuracy),
            y(group.lower),
            y(group.upper),
            x(group.low) + 2,
            floor - bar(group.count),
            x(group.high) - x(group.low) - 4,
            bar(group.count),
        )
        for group in bins
    ]
    fifths = [i / 5 for i in range(6)]
    x_ticks = [Tick(x(t), f"{t:.1f}") for t in fifths]
    y_ticks = [Tick(y(t), f"{t:.1f}") for t in fifths]
    return ReliabilityDiagram(left, right, top, bottom, floor, dots, x_ticks, y_ticks)
