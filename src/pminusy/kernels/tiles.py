"""The passes over one row: maximum, exponentials and their sum, and the final multiplication.

A row is visited in tiles that fit the first-level cache, each copied there first (so a result may
be written over its logits) and filled up with −∞ to whole vectors. A tile is measured against its
own maximum, so one visit to memory is enough; the tiles are then brought to the row's maximum.
With E = SCALE · e^(z − m) as `exp_below` gives it:

    total   Σ E over the tile, NaN if there is a NaN
    rest    the same without (one entry at) the maximum, never by a subtraction that cancels
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from pminusy.kernels.compiled import by_type, inline
from pminusy.kernels.elementary import SCALE32, SCALE64, exp_below, scale_of
from pminusy.kernels.lanes import add, choose, larger

__all__ = [
    "TILE",
    "Work",
    "copy_and_largest",
    "infinity_of",
    "row_end",
    "row_start",
    "row_total",
    "scratch",
    "tree_sum",
    "two_sum",
    "work_in",
]

TILE = 2048
_LOWEST32 = np.finfo(np.float32).min
_INFINITY32 = np.float32(np.inf)
_INFINITY64 = np.inf
_LOWEST64 = float(np.finfo(np.float64).min)


@inline
def copy_and_largest(z, tile):
    """Copy a stretch of a row into the tile, fill up with −∞, return its largest entry.

    NaN is passed over.
    """
    for j in range(z.size):
        tile[j] = z[j]
    for j in range(z.size, tile.size):
        tile[j] = -np.inf
    largest = -infinity_of(z)
    for j in range(tile.size):  # a loop of its own: together they are not vectorised
        largest = larger(largest, tile[j])
    return largest


@inline
def _exp_sums32(tile, m, e):
    for j in range(tile.size):
        e[j] = exp_below(tile[j], m)
    total = 0.0  # float64: 29 bits more than a term has, so order and length do not matter
    for j in range(tile.size):  # apart, for here the vectors are half as long
        total = add(total, np.float64(e[j]))
    rest = total - SCALE32
    if rest < SCALE32 * 2.0**-20:  # the maximum took digits that the others need
        rest = 0.0
        for j in range(tile.size):
            rest = add(rest, choose(tile[j] < m, np.float64(e[j]), 0.0))
    return total, rest


@inline
def _exp_sums64(tile, m, e):
    for j in range(tile.size):
        e[j] = exp_below(tile[j], m)
    tied = 0.0  # whole multiples of SCALE: exact in any order
    for j in range(tile.size):
        below = tile[j] < m
        tied = add(tied, choose(below, 0.0, e[j]))
        tile[j] = choose(below, e[j], 0.0)
    rest = tree_sum(tile)
    return rest + tied, rest + (tied - SCALE64)


@inline
def tree_sum(t):
    """Sum of t, whose size is a multiple of 8, with no term in more than some 16 additions."""
    n = t.size // 8
    total = 0.0
    for j in range(n):
        low = (t[j] + t[j + n]) + (t[j + 2 * n] + t[j + 3 * n])
        high = (t[j + 4 * n] + t[j + 5 * n]) + (t[j + 6 * n] + t[j + 7 * n])
        total = add(total, low + high)
    return total


exp_sums = by_type(_exp_sums32, _exp_sums64)
"""Write E of every entry to `e`; return (total, rest). The tile is scratch afterwards."""


@inline
def row_start(z, e, work, store):
    """First visit to a row: E of every entry, relative to the maximum of its tile.

    A row of one tile leaves E in `work.e`; of a longer one E is kept in `e` if `store`. The sums
    of each tile go to `work`. Returns the row's maximum.
    """
    K = z.size
    m = -infinity_of(z)
    for c in range(work.top.size):
        start = c * TILE
        n = min(K - start, TILE)
        tile = work.tile[: whole_vectors(n)]
        largest = copy_and_largest(z[start : start + n], tile)
        if largest > m:
            m = largest
        straight = store and n == TILE and K > TILE
        E = e[start : start + n] if straight else work.e[: tile.size]
        if largest == -np.inf:
            work.top[c] = lowest_of(z)
            work.total[c] = _no_share(z[start : start + n], E)
            work.rest[c] = work.total[c]
        else:
            work.top[c] = largest
            work.total[c], work.rest[c] = exp_sums(tile, largest, E)
        if store and K > TILE and not straight:
            for j in range(n):
                e[start + j] = E[j]
    if m == np.inf:
        _equal_shares(z, e, work, store)
    return m


@inline
def _no_share(z, E):
    """E and its sum for a tile of nothing but −∞ (0) and NaN (NaN)."""
    total = 0.0
    for j in range(z.size):
        E[j] = 0.0
        if z[j] != z[j]:
            total = np.nan
    return total


@inline
def _equal_shares(z, e, work, store):
    """As `row_start`, for a row with +∞: equal shares there, 0 elsewhere. NaN stays."""
    scale = scale_of(z)
    for c in range(work.top.size):
        work.total[c], work.rest[c], work.top[c] = 0.0, 0.0, np.inf
        for j in range(c * TILE, min(z.size, (c + 1) * TILE)):
            E = scale if z[j] == np.inf else 0.0
            work.total[c] += E if z[j] == z[j] else np.nan
            if z.size <= TILE:
                work.e[j] = E
            elif store:
                e[j] = E
        work.rest[c] = work.total[c] - scale


@inline
def row_total(m, work):
    """Bring the tiles to the row's maximum m: the weight of each, and (rest, s) of the row.

    rest = s − SCALE without that subtraction. A row of only −∞ has no softmax: NaN.
    """
    scale = scale_of(m)
    if m == -np.inf:
        return np.nan, np.nan
    rest, error, met = 0.0, 0.0, False
    for c in range(work.top.size):
        if work.top[c] == m:
            work.weight[c] = SCALE64
            term = work.total[c] if met else work.rest[c]  # one maximum is left out, not each
            met = True
        else:
            work.weight[c] = exp_below(np.float64(work.top[c]), np.float64(m))
            term = work.total[c] / SCALE64 * work.weight[c]
        rest, lost = two_sum(rest, term)
        error += lost
    rest += error
    return rest, rest + scale


@inline
def row_end(out, work, factor):
    """Second visit to a row: E of every entry becomes p times the row's factor."""
    K = out.size
    if K <= TILE:
        scale_tile(work.e, out, work.weight[0], factor)
        return
    for c in range(work.weight.size):
        E = out[c * TILE : min(K, (c + 1) * TILE)]
        scale_tile(E, E, work.weight[c], factor)


@inline
def _scale_tile32(E, out, weight, factor):
    exact = weight / SCALE64 * factor
    if abs(exact) > 1e-30:
        short = np.float32(exact)
        for j in range(out.size):
            out[j] = E[j] * short
    else:  # as float32 the factor itself would lose digits
        for j in range(out.size):
            out[j] = np.float32(np.float64(E[j]) * exact)


@inline
def _scale_tile64(E, out, weight, factor):
    small = factor / SCALE64
    for j in range(out.size):
        out[j] = (E[j] * weight) * small


scale_tile = by_type(_scale_tile32, _scale_tile64)
"""Multiply by weight · factor / SCALE64, rounding to a subnormal number once."""


@inline
def whole_vectors(n):
    """n rounded up to a number of entries that the vector loops take without a remainder."""
    return (n + 63) // 64 * 64


class Work(NamedTuple):
    """What the visits to one row leave for each other."""

    tile: Any  # (TILE,) logits of a tile
    e: Any  # (TILE,) E of a tile
    top: Any  # (tiles,) maximum of each tile,
    total: Any
    rest: Any
    weight: Any  # and SCALE64 · e^(top − m)


@inline
def work_in(tiles, sums):
    """Row's scratch memory, laid out in arrays (2, TILE) and (4, tiles) of `scratch`."""
    return Work(tiles[0], tiles[1], sums[0], sums[1], sums[2], sums[3])


def scratch(K: int, dtype: Any) -> tuple[Any, Any]:
    """Memory for `work_in`, for rows of K logits."""
    return np.empty((2, TILE), dtype), np.empty((4, -(-K // TILE)))


@inline
def two_sum(a, b):
    """`a + b` rounded, and its rounding error; no error where the sum is infinite or NaN."""
    s = a + b
    t = s - a
    error = (a - (s - t)) + (b - t)
    return s, error if error == error else 0.0


@inline
def _lowest32(z):
    return _LOWEST32


@inline
def _lowest64(z):
    return _LOWEST64


@inline
def _infinity32(z):
    return _INFINITY32


@inline
def _infinity64(z):
    return _INFINITY64


lowest_of = by_type(_lowest32, _lowest64)
"""Lowest finite number of z's type."""

infinity_of = by_type(_infinity32, _infinity64)
"""∞ in z's type."""
