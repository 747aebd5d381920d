"""Compiled kernels on disk: what is damaged, cut or cannot be written never ends a call.

One file a specialisation, named by a hash of its signature and processor, so that two processes
never write different kernels under one name. It begins with a digest of what it was made from and
of what follows: machine code with one wrong bit would end the process.
"""

# Numba carries no types.
# mypy: ignore-errors

from __future__ import annotations

import hashlib
import itertools
import logging
import os
import pickle
import sys
from functools import cache
from pathlib import Path
from typing import Any

import llvmlite
import numba
from numba.core.caching import FunctionCache
from numba.core.serialize import dumps

__all__ = ["KernelCache", "folder"]

_DIGEST = 32
_PACKAGE = Path(__file__).parents[2]
_SOURCES = (
    "kernels/**/*.py",
    "training/**/compiled*.py",
    "training/**/compiled/*.py",
    "training/**/specification.py",  # constants that kernels have compiled in
)
_log = logging.getLogger("pminusy")
_numbers = itertools.count()


class KernelCache(FunctionCache):
    """Numba's cache of one function, which at worst holds nothing."""

    def __init__(self, function: Any) -> None:
        super().__init__(function)
        self._cache_file = _Files(Path(self._cache_path), self._impl.filename_base)

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Machine code for a signature; None where it has to be compiled."""
        try:
            return super().load_overload(sig, target_context)
        except Exception as error:  # whatever is wrong with it, compiling is another way
            _log.debug("kernel not loaded: %s: %s", type(error).__name__, error)
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep machine code, if it can be written."""
        try:
            super().save_overload(sig, data)
        except Exception as error:  # no room, no permission: compile again in the next process
            _log.debug("kernel not kept: %s: %s", type(error).__name__, error)


class _Files:
    """The files of one function, as `FunctionCache` takes them."""

    def __init__(self, place: Path, name: str) -> None:
        self._place, self._name = place, name

    def load(self, key: Any) -> Any:
        """What was saved under a key; None if nothing was, or not by these sources, or damaged."""
        try:
            data = self._path(key).read_bytes()
        except OSError:
            return None
        digest, data = data[:_DIGEST], data[_DIGEST:]
        return pickle.loads(data) if digest == _digest(key, data) else None

    def save(self, key: Any, data: Any) -> None:
        """Write beside and rename: another process sees all of it or nothing."""
        written, path = dumps(data), self._path(key)
        beside = path.with_name(f"{path.name}.{os.getpid()}.{next(_numbers)}")
        try:
            beside.write_bytes(_digest(key, written) + written)
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)

    def flush(self) -> None:
        """Forget every specialisation."""
        for path in self._place.glob(f"{self._name}.*.kernel"):
            path.unlink(missing_ok=True)

    def _path(self, key: Any) -> Path:
        name = hashlib.blake2b(repr(key).encode(), digest_size=12).hexdigest()
        return self._place / f"{self._name}.{name}.kernel"


def _digest(key: Any, data: bytes) -> bytes:
    made_from = repr((key, _sources(), sys.version, numba.__version__, llvmlite.__version__))
    return hashlib.blake2b(made_from.encode() + data, digest_size=_DIGEST).digest()


@cache
def _sources() -> tuple[tuple[str, float, int], ...]:
    """What tells whether machine code is out of date: the sources of all kernels, inlined or not.

    Numba looks at the file of the kernel alone.
    """
    files = sorted({file for pattern in _SOURCES for file in _PACKAGE.glob(pattern)})
    return tuple(
        (str(file.relative_to(_PACKAGE)), file.stat().st_mtime, file.stat().st_size)
        for file in files
    )


def folder(*kernels: Any) -> Path | None:
    """The innermost folder that kernels are kept under; None if none can be written to."""
    kept = [getattr(kernel, "_cache", None) for kernel in kernels]
    places = [each.cache_path for each in kept if isinstance(each, KernelCache)]
    return Path(os.path.commonpath(places)) if places else None
