"""Class-index targets: loss and gradient of a block of rows, S (p − y) a row.

Twin: `core.head`, with q = S at the label and 0 elsewhere. S is the row's factor: the reduction's
denominator, class weight and sample weight in one number; 0 gives 0 whatever the logits are.
"""

# Numba infers the types of what it compiles; annotations would have no effect there.
# mypy: ignore-errors

from __future__ import annotations

import numpy as np

from pminusy.kernels.head.rows import row_end, row_start, row_total, softmax_row, two_sum, work_in
from pminusy.kernels.runtime.compilation import called, inline
from pminusy.kernels.simd.elementary import SCALE64, difference, exp_below, log1p, scale_of
from pminusy.kernels.simd.lanes import choose
from pminusy.kernels.simd.loops import store_fence

__all__ = ["IGNORED", "NO_LABEL", "label_row", "label_rows", "row_log", "top_less_label"]

IGNORED = -1  # a row that counts for nothing
NO_LABEL = -2  # a row with q = 0 and S = 1: its gradient is p, the softmax itself; it has no loss


@inline
def row_log(rest, scale):
    """ln(1 + rest / scale) · SCALE64, accurate where that ratio underflows."""
    x = rest / scale
    return choose(x < 1e-20, rest * (SCALE64 / scale), log1p(x) * SCALE64)


@inline
def top_less_label(z_c, m):
    """m − z_c, exactly, as two numbers; 0 for one of several +∞."""
    if m == np.inf and z_c == np.inf:
        return 0.0, 0.0
    return difference(np.float64(m), np.float64(z_c))


@inline
def label_row(z, c, S, i, out, J, work, store, stream):
    """Loss of row i in three parts, the last with the factor SCALE64; its gradient if `store`.

    J, and the last result: see `row_start`.
    """
    if c == IGNORED or S == 0.0:
        if store:
            out[i, :] = 0.0
        return 0.0, 0.0, 0.0, J
    z_c = z[i, max(c, 0)]
    m, J = row_start(z[i], J, work)
    if c == NO_LABEL and store and softmax_row(z[i], out[i], work, stream):
        return 0.0, 0.0, 0.0, J
    rest, s = row_total(z[i], m, work)
    scale = scale_of(z)
    if store:
        own = 0.0
        if c >= 0:  # 1 − p_c = others / s, for the maximum summed without it
            others = rest
            if z_c != m:
                E_c = 0.0 if m == np.inf else np.float64(exp_below(z_c, z.dtype.type(m)))
                others = scale + (rest - E_c)
            own = -(S / s) * others
        row_end(z[i], out[i], work, S / s, c, own, stream)
    if c == NO_LABEL:
        return 0.0, 0.0, 0.0, J
    log_s = S * row_log(rest, scale)
    below, error = top_less_label(z_c, m)
    return S * below, S * error, log_s, J


@called
def label_rows(z, labels, factors, out, losses, sums, stream, tiles, stats):
    """Loss (and gradient) of rows z (n, K) with labels (n,), or `IGNORED`, or `NO_LABEL`.

    `factors` (n,) or (1,) for all rows: S. `out` (n, K) receives the gradient, or has no rows;
    `losses` (n,) likewise. `sums` (4,) receives the sum of the losses: a part as it is and a part
    with the factor SCALE64, each with its rounding error. `stream`: write the gradient past the
    caches. `tiles`, `stats`: from `scratch`.
    """
    work = work_in(tiles, stats)
    store = out.shape[0] > 0
    plain, plain_error, scaled, scaled_error = 0.0, 0.0, 0.0, 0.0
    J = 0.0
    for i in range(z.shape[0]):
        S = factors[i if factors.size > 1 else 0]
        below, below_error, log_s, J = label_row(z, labels[i], S, i, out, J, work, store, stream)
        if losses.size > 0:
            losses[i] = below + (below_error + log_s / SCALE64)
        plain, lost = two_sum(plain, below)
        plain_error += lost + below_error
        scaled, lost = two_sum(scaled, log_s)
        scaled_error += lost
    sums[0], sums[1], sums[2], sums[3] = plain, plain_error, scaled, scaled_error
    if stream:
        store_fence()
