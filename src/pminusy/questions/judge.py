"""Whether an answer is right: compared with the proved line at points of exact numbers.

The points are those of `questions.points`: K = 2, 3, 4, every true class or soft targets, every
choice of the line's indices. Equal there means equal for the numbers drawn, to the last digit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

import numpy as np

from pminusy.derivation.engine.algebra import Algebra
from pminusy.derivation.engine.evaluate import Evaluator
from pminusy.questions.expression import Expression, walk
from pminusy.questions.grammar import parse
from pminusy.questions.lines import TypedLine
from pminusy.questions.points import SIZES, is_full, point
from pminusy.questions.tokens import GrammarError
from pminusy.questions.trees import ShapeError, Typed, free_letters, typed

__all__ = ["Judge", "Outcome", "Verdict"]

Outcome = Literal["right", "not yet", "wrong", "unread", "offered"]

_NO_VALUE = (ArithmeticError, KeyError, OverflowError)


@dataclass(frozen=True)
class Verdict:
    """What is said of an answer.

    Attributes
    ----------
    outcome
        "right"; "not yet": true, and not what the line comes to; "wrong"; "unread": not in a form
        that is asked for; "offered": a command was offered, and nothing was judged.
    words
        A sentence.
    slip
        The kind of slip of a wrong answer, where it was found.
    at
        Where an unread answer stops being a formula.
    """

    outcome: Outcome
    words: str
    slip: str = ""
    at: int | None = None


class Judge:
    """Judges answers to one line.

    Parameters
    ----------
    line
        The line asked for: its last side is what an answer is compared with.
    """

    def __init__(self, line: TypedLine) -> None:
        assert line.sides is not None
        self.line = line
        self._asked = line.sides
        self._kept: dict[bool, list[Evaluator]] = {}
        self._target = typed(line.sides[-1], line.letters, line.spaces)

    def verdict(self, text: str) -> Verdict:
        """What an answer is worth, and what kind of slip is in it."""
        try:
            sides = parse(text, self.line.letters)
        except GrammarError as error:
            return Verdict("unread", error.words, at=error.at)
        wrong = self._first_wrong(sides)
        if wrong is not None:
            return self._of_wrong(sides, wrong)
        missing = self._not_yet(sides)
        if missing:
            return Verdict("not yet", missing)
        return Verdict("right", self._praise(sides))

    def _first_wrong(self, sides: Sequence[Expression]) -> Expression | None:
        return next((side for side in sides if not self.holds(side)), None)

    def holds(self, side: Expression) -> bool:
        """Whether an expression is equal to the line's, for a true class at the least."""
        return self._difference(side) is None

    def _difference(self, side: Expression) -> Evaluator | None:
        """A point at which an expression differs; None if there is none."""
        try:
            made = self._typed(side)
        except ShapeError:
            return self._points(one_hot=True)[0]
        return next((at for at in self._points(one_hot=True) if not self._equal(made, at)), None)

    def _typed(self, side: Expression) -> Typed:
        strange = free_letters(side) - self.line.spaces.keys() - {"c"}
        if strange:
            raise ShapeError(f"{min(strange)} is no index of this line")
        made = typed(side, self.line.letters, self.line.spaces)
        if made.shape not in (self._target.shape, self._turned()):
            raise ShapeError("the two sides have different shapes")
        return made

    def _turned(self) -> tuple[str, str]:
        """A row for a column is no slip: articles write gradients either way."""
        rows, columns = self._target.shape
        return (columns, rows) if "" in (rows, columns) else (rows, columns)

    def _points(self, *, one_hot: bool) -> list[Evaluator]:
        """One for each size and true class; with soft targets, one for each size."""
        if one_hot not in self._kept or any(is_full(at) for at in self._kept[one_hot]):
            case, about = self.line.case, self.line.letters.about
            self._kept[one_hot] = [
                point(case, about, K, c, seed)
                for K in SIZES
                for c in (range(K) if one_hot else (None,))
                for seed in range(2)
            ]
        return self._kept[one_hot]

    def _equal(self, made: Typed, at: Evaluator) -> bool:
        try:
            return all(
                _same(at.value(made.tree, where), at.value(self._target.tree, where), at.domain)
                for where in _places(self.line, at)
            )
        except _NO_VALUE:
            return False

    def _of_wrong(self, sides: Sequence[Expression], wrong: Expression) -> Verdict:
        from pminusy.questions.slips import slip_of

        try:
            self._typed(wrong)
            words = "That is not equal to the line."
        except ShapeError as error:
            words = f"That does not fit: {error}."
        found = slip_of(wrong, self)
        if found is None:
            return Verdict("wrong", words)
        return Verdict("wrong", f"{words} {found.words}", found.kind)

    def _not_yet(self, sides: Sequence[Expression]) -> str:
        """What is left to do in an answer that is true; "" where it is done."""
        answer, asked = sides[-1], self._asked[-1]
        if _canonical(answer) == _canonical(self._asked[0]):
            return "True, but that is where the line begins: what does it come to?"
        for kinds, words in _LEFT.items():
            if _has(answer, kinds) and not _has(asked, kinds):
                return f"True, but {words}."
        return ""

    def _praise(self, sides: Sequence[Expression]) -> str:
        asked = self._asked[-1]
        if _canonical(sides[-1]) == _canonical(asked):
            return "Right."
        try:
            made = typed(sides[-1], self.line.letters, self.line.spaces)
            soft = all(self._equal(made, at) for at in self._points(one_hot=False))
        except ShapeError:
            soft = True
        if soft or "c" in self.line.text() or _has_c(sides[-1]):
            return "Right, in other words than the article's."
        return "Right for one true class; with a soft target it would not hold."


_LEFT: Mapping[tuple[str, ...], str] = {
    ("d",): "a derivative is still to be taken",
    ("sum",): "there is a sum that can be worked out",
}


def _has(tree: Expression, kinds: tuple[str, ...]) -> bool:
    return any(part[0] in kinds for part in walk(tree))


def _has_c(tree: Expression) -> bool:
    return "c" in free_letters(tree)


def _places(line: TypedLine, at: Evaluator) -> Iterator[dict[str, int]]:
    """Every choice of a line's indices that its conditions allow."""
    ranges = [range(at.size(space)) for space in line.spaces.values()]
    fixed = at.environment.fixed
    for values in product(*ranges):
        where = {**dict(zip(line.spaces, values, strict=True)), **fixed}
        if all((where[i] == where[j]) == (sign == "=") for i, sign, j in line.conditions):
            yield where


def _same(one: Any, other: Any, domain: Any) -> bool:
    assert isinstance(domain, Algebra)
    left, right = (np.asarray(value, dtype=object) for value in (one, other))
    if left.shape != right.shape:
        return False
    return all(domain.is_zero(a - b) for a, b in zip(left.ravel(), right.ravel(), strict=True))


def _canonical(tree: Expression) -> Expression:
    """One form for sums and products that differ in the order of their parts."""
    new = tuple(_canonical(part) if isinstance(part, tuple) else part for part in tree)
    if new[0] not in ("+", "*"):
        return new
    flat = [p for part in new[1:] for p in (part[1:] if part[0] == new[0] else (part,))]
    return (new[0], *sorted(flat, key=repr))
