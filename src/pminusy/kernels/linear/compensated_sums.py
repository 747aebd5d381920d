"""Sums whose error does not grow with the number of terms, entry by entry over whole matrices.

A float32 is given seven more bits in a byte beside it: what a sum rounds off, at most 2⁻²⁴ of the
power of two below it, in units of 2⁻³⁰ of that. A float64, or a second float32, would take many
times the memory.

Twin: `head.reference.add_carefully`.
"""

# Numba infers the types of what it compiles; annotations would have no effect there.
# mypy: ignore-errors

from __future__ import annotations

import numpy as np

from pminusy.kernels.runtime.compilation import inline, jit
from pminusy.kernels.simd.lanes import bits32, choose, float32_of

__all__ = ["add_carefully"]

_EXPONENT = np.int32(0x7F800000)
_INVERSE = np.int32(254 << 23)  # less the bits of 2ⁿ: those of 2⁻ⁿ
_UNIT, _UNITS = 2.0**-30, 2.0**30
_ROUND = 1.5 * 2.0**52  # added and taken away again: rounds to an integer, ties to even
_MOST = 64.0  # units: half a last place; more only where there is ∞, NaN or a subnormal number


@inline
def _power_below(x):
    """Bits of the power of two at or below |x|, float32."""
    return np.int32(bits32(x) & _EXPONENT)


@jit
def add_carefully(total, low, part):
    """Add `part` to `total` (n, m), float32, with the bits of it that are in `low`, int8."""
    for i in range(total.shape[0]):
        for j in range(total.shape[1]):
            t = total[i, j]
            power = float32_of(_power_below(t))
            kept = np.float64(low[i, j]) * (np.float64(power) * _UNIT)
            kept = choose(power < np.float32(np.inf), kept, 0.0)
            exact = (np.float64(t) + np.float64(part[i, j])) + kept
            s = np.float32(exact)
            per_power = float32_of(np.int32(_INVERSE - _power_below(s)))
            lost = (exact - np.float64(s)) * (np.float64(per_power) * _UNITS)
            total[i, j] = s
            lost = choose(abs(lost) <= _MOST, lost, 0.0)
            low[i, j] = np.int8((lost + _ROUND) - _ROUND)
