"""Sums whose error does not grow with the number of terms, entry by entry over whole matrices.

Twin: `reference.add_carefully`.
"""

# Numba infers the types of what it compiles; annotations would have no effect there.
# mypy: ignore-errors

from __future__ import annotations

import numpy as np

from pminusy.kernels.compiled import jit
from pminusy.kernels.lanes import choose

__all__ = ["add_carefully"]


@jit
def add_carefully(total, low, part):
    """Add `part` to `total` (n, m), and what that rounds off to `low`; all float32."""
    for i in range(total.shape[0]):
        for j in range(total.shape[1]):
            a, p = total[i, j], part[i, j]
            s = a + p
            t = s - a
            error = (a - (s - t)) + (p - t)
            total[i, j] = s
            low[i, j] += choose(error == error, error, np.float32(0.0))
