"""Memory of large results, used again: new pages cost a gradient as much as its arithmetic does.

`empty` gives an array as `numpy.empty` does. When it and every view of it are gone, its memory goes
to a small store, from which a later call takes it: the system need not find, clear and map new
pages. The store never holds more than `limit` bytes; what does not fit is given back at once.

    PMINUSY_MEMORY=0           in the environment: no store (or another number of bytes)
    set_memory_limit(bytes)    the same later on; 0 also gives back what the store holds
    release_memory()           give back what it holds now

A result is always written in full, so nothing of an earlier one can be seen in it. The store is
safe with threads and in a forked child: whoever finds it busy does without.
"""

from __future__ import annotations

import math
import os
import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pminusy.errors import InputError
from pminusy.kernels.runtime.fork import reset_after_fork
from pminusy.kernels.runtime.layout import address

__all__ = ["SMALLEST", "empty", "held", "release_memory", "set_memory_limit"]

SMALLEST = 1 << 20
"""Bytes from which memory is worth keeping: `malloc` is quick with less."""

_LIMIT = 256 << 20
_ALIGNMENT = 64
_VARIABLE = "PMINUSY_MEMORY"


class _Store:
    """Buffers that nobody uses, the last one given back first."""

    def __init__(self) -> None:
        self.limit = _limit_from_environment()
        self.reset()

    def reset(self) -> None:
        """Start anew with nothing: in a forked child another thread may have held the lock."""
        self.lock = threading.Lock()
        self.buffers: list[NDArray[np.uint8]] = []
        self.held = 0

    def take(self, size: int) -> NDArray[np.uint8] | None:
        """Return a buffer of at least `size` bytes, not much larger, if there is one."""
        if not self.lock.acquire(blocking=False):
            return None
        try:
            for i in reversed(range(len(self.buffers))):
                if size <= self.buffers[i].size <= size + size // 4:
                    self.held -= self.buffers[i].size
                    return self.buffers.pop(i)
            return None
        finally:
            self.lock.release()

    def give(self, buffer: NDArray[np.uint8]) -> None:
        """Keep a buffer, in the place of older ones.

        It runs inside the garbage collector, maybe of a thread that holds the lock: no waiting.
        """
        if buffer.size > self.limit or not self.lock.acquire(blocking=False):
            return
        dropped = []  # freed after the lock is
        try:
            while self.held + buffer.size > self.limit:
                dropped.append(self.buffers.pop(0))
                self.held -= dropped[-1].size
            self.buffers.append(buffer)
            self.held += buffer.size
        finally:
            self.lock.release()

    def shrink(self, limit: int) -> None:
        """Hold no more than `limit` bytes."""
        with self.lock:
            dropped = []
            while self.held > limit:
                dropped.append(self.buffers.pop(0))
                self.held -= dropped[-1].size


def _limit_from_environment() -> int:
    text = os.environ.get(_VARIABLE, "").strip()
    return int(text) if text.isdecimal() else _LIMIT


_store = _Store()
reset_after_fork(_store.reset)


class _Loan:
    """What an array rests on: gives the buffer back when the last view of the array is gone."""

    __slots__ = ("__array_interface__", "_buffer")

    def __init__(self, buffer: NDArray[np.uint8], shape: tuple[int, ...], dtype: Any) -> None:
        self._buffer = buffer
        start = address(buffer)
        self.__array_interface__ = {
            "version": 3,
            "shape": shape,
            "typestr": dtype.str,
            "data": (start + -start % _ALIGNMENT, False),
        }

    def __del__(self, give: Any = _store.give) -> None:
        give(self._buffer)


def empty(shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
    """Return an array whose entries are whatever they are; the caller writes every one of them.

    Raises
    ------
    MemoryError
        There is not that much memory; said before any work is done.
    """
    dtype = np.dtype(dtype)
    size = math.prod(shape) * dtype.itemsize
    if size < SMALLEST or not _store.limit:
        return _allocated(shape, dtype, size)
    buffer = _store.take(size + _ALIGNMENT)
    if buffer is None:
        buffer = _allocated((size + _ALIGNMENT,), np.dtype(np.uint8), size)
    return np.asarray(_Loan(buffer, tuple(shape), dtype))


class NotEnoughMemory(InputError, MemoryError):
    """A result that does not fit into memory: an `InputError` that is a `MemoryError` too."""


def _allocated(shape: tuple[int, ...], dtype: Any, size: int) -> NDArray[Any]:
    if size >= SMALLEST:
        _refuse_what_cannot_be(size)
    try:
        return np.empty(shape, dtype)
    except (MemoryError, ValueError):
        release_memory()
        raise _not_enough(size) from None


def _refuse_what_cannot_be(size: int) -> None:
    """Linux promises memory that there is not, and ends the process when it is written to."""
    available = _available()
    if available is not None and size > available + _store.held:
        raise _not_enough(size, available)


def _available() -> int | None:
    """Bytes that the system could still give, where it says so (Linux)."""
    try:
        with open("/proc/meminfo") as lines:
            for line in lines:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    return None


def _not_enough(size: int, available: int | None = None) -> NotEnoughMemory:
    got = "less" if available is None else f"{available / 2**30:.1f} GiB"
    remedy = "take fewer rows at a time, or pass out= with memory of your own (z itself will do)"
    return NotEnoughMemory("memory", f"{size / 2**30:.1f} GiB for the result", got, remedy)


def held() -> int:
    """Bytes in the store."""
    return _store.held


def set_memory_limit(limit: int) -> None:
    """Let the store hold at most so many bytes (256 MiB unless told otherwise); 0 for no store.

    Parameters
    ----------
    limit
        Bytes, at least 0.

    Returns
    -------
    None

    Raises
    ------
    InputError
        Not a whole number from 0.

    Examples
    --------
    >>> set_memory_limit(0)
    >>> set_memory_limit(256 * 2**20)

    References
    ----------
    The head of `pminusy.kernels.runtime.memory`.
    """
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 0:
        raise InputError("limit", "a whole number of bytes, at least 0", repr(limit))
    _store.limit = limit
    _store.shrink(limit)


def release_memory() -> None:
    """Give the memory in the store back to the system.

    Examples
    --------
    >>> release_memory()

    References
    ----------
    The head of `pminusy.kernels.runtime.memory`.
    """
    _store.shrink(0)
