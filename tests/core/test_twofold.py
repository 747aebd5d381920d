"""The arithmetic underneath: against exact rational and 50-digit numbers."""

from fractions import Fraction

import numpy as np
import pytest
from mpmath import mp, mpf

from pminusy.core.twofold import (
    EXP_BITS,
    Twofold,
    exp_scaled,
    log1p,
    log1p_scaled,
    log_of,
    two_difference,
    twofold,
    where,
)

RANDOM = np.random.default_rng(5)


def numbers(n: int = 400) -> Twofold:
    hi = RANDOM.normal(size=n) * 10.0 ** RANDOM.integers(-40, 40, size=n)
    return twofold(hi) + hi * 2.0**-54 * RANDOM.uniform(-1, 1, size=n)


def exact(x: Twofold) -> list[Fraction]:
    return [
        Fraction(float(h)) + Fraction(float(low))
        for h, low in zip(x.hi.flat, x.lo.flat, strict=True)
    ]


def assert_close(got: Twofold, truth: list[Fraction], scale: list[Fraction], bits: int) -> None:
    for g, t, s in zip(exact(got), truth, scale, strict=True):
        assert abs(g - t) <= abs(s) * Fraction(1, 2**bits)


@pytest.mark.parametrize("operation", ["+", "-", "*", "/"])
def test_operators_keep_a_hundred_bits(operation):
    a, b = numbers(), numbers()
    x, y = exact(a), exact(b)
    if operation == "+":
        truth = [p + q for p, q in zip(x, y, strict=True)]
        assert_close(a + b, truth, truth, 100)
    elif operation == "-":
        truth = [p - q for p, q in zip(x, y, strict=True)]
        assert_close(a - b, truth, truth, 100)
    elif operation == "*":
        truth = [p * q for p, q in zip(x, y, strict=True)]
        assert_close(a * b, truth, truth, 100)
    else:
        truth = [p / q for p, q in zip(x, y, strict=True)]
        assert_close(a / b, truth, truth, 100)


def test_operators_with_plain_numbers_on_either_side():
    a, x = numbers(), np.full(400, 3.0)
    pairs = [
        (a + 3.0, 3.0 + a, [p + 3 for p in exact(a)]),
        (a * 3.0, x * a, [p * 3 for p in exact(a)]),
        (-(a - 3.0), x - a, [3 - p for p in exact(a)]),
        (3.0 / a, x / a, [3 / p for p in exact(a)]),
    ]
    for left, right, truth in pairs:
        assert_close(left, truth, truth, 100)
        assert_close(right, truth, truth, 100)


def test_sum_and_difference_that_cancel():
    a = twofold(np.array([1.0])) + 2.0**-60
    assert exact(a - 1.0) == [Fraction(1, 2**60)]
    assert exact(two_difference(np.array([1e30]), np.array([1e-30]))) == [
        Fraction(1e30) - Fraction(1e-30)
    ]


@pytest.mark.parametrize("size", [0, 1, 2, 3, 7, 8, 100])
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_sum_along_an_axis(size, axis):
    hi = RANDOM.normal(size=(3, size) if axis else (size, 3)) * 1e10
    lo = hi * 2.0**-54 * RANDOM.uniform(-1, 1, size=hi.shape)
    x = Twofold(hi, lo)
    columns = np.moveaxis(hi, axis, 0), np.moveaxis(lo, axis, 0)
    truth = [
        sum((Fraction(float(h)) + Fraction(float(w)) for h, w in zip(*c, strict=True)), Fraction(0))
        for c in zip(columns[0].T, columns[1].T, strict=True)
    ]
    total, kept = x.sum(axis), x.sum(axis, keepdims=True)
    assert total.shape == (3,)
    assert kept.shape == ((3, 1) if axis else (1, 3))
    assert_close(total, truth, [Fraction(1e11)] * 3, 100)
    assert exact(kept) == exact(total)


def test_difference_of_numbers_that_share_their_leading_half():
    hi = RANDOM.normal(size=200)
    a, b = (Twofold(hi, hi * 2.0**-54 * RANDOM.uniform(-1, 1, size=200)) for _ in range(2))
    truth = [x - y for x, y in zip(exact(a), exact(b), strict=True)]
    assert_close(a - b, truth, truth, 100)


def test_sum_is_one_of_the_terms_when_the_others_cancel():
    x = np.array([1.0, 1e100, 1.0, -1e100])
    assert twofold(x).sum(0).rounded() == 2.0  # float64 alone gives 0


def test_exponential():
    x = twofold(-np.concatenate([RANDOM.uniform(0, 1, 300), RANDOM.uniform(0, 745, 300), [0.0]]))
    x = x + x.hi * 2.0**-54 * RANDOM.uniform(-1, 1, size=x.shape)
    with mp.workdps(60):
        for argument, value in zip(exact(x), exact(exp_scaled(x)), strict=True):
            truth = mp.exp(mpf(argument.numerator) / argument.denominator) * mpf(2) ** EXP_BITS
            got = mpf(value.numerator) / value.denominator
            assert abs(got - truth) <= truth * mpf(2) ** -67


def test_exponential_of_the_largest_remainders():
    steps = (np.arange(-2000, 0) + 0.5) * (np.log(2) / 64)  # halfway between table entries
    x = twofold(steps)
    with mp.workdps(60):
        for argument, value in zip(steps, exact(exp_scaled(x)), strict=True):
            truth = mp.exp(mpf(argument)) * mpf(2) ** EXP_BITS
            assert abs(mpf(value.numerator) / value.denominator - truth) <= truth * mpf(2) ** -67


def test_exponential_at_its_ends():
    x = twofold(np.array([-0.0, 0.0, -1500.0, -1e10, -1e300, -np.inf, np.nan]))
    got = exp_scaled(x).hi
    assert got[:2].tolist() == [2.0**EXP_BITS] * 2
    assert got[2:6].tolist() == [0.0] * 4
    assert np.isnan(got[6])
    far = exp_scaled(Twofold(np.array([-1e300, -np.inf]), np.array([1e283, 0.0])))
    assert far.hi.tolist() == [0.0, 0.0]


def test_exponential_of_nan_needs_no_muting():
    with np.errstate(all="raise"):
        assert np.isnan(exp_scaled(twofold(np.array([np.nan]))).hi[0])


def test_products_are_exact():
    a, b = RANDOM.normal(size=(2, 5000)) * 10.0 ** RANDOM.integers(-100, 100, size=5000)
    for x, y, product in zip(a, b, exact(twofold(a) * b), strict=True):
        assert product == Fraction(float(x)) * Fraction(float(y))


def test_sum_keeps_the_axis_of_three():
    x = numbers(24)
    cube = Twofold(x.hi.reshape(2, 3, 4), x.lo.reshape(2, 3, 4))
    for axis, shape in ((0, (1, 3, 4)), (1, (2, 1, 4)), (2, (2, 3, 1)), (-1, (2, 3, 1))):
        assert cube.sum(axis, keepdims=True).shape == shape
        assert exact(cube.sum(axis, keepdims=True)) == exact(cube.sum(axis))


def test_logarithm():
    x = 10.0 ** RANDOM.uniform(-40, 4, 600)
    near = np.linspace(0.03, 1 / 32, 100)  # where the series is at its worst
    x = np.concatenate([x, near, [np.nextafter(1 / 32, 1), 1e-300]])
    with mp.workdps(60):
        for argument, value in zip(x, exact(log1p(twofold(x))), strict=True):
            truth = mp.log1p(mpf(argument))
            bits = 65 if argument <= 1 / 32 else 62
            error = abs(mpf(value.numerator) / value.denominator - truth)
            assert error <= truth * mpf(2) ** -bits


def test_logarithm_of_what_underflows():
    tiny = twofold(np.array([2.0 ** (EXP_BITS - 1080), 2.0 ** (EXP_BITS - 200), 0.0]))
    assert exact(log1p_scaled(tiny)) == exact(tiny)
    x = np.array([0.25, 3.0])
    assert_close(
        log1p_scaled(twofold(x * 2.0**EXP_BITS)).ldexp(-EXP_BITS),
        exact(log1p(twofold(x))),
        exact(log1p(twofold(x))),
        100,
    )


def test_logarithm_of_a_constant():
    with mp.workdps(60):
        for base in (2.0, 10.0, 1.5, 2.718281828459045):
            got = log_of(base)
            assert abs(mpf(float(got.hi)) + mpf(float(got.lo)) - mp.log(mpf(base))) < mpf(2) ** -104


def test_infinities_and_nan_pass_through():
    x = twofold(np.array([np.inf, -np.inf, np.nan]))
    with np.errstate(invalid="ignore"):
        for result in (x + 1.0, x * 2.0, x / 3.0, x - 1.0):
            assert np.array_equal(result.hi, x.hi, equal_nan=True)
            assert np.array_equal(result.lo, [0.0, 0.0, 0.0])


def test_power_of_two_is_exact_and_overflows_to_infinity():
    x = numbers(20)
    assert exact(x.ldexp(7)) == [128 * value for value in exact(x)]
    assert exact(x.ldexp(np.full(20, -7))) == [value / 128 for value in exact(x)]
    with np.errstate(over="ignore"):
        far = Twofold(np.array([1.0]), np.array([-(2.0**-54)])).ldexp(5000)
        assert (far + 1.0).rounded().tolist() == [np.inf]


def test_rounding_to_a_type_and_scale():
    x = twofold(np.array([1.0, 3.0])) + 2.0**-70
    assert x.rounded(np.float32, 3).tolist() == [8.0, 24.0]
    assert x.rounded(np.float32).dtype == np.float32


def test_indexing_and_choice():
    a, b = numbers(4), numbers(4)
    chosen = where(np.array([True, False, True, False]), a, b)
    assert exact(chosen) == [
        x if i % 2 == 0 else y for i, (x, y) in enumerate(zip(exact(a), exact(b), strict=True))
    ]
    assert exact(a[1:3]) == exact(a)[1:3]
