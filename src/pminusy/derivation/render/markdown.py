"""Markdown with GitHub's mathematics."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from pminusy.derivation.render.document import Page, ShownStep, Writer, document, safe
from pminusy.derivation.render.latex_math import LatexPrinter
from pminusy.derivation.render.value_text import is_matrix
from pminusy.derivation.statements.line import Table
from pminusy.derivation.steps.chapters import Chapter, Overview, Steps
from pminusy.derivation.steps.step import ProvedStep
from pminusy.derivation.values.digits import rounded
from pminusy.derivation.values.result_value import WIDEST_ROW, ResultValue

__all__ = ["escape", "latex_value", "statement", "to_markdown"]


_SENTENCE = 10_000
"""Characters of a heading or a sentence: they are not cut, as cells of a table are."""


def to_markdown(derivation: Steps) -> str:
    """The derivation as a Markdown document."""
    return "\n".join(document(_Markdown(derivation))).rstrip() + "\n"


def escape(name: str, limit: int = 60) -> str:
    """Text from outside: no markup, no mathematics, no table cells of its own."""
    return re.sub(r"([\\`*_{}\[\]()#+!|<>$~])", r"\\\1", safe(name, limit))


def latex_value(shown: ResultValue, digits: int) -> str:
    """A value in LaTeX."""

    def one(value: object) -> str:
        return rounded(value, digits, rest=shown.rest).latex

    if shown.left_out:
        listed = ", \\ ".join(
            f"[{', '.join(map(str, shown.place(place)))}]\\ {one(value)}"
            for place, value in shown.entries.items()
        )
        return rf"{listed}, \ \dots"
    if shown.shape == ():
        return one(next(iter(shown.entries.values())))
    if is_matrix(shown):
        rows = [
            " & ".join(one(shown.entries[i, j]) for j in range(shown.shape[1]))
            for i in range(shown.shape[0])
        ]
        return r"\begin{pmatrix} " + r" \\ ".join(rows) + r" \end{pmatrix}"
    return r"\left(" + ", ".join(one(value) for value in shown.entries.values()) + r"\right)"


class _Markdown(Writer[str]):
    """Lines of Markdown."""

    def __init__(self, derivation: Steps) -> None:
        super().__init__(derivation)
        self.printer = LatexPrinter(derivation.notation, derivation.digits)

    def opening(self, summary: Overview) -> Page[str]:
        """A heading, a list, paragraphs."""
        yield from (f"# {escape(summary.heading, _SENTENCE)}", "")
        for name, value in summary.options.items():
            yield f"- {name} = {escape(value)}"
        if summary.options:
            yield ""
        for note in summary.notes:
            yield from (escape(note, _SENTENCE), "")

    def classes(self, summary: Overview) -> Page[str]:
        """A table, unless it were endless."""
        if len(summary.classes) > WIDEST_ROW:
            return
        yield f"| class | {self.derivation.notation.text('p')} | target | gradient |"
        yield "| --- | ---: | ---: | ---: |"
        for k, name in enumerate(summary.classes):
            p = rounded(summary.probabilities[k], self.digits, rest=True)
            others = (rounded(v, self.digits) for v in (summary.targets[k], summary.gradient[k]))
            yield f"| {escape(name)} | {' | '.join(number.text for number in (p, *others))} |"
        yield from ("", f"Loss: {rounded(summary.loss, self.digits).text}", "")

    def table(self, table: Table) -> Page[str]:
        """A table, and its caption below."""
        yield f"| {' | '.join(map(escape, table.head))} |"
        yield f"| {' | '.join('---' for _ in table.head)} |"
        for row in table.rows:
            yield f"| {' | '.join(map(escape, row))} |"
        yield ""
        if table.caption:
            yield from (escape(table.caption, _SENTENCE), "")

    def chapter(self, chapter: Chapter) -> Page[str]:
        """A heading and a sentence."""
        yield from (f"## {chapter.title}", "", f"*{chapter.intro}*", "")

    def step(self, shown: ShownStep) -> Page[str]:
        """A heading, formulas, the reason and the proof."""
        step = shown.step
        yield from (f"### {step.number}. {shown.title}", "")
        if step.rules:
            yield from (f"*{' · '.join(step.rules)}*", "")
        yield from _math(statement(shown, self.printer))
        for row in shown.rows:
            yield from _math(self.printer.relation(row))
        if shown.value is not None and not shown.hides_results:
            yield from _math(f"= {latex_value(shown.value, self.digits)}")
            if shown.note:
                yield from (f"({shown.note})", "")
        yield from (step.why, "")
        if step.line.table is not None and not shown.hides_results:
            yield from self.table(step.line.table)
        yield from (f"✓ {step.proof}", "")

    def beside(self, pairs: Sequence[tuple[ProvedStep, tuple[ProvedStep, ...]]]) -> Page[str]:
        """A table of two columns."""
        yield from ("## Forward beside backward", "", "| forward | backward |", "| --- | --- |")
        for forward, backward in pairs:
            lines = "<br>".join(f"$`{self._cell(step)}`$" for step in backward)
            yield f"| $`{self._cell(forward)}`$ | {lines} |"

    def closing(self) -> Page[str]:
        """One line."""
        yield from ("", self.derivation.in_short)

    def _cell(self, step: ProvedStep) -> str:
        return self.printer.relation(step.statement).replace("|", r"\vert ")


def statement(shown: ShownStep, printer: LatexPrinter) -> str:
    """The line; its right-hand side left open where that is for the reader."""
    line = shown.step.statement
    if not shown.hides_statement:
        return printer.relation(line)
    return rf"{printer.tree(line.sides[0])} {printer.sign(line.signs[0])} \dots"


def _math(body: str) -> Iterator[str]:
    yield from ("```math", body, "```", "")
