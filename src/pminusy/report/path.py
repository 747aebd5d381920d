"""Score and weights against C: the two plots of a cross-validation, as geometry.

C is logarithmic across. An infinite C has no place there and stands in the table alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from pminusy.present.axes import Tick, log_ticks, padded, round_ticks, scale
from pminusy.present.numbers import number, tick
from pminusy.present.sanitise import cleaned, cut
from pminusy.report.data import PathValue

__all__ = ["LinePlot", "PlotLine", "names_apart", "score_plot", "weight_plot"]

WIDTH, HEIGHT = 560.0, 300.0
CLASSES = 8
_NAME = 40  # characters of a name in what is said of a point
_LABEL_GAP = 16.0  # between the names of two lines that end close to each other


@dataclass(frozen=True, slots=True)
class PlotLine:
    """One quantity by C: points, bars (x, from, to), and where its name stands."""

    name: str
    points: list[tuple[float, float]]
    bars: list[tuple[float, float, float]]
    label_y: float
    readings: list[tuple[float, float, str]] = field(default_factory=list)

    @property
    def path(self) -> str:
        """The points as the `d` of an SVG path."""
        return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in self.points)


@dataclass(frozen=True, slots=True)
class LinePlot:
    """Lines over a common axis, and where the chosen C is (None where it is infinite)."""

    width: float
    height: float
    left: float
    right: float
    top: float
    bottom: float
    lines: list[PlotLine]
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    chosen: float | None

    @property
    def readings(self) -> list[tuple[float, float, str]]:
        """Place and text of every point, by C."""
        return sorted(reading for line in self.lines for reading in line.readings)


def score_plot(path: Sequence[PathValue], chosen: PathValue) -> LinePlot | None:
    """Log loss of held-out folds by C, a line for each share of L1; None with nothing to draw."""
    drawn = [value for value in path if math.isfinite(value.C)]
    ratios = sorted({value.l1_ratio for value in drawn})
    names = [f"L1 ratio {ratio:g}" if len(ratios) > 1 else "" for ratio in ratios]
    low = min((value.log_loss - value.error for value in drawn), default=0.0)
    high = max((value.log_loss + value.error for value in drawn), default=0.0)
    room = 0.06 * (high - low) or 0.05 * abs(high) or 1.0
    low, high = low - room, high + room
    frame = _frame(drawn, chosen, 110.0 if names[1:] else 14.0)
    if frame is None:
        return None
    plot, x = frame
    y = scale(low, high, plot.bottom, plot.top)
    lines = [
        PlotLine(
            name,
            [(x(v.C), y(v.log_loss)) for v in drawn if v.l1_ratio == ratio],
            [
                (x(v.C), y(v.log_loss - v.error), y(v.log_loss + v.error))
                for v in drawn
                if v.l1_ratio == ratio
            ],
            0.0,
            [
                _reading(
                    x(v.C),
                    y(v.log_loss),
                    v.C,
                    f"{name + ', ' if name else ''}log loss {number(v.log_loss)}, standard error "
                    f"{number(v.error)}",
                )
                for v in drawn
                if v.l1_ratio == ratio
            ],
        )
        for name, ratio in zip(names, ratios, strict=True)
    ]
    ticks = [Tick(y(t), tick(t)) for t in round_ticks(low, high)]
    return replace(plot, lines=names_apart(lines), y_ticks=ticks)


def weight_plot(
    path: Sequence[PathValue], chosen: PathValue, names: Sequence[str]
) -> LinePlot | None:
    """Largest |weight| of each class by C at the chosen share of L1, on a logarithmic scale."""
    drawn = [v for v in path if math.isfinite(v.C) and v.l1_ratio == chosen.l1_ratio]
    frame = _frame(drawn, chosen, 130.0)
    sizes = [size for value in drawn for size in value.largest if size > 0]
    if frame is None or not sizes:
        return None
    plot, x = frame
    low, high = padded(min(sizes), max(sizes))
    y = scale(math.log10(low), math.log10(high), plot.bottom, plot.top)
    shown = sorted(range(len(names)), key=lambda k: -chosen.largest[k])[:CLASSES]
    lines = []
    for k in shown:
        points = [(x(v.C), y(math.log10(v.largest[k]))) for v in drawn if v.largest[k] > 0]
        if points:
            name = cut(cleaned(names[k]), _NAME)
            readings = [
                _reading(
                    x(v.C),
                    y(math.log10(v.largest[k])),
                    v.C,
                    f"{name}, largest weight {number(v.largest[k])}",
                )
                for v in drawn
                if v.largest[k] > 0
            ]
            lines.append(PlotLine(names[k], points, [], 0.0, readings))
    ticks = [Tick(y(math.log10(t)), tick(t)) for t in log_ticks(low, high)]
    return replace(plot, lines=names_apart(lines), y_ticks=ticks)


def _reading(x: float, y: float, C: float, said: str) -> tuple[float, float, str]:
    return round(x, 1), round(y, 1), f"C = {number(C)}: {said}"


def _frame(
    drawn: Sequence[PathValue], chosen: PathValue, margin: float
) -> tuple[LinePlot, Callable[[float], float]] | None:
    """An empty plot with its axis of C, and the place of a C on it."""
    values = sorted({value.C for value in drawn})
    if len(values) < 2:
        return None
    left, right, top, bottom = 76.0, WIDTH - margin, 12.0, HEIGHT - 44
    along = scale(math.log10(values[0]), math.log10(values[-1]), left + 8, right - 8)

    def x(C: float) -> float:
        return along(math.log10(C))

    ticks = [Tick(x(t), tick(t)) for t in log_ticks(values[0], values[-1])]
    at = x(chosen.C) if math.isfinite(chosen.C) else None
    return LinePlot(WIDTH, HEIGHT, left, right, top, bottom, [], ticks, [], at), x


def names_apart(lines: list[PlotLine]) -> list[PlotLine]:
    """The names of lines beside their ends, no two on each other; they stay in the plot."""
    order = sorted(range(len(lines)), key=lambda i: lines[i].points[-1][1])
    at: dict[int, float] = {}
    lowest = HEIGHT - 44 - _LABEL_GAP * (len(lines) - 1)
    for i in order:
        wanted = lines[i].points[-1][1]
        at[i] = max(wanted, *(y + _LABEL_GAP for y in at.values())) if at else min(wanted, lowest)
    overflow = max([0.0, *(y - (HEIGHT - 44) for y in at.values())])
    return [replace(line, label_y=at[i] - overflow) for i, line in enumerate(lines)]
