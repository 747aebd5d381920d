"""Find the false line: one of four has been tampered with, and its proof fails."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any, ClassVar

from pminusy.derivation.engine.proof import ProofError, prove_by_algebra
from pminusy.derivation.head.exact import forget
from pminusy.derivation.tree import Index, Relation
from pminusy.questions.expression import Expression, write
from pminusy.questions.items.choosing_one import chosen
from pminusy.questions.items.item import Question
from pminusy.questions.items.said import condition, source_of, written
from pminusy.questions.judge import Judge, Verdict
from pminusy.questions.lines import TypedLine, typed_lines
from pminusy.questions.points import SIZES
from pminusy.questions.slips import KINDS, changes
from pminusy.questions.trees import ShapeError, typed

__all__ = ["FalseLine", "false_lines", "proof_fails"]

_LINES = 4
_TAMPERED = ("sign", "delta", "index", "factor 1/N", "range of a sum", "power", "letter")
"""Kinds of slips that a false line has: those that are read over easily."""


@dataclass(frozen=True, eq=False, repr=False)
class FalseLine(Question):
    """Four lines, of which `false` does not hold; `truth` is how it reads in the article."""

    kind: ClassVar[str] = "false"

    lines: tuple[str, ...]
    false: int
    truth: str
    slip: str

    @property
    def text(self) -> str:
        """The lines, numbered."""
        listed = [f"  {number}  {line}" for number, line in enumerate(self.lines, 1)]
        return "\n".join(["Which of these lines is false? Type its number.", *listed])

    @property
    def solution(self) -> str:
        """The number of the false one, and how it reads."""
        return f"{self.false + 1}; the slip is {KINDS[self.slip]}. It reads {self.truth}"

    def judge(self, answer: str) -> Verdict:
        """Take a number."""
        place = chosen(answer, self.lines)
        if isinstance(place, Verdict):
            return place
        if place == self.false:
            return Verdict("right", f"Right: the slip is {KINDS[self.slip]}. It reads {self.truth}")
        return Verdict("wrong", f"Line {place + 1} holds: it is proved.", "line")

    def as_data(self) -> dict[str, Any]:
        """The lines, and what is wrong with which."""
        return {"lines": self.lines, "right": self.false, "truth": self.truth,
                "slip": KINDS[self.slip]}  # fmt: skip


def false_lines(article: str, rng: Random) -> Iterator[FalseLine]:
    """For every four lines of a chapter, one of them tampered with."""
    lines = typed_lines(article)
    for first in range(len(lines) - _LINES + 1):
        four = lines[first : first + _LINES]
        if four[0].chapter is four[-1].chapter:
            yield from _question(four, rng)


def _question(four: tuple[TypedLine, ...], rng: Random) -> Iterator[FalseLine]:
    places = list(range(_LINES))
    rng.shuffle(places)
    for place in places:
        line = four[place]
        found = _tampered(line, rng)
        if found is not None:
            slip, side = found
            assert line.sides is not None
            sides = (*line.sides[:-1], side)
            text = " = ".join(write(each, line.letters.shown) for each in sides) + condition(line)
            shown = [written(each) for each in four]
            truth, shown[place] = shown[place], text
            yield FalseLine(line.key, source_of(line), four, tuple(shown), place, truth, slip)
            return


def _tampered(line: TypedLine, rng: Random) -> tuple[str, Expression] | None:
    """The last side with one slip in it that makes the proof fail."""
    assert line.sides is not None
    made = [(kind, side) for kind, side, _ in changes(line.sides[-1], line) if kind in _TAMPERED]
    rng.shuffle(made)
    judge = Judge(line)  # a line about soft targets may fail, and hold for one true class
    false = ((kind, side) for kind, side in made if not judge.holds(side))
    return next(((kind, side) for kind, side in false if proof_fails(line, side)), None)


def proof_fails(line: TypedLine, side: Expression) -> bool:
    """Whether the derivation's proof of a line fails with another last side."""
    assert line.sides is not None
    try:
        sides = [typed(each, line.letters, line.spaces).tree for each in (*line.sides[:-1], side)]
    except ShapeError:
        return False
    relation = Relation.equal(*sides)
    for i, sign, j in line.conditions:
        relation = relation.where(Index(i), sign, Index(j))
    try:
        prove_by_algebra(relation, line.context.exact_environments(relation, SIZES))
    except ProofError:
        return True
    except (ArithmeticError, KeyError, ValueError):  # ln 0, N of one sample: too plain a slip
        return False
    finally:
        forget()  # a statement that is no line may have left an environment without generators
    return False
