"""Compilation of the kernels by Numba: once for each processor, kept in a cache folder.

Every kernel is compiled serial and without the interpreter lock; `threads` runs it over blocks of
rows. `contract` (a · b + c in one rounding) is the only freedom the compiler has with floating
point: NaN, ∞ and the order of operations are as written. Sums that may be taken in any order say so
one addition at a time, with `lanes.add`.
"""

# Numba infers the types of what it compiles; annotations would have no effect there.
# mypy: ignore-errors

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable
from typing import Any

import numba
from numba import types
from numba.core import event
from numba.core.ccallback import CFunc
from numba.extending import overload

from pminusy.kernels.runtime.cache import KernelCache

__all__ = ["Task", "by_type", "called", "fast_inline", "fast_jit", "inline", "jit", "task"]

_NOTICE = (
    "pminusy: compiling kernels for this processor; this happens once and takes some seconds "
    "(`pminusy warm-up` does it beforehand)"
)
_PATIENCE = 1.0  # seconds


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


_INSIDE: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
"""No entry from Python or C is compiled: a fifth of the time. Python must not call the function."""


def jit(function: Callable[..., Any]) -> Any:
    """Compile a kernel that Python calls, and keep the machine code in Numba's cache folder."""
    return _kept(function, _OPTIONS)


def fast_jit(function: Callable[..., Any]) -> Any:
    """Compile a kernel of training: sums may be reordered, and it may allocate."""
    return _kept(function, _FAST)


def fast_inline(function: Callable[..., Any]) -> Any:
    """Compile a function of training that only kernels call; `fast_jit` in all else.

    It has no entry for Python, and no file in the cache: it becomes part of its callers.
    """
    return numba.njit(**_FAST, **_INSIDE)(function)


def _kept(function: Callable[..., Any], options: dict[str, Any]) -> Any:
    kernel = numba.njit(**options)(function)
    try:
        kernel._cache = KernelCache(function)
    except RuntimeError as error:  # no folder can be written to: compile in every process
        logging.getLogger("pminusy").debug("kernels are not kept: %s", error)
    return kernel


def called(function: Callable[..., Any]) -> Any:
    """Compile a function that only kernels call, and leave it a function of its own.

    The loop over a block is best left alone: in a larger function it finds fewer registers.
    """
    return numba.njit(**_OPTIONS, **_INSIDE)(function)


def inline(function: Callable[..., Any]) -> Any:
    """Compile a function that only kernels call; it becomes part of them."""
    return numba.njit(forceinline=True, **_OPTIONS, **_INSIDE)(function)


class Task:
    """A C function `void (int64 *)` that any thread may run; see `runtime.machine`."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.py_func = function
        options = {name: on for name, on in _OPTIONS.items() if name != "nogil"}
        self._compiled = CFunc(function, (_WORDS, types.void), {}, options)
        self._lock = threading.Lock()
        self._address = 0
        try:
            self._compiled._cache = self._cache = KernelCache(function)
        except RuntimeError as error:  # no folder can be written to: compile in every process
            logging.getLogger("pminusy").debug("kernels are not kept: %s", error)

    @property
    def address(self) -> int:
        """Where its machine code is; compiled when first asked for."""
        if not self._address:
            with self._lock, event.trigger_event("numba:compile", data={"dispatcher": self}):
                self._compiled.compile()
                self._address = self._compiled.address
        return self._address


_WORDS = (types.CPointer(types.int64),)


def task(function: Callable[..., Any]) -> Task:
    """Make a C function of one that takes a pointer to 64-bit integers, and keep its code."""
    return Task(function)


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
    """Says on a terminal, once a process, that kernels of ours are being compiled, if it lasts."""

    def __init__(self) -> None:
        self._said = False
        self._timers: list[threading.Timer | None] = []

    def on_start(self, event: Any) -> None:
        ours = event.data["dispatcher"].py_func.__module__.startswith("pminusy.")
        wanted = ours and not self._said and not self._timers and sys.stderr.isatty()
        timer = threading.Timer(_PATIENCE, self._say) if wanted else None
        self._timers.append(timer)
        if timer is not None:
            timer.daemon = True
            timer.start()

    def on_end(self, event: Any) -> None:
        timer = self._timers.pop() if self._timers else None
        if timer is not None:
            timer.cancel()

    def _say(self) -> None:
        self._said = True
        print(_NOTICE, file=sys.stderr, flush=True)  # noqa: T201  # a notice, not a result


event.register("numba:compile", _Notice())
