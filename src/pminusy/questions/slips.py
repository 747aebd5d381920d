"""What kind of slip an answer has: the one small change that would make it right.

Every part of the answer is changed in the ways that pens slip; the first change that makes the
answer equal to the line names the slip. So the answer may have any form.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from pminusy.questions.expression import Expression, parts, rebuilt, walk, write

if TYPE_CHECKING:
    from pminusy.questions.judge import Judge
    from pminusy.questions.lines import TypedLine

__all__ = ["KINDS", "Slip", "changes", "slip_of"]

KINDS = {
    "sign": "a sign",
    "delta": "a Kronecker δ",
    "index": "an index",
    "factor 1/N": "the factor 1/N",
    "transposed product": "a product with its factors turned",
    "range of a sum": "which terms a sum has",
    "letter": "one quantity in place of another",
    "number": "a number",
    "power": "a power, or a fraction upside down",
    "function": "a logarithm or an exponential",
    "factor": "a factor",
    "term": "a term",
}
"""Kinds of slips, in the order in which they are tried."""


@dataclass(frozen=True)
class Slip:
    """A slip: its kind, and what is said of it."""

    kind: str
    words: str


Repair = tuple[str, Expression, Expression]
"""A kind, the whole as changed, and the part that was changed."""


def slip_of(answer: Expression, judge: Judge) -> Slip | None:
    """The slip of a wrong answer; None where no single change makes it right."""
    for kind, repaired, part in sorted(changes(answer, judge.line), key=_order):
        if judge.holds(repaired):
            at = write(part, judge.line.letters.shown)
            return Slip(kind, f"The slip is {KINDS[kind]}: look at “{at}”.")
    return None


_ORDER = tuple(KINDS)


def _order(repair: Repair) -> int:
    return _ORDER.index(repair[0])


def changes(answer: Expression, line: TypedLine) -> Iterator[Repair]:
    """Every expression that is one small change away, with the kind of slip that it is."""
    assert line.sides is not None
    free = (*line.spaces, *(["c"] if _speaks_of_c(line.sides) else []))
    made = _Changes(line.letters.spaces, _building_blocks(line.sides))
    yield from made.of_whole(answer, free)
    yield from made.of(answer, free, term=True)


def _speaks_of_c(sides: Sequence[Expression]) -> bool:
    return any("c" in part[1:] for side in sides for part in walk(side) if part[0] in _INDEXED)


_INDEXED = ("ref", "delta", "sum")


def _building_blocks(sides: Sequence[Expression]) -> tuple[Expression, ...]:
    """Parts of the line that may have been left out, or written once too often."""
    found: dict[Expression, None] = {}
    for side in sides:
        for part in walk(side):
            if part[0] in ("+", "*", "/"):
                found.update(dict.fromkeys(each[1] if each[0] == "neg" else each
                                           for each in part[1:]))  # fmt: skip
            if part[0] in ("ref", "delta", "fn"):
                found[part] = None
    return tuple(part for part in found if not any(each[0] == "d" for each in walk(part)))


_ONE: Expression = ("num", 1, 1)
_TWO: Expression = ("num", 2, 1)
_N: Expression = ("size", "N")


class _Changes:
    def __init__(self, quantities: Mapping[str, str], blocks: tuple[Expression, ...]) -> None:
        self._quantities, self._blocks = quantities, blocks

    def of_whole(self, tree: Expression, free: Sequence[str]) -> Iterator[Repair]:
        """Changes of the answer as a whole."""
        yield "factor 1/N", ("/", tree, _N), tree
        yield "factor 1/N", ("*", tree, _N), tree
        yield "transposed product", ("T", tree), tree
        used = sorted({each for part in walk(tree) for each in _letters(part)})
        for old in used:
            for new in (*free, *used):
                if new != old:
                    yield "index", _renamed(tree, {old: new}), tree
                    yield "index", _renamed(tree, {old: new, new: old}), tree
            if old not in free:
                yield "range of a sum", ("sum", old, "", tree), tree

    def of(self, tree: Expression, scope: Sequence[str], *, term: bool = False) -> Iterator[Repair]:
        """Changes of a part and of everything in it; `term` where it is a term or an argument."""
        for kind, changed in self._here(tree, scope, term):
            yield kind, changed, tree
        inner = (*scope, tree[1]) if tree[0] == "sum" else scope
        whole = parts(tree)
        terms = tree[0] in ("+", "neg", "sum", "fn", "abs")
        for place, part in enumerate(whole):
            for kind, changed, at in self.of(part, inner, term=terms):
                twice = tree[0] == changed[0] == "neg"
                if not twice and (tree[0] != "d" or place == 0 or changed[0] == "ref"):
                    yield kind, rebuilt(tree, (*whole[:place], changed, *whole[place + 1 :])), at

    def _here(self, tree: Expression, scope: Sequence[str], term: bool) -> Iterator[Change]:
        yield from _signs(tree, term)
        yield from _deltas(tree, scope, term)
        yield from _indices(tree, scope)
        yield from _products(tree)
        yield from _sums(tree, scope)
        if tree[0] == "ref":
            for name, spaces in self._quantities.items():
                if name != tree[1] and len(spaces) >= len(tree) - 2:
                    yield "letter", ("ref", name, *tree[2:])
        yield from _numbers(tree, term)
        yield from _powers(tree)
        yield from _functions(tree)
        yield from _parts_left_out(tree)
        if term:
            for block in self._blocks:
                yield "factor", ("*", tree, block)
                if block[0] != "+":
                    yield "factor", ("/", tree, block)
                if tree[0] != "neg":
                    yield "term", ("+", tree, block)
                    yield "term", ("+", tree, ("neg", block))


Change = tuple[str, Expression]


def _letters(tree: Expression) -> tuple[str, ...]:
    """Index letters that stand in a part itself."""
    if tree[0] == "ref":
        return tuple(tree[2:])
    if tree[0] == "delta":
        return tuple(tree[1:])
    return tuple(each for each in tree[1:3] if each) if tree[0] == "sum" else ()


def _renamed(tree: Expression, new: Mapping[str, str]) -> Expression:
    """Index letters changed everywhere."""
    made = rebuilt(tree, tuple(_renamed(part, new) for part in parts(tree)))
    first = {"ref": 2, "delta": 1, "sum": 1}.get(tree[0])
    if first is None:
        return made
    return tuple(
        new.get(part, part) if place >= first and isinstance(part, str) else part
        for place, part in enumerate(made)
    )


def _signs(tree: Expression, term: bool) -> Iterator[Change]:
    if tree[0] == "neg":
        yield "sign", tree[1]
    elif term:
        yield "sign", ("neg", tree)


def _deltas(tree: Expression, scope: Sequence[str], term: bool) -> Iterator[Change]:
    if tree[0] == "delta":
        yield "delta", _ONE
        yield "delta", ("num", 0, 1)
        yield "delta", ("+", _ONE, ("neg", tree))
    for place, i in enumerate(scope):
        for j in scope[:place]:
            if tree == _ONE:
                yield "delta", ("delta", i, j)
            elif term and tree[0] != "neg":
                yield "delta", ("*", tree, ("delta", i, j))


def _indices(tree: Expression, scope: Sequence[str]) -> Iterator[Change]:
    if tree[0] in ("ref", "delta"):
        first = 2 if tree[0] == "ref" else 1
        for place in range(first, len(tree)):
            for letter in scope:
                if letter != tree[place]:
                    yield "index", (*tree[:place], letter, *tree[place + 1 :])
        if len(tree) == first + 2:
            yield "index", (*tree[:first], tree[-1], tree[-2])


def _products(tree: Expression) -> Iterator[Change]:
    """The factor 1/N, and factors turned."""
    if tree[0] == "size":
        yield "factor 1/N", _ONE
        for size in ("N", "K", "D"):
            if size != tree[1]:
                yield "factor 1/N", ("size", size)
    if tree[0] == "T":
        yield "transposed product", tree[1]
    if tree[0] == "*":
        for place in range(1, len(tree) - 1):
            left, right = tree[place], tree[place + 1]
            for one, two in ((left, right), (right, left)):
                for a in (one, ("T", one)):
                    for b in (two, ("T", two)):
                        turned = (*tree[:place], a, b, *tree[place + 2 :])
                        if turned != tree:
                            yield "transposed product", turned


def _sums(tree: Expression, scope: Sequence[str]) -> Iterator[Change]:
    if tree[0] == "sum":
        _, index, left_out, body = tree
        for other in ("", *scope):
            if other != left_out:
                yield "range of a sum", ("sum", index, other, body)
        yield "range of a sum", body
        for letter in scope:
            yield "index", ("sum", letter, left_out, body)


def _numbers(tree: Expression, term: bool) -> Iterator[Change]:
    if tree[0] == "num":
        value = Fraction(tree[1], tree[2])
        for other in (value + 1, value - 1, value * 2, value / 2):
            yield "number", ("num", other.numerator, other.denominator)
    elif term:
        yield "number", ("*", _TWO, tree)
        yield "number", ("/", tree, _TWO)


def _powers(tree: Expression) -> Iterator[Change]:
    if tree[0] == "^":
        yield "power", tree[1]
        yield "power", ("^", tree[1], tree[2] + 1)
        if tree[2] > 1:
            yield "power", ("^", tree[1], tree[2] - 1)
    elif tree[0] in ("ref", "sum", "+", "abs", "fn"):
        yield "power", ("^", tree, 2)
    if tree[0] == "/":
        yield "power", ("/", tree[2], tree[1])
        yield "power", ("*", tree[1], tree[2])


def _functions(tree: Expression) -> Iterator[Change]:
    if tree[0] == "fn":
        yield "function", tree[2]
        yield "function", ("fn", "ln" if tree[1] == "exp" else "exp", tree[2])
    elif tree[0] in ("ref", "sum"):
        yield "function", ("fn", "ln", tree)
        yield "function", ("fn", "exp", tree)


def _parts_left_out(tree: Expression) -> Iterator[Change]:
    if tree[0] in ("+", "*"):
        kind = "term" if tree[0] == "+" else "factor"
        for place in range(1, len(tree)):
            rest = (*tree[1:place], *tree[place + 1 :])
            yield kind, rest[0] if len(rest) == 1 else (tree[0], *rest)
    elif tree[0] == "/":
        yield "factor", tree[1]
        yield "factor", ("/", _ONE, tree[2])
