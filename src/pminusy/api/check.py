"""Is this implementation right, and if not, which line of the derivation does it break?"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from pminusy.diagnosis import sandbox
from pminusy.diagnosis.conventions import parse_pins
from pminusy.diagnosis.examine import examine
from pminusy.diagnosis.session import LocalSession
from pminusy.diagnosis.signatures import candidates, what_would_fit
from pminusy.diagnosis.submission import Settings, Submission, SubmissionFault, check_submission, read
from pminusy.diagnosis.verdict import Verdict
from pminusy.errors import InputError

__all__ = ["check", "check_file", "pins_of_reference", "settings_for"]

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
        A function, a class, or the path of a .py or .ipynb file.
    function
        Name of the function, where a file or class has several.
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
    """
    if not callable(target):
        verdicts = check_file(Path(target), Settings(function=function, pins=parse_pins(pin)))
        return verdicts[0]
    session = LocalSession(target)
    found = candidates(session.inventory.functions, function)
    if not found:
        names = ", ".join(entry["name"] for entry in session.inventory.functions)
        raise InputError(
            "target", "a function that fits", names or repr(target), f"what fits: {what_would_fit()}"
        )
    if len(found) > 1:
        names = ", ".join(candidate.name for candidate in found)
        raise InputError("target", "one function to check", names, "choose with function=")
    return examine(session, found[0], parse_pins(pin))


def check_file(path: Path, settings: Settings) -> list[Verdict]:
    """Check a file of one's own: one verdict for each function that fits.

    Raises
    ------
    InputError
        No such file, not Python, no function that fits, or several.
    """
    if not path.exists():
        raise InputError(f"file {str(path)!r}", "a file or folder", "nothing there")
    if path.suffix not in (".py", ".ipynb"):
        raise InputError(f"file {path.name!r}", "a .py or .ipynb file", repr(path.suffix or path.name))
    try:
        verdicts = check_submission(_with_neighbours(path), settings)
    except SubmissionFault as fault:
        return [Verdict("does not run", path.name, str(fault), source=path.name)]
    if settings.kind == "none":
        verdicts = [replace(v, notes=(*v.notes, _UNPROTECTED)) for v in verdicts]
    return verdicts


def _with_neighbours(path: Path) -> Submission:
    """A file and the modules beside it, which it may import."""
    submission = read(path)
    files = dict(submission.files)
    for other in sorted(path.parent.glob("*.py"))[:20]:
        if other.name not in files and other.is_file():
            try:
                files |= read(other).files
            except SubmissionFault:
                continue
    return Submission(submission.name, files, first=path.name)


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


def pins_of_reference(path: Path, settings: Settings) -> dict[str, Any]:
    """Conventions a teacher's own file follows; everything else is then compared with them.

    Raises
    ------
    InputError
        The reference is not right itself.
    """
    verdict = check_file(path, settings)[0]
    if verdict.status not in ("correct", "fragile"):
        raise InputError(
            f"reference {path.name!r}", "a correct implementation", verdict.status, verdict.summary
        )
    return parse_pins(verdict.pins)
