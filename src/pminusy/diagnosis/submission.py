"""A submission opened in a session, file by file, and checked to verdicts."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any

from pminusy.diagnosis.bind.signatures import (
    Candidate,
    best_named,
    candidates,
    what_would_fit,
)
from pminusy.diagnosis.consistency import consistent
from pminusy.diagnosis.examine import NO_EXERCISE, best_trial, examine
from pminusy.diagnosis.match.reference import Reference
from pminusy.diagnosis.match.trial import Trial
from pminusy.diagnosis.reading import Submission
from pminusy.diagnosis.report.verdict import Verdict
from pminusy.diagnosis.run import sandbox
from pminusy.diagnosis.run.limits import Limits, TimeLeft
from pminusy.diagnosis.run.session import Inventory, ProcessSession, SessionEnded
from pminusy.errors import InputError

__all__ = ["Settings", "check_submission", "open_reference"]


@dataclass(frozen=True, slots=True)
class Settings:
    """How to check.

    Parameters
    ----------
    function
        Names, or patterns with `*`, of the functions, with commas; empty to find them.
    pins
        Conventions that are required, by name.
    kind, image
        Sandbox, and the image of a container.
    limits
        What a submission may use.
    reference
        A teacher's unusual function, to compare with in place of the specification.
    """

    function: str = ""
    pins: Mapping[str, Any] = field(default_factory=dict)
    kind: sandbox.Kind = "none"
    image: str = ""
    limits: Limits = field(default_factory=Limits)
    reference: Reference | None = None


def check_submission(submission: Submission, settings: Settings, user: int = 0) -> list[Verdict]:
    """Verdicts on a submission's functions, one each; its own faults are verdicts too.

    Raises
    ------
    InputError
        No function has the name that was asked for.
    """
    started = time.monotonic()
    time_left = TimeLeft(settings.limits.seconds)
    found: list[Verdict] = []
    faults: list[Verdict] = []
    read_elsewhere: set[str] = set()
    unfit: InputError | None = None
    for name in _files_to_check(submission):
        with closing(_Opened(submission, name, settings, user, time_left)) as opened:
            try:
                verdicts, good = _check_file(opened, name, settings)
            except InputError as error:  # perhaps another file of the submission has the function
                unfit = error
                continue
            read_elsewhere |= opened.imported
        (found if good else faults).extend(
            replace(v, file=_file(submission, name)) for v in verdicts
        )
    if not found and not faults and unfit is not None:
        raise unfit
    known = consistent([v for v in found if v.status != "unknown"], read_elsewhere)
    verdicts = known or found[:1] or sorted(faults, key=lambda v: v.status == "unknown")[:1]
    unread = [_unread(fault) for fault in faults if fault.status != "unknown"] if found else []
    verdicts += _not_there(verdicts, settings.function)
    notes = (*submission.notes, *unread[:3])
    seconds = round((time.monotonic() - started) / max(len(verdicts), 1), 3)
    return [
        replace(v, source=submission.name, seconds=seconds, notes=(*v.notes, *notes))
        for v in verdicts
    ]


def _files_to_check(submission: Submission) -> list[str]:
    if submission.first:
        return [submission.first]
    packages = [name for name in submission.files if name.endswith("__init__.py")]
    return [name for name in submission.files if name not in packages] or packages


def _file(submission: Submission, name: str) -> str:
    """Which of several files of a submission a verdict is about."""
    return name if len(submission.files) > 1 and not submission.first else ""


def _unread(fault: Verdict) -> str:
    return f"{fault.name} is not checked: {fault.summary.splitlines()[0]}"


def _not_there(verdicts: Sequence[Verdict], wanted: str) -> list[Verdict]:
    """Of several functions that are asked for by name, those that are not there."""
    names = [name.strip() for name in wanted.split(",") if name.strip()]
    there = {part for v in verdicts for part in (v.name, v.name.rpartition(".")[2])}
    if len(names) < 2:
        return []
    plain = [name for name in names if not set("*?[") & set(name)]
    summary = "It is not there: no function has this name."
    return [
        Verdict("unfinished", name, summary, cause="absent", concerns=(name,))
        for name in plain
        if name not in there
    ]


def _check_file(opened: _Opened, name: str, settings: Settings) -> tuple[list[Verdict], bool]:
    """Verdicts on one file, and whether a function was found in it."""
    opened.time_left.allow(1)
    try:
        session = opened.session()
    except SessionEnded as ended:
        return [_ended(name, ended, ", before a function was called")], False
    found = candidates(session.inventory.functions, settings.function)
    if not found:
        return [_no_candidate(session.inventory, settings.function, name)], False
    if settings.reference is not None and not settings.function:
        found = best_named(found)  # the reference is one function
    verdicts = [
        _check_one(opened, candidate, settings, left)
        for left, candidate in zip(range(len(found) - 1, -1, -1), found, strict=True)
    ]
    several = len(found) > 1 and not settings.function
    if several:
        verdicts = [
            _unknown(v) if v.status in _NOT_FITTING and not candidate.said else v
            for v, candidate in zip(verdicts, found, strict=True)
        ]
    return consistent(verdicts), True


class _Opened:
    """The process of a submission's file, started again after a function has ended it."""

    def __init__(
        self, submission: Submission, name: str, settings: Settings, user: int, time_left: TimeLeft
    ) -> None:
        self._files, self._name, self.time_left = submission.files, name, time_left
        self.more_files = not submission.first and len(submission.files) > 1
        self._settings, self._user = settings, user
        self._session: ProcessSession | None = None

    def session(self) -> ProcessSession:
        """The running process; `SessionEnded` if it does not even start."""
        if self._session is None or self._session.ended:
            settings = self._settings
            self._session = ProcessSession(
                self._name, self._files, settings.kind, settings.limits, user=self._user,
                image=settings.image, time_left=self.time_left,
            )  # fmt: skip
        return self._session

    @property
    def imported(self) -> frozenset[str]:
        """Names that the file has from the submission's other files."""
        return frozenset(self._session.inventory.imported if self._session is not None else ())

    def close(self) -> None:
        """End it."""
        if self._session is not None:
            self._session.close()


_NOT_FITTING = ("does not run", "wrong", "unfinished")  # of names that only a position proposes


def _unknown(verdict: Verdict) -> Verdict:
    return Verdict(
        "unknown", verdict.name, NO_EXERCISE, cause="no exercise", concerns=(verdict.name,)
    )


_A_DAY = 24 * 3600.0  # a reference answers for as long as submissions are checked


def open_reference(submission: Submission, settings: Settings) -> tuple[Reference | None, Verdict]:
    """A teacher's own file as the standard: nothing but its verdict where it is correct.

    An unusual one keeps its process, which answers for as long as submissions are checked.

    Raises
    ------
    InputError
        No function fits, or several do.
    """
    name = submission.first
    limits = replace(settings.limits, seconds=_A_DAY)
    try:
        session = ProcessSession(name, submission.files, "none", limits)
    except SessionEnded as ended:
        return None, _ended(name, ended, ", before a function was called")
    kept = False
    try:
        found = candidates(session.inventory.functions, settings.function)
        if not found:
            return None, _no_candidate(session.inventory, settings.function, name)
        found = found if settings.function else best_named(found)
        if len(found) > 1:
            names = ", ".join(candidate.name for candidate in found)
            raise InputError(
                f"reference {name!r}", "one function", f"several: {names}", "choose with --function"
            )
        verdict = _examined(session, found[0], settings)
        if verdict.status not in ("wrong", "unknown"):
            return None, verdict
        trial = best_trial(session, found[0], settings.pins)
        if not isinstance(trial, Trial) or trial.square:
            return None, verdict
        kept = True
        return Reference(trial, submission.digest), verdict
    except SessionEnded as ended:
        return None, _ended(name, ended)
    finally:
        if not kept:
            session.close()


def _check_one(opened: _Opened, candidate: Candidate, settings: Settings, left: int) -> Verdict:
    """The verdict on one function, which may use half of the time if others are left."""
    try:
        opened.time_left.allow(0.5 if left or opened.more_files else 1)
        session = opened.session()
        return _examined(session, candidate, settings)
    except SessionEnded as ended:
        return _ended(candidate.name, ended)


def _examined(session: ProcessSession, candidate: Candidate, settings: Settings) -> Verdict:
    verdict = examine(session, candidate, settings.pins, settings.reference)
    notes = (*verdict.notes, *_notes(session.inventory, candidate))
    return replace(verdict, notes=notes)


def _notes(inventory: Inventory, candidate: Candidate) -> Iterable[str]:
    if candidate.entry["unit"]:
        yield f"defined in {candidate.entry['unit']}"
    for piece in inventory.unreadable[:3]:
        yield f"{piece.get('unit') or 'a part'} could not be read: {piece.get('message')}"
    for fault in inventory.faults[:3]:
        yield f"could not be defined here: {fault}"
    for said in inventory.translated[:3]:
        yield f"translated from Python 2 to be run ({said}); / divides as in Python 3"


def _ended(name: str, ended: SessionEnded, when: str = "") -> Verdict:
    return Verdict("does not run", name, f"It {ended}{when}.", cause=ended.cause)


def _no_candidate(inventory: Inventory, wanted: str, name: str) -> Verdict:
    """Why there is nothing to check: a fault of the submission, or no exercise that is known."""
    if inventory.unreadable:
        piece = inventory.unreadable[0]
        return Verdict("does not run", name, unreadable(piece), cause=str(piece.get("kind")))
    names = [
        f"{entry['owner']}.{entry['name']}" if entry["owner"] else entry["name"]
        for entry in inventory.functions
    ]
    seen = ", ".join(names[:12]) if names else "no function at all"
    if wanted:
        raise InputError(
            "submission", f"a function {wanted!r}", seen, f"what fits: {what_would_fit()}"
        )
    summary = f"{NO_EXERCISE} It has {seen}. Name one with --function; what fits: "
    return Verdict(
        "unknown",
        name,
        summary + what_would_fit() + ".",
        cause="no exercise",
        concerns=(*names[:20],),
    )


def unreadable(piece: Mapping[str, Any]) -> str:
    """A syntax error, Python 2, or a file that is no notebook, in words."""
    if piece.get("kind") == "notebook":
        return f"It is {piece.get('message')}."
    older = "Python 2: " if piece.get("kind") == "python2" else ""
    where = f"line {piece.get('line')}" if piece.get("line") else "the file"
    if piece.get("unit"):
        where = f"{piece['unit']}, {where}"
    text, caret = str(piece.get("text", "")), int(piece.get("caret", 0))
    stripped = text.lstrip()
    pointer = " " * max(caret - 1 - (len(text) - len(stripped)), 0) + "^"
    shown = f"\n    {stripped}\n    {pointer}" if stripped else ""
    return f"{older}{where} is not Python: {piece.get('message')}{shown}"
