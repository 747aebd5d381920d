"""Right in another convention than the one required: one finding, not a mistake for each result."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from pminusy.diagnosis.catalogue.conventions import Conventions, in_words
from pminusy.diagnosis.match.trial import Trial
from pminusy.diagnosis.match.try_out import is_right, try_out
from pminusy.diagnosis.report.verdict import Verdict

__all__ = ["CONVENTIONS", "conventions_of", "of_another_convention", "required"]

CONVENTIONS = tuple(field.name for field in fields(Conventions))


def conventions_of(trial: Trial, names: Sequence[str]) -> Iterator[str]:
    """The conventions of these names that a trial follows, in words, with the program's letters."""
    subject, conventions = trial.subject, trial.best.conventions
    if {"L", "L_i", "dL_dz", "dL_dW"} & set(subject.letters()) and "y" in subject.given:
        yield from in_words(conventions, [name for name in names if name == "reduction"])
    if subject.regularised:
        words = in_words(conventions, [name for name in names if name != "reduction"])
        yield from (text.replace(" r ", f" {subject.parameter('r')} ") for text in words)


def required(trial: Trial, pins: Mapping[str, Any]) -> Iterator[str]:
    """The conventions that the exercise asks for, in words."""
    return conventions_of(trial, [name for name in CONVENTIONS if name in pins])


def of_another_convention(trial: Trial, verdict: Verdict, pins: Mapping[str, Any]) -> Verdict:
    """The verdict on a wrong function, which may be right in all but what is required.

    Its mistakes then have one cause, and the numbers on the smallest input show it.
    """
    free = {name: value for name, value in pins.items() if name not in CONVENTIONS}
    if len(free) == len(pins) or trial.against or not verdict.findings[0].id:
        return verdict
    if not is_right(trial.subject, free):
        return verdict
    own = try_out(trial.subject, free)
    ways = zip(conventions_of(own, CONVENTIONS), conventions_of(trial, CONVENTIONS), strict=False)
    other = [pair for pair in ways if pair[0] != pair[1]]
    if not other:
        return verdict
    theirs, ours = (", and ".join(words) for words in zip(*other, strict=True))
    sentence = f"It is right in another convention than this exercise requires: {theirs}."
    first = verdict.findings[0]
    where = tuple(dict.fromkeys(name for finding in verdict.findings for name in finding.where))
    finding = replace(
        first, sentence=sentence, wrong="", right="", where=where, alternatives=(),
        hints=(*first.hints[:1], sentence, f"What is required: {ours}.") if first.hints else (),
    )  # fmt: skip
    return replace(verdict, findings=(finding,), summary=sentence)
