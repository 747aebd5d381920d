"""`check`: whether an implementation is right, and which line of the derivation it breaks."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from pminusy.diagnosis.bind.signatures import candidates, what_would_fit
from pminusy.diagnosis.catalogue.conventions import parse_pins
from pminusy.diagnosis.examine import examine
from pminusy.diagnosis.folder import check_folder
from pminusy.diagnosis.neighbours import with_neighbours
from pminusy.diagnosis.reading import Submission, SubmissionFault, read
from pminusy.diagnosis.report.delivery import Report
from pminusy.diagnosis.report.verdict import Verdict, worst
from pminusy.diagnosis.run import sandbox
from pminusy.diagnosis.run.session import LocalSession
from pminusy.diagnosis.submission import Settings, check_submission, open_reference
from pminusy.errors import InputError

__all__ = ["Report", "against", "check", "check_file", "check_folder", "settings_for"]

_UNPROTECTED = "it ran in a limited process of its own, not in a sandbox: check only code you trust"


def check(
    target: Callable[..., Any] | str | os.PathLike[str],
    *,
    function: str = "",
    pin: str | Iterable[str] = "",
) -> Verdict:
    """Check an implementation of the softmax, of its cross-entropy, of their gradients or layers.

    A function or class is checked in this process; a file in a limited process of its own.

    Parameters
    ----------
    target
        A function, a class, or the path of a .py or .ipynb file, or of a folder that is one
        submission of several.
    function
        Name of the function, where a class has several; of a file with several, the worst verdict
        is returned.
    pin
        Conventions that are required, as "mean,half"; the others are found out and reported.

    Returns
    -------
    Verdict
        `str` of it is the report; `.ok`, `.status`, `.mistakes`, `.to_json()`.

    Raises
    ------
    InputError
        Nothing that can be checked, or several functions.

    Examples
    --------
    >>> import numpy as np
    >>> def softmax(z):
    ...     return np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    >>> verdict = check(softmax)
    >>> verdict.status, verdict.mistakes
    ('fragile', ('shift.missing',))

    References
    ----------
    Expected values are those of `pminusy.core`; what is looked for: `docs/check.md`.
    """
    if not callable(target):
        verdicts = check_file(Path(target), Settings(function=function, pins=parse_pins(pin)))
        return worst(verdicts)
    session = LocalSession(target)
    only = session.inventory.functions[0]["name"] if not isinstance(target, type) else ""
    found = candidates(session.inventory.functions, function or only)
    if not found:
        names = ", ".join(entry["name"] for entry in session.inventory.functions)
        raise InputError(
            "target",
            "a function that fits",
            names or repr(target),
            f"what fits: {what_would_fit()}",
        )
    if len(found) > 1:
        names = ", ".join(candidate.name for candidate in found)
        raise InputError("target", "one function to check", names, "choose with function=")
    return examine(session, found[0], parse_pins(pin))


def check_file(path: Path, settings: Settings) -> list[Verdict]:
    """Check a file of one's own, or a folder as one submission: a verdict for each function.

    Raises
    ------
    InputError
        No such file, not Python, or no function of the name.
    """
    if not path.is_dir():
        _require_source(path, f"file {str(path)!r}")
    try:
        submission = read(path) if path.is_dir() else _with_neighbours(path)
        verdicts = check_submission(submission, settings)
    except SubmissionFault as fault:
        return [Verdict("does not run", path.name, str(fault), source=path.name, cause="unread")]
    if settings.kind == "none":
        verdicts = [replace(v, notes=(*v.notes, _UNPROTECTED)) for v in verdicts]
    return verdicts


def _require_source(path: Path, what: str) -> None:
    if not path.exists():
        raise InputError(what, "a file or folder", "nothing there")
    if path.suffix not in (".py", ".ipynb") or path.is_dir():
        kind = "a folder" if path.is_dir() else repr(path.suffix or path.name)
        raise InputError(what, "a .py or .ipynb file", kind)


def _with_neighbours(path: Path) -> Submission:
    """A file and those of its own folders that it imports."""
    submission = read(path)
    first, files = with_neighbours(path, submission.files[path.name])
    return Submission(submission.name, files, first=first)


def settings_for(
    folder: bool, *, chosen: str, trust: bool, image: str = "", **others: Any
) -> Settings:
    """Settings with a sandbox: a folder gets one or is refused, a file of one's own may do without.

    Raises
    ------
    InputError
        There is no working sandbox and the code is not trusted.
    """
    kinds: tuple[sandbox.Kind, ...] = ("bubblewrap", "docker", "podman")
    if trust or (chosen == "auto" and not folder):
        return Settings(kind="none", **others)
    if chosen != "auto" and chosen not in kinds:
        raise InputError("sandbox", f"auto, {', '.join(kinds)}", repr(chosen))
    kind: sandbox.Kind = "bubblewrap" if chosen == "auto" else chosen  # type: ignore[assignment]  # checked above
    sandbox.require(kind, image)
    return Settings(kind=kind, image=image, **others)


@contextmanager
def against(settings: Settings, path: Path | None) -> Iterator[Settings]:
    """The same settings, with a teacher's own file as the standard while the block runs.

    Of a correct file the conventions are required. With any other the numbers of a submission are
    compared with its own.

    Raises
    ------
    InputError
        The reference is missing, does not run, or has no function or several that fit.
    """
    standard = _with_reference(settings, path)
    try:
        yield standard
    finally:
        if standard.reference is not None:
            standard.reference.close()


def _with_reference(settings: Settings, path: Path | None) -> Settings:
    if path is None:
        return settings
    what = f"reference {path.name!r}"
    _require_source(path, what)
    try:
        found, verdict = open_reference(_with_neighbours(path), settings)
    except SubmissionFault as fault:
        raise InputError(what, "a file that can be read", str(fault)) from None
    if found is None and verdict.status not in ("correct", "fragile"):
        raise InputError(
            what, "a function that runs", verdict.status, verdict.summary.split("\n")[0]
        )
    pins = parse_pins(verdict.pins) if found is None else found.pins
    return replace(settings, pins={**pins, **settings.pins}, reference=found)
