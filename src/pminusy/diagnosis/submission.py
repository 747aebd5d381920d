"""A submission on disk: read with bounds, opened in a session, checked to verdicts."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
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
from pminusy.diagnosis.report.verdict import Verdict
from pminusy.diagnosis.run import sandbox
from pminusy.diagnosis.run.limits import LARGEST_NOTEBOOK, LARGEST_SOURCE, Limits
from pminusy.diagnosis.run.session import Inventory, ProcessSession, SessionEnded
from pminusy.errors import InputError

__all__ = [
    "Settings", "Submission", "SubmissionFault", "check_submission", "open_reference", "read",
]  # fmt: skip

_SUFFIXES = (".py", ".ipynb")
_MOST_FILES = 40


class SubmissionFault(Exception):
    """A fault of the submission itself: a verdict, never an error of the checker."""


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


@dataclass(frozen=True)
class Submission:
    """One learner's files; where `first` names one, the others are there to be imported only."""

    name: str
    files: Mapping[str, bytes]
    first: str = ""

    @property
    def digest(self) -> str:
        """A fingerprint of its contents."""
        state = hashlib.sha256()
        for name, source in sorted(self.files.items()):
            state.update(f"{len(name)}:{name}:{len(source)}:".encode("utf-8", "surrogateescape"))
            state.update(source)
        return state.hexdigest()


def read(path: Path, root: Path | None = None) -> Submission:
    """Read a file, or a folder that is one submission.

    Raises
    ------
    SubmissionFault
        It is too large, not a plain file, or a link that leads out of the folder of submissions.
    """
    name = path.name if root is None else str(path.relative_to(root))
    if path.is_dir() and not path.is_symlink():
        return _folder(path, name, root)
    files = {path.name: _source(path, root)}
    return Submission(name, files)


def _folder(path: Path, name: str, root: Path | None) -> Submission:
    found = sorted(p for p in path.rglob("*") if p.suffix in _SUFFIXES and not _hidden(p, path))
    files: dict[str, bytes] = {}
    for file in found[:_MOST_FILES]:
        try:
            files[file.relative_to(path).as_posix()] = _source(file, root or path)
        except SubmissionFault:
            if len(found) == 1:
                raise
    if not files:
        raise SubmissionFault("There is no Python file in it.")
    return Submission(name, files)


def _hidden(path: Path, root: Path) -> bool:
    parts = path.relative_to(root).parts
    return any(part.startswith((".", "__")) and part != "__init__.py" for part in parts)


def _source(path: Path, root: Path | None) -> bytes:
    if root is not None and not path.resolve().is_relative_to(root.resolve()):
        raise SubmissionFault("It is a link that leads out of the folder of submissions.")
    if not path.is_file():
        raise SubmissionFault("It is not a plain file.")
    most = LARGEST_NOTEBOOK if path.suffix == ".ipynb" else LARGEST_SOURCE
    with path.open("rb") as file:
        source = file.read(most + 1)
    if len(source) > most:
        raise SubmissionFault(f"It is larger than {most // 1024**2} MB.")
    return source


def check_submission(submission: Submission, settings: Settings, user: int = 0) -> list[Verdict]:
    """Verdicts on a submission's functions, one each; its own faults are verdicts too.

    Raises
    ------
    InputError
        No function has the name that was asked for.
    """
    started = time.monotonic()
    found: list[Verdict] = []
    faults: list[Verdict] = []
    unfit: InputError | None = None
    for name in _files_to_check(submission):
        try:
            verdicts, good = _check_file(submission, name, settings, user)
        except InputError as error:  # perhaps another file of the submission has the function
            unfit = error
            continue
        (found if good else faults).extend(verdicts)
    if not found and not faults and unfit is not None:
        raise unfit
    known = [v for v in found if v.status != "unknown"]
    verdicts = known or found[:1] or sorted(faults, key=lambda v: v.status == "unknown")[:1]
    verdicts += _not_there(verdicts, settings.function)
    seconds = round((time.monotonic() - started) / max(len(verdicts), 1), 3)
    return [replace(v, source=submission.name, seconds=seconds) for v in verdicts]


def _files_to_check(submission: Submission) -> list[str]:
    if submission.first:
        return [submission.first]
    packages = [name for name in submission.files if name.endswith("__init__.py")]
    return [name for name in submission.files if name not in packages] or packages


def _not_there(verdicts: Sequence[Verdict], wanted: str) -> list[Verdict]:
    """Of several functions that are asked for by name, those that are not there."""
    names = [name.strip() for name in wanted.split(",") if name.strip()]
    there = {part for v in verdicts for part in (v.name, v.name.rpartition(".")[2])}
    if len(names) < 2:
        return []
    plain = [name for name in names if not set("*?[") & set(name)]
    summary = "It is not there: no function has this name."
    return [Verdict("unfinished", name, summary) for name in plain if name not in there]


def _check_file(
    submission: Submission, name: str, settings: Settings, user: int
) -> tuple[list[Verdict], bool]:
    """Verdicts on one file, and whether a function was found in it."""
    opened = _Opened(submission, name, settings, user)
    try:
        session = opened.session()
    except SessionEnded as ended:
        return [_failed(name, f"It {ended}, before a function was called.")], False
    with closing(opened):
        found = candidates(session.inventory.functions, settings.function)
        if not found:
            return [_no_candidate(session.inventory, settings.function, name)], False
        if settings.reference is not None and not settings.function:
            found = best_named(found)  # the reference is one function
        verdicts = [_check_one(opened, candidate, settings) for candidate in found]
        several = len(found) > 1 and not settings.function
        if several:
            verdicts = [
                _unknown(v) if v.status in _NOT_FITTING and not candidate.said else v
                for v, candidate in zip(verdicts, found, strict=True)
            ]
        return consistent(verdicts), True


class _Opened:
    """The process of a submission, started again after a function has ended it."""

    def __init__(self, submission: Submission, name: str, settings: Settings, user: int) -> None:
        self._files, self._name = submission.files, name
        self._settings, self._user = settings, user
        self._session: ProcessSession | None = None

    def session(self) -> ProcessSession:
        """The running process; `SessionEnded` if it does not even start."""
        if self._session is None or self._session.ended:
            settings = self._settings
            self._session = ProcessSession(
                self._name, self._files, settings.kind, settings.limits, user=self._user,
                image=settings.image,
            )  # fmt: skip
        return self._session

    def close(self) -> None:
        """End it."""
        if self._session is not None:
            self._session.close()


_NOT_FITTING = ("does not run", "wrong", "unfinished")  # of names that only a position proposes


def _unknown(verdict: Verdict) -> Verdict:
    return Verdict("unknown", verdict.name, NO_EXERCISE)


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
        return None, _failed(name, f"It {ended}, before a function was called.")
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
        return None, _failed(name, f"It {ended}.")
    finally:
        if not kept:
            session.close()


def _check_one(opened: _Opened, candidate: Candidate, settings: Settings) -> Verdict:
    try:
        session = opened.session()
        return _examined(session, candidate, settings)
    except SessionEnded as ended:
        return _failed(candidate.name, f"It {ended}.")


def _examined(session: ProcessSession, candidate: Candidate, settings: Settings) -> Verdict:
    verdict = examine(session, candidate, settings.pins, settings.reference)
    notes = (*verdict.notes, *_notes(session.inventory, candidate))
    return replace(verdict, notes=notes)


def _notes(inventory: Inventory, candidate: Candidate) -> Iterable[str]:
    if candidate.entry["unit"]:
        yield f"defined in {candidate.entry['unit']}"
    for piece in inventory.unreadable[:3]:
        yield f"{piece.get('unit') or 'a part'} could not be read: {piece.get('message')}"
    for said in inventory.translated[:3]:
        yield f"translated from Python 2 to be run ({said}); / divides as in Python 3"


def _failed(name: str, summary: str) -> Verdict:
    return Verdict("does not run", name, summary)


def _no_candidate(inventory: Inventory, wanted: str, name: str) -> Verdict:
    """Why there is nothing to check: a fault of the submission, or no exercise that is known."""
    if inventory.unreadable:
        return _failed(name, unreadable(inventory.unreadable[0]))
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
    return Verdict("unknown", name, summary + what_would_fit() + ".")


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
