"""Whether a kernel is compiled already: a fit of a millisecond does not wait seconds for it.

To load a kernel that the cache holds takes a fraction of a second, once a process, and a fit waits
for that. To compile one takes seconds, once a machine: `pminusy warm-up` does it. Not a thread
beside the fits: the compiler changes what the whole process shares, filters of warnings say.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["compiled_already", "waited_for"]

_absent: set[Any] = set()  # kernels that the cache did not hold
_wait = False


@contextmanager
def waited_for() -> Iterator[None]:
    """A context in which fits wait until their kernels are compiled."""
    global _wait
    before, _wait = _wait, True
    try:
        yield
    finally:
        _wait = before


def compiled_already(kernel: Any, arguments: tuple[Any, ...]) -> bool:
    """Whether a kernel of one signature is there; `arguments` are those of a call."""
    if kernel.overloads:
        return True
    if kernel in _absent and not _wait:
        return False
    from numba import typeof
    from numba.core.compiler_lock import global_compiler_lock

    # Loading changes the compiler's registers, as compiling in another thread does.
    with global_compiler_lock:
        signature = tuple(map(typeof, arguments))
        if _wait or kernel._cache.load_overload(signature, kernel.targetctx) is not None:
            kernel.compile(signature)
            _absent.discard(kernel)
            return True
        _absent.add(kernel)
    return False
