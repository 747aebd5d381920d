"""What a page consists of, in which order: the one walk that every writer is taken along.

What is shown of a step is decided here; a writer says how it looks in its format.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from pminusy.derivation.statements.line import Table
from pminusy.derivation.steps.chapters import Chapter, Overview, Steps
from pminusy.derivation.steps.step import ProvedStep
from pminusy.derivation.tree import Add, Node, Ref, Relation, Value
from pminusy.derivation.values.digits import sum_note
from pminusy.derivation.values.result_value import ResultValue
from pminusy.present.sanitise import cut, replaced

__all__ = ["Page", "ShownStep", "Writer", "classes_shown", "document", "safe"]

Piece = TypeVar("Piece")
Page = Iterator[Piece]

_BESIDE = (
    ("linear_vector", ("dL_dW", "dL_db", "dL_dx")),
    ("transform", ("slope", "dL_du")),
    ("softmax", ("jacobian", "jacobian_matrix")),
    ("cross_entropy", ("dL_dp",)),
    ("cross_entropy_logits", ("dL_dz",)),
    ("z_loss", ("dL_dz_total",)),
    ("log_base", ("dL_B_dz", "dL_B_du")),
    ("batch_loss", ("batch_dL_dZ", "batch_dL_dW", "batch_dL_db", "batch_dL_dX")),
)
"""Forward lines, each with the backward lines that belong beside it."""

_HIDING_LINES = 3
"""From this many hints on, the lines themselves are left to the reader."""


@dataclass(frozen=True)
class ShownStep:
    """What is shown of a step, and what the chosen hints leave for the reader to fill in.

    Attributes
    ----------
    step
        The step, proved.
    value
        What it comes to; None where that is no one value, or where each entry of it is at the end
        of a line with numbers.
    note
        What is said where rounded entries do not add up as the exact ones do.
    hides_results, hides_numbers, hides_statement
        What is left to the reader.
    """

    step: ProvedStep
    value: ResultValue | None
    note: str
    hides_results: bool
    hides_numbers: bool
    hides_statement: bool

    @property
    def title(self) -> str:
        """Heading; without what follows a colon where the line itself is left to the reader."""
        return self.step.title.partition(":")[0] if self.hides_statement else self.step.title

    @property
    def rows(self) -> tuple[Relation, ...]:
        """The lines with numbers; a blank at their end where results are left to the reader."""
        if self.hides_numbers:
            return ()
        rows = (row.statement for row in self.step.rows)
        return tuple(_with_blank(row) for row in rows) if self.hides_results else tuple(rows)


def _with_blank(row: Relation) -> Relation:
    """A line with numbers, without those that are results and not parts of a formula."""
    result = row.sides[-1]

    def blanked(side: Node) -> Node:
        if not isinstance(side, Add):
            return _BLANK if isinstance(side, Value) else side
        own = (
            _BLANK if isinstance(term, Value) and term == result else term for term in side.terms
        )
        return Add(tuple(own))

    return replace(row, sides=tuple(map(blanked, row.sides)))


_BLANK = Ref("____")


class Writer(ABC, Generic[Piece]):
    """One format: what each part of a page looks like there.

    Parameters
    ----------
    derivation
        The steps to write.
    """

    def __init__(self, derivation: Steps) -> None:
        self.derivation, self.digits = derivation, derivation.digits
        self.summary = derivation.summary

    @abstractmethod
    def opening(self, summary: Overview) -> Page[Piece]:
        """Heading, options and notes."""

    @abstractmethod
    def classes(self, summary: Overview) -> Page[Piece]:
        """Probability, target and gradient of each class."""

    @abstractmethod
    def table(self, table: Table) -> Page[Piece]:
        """A table of plain text."""

    def fold(self) -> Page[Piece]:
        """What opens the derivation behind an answer: nothing in most formats."""
        yield from ()

    def fold_end(self) -> Page[Piece]:
        """What closes it."""
        yield from ()

    @abstractmethod
    def chapter(self, chapter: Chapter) -> Page[Piece]:
        """The heading of a chapter."""

    @abstractmethod
    def step(self, shown: ShownStep) -> Page[Piece]:
        """One step."""

    def chapter_end(self) -> Page[Piece]:
        """What closes a chapter: nothing in most formats."""
        yield from ()

    @abstractmethod
    def beside(self, pairs: Sequence[tuple[ProvedStep, tuple[ProvedStep, ...]]]) -> Page[Piece]:
        """Forward lines with the backward lines beside them."""

    @abstractmethod
    def closing(self) -> Page[Piece]:
        """How many steps there were, and the end."""


def document(writer: Writer[Piece]) -> Page[Piece]:
    """All parts of a page in order; each step is proved just before it is written."""
    derivation, summary = writer.derivation, writer.summary
    yield from writer.opening(summary)
    if summary.classes:
        yield from writer.classes(summary)
    for table in summary.tables:
        yield from writer.table(table)
    if summary.folded:
        yield from writer.fold()
    for chapter in derivation.chapters:
        yield from writer.chapter(chapter)
        for line in chapter.lines:
            yield from writer.step(_shown(derivation[line.name], derivation))
        yield from writer.chapter_end()
    pairs = list(_beside(derivation)) if derivation.hints < _HIDING_LINES else []
    if len(pairs) > 1:  # one alone is beside itself in the chapters already
        yield from writer.beside(pairs)
    if summary.folded:
        yield from writer.fold_end()
    yield from writer.closing()


def _shown(step: ProvedStep, derivation: Steps) -> ShownStep:
    value = step.value if set(step.statement.signs) == {"="} else None
    if value is not None and value.left_out and not value.entries:
        value = None  # too many entries, and none computed
    note = ""
    if value is not None and len(value.shape) == 1 and not value.left_out:
        note = sum_note(list(value.entries.values()), derivation.digits)
    hints = derivation.hints
    if value is not None and not note and not hints and len(step.rows) == len(value.entries):
        value = None  # each entry stands at the end of a line of its own
    if value is not None and len(step.rows) > 1 and not any(value.entries.values()):
        value = None  # all of them are 0, as the lines with numbers show
    return ShownStep(step, value, note, hints >= 1, hints >= 2, hints >= _HIDING_LINES)


def _beside(derivation: Steps) -> Iterator[tuple[ProvedStep, tuple[ProvedStep, ...]]]:
    """Forward lines with the backward lines beside them, of those that there are."""
    names = set(derivation.names)
    for forward, backward in _BESIDE:
        steps = tuple(derivation[name] for name in backward if name in names)
        if forward in names and steps:
            yield derivation[forward], steps


def classes_shown(summary: Overview, most: int) -> list[int]:
    """Classes in their order: all, or of many those with the largest gradients and the true one."""
    order = range(len(summary.classes))
    if len(order) <= most:
        return list(order)
    largest = sorted(order, key=lambda k: -abs(summary.gradient[k]))[: most - 1]
    return sorted({*largest, *([] if summary.true_class is None else [summary.true_class])})


def safe(name: str, limit: int = 60) -> str:
    """A name from outside: control characters made visible as �, and not endless."""
    return cut(replaced(str(name)), limit)
