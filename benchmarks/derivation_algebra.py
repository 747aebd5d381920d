"""The exact algebra of the derivation beside that of SymPy and of FLINT, at whole derivations.

    python -m benchmarks.derivation_algebra [--repeat 3] [--kinds ours,field]

Every line of a derivation is proved exactly, in environments made anew, once with each kind of
element; they take turns, and the least processor time of each is printed. Numerical proofs are the
same for all and are left out. The elements differ in nothing but what holds the polynomial:

    ours      a dict from exponents to coefficients (`pminusy.derivation.engine.laurent`)
    field     SymPy's `FracElement`, which takes greatest common divisors
    poly      SymPy's `PolyElement`, with a monomial in front for exponents below 0
    flint     FLINT's `fmpq_mpoly` (python-flint, where installed), with a monomial in front

Seconds on two shared cores, SymPy 1.14 and python-flint without gmpy2:

    derivation        ours    field    poly    flint
    three logits      0.66    3.34     1.02    1.23
    a batch           1.91    –        9.38    19.8

So a library's own fractions are five times slower. Its polynomials with a monomial in front are one
and a half to ten times slower, and the code around them is as long as `laurent.py`.
"""

from __future__ import annotations

import argparse
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from operator import add, sub
from typing import Any

from rich.console import Console
from rich.table import Table

from pminusy.derivation.build import derive
from pminusy.derivation.engine import algebra, laurent
from pminusy.derivation.engine.proof import prove_by_algebra
from pminusy.derivation.head import exact

DERIVATIONS: Mapping[str, Mapping[str, Any]] = {
    "three logits": {"z": [2.0, 1.0, 0.1], "y": 0},
    "soft targets": {"z": [2.0, 1.0, 0.1], "y": [0.5, 0.3, 0.4]},
    "z-loss and cap": {"z": [2.0, 1.0, 0.1], "y": 0, "z_loss": 0.01, "softcap": 3.0},
    "a batch": {"x": [[1.0, -2.0], [0.5, 1.0]], "W": [[0.5, 0.1], [0.3, 0.2]], "y": [0, 1]},
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.derivation_algebra")
    parser.add_argument("--repeat", type=int, default=3, help="turns of each kind of element")
    parser.add_argument("--kinds", default=",".join(_KINDS), help="which kinds of element")
    arguments = parser.parse_args()
    kinds = arguments.kinds.split(",")
    table = Table("derivation", *kinds, title="seconds of processor time for all exact proofs")
    for name, asked in DERIVATIONS.items():
        best = dict.fromkeys(kinds, float("inf"))
        for _ in range(arguments.repeat):
            for kind in kinds:
                best[kind] = min(best[kind], seconds(kind, asked))
        table.add_row(name, *(f"{best[kind]:.3f}" for kind in kinds))
    Console().print(table)


def seconds(kind: str, asked: Mapping[str, Any]) -> float:
    """Time of all exact proofs of a derivation with one kind of element."""
    for environments in (exact._row, exact.batch_environment, exact.masked_environments):
        environments.cache_clear()
    lines = [(chapter, line) for chapter in derive(**asked)._all for line in chapter.lines]
    with elements(kind):
        start = time.process_time()
        for chapter, line in lines:
            if chapter.key == "limits":  # its environment is made once for all
                continue
            made = chapter.context.exact_environments(line.statement, line.sizes)
            prove_by_algebra(line.statement, made)
        return time.process_time() - start


@contextmanager
def elements(kind: str) -> Iterator[None]:
    """Let the algebra make its elements of one kind."""
    made = _KINDS[kind]
    if made is None:
        yield
        return
    ours, ring = laurent.Laurent, laurent.Ring
    try:
        _install(made, _ring_of(made))
        yield
    finally:
        _install(ours, ring)


def _install(element: type, ring: type) -> None:
    for module in (laurent, algebra):
        setattr(module, "Laurent", element)  # noqa: B010  # a class of the module, for a while
    setattr(algebra, "Ring", ring)  # noqa: B010  # as above


def _ring_of(kind: type[_Element]) -> type[laurent.Ring]:
    class RingOf(laurent.Ring):
        """The same ring, with the polynomials of a library behind its elements."""

        def __init__(self, names: list[str], spare: int) -> None:
            super().__init__(names, spare)
            self.over = kind.ring_over(self.names)

    return RingOf


class _Element(laurent.Laurent, ABC):
    """An element of a library; `terms` is read from it where the algebra asks for them."""

    __slots__ = ("_terms", "held")

    def __init__(self, ring: Any, terms: Any = None, held: Any = None) -> None:
        self.ring, self._hash, self._terms = ring, None, terms
        self.held = self.from_terms(ring, terms) if held is None else held

    @property
    def terms(self) -> Any:  # type: ignore[override]  # a slot there
        if self._terms is None:
            self._terms = self.to_terms()
        return self._terms

    @staticmethod
    @abstractmethod
    def ring_over(names: list[str]) -> Any:
        """The library's ring."""

    @staticmethod
    @abstractmethod
    def from_terms(ring: Any, terms: Any) -> Any:
        """What the library holds."""

    @abstractmethod
    def to_terms(self) -> Any:
        """Exponents and coefficients."""

    def _new(self, held: Any) -> Any:
        return type(self)(self.ring, None, held)

    def __bool__(self) -> bool:
        return bool(self.terms)

    def __neg__(self) -> Any:
        return self._by(lambda a, _: -a, self)

    def __add__(self, other: Any) -> Any:
        return self._by(add, other)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        return self._by(sub, other)

    def __mul__(self, other: Any) -> Any:
        element = self._element(other)
        return NotImplemented if element is None else self._times(element)

    __rmul__ = __mul__

    def _by(self, operation: Callable[[Any, Any], Any], other: Any) -> Any:
        element = self._element(other)
        return NotImplemented if element is None else self._added(operation, element)

    @abstractmethod
    def _added(self, operation: Callable[[Any, Any], Any], other: Any) -> Any:
        """Sum or difference with an element of the same library."""

    @abstractmethod
    def _times(self, other: Any) -> Any:
        """Product with one."""


class _Shifted(_Element):
    """A polynomial and the monomial that it is divided by."""

    __slots__ = ()

    @classmethod
    def _poly(cls, ring: Any, terms: Any) -> Any:
        return ring.over.from_dict(terms)

    @classmethod
    def from_terms(cls, ring: Any, terms: Any) -> Any:
        least = tuple(min(0, *powers) for powers in zip(*terms, ring.origin, strict=True))
        plain = {tuple(map(sub, m, least)): _rational(v) for m, v in terms.items()}
        return cls._poly(ring, plain), least

    def to_terms(self) -> Any:
        poly, least = self.held
        return {tuple(map(add, m, least)): v for m, v in self._items(poly)}

    @staticmethod
    def _items(poly: Any) -> Any:
        for monomial, value in poly.items():
            yield monomial, _plain(value)

    def _added(self, operation: Callable[[Any, Any], Any], other: Any) -> Any:
        (a, one), (b, two) = self.held, other.held
        if one != two:
            least = tuple(map(min, one, two))
            a, b = (self._lifted(p, tuple(map(sub, m, least))) for p, m in ((a, one), (b, two)))
            one = least
        return self._new((operation(a, b), one))

    def _lifted(self, poly: Any, by: tuple[int, ...]) -> Any:
        return poly * self._poly(self.ring, {by: _rational(1)}) if any(by) else poly

    def _times(self, other: Any) -> Any:
        (a, one), (b, two) = self.held, other.held
        return self._new((a * b, tuple(map(add, one, two))))


class _Poly(_Shifted):
    __slots__ = ()

    @staticmethod
    def ring_over(names: list[str]) -> Any:
        from sympy import QQ
        from sympy.polys.rings import ring

        return ring(names, QQ)[0]


class _Field(_Element):
    __slots__ = ()

    @staticmethod
    def ring_over(names: list[str]) -> Any:
        from sympy import QQ
        from sympy.polys.fields import field

        return field(names, QQ)[0]

    @staticmethod
    def from_terms(ring: Any, terms: Any) -> Any:
        numerator, least = _Shifted.from_terms.__func__(_FieldPart, ring, terms)  # type: ignore[attr-defined]  # a class method
        below = ring.over.ring.from_dict({tuple(-p for p in least): _rational(1)})
        return ring.over.new(numerator, below)

    def to_terms(self) -> Any:
        ((below, scale),) = self.held.denom.items()
        return {tuple(map(sub, m, below)): _plain(v / scale) for m, v in self.held.numer.items()}

    def _added(self, operation: Callable[[Any, Any], Any], other: Any) -> Any:
        return self._new(operation(self.held, other.held))

    def _times(self, other: Any) -> Any:
        return self._new(self.held * other.held)


class _FieldPart:
    """Numerators of the field."""

    @staticmethod
    def _poly(ring: Any, terms: Any) -> Any:
        return ring.over.ring.from_dict(terms)


class _Flint(_Shifted):
    __slots__ = ()

    @staticmethod
    def ring_over(names: list[str]) -> Any:
        from flint import (  # type: ignore[import-not-found]  # optional
            Ordering,
            fmpq_mpoly_ctx,
        )

        return fmpq_mpoly_ctx.get([f"{name}_" for name in names], Ordering.lex)

    @classmethod
    def _poly(cls, ring: Any, terms: Any) -> Any:
        from flint import fmpq

        return ring.over.from_dict(
            {m: fmpq(int(v.numerator), int(v.denominator)) for m, v in terms.items()}
        )

    @staticmethod
    def _items(poly: Any) -> Any:
        for monomial, value in poly.to_dict().items():
            yield tuple(map(int, monomial)), _simple(Fraction(int(value.p), int(value.q)))


def _rational(value: int | Fraction) -> Any:
    from sympy import QQ

    return QQ(Fraction(value).numerator, Fraction(value).denominator)


def _plain(value: Any) -> int | Fraction:
    return _simple(Fraction(int(value.numerator), int(value.denominator)))


def _simple(value: Fraction) -> int | Fraction:
    return value.numerator if value.denominator == 1 else value


def _has_flint() -> bool:
    from importlib.util import find_spec

    return find_spec("flint") is not None


_KINDS: dict[str, type[_Element] | None] = {"ours": None, "poly": _Poly, "field": _Field}
if _has_flint():
    _KINDS["flint"] = _Flint


if __name__ == "__main__":
    main()
