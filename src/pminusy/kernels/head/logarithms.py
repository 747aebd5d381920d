"""ln p = −((m − z) + ln(1 + rest)) for a block of rows. Twin: `core.softmax.log_softmax`."""

# Numba infers the types of what it compiles; annotations would have no effect there.
# mypy: ignore-errors

from __future__ import annotations

import numpy as np

from pminusy.kernels.head.labels import row_log
from pminusy.kernels.head.rows import row_start, row_total, work_in
from pminusy.kernels.runtime.compilation import jit
from pminusy.kernels.simd.elementary import SCALE64, scale_of
from pminusy.kernels.simd.lanes import choose

__all__ = ["log_softmax_rows"]


@jit
def log_softmax_rows(z, out, tiles, stats):
    """Write ln p of rows z (n, K) to `out`, which may be z."""
    work = work_in(tiles, stats)
    J = 0.0
    for i in range(z.shape[0]):
        m, J = row_start(z[i], J, work)
        rest, _ = row_total(z[i], m, work)
        log_s = row_log(rest, scale_of(z)) / SCALE64
        top = np.float64(m)
        for k in range(z.shape[1]):
            below = top - np.float64(z[i, k])
            out[i, k] = -(choose(z[i, k] == m, 0.0, below) + log_s)
