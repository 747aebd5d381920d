"""A submission on disk: read with bounds, opened in a session, checked to verdicts."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pminusy.diagnosis.bind.signatures import Candidate, candidates, what_would_fit
from pminusy.diagnosis.examine import best_trial, examine
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
        Name, or pattern with `*`, of the function; empty to find it.
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
            files[str(file.relative_to(path))] = _source(file, root or path)
        except SubmissionFault:
            if len(found) == 1:
                raise
    if not files:
        raise SubmissionFault("There is no Python file in it.")
    return Submission(name, files)


def _hidden(path: Path, root: Path) -> bool:
    return any(part.startswith((".", "__")) for part in path.relative_to(root).parts)


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
    """Verdicts on a submission's functions; its own faults are verdicts too.

    Raises
    ------
    InputError
        No function fits, or several do: the file or `--function` is not what was meant.
    """
    started = time.monotonic()
    faults: list[Verdict] = []
    unfit: InputError | None = None
    for name in [submission.first] if submission.first else list(submission.files):
        try:
            verdicts, good = _check_file(submission, name, settings, user)
        except InputError as error:  # perhaps another file of the submission has the function
            unfit = error
            continue
        seconds = round(time.monotonic() - started, 3)
        verdicts = [replace(v, source=submission.name, seconds=seconds) for v in verdicts]
        if good:
            return verdicts
        faults += verdicts
    if not faults and unfit is not None:
        raise unfit
    return faults[:1]


def _check_file(
    submission: Submission, name: str, settings: Settings, user: int
) -> tuple[list[Verdict], bool]:
    """Verdicts on one file, and whether a function was found in it."""
    try:
        session = ProcessSession(
            name, submission.files, settings.kind, settings.limits, user=user, image=settings.image
        )
    except SessionEnded as ended:
        return [_failed(name, f"It {ended}, before a function was called.")], False
    with closing(session):
        found = candidates(session.inventory.functions, settings.function)
        if not found:
            return [_failed(name, _no_candidate(session.inventory, settings.function))], False
        kinds = {candidate.proposals[0].exercise for candidate in found}
        if len(found) > len(kinds) and not settings.function:
            names = ", ".join(candidate.name for candidate in found)
            raise InputError(
                submission.name, "one function to check", f"several: {names}",
                "choose with --function NAME (a pattern such as 'softmax_*' checks all that fit)",
            )  # fmt: skip
        return [_check_one(session, candidate, settings) for candidate in found], True


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
            return None, _failed(name, _no_candidate(session.inventory, settings.function))
        if len(found) > 1:
            names = ", ".join(candidate.name for candidate in found)
            raise InputError(
                f"reference {name!r}", "one function", f"several: {names}", "choose with --function"
            )
        verdict = _check_one(session, found[0], settings)
        if verdict.status != "wrong":
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


def _check_one(session: ProcessSession, candidate: Candidate, settings: Settings) -> Verdict:
    try:
        verdict = examine(session, candidate, settings.pins, settings.reference)
    except SessionEnded as ended:
        return _failed(candidate.name, f"It {ended}.")
    notes = (*verdict.notes, *_notes(session.inventory, candidate))
    return replace(verdict, notes=notes)


def _notes(inventory: Inventory, candidate: Candidate) -> Iterable[str]:
    if candidate.entry["unit"]:
        yield f"defined in {candidate.entry['unit']}"
    for piece in inventory.unreadable[:3]:
        yield f"{piece.get('unit') or 'a part'} could not be read: {piece.get('message')}"


def _failed(name: str, summary: str) -> Verdict:
    return Verdict("does not run", name, summary)


def _no_candidate(inventory: Inventory, wanted: str) -> str:
    """Why there is nothing to check, if that is a fault of the submission; InputError if not."""
    if inventory.unreadable:
        return unreadable(inventory.unreadable[0])
    names = [
        f"{entry['owner']}.{entry['name']}" if entry["owner"] else entry["name"]
        for entry in inventory.functions
    ]
    seen = ", ".join(names[:12]) if names else "no function at all"
    looked_for = f"a function {wanted!r}" if wanted else "a function that fits"
    raise InputError(
        "submission", looked_for, seen, f"name one with --function; what fits: {what_would_fit()}"
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
