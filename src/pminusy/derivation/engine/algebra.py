"""Exact algebra: Laurent polynomials in named generators, in which a 0 is identically 0.

A derivative is the ε-part of a dual number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from itertools import count
from math import prod
from typing import Any

from pminusy.derivation.engine.decimals import as_array
from pminusy.derivation.engine.dual import Dual
from pminusy.derivation.engine.laurent import Laurent, Ring
from pminusy.derivation.engine.rational_signs import plain_sign

__all__ = ["Algebra"]


class Algebra:
    """Laurent polynomials in named generators, with exp, ln, … of what has been registered.

    A function of anything else gets a fresh generator of its own: that is sound, because two values
    are called equal only if they are equal as functions of all generators. Groups of generators
    that sum to 1 (probabilities, targets) are kept symmetric until two values are compared.

    Parameters
    ----------
    shapes
        The letters, each with the shape of its array of generators; () for a single one.
    spare
        How many functions of them may get a generator.
    """

    exact = True

    def __init__(self, shapes: Mapping[str, tuple[int, ...]], spare: int = 8) -> None:
        names = [name for letter, shape in shapes.items() for name in _numbered(letter, shape)]
        self.ring = Ring(names, spare)
        self.generators = {name: self.ring.generator(place) for place, name in enumerate(names)}
        self._shapes = shapes
        self._known: dict[tuple[str, Any], Any] = {}
        self._point: dict[int, int] = {}
        self._roots: list[tuple[int, Laurent]] = []
        self._simplex: list[tuple[list[int], Laurent]] = []
        self._levels = count(1)

    def __getitem__(self, letter: str) -> Any:
        """The generators of a letter: an array of its shape, or the one generator."""
        shape = self._shapes[letter]
        if not shape:
            return self.generators[letter]
        return as_array([self.generators[name] for name in _numbered(letter, shape)]).reshape(shape)

    def new_level(self) -> int:
        """A mark for the derivative about to be taken."""
        return next(self._levels)

    def register(self, function: str, argument: Any, value: Any) -> None:
        """Say what a function of an element is."""
        self._known[function, argument] = value

    def sum_to_one(self, generators: Iterable[Laurent]) -> None:
        """Say that generators sum to 1."""
        generators = list(generators)
        total = sum(generators, self.ring.constant(0))
        self._simplex.append(([generator.place() for generator in generators], total))

    def cancel_unit_sums(self, value: Any) -> Any:
        """The same sum without a factor Σ p = 1; of a dual number, its value so."""
        if isinstance(value, Dual):
            return Dual(self.cancel_unit_sums(value.value), value.slope, value.level)
        for places, total in self._simplex:
            if value and len(value.terms) % len(places) == 0:
                quotient = value.over(total, places[0])
                value = value if quotient is None else quotient
        return value

    def is_zero(self, value: Any) -> bool:
        """Whether an element is 0 once every sum to 1 is used."""
        numerator = self.field_element(value).numerator()
        for places, total in self._simplex:
            last = places[-1]
            numerator = numerator.substitute(last, self.ring.generator(last) + 1 - total)
        for place, square in self._roots:
            numerator = _with_square(numerator, place, square)
        return not numerator

    def homogeneous(self, polynomial: Laurent) -> Laurent:
        """The same polynomial with (Σ p)^… = 1 put in, so that every term has one degree in p.

        Then 1 − p_0 reads p_1 + p_2 + …, and is plainly positive.
        """
        for places, total in self._simplex:
            degrees = {m: sum(m[place] for place in places) for m in polynomial.terms}
            top = max(degrees.values(), default=0)
            result = self.ring.constant(0)
            for monomial, coefficient in polynomial.terms.items():
                term = Laurent(self.ring, {monomial: coefficient})
                result = result + term * total ** (top - degrees[monomial])
            polynomial = result
        return polynomial

    def register_root(self, root: Laurent, square: Laurent) -> None:
        """Say that a generator is the root of an element; its even powers are replaced by it."""
        self.register("sqrt", square, root)
        self._roots.append((root.place(), square))

    def assume_near(self, point: Mapping[str, int]) -> None:
        """Work near a point: signs are those there, and on the kinks between nothing is claimed."""
        self._point = {self.ring.names.index(name): value for name, value in point.items()}

    def number(self, value: Fraction) -> Any:
        """A rational constant."""
        return self.ring.constant(value)

    def field_element(self, value: Any) -> Laurent:
        """An element, without its ε-parts."""
        while isinstance(value, Dual):
            value = value.value
        return value if isinstance(value, Laurent) else self.ring.constant(value)

    def sign(self, value: Any) -> int:
        """Sign in the region assumed."""
        element = self.field_element(value)
        if not element:
            return 0
        near = self._near(element)
        if near:
            return 1 if near > 0 else -1
        sign = plain_sign(element, self)
        if sign:
            return sign
        raise ArithmeticError(f"the sign of {element} is open")

    def _near(self, element: Laurent) -> Fraction:
        """Value at the sample point; 0 where that does not settle it."""
        total = Fraction(0)
        for monomial, coefficient in element.terms.items():
            term = Fraction(coefficient)
            for place, power in enumerate(monomial):
                if power:
                    if place not in self._point:
                        return Fraction(0)
                    term *= Fraction(self._point[place]) ** power
            total += term
        return total

    def apply(self, function: str, argument: Any) -> Any:
        """exp, ln, tanh, sech2, sqrt, …; of a dual number by the chain rule."""
        if not isinstance(argument, Dual):
            return self._value(function, self.field_element(argument))
        value = self.apply(function, argument.value)
        return Dual(
            value, self._slope(function, argument.value, value) * argument.slope, argument.level
        )

    def _slope(self, function: str, argument: Any, value: Any) -> Any:
        if function == "exp":
            return value
        if function == "ln":
            return 1 / argument
        if function == "tanh":
            return 1 - value * value
        if function == "sech2":
            return -2 * value * self.apply("tanh", argument)
        if function == "sqrt":
            return 1 / (2 * value)
        if function == "sigmoid":
            return value * (1 - value)
        if function == "Φ":
            return self.apply("φ", argument)
        if function == "φ":
            return -argument * value
        return self.ring.fresh()  # the derivative of a function we know nothing of

    def _value(self, function: str, argument: Laurent) -> Any:
        key = (function, argument)
        if key not in self._known:
            made = getattr(self, f"_{function}", None)
            self._known[key] = made(argument) if made else self.ring.fresh()
        return self._known[key]

    def _sech2(self, argument: Laurent) -> Any:
        """sech² = 1 − tanh²."""
        return 1 - self._value("tanh", argument) ** 2

    def _xlnx(self, argument: Laurent) -> Any:
        """x ln x, which is 0 at 0 and at 1."""
        one = self.ring.constant(Fraction(1))
        return self.ring.constant(Fraction(0)) if argument in (one * 0, one) else self.ring.fresh()

    def _exp(self, argument: Laurent) -> Any:
        """exp(z + rest) = exp(z) exp(rest): known terms one by one, what is left as one."""
        result, rest = self.ring.constant(1), self.ring.constant(0)
        for term in argument.single_terms():
            if ("exp", term) in self._known:
                result = result * self._known["exp", term]
            elif ("exp", -term) in self._known:
                result = result / self._known["exp", -term]
            else:
                rest = rest + term
        if not rest:
            return result
        if next(iter(sorted(rest.terms.items())))[1] < 0:
            return result / self._value("exp", -rest)
        if rest != argument:
            return result * self._value("exp", rest)
        power = self.ring.fresh()
        self.register("ln", power, argument)
        return power

    def _ln(self, argument: Laurent) -> Any:
        """ln of a single term, generator by generator; of anything else, a name of its own."""
        if len(argument.terms) != 1:
            return self.ring.fresh()
        ((monomial, coefficient),) = argument.terms.items()
        result = self.ring.constant(0)
        if coefficient != 1:
            result = self._ln_of_constant(Fraction(coefficient))
        for place, power in enumerate(monomial):
            if power:
                generator = self.ring.generator(place)
                if generator == argument:
                    return self.ring.fresh()
                result = result + power * self._value("ln", generator)
        return result

    def _ln_of_constant(self, value: Fraction) -> Any:
        if value.numerator == 1:
            return -self._value("ln_of", self.ring.constant(value.denominator))
        result = self._value("ln_of", self.ring.constant(value.numerator))
        if value.denominator != 1:
            result = result - self._value("ln_of", self.ring.constant(value.denominator))
        return result

    def _sqrt(self, argument: Laurent) -> Any:
        """Root of a single term with even exponents; of anything else, a name of its own."""
        if len(argument.terms) == 1:
            ((monomial, coefficient),) = argument.terms.items()
            if coefficient == 1 and not any(power % 2 for power in monomial):
                return Laurent(self.ring, {tuple(power // 2 for power in monomial): 1})
        return self.ring.fresh()


def _numbered(letter: str, shape: tuple[int, ...]) -> list[str]:
    """Names of the generators of a letter: p0, p1, … or the letter itself."""
    return [f"{letter}{i}" for i in range(prod(shape))] if shape else [letter]


def _with_square(polynomial: Laurent, place: int, square: Laurent) -> Laurent:
    """Even powers of a root replaced by powers of its square."""
    result = Laurent(polynomial.ring, {})
    for monomial, coefficient in polynomial.terms.items():
        power = monomial[place]
        rest = (*monomial[:place], power % 2, *monomial[place + 1 :])
        result = result + Laurent(polynomial.ring, {rest: coefficient}) * square ** (power // 2)
    return result
