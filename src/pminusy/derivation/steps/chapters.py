"""Chapters of steps, made and proved as they are asked for: what every renderer takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Self

from pminusy.derivation.statements.line import FULL, OUTLINE, RESULT, Line, Table
from pminusy.derivation.statements.sentence import Reason, in_words, reworded, sentences
from pminusy.derivation.steps.confirm import confirm
from pminusy.derivation.steps.context import ProofContext
from pminusy.derivation.steps.step import ProvedStep, hold, prove
from pminusy.derivation.tree.notation import Notation

__all__ = ["Chapter", "Overview", "Steps"]

_DEPTHS = (RESULT, OUTLINE, FULL)


@dataclass(frozen=True)
class Chapter:
    """A heading, what opens it, and lines in one proof context.

    `shown` are the names of the lines that the page has, None for all; the others can be asked for
    by their names.
    """

    key: str
    title: str
    opening: Reason
    lines: tuple[Line, ...]
    context: ProofContext
    shown: frozenset[str] | None = None

    @property
    def intro(self) -> str:
        """What opens the chapter, in words."""
        return in_words(self.opening)

    def has(self, line: Line) -> bool:
        """Whether the page has a line."""
        return self.shown is None or line.name in self.shown


@dataclass(frozen=True)
class Overview:
    """What the bars and the heading show: exact values by class, and the options in words.

    `answers` are notes that give results away. A `folded` derivation stands behind an answer.
    """

    heading: str
    classes: tuple[str, ...] = ()
    probabilities: tuple[Any, ...] = ()
    targets: tuple[Any, ...] = ()
    gradient: tuple[Any, ...] = ()
    loss: Any = None
    true_class: int | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    answers: tuple[str, ...] = ()
    folded: bool = False

    def as_shown(self, hints: int) -> Overview:
        """The same without results, where these are left for the reader to fill in."""
        if not hints:
            return replace(self, notes=(*self.notes, *self.answers), answers=())
        return Overview(
            self.heading, true_class=self.true_class, options=self.options, notes=self.notes
        )


class Steps:
    """Lines in chapters, proved one by one; what stands above them, and how they are to be shown.

    Parameters
    ----------
    chapters, summary
        What there is to show.
    notation
        The letters.
    depth
        "result", "outline" or "full".
    hints
        How much is held back for the reader to fill in: 0 nothing, 1 the results, 2 also the lines
        with numbers, 3 also the right-hand sides.
    digits
        Significant digits shown.
    """

    def __init__(
        self,
        chapters: tuple[Chapter, ...],
        summary: Overview,
        *,
        notation: Notation,
        depth: str = FULL,
        hints: int = 0,
        digits: int = 5,
    ) -> None:
        self.summary, self.notation = summary.as_shown(hints), notation
        self.depth, self.hints, self.digits = depth, hints, digits
        self._all = chapters
        self._opened: set[str] = set()
        self._steps: dict[str, ProvedStep] = {}

    @cached_property
    def _lettered(self) -> tuple[Chapter, ...]:
        """All chapters, their words in the reader's letters."""
        return tuple(_in_letters(chapter, self.notation) for chapter in self._all)

    @cached_property
    def chapters(self) -> tuple[Chapter, ...]:
        """Chapters with the lines that the page has at this depth."""
        shown = _DEPTHS[: _DEPTHS.index(self.depth) + 1]
        kept = (
            replace(
                chapter,
                lines=tuple(
                    line for line in chapter.lines if line.depth in shown and chapter.has(line)
                ),
            )
            for chapter in self._lettered
        )
        return tuple(chapter for chapter in kept if chapter.lines)

    @cached_property
    def _places(self) -> dict[str, tuple[int, Chapter, Line]]:
        shown = [(chapter, line) for chapter in self.chapters for line in chapter.lines]
        places = {
            line.name: (number, chapter, line)
            for number, (chapter, line) in enumerate(shown, start=1)
        }
        for chapter in self._lettered:
            for line in chapter.lines:
                places.setdefault(line.name, (0, chapter, line))
        return places

    @property
    def contents(self) -> tuple[tuple[Chapter, int], ...]:
        """Every chapter there is, and how many of its lines are on the page."""
        on_page = {chapter.key: len(chapter.lines) for chapter in self.chapters}
        return tuple((chapter, on_page.get(chapter.key, 0)) for chapter in self._lettered)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the steps shown, in order."""
        return tuple(line.name for chapter in self.chapters for line in chapter.lines)

    @property
    def in_short(self) -> str:
        """How many steps there are, and how many of them hold for any number of classes."""
        for_any = sum(step.proof.any_size for step in self)
        others = len(self) - for_any
        words = f"{len(self)} steps, every one proved"
        if not for_any:
            return f"{words}."
        if not others:
            return f"{words}, all for any K."
        return f"{words}: {for_any} for any K, {others} for the sizes that they name."

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[ProvedStep]:
        return (self[name] for name in self.names)

    def __contains__(self, name: object) -> bool:
        return name in self._places

    def __getitem__(self, name: str) -> ProvedStep:
        if name not in self._places:
            close = _closest(name, tuple(self._places))
            raise KeyError(f"no step {name!r}" + (f"; did you mean {close!r}?" if close else ""))
        if name not in self._steps:
            number, chapter, line = self._places[name]
            with chapter.context.numbers.working():
                self._open(chapter)
                step = prove(line, chapter.key, number, chapter.context)
                confirm(step)
            # what `core` was held against has one row a class, whatever the letters
            self._steps[name] = replace(step, transposed=True) if self.notation.rows else step
        return self._steps[name]

    def _open(self, chapter: Chapter) -> None:
        """Prove what a chapter's opening states, when the first of its steps is asked for."""
        if chapter.key not in self._opened:
            for sentence in sentences(chapter.opening):
                hold(sentence, (2, 3, 4), chapter.context)
            self._opened.add(chapter.key)

    def with_network(
        self, ahead: tuple[Chapter, ...], back: tuple[Chapter, ...], *, keep: bool, heading: str,
        notes: tuple[str, ...], tables: tuple[Table, ...], depth: str | None,
    ) -> Self:  # fmt: skip
        """The same between the chapters of a network; its own are on the page if they are kept."""
        own = self._all if keep else tuple(replace(c, shown=frozenset()) for c in self._all)
        summary = self.summary
        summary = replace(
            summary, heading=summary.heading + heading, notes=notes + summary.notes,
            tables=() if self.hints else tables + summary.tables,
        )  # fmt: skip
        return type(self)(
            ahead + own + back, summary, notation=self.notation, depth=depth or self.depth,
            hints=self.hints, digits=self.digits,
        )  # fmt: skip

    def with_answer(self, heading: str, notes: tuple[str, ...], tables: tuple[Table, ...]) -> Self:
        """The same behind an answer; where results are for the reader to find, as it was."""
        if self.hints:
            return self
        summary = replace(
            self.summary, heading=heading, notes=(*notes, *self.summary.notes),
            tables=tables + self.summary.tables, folded=True,
        )  # fmt: skip
        return type(self)(
            self._all, summary, notation=self.notation, depth=self.depth, hints=self.hints,
            digits=self.digits,
        )  # fmt: skip

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.summary.heading}, {len(self)} steps>"


def _in_letters(chapter: Chapter, notation: Notation) -> Chapter:
    said = notation.sentence

    def line_in_letters(line: Line) -> Line:
        table = line.table
        if (
            table is not None and chapter.key == "floating_point"
        ):  # no name of the reader's is in it
            rows = tuple(tuple(map(said, row)) for row in table.rows)
            table = replace(table, rows=rows)
        rules = tuple(map(said, line.rules))
        reason = reworded(line.reason, said)
        return replace(line, title=said(line.title), reason=reason, rules=rules, table=table)

    lines = tuple(map(line_in_letters, chapter.lines))
    return replace(
        chapter, title=said(chapter.title), opening=reworded(chapter.opening, said), lines=lines
    )


def _closest(name: str, names: tuple[str, ...]) -> str:
    from difflib import get_close_matches

    return next(iter(get_close_matches(name, names, 1)), "")
