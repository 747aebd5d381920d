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
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pminusy.core.twofold import Float64, Twofold, log_of, twofold, where
from pminusy.errors import InputError

__all__ = ["Options", "Reduction", "TargetMass", "target_mass"]

Reduction = Literal["mean", "sum", "none"]

_ROOM = 400  # masses within 2^±400 leave room for the head's own factor of 2⁵¹²


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
        T > 0: the logits are divided by T.
    z_loss
        ζ ≥ 0: adds ζ S lse² to a row's loss.
    softcap
        κ > 0: the logits become κ tanh(u / κ), before the temperature. None for no cap.
    log_base
        Base B > 1 of the logarithm, None for e: loss and gradient are divided by ln B.
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
        _require(
            "label_smoothing", self.label_smoothing, "a number in [0, 1]", lambda v: 0 <= v <= 1
        )
        _require("temperature", self.temperature, "a finite number above 0", lambda v: v > 0)
        _require("z_loss", self.z_loss, "a finite number ≥ 0", lambda v: v >= 0)
        if self.softcap is not None:
            _require("softcap", self.softcap, "a finite number above 0", lambda v: v > 0)
        if self.log_base is not None:
            _require("log_base", self.log_base, "a finite number above 1", lambda v: v > 1)
        if self.reduction not in ("mean", "sum", "none"):
            raise InputError("reduction", '"mean", "sum" or "none"', repr(self.reduction))
        if isinstance(self.ignore_index, bool) or not isinstance(
            self.ignore_index, int | np.integer
        ):
            raise InputError("ignore_index", "an integer", repr(self.ignore_index))

    @property
    def transforms_logits(self) -> bool:
        """Whether z differs from the logits u that were given (a soft-cap or a temperature)."""
        return self.softcap is not None or self.temperature != 1.0


def _require(name: str, value: Any, expected: str, holds: Any) -> None:
    number = isinstance(value, int | float | np.integer | np.floating) and not isinstance(
        value, bool
    )
    if not number or not math.isfinite(value) or not holds(value):
        raise InputError(name, expected, repr(value))


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
    weight = np.ones(K) if options.weight is None else options.weight
    omega = np.ones(N) if options.sample_weight is None else options.sample_weight
    soft = y if y.ndim == 2 else None
    labels = None if y.ndim == 2 else np.where(y == options.ignore_index, -1, y).astype(np.intp)
    row = twofold(omega)
    if options.reduction == "mean":
        counted = np.ones(N) if labels is None else np.where(labels >= 0, weight[labels], 0.0)
        row = _shares(counted, omega)
    if options.log_base is not None:
        row = row / log_of(float(options.log_base))
    largest = _exponent(row.hi) + _exponent(weight) + (0 if soft is None else _exponent(soft))
    exponent = largest - min(max(largest, -_ROOM), _ROOM)
    row = row.ldexp(-exponent)
    return TargetMass(labels, soft, row, weight, options.label_smoothing, exponent)


def _shares(counted: Float64, omega: Float64) -> Twofold:
    """ω_i / Σ_j counted_j ω_j (N,), or 0 if that sum is 0; weights may be as large as 1e308."""
    both = (counted > 0) & (omega > 0)
    if not both.any():
        return twofold(np.zeros_like(omega))
    exponents = np.frexp(counted[both])[1] + np.frexp(omega[both])[1]
    omega = np.ldexp(omega, -exponents.max())  # a power of two cancels
    return twofold(omega) / where(both, twofold(counted) * omega, 0.0).sum(0)


def _exponent(values: NDArray[np.floating[Any]]) -> int:
    """Exponent e of the largest of some numbers ≥ 0: it is in [2^(e − 1), 2^e)."""
    return int(np.frexp(values.max(initial=0.0))[1])
