"""Targets and options of some rows, as the kernels take them.

Twin: `core.target_mass`. The mass q (N, K) itself is never formed.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pminusy.core.options import Options
from pminusy.core.target_mass import class_factors, counted
from pminusy.kernels.head.labels import IGNORED
from pminusy.kernels.runtime.layout import c_contiguous

__all__ = ["NOTHING", "ONE", "Mass", "mass_of"]

Array = NDArray[Any]

NOTHING = np.empty(0)
ONE = np.ones(1)
_NO_LABELS = np.empty(0, np.intp)


class Mass(NamedTuple):
    """Targets and options of some rows, as the kernels take them; twin: `core.target_mass`.

    `labels` (N,) with `IGNORED` and `NO_LABEL`, or `soft` (N, K); `rows` (N,) or (1,): each row's
    factor ω over the denominator of "mean"; it includes w at the label if the mass is `plain`,
    which is to say all at one label. `shares` are the class factors own and spread without weights.
    """

    labels: Array
    soft: Array
    rows: Array
    weight: Array
    shares: tuple[float, float]
    plain: bool

    def block(self, part: slice) -> Mass:
        """The same for some of the rows."""
        if part.start == 0 and part.stop == self.labels.shape[0]:
            return self
        return self._replace(
            labels=self.labels[part] if self.labels.size else self.labels,
            soft=c_contiguous(self.soft[part]) if self.soft.size else self.soft,
            rows=self.rows[part] if self.rows.size > 1 else self.rows,
        )

    def totals(self, K: int) -> Array:
        """S of each row (n,)."""
        n = max(self.labels.shape[0], self.soft.shape[0])
        weight = self.weight if self.weight.size else np.ones(K)
        keep, spread = self.shares
        if self.soft.size:
            own = keep * (self.soft.astype(np.float64) @ weight)
        elif self.plain:
            own = np.ones(n)
        else:
            own = keep * weight[self.labels]
        S = np.asarray(self.rows * (own + spread * weight.sum()))
        return np.where(self.labels == IGNORED, 0.0, S) if self.labels.size else S


def mass_of(y: Array, N: int, K: int, options: Options, dtype: Any) -> Mass:
    """Targets, class indices (N,) or soft (N, K), and options as the kernels take them."""
    weight = NOTHING if options.weight is None else c_contiguous(options.weight)
    omega = ONE if options.sample_weight is None else c_contiguous(options.sample_weight)
    own, spread = class_factors(options, 1.0, K)
    shares = own, 0.0 if spread is None else spread
    if y.ndim == 2:
        total = omega.sum() if omega.size == N else float(N)
        return Mass(_NO_LABELS, y, _over(total, omega, options), weight, shares, plain=False)
    labels, used = c_contiguous(y), N
    ignored = labels == options.ignore_index
    if left_out := np.count_nonzero(ignored):
        labels = np.where(ignored, IGNORED, labels)
        used -= int(left_out)
    parts = counted(omega, weight, labels if weight.size else None)
    each = parts is not ONE
    total = np.where(labels == IGNORED, 0.0, parts).sum() if each else float(used)
    plain = shares == (1.0, 0.0) and options.z_loss == 0.0
    rows = _over(total, parts if plain else omega, options)
    return Mass(labels, np.empty((0, K), dtype), rows, weight, shares, plain)


def _over(denominator: float, rows: Array, options: Options) -> Array:
    """Row factors divided by the denominator of "mean"; 0 if that is 0."""
    if options.reduction != "mean":
        return rows
    if options.num_items is not None:
        return np.asarray(rows / options.num_items)
    if rows is ONE and denominator > 0:
        return np.array([1.0 / denominator])
    return rows / denominator if denominator > 0 else np.zeros(1)
