"""Compilation of the kernels by Numba: once for each processor, kept in a cache folder.

Every kernel is compiled serial and without the interpreter lock; `threads` runs it over blocks of
rows. `contract` (a · b + c in one rounding) is the only freedom the compiler has with floating
point: NaN, ∞ and the order of operations are as written. Sums that may be taken in any order say so
one addition at a time, with `lanes.add`.
"""

# Numba infers the types of what it compiles; annotations would have no effect there.
# mypy: ignore-errors

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numba
from numba import types
from numba.core import event
from numba.extending import overload

__all__ = ["by_type", "fast_jit", "inline", "jit"]

_NOTICE = "pminusy: compiling kernels for this processor; this happens once and takes some seconds"


_OPTIONS: dict[str, Any] = {
    "nogil": True,
    "error_model": "numpy",  # x / 0 is ∞ or NaN, never an exception
    "fastmath": {"contract"},
    "_nrt": False,  # kernels allocate nothing: no reference counts, which cost 0.2 µs a row
}


_FAST: dict[str, Any] = {
    "nogil": True,
    "error_model": "numpy",  # a division that can raise keeps its loop from being vectorised
    "fastmath": {"reassoc", "contract", "nsz", "arcp"},  # not nnan, ninf: those must show
}


def jit(function: Callable[..., Any]) -> Any:
    """Compile a kernel that Python calls, and keep the machine code in Numba's cache folder."""
    return _kept(function, _OPTIONS)


def fast_jit(function: Callable[..., Any]) -> Any:
    """Compile a kernel of training: sums may be reordered, and it may allocate."""
    return _kept(function, _FAST)


def _kept(function: Callable[..., Any], options: dict[str, Any]) -> Any:
    try:
        kernel = numba.njit(cache=True, **options)(function)
    except RuntimeError:  # no folder can be written to: compile in every process
        return numba.njit(**options)(function)
    file = getattr(kernel._cache, "_cache_file", None)
    if file is not None:
        file._source_stamp = (file._source_stamp, _sources())
    return kernel


@cache
def _sources() -> tuple[tuple[str, float, int], ...]:
    """What tells whether machine code is out of date: every file here, for kernels inline others.

    Numba looks at the file of the kernel alone.
    """
    folder = Path(__file__).parent
    return tuple(
        (file.name, file.stat().st_mtime, file.stat().st_size)
        for file in sorted(folder.glob("*.py"))
    )


def inline(function: Callable[..., Any]) -> Any:
    """Compile a function that only kernels call; it becomes part of them."""
    return numba.njit(forceinline=True, **_OPTIONS)(function)


def by_type(single: Any, double: Any) -> Any:
    """One name for two functions of kernels: by whether the first argument holds float32."""

    def chosen(*arguments: Any) -> Any:
        raise NotImplementedError("only compiled code can call this")

    def choose(*arguments):  # Numba compares signatures to the letter
        first = arguments[0]
        if getattr(first, "dtype", first) == types.float32:
            return lambda *arguments: single(*arguments)
        return lambda *arguments: double(*arguments)

    overload(chosen, jit_options={"forceinline": True, **_OPTIONS})(choose)
    return chosen


class _Notice(event.Listener):
    """Says on stderr, once a process, that a kernel of ours is being compiled."""

    def __init__(self) -> None:
        self._said = False

    def on_start(self, event: Any) -> None:
        function = event.data["dispatcher"].py_func
        if not self._said and function.__module__.startswith("pminusy."):
            self._said = True
            print(_NOTICE, file=sys.stderr, flush=True)  # noqa: T201  # a notice, not a result

    def on_end(self, event: Any) -> None:
        """Nothing to say."""


event.register("numba:compile", _Notice())
