"""A verdict as styled lines: one text, shown in a terminal, in plain text and in feedback files."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pminusy.diagnosis.report.clean import clean, clean_lines

if TYPE_CHECKING:  # a verdict prints itself with these lines
    from pminusy.diagnosis.report.verdict import (
        Comparison,
        DerivationLine,
        Finding,
        Fragility,
        Verdict,
    )

__all__ = ["HEADINGS", "StyledLine", "in_plain_text", "in_short", "lines"]

_PLAIN_WIDTH = 88

HEADINGS = {
    "correct": ("✓", "correct", "good"),
    "fragile": ("!", "correct, but fragile", "warn"),
    "wrong": ("✗", "wrong", "bad"),
    "unfinished": ("…", "unfinished", "warn"),
    "does not run": ("✗", "does not run", "bad"),
    "unknown": ("?", "unknown exercise", "warn"),
}


@dataclass(frozen=True, slots=True)
class StyledLine:
    """A line of any length and its style: head, good, warn, bad, key, dim or nothing."""

    text: str
    style: str = ""

    @property
    def indent(self) -> int:
        """Blanks before the first word."""
        return len(self.text) - len(self.text.lstrip())

    @property
    def hang(self) -> int:
        """Indentation of continuation lines: under the value of a labelled line, else two more."""
        label = re.match(
            r" *(shows in|look|computes|should be|smallest|returns|formula) +", self.text
        )
        return label.end() if label is not None else self.indent + 2

    def wrapped(self, width: int) -> list[str]:
        """The line as lines of at most this width."""
        if len(self.text) <= width or not self.text.strip():
            return [self.text]
        first, rest = " " * self.indent, " " * self.hang
        return textwrap.wrap(
            self.text.strip(), max(width, 40), initial_indent=first, subsequent_indent=rest,
            break_on_hyphens=False,
        )  # fmt: skip


def in_short(verdict: Verdict, hints: int = 3) -> str:
    """What is wrong, in one line of a table, as far as the hints go."""
    first = verdict.findings[0] if verdict.findings else None
    if first is not None and hints < 3 and first.hints:
        return first.hints[hints - 1]
    if verdict.fragilities:
        return _without_remedy(verdict.fragilities[0].sentence, hints)
    return "" if verdict.status == "correct" else verdict.summary.partition("\n")[0]


def in_plain_text(verdict: Verdict, hints: int = 3) -> str:
    """The report of one function, without colours."""
    pieces = (piece for line in lines(verdict, hints) for piece in line.wrapped(_PLAIN_WIDTH))
    return "\n".join(piece.rstrip() for piece in pieces)


def lines(verdict: Verdict, hints: int = 3) -> Iterator[StyledLine]:
    """The report of one function.

    Parameters
    ----------
    verdict
        What to report.
    hints
        How much to tell: 1 where to look, 2 what is off, 3 the formula.
    """
    mark, words, style = HEADINGS[verdict.status]
    where = f" in {clean(verdict.place)}" if verdict.place not in ("", verdict.name) else ""
    where += f", line {verdict.line}" if verdict.line else ""
    yield StyledLine(f"{mark} {clean(verdict.fault_in or verdict.name)}{where}: {words}", style)
    if verdict.exercise:
        yield StyledLine(f"  taken as: {verdict.exercise}", "dim")
    if verdict.spared and hints >= 2:
        yield from _paragraph(clean(verdict.spared))
    if verdict.status in ("unfinished", "does not run", "correct", "unknown"):
        yield from _paragraph(clean_lines(verdict.summary))
    for number, finding in enumerate(verdict.findings, 1):
        yield StyledLine("")
        yield from _finding(finding, number if len(verdict.findings) > 1 else 0, hints)
    for fragility in verdict.fragilities:
        yield StyledLine("")
        yield from _fragility(fragility, hints)
    yield from _smallest(verdict, hints)
    yield from _rest(verdict)


def _finding(finding: Finding, number: int, hints: int) -> Iterator[StyledLine]:
    lead = f"{number}. " if number else ""
    if hints < 2 and finding.hints:
        yield from _paragraph(lead + finding.hints[0], "key")
        return
    told = finding.hints[1] if hints == 2 and finding.hints else finding.sentence
    sentence = f"not recognised: {told}" if not finding.id else told
    yield from _paragraph(lead + clean_lines(sentence), "key")
    if finding.where:
        yield StyledLine(f"  shows in   {', '.join(finding.where)}", "dim")
    if finding.hints:
        yield StyledLine(f"  look       {finding.hints[0].removeprefix('Look ').rstrip('.')}")
    if hints >= 3 and finding.wrong:
        yield StyledLine(f"  computes   {finding.wrong}", "bad")
        yield StyledLine(f"  should be  {finding.right}", "good")
    if finding.alternatives and hints >= 3:
        yield StyledLine("  or, with the very same numbers:", "dim")
        for other in finding.alternatives[:4]:
            yield from _paragraph(f"· {other}", indent=4)


def _fragility(fragility: Fragility, hints: int) -> Iterator[StyledLine]:
    yield from _paragraph(clean_lines(_without_remedy(fragility.sentence, hints)), "key")
    if fragility.smallest:
        yield StyledLine(f"  smallest   {fragility.smallest}")
        yield StyledLine(f"  returns    {clean(fragility.returns)}", "bad")
        if hints >= 2:
            yield StyledLine(f"  should be  {fragility.correct}", "good")
    if hints >= 3 and fragility.right:
        yield StyledLine(f"  formula    {fragility.right}")


def _without_remedy(sentence: str, hints: int) -> str:
    """What is off; what to do about it stands behind a colon, and comes with the third hint."""
    off, colon, _ = sentence.rpartition(": ")
    return f"{off}." if colon and hints < 3 else sentence


def _smallest(verdict: Verdict, hints: int) -> Iterator[StyledLine]:
    if not verdict.smallest:
        return
    yield StyledLine("")
    many = verdict.exercise == "dropout"
    yield StyledLine(
        f"  On {'many entries' if many else 'the smallest input that shows it'}", "head"
    )
    for name, value in verdict.smallest:
        first, *more = value.split("\n")
        yield StyledLine(f"    {clean(name)} = {first}")
        for row in more:
            yield StyledLine(f"    {' ' * len(clean(name))}   {row}")
    if verdict.broken_line is not None and hints >= 3:
        yield from _broken_line(verdict.broken_line)
    yield StyledLine("")
    compared = (
        verdict.compared if hints >= 3 else tuple(c for c in verdict.compared if not c.inferred)
    )
    for formula, value in verdict.on_the_way if hints >= 3 else ():
        yield from _right_step(formula, value)
    told = verdict.findings[0].right if verdict.findings else ""
    for comparison in compared:
        yield from _comparison(comparison, told, hints)


def _broken_line(line: DerivationLine) -> Iterator[StyledLine]:
    yield StyledLine("")
    yield StyledLine(f"  The line of the derivation: {line.title}", "head")
    yield StyledLine(f"    {line.statement}", "good")
    for numbers in line.numbers:
        yield StyledLine(f"    {numbers}")
    yield from _paragraph(line.why, "dim", indent=4)


def _comparison(comparison: Comparison, told: str, hints: int) -> Iterator[StyledLine]:
    """Two values under their formula, or under a word for the one that has been told already.

    The formula is for the third hint, the right value from the second on.
    """
    note = "  (yours as the diagnosis has it)" if comparison.inferred else ""
    formula = comparison.formula or comparison.name
    heading = "the first wrong line" if formula == told else formula
    yield StyledLine(f"    {heading if hints >= 3 else comparison.name}{note}")
    values = [("yours", comparison.yours, "bad"), ("right", comparison.right, "good")]
    for word, value, style in values if hints >= 2 else values[:1]:
        first, *more = value.split("\n")
        yield StyledLine(f"      {word}  {first}", style)
        for row in more:
            yield StyledLine(f"             {row}", style)


def _right_step(formula: str, value: str) -> Iterator[StyledLine]:
    yield StyledLine(f"    {formula}  (on the way)")
    first, *more = value.split("\n")
    yield StyledLine(f"      right  {first}", "good")
    for row in more:
        yield StyledLine(f"             {row}", "good")


def _rest(verdict: Verdict) -> Iterator[StyledLine]:
    failed = [p for p in verdict.properties if not p.holds]
    held = [p.name for p in verdict.properties if p.holds]
    if verdict.status == "wrong":
        held = _in_one_line(verdict)
    if verdict.properties:
        yield StyledLine("")
    for item in failed:
        detail = f": {clean(item.detail)}" if item.detail else ""
        yield StyledLine(f"  ✗ {item.name}{detail}", "bad")
    if held:
        yield from _paragraph("✓ " + " · ".join(held), "good")
    if verdict.gradient_check:
        yield from _paragraph(verdict.gradient_check, "dim")
    if verdict.required:
        yield from _paragraph("required: " + "; ".join(map(clean, verdict.required)), "dim")
    if verdict.assumed:
        yield from _paragraph("assumed: " + "; ".join(map(clean, verdict.assumed)), "dim")
    if verdict.leans_on:
        yield from _paragraph("leans on: " + ", ".join(map(clean, verdict.leans_on)), "dim")
    for note in verdict.notes:
        yield from _paragraph("note: " + clean(note), "dim")


def _in_one_line(verdict: Verdict) -> list[str]:
    """Results of a wrong function that are right, and how many other properties hold."""
    ways: dict[str, list[bool]] = {}
    others = 0
    for item in verdict.properties:
        name, _, part = item.name.rpartition(", ")
        if part in ("data", "regulariser"):
            ways.setdefault(name, []).append(item.holds)
        else:
            others += item.holds
    right = [name for name, holds in ways.items() if all(holds)]
    more = f"{others} other {'property' if others == 1 else 'properties'}" if others else ""
    return [*right, *([more] if more else [])]


def _paragraph(text: str, style: str = "", indent: int = 2) -> Iterator[StyledLine]:
    for line in text.split("\n"):
        yield StyledLine(" " * indent + line, style)
