"""Threads for kernels: `run_task` for those that are C functions, `run` for functions of Python.

`run` is a small pool that runs serial kernels, which hold no interpreter lock, over blocks.
Blocks are cut by the size of the problem, never by the number of threads, and whoever is free takes
the next: a result does not depend on how many threads there were or which of them was late. The
caller works too, so a pool whose threads are all busy, or that cannot start any, only means less
help. After a fork the child starts threads of its own.
"""

from __future__ import annotations

import contextvars
import ctypes
import itertools
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pminusy.errors import InputError
from pminusy.kernels.runtime import openmp
from pminusy.kernels.runtime.fork import reset_after_fork
from pminusy.kernels.runtime.layout import address
from pminusy.kernels.runtime.processor import processors

if TYPE_CHECKING:
    from pminusy.kernels.runtime.compilation import Task

__all__ = ["WORKERS", "get_num_threads", "one_thread", "run", "run_task", "set_num_threads"]

WORKERS = 2
"""The word of a task that says how many threads have found something to do."""

_C_FUNCTION = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


class _Job:
    """One function to be called for 0, 1, …, count − 1 by several threads."""

    def __init__(self, function: Callable[[int], None], count: int) -> None:
        self._function, self._count = function, count
        self._next = itertools.count()  # a call of next() is atomic
        self._done = 0
        self._lock = threading.Lock()
        self._finished = threading.Event()
        self._error: BaseException | None = None
        self._context = contextvars.copy_context()

    def help(self) -> None:
        """Work as the caller would: what `numpy.errstate` says holds in its helpers too."""
        self._context.copy().run(self.work)

    def work(self) -> None:
        """Take blocks until there are none."""
        done = 0
        while (i := next(self._next)) < self._count:
            if self._error is None:
                try:
                    self._function(i)
                except BaseException as error:  # raised again by the caller's thread
                    self._error = error
            done += 1
        with self._lock:
            self._done += done
            if self._done == self._count:
                self._finished.set()

    def wait(self) -> None:
        """Wait for the blocks that other threads have taken; raise what any of them raised."""
        self._finished.wait()
        if self._error is not None:
            raise self._error


class _Pool:
    """Threads that wait for jobs; more are started when a job asks for more."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget all threads: in a forked child they are gone."""
        self._jobs: SimpleQueue[_Job] = SimpleQueue()
        self._started = 0
        self._lock = threading.Lock()

    def help_with(self, job: _Job, helpers: int) -> None:
        """Ask `helpers` threads to join in."""
        with self._lock:
            while self._started < helpers:
                try:
                    threading.Thread(target=self._serve, name="pminusy", daemon=True).start()
                except RuntimeError:  # no more threads to be had
                    break
                self._started += 1
        for _ in range(min(helpers, self._started)):
            self._jobs.put(job)

    def _serve(self) -> None:
        jobs = self._jobs
        while True:
            jobs.get().help()


_pool = _Pool()
_chosen: int | None = None
_default: int | None = None
_caller = threading.local()  # whose attribute `alone` says whether it has no helpers
reset_after_fork(_pool.reset)


def run(function: Callable[[int], None], count: int) -> None:
    """Call `function(i)` for every i below `count`, on as many threads as are allowed."""
    threads = min(get_num_threads(), count)
    if threads <= 1:
        for i in range(count):
            function(i)
        return
    job = _Job(function, count)
    _pool.help_with(job, threads - 1)
    job.work()
    job.wait()


def run_task(task: Task, words: NDArray[np.int64], threads: int) -> None:
    """Have up to `threads` threads run a task: a C function that takes what is left to be done.

    A thread that finds something to do adds 1 to the word `WORKERS`. Who does which piece is a
    matter of time, so pieces and the places of their results may not depend on it.
    """
    function, place = task.address, address(words)
    if threads <= 1:
        _C_FUNCTION(function)(place)
    elif openmp.run(function, place, threads):
        openmp.report(helped=int(words[WORKERS]) > 1)
    else:
        from pminusy.kernels.runtime import helpers  # loads the compiler, as the task has

        helpers.run(function, place, threads - 1)


def set_num_threads(n: int | None) -> None:
    """Use at most n threads for every call from now on; None for the default.

    Parameters
    ----------
    n
        At least 1. The default is what `OMP_NUM_THREADS` says, or else the number of processors
        this process may use: those it may run on, but no more than its CPU quota pays for.

    Returns
    -------
    None

    Raises
    ------
    InputError
        Not a whole number above 0.

    Examples
    --------
    >>> set_num_threads(2)
    >>> get_num_threads()
    2
    >>> set_num_threads(None)

    References
    ----------
    `OMP_NUM_THREADS`: OpenMP 5.2, section 21.1.2. CPU quota: `cpu.max` of Linux control groups.
    """
    global _chosen
    if n is not None and (isinstance(n, bool) or not isinstance(n, int) or n < 1):
        raise InputError("n", "a whole number of threads, at least 1, or None", repr(n))
    _chosen = n


@contextmanager
def one_thread() -> Iterator[None]:
    """Calls of this thread have no helpers: others do as much beside it, and sums keep their order.

    How the rows of a pass are shared out follows the number of threads, and so do the last bits.
    """
    before = getattr(_caller, "alone", False)
    _caller.alone = True
    try:
        yield
    finally:
        _caller.alone = before


def get_num_threads() -> int:
    """Number of threads that a call may use.

    Returns
    -------
    int
        At least 1.

    Examples
    --------
    >>> get_num_threads() >= 1
    True

    References
    ----------
    See `set_num_threads`.
    """
    global _default
    if getattr(_caller, "alone", False):
        return 1
    if _chosen is not None:
        return _chosen
    if _default is None:
        _default = _threads_from_environment() or processors()
    return _default


def _threads_from_environment() -> int | None:
    """First number of `OMP_NUM_THREADS` (a list has one for each level of nesting)."""
    first = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    return max(1, int(first)) if first.isdecimal() else None
