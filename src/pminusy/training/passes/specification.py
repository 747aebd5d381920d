"""One visit of training to some rows: what a solver needs from them, in plain NumPy.

A pass runs over rows of X in tiles of 64, from `tiles[0]` to `tiles[1]`; `rows` says which rows
those are, so a sample needs no copy. Logits that are
kept between passes are kept tile by tile, classes first: Z is (tiles, K, 64), the last tile padded.

W is (K, D) beside a dense X (N, D) and (D, K) beside a sparse one, where it may have more columns
that do not count: each is read along its rows.
Losses and slopes are returned; gradients are added to `G` (like W, with or without such columns)
and `g` (K,). With
z = W x + b and the target mass q of a row, S = Σ_k q_k:

    point, step, gradient   R = S p − q               G += Rᵀ X    (three ways to reach the logits)
    restriction             Σ L, Σ R·a, Σ S (Σ_k p a² − (Σ_k p a)²)    along logits a
    hvp                     R = S (p ∘ a − p (p·a))   G += Rᵀ X
    curvature               R = S p (1 − p)           G += Rᵀ X²

The type of W (or of Z) is the type of the arithmetic. This file is the specification of the
passes; `compiled.passes` is the same, fast.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pminusy.core.softmax import plain_softmax
from pminusy.core.target_mass import row_mass

__all__ = [
    "PADDING",
    "TILE",
    "Csr",
    "RowSubset",
    "RowTargets",
    "curvature",
    "entries_of",
    "equal_rows",
    "fingerprints",
    "from_tiles",
    "gradient",
    "hvp",
    "index_of",
    "mass",
    "moments",
    "point",
    "restriction",
    "step",
]

TILE = 64  # rows
PADDING = 16  # columns of W beside sparse rows come in multiples of this: whole vectors

Array = NDArray[Any]
Tiles = tuple[int, int]


class RowSubset(NamedTuple):
    """Which rows of X a pass is over: row i is chosen[offset + i · stride], or just that number."""

    offset: int
    stride: int
    number: int
    chosen: Array = np.empty(0, np.int64)  # empty: all rows


class Csr(NamedTuple):
    """A sparse matrix, row by row."""

    data: Array
    indices: Array
    indptr: Array


class RowTargets(NamedTuple):
    """Target mass q, made row by row by `core.target_mass.row_mass`: ω (own_k Y_k + spread_k).

    Y is one-hot at `labels` (N,), or `soft` (N, K) where that has rows; `own` and `spread` are the
    class factors of the options.
    """

    labels: Array  # (N,) int32
    soft: Array  # (N, K) or (0, 0)
    omega: Array  # (N,)
    own: Array  # (K,)
    spread: Array  # (K,)


def point(
    X: Any,
    y: RowTargets,
    W: Array,
    b: Array,
    rows: RowSubset,
    tiles: Tiles,
    Z: Array,
    G: Array,
    g: Array,
) -> float:
    """Loss at logits X W + b, and its gradient; the logits are kept in Z if it has room."""
    index = index_of(rows, tiles)
    z = _products(X, W, index, b)
    if Z.shape[0]:
        Z[tiles[0] : tiles[1]] = _to_tiles(z)
    loss, R = _residual(z, y, index)
    _add_gradient(X, R, index, G, g)
    return loss


def step(
    X: Any,
    y: RowTargets,
    V: Array,
    v: Array,
    rows: RowSubset,
    tiles: Tiles,
    Z: Array,
    A: Array,
    G: Array,
    g: Array,
) -> tuple[float, float]:
    """Logits A along the direction (V, v), kept; loss, slope and gradient at Z + A."""
    index = index_of(rows, tiles)
    a = _products(X, V, index, v)
    A[tiles[0] : tiles[1]] = _to_tiles(a)
    loss, R = _residual(from_tiles(Z, rows, tiles) + a, y, index)
    _add_gradient(X, R, index, G, g)
    return loss, float(np.sum(R * a, dtype=np.float64))


def gradient(
    X: Any,
    y: RowTargets,
    rows: RowSubset,
    tiles: Tiles,
    Z: Array,
    A: Array,
    step: float,
    G: Array,
    g: Array,
) -> float:
    """Z becomes Z + step · A; loss and gradient there."""
    Z[tiles[0] : tiles[1]] += Z.dtype.type(step) * A[tiles[0] : tiles[1]]
    index = index_of(rows, tiles)
    loss, R = _residual(from_tiles(Z, rows, tiles), y, index)
    _add_gradient(X, R, index, G, g)
    return loss


def restriction(
    y: RowTargets, rows: RowSubset, tiles: Tiles, Z: Array, A: Array, step: float
) -> tuple[float, float, float]:
    """Loss, slope and curvature along A at Z + step · A: no product with X."""
    index = index_of(rows, tiles)
    a = from_tiles(A, rows, tiles)
    z = from_tiles(Z, rows, tiles) + Z.dtype.type(step) * a
    p = plain_softmax(z)[1]
    S = mass(y, index).sum(axis=1)
    mean = (p * a).sum(axis=1, keepdims=True)
    curve = float(S @ (p * (a - mean) ** 2).sum(axis=1))
    loss, R = _residual(z, y, index)
    return loss, float(np.sum(R * a, dtype=np.float64)), curve


def hvp(
    X: Any,
    y: RowTargets,
    W: Array,
    b: Array,
    V: Array,
    v: Array,
    rows: RowSubset,
    tiles: Tiles,
    Z: Array,
    G: Array,
    g: Array,
) -> None:
    """Hessian times (V, v), from stored logits Z where there are any."""
    index = index_of(rows, tiles)
    p = plain_softmax(_logits(X, W, b, rows, tiles, Z))[1]
    a = _products(X, V, index, v)
    S = mass(y, index).sum(axis=1, keepdims=True).astype(a.dtype)
    _add_gradient(X, S * (p * (a - (p * a).sum(axis=1, keepdims=True))), index, G, g)


def curvature(
    X: Any,
    y: RowTargets,
    W: Array,
    b: Array,
    rows: RowSubset,
    tiles: Tiles,
    Z: Array,
    G: Array,
    g: Array,
) -> None:
    """Diagonal of the Hessian: g[k] += Σ S p (1 − p), and with x² where G has room for it."""
    index = index_of(rows, tiles)
    p = plain_softmax(_logits(X, W, b, rows, tiles, Z))[1]
    R = mass(y, index).sum(axis=1, keepdims=True) * (p * (1 - p))
    if not G.size:
        g += R.sum(axis=0)
        return
    squares = X._replace(data=X.data**2) if isinstance(X, Csr) else X.astype(np.float64) ** 2
    _add_gradient(squares, R, index, G, g)


def moments(
    X: Any, omega: Array, rows: RowSubset, tiles: Tiles, total: Array, square: Array
) -> None:
    """Weighted sums of every feature and of its square, added to `total` and `square` (D,)."""
    index = index_of(rows, tiles)
    weight = omega[index].astype(np.float64)[:, None]
    ignored = np.zeros(1)
    _add_gradient(X, weight, index, total[:, None] if isinstance(X, Csr) else total[None], ignored)
    squares = (
        X._replace(data=X.data.astype(np.float64) ** 2)
        if isinstance(X, Csr)
        else X.astype(np.float64) ** 2
    )
    _add_gradient(
        squares, weight, index, square[:, None] if isinstance(X, Csr) else square[None], ignored
    )


def fingerprints(X: Array, factors: Array, out: Array) -> None:
    """Σ_d bits(x_d) · factor_d modulo 2⁶⁴ of every row of unsigned integers X (N, D).

    The bits of a round number end in zeros, which a product would hand on: the first bits of a
    float are mixed into the last.
    """
    x = X.astype(np.uint64)
    x ^= (x >> np.uint64(23)) ^ (x >> np.uint64(52))
    out[...] = (x * factors[: X.shape[1]]).sum(axis=1, dtype=np.uint64)


def equal_rows(X: Array, first: Array, second: Array, out: Array) -> None:
    """Whether rows first[i] and second[i] of X are the same, entry by entry."""
    out[...] = (X[first] == X[second]).all(axis=1)


def index_of(rows: RowSubset, tiles: Tiles) -> Array:
    """Where the rows of some tiles are in X."""
    within = np.arange(tiles[0] * TILE, min(tiles[1] * TILE, rows.number))
    at = rows.offset + rows.stride * within
    return rows.chosen[at] if rows.chosen.size else at


def entries_of(X: Csr, index: Array) -> tuple[Array, Array]:
    """Positions in `data` of all entries of some rows, and which of the rows each belongs to."""
    counts = X.indptr[index + 1] - X.indptr[index]
    owner = np.repeat(np.arange(index.size), counts)
    first = np.repeat(X.indptr[index] - np.cumsum(counts) + counts, counts)
    return first + np.arange(owner.size), owner


def _products(X: Any, W: Array, index: Array, b: Array) -> Array:
    if not isinstance(X, Csr):
        return np.asarray(X[index].astype(W.dtype) @ W.T) + b
    at, owner = entries_of(X, index)
    z, W = np.tile(b, (index.size, 1)), W[:, : b.size]
    np.add.at(z, owner, X.data[at, None].astype(W.dtype) * W[X.indices[at]])
    return z


def _add_gradient(X: Any, R: Array, index: Array, G: Array, g: Array) -> None:
    g += R.sum(axis=0, dtype=np.float64)
    if not isinstance(X, Csr):
        G += R.T @ X[index].astype(R.dtype)
        return
    at, owner = entries_of(X, index)
    np.add.at(G[:, : R.shape[1]], X.indices[at], X.data[at, None].astype(R.dtype) * R[owner])


def _logits(X: Any, W: Array, b: Array, rows: RowSubset, tiles: Tiles, Z: Array) -> Array:
    if Z.shape[0]:
        return from_tiles(Z, rows, tiles)
    return _products(X, W, index_of(rows, tiles), b)


def _to_tiles(z: Array) -> Array:
    count = -(-z.shape[0] // TILE)
    padded = np.zeros((count * TILE, z.shape[1]), z.dtype)
    padded[: z.shape[0]] = z
    return padded.reshape(count, TILE, -1).swapaxes(1, 2)


def from_tiles(Z: Array, rows: RowSubset, tiles: Tiles) -> Array:
    """Logits (n, K) of the rows of some tiles."""
    n = min(tiles[1] * TILE, rows.number) - tiles[0] * TILE
    return np.asarray(Z[tiles[0] : tiles[1]].swapaxes(1, 2).reshape(-1, Z.shape[1])[:n])


def mass(y: RowTargets, index: Array) -> Array:
    """Target mass q (n, K)."""
    Y = y.soft[index] if y.soft.shape[0] else y.labels[index, None] == np.arange(y.own.size)
    return np.asarray(row_mass(Y, y.omega[index, None], y.own, y.spread))


def _residual(z: Array, y: RowTargets, index: Array) -> tuple[float, Array]:
    """Summed loss Σ q (lse − z) and residual S p − q (n, K)."""
    lse, p = plain_softmax(z)
    q = mass(y, index)
    loss = float(np.sum(q * (lse - z), where=q > 0, dtype=np.float64))
    S = q.sum(axis=1, keepdims=True)
    R = S * p - q
    if not y.soft.shape[0]:  # at a label: the others summed, not 1 minus p
        here, c = np.arange(index.size), y.labels[index]
        others = p.copy()
        others[here, c] = 0
        own = y.omega[index] * y.own[c]
        rest = y.omega[index] * (y.spread.sum() * p[here, c] - y.spread[c])
        R[here, c] = rest - own * others.sum(axis=1)
    return loss, R.astype(z.dtype)
