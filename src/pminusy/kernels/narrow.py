"""Few classes: `labels.label_rows` for K up to 64, vectorised across rows.

A row of 10 logits is shorter than a vector. So a group of rows is turned on its side into a (K, R)
tile, where every step is the same for R rows at once, and back at the end. Rows that are not
ordinary (ignored, ±∞ at the top) are left to `label_rows`.
"""

# Numba infers the types of what it compiles; annotations would have no effect there.
# mypy: ignore-errors

from __future__ import annotations

from typing import Any

import numpy as np

from pminusy.kernels.compiled import by_type, inline, jit
from pminusy.kernels.elementary import SCALE64, difference, exp_below, scale_of
from pminusy.kernels.labels import label_row, row_log
from pminusy.kernels.lanes import choose, larger
from pminusy.kernels.tiles import two_sum, work_in

__all__ = ["NARROW", "narrow_label_rows", "narrow_scratch"]

NARROW = 64
_GROUP = 32
_COLUMNS = 14


def narrow_scratch(K: int, dtype: Any) -> tuple[Any, Any]:
    """Memory for logits and E (2, K + 1, R), the last line for maxima; and for each row."""
    return np.empty((2, (K + 1) * _GROUP), dtype), np.empty((_COLUMNS, _GROUP))


@inline
def _turned(z, tile, first, rows):
    """Rows of z as columns of the tile; columns to spare hold 0."""
    K = z.shape[1]
    for r in range(rows):
        for k in range(K):
            tile[k * _GROUP + r] = z[first + r, k]
    for r in range(rows, _GROUP):
        for k in range(K):
            tile[k * _GROUP + r] = 0.0


@inline
def _maxima(tile, K, top):
    for r in range(_GROUP):
        top[r] = tile[r]
    for k in range(1, K):
        row = tile[k * _GROUP : (k + 1) * _GROUP]
        for r in range(_GROUP):
            top[r] = larger(top[r], row[r])


@inline
def _exponentials32(tile, E, K, top, rest, at_top, error):
    for k in range(K):
        row, e = tile[k * _GROUP : (k + 1) * _GROUP], E[k * _GROUP : (k + 1) * _GROUP]
        for r in range(_GROUP):
            e[r] = exp_below(row[r], top[r])
        for r in range(_GROUP):  # apart, for in float64 the vectors are half as long
            below = row[r] < top[r]
            rest[r] += np.float64(choose(below, e[r], np.float32(0.0)))
            at_top[r] += np.float64(choose(below, np.float32(0.0), e[r]))


@inline
def _exponentials64(tile, E, K, top, rest, at_top, error):
    for k in range(K):
        row, e = tile[k * _GROUP : (k + 1) * _GROUP], E[k * _GROUP : (k + 1) * _GROUP]
        for r in range(_GROUP):
            e[r] = exp_below(row[r], top[r])
        for r in range(_GROUP):
            below = row[r] < top[r]
            term = choose(below, e[r], 0.0)
            s = rest[r] + term
            t = s - rest[r]
            error[r] += (rest[r] - (s - t)) + (term - t)
            rest[r] = s
            at_top[r] += choose(below, 0.0, e[r])


_exponentials = by_type(_exponentials32, _exponentials64)
"""E of the tile's logits; add up those below the maximum (`rest`, `error`) and at it."""


@inline
def _factors32(E, factor):
    return np.float32(np.float64(E) * factor)


@inline
def _factors64(E, factor):
    return (E * SCALE64) * (factor / SCALE64)


_times = by_type(_factors32, _factors64)


@inline
def _labelled(z, labels, factors, first, rows, S, z_c, m):
    """Factor and label's logit of each row; a row that is not ordinary gets factor 0.

    Returns whether there is such a row.
    """
    special = False
    for r in range(_GROUP):
        S[r], z_c[r] = 0.0, m[r]
    for r in range(rows):
        c = labels[first + r]
        factor = factors[first + r if factors.size > 1 else 0]
        if c < 0 or factor == 0.0 or abs(m[r]) == np.inf:
            special = True
        else:
            S[r] = factor
            z_c[r] = z[first + r, c]
    return special


@inline
def _multiply(E, K, factor):
    for k in range(K):
        row = E[k * _GROUP : (k + 1) * _GROUP]
        for r in range(_GROUP):
            row[r] = _times(row[r], factor[r])


@jit
def narrow_label_rows(z, labels, factors, out, losses, sums, tiles, stats, tall, columns):
    """As `label_rows`, for few classes; `tall` and `columns` are from `narrow_scratch`."""
    n, K = z.shape
    work = work_in(tiles, stats)
    tile, E, top = tall[0], tall[1], tall[0][K * _GROUP :]
    m, rest, at_top, error = columns[0], columns[1], columns[2], columns[3]
    S, z_c, E_c, factor, below, scaled = (
        columns[4],
        columns[5],
        columns[6],
        columns[7],
        columns[8],
        columns[9],
    )
    plain_sum, plain_error, scaled_sum, scaled_error = (
        columns[10],
        columns[11],
        columns[12],
        columns[13],
    )
    scale = scale_of(z)
    store = out.shape[0] > 0
    for r in range(_GROUP):
        plain_sum[r], plain_error[r], scaled_sum[r], scaled_error[r] = 0.0, 0.0, 0.0, 0.0
    for first in range(0, n, _GROUP):
        rows = min(_GROUP, n - first)
        _turned(z, tile, first, rows)
        _maxima(tile, K, top)
        for r in range(_GROUP):
            m[r] = top[r]
        special = _labelled(z, labels, factors, first, rows, S, z_c, m)
        for r in range(_GROUP):
            rest[r], at_top[r], error[r] = 0.0, 0.0, 0.0
        _exponentials(tile, E, K, top, rest, at_top, error)
        for r in range(_GROUP):
            E_c[r] = 0.0
        for r in range(rows):
            if S[r] != 0.0:
                E_c[r] = E[labels[first + r] * _GROUP + r]
        for r in range(_GROUP):
            left = rest[r] + ((at_top[r] - scale) + error[r])
            hi, lo = difference(m[r], z_c[r])
            factor[r] = S[r] / (left + scale)
            # 1 − p_c = others / s, for the maximum summed without it; E_c now holds the gradient
            others = choose(hi > 0.0, scale + (left - E_c[r]), left)
            E_c[r] = -factor[r] * others
            below[r] = choose(S[r] == 0.0, 0.0, S[r] * hi)
            below_error = choose(S[r] == 0.0, 0.0, S[r] * lo)
            scaled[r] = choose(S[r] == 0.0, 0.0, S[r] * row_log(left, scale))
            total = plain_sum[r] + below[r]
            t = total - plain_sum[r]
            plain_error[r] += ((plain_sum[r] - (total - t)) + (below[r] - t)) + below_error
            plain_sum[r] = total
            total = scaled_sum[r] + scaled[r]
            t = total - scaled_sum[r]
            scaled_error[r] += (scaled_sum[r] - (total - t)) + (scaled[r] - t)
            scaled_sum[r] = total
            below[r] += below_error
        if losses.size > 0:
            for r in range(rows):
                losses[first + r] = below[r] + scaled[r] / SCALE64
        if store:
            _multiply(E, K, factor)
            for r in range(rows):
                for k in range(K):
                    out[first + r, k] = E[k * _GROUP + r]
                if S[r] != 0.0:
                    out[first + r, labels[first + r]] = E_c[r]
        if special:
            for r in range(rows):
                i = first + r
                if S[r] == 0.0:
                    c, row_factor = labels[i], factors[i if factors.size > 1 else 0]
                    plain, lost, log_s = label_row(z, c, row_factor, i, out, work, store)
                    plain_sum[r] += plain
                    plain_error[r] += lost
                    scaled_sum[r] += log_s
                    if losses.size > 0:
                        losses[i] = plain + (lost + log_s / SCALE64)
    plain, plain_lost, logs, logs_lost = 0.0, 0.0, 0.0, 0.0
    for r in range(_GROUP):
        plain, lost = two_sum(plain, plain_sum[r])
        plain_lost += lost + choose(plain_error[r] == plain_error[r], plain_error[r], 0.0)
        logs, lost = two_sum(logs, scaled_sum[r])
        logs_lost += lost + choose(scaled_error[r] == scaled_error[r], scaled_error[r], 0.0)
    sums[0], sums[1], sums[2], sums[3] = plain, plain_lost, logs, logs_lost
