"""Curves of a network by epoch: losses, and the norm of each layer's gradient; as geometry."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pminusy.present.axes import Tick, log_ticks, padded, scale, whole_ticks
from pminusy.present.numbers import number, tick
from pminusy.report.path import HEIGHT, WIDTH, LinePlot, PlotLine, names_apart

__all__ = ["LINES", "epoch_plot"]

LINES = 8
POINTS = 200  # of a line: more than the pixels it is drawn on would not be seen

Array = NDArray[Any]


def epoch_plot(series: Sequence[tuple[str, Array]], best: int | None = None) -> LinePlot | None:
    """A line for each named series (epochs,), logarithmic upwards; None with nothing above 0.

    `best` is the epoch that is marked, from 1.
    """
    drawn = [
        (name, np.flatnonzero(np.isfinite(values) & (values > 0)), values)
        for name, values in series[:LINES]
    ]
    drawn = [(name, kept, values) for name, kept, values in drawn if kept.size]
    if not drawn:
        return None
    epochs = max(values.size for _, _, values in drawn)
    low, high = padded(
        min(float(values[kept].min()) for _, kept, values in drawn),
        max(float(values[kept].max()) for _, kept, values in drawn),
    )
    left, right, top, bottom = 76.0, WIDTH - 110.0, 12.0, HEIGHT - 44
    x = scale(1.0, max(epochs, 2), left + 8, right - 8)
    y = scale(math.log10(low), math.log10(high), bottom, top)
    lines = []
    for name, kept, values in drawn:
        few = kept[np.unique(np.linspace(0, kept.size - 1, POINTS).round().astype(np.intp))]
        places = [(x(i + 1), y(math.log10(values[i]))) for i in few.tolist()]
        readings = [
            (round(a, 1), round(b, 1), f"epoch {i + 1:,}: {name} {number(values[i])}")
            for (a, b), i in zip(places, few.tolist(), strict=True)
        ]
        lines.append(PlotLine(name, places, [], 0.0, readings))
    return LinePlot(
        WIDTH, HEIGHT, left, right, top, bottom, names_apart(lines),
        [Tick(x(t), f"{t:,}") for t in whole_ticks(epochs)],
        [Tick(y(math.log10(t)), tick(t)) for t in log_ticks(low, high)],
        None if best is None else x(best),
    )  # fmt: skip
