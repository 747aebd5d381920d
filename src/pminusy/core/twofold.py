"""Numbers as unevaluated sums of two float64: about 106 bits behind ordinary operators.

The specification has to be right to the last digit, and a chain of five rounded operations is not.
So `core` computes with `Twofold` numbers, where `a + b`, `a * b` and `a / b` lose some 2⁻¹⁰⁰
instead of 2⁻⁵³, and rounds once, at the end. A formula reads the same either way.

Only IEEE float64 operations are used: no extended precision, no fused multiply-add, and no trust in
the last digit of a library's `exp` or `log1p`.

Source: T. J. Dekker, "A floating-point technique for extending the available precision", 1971;
P. T. P. Tang, "Table-driven implementation of the exponential function", 1989.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, localcontext
from functools import cache, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "EXP_BITS",
    "Twofold",
    "exp_scaled",
    "log1p",
    "log1p_scaled",
    "log_of",
    "two_difference",
    "twofold",
    "where",
]

Float64 = NDArray[np.float64]

EXP_BITS = 512
"""`exp_scaled` returns eˣ · 2⁵¹², so that eˣ itself may underflow without losing its digits."""

_STEPS = 64  # 2^(j/64), j = 0 … 63, are tabulated
_DIGITS = 60


@dataclass(frozen=True, slots=True)
class Twofold:
    """The exact sum `hi + lo` of two float64 arrays, |lo| ≤ ulp(hi) / 2."""

    hi: Float64
    lo: Float64

    __array_ufunc__ = None  # let ndarray ∘ Twofold come to the reflected operators below

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of both arrays."""
        return self.hi.shape

    def __getitem__(self, key: Any) -> Twofold:
        return Twofold(self.hi[key], self.lo[key])

    def __neg__(self) -> Twofold:
        return Twofold(-self.hi, -self.lo)

    def __add__(self, other: Twofold | Float64 | float) -> Twofold:
        b = twofold(other)
        hi, error = _two_sum(self.hi, b.hi)
        error = _finite(error)  # ∞ + x is ∞, not NaN
        lo, rest = _two_sum(self.lo, b.lo)
        hi, error = _quick_two_sum(hi, error + lo)
        return _normalised(hi, error + rest)

    def __sub__(self, other: Twofold | Float64 | float) -> Twofold:
        return self + (-twofold(other))

    def __mul__(self, other: Twofold | NDArray[Any] | float) -> Twofold:
        if isinstance(other, np.ndarray) and other.dtype == np.bool_:
            return where(other, self, 0.0)
        b = twofold(other)
        hi, error = _two_product(self.hi, b.hi)
        return _normalised(hi, error + (self.hi * b.lo + self.lo * b.hi))

    def __truediv__(self, other: Twofold | Float64 | float) -> Twofold:
        b = twofold(other)
        first = self.hi / b.hi
        rest = self - b * first
        return _normalised(first, rest.hi / b.hi)

    def __radd__(self, other: Float64 | float) -> Twofold:
        return self + other

    def __rsub__(self, other: Float64 | float) -> Twofold:
        return -self + other

    def __rmul__(self, other: Float64 | float) -> Twofold:
        return self * other

    def __rtruediv__(self, other: Float64 | float) -> Twofold:
        return twofold(other) / self

    def sum(self, axis: int, *, keepdims: bool = False) -> Twofold:
        """Sum along an axis, in pairs, so that the result does not depend on the platform."""
        hi, lo = np.moveaxis(self.hi, axis, 0), np.moveaxis(self.lo, axis, 0)
        if hi.shape[0] == 0:
            hi = lo = np.zeros((1, *hi.shape[1:]))
        total = Twofold(hi, lo)
        while total.shape[0] > 1:
            half = total.shape[0] // 2
            folded = total[:half] + total[half : 2 * half]
            odd = total[2 * half :]
            total = Twofold(
                np.concatenate([folded.hi, odd.hi]), np.concatenate([folded.lo, odd.lo])
            )
        total = total[0]
        return total[(..., *_new_axis(self.hi.ndim, axis))] if keepdims else total

    def ldexp(self, exponent: int | NDArray[np.integer[Any]]) -> Twofold:
        """`self · 2^exponent`, exactly as long as nothing overflows or underflows."""
        return Twofold(np.ldexp(self.hi, exponent), _finite(np.ldexp(self.lo, exponent)))

    def rounded(
        self, dtype: Any = np.float64, exponent: int | NDArray[np.integer[Any]] = 0
    ) -> NDArray[Any]:
        """Number of the given type nearest to `self · 2^exponent`."""
        return np.asarray(np.ldexp(self.hi, exponent)).astype(dtype)


def _new_axis(ndim: int, axis: int) -> tuple[Any, ...]:
    """Index that puts a length-one axis where `axis` was, counted from the end."""
    after = ndim - 1 - (axis % ndim)
    return (None, *(slice(None),) * after)


def twofold(value: Twofold | Float64 | float) -> Twofold:
    """Take a plain number or array as a Twofold (exactly)."""
    if isinstance(value, Twofold):
        return value
    hi = np.asarray(value, dtype=np.float64)
    return Twofold(hi, np.zeros_like(hi))


def where(condition: NDArray[np.bool_], a: Twofold | float, b: Twofold | float) -> Twofold:
    """Entry of `a` where the condition holds, of `b` elsewhere."""
    x, y = twofold(a), twofold(b)
    return Twofold(np.where(condition, x.hi, y.hi), np.where(condition, x.lo, y.lo))


def _two_sum(a: Float64, b: Float64) -> tuple[Float64, Float64]:
    """Rounded sum and its rounding error, exactly."""
    s = a + b
    t = s - a
    return s, (a - (s - t)) + (b - t)


def _quick_two_sum(a: Float64, b: Float64) -> tuple[Float64, Float64]:
    """`_two_sum` for |a| ≥ |b|."""
    s = a + b
    return s, b - (s - a)


def _split(a: Float64) -> tuple[Float64, Float64]:
    c = 134217729.0 * a  # 2²⁷ + 1
    high = c - (c - a)
    return high, a - high


def _two_product(a: Float64, b: Float64) -> tuple[Float64, Float64]:
    """Rounded product and its rounding error, exactly (for |a|, |b| < 2⁹⁹⁶)."""
    product = a * b
    (ah, al), (bh, bl) = _split(a), _split(b)
    return product, ((ah * bh - product) + ah * bl + al * bh) + al * bl


def _normalised(hi: Float64, lo: Float64) -> Twofold:
    """Pair with |lo| ≤ ulp(hi) / 2; where `hi` is infinite or NaN it stands alone."""
    hi, lo = _quick_two_sum(hi, _finite(lo))
    return Twofold(hi, _finite(lo))


def _finite(error: Float64) -> Float64:
    """Rounding errors, 0 where the rounded number is infinite or NaN and has none."""
    return np.where(np.isfinite(error), error, 0.0)


def two_difference(a: Float64, b: Float64) -> Twofold:
    """`a − b`, exactly."""
    return _normalised(*_two_sum(a, -b))


def _parts(value: Decimal, bits: int, count: int) -> tuple[float, ...]:
    """Split a constant into floats of at most `bits` bits each, largest first."""
    parts = []
    for _ in range(count):
        parts.append(_truncated(float(value), bits))
        value -= Decimal(parts[-1])
    return tuple(parts)


def _truncated(value: float, bits: int) -> float:
    mantissa, exponent = np.frexp(value)
    return float(np.ldexp(np.trunc(np.ldexp(mantissa, bits)), exponent - bits))


def _pair(value: Decimal) -> tuple[float, float]:
    hi = float(value)
    return hi, float(value - Decimal(hi))


@cache
def _exp_constants() -> tuple[tuple[float, ...], Float64, Float64]:
    """ln 2 / 64 in three parts (n times the first two is exact), and 2^(j/64) as pairs.

    Computed here to 60 digits rather than typed in: a constant nobody can mistype.
    """
    with localcontext() as context:
        context.prec = _DIGITS
        step = Decimal(2).ln() / _STEPS
        powers = [_pair((step * j).exp()) for j in range(_STEPS)]
        table = np.array(powers, dtype=np.float64)
        return _parts(step, 34, 3), table[:, 0], table[:, 1]


@lru_cache(maxsize=16)
def log_of(base: float) -> Twofold:
    """Natural logarithm of a positive constant, as a Twofold."""
    with localcontext() as context:
        context.prec = _DIGITS
        hi, lo = _pair(Decimal(base).ln())
        return Twofold(np.float64(hi), np.float64(lo))  # type: ignore[arg-type]  # 0-d works as an array


def exp_scaled(x: Twofold) -> Twofold:
    """`eˣ · 2⁵¹²` for x ≤ 0, to 2⁻⁶⁷ relative; 0 below x ≈ −1100, NaN where x is NaN.

    x = n · ln 2 / 64 + f with |f| < 0.0055, n = 64 k + j, and eˣ = 2ᵏ · 2^(j/64) · eᶠ.
    """
    (c1, c2, c3), table_hi, table_lo = _exp_constants()
    hi = np.maximum(x.hi, -2000.0)  # far below the last number that is not 0; keeps n small
    n = np.rint(hi * (1.0 / c1))
    high, low = _two_sum(hi - n * c1, -(n * c2))
    f = _normalised(high, low + (np.where(hi == x.hi, x.lo, 0.0) - n * c3))
    tail = f.hi * f.hi * _exp_tail(f.hi)
    k, j = np.divmod(np.nan_to_num(n).astype(np.int64), _STEPS)
    power = Twofold(table_hi[j], table_lo[j])
    result = power + power * (f + tail)
    return result.ldexp((k + EXP_BITS).astype(np.int32))


def _exp_tail(f: Float64) -> Float64:
    """(eᶠ − 1 − f) / f² by its Taylor series."""
    tail = np.full_like(f, 1.0 / 5040)
    for divisor in (720, 120, 24, 6, 2):
        tail = tail * f + 1.0 / divisor
    return tail


def log1p(x: Twofold) -> Twofold:
    """`ln(1 + x)` for x ≥ 0, to 2⁻⁶² relative, however small x is."""
    return where(x.hi <= 1.0 / 32, _log1p_series(x), _log1p_newton(x))


def log1p_scaled(scaled: Twofold) -> Twofold:
    """`ln(1 + x) · 2⁵¹²` from `x · 2⁵¹²`: an x below the smallest float keeps its digits."""
    tiny = scaled.hi < 2.0 ** (EXP_BITS - 110)  # here ln(1 + x) = x to 2⁻¹¹⁰
    return where(tiny, scaled, log1p(scaled.ldexp(-EXP_BITS)).ldexp(EXP_BITS))


def _log1p_series(x: Twofold) -> Twofold:
    """2 artanh(t), t = x / (2 + x) ≤ 1/65: the series ends after six terms."""
    t = x / (x + 2.0)
    square = t.hi * t.hi
    tail = np.zeros_like(square)
    for divisor in (11, 9, 7, 5, 3):
        tail = square * (tail + 1.0 / divisor)
    return (t + t * tail) * 2.0


def _log1p_newton(x: Twofold) -> Twofold:
    """One Newton step from the library's value y: y + (1 + x) e⁻ʸ − 1."""
    start = twofold(np.log1p(x.hi))
    return start + ((x + 1.0) * exp_scaled(-start).ldexp(-EXP_BITS) - 1.0)
