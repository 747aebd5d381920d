"""Curvature on each row's classes of non-negligible probability: p (1 − p) ≥ threshold. NumPy.

The curvature of a row is S (diag p − p pᵀ) ⊗ x xᵀ. Here its other, negligible
classes are taken together as one more class, number K, so that p still adds up to 1. Letters are
those of `specification`.

This file is the specification; `compiled.non_negligible` is the same, fast.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pminusy.core.softmax import plain_softmax
from pminusy.training.passes import specification
from pminusy.training.passes.specification import TILE, RowSubset, RowTargets, Tiles

__all__ = ["SelectedClasses", "pick", "point", "times"]

Array = NDArray[Any]


class SelectedClasses(NamedTuple):
    """Selected classes of the rows of some tiles: those of row i begin at start[i].

    Rows are numbered from the first of the tiles on. The last entry of a row is class K.
    """

    start: Array  # (rows + 1,) int64
    classes: Array  # (room,) int32
    p: Array  # (room,) float32
    curvature: Array  # Σ S p (1 − p) over all rows (K,)
    rest: Array  # Σ S p over the rows where a class is negligible (K,)


def point(
    X: Any,
    y: RowTargets,
    W: Array,
    b: Array,
    rows: RowSubset,
    tiles: Tiles,
    threshold: float,
    found: SelectedClasses,
    G: Array,
    g: Array,
) -> float:
    """Loss at (W, b), its gradient, and the selected classes of every row."""
    Z = np.zeros((tiles[1], b.size, TILE), W.dtype)
    loss = specification.point(X, y, W, b, rows, tiles, Z, G, g)
    pick(y, rows, tiles, Z, threshold, found)
    return loss


def pick(
    y: RowTargets, rows: RowSubset, tiles: Tiles, Z: Array, threshold: float, found: SelectedClasses
) -> None:
    """Select the classes with p (1 − p) ≥ threshold, where there is room for those of a row."""
    index = specification.index_of(rows, tiles)
    p = plain_softmax(specification.from_tiles(Z, rows, tiles))[1]
    S = specification.mass(y, index).sum(axis=1)
    K, room = p.shape[1], found.classes.size - (found.start.size - 1)
    chosen = (p * (1 - p) >= threshold) & (S > 0)[:, None]
    last = 0
    for i in range(index.size):
        if last - i + chosen[i].sum() > room:
            chosen[i] = False
        (k,) = np.nonzero(chosen[i])
        first, last = last, last + k.size + 1
        found.classes[first:last] = [*k, K]
        found.p[first:last] = [*p[i, k], max(1 - p[i, k].sum(), 0)]
        found.start[i + 1] = last
    found.curvature[...] += S @ (p * (1 - p))
    found.rest[...] += S @ np.where(chosen, 0, p)


def times(
    X: Array,
    rows: RowSubset,
    tiles: Tiles,
    S: Array,
    found: SelectedClasses,
    V: Array,
    v: Array,
    G: Array,
    g: Array,
) -> None:
    """Add Σ S (diag p − p pᵀ) (V x + v) xᵀ over rows and their classes to G (K + 1, D) and g."""
    for i, row in enumerate(specification.index_of(rows, tiles)):
        entries = slice(found.start[i], found.start[i + 1])
        k, p = found.classes[entries], found.p[entries]
        a = V[k] @ X[row] + v[k]
        r = S[tiles[0] * TILE + i] * p * (a - p @ a)
        G[k] += np.outer(r, X[row])
        g[k] += r
