"""e^(z − m) and ln(1 + x) as straight-line code that the compiler turns into vector code.

No tables, no branches, no library calls. The polynomials are interpolations at Chebyshev
nodes of the reduced ranges, computed to 80 digits and rounded.

Twin: `exp_scaled` and `log1p` in `core.twofold`. Source: the argument reductions are those of
P. T. P. Tang 1989 (exponential) and of Muller, "Elementary functions", 3rd edition (logarithm).
"""

# Numba infers the types of what it compiles; annotations would have no effect there.
# mypy: ignore-errors

from __future__ import annotations

import math

import numpy as np

from pminusy.kernels.runtime.compilation import by_type, inline
from pminusy.kernels.simd.lanes import bits32, bits64, choose, float32_of, float64_of

__all__ = [
    "ATANH_TAIL",
    "DOUBLE_TAIL",
    "HIGH64",
    "LOW64",
    "SCALE32",
    "SCALE64",
    "SINGLE_TAIL",
    "difference",
    "exp_below",
    "exp_reduced",
    "log1p",
    "scale_of",
]

SCALE32 = 2.0**60
SCALE64 = 2.0**256  # carried by exponentials, so that they cannot underflow before the last step

_LN2 = math.log(2.0)

# float32: ln 2 in two parts, the first short enough that n times it is exact
_HIGH32 = np.float32(math.floor(_LN2 * 2**15) / 2**15)
_LOW32 = np.float32(_LN2 - float(_HIGH32))
_PER_LN2_32 = np.float32(1 / _LN2)
_ROUND32 = np.float32(1.5 * 2**23 + 127 + 60)  # added and taken away again: rounds to an integer
_DEEPEST32 = np.float32(127.0)  # e^−127 is 0 for every weight of a row that comes here
_ULP32 = np.float32(2.0**-23)
SINGLE_TAIL = (
    0.5,
    0.16666576666119928,
    0.04166655421298415,
    0.008363232883682618,
    0.0013926250831497611,
)
_TAIL32 = tuple(np.float32(c) for c in SINGLE_TAIL)

HIGH64 = math.floor(_LN2 * 2**41) / 2**41
LOW64 = 2.8235290563031577e-13  # ln 2 − HIGH64
_PER_LN2_64 = 1 / _LN2
_ROUND64 = 1.5 * 2**52 + 1023 + 256  # the last bits of the sum are then the exponent of 2ⁿ SCALE
_DEEPEST64 = 880.0
_ULP64 = 2.0**-52
DOUBLE_TAIL = (
    0.5,
    0.16666666666666669,
    0.041666666666623824,
    0.008333333333330039,
    0.0013888888917367081,
    0.00019841269863171557,
    2.4801521057868204e-05,
    2.7557268276905696e-06,
    2.7620201591031547e-07,
    2.5100472505694996e-08,
)
ATANH_TAIL = (
    0.6666666666666666,
    0.4000000000000089,
    0.28571428570795937,
    0.2222222239345263,
    0.181817954545265,
    0.15386249788196105,
    0.1326850331279476,
    0.13089445145246312,
)
_SQRT_HALF_BITS = int(np.float64(math.sqrt(0.5)).view(np.int64))


@inline
def difference(a, b):
    """`a − b` rounded, and its rounding error: together they are exact (no error if infinite)."""
    s = a - b
    t = s - a
    error = (a - (s - t)) - (b + t)
    return s, choose(error == error, error, 0.0)


@inline
def _exp32(z, m):
    floor = m - (_DEEPEST32 + abs(m) * _ULP32)  # kept apart from m however large m is
    z = choose(z < floor, floor, z)
    hi = z - m
    t = hi - z
    lo = (z - (hi - t)) - (m + t)  # the rounding error of hi: it would count |hi| times
    return _reduced32(hi, lo)


@inline
def _reduced32(hi, lo):
    hi = choose(hi < -_DEEPEST32, -_DEEPEST32, hi)
    shifted = hi * _PER_LN2_32 + _ROUND32
    n = shifted - _ROUND32
    r = (hi - n * _HIGH32) + (lo - n * _LOW32)
    e = _TAIL32[4]
    e = e * r + _TAIL32[3]
    e = e * r + _TAIL32[2]
    e = e * r + _TAIL32[1]
    e = e * r + _TAIL32[0]
    e = e * r + np.float32(1.0)
    e = e * r + np.float32(1.0)
    return e * float32_of(np.int32(bits32(shifted) << 23))  # a product: NaN stays NaN


@inline
def _exp64(z, m):
    floor = m - (_DEEPEST64 + abs(m) * _ULP64)
    z = choose(z < floor, floor, z)
    hi = z - m
    t = hi - z
    lo = (z - (hi - t)) - (m + t)
    return _reduced64(hi, lo)


@inline
def _reduced64(hi, lo):
    hi = choose(hi < -_DEEPEST64, -_DEEPEST64, hi)
    shifted = hi * _PER_LN2_64 + _ROUND64
    n = shifted - _ROUND64
    r = (hi - n * HIGH64) + (lo - n * LOW64)
    e = DOUBLE_TAIL[9]
    e = e * r + DOUBLE_TAIL[8]
    e = e * r + DOUBLE_TAIL[7]
    e = e * r + DOUBLE_TAIL[6]
    e = e * r + DOUBLE_TAIL[5]
    e = e * r + DOUBLE_TAIL[4]
    e = e * r + DOUBLE_TAIL[3]
    e = e * r + DOUBLE_TAIL[2]
    e = e * r + DOUBLE_TAIL[1]
    e = e * r + DOUBLE_TAIL[0]
    e = e * r + 1.0
    e = e * r + 1.0
    return e * float64_of(bits64(shifted) << 52)


exp_below = by_type(_exp32, _exp64)
"""e^(z − m) times `scale_of(z)`, to about one unit in the last place, for z ≤ m.

m is finite. Far enough below m it is a number so small that it is 0 after the last step. NaN stays.
"""


exp_reduced = by_type(_reduced32, _reduced64)
"""e^(hi + lo) times `scale_of(hi)`, for hi ≤ 0 and a lo below its last place."""


@inline
def _scale32(z):
    return SCALE32


@inline
def _scale64(z):
    return SCALE64


scale_of = by_type(_scale32, _scale64)
"""The factor that `exp_below` carries for arguments of z's type."""


@inline
def log1p(x):
    """ln(1 + x) for a float64 x ≥ 0, to about one unit in the last place however small x is.

    1 + x = 2ᵏ (1 + f) with √½ ≤ 1 + f < √2, and ln(1 + f) = 2 artanh(f / (2 + f)).
    """
    u = 1.0 + x
    k = (bits64(u) - _SQRT_HALF_BITS) >> 52
    f = float64_of(bits64(u) - (k << 52)) - 1.0
    lost = (x - (u - 1.0)) / u  # what rounding took from 1 + x
    large = x >= 0.41  # not NaN, which takes the other way and stays NaN
    n = choose(large, np.float64(k), 0.0)
    f = choose(large, f, x)
    lost = choose(large, lost, 0.0)
    s = f / (2.0 + f)
    w = s * s
    tail = ATANH_TAIL[7]
    tail = tail * w + ATANH_TAIL[6]
    tail = tail * w + ATANH_TAIL[5]
    tail = tail * w + ATANH_TAIL[4]
    tail = tail * w + ATANH_TAIL[3]
    tail = tail * w + ATANH_TAIL[2]
    tail = tail * w + ATANH_TAIL[1]
    tail = tail * w + ATANH_TAIL[0]
    return n * HIGH64 + ((f - s * (f - w * tail)) + (n * LOW64 + lost))
