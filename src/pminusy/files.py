"""Files the package writes: checked before the work, written beside and renamed after it."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO

from pminusy.errors import InputError

__all__ = ["check_writable", "write_atomically"]

StrPath = str | os.PathLike[str]

_ELSEWHERE = "choose another place"


def check_writable(path: StrPath, *, inputs: Iterable[StrPath] = ()) -> Path:
    """Refuse an output path that cannot be written, before any work is done for it.

    Parameters
    ----------
    path
        The file to write. It may exist: it is then replaced.
    inputs
        Files that must survive: those the command reads, and its other outputs.

    Returns
    -------
    Path
        The path, as given.

    Raises
    ------
    InputError
        The folder does not exist or is closed to us, the path is a folder or a read-only file, or
        it is (through links too) one of `inputs`.

    Examples
    --------
    >>> check_writable("no such folder/model.safetensors")
    Traceback (most recent call last):
        ...
    pminusy.errors.InputError: output file 'no such folder/model.safetensors': expected a folder \
that exists, got 'no such folder', which does not; create it first
    """
    what = _what(path)
    if not os.fspath(path) or "\0" in os.fspath(path):
        raise InputError("output file", "a file name", repr(os.fspath(path)))
    target = Path(path)
    try:
        _check_place(what, target)
        for other in inputs:
            if _same_file(target, Path(other)):
                got = f"the same file as {os.fspath(other)!r}"
                raise InputError(what, "a file of its own", got, "choose another name")
    except OSError as error:
        raise _refusal(what, error) from None
    return target


def write_atomically(path: StrPath, write: Callable[[BinaryIO], object]) -> None:
    """Write a file whole or not at all: beside its place first, then renamed into it.

    Whatever interrupts `write` (an error, a full disk, Ctrl-C), a file that was there before stays
    as it was and nothing is left behind. A link is followed; a device or pipe is written directly.

    Parameters
    ----------
    path
        The file to write.
    write
        Called once with the open binary file.

    Raises
    ------
    InputError
        As `check_writable`, and when the system refuses: no space left, no permission.
    """
    target = check_writable(path)
    try:
        if _is_special(target):
            with target.open("wb") as stream:
                write(stream)
        else:
            _write_beside(Path(os.path.realpath(target)), write)
    except OSError as error:
        raise _refusal(_what(path), error) from None


def _write_beside(target: Path, write: Callable[[BinaryIO], object]) -> None:
    beside = target.with_name(f".pminusy-{secrets.token_hex(8)}.part")
    try:
        with beside.open("xb") as stream:
            if target.exists():
                os.fchmod(stream.fileno(), stat.S_IMODE(target.stat().st_mode))
            write(stream)
            stream.flush()
            os.fsync(stream.fileno())  # a full disk may speak up only now
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)


def _check_place(what: str, target: Path) -> None:
    folder = target.parent
    if not folder.exists():
        got = f"{str(folder)!r}, which does not"
        raise InputError(what, "a folder that exists", got, "create it first")
    if not folder.is_dir():
        raise InputError(what, "a folder to write to", f"{str(folder)!r}, which is a file")
    if target.is_dir():
        raise InputError(what, "a file name", "a folder", "add a file name to it")
    if target.exists() and not os.access(target, os.W_OK):
        raise InputError(what, "a file that can be written", "a read-only file", _ELSEWHERE)
    if not _is_special(target) and not os.access(Path(os.path.realpath(target)).parent, os.W_OK):
        raise InputError(what, "a folder that can be written", "a read-only folder", _ELSEWHERE)


def _is_special(target: Path) -> bool:
    """Tell whether a path is a device or pipe: nothing can be put in its place."""
    return target.exists() and not target.is_file()


def _same_file(one: Path, other: Path) -> bool:
    if one.exists() and other.exists():
        return one.samefile(other)
    return os.path.realpath(one) == os.path.realpath(other)


def _refusal(what: str, error: OSError) -> InputError:
    # Errors raised by compiled libraries carry their words as the only argument.
    got = error.strerror or str(error).split(" (os error")[0] or type(error).__name__
    return InputError(what, "a file that can be written", got)


def _what(path: StrPath) -> str:
    return f"output file {os.fspath(path)!r}"
