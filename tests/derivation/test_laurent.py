"""Exact algebra against SymPy's fraction field, and certificates of sign."""

import random
from fractions import Fraction

import pytest
from sympy import QQ
from sympy.polys.fields import field

from pminusy.derivation.engine.algebra import Algebra
from pminusy.derivation.engine.dual import Dual
from pminusy.derivation.engine.rational_signs import nonnegative, plain_sign, positive

NAMES = ["p0", "p1", "Z", "v0"]


def both():
    algebra = Algebra(dict.fromkeys(NAMES, ()))
    over, *generators = field(NAMES, QQ)
    return algebra, [algebra[name] for name in NAMES], over, generators


def test_arithmetic_is_sympys():
    _algebra, ours, over, theirs = both()
    rng = random.Random(3)
    pairs = list(zip(ours, theirs, strict=True))
    for _ in range(300):
        (a, A), (b, B) = rng.choice(pairs), rng.choice(pairs)
        operation = rng.choice(["+", "-", "*", "/", "**"])
        if operation == "/":
            if len(b.terms) != 1:
                continue
            pair = a / b, A / B
        elif operation == "**":
            pair = a**2, A**2
        else:
            pair = {"+": (a + b, A + B), "-": (a - b, A - B), "*": (a * b, A * B)}[operation]
        if len(pair[0].terms) > 30:
            continue
        pairs.append(pair)
    for mine, theirs_ in pairs:
        back = over(0)
        for monomial, coefficient in mine.terms.items():
            term = over(Fraction(coefficient).numerator) / over(Fraction(coefficient).denominator)
            for generator, power in zip(both()[3], monomial[: len(NAMES)], strict=True):
                term = (
                    term * over(generator) ** power
                    if power >= 0
                    else term / over(generator) ** -power
                )
            back += term
        assert back == theirs_


def test_division_by_a_sum_is_consistent():
    _algebra, (p0, p1, *_), _, _ = both()
    assert 1 / (p0 + p1) == 1 / (p1 + p0)
    assert 1 / (p0 + p1) != 1 / (p0 - p1)
    with pytest.raises(ZeroDivisionError):
        1 / (p0 - p0)


def test_sums_to_one():
    algebra, (p0, p1, Z, _), _, _ = both()
    algebra.sum_to_one([algebra["p0"], algebra["p1"]])
    assert algebra.is_zero(1 - p0 - p1)
    assert not algebra.is_zero(p0 - p1)
    assert algebra.cancel_unit_sums(p0 * Z + p1 * Z) == Z


def test_signs():
    algebra, (p0, p1, _Z, v0), _, _ = both()
    algebra.sum_to_one([algebra["p0"], algebra["p1"]])
    one = algebra.number(Fraction(1))
    assert positive(one - p0, algebra)
    assert nonnegative((p0 - p1) ** 2, algebra)
    assert not nonnegative(p0 - p1, algebra)
    assert not nonnegative(v0, algebra)
    assert nonnegative(v0 * v0 * p0, algebra)
    assert plain_sign(-p0 * p1, algebra) == -1


def test_dual_numbers_know_the_rules():
    algebra, (p0, p1, *_), _, _ = both()
    x = Dual(p0, algebra.number(Fraction(1)), 1)
    assert (x * x / p1).slope == 2 * p0 / p1
    assert (1 / x).slope == -1 / p0**2
    assert (x**3).slope == 3 * p0**2
    assert algebra.apply("ln", x).slope == 1 / p0
    twice = Dual(Dual(p0, algebra.number(Fraction(1)), 1), algebra.number(Fraction(1)), 2)
    assert (twice * twice * twice).slope.slope == 6 * p0
