"""Markdown with GitHub's mathematics."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pminusy.derivation.render import parts
from pminusy.derivation.render.latex_math import LatexPrinter
from pminusy.derivation.statements.line import Table
from pminusy.derivation.steps.chapters import Steps
from pminusy.derivation.steps.step import Step
from pminusy.derivation.values.digits import rounded
from pminusy.derivation.values.result_value import ResultValue

__all__ = ["escape", "latex_value", "to_markdown"]


def to_markdown(derivation: Steps) -> str:
    """The derivation as a Markdown document."""
    return "\n".join(_lines(derivation)).rstrip() + "\n"


def escape(name: str) -> str:
    """Text from outside: no markup, no mathematics, no table cells of its own."""
    return re.sub(r"([\\`*_{}\[\]()#+!|<>$~])", r"\\\1", parts.safe(name))


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
    if parts.is_matrix(shown):
        rows = [
            " & ".join(one(shown.entries[i, j]) for j in range(shown.shape[1]))
            for i in range(shown.shape[0])
        ]
        return r"\begin{pmatrix} " + r" \\ ".join(rows) + r" \end{pmatrix}"
    return r"\left(" + ", ".join(one(value) for value in shown.entries.values()) + r"\right)"


def _lines(derivation: Steps) -> Iterator[str]:
    summary = derivation.summary
    printer = LatexPrinter(derivation.notation, derivation.digits)
    yield from (f"# {escape(summary.heading)}", "")
    for name, value in summary.options.items():
        yield f"- {name} = {escape(value)}"
    if summary.options:
        yield ""
    for note in summary.notes:
        yield from (escape(note), "")
    if 0 < len(summary.classes) <= 12:
        yield from _classes(derivation)
    for table in summary.tables:
        yield from _table(table)
    for chapter in derivation.chapters:
        yield from (f"## {chapter.title}", "", f"*{chapter.intro}*", "")
        for line in chapter.lines:
            yield from _step(derivation[line.name], derivation, printer)
    yield from _closing(derivation, printer)


def _classes(derivation: Steps) -> Iterator[str]:
    summary, digits = derivation.summary, derivation.digits
    letter = derivation.notation.text
    yield f"| class | {letter('p')} | target | gradient |"
    yield "| --- | ---: | ---: | ---: |"
    for k, name in enumerate(summary.classes):
        p = rounded(summary.probabilities[k], digits, rest=True)
        others = (rounded(v, digits) for v in (summary.targets[k], summary.gradient[k]))
        yield f"| {escape(name)} | {' | '.join(number.text for number in (p, *others))} |"
    yield from ("", f"Loss: {rounded(summary.loss, digits).text}", "")


def _step(step: Step, derivation: Steps, printer: LatexPrinter) -> Iterator[str]:
    hidden = parts.hidden(derivation)
    yield from (f"### {step.number}. {step.title}", "")
    if step.rules:
        yield from (f"*{' · '.join(step.rules)}*", "")
    statement = printer.relation(step.statement)
    if hidden.statements:
        statement = f"{printer.tree(step.statement.sides[0])} {step.statement.signs[0]} \\dots"
    yield from _math(statement)
    if not hidden.numbers:
        for row in step.rows:
            yield from _math(printer.relation(row.statement))
    plain = set(step.statement.signs) == {"="}
    if not hidden.results and plain and not (step.rows and len(step.value.entries) == 1):
        yield from _math(f"= {latex_value(step.value, derivation.digits)}")
        note = parts.vector_note(step, derivation.digits)
        if note:
            yield from (f"({note})", "")
    yield from (step.why, "")
    if step.line.table is not None and not hidden.results:
        yield from _table(step.line.table)
    yield from (f"✓ {step.proof}", "")


def _math(body: str) -> Iterator[str]:
    yield from ("```math", body, "```", "")


def _table(table: Table) -> Iterator[str]:
    yield f"| {' | '.join(map(escape, table.head))} |"
    yield f"| {' | '.join('---' for _ in table.head)} |"
    for row in table.rows:
        yield f"| {' | '.join(map(escape, row))} |"
    yield ""
    if table.caption:
        yield from (escape(table.caption), "")


def _closing(derivation: Steps, printer: LatexPrinter) -> Iterator[str]:
    beside = list(parts.closing(derivation))
    if beside:
        yield from ("## Forward beside backward", "", "| forward | backward |", "| --- | --- |")
    for forward, backward in beside:
        lines = "<br>".join(f"$`{_cell(printer.relation(step.statement))}`$" for step in backward)
        yield f"| $`{_cell(printer.relation(forward.statement))}`$ | {lines} |"
    yield from ("", f"{len(derivation)} steps, every one proved.")


def _cell(body: str) -> str:
    return body.replace("|", r"\vert ")
