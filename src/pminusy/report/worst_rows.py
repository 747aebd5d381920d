"""The worst-predicted rows: gradient by class, contributions by feature.

The logits of two classes w and c differ by Σ_d (W_wd − W_cd) x_d + b_w − b_c, one term a feature: a
positive term favours w, a negative one c.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from pminusy.present.numbers import Real
from pminusy.report.data import WorstRow
from pminusy.report.probabilities import complement, exponential, probability
from pminusy.report.weights import largest

__all__ = ["ClassGap", "Contribution", "RowDetails", "rival", "row_details"]

Array = NDArray[Any]
CLASSES = 8
FEATURES = 8
CELLS = 18


@dataclass(frozen=True, slots=True)
class ClassGap:
    """p, y and the gap p − y of one class (k) or of several together (k is None)."""

    k: int | None
    p: Real
    y: int
    gap: Real


@dataclass(frozen=True, slots=True)
class Contribution:
    """What feature d adds to the difference of the logits, z_rival − z_true.

    `depth` is its size over that of the largest: the length of its bar.
    """

    d: int
    x: float
    difference: float
    depth: float


@dataclass(frozen=True, slots=True, eq=False)
class RowDetails:
    """Everything the page shows of one of the worst-predicted rows."""

    row: int
    cells: tuple[tuple[str, str], ...]
    cells_left: int
    true: int
    rival: int
    p_true: Real
    p_rival: Real
    right: bool
    norm: Real
    lines: list[ClassGap]
    classes_left: int
    contributions: list[Contribution]
    features_left: int
    rest: float
    bias: float
    total: float
    held_out: bool | None = None


def rival(p: Array, y: int) -> int:
    """The most probable class other than the true one; p may be logarithms."""
    others = p.astype(np.float64)
    others[y] = -np.inf
    return int(others.argmax())


def row_details(row: WorstRow, b: Array, features: tuple[str, ...]) -> RowDetails:
    """What the page shows of a row, under a model with bias b (K,) and D named features."""
    p = row.p.astype(np.float64)
    log_p = _logarithms(row)
    size = log_p.copy()  # of p − y, as logarithms
    size[row.y] = complement(log_p, row.y)  # 1 − p_c without the cancellation
    other = rival(log_p, row.y)
    lines, classes_left = _lines(p, log_p, size, row.y, other)
    contributions = row.contributions[other].astype(np.float64) - row.contributions[row.y]  # (D,)
    beside = b if row.rest is None else row.rest
    bias = float(beside[other]) - float(beside[row.y])
    shown = [d for d in largest(np.abs(contributions), FEATURES) if contributions[d] != 0]
    left = np.setdiff1d(np.flatnonzero(contributions), shown)
    top = float(np.abs(contributions).max(initial=0.0)) or 1.0
    return RowDetails(
        row=row.row,
        cells=_cells(row.cells, [features[d] for d in shown]),
        cells_left=max(len(row.cells) - CELLS, 0),
        true=row.y,
        rival=other,
        p_true=probability(log_p, row.y),
        p_rival=probability(log_p, other),
        right=(int(p.argmax()) if row.said is None else row.said) == row.y,
        norm=exponential(0.5 * float(logsumexp(2 * size))),
        lines=lines,
        classes_left=classes_left,
        contributions=[
            Contribution(d, float(row.x[d]), float(contributions[d]), float(contributions[d]) / top)
            for d in shown
        ],
        features_left=left.size,
        rest=float(contributions[left].sum()),
        bias=bias,
        total=float(contributions.sum()) + bias,
        held_out=row.held_out,
    )


def _cells(cells: tuple[tuple[str, str], ...], features: list[str]) -> tuple[tuple[str, str], ...]:
    """The cells that fit, in the order of the table; those of the largest contributions first.

    A feature's name begins with that of the column it was made from.
    """
    if len(cells) <= CELLS:
        return cells
    beginnings = {feature[:end] for feature in features for end in range(1, len(feature) + 1)}
    behind = [column in beginnings for column, _ in cells]
    kept = sorted(range(len(cells)), key=lambda i: not behind[i])[:CELLS]
    return tuple(cells[i] for i in sorted(kept))


def _logarithms(row: WorstRow) -> Array:
    if row.log_p is not None:
        return row.log_p.astype(np.float64)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(row.p.astype(np.float64)))


def _lines(
    p: Array, log_p: Array, size: Array, true: int, other: int
) -> tuple[list[ClassGap], int]:
    """The true class, then the others by probability; those that do not fit as one line."""
    order = largest(log_p, log_p.size, keep=(true, other))
    if len(order) <= CLASSES + 1:
        shown, left = order, []
    else:
        shown, left = order[:CLASSES], order[CLASSES:]
    lines = []
    for k in shown:
        value = -float(np.delete(p, k).sum()) if k == true else float(p[k])
        sign = 0 if size[k] == -np.inf else -1 if k == true else 1
        p_k = probability(log_p, k)  # exactly 0 or 1 where the difference is exactly 1 or 0
        gap = Real(value, size[k], sign=sign, exact=p_k.exact)
        lines.append(ClassGap(k, p_k, int(k == true), gap))
    if left:
        together = exponential(float(logsumexp(log_p[left])))
        lines.append(ClassGap(None, together, 0, together))
    return lines, len(left)
