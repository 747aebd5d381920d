"""One thread for each matrix product while threads of ours run many small ones side by side."""

from __future__ import annotations

import threading
from functools import cache
from typing import Any

from pminusy.kernels.runtime.fork import reset_after_fork

__all__ = ["one_thread_each"]


@cache
def _libraries() -> list[Any]:
    """Every BLAS that is loaded, as threadpoolctl controls it."""
    from threadpoolctl import ThreadpoolController  # the head alone needs no BLAS

    return list(ThreadpoolController().select(user_api="blas").lib_controllers)


def _limit() -> list[tuple[Any, int]]:
    """Set every BLAS to one thread; those that had more, and how many."""
    found = [(library, library.get_num_threads()) for library in _libraries()]
    changed = [(library, count) for library, count in found if count != 1]
    for library, _ in changed:
        library.set_num_threads(1)
    return changed


class _OneThreadEach:
    """Context in which BLAS starts no threads; callers that overlap share it.

    The limit belongs to the process: the first to come sets it and the last to go restores it.
    """

    def __init__(self) -> None:
        self._changed: list[tuple[Any, int]] = []
        self.reset()

    def reset(self) -> None:
        """Nobody is inside: those who were are gone in a forked child, with the lock maybe."""
        self._lock = threading.Lock()
        self._inside = 0
        self._restore()

    def _restore(self) -> None:
        changed, self._changed = self._changed, []
        for library, count in changed:
            library.set_num_threads(count)

    def __enter__(self) -> None:
        with self._lock:
            self._inside += 1
            if self._inside == 1:
                self._changed = _limit()

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._restore()


one_thread_each = _OneThreadEach()
reset_after_fork(one_thread_each.reset)
