"""Masks of dropout, hashed place by place. Twin: `..masks`."""

# Numba infers the types of what it compiles; annotations would have no effect there.
# mypy: ignore-errors

from __future__ import annotations

import numpy as np

from pminusy.kernels.runtime.compilation import fast_inline
from pminusy.kernels.simd.lanes import choose
from pminusy.training.network.masks import FIRST, GOLDEN, SECOND

__all__ = ["drop"]

_30, _27, _31, _11 = (np.uint64(n) for n in (30, 27, 31, 11))
_PARTS = 2.0**53


@fast_inline
def _mixed(x):
    x = (x ^ (x >> _30)) * FIRST
    x = (x ^ (x >> _27)) * SECOND
    return x ^ (x >> _31)


@fast_inline
def drop(a, slopes, at, count, first, key, level, rate):
    """a and slopes (count,), the level's numbers from `first` on, ⊙ mask / (1 − rate)."""
    own = _mixed(key + np.uint64(level) * GOLDEN)
    limit = np.uint64(np.int64(rate * _PARTS))
    scale, zero = a.dtype.type(1.0 / (1.0 - rate)), a.dtype.type(0)
    for i in range(count):
        place = np.uint64(first + i + 1)
        kept = (_mixed(own + place * GOLDEN) >> _11) >= limit
        a[at + i] = choose(kept, a[at + i] * scale, zero)
        slopes[at + i] = choose(kept, slopes[at + i] * scale, zero)
