"""Exact numbers at a point: every e^(z_k) a prime, every logarithm of a prime a symbol of its own.

Two values that are equal here are equal as real numbers. Whatever is rational in e^z, y, x and W is
one fraction: nothing is left open by the form in which it was typed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache
from random import Random
from typing import Any

from pminusy.derivation.engine.algebra import Algebra
from pminusy.derivation.engine.decimals import as_array
from pminusy.derivation.engine.environment import Environment, Symbol
from pminusy.derivation.engine.evaluate import Evaluator
from pminusy.derivation.engine.laurent import Laurent
from pminusy.derivation.head.symbols import batch_symbols, symbols
from pminusy.derivation.statements.case import BatchCase, Case
from pminusy.questions.letters import About

__all__ = ["SIZES", "PointAlgebra", "is_full", "point"]

SIZES = (2, 3, 4)
"""Numbers of classes at which answers are judged."""

_PRIMES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37)
_SPARE = 48
_LARGEST_FACTOR = 2000


class PointAlgebra(Algebra):
    """Polynomials in logarithms of primes, with rational coefficients."""

    def __init__(self) -> None:
        super().__init__({}, _SPARE)
        self._prime_of: dict[int, int] = {}

    def logarithm(self, prime: int) -> Any:
        """The symbol that stands for ln of a prime."""
        key = ("ln", self.ring.constant(prime))
        if key not in self._known:
            symbol = self._known[key] = self.ring.fresh()
            self._prime_of[symbol.place()] = prime
        return self._known[key]

    def _ln(self, argument: Laurent) -> Any:
        if not argument:
            raise ArithmeticError("the logarithm of 0")
        if argument.terms.keys() != {self.ring.origin}:
            return self.ring.fresh()
        value = Fraction(argument.terms[self.ring.origin])
        if value < 0:
            raise ArithmeticError("the logarithm of a negative number")
        return self._ln_of_whole(value.numerator) - self._ln_of_whole(value.denominator)

    def _ln_of_whole(self, value: int) -> Any:
        total = self.ring.constant(0)
        for factor, power in _factors(value).items():
            total = total + power * self.logarithm(factor)
        return total

    def _exp(self, argument: Laurent) -> Any:
        result, rest = Fraction(1), self.ring.constant(0)
        for term in argument.single_terms():
            prime, power = self._logarithm_in(term)
            if prime is None:
                rest = rest + term
            elif abs(power) > _LARGEST_FACTOR:
                raise ArithmeticError("an exponential too large to write down")
            else:
                result *= Fraction(prime) ** power
        known = self.ring.constant(result)
        if not rest:
            return known
        if rest != argument:
            return known * self._value("exp", rest)
        return self.ring.fresh()

    def _logarithm_in(self, term: Laurent) -> tuple[int | None, int]:
        """The prime and the whole factor of a term n ln p."""
        ((monomial, coefficient),) = term.terms.items()
        places = [place for place, power in enumerate(monomial) if power]
        whole = Fraction(coefficient).denominator == 1
        if whole and len(places) == 1 and monomial[places[0]] == 1:
            return self._prime_of.get(places[0]), int(coefficient)
        return None, 0

    def sign(self, value: Any) -> int:
        """Sign, by the logarithms' values; of what is not made of them it is open."""
        element = self.field_element(value)
        total = 0.0
        for monomial, coefficient in element.terms.items():
            term = float(coefficient)
            for place, power in enumerate(monomial):
                if power:
                    if place not in self._prime_of:
                        raise ArithmeticError("the sign of a value is open")
                    term *= math.log(self._prime_of[place]) ** power
            total += term
        return (total > 0) - (total < 0)


@lru_cache(maxsize=4096)
def _factors(value: int) -> Mapping[int, int]:
    """Prime factors with their powers; the remainder of large ones counts as one."""
    found: dict[int, int] = {}
    for factor in range(2, _LARGEST_FACTOR):
        while value % factor == 0:
            found[factor] = found.get(factor, 0) + 1
            value //= factor
    if value > 1:
        found[value] = 1
    return found


def _letters(case: Case | BatchCase) -> Mapping[str, Symbol]:
    return batch_symbols(case) if isinstance(case, BatchCase) else symbols(case)


def point(case: Case | BatchCase, about: About, K: int, c: int | None, seed: int) -> Evaluator:
    """Every quantity at a random point: K classes, the true class c, or any soft target."""
    rng = Random(f"{about} {K} {c} {seed}")
    field = PointAlgebra()
    make = _row if about == "row" else _batch
    values, sizes = make(field, rng, K, c)
    if case.layer:
        values.pop("z", None)  # the layer makes them
    fixed = {} if c is None else {"c": c}
    return Evaluator(Environment(_letters(case), sizes, values, fixed), field)


def is_full(at: Evaluator) -> bool:
    """Whether a point has hardly any symbol left for functions of an answer."""
    return isinstance(at.domain, PointAlgebra) and at.domain.ring.left < _SPARE // 2


_Values = tuple[dict[str, Any], dict[str, int]]


def _row(field: PointAlgebra, rng: Random, K: int, c: int | None) -> _Values:
    D = 2
    z = as_array([field.logarithm(prime) for prime in rng.sample(_PRIMES, K)])
    x = _numbers(field, rng, D)
    W = as_array([_numbers(field, rng, D) for _ in range(K)])
    values = {"x": x, "W": W, "b": z - W @ x, "z": z, "y": _target(field, rng, K, c)}
    return values, {"K": K, "D": D, "N": 3}  # of one sample an N is a slip


def _batch(field: PointAlgebra, rng: Random, K: int, c: int | None) -> _Values:
    del c
    N, D = 3, 2
    b = as_array([field.logarithm(prime) for prime in rng.sample(_PRIMES, K)])
    X = as_array([_wholes(field, rng, D) for _ in range(N)])
    V = [[rng.choice([-2, -1, 1, 2]) for _ in range(D)] for _ in range(K)]
    two = field.logarithm(2)
    W = as_array([[two * v for v in row] for row in V])
    Y = as_array([_target(field, rng, K, rng.randrange(K)) for _ in range(N)])
    return {"X": X, "W": W, "b": b, "Y": Y}, {"N": N, "D": D, "K": K}


def _numbers(field: PointAlgebra, rng: Random, count: int) -> Any:
    fractions = [Fraction(rng.choice([-1, 1]) * rng.randint(1, 9), rng.randint(2, 5))
                 for _ in range(count)]  # fmt: skip
    return as_array([field.number(value) for value in fractions])


def _wholes(field: PointAlgebra, rng: Random, count: int) -> Any:
    return as_array([field.number(Fraction(rng.choice([-2, -1, 1, 2]))) for _ in range(count)])


def _target(field: PointAlgebra, rng: Random, K: int, c: int | None) -> Any:
    if c is not None:
        return as_array([field.number(Fraction(int(k == c))) for k in range(K)])
    weights = [rng.randint(1, 9) for _ in range(K)]
    return as_array([field.number(Fraction(weight, sum(weights))) for weight in weights])
