"""Laurent polynomials over the rational numbers: Σ a · x^m y^n …, exponents of either sign.

The field that the exact proofs compute in. Written so that every probability is a generator, nearly
every denominator of this subject is a single term; a single term is turned over by negating its
exponents, so no greatest common divisor is ever taken, and a value has one form only. SymPy's
fraction field gives the same results about five times slower: the tests compare the results,
`benchmarks/derivation_algebra.py` the times, those of FLINT too.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from operator import add
from typing import Any

__all__ = ["Laurent", "Monomial", "Ring"]

Monomial = tuple[int, ...]
Terms = Mapping[Monomial, Any]  # to int or Fraction


class Ring:
    """The generators, by name; inverses of sums get generators of their own as they come up."""

    def __init__(self, names: list[str], spare: int) -> None:
        self.names = [*names, *(f"t{index}" for index in range(spare))]
        self.origin = (0,) * len(self.names)
        self._next_spare = len(names)
        self._inverses: dict[Laurent, Laurent] = {}

    @property
    def left(self) -> int:
        """How many generators nothing stands for yet."""
        return len(self.names) - self._next_spare

    def generator(self, place: int) -> Laurent:
        """One generator as an element."""
        return Laurent(self, {tuple(int(i == place) for i in range(len(self.names))): 1})

    def constant(self, value: int | Fraction) -> Laurent:
        """A rational number as an element."""
        if isinstance(value, Fraction) and value.denominator == 1:
            value = value.numerator
        return Laurent(self, {self.origin: value} if value else {})

    def fresh(self) -> Laurent:
        """A generator that nothing else stands for."""
        if self._next_spare >= len(self.names):
            raise ArithmeticError("more unknown functions than spare generators")
        self._next_spare += 1
        return self.generator(self._next_spare - 1)

    def inverse(self, value: Laurent) -> Laurent:
        """1 / value."""
        if not value.terms:
            raise ZeroDivisionError("a divisor is identically 0")
        if len(value.terms) == 1:
            ((monomial, coefficient),) = value.terms.items()
            inverted = _simple(Fraction(1) / coefficient)
            return Laurent(self, {tuple(-power for power in monomial): inverted})
        if value not in self._inverses:
            self._inverses[value] = self.fresh()
        return self._inverses[value]


class Laurent:
    """An element; immutable. `terms` maps exponents to coefficients that are not 0."""

    __slots__ = ("_hash", "ring", "terms")
    __array_ufunc__ = None

    def __init__(self, ring: Ring, terms: Terms) -> None:
        self.ring, self.terms = ring, terms
        self._hash: int | None = None

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = hash(frozenset(self.terms.items()))
        return self._hash

    def __eq__(self, other: object) -> bool:
        element = self._element(other)
        return NotImplemented if element is None else bool(self.terms == element.terms)

    def __bool__(self) -> bool:
        return bool(self.terms)

    def _element(self, other: object) -> Laurent | None:
        if isinstance(other, Laurent):
            return other
        return self.ring.constant(other) if isinstance(other, int | Fraction) else None

    def __add__(self, other: Any) -> Any:
        element = self._element(other)
        if element is None:
            return NotImplemented
        terms = dict(self.terms)
        for monomial, coefficient in element.terms.items():
            total = terms.get(monomial, 0) + coefficient
            if total:
                terms[monomial] = total
            else:
                del terms[monomial]
        return Laurent(self.ring, terms)

    __radd__ = __add__

    def __neg__(self) -> Laurent:
        return Laurent(self.ring, {m: -coefficient for m, coefficient in self.terms.items()})

    def __sub__(self, other: Any) -> Any:
        element = self._element(other)
        return NotImplemented if element is None else self + (-element)

    def __rsub__(self, other: Any) -> Any:
        return -self + other

    def __mul__(self, other: Any) -> Any:
        element = self._element(other)
        if element is None:
            return NotImplemented
        terms: dict[Monomial, Any] = {}
        for one, a in self.terms.items():
            for two, b in element.terms.items():
                monomial = tuple(map(add, one, two))
                terms[monomial] = terms.get(monomial, 0) + a * b
        return Laurent(self.ring, {m: _simple(value) for m, value in terms.items() if value})

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        element = self._element(other)
        return NotImplemented if element is None else self * self.ring.inverse(element)

    def __rtruediv__(self, other: Any) -> Any:
        return self.ring.inverse(self) * other

    def __pow__(self, exponent: int) -> Any:
        result = self.ring.constant(1)
        for _ in range(exponent):
            result = result * self
        return result

    def place(self) -> int:
        """Place of the generator that this element is."""
        ((monomial, _),) = self.terms.items()
        return monomial.index(1)

    def single_terms(self) -> list[Laurent]:
        """The terms, each as an element."""
        return [Laurent(self.ring, {m: coefficient}) for m, coefficient in self.terms.items()]

    def numerator(self) -> Laurent:
        """Times the smallest single term that leaves no negative exponent."""
        if not self.terms:
            return self
        least = tuple(min(0, *powers) for powers in zip(*self.terms, self.ring.origin, strict=True))
        if not any(least):
            return self
        lift = tuple(-power for power in least)
        return Laurent(
            self.ring, {tuple(map(add, m, lift)): value for m, value in self.terms.items()}
        )

    def substitute(self, place: int, value: Laurent) -> Laurent:
        """Put an element in the place of a generator with exponents ≥ 0."""
        by_power: dict[int, dict[Monomial, Any]] = {}
        for monomial, coefficient in self.terms.items():
            rest = (*monomial[:place], 0, *monomial[place + 1 :])
            by_power.setdefault(monomial[place], {})[rest] = coefficient
        result = Laurent(self.ring, {})
        for power, terms in by_power.items():
            result = result + Laurent(self.ring, terms) * value**power
        return result

    def over(self, divisor: Laurent, place: int) -> Laurent | None:
        """Exact quotient by a sum in which generator `place` is a term; None if there is none."""
        rest, quotient = self, Laurent(self.ring, {})
        while rest.terms:
            leading = max(rest.terms, key=lambda m: m[place])
            factor = tuple(p - int(i == place) for i, p in enumerate(leading))
            term = Laurent(self.ring, {factor: rest.terms[leading]})
            quotient = quotient + term
            if len(quotient.terms) * len(divisor.terms) > 4 * len(self.terms):
                return None
            rest = rest - term * divisor
        return quotient

    def __repr__(self) -> str:
        parts = []
        for monomial, coefficient in self.terms.items():
            named = zip(self.ring.names, monomial, strict=True)
            factors = [name if power == 1 else f"{name}^{power}" for name, power in named if power]
            parts.append(" ".join([str(coefficient), *factors]))
        return " + ".join(parts) or "0"


def _simple(value: Any) -> Any:
    """An int where it is one: faster than a Fraction."""
    if isinstance(value, Fraction) and value.denominator == 1:
        return value.numerator
    return value
