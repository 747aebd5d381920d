"""The articles' lines as questions see them: in what readers type."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

from pminusy.derivation.build import derivation_of
from pminusy.derivation.engine.proof import indices_of
from pminusy.derivation.head.batch import BatchContext
from pminusy.derivation.head.row import RowContext
from pminusy.derivation.input.request import Request
from pminusy.derivation.render.text import TextPrinter
from pminusy.derivation.statements.case import BatchCase, Case
from pminusy.derivation.statements.line import Line
from pminusy.derivation.steps.chapters import Chapter
from pminusy.derivation.steps.context import ProofContext
from pminusy.derivation.steps.derivation import Derivation
from pminusy.derivation.tree import Index, Relation
from pminusy.questions.expression import Expression, walk
from pminusy.questions.letters import Letters, letters_of
from pminusy.questions.trees import ShapeError, expression_of, letter_of, typed

__all__ = ["TypedLine", "lines_of", "typed_lines"]


@dataclass(frozen=True, eq=False)
class TypedLine:
    """A line of an article.

    Attributes
    ----------
    article, chapter
        Where it stands.
    line
        The line of the derivation, with its title and rules.
    context
        What its letters stand for.
    sides
        What readers would type for its sides; None for a line that no answer has.
    """

    article: str
    chapter: Chapter
    line: Line
    context: ProofContext
    derivation: Derivation
    sides: tuple[Expression, ...] | None

    @property
    def key(self) -> str:
        """The article and the line, as readers name them."""
        return f"{self.article}/{self.line.name}"

    @property
    def letters(self) -> Letters:
        """What may stand in an answer."""
        return letters_of(self.article, "batch" if self.is_of_batch else "row")

    @property
    def is_of_batch(self) -> bool:
        """Whether it speaks of several samples."""
        return isinstance(self.context, BatchContext)

    @property
    def case(self) -> Case | BatchCase:
        """How its letters are defined."""
        if isinstance(self.context, BatchContext):
            return self.context.case
        assert isinstance(self.context, RowContext)
        return self.context.sample.case

    @cached_property
    def spaces(self) -> dict[str, str]:
        """Its free letters, as they are typed, with the sets they run through."""
        return {self._typed(i): i.space for i in indices_of(self.line.statement) if i.name != "c"}

    @cached_property
    def conditions(self) -> tuple[tuple[str, str, str], ...]:
        """For which letters it holds: ("i", "≠", "j")."""
        return tuple(
            (self._typed(left), sign, self._typed(right))
            for left, sign, right in self.line.statement.conditions
            if isinstance(right, Index)
        )

    def _typed(self, index: Index) -> str:
        return letter_of(index, self.article)

    def text(self, relation: Relation | None = None) -> str:
        """The line in one row of text, or another statement in its letters."""
        return _printer(self.article).relation(relation or self.line.statement)

    def prove(self) -> None:
        """Prove it: questions are made of proved lines only."""
        assert self.derivation[self.line.name].proof.checks


@lru_cache(maxsize=8)
def _printer(article: str) -> TextPrinter:
    return TextPrinter(_derivation(article).notation)


@lru_cache(maxsize=8)
def _derivation(article: str) -> Derivation:
    return derivation_of(Request(article=article))


@lru_cache(maxsize=8)
def lines_of(article: str) -> tuple[TypedLine, ...]:
    """Every line of an article about one sample or a batch, in its order."""
    derivation = _derivation(article)
    return tuple(
        TypedLine(article, chapter, line, chapter.context, derivation, _sides(line, article))
        for chapter in derivation.chapters
        if isinstance(chapter.context, RowContext | BatchContext)
        for line in chapter.lines
    )


def _sides(line: Line, article: str) -> tuple[Expression, ...] | None:
    """Its sides as they are typed; None where a quantity or a sign has no place in an answer."""
    if set(line.statement.signs) != {"="}:
        return None
    about = "batch" if "batch" in line.name else "row"
    known = letters_of(article, about).spaces
    sides = [expression_of(side, article) for side in line.statement.sides]
    if any(side is None or not _quantities(side) <= known.keys() for side in sides):
        return None
    return tuple(side for side in sides if side is not None)


def _quantities(tree: Expression) -> frozenset[str]:
    return frozenset(part[1] for part in walk(tree) if part[0] == "ref")


def typed_lines(article: str) -> tuple[TypedLine, ...]:
    """The lines whose right side can be typed, in shapes that fit."""
    return tuple(each for each in lines_of(article) if each.sides is not None and _fits(each))


def _fits(line: TypedLine) -> bool:
    assert line.sides is not None
    try:
        typed(line.sides[-1], line.letters, line.spaces)
    except ShapeError:  # a row as a column: ∂L/∂p ∂p/∂z
        return False
    return True
