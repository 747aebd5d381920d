"""What a verdict says: plain data, from which reports are written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Comparison", "Content", "DerivationLine", "Finding", "Fragility", "Property", "Status"]

Status = Literal["correct", "fragile", "wrong", "unfinished", "does not run"]


@dataclass(frozen=True, slots=True)
class Property:
    """A named property: whether it holds, and what was seen if not."""

    name: str
    holds: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One mistake that was recognised, or a difference that was not (`id` empty).

    `alternatives` are mistakes that return the very same numbers: it is one of them.
    """

    id: str
    sentence: str
    step: str = ""
    wrong: str = ""
    right: str = ""
    where: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()
    alternatives: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fragility:
    """What breaks a right formula: the mechanism, the smallest input, what it returns there."""

    id: str
    sentence: str
    wrong: str
    right: str
    smallest: str = ""
    returns: str = ""
    correct: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A number or array of the learner beside the right one, on inputs that are shown."""

    name: str
    formula: str
    yours: str
    right: str
    inferred: bool = (
        False  # reconstructed from the diagnosis: the learner's program never showed it
    )


@dataclass(frozen=True, slots=True)
class DerivationLine:
    """A line of the derivation: its key and title, what it states, why, and with numbers."""

    name: str
    title: str
    statement: str
    why: str
    numbers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Content:
    """Everything that is said about one function.

    Parameters
    ----------
    status
        correct, fragile (right, but breaks on inputs that occur), wrong, unfinished, does not run.
    name
        The function, as `function` or `Class.method`.
    source
        The file, empty for a function of this process.
    exercise
        What it was taken to compute.
    summary
        One sentence.
    assumed
        Conventions it was found to follow.
    pins
        The same in the words of `--pin`.
    findings
        Mistakes; empty unless wrong.
    fragilities
        What breaks it.
    properties
        Every property that was run, with its result.
    smallest
        Smallest inputs found that show the first finding, by letter.
    compared
        Results on these inputs, and the first wrong line of the derivation.
    broken_line
        The first wrong line of the derivation, in the derivation's own words and numbers.
    gradient_check
        What a plain gradient check would have said.
    notes
        Anything else worth knowing (what was tried, what ran unprotected, imports not there).
    leans_on
        Library functions it leaves the work to.
    seconds
        Wall-clock time.
    """

    status: Status
    name: str
    summary: str
    source: str = ""
    exercise: str = ""
    assumed: tuple[str, ...] = ()
    pins: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    fragilities: tuple[Fragility, ...] = ()
    properties: tuple[Property, ...] = ()
    smallest: tuple[tuple[str, str], ...] = ()
    compared: tuple[Comparison, ...] = ()
    broken_line: DerivationLine | None = None
    gradient_check: str = ""
    notes: tuple[str, ...] = ()
    leans_on: tuple[str, ...] = ()
    seconds: float = 0.0
