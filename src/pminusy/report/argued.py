"""A row the model argues with: what it says of each class, and which features push hardest.

The logits of two classes w and c differ by Σ_d (W_wd − W_cd) x_d + b_w − b_c, one term a feature: a
positive term pushes towards w, a negative one towards c.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pminusy.report.data import ArguedRow
from pminusy.report.weights import largest

__all__ = ["Argument", "ClassLine", "Push", "argument", "rival"]

Array = NDArray[Any]
CLASSES = 8
FEATURES = 8
CELLS = 18


@dataclass(frozen=True, slots=True)
class ClassLine:
    """p, y and p − y of one class (k) or of several together (k is None)."""

    k: int | None
    p: float
    y: int
    gap: float


@dataclass(frozen=True, slots=True)
class Push:
    """What one feature adds to the logit difference z_rival − z_true, and its share of the bar."""

    d: int
    x: float
    difference: float
    depth: float


@dataclass(frozen=True, slots=True, eq=False)
class Argument:
    """Everything the page shows of one argued row."""

    row: int
    cells: tuple[tuple[str, str], ...]
    cells_left: int
    true: int
    rival: int
    p_true: float
    p_rival: float
    right: bool
    norm: float
    lines: list[ClassLine]
    classes_left: int
    pushes: list[Push]
    features_left: int
    rest: float
    bias: float
    total: float


def rival(p: Array, y: int) -> int:
    """The most probable class other than the true one."""
    others = p.astype(np.float64)
    others[y] = -np.inf
    return int(others.argmax())


def argument(row: ArguedRow, b: Array, features: tuple[str, ...]) -> Argument:
    """What the page shows of a row, under a model with bias b (K,) and D named features."""
    p = row.p.astype(np.float64)
    gap = p.copy()
    gap[row.y] = -np.delete(p, row.y).sum()  # p_c − 1 without the cancellation
    other = rival(p, row.y)
    lines, classes_left = _lines(p, gap, row.y, other)
    pushes = row.pushes[other].astype(np.float64) - row.pushes[row.y]  # (D,)
    bias = float(b[other]) - float(b[row.y])
    shown = [d for d in largest(np.abs(pushes), FEATURES) if pushes[d] != 0]
    left = np.setdiff1d(np.flatnonzero(pushes), shown)
    top = float(np.abs(pushes).max(initial=0.0)) or 1.0
    return Argument(
        row=row.row,
        cells=_cells(row.cells, [features[d] for d in shown]),
        cells_left=max(len(row.cells) - CELLS, 0),
        true=row.y,
        rival=other,
        p_true=float(p[row.y]),
        p_rival=float(p[other]),
        right=bool(p.argmax() == row.y),
        norm=float(np.linalg.norm(gap)),
        lines=lines,
        classes_left=classes_left,
        pushes=[Push(d, float(row.x[d]), float(pushes[d]), float(pushes[d]) / top) for d in shown],
        features_left=left.size,
        rest=float(pushes[left].sum()),
        bias=bias,
        total=float(pushes.sum()) + bias,
    )


def _cells(cells: tuple[tuple[str, str], ...], pushing: list[str]) -> tuple[tuple[str, str], ...]:
    """The cells that fit, in the order of the table; those behind the hardest pushes come before.

    A feature's name begins with that of the column it was made from.
    """
    if len(cells) <= CELLS:
        return cells
    behind = [any(feature.startswith(column) for feature in pushing) for column, _ in cells]
    kept = sorted(range(len(cells)), key=lambda i: not behind[i])[:CELLS]
    return tuple(cells[i] for i in sorted(kept))


def _lines(p: Array, gap: Array, true: int, other: int) -> tuple[list[ClassLine], int]:
    """The true class, then the others by probability; those that do not fit as one line."""
    order = largest(p, p.size, keep=(true, other))
    if len(order) <= CLASSES + 1:
        shown, left = order, []
    else:
        shown, left = order[:CLASSES], order[CLASSES:]
    lines = [ClassLine(k, float(p[k]), int(k == true), float(gap[k])) for k in shown]
    if left:
        together = float(p[left].sum())
        lines.append(ClassLine(None, together, 0, together))
    return lines, len(left)
