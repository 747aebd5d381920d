"""Curvature on each row's classes of non-negligible probability: a product costs few of the K.

The curvature of a row is S (diag p − p pᵀ) ⊗ x xᵀ. Here its negligible classes are taken together
as one more class, number K, so that p still adds up to 1: `start`, `classes` and `p` hold, row by
row, the selected classes and that one. Twin: `..non_negligible`.
"""

# Numba infers the types of what it compiles; annotations would have no effect there.
from __future__ import annotations

from typing import Any

import numpy as np

from pminusy.kernels.runtime.compilation import fast_inline, fast_jit
from pminusy.training.passes.compiled import tile
from pminusy.training.passes.compiled.few_features import lay_out, room, typed
from pminusy.training.passes.compiled.passes import flush, rows_of
from pminusy.training.passes.compiled.row_products import backward, forward
from pminusy.training.passes.specification import TILE

__all__ = ["pick", "point", "times"]


@fast_jit
def pick(y: Any, rows: Any, tiles: Any, Z: Any, threshold: Any, found: Any) -> None:
    """Pick classes by kept logits Z (tiles, K, 64); see `point`."""
    T, scratch = np.zeros((Z.shape[1], TILE), Z.dtype), np.zeros((2, TILE), Z.dtype)
    at, number, place = np.zeros(TILE, np.int64), np.zeros(TILE, np.int64), np.zeros(TILE, np.int64)
    for t in range(tiles[0], tiles[1]):
        n = rows_of(rows, t, at)
        T[:] = Z[t]
        _pick(T, y, at, n, t - tiles[0], threshold, found, scratch, number, place)


def point(
    X: Any,
    y: Any,
    W: Any,
    b: Any,
    rows: Any,
    tiles: Any,
    threshold: Any,
    found: Any,
    G: Any,
    g: Any,
) -> float:
    """Loss at (W, b), its gradient, and in the same visit the selected classes of every row.

    Selected are those with p (1 − p) ≥ threshold, while there is room. `found` holds their arrays,
    for the rows of these tiles: start (rows + 1,), classes and p (room,), and the sums curvature
    and rest (K,), of S p (1 − p) over all rows and of S p over those where a class is negligible.
    """
    return float(_point(typed(X, W), y, W, b, rows, tiles, threshold, found, G, g))


@fast_jit
def _point(
    X: Any,
    y: Any,
    W: Any,
    b: Any,
    rows: Any,
    tiles: Any,
    threshold: Any,
    found: Any,
    G: Any,
    g: Any,
) -> Any:
    K, loss = b.size, 0.0
    T, p = np.zeros((K, TILE), W.dtype), np.zeros((K, TILE), W.dtype)
    work, scratch = tile.scratch(T), np.zeros((2, TILE), W.dtype)
    P, F = room(X, W)
    at, number, place = np.zeros(TILE, np.int64), np.zeros(TILE, np.int64), np.zeros(TILE, np.int64)
    partial = np.zeros((G.shape[0], max(G.shape[1], P.shape[1])), W.dtype)
    for t in range(tiles[0], tiles[1]):
        n = rows_of(rows, t, at)
        lay_out(X, at, n, P)
        forward(X, W, b, at, n, P, F, T)
        p[:] = T
        _pick(p, y, at, n, t - tiles[0], threshold, found, scratch, number, place)
        loss += tile.residual(T, y, y.soft, at, n, work)
        tile.row_sums(T, g)
        backward(X, T, at, n, P, partial, False)
        if t % 64 == 63:
            flush(partial, G)
    flush(partial, G)
    return loss


@fast_inline
def _pick(
    T: Any,
    y: Any,
    at: Any,
    n: Any,
    t: Any,
    threshold: Any,
    found: Any,
    scratch: Any,
    number: Any,
    place: Any,
) -> None:
    """The selected classes of tile t, whose logits T become probabilities."""
    K, (m, s) = T.shape[0], (scratch[0], scratch[1])
    room = found.classes.size - (found.start.size - 1)  # one of each row is for the negligible
    tile.probabilities(T, m, s)
    tile.masses(y, at, n, s)
    number[:] = 0
    for k in range(K):
        curved, mass = T.dtype.type(0), T.dtype.type(0)
        for i in range(TILE):
            w = T[k, i] * (1 - T[k, i])
            number[i] += w >= threshold
            curved += s[i] * w
            mass += s[i] * T[k, i]
        found.curvature[k] += curved
        found.rest[k] += mass
    last = found.start[t * TILE]
    for i in range(n):
        row = t * TILE + i
        if s[i] <= 0 or last - row + number[i] > room:
            number[i] = 0
        place[i] = last
        last += number[i] + 1
        found.start[row + 1] = last
        m[i] = 1
    for k in range(K):
        for i in range(n):
            if T[k, i] * (1 - T[k, i]) >= threshold and number[i] > 0:
                found.classes[place[i]], found.p[place[i]] = k, T[k, i]
                found.rest[k] -= s[i] * T[k, i]
                m[i] -= T[k, i]
                place[i] += 1
    for i in range(n):
        found.classes[place[i]], found.p[place[i]] = K, max(m[i], 0)


@fast_jit
def times(
    X: Any, rows: Any, tiles: Any, S: Any, found: Any, V: Any, v: Any, G: Any, g: Any
) -> None:
    """Add Σ S (diag p − p pᵀ) (V x + v) xᵀ over rows and their classes to G (K + 1, D) and g."""
    at = np.zeros(TILE, np.int64)
    a = np.zeros(V.shape[0], V.dtype)
    start, classes, p = found.start, found.classes, found.p
    for t in range(tiles[0], tiles[1]):
        for i in range(rows_of(rows, t, at)):
            row, x = (t - tiles[0]) * TILE + i, at[i]
            first, last = start[row], start[row + 1]
            if last - first == 1:  # nothing beside the negligible
                continue
            mean = V.dtype.type(0)
            for e in range(first, last):
                k = classes[e]
                total = V.dtype.type(0)
                for d in range(V.shape[1]):
                    total += V[k, d] * X[x, d]
                a[e - first] = total + v[k]
                mean += p[e] * a[e - first]
            for e in range(first, last):
                k = classes[e]
                r = S[t * TILE + i] * p[e] * (a[e - first] - mean)
                g[k] += r
                for d in range(V.shape[1]):
                    G[k, d] += r * X[x, d]
