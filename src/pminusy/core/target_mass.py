"""What targets and options come to: target mass q.

Soft targets, label smoothing, class weights, sample weights, ignored rows, the reduction and the
base of the logarithm all act through q alone; the gradient is then S p − q with S = Σ_k q_k, and no
other file needs to know which of them were used.

    class indices   q_k = ω w_c ((1 − ε) [k = c]) + ω w_k ε / K
    soft targets    q_k = ω w_k ((1 − ε) Y_k + ε / K)

"mean" divides q by Σ ω w_c over the rows that are not ignored (class indices), by Σ ω (soft
targets), or by the number of items that is given; a logarithm of base B divides it by ln B.

The three formulas are `class_factors`, `row_mass` and `counted`. They take numbers of any kind:
NumPy's and Twofold here, those of training, torch's tensors, the decimals of a derivation.

Source: Szegedy et al. 2016 (label smoothing); the rule for "mean" is that of
`torch.nn.functional.cross_entropy`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pminusy.core.options import Options
from pminusy.core.twofold import Twofold, log_of, twofold, where

__all__ = ["ClassFactors", "TargetMass", "class_factors", "counted", "row_mass", "target_mass"]

_ROOM = 60  # weights within 2^±60 leave room for the head's own factor of 2⁵¹²


class ClassFactors(NamedTuple):
    """What the options make of one unit of a row's target at class k, and of every row there.

    Numbers or arrays (K,): `own` is (1 − ε) w_k, and `spread` is ε w_k / K, or None without
    smoothing.
    """

    own: Any
    spread: Any


def class_factors(
    options: Any, weight: Any, K: int, number: Callable[[float], Any] | None = None
) -> ClassFactors:
    """The options of the loss as factors of classes; `weight` is (K,), or 1 for no weights.

    `number` makes a number of the kind wanted of ε; without it, ε stays as it is.
    """
    epsilon = options.label_smoothing
    if epsilon == 0.0:
        return ClassFactors(weight, None)
    if number is not None:
        epsilon = number(epsilon)
    return ClassFactors(weight * (1 - epsilon), weight * (epsilon / K))


def row_mass(Y: Any, row: Any, own: Any, spread: Any) -> Any:
    """Target mass of rows with targets Y (…, K): row (own Y + spread).

    `row` is each row's ω, 0 where it is ignored, or None where all are 1.
    """
    q = own * Y if spread is None else own * Y + spread
    return q if row is None else row * q


def counted(row: Any, weight: Any, labels: Any) -> Any:
    """What rows count in the denominator of "mean": ω w_c at labels (N,), ω if these are None."""
    return row if labels is None else row * weight[labels]


@dataclass(frozen=True, slots=True, eq=False)
class TargetMass:
    """What targets and options come to: q (N, K) and S (N,), made block by block.

    `labels` (N,) holds class indices (−1 where the row is ignored), or `soft` (N, K) the soft
    targets; `row` (N,) is each row's factor, 0 where it is ignored: ω, over the denominator of the
    reduction, over ln B.
    Mass is counted in units of 2^`exponent`, which is 1 unless the weights are astronomic.
    """

    labels: NDArray[np.intp] | None
    soft: NDArray[np.floating[Any]] | None
    row: Twofold
    factors: ClassFactors
    exponent: int

    def block(self, rows: slice) -> TargetMass:
        """The same for some of the rows."""
        return replace(
            self,
            labels=None if self.labels is None else self.labels[rows],
            soft=None if self.soft is None else self.soft[rows],
            row=self.row[rows],
        )

    def q_and_S(self, rows: slice) -> tuple[Twofold, Twofold]:
        """Target mass q (n, K) and its total S (n, 1), in units of 2^`exponent`, of some rows."""
        Y: Any
        if self.soft is None:
            assert self.labels is not None
            Y = self.labels[rows, None] == np.arange(self.factors.own.shape[0])  # (n, K)
        else:
            Y = twofold(self.soft[rows].astype(np.float64))
        q: Twofold = row_mass(Y, self.row[rows][:, None], *self.factors)
        return q, q.sum(-1, keepdims=True)


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
    if y.ndim == 2:
        labels, row = None, twofold(omega)
        soft, c = _in_reach(y)
    else:
        labels = np.where(y == options.ignore_index, -1, y).astype(np.intp)
        row = twofold(np.where(labels >= 0, omega, 0.0))
        soft, c = None, 0
    exponent = a + b + c
    if options.num_items is not None:
        mantissa, power = math.frexp(options.num_items)
        row, exponent = row / mantissa, exponent - power
    elif options.reduction == "mean":
        denominator = counted(row, weight, labels).sum(0)
        empty = denominator.hi == 0.0
        row = where(empty, 0.0, row / where(empty, 1.0, denominator))
        exponent -= b if labels is None else a + b
    if options.log_base is not None:
        row = row / log_of(float(options.log_base))
    factors = class_factors(options, twofold(weight), K, twofold)
    return TargetMass(labels, soft, row, factors, exponent)


def _in_reach(weights: NDArray[Any]) -> tuple[NDArray[Any], int]:
    """Weights over 2^n, and n: 0 unless the largest is astronomic."""
    largest = int(np.frexp(weights.max(initial=0.0))[1])
    n = largest - min(max(largest, -_ROOM), _ROOM)
    return (np.ldexp(weights, -n), n) if n else (weights, 0)
