"""The verdict on one function: what it says, as text and as plain data."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from pminusy.diagnosis.report.lines import in_plain_text

__all__ = [
    "WORST",
    "Comparison",
    "DerivationLine",
    "Finding",
    "Fragility",
    "Property",
    "Status",
    "Verdict",
    "worst",
    "worst_first",
]

Status = Literal["correct", "fragile", "wrong", "unfinished", "does not run", "unknown"]


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
class Verdict:
    """The result of a check: everything that is said about one function; `str` of it is the report.

    Parameters
    ----------
    status
        correct, fragile (right, but breaks on inputs that occur), wrong, unfinished, does not run,
        unknown (no exercise of the catalogue).
    name
        The function, as `function` or `Class.method`.
    source
        The submission: a file or a folder, empty for a function of this process.
    file
        Which file of a folder it is in.
    fault_in
        The function whose results are wrong, where it is not `name` but the backward pass beside
        it.
    spared
        What is said of the other one, where only one of the two is wrong.
    line
        The line of the file its definition begins on, 0 where that is not known.
    cause, concerns
        Why it was not judged, in a word, and the names that this is about: of a module, of
        functions, of an exception.
    exercise
        What it was taken to compute.
    summary
        One sentence.
    required
        Conventions that the exercise asks for, by `--pin` or a reference.
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
    on_the_way
        Right values of the steps before a result that is wrong in a way that is not recognised.
    compared
        Results on these inputs, and the first wrong line of the derivation.
    broken_line
        The first wrong line of the derivation, in the derivation's own words and numbers.
    gradient_check
        What a plain gradient check says, where that is worth knowing.
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
    file: str = ""
    cause: str = ""
    concerns: tuple[str, ...] = ()
    fault_in: str = ""
    spared: str = ""
    on_the_way: tuple[tuple[str, str], ...] = ()
    line: int = 0
    required: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether it is correct and nothing breaks it."""
        return self.status == "correct"

    @property
    def place(self) -> str:
        """The submission, and the file in it."""
        return f"{self.source}/{self.file}" if self.file else self.source

    @property
    def mistakes(self) -> tuple[str, ...]:
        """Names of the mistakes and of what makes it fragile."""
        named: list[Finding | Fragility] = [*self.findings, *self.fragilities]
        return tuple(item.id for item in named if item.id)

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {name: _plain(getattr(self, name)) for name in self.__dataclass_fields__}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Verdict:
        """The verdict that `as_dict` wrote."""
        parts = dict(data)
        for name, kind in _PARTS.items():
            parts[name] = tuple(kind(**_tuples(part)) for part in parts[name])
        line = parts["broken_line"]
        parts["broken_line"] = None if line is None else DerivationLine(**_tuples(line))
        for name in ("smallest", "on_the_way"):
            parts[name] = tuple(tuple(pair) for pair in parts[name])
        return cls(**_tuples(parts))

    def to_json(self) -> str:
        """The same as JSON."""
        return json.dumps(self.as_dict(), indent=2, ensure_ascii=False)

    def __str__(self) -> str:
        return in_plain_text(self)


WORST: tuple[Status, ...] = ("wrong", "does not run", "unfinished", "unknown", "fragile", "correct")


def worst(verdicts: Sequence[Verdict]) -> Verdict:
    """One verdict on a submission: the worst of those on its functions."""
    return min(verdicts, key=lambda verdict: WORST.index(verdict.status))


def worst_first(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """The verdicts as they are read: the worst first, and what is said of all of them once."""
    ordered = sorted(verdicts, key=lambda verdict: WORST.index(verdict.status))
    common = {note for note in ordered[-1].notes if all(note in v.notes for v in ordered)}
    return [
        *(replace(v, notes=tuple(n for n in v.notes if n not in common)) for v in ordered[:-1]),
        ordered[-1],
    ]


_PARTS: Mapping[str, Any] = {
    "findings": Finding,
    "fragilities": Fragility,
    "properties": Property,
    "compared": Comparison,
}


def _tuples(parts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(v) if isinstance(v, list) else v for name, v in parts.items()}


def _plain(value: Any) -> Any:
    if hasattr(value, "__dataclass_fields__"):
        return {name: _plain(getattr(value, name)) for name in value.__dataclass_fields__}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    return value
