"""The visits to one row: maximum, exponentials and their sum; then exponentials times a factor.

A row is visited in tiles that fit the first-level cache. The first visit reads logits from memory
and writes nothing; the second makes the exponentials anew (that is cheaper than to write them and
read them again), so a result may be written over its logits. With E as in `simd.loops`, relative to
a reference of each tile,

    total   Σ E over the tile, with its rounding error; NaN if there is a NaN
    rest    of the row: Σ e^(z − m) without (one entry at) the maximum, never by a subtraction that
            cancels
"""

# Numba infers the types of what it compiles; annotations would have no effect there.
# mypy: ignore-errors

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from pminusy.kernels.runtime.compilation import by_type, inline
from pminusy.kernels.simd.elementary import SCALE64, exp_below, scale_of
from pminusy.kernels.simd.lanes import add, float64_of
from pminusy.kernels.simd.loops import (
    exp_of,
    exp_sums,
    exp_sums_below,
    exp_times,
    far,
    in_reach,
    reference,
    start_of,
    times,
)

__all__ = [
    "TILE",
    "WEIGHT_SCALE",
    "Work",
    "exponentials",
    "row_end",
    "row_start",
    "row_total",
    "scratch",
    "softmax_row",
    "tree_sum",
    "two_sum",
    "work_in",
]

TILE = 2048
WEIGHT_SCALE = SCALE64**2  # carried by the weights of tiles: the least p needs all their digits
_PLAIN, _NOTHING, _SHIFTED = 0.0, 1.0, 2.0  # how the E of a tile are made


class Work(NamedTuple):
    """What the visits to one row leave for each other."""

    e: Any  # (TILE,) E of a tile
    terms: Any  # (TILE,) for sums of something else over one
    top: Any  # (tiles,) maximum of each tile,
    total: Any
    error: Any
    reference: Any
    way: Any
    weight: Any  # and what makes p · s of its E


@inline
def work_in(tiles, stats):
    """Row's scratch memory, laid out in arrays (2, TILE) and (6, tiles) of `scratch`."""
    return Work(tiles[0], tiles[1], stats[0], stats[1], stats[2], stats[3], stats[4], stats[5])


def scratch(K: int, dtype: Any) -> tuple[Any, Any]:
    """Memory for `work_in`, for rows of K logits."""
    return np.empty((2, TILE), dtype), np.empty((6, -(-K // TILE)))


@inline
def row_start(z, J, work):
    """First visit to a row. Returns its maximum; of a row of one tile `work.e` keeps the E.

    J is a guess at the reference (0 for the first row), and the second result one for the next row.
    """
    tiles = work.top.size
    m = -np.inf
    for c in range(tiles):
        part = z[c * TILE : min(z.size, (c + 1) * TILE)]
        floor, start = start_of(z, J)
        top, total, error = exp_sums(part, work.e, floor, start)
        work.way[c] = _PLAIN
        if not in_reach(z, top, J):
            if far(z, top):
                work.way[c] = _NOTHING
                total, error = _nothing(part, work.e), 0.0
            else:
                J = reference(top)
                floor, start = start_of(z, J)
                top, total, error = exp_sums(part, work.e, floor, start)
        work.top[c], work.total[c], work.error[c], work.reference[c] = top, total, error, J
        m = max(m, top)
    if m == np.inf or (far(z, 2.0 * m) and m != -np.inf):
        for c in range(tiles):
            _far_tile(z[c * TILE : min(z.size, (c + 1) * TILE)], c, m, work)
    return m, J


@inline
def _nothing(z, e):
    """E and their sum for logits of no weight (0) and NaN (NaN)."""
    total = 0.0
    for j in range(z.size):
        e[j] = 0.0
        if z[j] != z[j]:
            e[j] = total = np.nan
    return total


@inline
def _shifted(z, m, e):
    """E for logits counted from a maximum that is +∞, or so large that `exp_lanes` would not do."""
    top, scale = z.dtype.type(m), scale_of(z)
    for j in range(z.size):
        if z[j] == top:
            e[j] = scale
        else:
            e[j] = exp_below(z[j], top) if m < np.inf else z[j] - z[j] if z[j] != z[j] else 0.0


@inline
def _far_tile(z, c, m, work):
    """As in `row_start`: the sum of E below the maximum, and in `error` that at it."""
    work.way[c], work.top[c] = _SHIFTED, m
    _shifted(z, m, work.e)
    below, error, tied = 0.0, 0.0, 0.0
    for j in range(z.size):
        if z[j] == m:
            tied += np.float64(work.e[j])
        else:
            below, lost = two_sum(below, np.float64(work.e[j]))
            error += lost
    work.total[c], work.error[c] = below + error, tied


@inline
def exponentials(z, c, work):
    """Put E of tile c in `work.e`, for logits z of that tile."""
    if work.way[c] == _PLAIN:
        floor, start = start_of(z, work.reference[c])
        exp_times(z, work.e, floor, start, 1.0, 1.0, False)
    elif work.way[c] == _NOTHING:
        _nothing(z, work.e)
    else:
        _shifted(z, work.top[c], work.e)


@inline
def row_total(z, m, work):
    """Bring the tiles to the row's maximum m: the weight of each, and (rest, s) of the row.

    Both carry SCALE; p = E · weight / WEIGHT_SCALE / s. A row of only −∞ has no softmax: NaN.
    """
    scale = scale_of(z)
    tiles = work.top.size
    if m == -np.inf:
        return np.nan, np.nan
    rest, error = 0.0, 0.0
    if work.way[0] == _SHIFTED:
        for c in range(tiles):
            work.weight[c] = WEIGHT_SCALE
            rest, lost = two_sum(rest, work.total[c])
            error += lost + work.error[c]
        rest += error - scale
        return rest, rest + scale
    r = 0
    while work.top[r] != m:
        r += 1
    own = _without_the_top(z[r * TILE : min(z.size, (r + 1) * TILE)], r, work)
    to_top = WEIGHT_SCALE / own.at_top * scale
    if tiles == 1:  # nearly all rows: the same numbers as below, sooner
        work.weight[0], rest = to_top, own.rest
    else:
        for c in range(tiles):
            if work.way[c] == _NOTHING:
                work.weight[c] = 0.0
                part, part_error = work.total[c], 0.0
            else:
                power = np.int64(max(work.reference[c] - work.reference[r], -1500.0))
                half = float64_of(((power >> 1) + 1023) << 52)  # 2^power itself may be too small
                other = float64_of((power - (power >> 1) + 1023) << 52)
                work.weight[c] = half * to_top * other
                part = own.rest if c == r else half * work.total[c] * other
                part_error = 0.0 if c == r else half * work.error[c] * other
            rest, lost = two_sum(rest, part)
            error += lost + part_error
    rest = (rest + error) * (scale / own.at_top)  # the ratio alone may be subnormal
    return rest, rest + scale


class _Top(NamedTuple):
    at_top: Any
    rest: Any


@inline
def _without_the_top(z, r, work):
    """E at the maximum, and Σ E of its tile without it."""
    floor, start = start_of(z, work.reference[r])
    at_top = np.float64(exp_of(z.dtype.type(work.top[r]), floor, start))
    rest = (work.total[r] - at_top) + work.error[r]
    if rest < at_top * 2.0**-20:  # the maximum took digits that the others need
        limit = z.dtype.type(0.5 * at_top)
        _, rest, error = exp_sums_below(z, work.e, floor, start, limit)
        rest += error
    return _Top(at_top, rest)


@inline
def row_end(z, out, work, factor, c, own, stream):
    """Second visit to a row: write p · s times the factor, and `own` at c ≥ 0; `out` may be z.

    The tile with c in it is put together in cache: non-temporal stores have put the rest far away.
    """
    K = z.size
    for t in range(work.top.size):
        start, stop = t * TILE, min(K, (t + 1) * TILE)
        a, b = _two_factors(z, work.weight[t], factor)
        e, part, target = work.e[: stop - start], z[start:stop], out[start:stop]
        if K > TILE and not start <= c < stop and work.way[t] == _PLAIN:
            floor, begin = start_of(z, work.reference[t])
            exp_times(part, target, floor, begin, a, b, stream)
            continue
        if K > TILE:
            exponentials(part, t, work)
        if stream and start <= c < stop:
            times(e, e, a, b, False)
            e[c - start] = own
            times(e, target, 1.0, 1.0, True)
        else:
            times(e, target, a, b, stream)
            if start <= c < stop:
                target[c - start] = own


@inline
def softmax_row(z, out, work, stream):
    """After the first visit to a row: write p = E / Σ E; False, and nothing, if it is not so plain.

    Every entry is one product, the maximum too: 1 − p, which the loss needs, is not asked for.
    """
    if work.top.size > 1 or work.way[0] != _PLAIN:
        return False
    times(work.e[: z.size], out, z.dtype.type(1.0 / (work.total[0] + work.error[0])), 1.0, stream)
    return True


@inline
def _two_factors32(z, weight, factor):
    exact = weight / WEIGHT_SCALE * factor
    if abs(exact) > 2.0**-120:
        return np.float32(exact), np.float32(1.0)
    return np.float32(exact * 2.0**124), np.float32(2.0**-124)  # as one it would lose digits


@inline
def _two_factors64(z, weight, factor):
    return weight, factor / WEIGHT_SCALE


_two_factors = by_type(_two_factors32, _two_factors64)
"""weight · factor / WEIGHT_SCALE as a product, rounding to a subnormal number once."""


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


@inline
def two_sum(a, b):
    """`a + b` rounded, and its rounding error; no error where the sum is infinite or NaN."""
    s = a + b
    t = s - a
    error = (a - (s - t)) + (b - t)
    return s, error if error == error else 0.0
