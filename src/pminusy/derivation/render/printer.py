"""What every way of printing mathematics shares: which part needs brackets, and in which order.

A printer walks a tree and asks its format for fractions, sums, subscripts and brackets.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

from pminusy.derivation import tree as t
from pminusy.derivation.tree.notation import ARGUMENTS, Notation
from pminusy.derivation.values.digits import Digits, rounded

__all__ = ["Printer"]

_SUM, _PRODUCT, _POWER, _ATOM = 1, 2, 3, 4


_SAMPLES = {"n": "i", "m": "j"}
"""Letters of samples; two of them where a line speaks of a pair."""


class Printer(ABC):
    """Prints trees in one format.

    Parameters
    ----------
    notation
        The letters.
    digits
        Significant digits of shown numbers.
    """

    inline_division = False
    """Whether a fraction is written a / b, and so binds like a product."""

    def __init__(self, notation: Notation, digits: int = 5) -> None:
        self.notation, self.digits = notation, digits

    def relation(self, statement: t.Relation) -> str:
        """A whole line."""
        (first, *others), signs, condition = self.parts(statement)
        parts = [first]
        for sign, side in zip(signs, others, strict=True):
            parts += [sign, side]
        return self.row(parts) + condition

    def parts(self, statement: t.Relation) -> tuple[list[str], list[str], str]:
        """The sides of a line, the signs between them, and its condition."""
        condition = ""
        if statement.conditions:
            pairs = [
                self.row([self.slot(left), self.sign(sign), self.slot(right)])
                for left, sign, right in statement.conditions
            ]
            condition = self.condition(pairs)
        sides = [self.tree(_bare(side)) for side in statement.sides]
        return sides, [self.sign(sign) for sign in statement.signs], condition

    def tree(self, tree: t.Node) -> str:
        """A tree without brackets round it."""
        return _PRINT[type(tree)](self, tree)

    def inside(self, tree: t.Node, level: int) -> str:
        """A tree as a part of a larger one: in brackets if it binds less than `level`."""
        printed = self.tree(tree)
        return self.brackets(printed) if self.binding(tree) < level else printed

    def binding(self, tree: t.Node) -> int:
        """How tightly a tree holds together."""
        if isinstance(tree, t.Add | t.Neg):
            return _SUM
        if isinstance(tree, t.Value):
            return _SUM if tree.value < 0 or self._rounded(tree).rest else _ATOM
        if isinstance(
            tree, t.Mul | t.MatMul | t.Hadamard | t.Outer | t.Sum | t.Apply | t.Log | t.Max
        ):
            return _PRODUCT
        if isinstance(tree, t.Number) and tree.value.denominator != 1:
            return _PRODUCT if self.inline_division else _POWER
        if isinstance(tree, t.Div | t.Partial):
            return _PRODUCT if self.inline_division else _POWER
        return _POWER if isinstance(tree, t.Power) else _ATOM

    def names(self, name: str) -> str:
        """A letter."""
        return self.notation.text(name)

    def slot(self, slot: t.Slot) -> str:
        """An index."""
        if isinstance(slot, int):
            return self.integer(slot)
        if isinstance(slot, t.Offset):
            return self._offset(slot)
        if slot.name == "last":
            return self.last()
        own = self.notation.indices.get(slot.name)
        if own:
            return self.letter(own)
        return self.letter(_SAMPLES.get(slot.name, slot.name) if slot.space == "N" else slot.name)

    def _offset(self, slot: t.Offset) -> str:
        """2q+e−1; the shift comes first where the first letter is taken away from it: 2−e."""
        parts = [
            (factor, (self.integer(abs(factor)) if abs(factor) != 1 else "") + self.slot(index))
            for factor, index in slot.terms
        ]
        shift = [(slot.shift, self.integer(abs(slot.shift)))] if slot.shift else []
        (first, text), *rest = shift + parts if slot.terms[0][0] < 0 else parts + shift
        text = self.sign("minus") + text if first < 0 else text
        return text + "".join(self.sign("+" if f > 0 else "−") + part for f, part in rest)

    @abstractmethod
    def letter(self, letter: str) -> str:
        """A running letter."""

    @abstractmethod
    def integer(self, value: int) -> str:
        """A whole number."""

    @abstractmethod
    def number(self, digits: Digits) -> str:
        """A rounded number."""

    @abstractmethod
    def quantity(self, name: str, indices: list[str]) -> str:
        """A letter with its indices."""

    @abstractmethod
    def row(self, parts: list[str]) -> str:
        """One after the other."""

    @abstractmethod
    def sign(self, sign: str) -> str:
        """Relation or operator."""

    @abstractmethod
    def brackets(self, body: str, kind: str = "()") -> str:
        """In brackets."""

    @abstractmethod
    def fraction(self, above: str, below: str) -> str:
        """A fraction; in a line of text both parts are bracketed already."""

    @abstractmethod
    def power(self, base: str, exponent: str) -> str:
        """A power."""

    @abstractmethod
    def big_sum(self, below: str, body: str) -> str:
        """Σ with what runs below it."""

    @abstractmethod
    def big_max(self, below: str, body: str) -> str:
        """Max with what runs below it."""

    def listed(self, parts: list[str]) -> str:
        """Parts with commas between."""
        return ", ".join(parts)

    @abstractmethod
    def function(self, name: str, argument: str) -> str:
        """A named function, its argument bracketed already where needed."""

    @abstractmethod
    def transposed(self, body: str) -> str:
        """Transpose."""

    @abstractmethod
    def log_name(self, tree: t.Log) -> str:
        """Log with its base below it."""

    @abstractmethod
    def condition(self, pairs: list[str]) -> str:
        """For which indices a line holds."""

    def cases(self, parts: list[tuple[str, str]]) -> str:
        """What holds in which case: a formula, and the relation of two indices."""
        listed = [f"{body} if {condition}" for body, condition in parts]
        return self.brackets("; ".join(listed), "{}")

    def entries(self, parts: list[str]) -> str:
        """A row, entry beside entry."""
        return self.brackets("  ".join(parts), "[]")

    def last(self) -> str:
        """The index of the last class."""
        size = self.letter(self.notation.indices.get("K", "K"))
        body = self.row([size, self.sign("−"), self.integer(1)])
        return self.brackets(body.replace(" ", "")) if self.inline_division else body

    def between(self) -> str:
        """The dots between two entries that stand for those left out."""
        return "…"

    def exponential(self, argument: str) -> str:
        """e to a power."""
        return self.power(self.letter("e"), argument)

    def _rounded(self, tree: t.Value) -> Digits:
        return rounded(tree.value, self.digits, rest=tree.rest)

    def half(self) -> str:
        """One half."""
        return self.fraction(self.integer(1), self.integer(2))

    def below(self, above: t.Node, below: t.Node) -> str:
        """Fraction of two trees."""
        if self.inline_division:
            return self.fraction(self.inside(above, _PRODUCT), self.inside(below, _POWER))
        return self.fraction(self.tree(_bare(above)), self.tree(_bare(below)))


def _bare(tree: t.Node) -> t.Node:
    """A whole side needs no brackets round it."""
    return tree.body if isinstance(tree, t.Parens) else tree


def _number(self: Printer, tree: t.Number) -> str:
    value: Fraction = tree.value
    if value == Fraction(1, 2):
        return self.half()
    if value.denominator == 1:
        return self.integer(value.numerator)
    return self.fraction(self.integer(value.numerator), self.integer(value.denominator))


def _value(self: Printer, tree: t.Value) -> str:
    return self.number(self._rounded(tree))


def _add(self: Printer, tree: t.Add) -> str:
    parts = [self.inside(tree.terms[0], _SUM)]
    for term in tree.terms[1:]:
        if isinstance(term, t.Neg):
            parts += [self.sign("−"), self.inside(term.body, _PRODUCT)]
        else:
            parts += [self.sign("+"), self.inside(term, _PRODUCT)]
    return self.row(parts)


def _neg(self: Printer, tree: t.Neg) -> str:
    return self.sign("minus") + self.inside(tree.body, _PRODUCT)


def _mul(self: Printer, tree: t.Mul) -> str:
    parts: list[str] = []
    for place, factor in enumerate(tree.factors):
        last = place == len(tree.factors) - 1
        open_ended = isinstance(factor, t.Sum | t.Apply | t.Log) and not (
            isinstance(factor, t.Apply) and factor.function == "exp"
        )
        level = _POWER if open_ended and not last else _PRODUCT
        if self.inline_division and isinstance(factor, t.Div | t.Partial) and place:
            level = _POWER
        if place and _starts_with_digit(factor):
            parts.append(self.sign("·"))
        parts.append(self.inside(factor, level))
    return self.row(parts)


def _starts_with_digit(tree: t.Node) -> bool:
    if isinstance(tree, t.Number | t.Value):
        return True
    if isinstance(tree, t.Div):
        return _starts_with_digit(tree.above)
    if isinstance(tree, t.Mul):
        return _starts_with_digit(tree.factors[0])
    if isinstance(tree, t.Apply):
        return tree.function == "ln" and isinstance(tree.argument, t.Value)
    if isinstance(tree, t.Power):
        return _starts_with_digit(tree.base)
    return False


def _div(self: Printer, tree: t.Div) -> str:
    return self.below(tree.above, tree.below)


def _power(self: Printer, tree: t.Power) -> str:
    return self.power(self.inside(tree.base, _ATOM), self.integer(tree.exponent))


def _ref(self: Printer, tree: t.Ref) -> str:
    if tree.name in ARGUMENTS:
        name, argument = ARGUMENTS[tree.name]
        return self.function(name, self.brackets(self.tree(t.Ref(argument, tree.indices))))
    indices = [self.slot(slot) for slot in tree.indices]
    if self.notation.rows and tree.name in ("W", "V", "W_new") and len(indices) == 2:
        indices.reverse()
    return self.quantity(tree.name, indices)


def _partial(self: Printer, tree: t.Partial) -> str:
    d = self.sign("∂")
    if isinstance(tree.of, t.Partial):
        twice = d + self.sign("squared")
        top = twice + self.inside(tree.of.of, _ATOM)
        below = self.row([d + self.tree(tree.of.by), d + self.tree(tree.by)])
        return self.fraction(top, self.brackets(below) if self.inline_division else below)
    return self.fraction(d + self.inside(tree.of, _ATOM), d + self.tree(tree.by))


def _sum(self: Printer, tree: t.Sum) -> str:
    index = self.slot(tree.index)
    if tree.above is not None:
        index = self.row([index, self.sign(">"), self.slot(tree.above)])
    elif tree.without is not None:
        index = self.row([index, self.sign("≠"), self.slot(tree.without)])
    return self.big_sum(index, self.inside(tree.body, _PRODUCT))


def _apply(self: Printer, tree: t.Apply) -> str:
    if tree.function == "exp":
        return self.exponential(self.tree(tree.argument))
    if tree.function == "xlnx":
        own = self.inside(tree.argument, _ATOM)
        return self.row([own, self.function("ln", own)])
    if tree.function == "relu":
        return _largest(self, t.Largest((tree.argument, t.Number(Fraction(0)))))
    if tree.function == "sech2":
        return self.function("sech²", self.brackets(self.tree(tree.argument)))
    level = _POWER if not isinstance(tree.argument, t.Div) else _ATOM
    return self.function(tree.function, self.inside(tree.argument, level))


def _largest(self: Printer, tree: t.Largest) -> str:
    return self.function("max", self.brackets(self.listed([self.tree(v) for v in tree.terms])))


def _log(self: Printer, tree: t.Log) -> str:
    return self.row([self.log_name(tree), self.inside(tree.argument, _POWER)])


def _delta(self: Printer, tree: t.Delta) -> str:
    i, j = self.slot(tree.i), self.slot(tree.j)
    if not self.notation.indicator:
        return self.quantity("δ", [i, j])
    return self.quantity("𝟏", []) + self.brackets(self.row([i, self.sign("="), j]))


def _cases(self: Printer, tree: t.Cases) -> str:
    i, j = self.slot(tree.i), self.slot(tree.j)
    parts = ((tree.same, "="), (tree.other, "≠"))
    return self.cases(
        [(self.tree(body), self.row([i, self.sign(sign), j])) for body, sign in parts]
    )


def _row(self: Printer, tree: t.Row) -> str:
    """The first entry, the last, and between them the one that is not like the others."""
    first, last = (_at(tree.body, tree.index, slot) for slot in (0, _LAST))
    if not isinstance(tree.body, t.Cases):
        parts = [self.tree(first), self.between(), self.tree(last)]
        return self.entries(parts)
    assert isinstance(first, t.Cases)
    assert isinstance(last, t.Cases)
    own = _at(tree.body.same, tree.index, tree.body.j)
    parts = [self.tree(first.other), self.between(), self.tree(own), self.between()]
    return self.entries([*parts, self.tree(last.other)])


_LAST = t.Index("last")
"""The last class; printed as one less than their number."""


def _at(tree: t.Node, index: t.Index, slot: t.Slot) -> t.Node:
    """A tree with one index replaced."""

    def put(old: t.Slot) -> t.Slot:
        return slot if old == index else old

    if isinstance(tree, t.Ref):
        return t.Ref(tree.name, tuple(put(old) for old in tree.indices))
    made = t.rebuild(tree, tuple(_at(part, index, slot) for part in t.children(tree)))
    return replace(made, i=put(made.i), j=put(made.j)) if isinstance(made, t.Cases) else made


def _max(self: Printer, tree: t.Max) -> str:
    return self.big_max(_over(self, tree.over), self.inside(tree.body, _PRODUCT))


def _over(self: Printer, over: tuple[t.Index, ...]) -> str:
    return self.listed([self.slot(index) for index in over])


def _wins(self: Printer, tree: t.ArgMaxIndicator) -> str:
    best = self.big_max(_over(self, tree.over), self.tree(tree.window))
    slots = (*tree.window.indices[: -len(tree.places)], *tree.places)
    own = self.quantity(tree.window.name, [self.slot(slot) for slot in slots])
    return self.brackets(self.row([own, self.sign("="), best]), "[]")


def _outer(self: Printer, tree: t.Outer) -> str:
    left, right = self.inside(tree.left, _POWER), self.inside(tree.right, _POWER)
    if self.notation.rows and not isinstance(tree.left, t.Ones) and tree.left != tree.right:
        return self.row([self.transposed(right), left])
    return self.row([left, self.transposed(right)])


def _matmul(self: Printer, tree: t.MatMul) -> str:
    left, right = tree.left, tree.right
    if self.notation.rows and _is_weight(left):
        flipped = left.body if isinstance(left, t.Transpose) else left
        matrix = self.inside(flipped, _POWER)
        matrix = self.transposed(matrix) if isinstance(left, t.Transpose) else matrix
        return self.row([self.inside(right, _POWER), matrix])
    return self.row([self.inside(left, _PRODUCT), self.inside(right, _POWER)])


def _is_weight(tree: t.Node) -> bool:
    inner = tree.body if isinstance(tree, t.Transpose) else tree
    return isinstance(inner, t.Ref) and inner.name == "W"


def _transpose(self: Printer, tree: t.Transpose) -> str:
    return self.transposed(self.inside(tree.body, _ATOM))


_PRINT: dict[type, Callable[[Any, Any], str]] = {
    t.Number: _number,
    t.Value: _value,
    t.Size: lambda self, tree: self.quantity(tree.space, []),
    t.Ref: _ref,
    t.Add: _add,
    t.Neg: _neg,
    t.Mul: _mul,
    t.Div: _div,
    t.Power: _power,
    t.Apply: _apply,
    t.Log: _log,
    t.Abs: lambda self, tree: self.brackets(self.tree(tree.body), "||"),
    t.Parens: lambda self, tree: self.brackets(self.tree(tree.body)),
    t.Sum: _sum,
    t.Delta: _delta,
    t.Cases: _cases,
    t.Row: _row,
    t.Max: _max,
    t.ArgMaxIndicator: _wins,
    t.Largest: _largest,
    t.Indicator: lambda self, tree: self.brackets(
        self.row([self.tree(tree.body), self.sign(">"), self.integer(0)]), "[]"
    ),
    t.Partial: _partial,
    t.MatMul: _matmul,
    t.Transpose: _transpose,
    t.Outer: _outer,
    t.Hadamard: lambda self, tree: self.row(
        [self.inside(tree.left, _PRODUCT), self.sign("⊙"), self.inside(tree.right, _POWER)]
    ),
    t.Diag: lambda self, tree: self.function("diag", self.brackets(self.tree(tree.body))),
    t.Ones: lambda self, tree: self.quantity("𝟏", []),
    t.Identity: lambda self, tree: self.quantity("I", []),
}
