"""The derivation: chapters of steps, made and proved as they are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from pminusy.derivation.digits import written
from pminusy.derivation.notation import Notation
from pminusy.derivation.step import FULL, OUTLINE, RESULT, Arena, Line, Step, Table, made

__all__ = ["Chapter", "Derivation", "Difference", "Summary"]

_DEPTHS = (RESULT, OUTLINE, FULL)


@dataclass(frozen=True)
class Chapter:
    """A heading, a sentence, and lines about one arena."""

    key: str
    title: str
    intro: str
    lines: tuple[Line, ...]
    arena: Arena


@dataclass(frozen=True)
class Summary:
    """What the bars and the heading show: exact values by class, and the options in words."""

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


@dataclass(frozen=True)
class Difference:
    """Where two derivations part: a step that one has not, or that says or comes to another."""

    name: str
    what: str
    here: str
    there: str

    def __str__(self) -> str:
        return f"{self.name}: {self.what}: {self.here or 'none'} | {self.there or 'none'}"


class Derivation:
    """Every line from the input to the gradient, proved, with the reader's numbers.

    Iterate to get its steps (each is proved when it is first reached), index by name, `str` for
    the terminal's text; `to_html`, `to_markdown`, `to_latex`, `to_json` for pages.

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

    Examples
    --------
    >>> from pminusy.derivation.build import derive
    >>> d = derive(probabilities=[0.2, 0.6, 0.2], y=0)
    >>> d["dL_dz"].title
    'Result: p − y'
    >>> [written(v) for v in d["dL_dz"].value.entries.values()]
    ['−0.8', '0.6', '0.2']
    """

    def __init__(
        self,
        chapters: tuple[Chapter, ...],
        summary: Summary,
        *,
        notation: Notation,
        depth: str = FULL,
        hints: int = 0,
        digits: int = 5,
    ) -> None:
        self.summary, self.notation = summary, notation
        self.depth, self.hints, self.digits = depth, hints, digits
        self._all = chapters
        self._steps: dict[str, Step] = {}

    @cached_property
    def chapters(self) -> tuple[Chapter, ...]:
        """Chapters with the lines that this depth shows."""
        shown = _DEPTHS[: _DEPTHS.index(self.depth) + 1]
        kept = (
            replace(chapter, lines=tuple(line for line in chapter.lines if line.depth in shown))
            for chapter in self._all
        )
        return tuple(chapter for chapter in kept if chapter.lines)

    @cached_property
    def _places(self) -> dict[str, tuple[int, Chapter, Line]]:
        shown = [(chapter, line) for chapter in self.chapters for line in chapter.lines]
        places = {
            line.name: (number, chapter, line)
            for number, (chapter, line) in enumerate(shown, start=1)
        }
        for chapter in self._all:
            for line in chapter.lines:
                places.setdefault(line.name, (0, chapter, line))
        return places

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the steps shown, in order."""
        return tuple(line.name for chapter in self.chapters for line in chapter.lines)

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[Step]:
        return (self[name] for name in self.names)

    def __contains__(self, name: object) -> bool:
        return name in self._places

    def __getitem__(self, name: str) -> Step:
        if name not in self._places:
            close = _closest(name, tuple(self._places))
            raise KeyError(f"no step {name!r}" + (f"; did you mean {close!r}?" if close else ""))
        if name not in self._steps:
            number, chapter, line = self._places[name]
            with chapter.arena.numbers.working():
                step = made(line, chapter.key, number, chapter.arena)
                chapter.arena.confirm(step)
            self._steps[name] = step
        return self._steps[name]

    def compare(self, other: Derivation) -> tuple[Difference, ...]:
        """Steps that differ from those of another derivation, in statement or in value."""
        from pminusy.derivation.render.text import TextPrinter

        printer = TextPrinter(self.notation, self.digits)
        found = []
        for name in dict.fromkeys((*self.names, *other.names)):
            if name not in self.names or name not in other.names:
                here, there = (
                    printer.relation(d[name].statement) if name in d.names else ""
                    for d in (self, other)
                )
                found.append(Difference(name, "only one has it", here, there))
                continue
            one, two = self[name], other[name]
            lines = printer.relation(one.statement), printer.relation(two.statement)
            if lines[0] != lines[1]:
                found.append(Difference(name, "statement", *lines))
            values = _shown(one, self.digits), _shown(two, self.digits)
            if values[0] != values[1]:
                found.append(Difference(name, "value", *values))
        return tuple(found)

    def with_more(self, chapters: tuple[Chapter, ...], heading: str) -> Derivation:
        """The same with chapters added after its own."""
        return Derivation(
            self._all + chapters,
            replace(self.summary, heading=self.summary.heading + heading),
            notation=self.notation, depth=self.depth, hints=self.hints, digits=self.digits,
        )  # fmt: skip

    def __str__(self) -> str:
        from pminusy.derivation.render.terminal import to_text

        return to_text(self, width=80, color=False)

    def __repr__(self) -> str:
        return f"<Derivation: {self.summary.heading}, {len(self)} steps>"

    def _repr_html_(self) -> str:
        from pminusy.derivation.render.html import to_fragment

        return to_fragment(self)

    def to_html(self) -> str:
        """One page that needs nothing else: no script, no network."""
        from pminusy.derivation.render.html import to_page

        return to_page(self)

    def to_markdown(self) -> str:
        """Markdown with GitHub's mathematics."""
        from pminusy.derivation.render.markdown import to_markdown

        return to_markdown(self)

    def to_latex(self) -> str:
        """A LaTeX document."""
        from pminusy.derivation.render.latex import to_latex

        return to_latex(self)

    def to_json(self) -> str:
        """Steps as data; the schema is in docs/explain.schema.json."""
        from pminusy.derivation.render.json import to_json

        return to_json(self)


def _shown(step: Step, digits: int) -> str:
    return ", ".join(written(value, digits) for value in step.value.entries.values())


def _closest(name: str, names: tuple[str, ...]) -> str:
    from difflib import get_close_matches

    return next(iter(get_close_matches(name, names, 1)), "")
