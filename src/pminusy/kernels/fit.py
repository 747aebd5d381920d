"""Fast passes of training: `core.passes` in Numba, one serial call a thread, no lock held.

Same functions, same arguments, same meaning as the twin in `core.passes`; read that file first.
What is done here and not there:

- Products run in register tiles of 4 rows × 5 classes over the features, which LLVM vectorises for
  the processor at hand; 64 rows stay in the second-level cache between the forward and the backward
  product, so X is read from memory once a pass.
- Everything on logits runs along the 64 rows of a tile, so that it is vectorised whatever K is;
  the exponential is a polynomial because the library's would be called once an element.
- X is read in its own type and converted in registers: integer or float32 data never gets a wider
  copy. The type of W is the type of the arithmetic.
- Sums run in the arithmetic type over 1,024 rows and in float64 beyond.

Training precision: a few units in the last place of the arithmetic type, not the promise of
`kernels.cpu`; certificates are evaluated with float64 arithmetic.
"""

# Hand-unrolled tiles repeat themselves on purpose: LLVM keeps scalars in registers, not arrays.
from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic, overload

from pminusy.core.passes import TILE

__all__ = ["curvature", "gradient", "hvp", "moments", "point", "restriction", "step"]

_FAST = {"reassoc", "contract", "nsz", "arcp"}  # not nnan, ninf: those must show


def _compile(function: Callable[..., Any]) -> Any:
    """Compile, and keep the machine code in Numba's cache folder where one can be written to."""
    try:
        return njit(fastmath=_FAST, nogil=True, cache=True)(function)
    except RuntimeError:
        return njit(fastmath=_FAST, nogil=True)(function)


# The exponential ---------------------------------------------------------------------------------


@intrinsic
def _float32_of(_context: Any, bits: Any) -> Any:
    """The float32 with these 32 bits."""

    def generate(_c: Any, builder: Any, _s: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.FloatType())

    return types.float32(types.int32), generate


@intrinsic
def _float64_of(_context: Any, bits: Any) -> Any:
    """The float64 with these 64 bits."""

    def generate(_c: Any, builder: Any, _s: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.DoubleType())

    return types.float64(types.int64), generate


# Numba passes the first argument itself, which type checkers cannot know.
_as_float32: Any = _float32_of
_as_float64: Any = _float64_of


def _exp(x: Any) -> Any:
    """e^x for x ≤ 0; the library's where Numba does not compile this."""
    return math.exp(x)


@overload(_exp)
def _exp_overload(x: Any) -> Any:
    """Range reduction x = n ln 2 + r, a polynomial in r, 2ⁿ by its bits; tiny below the range."""
    return _exp_float32 if x == types.float32 else _exp_float64


def _exp_float32(x: Any) -> Any:
    f = np.float32
    x = max(x, f(-87.0))
    n = np.floor(x * f(1.4426950408889634) + f(0.5))
    r = (x - n * f(0.693359375)) + n * f(2.12194440e-4)
    y = f(1.9875691500e-4)
    y = y * r + f(1.3981999507e-3)
    y = y * r + f(8.3334519073e-3)
    y = y * r + f(4.1665795894e-2)
    y = y * r + f(1.6666665459e-1)
    y = y * r + f(0.5)
    y = y * r * r + r + f(1.0)
    return y * _as_float32((np.int32(n) + np.int32(127)) << np.int32(23))


def _exp_float64(x: Any) -> Any:
    x = max(x, -708.0)
    n = np.floor(x * 1.4426950408889634 + 0.5)
    r = (x - n * 6.93145751953125e-1) - n * 1.42860682030941723212e-6
    y = 1.6059043836821613e-10  # 1 / 13!, and so on down to 1
    y = y * r + 2.08767569878681e-09
    y = y * r + 2.505210838544172e-08
    y = y * r + 2.755731922398589e-07
    y = y * r + 2.7557319223985893e-06
    y = y * r + 2.48015873015873e-05
    y = y * r + 1.984126984126984e-04
    y = y * r + 1.388888888888889e-03
    y = y * r + 8.333333333333333e-03
    y = y * r + 4.1666666666666664e-02
    y = y * r + 1.6666666666666666e-01
    y = y * r + 0.5
    y = y * r * r + r + 1.0
    return y * _as_float64((np.int64(n) + np.int64(1023)) << np.int64(52))


# Products with a tile of rows --------------------------------------------------------------------


def _forward(X: Any, W: Any, b: Any, r0: int, stride: int, n: int, T: Any) -> None:
    """T (K, 64) = W · the n rows r0, r0 + stride, … of X, + b."""
    raise NotImplementedError("only inside compiled functions")


@overload(_forward)
def _forward_overload(X: Any, W: Any, b: Any, r0: Any, stride: Any, n: Any, T: Any) -> Any:
    return _forward_dense if isinstance(X, types.Array) else _forward_sparse


def _forward_dense(X: Any, W: Any, b: Any, r0: Any, stride: Any, n: Any, T: Any) -> Any:
    return _dense_products(X, W, b, r0, stride, n, T)


def _forward_sparse(X: Any, W: Any, b: Any, r0: Any, stride: Any, n: Any, T: Any) -> Any:
    return _sparse_products(X.data, X.indices, X.indptr, W, b, r0, stride, n, T)


@_compile
def _dense_products(X: Any, W: Any, b: Any, r0: Any, stride: Any, n: Any, T: Any) -> None:
    K, D = W.shape
    zero = W.dtype.type(0)
    n4, K5 = n - n % 4, K - K % 5
    for k in range(0, K5, 5):
        for i in range(0, n4, 4):
            i0 = r0 + i * stride
            i1, i2, i3 = i0 + stride, i0 + 2 * stride, i0 + 3 * stride
            a0 = a1 = a2 = a3 = c0 = c1 = c2 = c3 = d0 = d1 = d2 = d3 = zero
            e0 = e1 = e2 = e3 = g0 = g1 = g2 = g3 = zero
            for d in range(D):
                x0, x1, x2, x3 = X[i0, d], X[i1, d], X[i2, d], X[i3, d]
                w = W[k, d]
                a0 += w * x0
                a1 += w * x1
                a2 += w * x2
                a3 += w * x3
                w = W[k + 1, d]
                c0 += w * x0
                c1 += w * x1
                c2 += w * x2
                c3 += w * x3
                w = W[k + 2, d]
                d0 += w * x0
                d1 += w * x1
                d2 += w * x2
                d3 += w * x3
                w = W[k + 3, d]
                e0 += w * x0
                e1 += w * x1
                e2 += w * x2
                e3 += w * x3
                w = W[k + 4, d]
                g0 += w * x0
                g1 += w * x1
                g2 += w * x2
                g3 += w * x3
            T[k, i], T[k, i + 1], T[k, i + 2], T[k, i + 3] = a0, a1, a2, a3
            T[k + 1, i], T[k + 1, i + 1], T[k + 1, i + 2], T[k + 1, i + 3] = c0, c1, c2, c3
            T[k + 2, i], T[k + 2, i + 1], T[k + 2, i + 2], T[k + 2, i + 3] = d0, d1, d2, d3
            T[k + 3, i], T[k + 3, i + 1], T[k + 3, i + 2], T[k + 3, i + 3] = e0, e1, e2, e3
            T[k + 4, i], T[k + 4, i + 1], T[k + 4, i + 2], T[k + 4, i + 3] = g0, g1, g2, g3
    for k in range(K5, K):
        for i in range(0, n4, 4):
            i0 = r0 + i * stride
            i1, i2, i3 = i0 + stride, i0 + 2 * stride, i0 + 3 * stride
            a0 = a1 = a2 = a3 = zero
            for d in range(D):
                w = W[k, d]
                a0 += w * X[i0, d]
                a1 += w * X[i1, d]
                a2 += w * X[i2, d]
                a3 += w * X[i3, d]
            T[k, i], T[k, i + 1], T[k, i + 2], T[k, i + 3] = a0, a1, a2, a3
    for i in range(n4, n):
        i0 = r0 + i * stride
        for k in range(K):
            a = zero
            for d in range(D):
                a += W[k, d] * X[i0, d]
            T[k, i] = a
    for k in range(K):
        for i in range(n):
            T[k, i] += b[k]


@_compile
def _sparse_products(
    data: Any, indices: Any, indptr: Any, W: Any, b: Any, r0: Any, stride: Any, n: Any, T: Any
) -> None:
    K = b.size
    z = np.empty_like(b)
    for i in range(n):
        row = r0 + i * stride
        for k in range(K):
            z[k] = b[k]
        for e in range(indptr[row], indptr[row + 1]):
            x = z.dtype.type(data[e])
            j = indices[e]
            for k in range(K):
                z[k] += x * W[j, k]
        for k in range(K):
            T[k, i] = z[k]


def _backward(X: Any, R: Any, r0: int, stride: int, n: int, G: Any) -> None:
    """G += R (K, 64) times the n rows."""
    raise NotImplementedError("only inside compiled functions")


@overload(_backward)
def _backward_overload(X: Any, R: Any, r0: Any, stride: Any, n: Any, G: Any) -> Any:
    return _backward_dense if isinstance(X, types.Array) else _backward_sparse


def _backward_dense(X: Any, R: Any, r0: Any, stride: Any, n: Any, G: Any) -> Any:
    return _dense_outer(X, R, r0, stride, n, G)


def _backward_sparse(X: Any, R: Any, r0: Any, stride: Any, n: Any, G: Any) -> Any:
    return _sparse_outer(X.data, X.indices, X.indptr, R, r0, stride, n, G)


@_compile
def _dense_outer(X: Any, R: Any, r0: Any, stride: Any, n: Any, G: Any) -> None:
    K, D = G.shape
    n4, K5 = n - n % 4, K - K % 5
    for k in range(0, K5, 5):
        for i in range(0, n4, 4):
            i0 = r0 + i * stride
            i1, i2, i3 = i0 + stride, i0 + 2 * stride, i0 + 3 * stride
            a0, a1, a2, a3 = R[k, i], R[k, i + 1], R[k, i + 2], R[k, i + 3]
            c0, c1, c2, c3 = R[k + 1, i], R[k + 1, i + 1], R[k + 1, i + 2], R[k + 1, i + 3]
            d0, d1, d2, d3 = R[k + 2, i], R[k + 2, i + 1], R[k + 2, i + 2], R[k + 2, i + 3]
            e0, e1, e2, e3 = R[k + 3, i], R[k + 3, i + 1], R[k + 3, i + 2], R[k + 3, i + 3]
            g0, g1, g2, g3 = R[k + 4, i], R[k + 4, i + 1], R[k + 4, i + 2], R[k + 4, i + 3]
            for d in range(D):
                x0, x1, x2, x3 = X[i0, d], X[i1, d], X[i2, d], X[i3, d]
                G[k, d] += a0 * x0 + a1 * x1 + a2 * x2 + a3 * x3
                G[k + 1, d] += c0 * x0 + c1 * x1 + c2 * x2 + c3 * x3
                G[k + 2, d] += d0 * x0 + d1 * x1 + d2 * x2 + d3 * x3
                G[k + 3, d] += e0 * x0 + e1 * x1 + e2 * x2 + e3 * x3
                G[k + 4, d] += g0 * x0 + g1 * x1 + g2 * x2 + g3 * x3
    for k in range(K5, K):
        for i in range(0, n4, 4):
            i0 = r0 + i * stride
            i1, i2, i3 = i0 + stride, i0 + 2 * stride, i0 + 3 * stride
            a0, a1, a2, a3 = R[k, i], R[k, i + 1], R[k, i + 2], R[k, i + 3]
            for d in range(D):
                G[k, d] += a0 * X[i0, d] + a1 * X[i1, d] + a2 * X[i2, d] + a3 * X[i3, d]
    for i in range(n4, n):
        i0 = r0 + i * stride
        for k in range(K):
            a0 = R[k, i]
            for d in range(D):
                G[k, d] += a0 * X[i0, d]


@_compile
def _sparse_outer(
    data: Any, indices: Any, indptr: Any, R: Any, r0: Any, stride: Any, n: Any, G: Any
) -> None:
    K = R.shape[0]
    r = np.empty(K, R.dtype)
    for i in range(n):
        row = r0 + i * stride
        for k in range(K):
            r[k] = R[k, i]
        for e in range(indptr[row], indptr[row + 1]):
            x = r.dtype.type(data[e])
            j = indices[e]
            for k in range(K):
                G[j, k] += x * r[k]


def _backward_square(X: Any, R: Any, r0: int, stride: int, n: int, G: Any) -> None:
    """G += R (K, 64) times the squares of the n rows."""
    raise NotImplementedError("only inside compiled functions")


@overload(_backward_square)
def _backward_square_overload(X: Any, R: Any, r0: Any, stride: Any, n: Any, G: Any) -> Any:
    return _square_dense if isinstance(X, types.Array) else _square_sparse


def _square_dense(X: Any, R: Any, r0: Any, stride: Any, n: Any, G: Any) -> None:
    for k in range(R.shape[0]):
        for i in range(n):
            row, r = r0 + i * stride, R[k, i]
            for d in range(X.shape[1]):
                x = R.dtype.type(X[row, d])
                G[k, d] += r * (x * x)


def _square_sparse(X: Any, R: Any, r0: Any, stride: Any, n: Any, G: Any) -> None:
    K = R.shape[0]
    r = np.empty(K, R.dtype)
    for i in range(n):
        row = r0 + i * stride
        for k in range(K):
            r[k] = R[k, i]
        for e in range(X.indptr[row], X.indptr[row + 1]):
            x = r.dtype.type(X.data[e])
            x *= x
            j = X.indices[e]
            for k in range(K):
                G[j, k] += x * r[k]


# One tile of logits ------------------------------------------------------------------------------


@_compile
def _maximum(T: Any, m: Any) -> None:
    """Greatest logit of each row."""
    for i in range(TILE):
        m[i] = T[0, i]
    for k in range(1, T.shape[0]):
        for i in range(TILE):
            m[i] = max(m[i], T[k, i])


@_compile
def _exponentials(T: Any, m: Any) -> None:
    """T becomes e^(T − m)."""
    for k in range(T.shape[0]):
        for i in range(TILE):
            T[k, i] = _exp(T[k, i] - m[i])


@_compile
def _sums(T: Any, s: Any) -> None:
    """Sum over the classes, for each row."""
    for i in range(TILE):
        s[i] = 0
    for k in range(T.shape[0]):
        for i in range(TILE):
            s[i] += T[k, i]


@_compile
def _residual(T: Any, y: Any, r0: Any, stride: Any, n: Any, m: Any, s: Any, u: Any) -> Any:
    """Loss of a tile; its logits T become the residual S p − q. `m`, `s`, `u` are scratch."""
    if y.soft.shape[0] > 0:
        return _residual_soft(T, y, r0, stride, n, m, s)
    return _residual_labels(T, y, r0, stride, n, m, s, u)


@_compile
def _residual_labels(T: Any, y: Any, r0: Any, stride: Any, n: Any, m: Any, s: Any, u: Any) -> Any:
    K, loss, sigma = T.shape[0], 0.0, y.spread.sum()
    _maximum(T, m)
    for i in range(n):
        row = r0 + i * stride
        c, omega = y.labels[row], y.omega[row]
        s[i] = m[i] - T[c, i]  # how far the label is below the greatest logit
        if sigma > 0.0:
            for k in range(K):
                loss += omega * y.spread[k] * (m[i] - T[k, i])
    _exponentials(T, m)
    for i in range(n):
        c = y.labels[r0 + i * stride]
        u[i] = T[c, i]
        T[c, i] = 0
        m[i] = s[i]
    for i in range(n, TILE):
        u[i] = 1
        m[i] = 0
    _sums(T, s)  # the others: summed without the label, not by subtraction
    for i in range(n):
        row = r0 + i * stride
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
        T[y.labels[r0 + i * stride], i] = u[i]
    if sigma > 0.0:
        for i in range(n):
            omega = y.omega[r0 + i * stride]
            for k in range(K):
                T[k, i] -= omega * y.spread[k]
    return loss


@_compile
def _residual_soft(T: Any, y: Any, r0: Any, stride: Any, n: Any, m: Any, s: Any) -> Any:
    K, loss = T.shape[0], 0.0
    _maximum(T, m)
    for i in range(n):
        row = r0 + i * stride
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


@_compile
def _mass(y: Any, row: Any) -> Any:
    """S, the total target mass of a row."""
    if y.soft.shape[0] == 0:
        return y.omega[row] * (y.own[y.labels[row]] + y.spread.sum())
    total = 0.0
    for k in range(y.own.size):
        total += y.own[k] * y.soft[row, k] + y.spread[k]
    return y.omega[row] * total


@_compile
def _probabilities(T: Any, m: Any, s: Any) -> None:
    """Logits T become probabilities."""
    _maximum(T, m)
    _exponentials(T, m)
    _sums(T, s)
    for i in range(TILE):
        s[i] = 1 / s[i]
    for k in range(T.shape[0]):
        for i in range(TILE):
            T[k, i] *= s[i]


@_compile
def _flush_period(size: Any) -> Any:
    """Tiles between two additions to the float64 sums: 16, more where the sums are large."""
    return max(16, size >> 14)


@_compile
def _flush(G: Any, total: Any) -> None:
    """Add to the float64 sums and begin again."""
    for j in range(G.shape[0]):
        for k in range(G.shape[1]):
            total[j, k] += G[j, k]
            G[j, k] = 0


@_compile
def _row_sums(T: Any, n: Any, out: Any) -> None:
    for k in range(T.shape[0]):
        total = T.dtype.type(0)
        for i in range(n):
            total += T[k, i]
        out[k] += total


# Passes ------------------------------------------------------------------------------------------


@_compile
def point(X: Any, y: Any, W: Any, b: Any, rows: Any, tiles: Any, Z: Any, G: Any, g: Any) -> Any:
    """Loss at logits X W + b, and its gradient."""
    offset, stride, N = rows
    K, loss, store = b.size, 0.0, Z.shape[0] > 0
    T = np.zeros((K, TILE), W.dtype)
    m, s, u = np.zeros(TILE, W.dtype), np.zeros(TILE, W.dtype), np.zeros(TILE, W.dtype)
    partial = np.zeros_like(W)
    every = _flush_period(partial.size)
    for t in range(tiles[0], tiles[1]):
        r0, n = offset + t * TILE * stride, min(TILE, N - t * TILE)
        _forward(X, W, b, r0, stride, n, T)
        if store:
            Z[t] = T
        loss += _residual(T, y, r0, stride, n, m, s, u)
        _row_sums(T, n, g)
        _backward(X, T, r0, stride, n, partial)
        if t % every == every - 1:
            _flush(partial, G)
    _flush(partial, G)
    return loss


@_compile
def step(
    X: Any, y: Any, V: Any, v: Any, rows: Any, tiles: Any, Z: Any, A: Any, G: Any, g: Any
) -> Any:
    """Logits A along a direction; loss, slope and gradient at Z + A."""
    offset, stride, N = rows
    K, loss, slope = v.size, 0.0, 0.0
    T = np.zeros((K, TILE), V.dtype)
    m, s, u = np.zeros(TILE, V.dtype), np.zeros(TILE, V.dtype), np.zeros(TILE, V.dtype)
    partial = np.zeros_like(V)
    every = _flush_period(partial.size)
    for t in range(tiles[0], tiles[1]):
        r0, n = offset + t * TILE * stride, min(TILE, N - t * TILE)
        a, z = A[t], Z[t]
        _forward(X, V, v, r0, stride, n, a)
        for k in range(K):
            for i in range(TILE):
                T[k, i] = z[k, i] + a[k, i]
        loss += _residual(T, y, r0, stride, n, m, s, u)
        slope += _dot(T, a, n)
        _row_sums(T, n, g)
        _backward(X, T, r0, stride, n, partial)
        if t % every == every - 1:
            _flush(partial, G)
    _flush(partial, G)
    return loss, slope


@_compile
def _dot(R: Any, A: Any, n: Any) -> Any:
    total = 0.0
    for k in range(R.shape[0]):
        part = R.dtype.type(0)
        for i in range(n):
            part += R[k, i] * A[k, i]
        total += part
    return total


@_compile
def gradient(
    X: Any, y: Any, rows: Any, tiles: Any, Z: Any, A: Any, step: Any, G: Any, g: Any
) -> Any:
    """Z becomes Z + step · A; loss and gradient there."""
    offset, stride, N = rows
    K, loss = Z.shape[1], 0.0
    T = np.zeros((K, TILE), Z.dtype)
    m, s, u = np.zeros(TILE, Z.dtype), np.zeros(TILE, Z.dtype), np.zeros(TILE, Z.dtype)
    partial = np.zeros(G.shape, Z.dtype)
    every = _flush_period(partial.size)
    t_step = Z.dtype.type(step)
    for t in range(tiles[0], tiles[1]):
        r0, n = offset + t * TILE * stride, min(TILE, N - t * TILE)
        a, z = A[t], Z[t]
        for k in range(K):
            for i in range(TILE):
                z[k, i] += t_step * a[k, i]
                T[k, i] = z[k, i]
        loss += _residual(T, y, r0, stride, n, m, s, u)
        _row_sums(T, n, g)
        _backward(X, T, r0, stride, n, partial)
        if t % every == every - 1:
            _flush(partial, G)
    _flush(partial, G)
    return loss


@_compile
def restriction(y: Any, rows: Any, tiles: Any, Z: Any, A: Any, step: Any) -> Any:
    """Loss, slope and curvature along A at Z + step · A: no product with X."""
    offset, stride, N = rows
    K, loss, slope, curve = Z.shape[1], 0.0, 0.0, 0.0
    T = np.zeros((K, TILE), Z.dtype)
    m, s, u = np.zeros(TILE, Z.dtype), np.zeros(TILE, Z.dtype), np.zeros(TILE, Z.dtype)
    first, second = np.zeros(TILE, Z.dtype), np.zeros(TILE, Z.dtype)
    t_step = Z.dtype.type(step)
    for t in range(tiles[0], tiles[1]):
        r0, n = offset + t * TILE * stride, min(TILE, N - t * TILE)
        a, z = A[t], Z[t]
        for k in range(K):
            for i in range(TILE):
                T[k, i] = z[k, i] + t_step * a[k, i]
        _probabilities(T, m, s)
        first[:] = 0
        second[:] = 0
        for k in range(K):
            for i in range(TILE):
                pa = T[k, i] * a[k, i]
                first[i] += pa
                second[i] += pa * a[k, i]
        for i in range(n):
            curve += _mass(y, r0 + i * stride) * max(second[i] - first[i] * first[i], 0.0)
        for k in range(K):
            for i in range(TILE):
                T[k, i] = z[k, i] + t_step * a[k, i]
        loss += _residual(T, y, r0, stride, n, m, s, u)
        slope += _dot(T, a, n)
    return loss, slope, curve


@_compile
def hvp(
    X: Any,
    y: Any,
    W: Any,
    b: Any,
    V: Any,
    v: Any,
    rows: Any,
    tiles: Any,
    Z: Any,
    G: Any,
    g: Any,
) -> None:
    """Hessian times (V, v), from stored logits Z where there are any."""
    offset, stride, N = rows
    K, stored = b.size, Z.shape[0] > 0
    T, A = np.zeros((K, TILE), W.dtype), np.zeros((K, TILE), W.dtype)
    m, s = np.zeros(TILE, W.dtype), np.zeros(TILE, W.dtype)
    partial = np.zeros_like(V)
    every = _flush_period(partial.size)
    for t in range(tiles[0], tiles[1]):
        r0, n = offset + t * TILE * stride, min(TILE, N - t * TILE)
        if stored:
            T[:] = Z[t]
        else:
            _forward(X, W, b, r0, stride, n, T)
        _forward(X, V, v, r0, stride, n, A)
        _probabilities(T, m, s)
        m[:] = 0
        for k in range(K):
            for i in range(TILE):
                m[i] += T[k, i] * A[k, i]
        for i in range(n):
            s[i] = _mass(y, r0 + i * stride)
        for i in range(n, TILE):
            s[i] = 0
        for k in range(K):
            for i in range(TILE):
                A[k, i] = s[i] * T[k, i] * (A[k, i] - m[i])
        _row_sums(A, n, g)
        _backward(X, A, r0, stride, n, partial)
        if t % every == every - 1:
            _flush(partial, G)
    _flush(partial, G)


@_compile
def curvature(
    X: Any, y: Any, W: Any, b: Any, rows: Any, tiles: Any, Z: Any, G: Any, g: Any
) -> None:
    """Diagonal of the Hessian: g[k] = Σ S p (1 − p), and with x² where G has room for it."""
    offset, stride, N = rows
    K, stored = b.size, Z.shape[0] > 0
    T = np.zeros((K, TILE), W.dtype)
    m, s = np.zeros(TILE, W.dtype), np.zeros(TILE, W.dtype)
    diagonal = G.size > 0
    partial = np.zeros(G.shape, W.dtype)
    every = _flush_period(partial.size)
    for t in range(tiles[0], tiles[1]):
        r0, n = offset + t * TILE * stride, min(TILE, N - t * TILE)
        if stored:
            T[:] = Z[t]
        else:
            _forward(X, W, b, r0, stride, n, T)
        _probabilities(T, m, s)
        for i in range(n):
            s[i] = _mass(y, r0 + i * stride)
        for i in range(n, TILE):
            s[i] = 0
        for k in range(K):
            for i in range(TILE):
                T[k, i] = s[i] * (T[k, i] * (1 - T[k, i]))
        _row_sums(T, n, g)
        if diagonal:
            _backward_square(X, T, r0, stride, n, partial)
            if t % every == every - 1:
                _flush(partial, G)
    if diagonal:
        _flush(partial, G)


def moments(X: Any, omega: Any, rows: Any, tiles: Any, total: Any, square: Any) -> None:
    """Weighted sums of every feature and of its square."""
    if isinstance(X, np.ndarray):
        _moments_dense(X, omega, rows, tiles, total, square)
    else:
        _moments_sparse(X.data, X.indices, X.indptr, omega, rows, tiles, total, square)


@_compile
def _moments_dense(X: Any, omega: Any, rows: Any, tiles: Any, total: Any, square: Any) -> None:
    offset, stride, N = rows
    for i in range(tiles[0] * TILE, min(tiles[1] * TILE, N)):
        row = offset + i * stride
        weight = omega[row]
        for d in range(X.shape[1]):
            x = float(X[row, d])
            total[d] += weight * x
            square[d] += weight * (x * x)


@_compile
def _moments_sparse(
    data: Any, indices: Any, indptr: Any, omega: Any, rows: Any, tiles: Any, total: Any, square: Any
) -> None:
    offset, stride, N = rows
    for i in range(tiles[0] * TILE, min(tiles[1] * TILE, N)):
        row = offset + i * stride
        weight = omega[row]
        for e in range(indptr[row], indptr[row + 1]):
            x = float(data[e])
            total[indices[e]] += weight * x
            square[indices[e]] += weight * (x * x)
