"""Files that training goes on from: what a method knows, and of which data and options it is.

A checkpoint is written beside its place and renamed, so that whatever ends the process (kill −9, a
power cut, a full disk) leaves the last one whole. It is a safetensors file: reading runs no code.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray
from safetensors import SafetensorError

from pminusy.errors import InputError
from pminusy.files import check_writable, require_path, write_atomically

__all__ = ["SECONDS", "Checkpoint", "State", "fingerprint", "require_checkpoint"]

SECONDS = 30.0
"""The least time between two checkpoints."""

_FORMAT, _VERSION = "pminusy-checkpoint", 1
_KEY = "pminusy"
_LONGEST = 60  # characters of what differs

StrPath = str | os.PathLike[str]
Array = NDArray[Any]


class State(NamedTuple):
    """What training knows: arrays by name, and numbers and words as JSON has them."""

    arrays: dict[str, Array]
    notes: dict[str, Any]


class Checkpoint:
    """A file for the state of one training.

    Parameters
    ----------
    path
        The file; where there is one, training goes on from it.
    identity
        What the training is of, as text by name: a fingerprint of the data, each option. A file of
        another identity is refused, and the names that differ are said.
    seconds
        The least time between two writes.
    restart
        Whether a file that is there is not read, but replaced.
    """

    def __init__(
        self,
        path: StrPath,
        identity: Mapping[str, str],
        *,
        seconds: float = SECONDS,
        restart: bool = False,
    ) -> None:
        require_path("checkpoint", path)
        self.path = check_writable(path)
        self.identity, self.seconds, self.restart = dict(identity), seconds, restart
        self._written = time.monotonic()

    def load(self) -> State | None:
        """The state to go on from; None where there is no file, or it is not to be read.

        Raises
        ------
        InputError
            Another kind of file, a damaged one, one of other data or options.
        """
        if self.restart or not self.path.exists():
            return None
        about, arrays = self._read()
        known = about["identity"]
        differ = [name for name in {**known, **self.identity}
                  if known.get(name) != self.identity.get(name)]  # fmt: skip
        if differ:
            self.refuse(_difference(n, known.get(n), self.identity.get(n)) for n in differ)
        return State(arrays, about["notes"])

    def refuse(self, differences: Iterable[str]) -> NoReturn:
        """Refuse the file for being of other data or options, which are said.

        Raises
        ------
        InputError
            Always.
        """
        got = f"another: {'; '.join(differences)}"
        remedy = "name another file, or restart"
        raise InputError(self._what, "one of the same data and options", got, remedy)

    def due(self) -> bool:
        """Whether it is time for the next write."""
        return time.monotonic() - self._written >= self.seconds

    def save(self, state: State) -> None:
        """Write a state, in the place of the last one.

        Raises
        ------
        InputError
            The system refuses: no space left, no permission.
        """
        about = {"format": _FORMAT, "version": _VERSION, "identity": self.identity,
                 "notes": state.notes, "sha256": _digest(state.arrays)}  # fmt: skip
        arrays = {name: np.ascontiguousarray(array) for name, array in state.arrays.items()}
        data = safetensors.numpy.save(arrays, {_KEY: json.dumps(about)})
        write_atomically(self.path, lambda stream: stream.write(data))
        self._written = time.monotonic()

    @property
    def _what(self) -> str:
        return f"checkpoint {os.fspath(self.path)!r}"

    def _read(self) -> tuple[dict[str, Any], dict[str, Array]]:
        try:
            data = Path(self.path).read_bytes()
            size = int.from_bytes(data[:8], "little")
            header = json.loads(data[8 : 8 + size])
            about = json.loads(header["__metadata__"][_KEY])
            kind = about["format"], about["version"]
        except OSError as error:
            got = error.strerror or type(error).__name__
            raise InputError(self._what, "a file that can be read", got) from None
        except (ValueError, KeyError, TypeError, RecursionError):
            kind = None
        if kind is None or kind[0] != _FORMAT:
            remedy = "name another file"
            raise InputError(self._what, "a checkpoint of pminusy", "another file", remedy)
        if kind[1] != _VERSION:
            got = f"version {kind[1]!r}"
            raise InputError(self._what, f"a checkpoint of version {_VERSION}", got, "restart")
        try:
            arrays = safetensors.numpy.load(data)
            whole = about["sha256"] == _digest(arrays)
            whole = whole and isinstance(about["identity"], dict)
            whole = whole and isinstance(about["notes"], dict)
        except (SafetensorError, KeyError, ValueError, TypeError):
            whole = False
        if not whole:
            raise InputError(self._what, "the bytes that were written", "others", "restart")
        return about, arrays


def require_checkpoint(path: StrPath, *, restart: bool) -> None:
    """Refuse a place that cannot be written, and a file there that is no checkpoint.

    Raises
    ------
    InputError
        As `Checkpoint` and its `load`, but for what a training has to know first.
    """
    file = Checkpoint(path, {})
    if not restart and file.path.exists():
        file._read()


def fingerprint(*arrays: Any) -> str:
    """A digest of arrays, dense or sparse, their types and shapes; None counts too."""
    digest = hashlib.blake2b(digest_size=16)
    for array in arrays:
        if array is None:
            digest.update(b"none")
            continue
        parts = (array,) if isinstance(array, np.ndarray) else (
            array.data, array.indices, array.indptr,
        )  # fmt: skip
        digest.update(repr(array.shape).encode())
        for part in parts:
            whole = np.ascontiguousarray(part)
            digest.update(whole.dtype.str.encode())
            digest.update(whole.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def _digest(arrays: Mapping[str, Array]) -> str:
    names = sorted(arrays)
    return fingerprint(np.frombuffer(json.dumps(names).encode(), np.uint8),
                       *(np.asarray(arrays[name]) for name in names))  # fmt: skip


_NAMES = ("classes", "columns")  # entries that are lists of names, each of which counts


def _difference(name: str, there: str | None, here: str | None) -> str:
    """How an entry differs; of fingerprints only that it does, of names which."""
    if name in ("data", "start"):
        return "other data" if name == "data" else "another start"
    lists = (_list_of(there), _list_of(here)) if name in _NAMES else (None, None)
    if lists[0] is not None and lists[1] is not None:
        for own, other, where in ((*lists, "there"), (*reversed(lists), "here")):
            alone = next((item for item in own if item not in other), None)
            if alone is not None:
                return f"{name}: {_short(repr(alone))} is {where} alone"
        return f"{name} have another order"
    return f"{name} is {_short(there)} there and {_short(here)} here"


def _list_of(text: str | None) -> list[Any] | None:
    try:
        found = json.loads(text or "")
    except ValueError:
        return None
    return found if isinstance(found, list) else None


def _short(text: str | None) -> str:
    text = str(text)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
