"""Fast passes of training: `specification` in Numba, one serial call a thread, no lock held.

Same functions, same arguments, same meaning as the twin in `specification`; read that first.
`row_products` and `few_features` have the products with X, `tile` what is done to logits; here
tiles are visited, X being read from memory once a pass. Sums run in the arithmetic type over 1,024
rows (more where W is large) and in float64 beyond; in the arithmetic type alone, if G has the type
and shape of W and whole vectors.

Training precision: a few units in the last place of the arithmetic type, not the promise of
`kernels.head.cpu`; certificates are evaluated with float64 arithmetic.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pminusy.kernels.runtime.compilation import fast_inline, fast_jit
from pminusy.training.passes.compiled import tile
from pminusy.training.passes.compiled.few_features import lay_out, room, sum_columns, typed
from pminusy.training.passes.compiled.row_products import backward, forward
from pminusy.training.passes.specification import PADDING, TILE, Csr

__all__ = [
    "curvature",
    "equal_rows",
    "fingerprints",
    "gradient",
    "hvp",
    "moments",
    "point",
    "restriction",
    "step",
]

# Ways to reach the logits of a tile, and what becomes of them
_POINT, _GRADIENT, _STEP, _HVP, _CURVATURE = range(5)


def point(X: Any, y: Any, W: Any, b: Any, rows: Any, tiles: Any, Z: Any, G: Any, g: Any) -> float:
    """Loss at logits X W + b, and its gradient; the logits are kept in Z if it has room."""
    return _pass(_POINT, X, y, W, b, W, b, rows, tiles, Z, Z, 0.0, G, g)[0]


def step(
    X: Any, y: Any, V: Any, v: Any, rows: Any, tiles: Any, Z: Any, A: Any, G: Any, g: Any
) -> tuple[float, float]:
    """Logits A along a direction, kept; loss, slope and gradient at Z + A."""
    return _pass(_STEP, X, y, V, v, V, v, rows, tiles, Z, A, 0.0, G, g)


def gradient(
    X: Any, y: Any, rows: Any, tiles: Any, Z: Any, A: Any, step: Any, G: Any, g: Any
) -> float:
    """Z becomes Z + step · A; loss and gradient there."""
    shape = (G.shape[0], -(-G.shape[1] // PADDING) * PADDING) if isinstance(X, Csr) else G.shape
    none, zero = np.empty(shape, Z.dtype), np.zeros(Z.shape[1], Z.dtype)
    return _pass(_GRADIENT, X, y, none, zero, none, zero, rows, tiles, Z, A, step, G, g)[0]


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
    _pass(_HVP, X, y, W, b, V, v, rows, tiles, Z, Z, 0.0, G, g)


def curvature(
    X: Any, y: Any, W: Any, b: Any, rows: Any, tiles: Any, Z: Any, G: Any, g: Any
) -> None:
    """Diagonal of the Hessian: g[k] = Σ S p (1 − p), and with x² where G has room for it."""
    _pass(_CURVATURE, X, y, W, b, W, b, rows, tiles, Z, Z, 0.0, G, g)


def _pass(
    way: int,
    X: Any,
    y: Any,
    W: Any,
    b: Any,
    V: Any,
    v: Any,
    rows: Any,
    tiles: Any,
    Z: Any,
    A: Any,
    step: Any,
    G: Any,
    g: Any,
) -> tuple[float, float]:
    """Visit tiles one of five ways, with X and y in types that leave out what is not needed."""
    given = typed(X, W), _targets(y), W, b, V, v, rows, tiles, Z, A, step
    loss, slope = _visit(way, *given, *_sums(X, G, W), g)
    return float(loss), float(slope)


def _targets(y: Any) -> Any:
    """Targets whose type says that none is soft, where none is."""
    return y if y.soft.shape[0] > 0 else y._replace(soft=None)


def _sums(X: Any, G: Any, W: Any) -> tuple[Any, Any]:
    """Where a pass adds, and where that is emptied into now and then: G if it is like W."""
    columns = W.shape[1] if isinstance(X, Csr) else sum_columns(W.shape[1], W.itemsize)
    like = G.dtype == W.dtype and G.shape == W.shape and G.flags.c_contiguous
    if like and columns == W.shape[1]:
        return G, np.empty((0, 0))
    return np.zeros((G.shape[0], columns), W.dtype), G


@fast_jit
def _visit(
    way: Any,
    X: Any,
    y: Any,
    W: Any,
    b: Any,
    V: Any,
    v: Any,
    rows: Any,
    tiles: Any,
    Z: Any,
    A: Any,
    step: Any,
    partial: Any,
    G: Any,
    g: Any,
) -> Any:
    """Visit tiles one of five ways; returns loss and slope, adds to `partial` or G, and g."""
    K, loss, slope, kept = b.size, 0.0, 0.0, Z.shape[0] > 0
    T, B = np.zeros((K, TILE), W.dtype), np.zeros((K, TILE), W.dtype)
    scratch, at = tile.scratch(T), np.zeros(TILE, np.int64)
    P, F = room(X, W)
    products = partial.size > 0
    every = max(16, partial.size >> 14)
    first = 0 if way == _POINT or (way >= _HVP and not kept) else 1  # X W + b, where it is not kept
    last = 2 if _STEP <= way <= _HVP else 1  # and X V + v
    for t in range(tiles[0], tiles[1]):
        n = rows_of(rows, t, at)
        lay_out(X, at, n, P)
        for product in range(first, last):  # one call to inline: compiled twice, it costs twice
            out = T if product == 0 else (A[t] if way == _STEP else B)
            weights, bias = (W, b) if product == 0 else (V, v)
            forward(X, weights, bias, at, n, P, F, out)
        if _GRADIENT <= way <= _STEP:
            _moved(Z[t], A[t], Z.dtype.type(1 if way == _STEP else step), T)
        elif first > 0:
            _copy(Z[t], T)
        if way == _GRADIENT:
            _copy(T, Z[t])
        if way <= _STEP:
            if way == _POINT and kept:
                _copy(T, Z[t])
            loss += tile.residual(T, y, y.soft, at, n, scratch)
            if way == _STEP:
                slope += tile.dot(T, A[t])
        elif way == _HVP:
            tile.curved(T, B, y, at, n, scratch)
        else:
            tile.curvature(T, y, at, n, scratch)
        tile.row_sums(T, g)
        if products:
            backward(X, T, at, n, P, partial, way == _CURVATURE)
            if G.size > 0 and t % every == every - 1:
                flush(partial, G)
    if G.size > 0:
        flush(partial, G)
    return loss, slope


def restriction(
    y: Any, rows: Any, tiles: Any, Z: Any, A: Any, step: Any
) -> tuple[float, float, float]:
    """Loss, slope and curvature along A at Z + step · A: no product with X."""
    loss, slope, curve = _restriction(_targets(y), rows, tiles, Z, A, step)
    return float(loss), float(slope), float(curve)


@fast_jit
def _restriction(y: Any, rows: Any, tiles: Any, Z: Any, A: Any, step: Any) -> Any:
    K, loss, slope, curve = Z.shape[1], 0.0, 0.0, 0.0
    T = np.zeros((K, TILE), Z.dtype)
    scratch = tile.scratch(T)
    first, second, S = np.zeros(TILE, Z.dtype), np.zeros(TILE, Z.dtype), np.zeros(TILE, Z.dtype)
    at = np.zeros(TILE, np.int64)
    for t in range(tiles[0], tiles[1]):
        n, a = rows_of(rows, t, at), A[t]
        _moved(Z[t], a, Z.dtype.type(step), T)
        loss += tile.residual(T, y, y.soft, at, n, scratch)
        slope += tile.dot(T, a)
        tile.add_targets(T, y, at, n)
        tile.masses(y, at, n, S)
        first[:] = 0
        second[:] = 0
        for k in range(K):
            for i in range(TILE):
                pa = T[k, i] * a[k, i]
                first[i] += pa
                second[i] += pa * a[k, i]
        for i in range(n):
            if S[i] > 0:
                curve += max(second[i] - first[i] * (first[i] / S[i]), 0.0)
    return loss, slope, curve


@fast_inline
def rows_of(rows: Any, t: Any, at: Any) -> Any:
    """Number the rows of tile t; returns how many there are."""
    n = min(TILE, rows.number - t * TILE)
    for i in range(n):
        at[i] = rows.offset + (t * TILE + i) * rows.stride
    if rows.chosen.size:
        for i in range(n):
            at[i] = rows.chosen[at[i]]
    return n


@fast_inline
def _copy(Z: Any, out: Any) -> None:
    for k in range(Z.shape[0]):
        for i in range(TILE):
            out[k, i] = Z[k, i]


@fast_inline
def _moved(Z: Any, A: Any, step: Any, out: Any) -> None:
    """`out` = Z + step · A."""
    for k in range(Z.shape[0]):
        for i in range(TILE):
            out[k, i] = Z[k, i] + step * A[k, i]


@fast_inline
def flush(G: Any, total: Any) -> None:
    """Add to the float64 sums, which have no padding, and begin again."""
    for j in range(total.shape[0]):
        for k in range(total.shape[1]):
            total[j, k] += G[j, k]
        for k in range(G.shape[1]):
            G[j, k] = 0


def moments(X: Any, omega: Any, rows: Any, tiles: Any, total: Any, square: Any) -> None:
    """Weighted sums of every feature and of its square."""
    if isinstance(X, Csr):
        _moments_sparse(X.data, X.indices, X.indptr, omega, rows, tiles, total, square)
    else:
        _moments_dense(X, omega, rows, tiles, total, square)


@fast_jit
def _moments_dense(X: Any, omega: Any, rows: Any, tiles: Any, total: Any, square: Any) -> None:
    at = np.zeros(TILE, np.int64)
    for t in range(tiles[0], tiles[1]):
        for i in range(rows_of(rows, t, at)):
            weight = omega[at[i]]
            for d in range(X.shape[1]):
                x = float(X[at[i], d])
                total[d] += weight * x
                square[d] += weight * (x * x)


@fast_jit
def _moments_sparse(
    data: Any, indices: Any, indptr: Any, omega: Any, rows: Any, tiles: Any, total: Any, square: Any
) -> None:
    at = np.zeros(TILE, np.int64)
    for t in range(tiles[0], tiles[1]):
        for i in range(rows_of(rows, t, at)):
            weight = omega[at[i]]
            for e in range(indptr[at[i]], indptr[at[i] + 1]):
                x = float(data[e])
                total[indices[e]] += weight * x
                square[indices[e]] += weight * (x * x)


@fast_jit
def fingerprints(X: Any, factors: Any, out: Any) -> None:
    """Σ_d bits(x_d) · factor_d modulo 2⁶⁴ of every row of unsigned integers X (N, D).

    The bits of a round number end in zeros, which a product would hand on: the first bits of a
    float are mixed into the last.
    """
    for i in range(X.shape[0]):
        total = np.uint64(0)
        for d in range(X.shape[1]):
            x = np.uint64(X[i, d])
            x ^= (x >> np.uint64(23)) ^ (x >> np.uint64(52))
            total += x * factors[d]
        out[i] = total


@fast_jit
def equal_rows(X: Any, first: Any, second: Any, out: Any) -> None:
    """Whether rows first[i] and second[i] of X are the same, entry by entry."""
    for i in range(first.size):
        same = True
        for d in range(X.shape[1]):
            same &= X[first[i], d] == X[second[i], d]
        out[i] = same
