"""A picture of one window of a convolution or a pool: what it covers, and what comes out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from pminusy.derivation.layers.context import LayerContext
from pminusy.derivation.render.pictures import svg
from pminusy.derivation.steps.step import ProvedStep
from pminusy.derivation.values.digits import as_text

__all__ = ["window_picture"]

_LONGEST = 14
_CELL = 44


def window_picture(step: ProvedStep) -> str:
    """The window of the largest output of the first row and channel; "" for any other step."""
    context = step.context
    if not isinstance(context, LayerContext) or not step.name.endswith("_forward"):
        return ""
    form = context.layer.form
    inputs, outputs = (_first(a) for a in (context.layer.inputs, context.layer.outputs))
    if not form.axes or max(*inputs.shape, *outputs.shape) > _LONGEST:
        return ""
    axes = form.axes if len(form.axes) == 2 else (None, form.axes[0])
    chosen = np.unravel_index(int(np.abs(outputs).argmax()), outputs.shape)
    spans = [
        (0, 1) if axis is None else (axis.stride * int(at) - axis.padding, axis.kernel)
        for axis, at in zip(axes, chosen, strict=True)
    ]
    edges = [0 if axis is None else axis.padding for axis in axes]
    parts = list(_grid(inputs, edges, spans, 20))
    width = 40 + (inputs.shape[1] + 2 * edges[1]) * _CELL
    parts.append(f'<text x="{width}" y="{60}" text-anchor="middle">→</text>')
    ends = [(int(at), 1) for at in chosen]
    parts += _grid(outputs, [0, 0], ends, width + 20)
    across = width + 40 + outputs.shape[1] * _CELL
    tall = max(inputs.shape[0] + 2 * edges[0], outputs.shape[0]) * _CELL
    where = ", ".join(str(int(at)) for at in chosen[2 - len(form.axes) :])
    title = f"The window of the output at {where}: row 0, channel 0; zeros around are padding"
    caption = f'<figcaption class="note">{title}.</figcaption>'
    return f"<figure>{svg(title, parts, across, tall + 40)}{caption}</figure>"


def _first(array: Any) -> Any:
    """Row 0 and channel 0, with two axes."""
    return np.atleast_2d(array[0, 0])


def _grid(array: Any, edges: list[int], spans: list[tuple[int, int]], left: float) -> Iterator[str]:
    """Cells with numbers, padding round them, and a frame round a span of them."""
    down, across = edges
    for i in range(-down, array.shape[0] + down):
        for j in range(-across, array.shape[1] + across):
            inside = 0 <= i < array.shape[0] and 0 <= j < array.shape[1]
            x, y = left + (j + across) * _CELL, 20 + (i + down) * _CELL
            covered = all(s <= at < s + n for at, (s, n) in zip((i, j), spans, strict=True))
            kind = ("cell" if inside else "padding") + (" covered" if covered else "")
            text = as_text(float(array[i, j]), 2) if inside else "0"
            yield (
                f'<rect x="{x:g}" y="{y:g}" width="{_CELL}" height="{_CELL}" class="{kind}"/>'
                f'<text x="{x + _CELL / 2:g}" y="{y + _CELL / 2 + 4:g}" text-anchor="middle" '
                f'font-size="10">{text}</text>'
            )
    (top, tall), (start, wide) = spans
    yield (
        f'<rect x="{left + (start + across) * _CELL:g}" y="{20 + (top + down) * _CELL:g}" '
        f'width="{wide * _CELL}" height="{tall * _CELL}" class="window"/>'
    )
