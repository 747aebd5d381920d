"""A folder of submissions: found, checked side by side, and only where something changed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from pminusy.diagnosis.reading import SUFFIXES, SubmissionFault, has_source, read
from pminusy.diagnosis.report.verdict import Status, Verdict
from pminusy.diagnosis.submission import Settings, check_submission
from pminusy.errors import InputError
from pminusy.files import write_atomically

__all__ = ["check_folder", "submissions_in"]

_FIRST_USER = 64000  # submissions that run at the same time have a user id each
_VERSION = 2  # of the file that remembers verdicts
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class _Remembered:
    digest: str
    verdicts: tuple[Verdict, ...]


def submissions_in(folder: Path) -> list[Path]:
    """Files and folders of a folder that may be submissions, in order.

    Raises
    ------
    InputError
        There is none.
    """
    found = sorted(path for path in folder.iterdir() if _is_submission(path))
    if not found:
        raise InputError(
            f"folder {folder.name!r}", "submissions (.py, .ipynb, or a folder each)", "none"
        )
    return found


def _is_submission(path: Path) -> bool:
    if path.name.startswith((".", "__")):
        return False
    if path.suffix in SUFFIXES:
        return True
    return path.is_dir() and (path.is_symlink() or has_source(path))


def check_folder(
    folder: Path,
    settings: Settings,
    *,
    jobs: int = 2,
    memory: Path | None = None,
    progress: Progress | None = None,
) -> list[Verdict]:
    """Check every submission of a folder.

    Parameters
    ----------
    folder
        Where they are: a file each, or a folder each.
    settings
        How to check.
    jobs
        How many at a time.
    memory
        A file that remembers verdicts: what is unchanged is not run again.
    progress
        Called with how many are done, of how many, and the last one's name.
    """
    paths = submissions_in(folder)
    before = _recall(memory, settings)
    known: dict[str, _Remembered] = {}
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        free = [_FIRST_USER + i for i in range(jobs)]

        def one(path: Path) -> tuple[str, _Remembered]:
            user = free.pop()
            try:
                return _one(path, folder, settings, before, user)
            finally:
                free.append(user)

        for done, (name, remembered) in enumerate(pool.map(one, paths), 1):
            known[name] = remembered
            if progress is not None:
                progress(done, len(paths), name)
            if memory is not None and done % 20 == 0:
                _remember(memory, settings, known)
    if memory is not None:
        _remember(memory, settings, known)
    return [verdict for remembered in known.values() for verdict in remembered.verdicts]


def _one(
    path: Path, root: Path, settings: Settings, before: Mapping[str, _Remembered], user: int
) -> tuple[str, _Remembered]:
    name = str(path.relative_to(root))
    try:
        submission = read(path, root)
    except (SubmissionFault, OSError) as fault:
        return name, _not_judged(name, "does not run", str(fault), "unread")
    known = before.get(name)
    if known is not None and known.digest == submission.digest:
        return name, known
    try:
        verdicts = check_submission(submission, settings, user)
    except InputError as error:  # no function of the name: this submission's own fault
        wanted = tuple(part.strip() for part in settings.function.split(","))
        return name, _not_judged(name, "unfinished", f"It is not there: {error}.", "absent", wanted)
    except Exception as error:  # a fault of ours on one submission must not stop the others
        summary = f"The checker itself failed on it ({type(error).__name__}: {error}); report this."
        return name, _not_judged(name, "does not run", summary, "checker")
    return name, _Remembered(submission.digest, tuple(verdicts))


def _not_judged(
    name: str, status: Status, summary: str, cause: str, concerns: tuple[str, ...] = ()
) -> _Remembered:
    verdict = Verdict(status, name, summary, source=name, cause=cause, concerns=concerns)
    return _Remembered("", (verdict,))


def _recall(memory: Path | None, settings: Settings) -> dict[str, _Remembered]:
    """What an earlier run found, if it checked in the same way."""
    if memory is None or not memory.exists():
        return {}
    try:
        data = json.loads(memory.read_bytes())
        known = data["submissions"]
        if data["version"] != _VERSION or data["settings"] != _settings(settings):
            return {}
        return {
            name: _Remembered(
                entry["digest"], tuple(Verdict.from_dict(v) for v in entry["verdicts"])
            )
            for name, entry in known.items()
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        raise InputError(
            f"file {memory.name!r}",
            "verdicts of an earlier run",
            "something else",
            "choose another file",
        ) from None


def _remember(memory: Path, settings: Settings, known: Mapping[str, _Remembered]) -> None:
    data = {
        "version": _VERSION,
        "settings": _settings(settings),
        "submissions": {
            name: {"digest": r.digest, "verdicts": [v.as_dict() for v in r.verdicts]}
            for name, r in known.items()
        },
    }
    write_atomically(memory, lambda file: file.write(json.dumps(data).encode()))


def _settings(settings: Settings) -> dict[str, Any]:
    plain = asdict(replace(settings, reference=None))
    plain["reference"] = settings.reference.digest if settings.reference is not None else ""
    return json.loads(json.dumps(plain, sort_keys=True, default=str))  # type: ignore[no-any-return]  # a dict again
