"""One thread for each matrix product while threads of ours run many small ones side by side."""

from __future__ import annotations

import threading
from functools import cache
from typing import Any

from pminusy.kernels.runtime.fork import reset_after_fork

__all__ = ["one_thread_each"]


@cache
def _controller() -> Any:
    from threadpoolctl import ThreadpoolController  # the head alone needs no BLAS

    return ThreadpoolController()


class _OneThreadEach:
    """Context in which BLAS starts no threads; callers that overlap share it.

    The limit belongs to the process: the first to come sets it and the last to go restores it.
    """

    def __init__(self) -> None:
        self._limit: Any = None
        self.reset()

    def reset(self) -> None:
        """Nobody is inside: those who were are gone in a forked child, with the lock maybe."""
        self._lock = threading.Lock()
        self._inside = 0
        if self._limit is not None:
            self._limit.__exit__(None, None, None)
            self._limit = None

    def __enter__(self) -> None:
        with self._lock:
            self._inside += 1
            if self._inside == 1:
                self._limit = _controller().limit(limits=1, user_api="blas")
                self._limit.__enter__()

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._limit.__exit__(None, None, None)
                self._limit = None


one_thread_each = _OneThreadEach()
reset_after_fork(one_thread_each.reset)
