"""The inner loops over a stretch of a row: exponentials, their sums, and products with factors.

E = 2^(base − J) · e^z for an integer J near z's maximum over ln 2 (the reference): the reduced
argument z − n ln 2 is exact, so nothing is lost by how far z is from the maximum, and E of
different references differ by powers of two. From 2^base there is room below for every number that
counts, and above; so the reference may be guessed, and one visit finds maximum, exponentials and
their sum.

Twin: `exp_scaled` in `core.twofold`. Source: Tang 1989; a reduction without a table.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from pminusy.kernels.runtime.compilation import by_type, inline
from pminusy.kernels.simd.elementary import ATANH_TAIL, DOUBLE_TAIL, HIGH64, LOW64, SINGLE_TAIL
from pminusy.kernels.simd.vectors import Lanes, Loop, fma, lanes_of, larger, pointer, where

__all__ = [
    "exp_lanes",
    "exp_of",
    "exp_pair_lanes",
    "exp_sums",
    "exp_sums_below",
    "exp_times",
    "far",
    "in_reach",
    "largest",
    "log1p_lanes",
    "pair_sum",
    "reference",
    "start_at",
    "start_of",
    "store_fence",
    "times",
    "two_sum_lanes",
]

_LN2 = 0.6931471805599453
_PER_LN2 = 1.0 / _LN2
_SQRT_HALF_BITS = int(np.float64(math.sqrt(0.5)).view(np.int64))
_BASE32, _BASE64 = 73.0, 600.0
_GUESS32, _GUESS64 = 16.0, 300.0  # a reference may be so far off: base, room above and depth below
FAR32, FAR64 = 2.0**17, 2.0**40


class Kind(NamedTuple):
    """What the exponential needs to know of a floating type."""

    high: float  # ln 2 in two parts: n · high − z is exact in a fused operation
    low: float
    tail: tuple[float, ...]  # e^r = 1 + r + r² Σ tail_i rⁱ
    places: int  # bits of a mantissa


_SINGLE = Kind(0.693147182464599609375, -1.904654299957768e-9, SINGLE_TAIL, 23)
_DOUBLE = Kind(_LN2, 2.3190468138462996e-17, DOUBLE_TAIL, 52)


def exp_lanes(x: Lanes, floor: Any, start: Any) -> Lanes:
    """E of numbers, for the `start_of` a reference, and those below the floor as if at it."""
    kind = _DOUBLE if x.element == ir.DoubleType() else _SINGLE
    x = where(x < floor, floor, x)  # NaN stays
    shifted = fma(x, _PER_LN2, start)
    n = shifted - start
    r = fma(n, -kind.low, fma(n, -kind.high, x))
    e = fma(r, kind.tail[-1], kind.tail[-2])
    for c in (*reversed(kind.tail[:-2]), 1.0, 1.0):
        e = fma(e, r, c)
    return e * shifted.bits().left(kind.places).numbers()  # a product: NaN stays


def exp_pair_lanes(x: Lanes, floor: Any, start: Any) -> tuple[Lanes, Lanes]:
    """E of float64 numbers as in `exp_lanes`, and what rounding took from it: some 90 bits.

    e^r by its series, the first terms in two parts each.
    """
    x = where(x < floor, floor, x)
    shifted = fma(x, _PER_LN2, start)
    n = shifted - start
    r = fma(n, -_DOUBLE.high, x)  # exact
    away = n * _DOUBLE.low
    r, r_low = two_sum_lanes(r, away.negative())
    r_low = r_low - fma(n, _DOUBLE.low, away.negative())
    tail = [_over_factorial(k)[0] for k in range(_PAIRS, _PAIRS + 11)]
    e: Lanes = fma(r, tail[-1], tail[-2])
    for c in reversed(tail[:-2]):
        e = fma(e, r, c)
    e_low = e - e
    for k in reversed(range(_PAIRS)):
        c, c_low = _over_factorial(k)
        h = e * r
        low = fma(e_low, r, fma(e, r_low, fma(e, r, h.negative())))
        e = h + c
        e_low = (h - (e - c)) + (low + c_low)
    power = shifted.bits().left(52).numbers()
    return e * power, e_low * power


_PAIRS = 10


def _over_factorial(k: int) -> tuple[float, float]:
    """1 / k! in two parts."""
    exact = Fraction(1, math.factorial(k))
    high = float(exact)
    return high, float(exact - Fraction(high))


def log1p_lanes(x: Lanes) -> Lanes:
    """ln(1 + x) of float64 x ≥ 0, to about one unit in the last place however small x is.

    1 + x = 2ᵏ (1 + f) with √½ ≤ 1 + f < √2, and ln(1 + f) = 2 artanh(f / (2 + f)).
    """
    u = x + 1.0
    k = u.bits().less(_SQRT_HALF_BITS).right(52)
    f = u.bits().less(k.left(52)).numbers() - 1.0
    lost = (x - (u - 1.0)) / u  # what rounding took from 1 + x
    large = x.at_least(0.41)
    n = where(large, k.counted(), 0.0)
    f = where(large, f, x)
    lost = where(large, lost, 0.0)
    s = f / (f + 2.0)
    w = s * s
    tail = fma(w, ATANH_TAIL[-1], ATANH_TAIL[-2])
    for c in reversed(ATANH_TAIL[:-2]):
        tail = fma(tail, w, c)
    rest = f - s * (f - w * tail)
    return fma(n, HIGH64, rest + fma(n, LOW64, lost))


def two_sum_lanes(a: Lanes, b: Lanes) -> tuple[Lanes, Lanes]:
    """a + b rounded, and its rounding error."""
    s = a + b
    t = s - a
    return s, (a - (s - t)) + (b - t)


def pair_sum(total: Lanes) -> tuple[Lanes, Lanes]:
    """Sum of all lanes, and its rounding error."""
    error = total - total
    while total.count > 1:
        (low, high), (low_error, high_error) = total.halves(), error.halves()
        total, lost = two_sum_lanes(low, high)
        error = (low_error + high_error) + lost
    return total, error


def _sums(z: Any, below: bool) -> tuple[Any, Any]:
    element = z.dtype
    arguments = (z, z, element, element) + ((element,) if below else ())
    signature = types.UniTuple(types.float64, 3)(*arguments)

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        n = context.make_array(z)(context, builder, given[0]).nitems
        source, target = (pointer(context, builder, z, array) for array in given[:2])
        floor, start, *limit = (Lanes(builder, value) for value in given[2:])
        loop = Loop(builder, lanes_of(source.type.pointee), n)
        vector = ir.VectorType(source.type.pointee, loop.count)
        top = loop.variable(ir.Constant(vector, [-np.inf] * loop.count))
        for offset, mask in loop.steps():
            x = loop.load(source, offset, mask, -np.inf)
            builder.store(larger(Lanes(builder, builder.load(top)), x).value, top)
            e = exp_lanes(x, floor, start)
            if mask is not None:
                e = where(Lanes(builder, mask), e, 0.0)
            loop.store(e, target, offset, None)
        (most,) = Lanes(builder, builder.load(top)).reduced(larger).wide()
        # A loop of its own: in one, there would be too much for the processor to look ahead.
        double = ir.Constant(ir.VectorType(ir.DoubleType(), 8), [0.0] * 8)
        sums = [loop.variable(double) for _ in range(2)]
        for offset in loop.whole_steps():
            e = loop.load(target, offset, None)
            if limit:
                e = where(e < limit[0], e, 0.0)
            first, second = (Lanes(builder, builder.load(s)) for s in sums)
            if loop.count == 16:  # float32 terms leave 29 bits: their sums are as good as exact
                low, high = e.wide()
                first, second = first + low, second + high
            else:
                first, lost = two_sum_lanes(first, e)
                second = second + lost
            builder.store(first.value, sums[0])
            builder.store(second.value, sums[1])
        first, second = (Lanes(builder, builder.load(s)) for s in sums)
        if loop.count == 16:
            total, error = pair_sum(first + second)
        else:
            total, error = pair_sum(first)
            error = error + second.reduced(Lanes.__add__)
        values = [most.value, total.value, error.value]
        return context.make_tuple(builder, signature.return_type, values)

    return signature, generate


@intrinsic
def exp_sums(typing_context: Any, z: Any, e: Any, floor: Any, start: Any) -> Any:
    """Write E of z to `e`; return the largest z (not NaN), Σ E, and the rounding error of that.

    `e` has room for whole vectors, and is filled up with 0.
    """
    return _sums(z, below=False)


@intrinsic
def exp_sums_below(
    typing_context: Any, z: Any, e: Any, floor: Any, start: Any, limit: Any
) -> Any:  # fmt: skip
    """The same with the sum over E < limit alone."""
    return _sums(z, below=True)


@intrinsic
def exp_times(
    typing_context: Any, z: Any, out: Any, floor: Any, start: Any, a: Any, b: Any, stream: Any
) -> Any:  # fmt: skip
    """Write E · a · b of z to `out`, which may be z or longer; non-temporally if `stream`."""
    return _written(z, (z, z, *[z.dtype] * 4, types.boolean), exponential=True)


@intrinsic
def times(typing_context: Any, e: Any, out: Any, a: Any, b: Any, stream: Any) -> Any:
    """Write e · a · b to `out`, which may be e; non-temporally if `stream`."""
    return _written(e, (e, e, *[e.dtype] * 2, types.boolean), exponential=False)


def _written(array: Any, arguments: Any, exponential: bool) -> tuple[Any, Any]:
    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        n = context.make_array(array)(context, builder, given[0]).nitems  # `out` may have more
        source, target = (pointer(context, builder, array, a) for a in given[:2])
        *range_, a, b = (Lanes(builder, value) for value in given[2:-1])
        loop = Loop(builder, lanes_of(source.type.pointee), n)
        with builder.if_else(given[-1]) as (streamed, kept):
            for branch, past_cache in ((streamed, True), (kept, False)):
                with branch:
                    for offset, mask in loop.steps(target if past_cache else None):
                        x = loop.load(source, offset, mask)
                        e = exp_lanes(x, *range_) if exponential else x
                        result = (e * a) * b  # small factors last: one rounding to a subnormal
                        loop.store(result, target, offset, mask, past_cache and mask is None)
        return context.get_dummy_value()

    return types.void(*arguments), generate


@intrinsic
def exp_of(typing_context: Any, x: Any, floor: Any, start: Any) -> Any:
    """E of one number, the same bits as in a vector."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        return exp_lanes(*(Lanes(builder, value) for value in given)).value

    return x(x, x, x), generate


@intrinsic
def largest(typing_context: Any, z: Any) -> Any:
    """Largest entry, −∞ for none; NaN is passed over."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        n = context.make_array(z)(context, builder, given[0]).nitems
        source = pointer(context, builder, z, given[0])
        loop = Loop(builder, lanes_of(source.type.pointee), n)
        lowest = ir.Constant(ir.VectorType(source.type.pointee, loop.count), [-np.inf] * loop.count)
        top = loop.variable(lowest)
        for offset, mask in loop.steps():
            x = loop.load(source, offset, mask, -np.inf)
            builder.store(larger(Lanes(builder, builder.load(top)), x).value, top)
        return Lanes(builder, builder.load(top)).reduced(larger).value

    return z.dtype(z), generate


@intrinsic
def store_fence(typing_context: Any) -> Any:
    """Have what was written by non-temporal stores seen before anything that follows."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        builder.fence("seq_cst")
        return context.get_dummy_value()

    return types.void(), generate


@inline
def reference(top):  # type: ignore[no-untyped-def]  # Numba infers types
    """J for a finite maximum."""
    return np.rint(np.float64(top) * _PER_LN2)


@inline
def _start_at32(z, J, base, depth):  # type: ignore[no-untyped-def]  # Numba infers types
    floor = (J - (base + depth)) * _LN2
    return np.float32(floor), np.float32(1.5 * 2.0**23 + (127.0 + base - J))


@inline
def _start_at64(z, J, base, depth):  # type: ignore[no-untyped-def]  # Numba infers types
    return (J - (base + depth)) * _LN2, 1.5 * 2.0**52 + (1023.0 + base - J)


start_at = by_type(_start_at32, _start_at64)
"""Floor and start of the exponentials of z's type for a reference J: E is 2^base at J ln 2, and
2^−depth at the floor."""


@inline
def _start32(z, J):  # type: ignore[no-untyped-def]  # Numba infers types
    return _start_at32(z, J, _BASE32, 126.0)


@inline
def _start64(z, J):  # type: ignore[no-untyped-def]  # Numba infers types
    return _start_at64(z, J, _BASE64, 1000.0)


start_of = by_type(_start32, _start64)
"""The same with the base for a reference that is a guess."""


@inline
def _reach32(z, top, J):  # type: ignore[no-untyped-def]  # Numba infers types
    return abs(top) < FAR32 and abs(top * _PER_LN2 - J) <= _GUESS32


@inline
def _reach64(z, top, J):  # type: ignore[no-untyped-def]  # Numba infers types
    return abs(top) < FAR64 and abs(top * _PER_LN2 - J) <= _GUESS64


in_reach = by_type(_reach32, _reach64)
"""Whether E of z's type made with the reference J serve for this maximum; not for NaN and ±∞."""


@inline
def _far32(z, top):  # type: ignore[no-untyped-def]  # Numba infers types
    return abs(top) >= FAR32


@inline
def _far64(z, top):  # type: ignore[no-untyped-def]  # Numba infers types
    return abs(top) >= FAR64


far = by_type(_far32, _far64)
"""Whether a number of z's type is too large for `exp_lanes`: the integer n would lose bits."""
