"""What targets and options come to: target mass q.

Soft targets, label smoothing, class weights, sample weights, ignored rows, the reduction and the
base of the logarithm all act through q alone; the gradient is then S p − q with S = Σ_k q_k, and no
other file needs to know which of them were used.

    class indices   q_k = ω w_c ((1 − ε) [k = c]) + ω w_k ε / K
    soft targets    q_k = ω w_k ((1 − ε) Y_k + ε / K)

"mean" divides q by Σ ω w_c over the rows that are not ignored (class indices), by Σ ω (soft
targets); a logarithm of base B divides it by ln B.

Source: Szegedy et al. 2016 (label smoothing); the rule for "mean" is that of
`torch.nn.functional.cross_entropy`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pminusy.core.options import Options
from pminusy.core.twofold import Float64, Twofold, log_of, twofold, where

__all__ = ["TargetMass", "target_mass"]

_ROOM = 60  # weights within 2^±60 leave room for the head's own factor of 2⁵¹²


@dataclass(frozen=True, slots=True, eq=False)
class TargetMass:
    """What targets and options come to: q (N, K) and S (N,), made block by block.

    `labels` (N,) holds class indices (−1 where the row is ignored), or `soft` (N, K) the soft
    targets; `row` (N,) is each row's factor: ω, over the denominator of the reduction, over ln B.
    Mass is counted in units of 2^`exponent`, which is 1 unless the weights are astronomic.
    """

    labels: NDArray[np.intp] | None
    soft: NDArray[np.floating[Any]] | None
    row: Twofold
    weight: Float64
    label_smoothing: float
    exponent: int

    def block(self, rows: slice) -> tuple[Twofold, Twofold]:
        """Target mass q (n, K) and its total S (n, 1), in units of 2^`exponent`, of some rows."""
        q = self._class_mass(rows) if self.soft is None else self._soft_mass(rows)
        q = q * self.row[rows][:, None]
        return q, q.sum(-1, keepdims=True)

    def _class_mass(self, rows: slice) -> Twofold:
        assert self.labels is not None
        labels = self.labels[rows, None]
        Y = labels == np.arange(self.weight.size)  # (n, K)
        own = where(Y, self._keep() * self.weight, 0.0)
        if self.label_smoothing == 0.0:
            return own
        return where(labels >= 0, own + self._spread() * self.weight, 0.0)

    def _soft_mass(self, rows: slice) -> Twofold:
        assert self.soft is not None
        Y = twofold(self.soft[rows].astype(np.float64))
        if self.label_smoothing != 0.0:
            Y = Y * self._keep() + self._spread()
        return Y * self.weight

    def _keep(self) -> Twofold:
        return twofold(1.0) - self.label_smoothing

    def _spread(self) -> Twofold:
        return twofold(self.label_smoothing) / float(self.weight.size)


def target_mass(y: NDArray[Any], N: int, K: int, options: Options) -> TargetMass:
    """Turn targets and options into target mass.

    Parameters
    ----------
    y
        Class indices (N,), integer, or soft targets (N, K), floating.
    N, K
        Number of rows and of classes.
    options
        The options of the loss.

    Returns
    -------
    TargetMass
        q and S for any block of rows; `q = 0` in ignored rows, and everywhere if the denominator
        of "mean" is 0.
    """
    weight, a = _in_reach(np.ones(K) if options.weight is None else options.weight)
    omega, b = _in_reach(np.ones(N) if options.sample_weight is None else options.sample_weight)
    row = twofold(omega)
    if y.ndim == 2:
        labels, counted = None, row
        soft, c = _in_reach(y)
    else:
        labels = np.where(y == options.ignore_index, -1, y).astype(np.intp)
        counted = where(labels >= 0, row * weight[labels], 0.0)  # (N,)
        soft, c = None, 0
    exponent = a + b + c
    if options.reduction == "mean":
        denominator = counted.sum(0)
        empty = denominator.hi == 0.0
        row = where(empty, 0.0, row / where(empty, 1.0, denominator))
        exponent -= b if labels is None else a + b
    if options.log_base is not None:
        row = row / log_of(float(options.log_base))
    return TargetMass(labels, soft, row, weight, options.label_smoothing, exponent)


def _in_reach(weights: NDArray[Any]) -> tuple[NDArray[Any], int]:
    """Weights over 2^n, and n: 0 unless the largest is astronomic."""
    largest = int(np.frexp(weights.max(initial=0.0))[1])
    n = largest - min(max(largest, -_ROOM), _ROOM)
    return (np.ldexp(weights, -n), n) if n else (weights, 0)
