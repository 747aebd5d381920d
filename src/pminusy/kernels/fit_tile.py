"""One tile of logits of training: T (K, 64), classes first; its loss, residual and curvature.

Everything runs along the 64 rows of a tile, so that it is vectorised whatever K is. Of the rows,
whose numbers are `at`, n count; the others come out 0.
"""

# Numba infers the types of what it compiles; annotations would have no effect there.
from __future__ import annotations

import math
from typing import Any

import numpy as np

from pminusy.core.passes import TILE
from pminusy.kernels.compiled import by_type, fast_jit, inline
from pminusy.kernels.elementary import SCALE32, SCALE64, exp_reduced

__all__ = ["curvature", "curved", "dot", "mass", "probabilities", "residual", "row_sums"]


_UNSCALE32, _UNSCALE64 = np.float32(1 / SCALE32), 1 / SCALE64


@inline
def _exp32(x: Any) -> Any:
    return exp_reduced(x, np.float32(0)) * _UNSCALE32


@inline
def _exp64(x: Any) -> Any:
    return exp_reduced(x, 0.0) * _UNSCALE64


_exp = by_type(_exp32, _exp64)
"""e^x for x ≤ 0, without the error of the argument that `elementary.exp_below` carries."""


@fast_jit
def _maximum(T: Any, m: Any) -> None:
    """Greatest logit of each row."""
    for i in range(TILE):
        m[i] = T[0, i]
    for k in range(1, T.shape[0]):
        for i in range(TILE):
            m[i] = max(m[i], T[k, i])


@fast_jit
def _exponentials(T: Any, m: Any) -> None:
    """T becomes e^(T − m)."""
    for k in range(T.shape[0]):
        for i in range(TILE):
            T[k, i] = _exp(T[k, i] - m[i])


@fast_jit
def _sums(T: Any, s: Any) -> None:
    """Sum over the classes, for each row."""
    for i in range(TILE):
        s[i] = 0
    for k in range(T.shape[0]):
        for i in range(TILE):
            s[i] += T[k, i]


@fast_jit
def residual(T: Any, y: Any, at: Any, n: Any, m: Any, s: Any, u: Any) -> Any:
    """Loss of a tile; its logits T become the residual S p − q. `m`, `s`, `u` are scratch."""
    if y.soft.shape[0] > 0:
        return _residual_soft(T, y, at, n, m, s)
    return _residual_labels(T, y, at, n, m, s, u)


@fast_jit
def _residual_labels(T: Any, y: Any, at: Any, n: Any, m: Any, s: Any, u: Any) -> Any:
    K, loss, sigma = T.shape[0], 0.0, y.spread.sum()
    _maximum(T, m)
    for i in range(n):
        row = at[i]
        c, omega = y.labels[row], y.omega[row]
        s[i] = m[i] - T[c, i]  # how far the label is below the greatest logit
        if sigma > 0.0:
            for k in range(K):
                loss += omega * y.spread[k] * (m[i] - T[k, i])
    _exponentials(T, m)
    for i in range(n):
        c = y.labels[at[i]]
        u[i] = T[c, i]
        T[c, i] = 0
        m[i] = s[i]
    for i in range(n, TILE):
        u[i] = 1
        m[i] = 0
    _sums(T, s)  # the others: summed without the label, not by subtraction
    for i in range(n):
        row = at[i]
        c, omega = y.labels[row], y.omega[row]
        own, others, e = y.own[c], float(s[i]), float(u[i])
        log_s = math.log1p(others) if m[i] == 0 else math.log(others + e)
        if omega > 0.0:
            loss += omega * (own * (m[i] + log_s) + sigma * log_s)
        inverse = omega / (others + e)
        s[i] = (own + sigma) * inverse
        u[i] = (sigma * e - own * others) * inverse
    for i in range(n, TILE):
        s[i] = 0
    for k in range(K):
        for i in range(TILE):
            T[k, i] *= s[i]
    for i in range(n):
        T[y.labels[at[i]], i] = u[i]
    if sigma > 0.0:
        for i in range(n):
            omega = y.omega[at[i]]
            for k in range(K):
                T[k, i] -= omega * y.spread[k]
    return loss


@fast_jit
def _residual_soft(T: Any, y: Any, at: Any, n: Any, m: Any, s: Any) -> Any:
    K, loss = T.shape[0], 0.0
    _maximum(T, m)
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
    for k in range(K):
        for i in range(n, TILE):
            T[k, i] = 0
    return loss


@fast_jit
def mass(y: Any, row: Any) -> Any:
    """S, the total target mass of a row."""
    if y.soft.shape[0] == 0:
        return y.omega[row] * (y.own[y.labels[row]] + y.spread.sum())
    total = 0.0
    for k in range(y.own.size):
        total += y.own[k] * y.soft[row, k] + y.spread[k]
    return y.omega[row] * total


@fast_jit
def probabilities(T: Any, m: Any, s: Any) -> None:
    """Logits T become probabilities."""
    _maximum(T, m)
    _exponentials(T, m)
    _sums(T, s)
    for i in range(TILE):
        s[i] = 1 / s[i]
    for k in range(T.shape[0]):
        for i in range(TILE):
            T[k, i] *= s[i]


@fast_jit
def row_sums(T: Any, n: Any, out: Any) -> None:
    """Add the sum over the n rows to `out` (K,)."""
    for k in range(T.shape[0]):
        total = T.dtype.type(0)
        for i in range(n):
            total += T[k, i]
        out[k] += total


@fast_jit
def dot(R: Any, A: Any, n: Any) -> Any:
    """Sum of R ∘ A over the n rows."""
    total = 0.0
    for k in range(R.shape[0]):
        part = R.dtype.type(0)
        for i in range(n):
            part += R[k, i] * A[k, i]
        total += part
    return total


@fast_jit
def curved(T: Any, A: Any, y: Any, at: Any, n: Any, m: Any, s: Any) -> None:
    """Logits T become S (p ∘ a − p (p·a)) for the directions A."""
    K = T.shape[0]
    probabilities(T, m, s)
    m[:] = 0
    for k in range(K):
        for i in range(TILE):
            m[i] += T[k, i] * A[k, i]
    _masses(y, at, n, s)
    for k in range(K):
        for i in range(TILE):
            T[k, i] *= s[i] * (A[k, i] - m[i])


@fast_jit
def curvature(T: Any, y: Any, at: Any, n: Any, m: Any, s: Any) -> None:
    """Logits T become S p (1 − p)."""
    probabilities(T, m, s)
    _masses(y, at, n, s)
    for k in range(T.shape[0]):
        for i in range(TILE):
            T[k, i] = s[i] * (T[k, i] * (1 - T[k, i]))


@fast_jit
def _masses(y: Any, at: Any, n: Any, s: Any) -> None:
    for i in range(n):
        s[i] = mass(y, at[i])
    for i in range(n, TILE):
        s[i] = 0
