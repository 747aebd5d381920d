"""Files the package writes: checked before the work, written beside and renamed after it."""

from __future__ import annotations

import fcntl
import os
import secrets
import signal
import stat
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from pminusy.errors import InputError

__all__ = ["check_writable", "refuse_suffix", "require_path", "write_atomically"]

StrPath = str | os.PathLike[str]

_ELSEWHERE = "choose another place"

_PREFIX, _SUFFIX = ".pminusy-", ".part"  # of what is being written
_YOUNG = 10.0  # seconds
_ENDING = (signal.SIGTERM, signal.SIGHUP)


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
    require_path("output file", path)
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


def refuse_suffix(what: str, path: StrPath, ours: str, others: Collection[str]) -> None:
    """Refuse a name that says the file is of another format than it will be.

    Raises
    ------
    InputError
        A suffix among `others`.
    """
    require_path(what, path)
    suffix = Path(path).suffix.lower()
    if suffix in others:
        what = f"{what} {os.fspath(path)!r}"
        raise InputError(
            what, f"a file named {ours}", f"{suffix!r}, another format", f"name it {ours}"
        )


def require_path(what: str, path: object) -> None:
    """Refuse what names no file: None, a number, bytes."""
    if not isinstance(path, str | os.PathLike) or isinstance(os.fspath(path), bytes):
        raise InputError(what, "the path of a file, as text or a pathlib.Path", repr(path)[:60])


def write_atomically(path: StrPath, write: Callable[[BinaryIO], object]) -> None:
    """Write a file whole or not at all: beside its place first, then renamed into it.

    Whatever interrupts `write` (an error, a full disk, Ctrl-C), a file that was there before stays
    as it was and nothing is left behind: not by SIGTERM and SIGHUP either, and what SIGKILL leaves
    is removed by the next write to that folder. A link is followed; a device or pipe is written
    directly.

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
    _remove_leftovers(target.parent)
    beside = target.with_name(f"{_PREFIX}{secrets.token_hex(8)}{_SUFFIX}")
    with _removed_by_signals(beside):
        try:
            with beside.open("xb") as stream:
                _lock(stream.fileno())  # until it is closed: by then it has its name
                if target.exists():
                    os.fchmod(stream.fileno(), stat.S_IMODE(target.stat().st_mode))
                write(stream)
                stream.flush()
                os.fsync(stream.fileno())  # a full disk may speak up only now
                beside.replace(target)
        finally:
            beside.unlink(missing_ok=True)


def _lock(file: int) -> bool:
    """Lock an open file; tell whether that could be done. A file system may know no locks."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _remove_leftovers(folder: Path) -> None:
    """Remove what processes that were killed while writing here have left: nobody has it locked."""
    with suppress(OSError):  # whatever cannot be removed is no reason not to write
        leftovers = [
            entry.path
            for entry in os.scandir(folder)
            if entry.name.startswith(_PREFIX) and entry.name.endswith(_SUFFIX)
        ]
        for path in leftovers:
            _remove_if_unlocked(path)


def _remove_if_unlocked(path: str) -> None:
    """Remove a file of ours that no living process is writing."""
    with suppress(OSError):
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            about = os.fstat(file)
            ours = stat.S_ISREG(about.st_mode) and about.st_uid == os.geteuid()
            # One just made may not be locked yet.
            if ours and time.time() - about.st_mtime > _YOUNG and _lock(file):
                os.unlink(path)
        finally:
            os.close(file)


@contextmanager
def _removed_by_signals(beside: Path) -> Iterator[None]:
    """Remove a file when a signal ends the process.

    A signal that is ignored (`nohup`) or has a handler is left alone.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may set handlers
        return

    def end(number: int, _: object) -> None:
        beside.unlink(missing_ok=True)
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    ending = [each for each in _ENDING if signal.getsignal(each) == signal.SIG_DFL]
    for each in ending:
        signal.signal(each, end)
    try:
        yield
    finally:
        for each in ending:
            signal.signal(each, signal.SIG_DFL)


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
