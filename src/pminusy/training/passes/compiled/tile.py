"""One tile of logits of training: T (K, 64), classes first; its loss, residual and curvature.

Everything runs along the 64 rows of a tile, so that it is vectorised whatever K is. Of the rows,
whose numbers are `at`, n count; the others come out 0.
"""

# Numba infers the types of what it compiles; annotations would have no effect there.
from __future__ import annotations

import math
from typing import Any

import numpy as np

from pminusy.kernels.runtime.compilation import by_type, fast_inline, inline
from pminusy.kernels.simd.elementary import SCALE32, SCALE64, exp_reduced, log1p
from pminusy.kernels.simd.lanes import choose
from pminusy.training.passes.compiled.tile_vectors import class_maximum, class_sum, row_dot, row_sum
from pminusy.training.passes.specification import TILE

__all__ = [
    "add_targets",
    "curvature",
    "curved",
    "dot",
    "mass",
    "masses",
    "probabilities",
    "residual",
    "row_sums",
    "scratch",
]


_UNSCALE32, _UNSCALE64 = np.float32(1 / SCALE32), 1 / SCALE64


@inline
def _exp32(x: Any) -> Any:
    return exp_reduced(x, np.float32(0)) * _UNSCALE32


@inline
def _exp64(x: Any) -> Any:
    return exp_reduced(x, 0.0) * _UNSCALE64


_exp = by_type(_exp32, _exp64)
"""e^x for x ≤ 0, without the error of the argument that `elementary.exp_below` carries."""


@fast_inline
def _clear(T: Any, n: Any) -> None:
    """Only n rows count: the others become 0."""
    for k in range(T.shape[0]):
        for i in range(n, TILE):
            T[k, i] = 0


@fast_inline
def _exponentials(T: Any, m: Any) -> None:
    """T becomes e^(T − m)."""
    for k in range(T.shape[0]):
        for i in range(TILE):
            T[k, i] = _exp(T[k, i] - m[i])


@fast_inline
def scratch(T: Any) -> Any:
    """Room for what is known of each row of a tile.

    Made where it is used: the compiler then knows that no other array lies there.
    """
    kind = T.dtype
    m, s, u = np.zeros(TILE, kind), np.zeros(TILE, kind), np.zeros(TILE, kind)
    omega, own, logs = (
        np.zeros(TILE, np.float64),
        np.zeros(TILE, np.float64),
        np.zeros(TILE, np.float64),
    )
    return m, s, u, np.zeros(TILE, np.int64), omega, own, logs


@inline
def _log_sum(others: Any, e: Any) -> Any:
    """ln(others + e), where one of the terms is 1; accurate where `others` are small beside e = 1.

    Here no sum may be reordered.
    """
    return log1p(np.float64(others) + (np.float64(e) - 1.0))


@fast_inline
def residual(T: Any, y: Any, soft: Any, at: Any, n: Any, room: Any) -> Any:
    """Loss of a tile; its logits T become the residual S p − q. `room` is from `scratch`.

    `soft` is `y.soft`. Where its type is None, which the compiler knows of a parameter alone, what
    soft targets need is not compiled.
    """
    if soft is not None and soft.shape[0] > 0:
        return _residual_soft(T, y, at, n, room[0])
    K, loss, sigma = T.shape[0], 0.0, y.spread.sum()
    m, s, u, labels, omega, own, logs = room
    class_maximum(T, m)
    _targets(y, at, n, labels, omega, own)
    for i in range(TILE):
        s[i] = m[i] - T[labels[i], i]  # how far the label is below the greatest logit
    if sigma > 0.0:
        loss += _spread_loss(T, y.spread, m, omega)
    _exponentials(T, m)
    for i in range(TILE):
        u[i] = T[labels[i], i]
        T[labels[i], i] = 0
    class_sum(T, m)  # the others: summed without the label, not by subtraction
    for i in range(TILE):
        logs[i] = _log_sum(m[i], u[i])
    for i in range(TILE):
        part = omega[i] * (own[i] * (s[i] + logs[i]) + sigma * logs[i])
        loss += choose(omega[i] > 0.0, part, 0.0)
    for i in range(TILE):
        others, e = float(m[i]), float(u[i])
        inverse = omega[i] / (others + e)
        s[i] = (own[i] + sigma) * inverse
        u[i] = (sigma * e - own[i] * others) * inverse
    for k in range(K):
        for i in range(TILE):
            T[k, i] *= s[i]
    for i in range(TILE):
        T[labels[i], i] = u[i]
    if sigma > 0.0:
        for k in range(K):
            for i in range(TILE):
                T[k, i] -= omega[i] * y.spread[k]
    _clear(T, n)
    return loss


@fast_inline
def _targets(y: Any, at: Any, n: Any, labels: Any, omega: Any, own: Any) -> None:
    """Label, weight and target mass at the label of each row."""
    for i in range(n):
        c = y.labels[at[i]]
        labels[i], omega[i], own[i] = c, y.omega[at[i]], y.own[c]
    for i in range(n, TILE):
        labels[i], omega[i], own[i] = 0, 0.0, 0.0


@fast_inline
def _spread_loss(T: Any, spread: Any, m: Any, omega: Any) -> Any:
    """Loss of the target mass that all classes have."""
    loss = 0.0
    for k in range(T.shape[0]):
        if spread[k] > 0.0:
            part = 0.0
            for i in range(TILE):
                part += choose(omega[i] > 0.0, omega[i] * float(m[i] - T[k, i]), 0.0)
            loss += spread[k] * part
    return loss


@fast_inline
def _residual_soft(T: Any, y: Any, at: Any, n: Any, m: Any) -> Any:
    K, loss = T.shape[0], 0.0
    class_maximum(T, m)
    for i in range(n):
        row = at[i]
        total, least = 0.0, 0.0
        for k in range(K):
            q = y.omega[row] * (y.own[k] * y.soft[row, k] + y.spread[k])
            if q > 0.0:
                total += q
                least += q * (m[i] - T[k, i])
        e = 0.0
        for k in range(K):
            T[k, i] = _exp(T[k, i] - m[i])
            e += T[k, i]
        loss += least + total * math.log(e)
        scale = total / e
        for k in range(K):
            q = y.omega[row] * (y.own[k] * y.soft[row, k] + y.spread[k])
            T[k, i] = scale * T[k, i] - q
    _clear(T, n)
    return loss


@fast_inline
def add_targets(T: Any, y: Any, at: Any, n: Any) -> None:
    """Residuals S p − q become S p."""
    _add_own(T, y, y.soft, at, n)
    for k in range(T.shape[0]):
        if y.spread[k] > 0.0:
            for i in range(n):
                T[k, i] += y.omega[at[i]] * y.spread[k]


@fast_inline
def _add_own(T: Any, y: Any, soft: Any, at: Any, n: Any) -> None:
    for i in range(n):
        row = at[i]
        if soft is not None and soft.shape[0] > 0:
            for k in range(T.shape[0]):
                T[k, i] += y.omega[row] * y.own[k] * soft[row, k]
        else:
            T[y.labels[row], i] += y.omega[row] * y.own[y.labels[row]]


@fast_inline
def mass(y: Any, row: Any) -> Any:
    """S, the total target mass of a row."""
    return y.omega[row] * (_own(y, y.soft, row) + y.spread.sum())


@fast_inline
def _own(y: Any, soft: Any, row: Any) -> Any:
    """Target mass of a row that is not spread over all classes, before its weight ω."""
    if soft is not None and soft.shape[0] > 0:
        total = 0.0
        for k in range(y.own.size):
            total += y.own[k] * soft[row, k]
        return total
    return y.own[y.labels[row]]


@fast_inline
def masses(y: Any, at: Any, n: Any, s: Any) -> None:
    """S, the total target mass of each row."""
    sigma = y.spread.sum()
    for i in range(n):
        row = at[i]
        s[i] = y.omega[row] * (sigma + _own(y, y.soft, row))
    for i in range(n, TILE):
        s[i] = 0


@fast_inline
def probabilities(T: Any, m: Any, s: Any) -> None:
    """Logits T become probabilities."""
    class_maximum(T, m)
    _exponentials(T, m)
    class_sum(T, s)
    for i in range(TILE):
        s[i] = 1 / s[i]
    for k in range(T.shape[0]):
        for i in range(TILE):
            T[k, i] *= s[i]


@fast_inline
def row_sums(T: Any, out: Any) -> None:
    """Add the sum over the rows to `out` (K,)."""
    for k in range(T.shape[0]):
        out[k] += row_sum(T, k)


@fast_inline
def dot(R: Any, A: Any) -> Any:
    """Sum of R ∘ A over the rows."""
    total = 0.0
    for k in range(R.shape[0]):
        total += row_dot(R, A, k)
    return total


@fast_inline
def curved(T: Any, A: Any, y: Any, at: Any, n: Any, room: Any) -> None:
    """Logits T become S (p ∘ a − p (p·a)) for the directions A."""
    K, m, s = T.shape[0], room[0], room[1]
    probabilities(T, m, s)
    m[:] = 0
    for k in range(K):
        for i in range(TILE):
            m[i] += T[k, i] * A[k, i]
    masses(y, at, n, s)
    for k in range(K):
        for i in range(TILE):
            T[k, i] *= s[i] * (A[k, i] - m[i])
    _clear(T, n)


@fast_inline
def curvature(T: Any, y: Any, at: Any, n: Any, room: Any) -> None:
    """Logits T become S p (1 − p)."""
    m, s = room[0], room[1]
    probabilities(T, m, s)
    masses(y, at, n, s)
    for k in range(T.shape[0]):
        for i in range(TILE):
            T[k, i] = s[i] * (T[k, i] * (1 - T[k, i]))
    _clear(T, n)
