"""Compiling beside fits: one that takes a millisecond does not wait seconds for its kernel.

To load a kernel that the cache holds takes a fraction of a second, once a process, and a fit waits
for that. To compile one takes seconds, once a machine: a thread does it, and later fits find it.
"""

from __future__ import annotations

import logging
import os
import threading
from typing import Any

__all__ = ["compiled_already", "wait"]

_log = logging.getLogger("pminusy")
_threads: dict[Any, threading.Thread] = {}
_starting = threading.Lock()


def compiled_already(kernel: Any, arguments: tuple[Any, ...]) -> bool:
    """Whether a kernel of one signature is there; if not, a thread begins to compile it.

    `arguments` are those of a call.
    """
    if kernel.overloads:
        return True
    with _starting:
        if kernel not in _threads:
            from numba import typeof

            signature = tuple(map(typeof, arguments))
            if kernel._cache.load_overload(signature, kernel.targetctx) is not None:
                kernel.compile(signature)
                return True
            # Python waits for it at the end of a process: LLVM must not be torn down around it
            thread = threading.Thread(target=_compile, args=(kernel, signature), name="pminusy")
            try:
                thread.start()
            except RuntimeError:  # no more threads to be had: the fit waits after all
                kernel.compile(signature)
                return True
            _threads[kernel] = thread
    return False


def _compile(kernel: Any, signature: tuple[Any, ...]) -> None:
    try:
        kernel.compile(signature)
    except Exception as error:  # whatever is wrong with it, NumPy goes on
        _log.debug("kernel not compiled: %s: %s", type(error).__name__, error)


def wait() -> None:
    """Wait until what is being compiled is there."""
    for thread in list(_threads.values()):
        thread.join()


if hasattr(os, "register_at_fork"):  # a child would inherit the compiler's lock, held by nobody
    os.register_at_fork(before=wait)
