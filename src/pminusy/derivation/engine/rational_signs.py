"""Plain signs of rational functions: no negative coefficient, or an even power.

Some generators stand for positive quantities (probabilities, targets, weights, constants of the
loss), some for anything (logits, directions). Every polynomial is first made homogeneous with
Σ p = 1, so that 1 − p_0 reads p_1 + p_2 + ….
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from pminusy.derivation.engine.laurent import Laurent

__all__ = ["nonnegative", "plain_sign", "positive"]

_LETTERS = ("p", "y", "q", "w")
_CONSTANTS = ("T", "kappa", "zeta", "epsilon", "omega", "eta", "lambda", "Z", "N", "keep")


def plain_sign(value: Any, algebra: Any) -> int:
    """1 where it is plainly ≥ 0, −1 where plainly ≤ 0, 0 where that is open."""
    if not value:
        return 1
    numerator = _over_positive(algebra.field_element(value))
    if numerator is None:
        return 0
    polynomial = algebra.homogeneous(numerator)
    if not _has_signed_odd(polynomial):
        coefficients = polynomial.terms.values()
        if all(coefficient > 0 for coefficient in coefficients):
            return 1
        if all(coefficient < 0 for coefficient in coefficients):
            return -1
    return _sign_by_factors(polynomial)


def nonnegative(value: Any, algebra: Any) -> bool:
    """Whether it is plainly ≥ 0."""
    return plain_sign(value, algebra) > 0


def positive(value: Any, algebra: Any) -> bool:
    """Whether it is plainly > 0: some term has no target in it, for targets may be 0."""
    if not nonnegative(value, algebra):
        return False
    polynomial = algebra.homogeneous(algebra.field_element(value).numerator())
    names = polynomial.ring.names
    return all(coefficient > 0 for coefficient in polynomial.terms.values()) and any(
        not any(power and name[0] in "yq" for power, name in zip(monomial, names, strict=True))
        for monomial in polynomial.terms
    )


def _over_positive(value: Laurent) -> Laurent | None:
    """Numerator, once the denominator is known to be positive."""
    numerator = value.numerator()
    (lift,) = {
        tuple(a - b for a, b in zip(one, two, strict=True))
        for one, two in zip(numerator.terms, value.terms, strict=True)
    }
    for power, name in zip(lift, value.ring.names, strict=True):
        if power % 2 and not _is_positive(name):
            return None
    return numerator


def _sign_by_factors(polynomial: Laurent) -> int:
    """Sign of a product: even powers are ≥ 0, and so are factors without a negative coefficient."""
    constant, factors = _factored(polynomial)
    sign = 1 if constant > 0 else -1
    for coefficients, signed, power in factors:
        if power % 2 == 0:
            continue
        if signed or (max(coefficients) > 0 > min(coefficients)):
            return 0
        sign = sign if max(coefficients) > 0 else -sign
    return sign


def _factored(polynomial: Laurent) -> tuple[Any, list[tuple[list[Any], bool, int]]]:
    """Constant, and coefficients, whether of open sign, and power of each factor (by SymPy)."""
    from sympy import QQ
    from sympy.polys.rings import ring

    used = [i for i in range(len(polynomial.ring.names)) if any(m[i] for m in polynomial.terms)]
    names = [polynomial.ring.names[i] for i in used]
    over, *_ = ring(names, QQ)
    plain = over.from_dict(
        {
            tuple(m[i] for i in used): QQ(Fraction(value).numerator, Fraction(value).denominator)
            for m, value in polynomial.terms.items()
        }
    )
    constant, factors = plain.factor_list()
    described = []
    for factor, power in factors:
        signed = any(
            exponent % 2 and not _is_positive(name)
            for monomial in factor.monoms()
            for exponent, name in zip(monomial, names, strict=True)
        )
        described.append((list(factor.coeffs()), signed, power))
    return constant, described


def _has_signed_odd(polynomial: Laurent) -> bool:
    """Whether a generator of either sign has an odd power somewhere."""
    return any(
        power % 2 and not _is_positive(name)
        for monomial in polynomial.terms
        for power, name in zip(monomial, polynomial.ring.names, strict=True)
    )


def _is_positive(name: str) -> bool:
    return name in _CONSTANTS or (name[0] in _LETTERS and name[1:].isdigit())
