"""The files of a submission, read with bounds."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pminusy.diagnosis.run.limits import LARGEST_NOTEBOOK, LARGEST_SOURCE

__all__ = ["SUFFIXES", "Submission", "SubmissionFault", "has_source", "read"]

SUFFIXES = (".py", ".ipynb")
_MOST_FILES = 40
_MOST_SEEN = 5000  # entries of a folder that are looked at: data may lie beside the code
_OTHERS_CODE = ("site-packages", "node_modules", "venv", "env")  # an environment handed in


class SubmissionFault(Exception):
    """A fault of the submission itself: a verdict, never an error of the checker."""


@dataclass(frozen=True)
class Submission:
    """One learner's files; where `first` names one, the others are there to be imported only."""

    name: str
    files: Mapping[str, bytes]
    first: str = ""
    notes: tuple[str, ...] = ()  # what of it was not read

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
        It is too large, not a plain file, or a link that leads to what is not its own.
    """
    name = path.name if root is None else str(path.relative_to(root))
    if path.is_dir() and not path.is_symlink():
        return _folder(path, name)
    if root is not None and path.is_symlink():
        raise SubmissionFault("It is a link, not a file of its own.")
    return Submission(name, {path.name: _source(path)})


def has_source(folder: Path) -> bool:
    """Whether a folder has a Python file or a notebook somewhere."""
    return next(_sources(folder), None) is not None


def _folder(path: Path, name: str) -> Submission:
    found = sorted(_sources(path))
    files: dict[str, bytes] = {}
    notes = [f"only {_MOST_FILES} of its {len(found)} files were read"] * (len(found) > _MOST_FILES)
    for file in found[:_MOST_FILES]:
        own = file.relative_to(path).as_posix()
        try:
            if not file.resolve().is_relative_to(path.resolve()):
                raise SubmissionFault("It is a link that leads out of the submission.")
            files[own] = _source(file)
        except (SubmissionFault, OSError) as fault:
            if len(found) == 1:
                raise
            notes.append(f"{own} was not read: {fault}")
    if not files:
        raise SubmissionFault("There is no Python file in it.")
    return Submission(name, files, notes=tuple(notes[:5]))


def _sources(folder: Path) -> Iterator[Path]:
    """Python files and notebooks, links to folders and the packages of others left out."""
    seen = 0
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not _left_out(name, Path(parent)))
        for name in files:
            if name.endswith(SUFFIXES) and not _hidden(name):
                yield Path(parent, name)
        seen += len(files) + len(folders)
        if seen > _MOST_SEEN:
            return


def _hidden(name: str) -> bool:
    return name.startswith((".", "__")) and name != "__init__.py"


def _left_out(name: str, parent: Path) -> bool:
    environment = name in _OTHERS_CODE and (
        name in ("site-packages", "node_modules") or (parent / name / "pyvenv.cfg").exists()
    )
    return _hidden(name) or environment


def _source(path: Path) -> bytes:
    if not path.is_file():
        raise SubmissionFault("It is not a plain file.")
    most = LARGEST_NOTEBOOK if path.suffix == ".ipynb" else LARGEST_SOURCE
    with path.open("rb") as file:
        source = file.read(most + 1)
    if len(source) > most:
        raise SubmissionFault(f"It is larger than {most // 1024**2} MB.")
    return source
