"""Every option of the loss in one frozen object, and what options turn targets into: target mass q.

Soft targets, label smoothing, class weights, sample weights, ignored rows, the reduction and the
base of the logarithm all act through q alone; the gradient is then S p − q with S = Σ_k q_k, and no
other file needs to know which of them were used.

    class indices   q_k = ω w_c ((1 − ε) [k = c]) + ω w_k ε / K
    soft targets    q_k = ω w_k ((1 − ε) Y_k + ε / K)

"mean" divides q by Σ ω w_c over the rows that are not ignored (class indices), by Σ ω (soft
targets); a logarithm of base B divides it by ln B.

Source: Szegedy et al. 2016 (label smoothing); the options and the rule for "mean" are those of
`torch.nn.functional.cross_entropy`.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pminusy.core.twofold import Float64, Twofold, log_of, twofold, where
from pminusy.errors import InputError, short_repr

__all__ = ["Options", "Reduction", "TargetMass", "first_invalid", "target_mass"]

Reduction = Literal["mean", "sum", "none"]

_ROOM = 60  # weights within 2^±60 leave room for the head's own factor of 2⁵¹²


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Options:
    """Options of the softmax cross-entropy loss; the defaults change nothing.

    Parameters
    ----------
    weight
        Class weights w, shape (K,), finite and ≥ 0.
    sample_weight
        Sample weights ω, shape (N,), finite and ≥ 0.
    ignore_index
        Class index that marks a row to be ignored: its loss and gradient are exactly 0.
    label_smoothing
        ε in [0, 1]: this share of each row's mass is spread evenly over all classes.
    reduction
        "mean", "sum" or "none".
    temperature
        T in [1e-30, 1e30]: the logits are divided by T.
    z_loss
        ζ in [0, 1e30]: adds ζ S lse² to a row's loss.
    softcap
        κ in [1e-30, 1e30]: the logits become κ tanh(u / κ), before the temperature. None: no cap.
    log_base
        Base B > 1 of the logarithm, None for e: loss and gradient are divided by ln B.

    Notes
    -----
    Weights may be of any size; one more than 1e250 times smaller than the largest may count as 0.
    """

    weight: Float64 | None = None
    sample_weight: Float64 | None = None
    ignore_index: int = -100
    label_smoothing: float = 0.0
    reduction: Reduction = "mean"
    temperature: float = 1.0
    z_loss: float = 0.0
    softcap: float | None = None
    log_base: float | None = None

    def __post_init__(self) -> None:
        """Refuse what has no meaning; array shapes are the business of whoever knows N and K."""
        invalid = first_invalid(
            self.label_smoothing,
            self.temperature,
            self.z_loss,
            self.softcap,
            self.reduction,
            self.ignore_index,
        )
        if invalid is None and self.log_base is not None:
            smallest, largest = math.nextafter(1, 2), sys.float_info.max
            if not _is_number(self.log_base, smallest, largest):
                invalid = "log_base", "a finite number above 1", self.log_base
        if invalid is not None:
            name, expected, value = invalid
            got = value.item() if isinstance(value, np.generic) else value
            raise InputError(name, expected, short_repr(got))

    @property
    def transforms_logits(self) -> bool:
        """Whether z differs from the logits u that were given (a soft-cap or a temperature)."""
        return self.softcap is not None or self.temperature != 1.0


def first_invalid(
    label_smoothing: Any,
    temperature: Any,
    z_loss: Any,
    softcap: Any,
    reduction: Any,
    ignore_index: Any,
) -> tuple[str, str, Any] | None:
    """Name, expectation and value of the first option that has no meaning, or None.

    It forms no text of values, so that `torch.compile` can trace it.
    """
    if not _is_number(label_smoothing, 0.0, 1.0):
        return "label_smoothing", "a number in [0, 1]", label_smoothing
    positive = "a number from 1e-30 to 1e30"
    if not _is_number(temperature, 1e-30, 1e30):
        return "temperature", positive, temperature
    if not _is_number(z_loss, 0.0, 1e30):
        return "z_loss", "a number from 0 to 1e30", z_loss
    if softcap is not None and not _is_number(softcap, 1e-30, 1e30):
        return "softcap", positive, softcap
    if not isinstance(reduction, str) or reduction not in ("mean", "sum", "none"):
        return "reduction", '"mean", "sum" or "none"', reduction
    whole = isinstance(ignore_index, (int, np.integer)) and not isinstance(ignore_index, bool)
    if not whole or not -(2**63) <= int(ignore_index) < 2**63:
        return "ignore_index", "an integer of 64 bits", ignore_index
    return None


def _is_number(value: Any, low: float, high: float) -> bool:
    """Whether a value is a number from `low` to `high`; NaN is in no interval."""
    number = isinstance(value, (int, float, np.integer, np.floating))
    return number and not isinstance(value, bool) and (low <= value <= high)


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
