"""Few classes: `labels.label_rows` for K up to 64, vectorised across rows.

A row of 10 logits is shorter than a vector. So a group of rows is turned on its side into a (K, R)
tile, where every step is the same for R rows at once, and back at the end. Rows that are not
ordinary (ignored, ±∞ at the top) are left to `label_rows`.
"""

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
_COLUMNS = 8


def narrow_scratch(K: int, dtype: Any) -> tuple[Any, Any]:
    """Memory for the tile (2, K, R) and for what is known of each row."""
    return np.empty((2, K * _GROUP), dtype), np.empty((_COLUMNS, _GROUP))


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
def _maxima(tile, K, m):
    for r in range(_GROUP):
        m[r] = tile[r]
    for k in range(1, K):
        row = tile[k * _GROUP : (k + 1) * _GROUP]
        for r in range(_GROUP):
            m[r] = larger(m[r], np.float64(row[r]))


@inline
def _exponentials32(tile, K, m, rest, total, error):
    for r in range(_GROUP):
        total[r] = 0.0
    for k in range(K):
        row = tile[k * _GROUP : (k + 1) * _GROUP]
        for r in range(_GROUP):
            top = np.float32(m[r])
            E = exp_below(row[r], top)
            below = row[r] < top
            rest[r] += choose(below, np.float64(E), 0.0)
            total[r] += choose(below, 0.0, np.float64(E))
            row[r] = E


@inline
def _exponentials64(tile, K, m, rest, total, error):
    for k in range(K):
        row = tile[k * _GROUP : (k + 1) * _GROUP]
        for r in range(_GROUP):
            E = exp_below(row[r], m[r])
            below = row[r] < m[r]
            term = choose(below, E, 0.0)
            s = rest[r] + term
            t = s - rest[r]
            error[r] += (rest[r] - (s - t)) + (term - t)
            rest[r] = s
            total[r] += choose(below, 0.0, E)
            row[r] = E


_exponentials = by_type(_exponentials32, _exponentials64)
"""Turn logits into E; add up those below the maximum (`rest`, `error`) and at it (`total`)."""


@inline
def _factors32(E, factor):
    return np.float32(np.float64(E) * factor)


@inline
def _factors64(E, factor):
    return (E * SCALE64) * (factor / SCALE64)


_times = by_type(_factors32, _factors64)


@jit
def narrow_label_rows(z, labels, factors, out, losses, sums, tiles, stats, tall, columns):
    """As `label_rows`, for few classes; `tall` and `columns` are from `narrow_scratch`."""
    n, K = z.shape
    work = work_in(tiles, stats)
    tile = tall[0]
    m, rest, at_top, error, log_s = columns[0], columns[1], columns[2], columns[3], columns[4]
    scale = scale_of(z)
    store = out.shape[0] > 0
    plain, plain_error, scaled, scaled_error = 0.0, 0.0, 0.0, 0.0
    for first in range(0, n, _GROUP):
        rows = min(_GROUP, n - first)
        _turned(z, tile, first, rows)
        _maxima(tile, K, m)
        for r in range(_GROUP):
            rest[r], at_top[r], error[r] = 0.0, 0.0, 0.0
        _exponentials(tile, K, m, rest, at_top, error)
        for r in range(_GROUP):
            rest[r] = rest[r] + ((at_top[r] - scale) + error[r])
            log_s[r] = row_log(rest[r], scale)
        for r in range(rows):
            i = first + r
            c = labels[i]
            S = factors[i if factors.size > 1 else 0]
            if c == -1 or S == 0.0 or abs(m[r]) == np.inf:
                below, below_error, log_part = label_row(z, c, S, i, out, work, store)
            else:
                below, below_error, log_part = 0.0, 0.0, S * log_s[r]
                others = 0.0
                if c >= 0:
                    z_c = z[i, c]
                    below, below_error = difference(m[r], np.float64(z_c))
                    others = rest[r]
                    if below > 0.0:
                        others = scale + (rest[r] - np.float64(tile[c * _GROUP + r]))
                    below, below_error = S * below, S * below_error
                if store:
                    factor = S / (rest[r] + scale)
                    for k in range(K):
                        out[i, k] = _times(tile[k * _GROUP + r], factor)
                    if c >= 0:
                        out[i, c] = -factor * others
            if losses.size > 0:
                losses[i] = below + (below_error + log_part / SCALE64)
            plain, lost = two_sum(plain, below)
            plain_error += lost + below_error
            scaled, lost = two_sum(scaled, log_part)
            scaled_error += lost
    sums[0], sums[1], sums[2], sums[3] = plain, plain_error, scaled, scaled_error
