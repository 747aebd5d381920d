"""Threads that run C functions, and neither wait for the interpreter nor keep anyone waiting.

Each helper is a thread that stays inside compiled code. It sleeps on a lock of Python's, which may
be released without the interpreter, so waking it is one system call. It has a mailbox:

    free → reserved → assigned → running → free

A caller reserves the helpers that are free, assigns its task to them, wakes those that sleep, and
works on the task itself until nothing is left. Whoever has not come by then is taken off the task
again, so nobody waits for a thread that has no processor; whoever is at work on a last piece is
waited for. All of that is one call into compiled code: an interrupt comes before or after it.
"""

# Numba infers the types of what it compiles; annotations would have no effect there.
# mypy: ignore-errors

from __future__ import annotations

import ctypes
import itertools
import threading

import numpy as np

from pminusy.kernels.runtime.compilation import inline, task
from pminusy.kernels.runtime.fork import reset_after_fork
from pminusy.kernels.runtime.layout import address
from pminusy.kernels.runtime.machine import (
    address_of,
    call_lock,
    call_task,
    loaded,
    replaced,
    stored,
)

__all__ = ["C_FUNCTION", "run"]

C_FUNCTION = ctypes.CFUNCTYPE(None, ctypes.c_void_p)

_MOST = 256  # helpers
_STATE, _FUNCTION, _TASK, _ASLEEP, _LOCK, _ACQUIRE = range(6)  # of a mailbox
_MAILBOX = 16  # words: two lines of the cache
_FREE = 0
_ASSIGNED, _RUNNING, _RESERVED = 1, 2, 3  # and 4 × the number of the call
_CALL_FUNCTION, _CALL_TASK, _MAILBOXES, _COUNT, _WANTED, _CALL, _RELEASE, _SLEEP, _NEVER = range(9)
_SPINS = 5000  # looks at a helper that is at its last piece, before sleeping between looks
_NAP = 50  # microseconds
_FOREVER = -1


@task
def _serve(mailbox):
    """Run what is assigned, or sleep, for ever."""
    at = address_of(mailbox)
    while True:
        state = loaded(at, _STATE)
        if state & 3 == _ASSIGNED:
            if replaced(at, _STATE, state, state - _ASSIGNED + _RUNNING):
                call_task(loaded(at, _FUNCTION), loaded(at, _TASK))
                stored(at, _STATE, _FREE)
            continue
        stored(at, _ASLEEP, 1)
        if loaded(at, _STATE) & 3 == _ASSIGNED and replaced(at, _ASLEEP, 1, 0):
            continue
        call_lock(mailbox[_ACQUIRE], mailbox[_LOCK], _FOREVER)


@inline
def _ask(call, at):
    """Assign the task to the helper of a mailbox, if it is free."""
    number = 4 * call[_CALL]
    if not replaced(at, _STATE, _FREE, number + _RESERVED):
        return 0
    stored(at, _FUNCTION, call[_CALL_FUNCTION])
    stored(at, _TASK, call[_CALL_TASK])
    stored(at, _STATE, number + _ASSIGNED)
    if replaced(at, _ASLEEP, 1, 0):
        call_lock(call[_RELEASE], loaded(at, _LOCK), _FOREVER)
    return 1


@inline
def _take_back(call, at):
    """Leave the helper of a mailbox without the task, or wait until it is done with it."""
    number = 4 * call[_CALL]
    if replaced(at, _STATE, number + _ASSIGNED, _FREE):
        return
    looks = 0
    while loaded(at, _STATE) == number + _RUNNING:
        looks += 1
        if looks > _SPINS:
            call_lock(call[_SLEEP], call[_NEVER], _NAP)


@task
def _dispatch(call):
    """Run a task beside as many free helpers as are wanted."""
    asked, base = 0, call[_MAILBOXES]
    for h in range(call[_COUNT]):
        if asked < call[_WANTED]:
            asked += _ask(call, base + 8 * _MAILBOX * h)
    call_task(call[_CALL_FUNCTION], call[_CALL_TASK])
    for h in range(call[_COUNT]):
        _take_back(call, base + 8 * _MAILBOX * h)


class _Helpers:
    """Mailboxes, and threads that serve them; more are started when a call asks for more."""

    def __init__(self) -> None:
        python = ctypes.pythonapi
        python.PyThread_allocate_lock.restype = ctypes.c_void_p
        self._acquire, self._release = (
            ctypes.cast(function, ctypes.c_void_p).value
            for function in (python.PyThread_acquire_lock_timed, python.PyThread_release_lock)
        )
        self.reset()

    def reset(self) -> None:
        """Forget all threads: in a forked child they are gone."""
        self._mailboxes = np.zeros((_MOST, _MAILBOX), np.int64)
        self._started = 0
        self._starting = threading.Lock()
        self._calls = itertools.count(1)
        self._never = self._lock()

    def _lock(self) -> int:
        """A lock that is held: whoever acquires it waits for its release."""
        lock = ctypes.pythonapi.PyThread_allocate_lock()
        acquire = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_longlong, ctypes.c_int)(
            self._acquire
        )
        acquire(lock, 0, 0)
        return lock

    def _start(self, helpers: int) -> None:
        with self._starting:
            while self._started < min(helpers, _MOST):
                mailbox = self._mailboxes[self._started]
                mailbox[_LOCK], mailbox[_ACQUIRE] = self._lock(), self._acquire
                arguments = _serve.address, address(mailbox)
                thread = threading.Thread(
                    target=_enter, args=arguments, name="pminusy", daemon=True
                )
                try:
                    thread.start()
                except RuntimeError:  # no more threads to be had
                    break
                self._started += 1

    def run(self, function: int, place: int, helpers: int) -> None:
        """Run a task, the C function and the address of its words, with up to so many helpers."""
        if helpers > self._started:
            self._start(helpers)
        words = [function, place, address(self._mailboxes), self._started, helpers]
        locks = [self._release, self._acquire, self._never]
        call = np.array([*words, next(self._calls), *locks], np.int64)
        C_FUNCTION(_dispatch.address)(address(call))


def _enter(function: int, place: int) -> None:
    C_FUNCTION(function)(place)


_helpers = _Helpers()
reset_after_fork(_helpers.reset)


def run(function: int, place: int, helpers: int) -> None:
    """Run a task, the C function and the address of its words, with up to so many helpers."""
    _helpers.run(function, place, helpers)
