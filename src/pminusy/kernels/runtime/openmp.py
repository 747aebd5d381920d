"""The threads that torch has in this process: its OpenMP team, where it lets others use it.

After each operation torch's threads spin for some milliseconds, waiting for the next. Threads of
ours would have to share processors with them, and get theirs a few milliseconds late: as late as
the whole call takes. The team itself is at work within a microsecond. torch has no public way to
run a function on it, but its OpenMP library has: what compilers turn a parallel region into,
`GOMP_parallel`, which GNU's and LLVM's libraries export on Linux. No compiler is needed.

The team belongs to the calling thread, as it does for torch. It is left alone where torch has
another number of threads than we may use (a team of changing size is made anew each time), while
another thread of ours uses its own, and in a forked child, where OpenMP's threads are gone.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from pathlib import Path
from typing import Any

from pminusy.kernels.runtime.fork import reset_after_fork

__all__ = ["report", "run"]

_LONGEST_PAUSE = 64  # calls


class _Library:
    """Functions of the OpenMP library that torch is linked with."""

    def __init__(self, torch_cpu: ctypes.CDLL) -> None:
        self.parallel: Any = torch_cpu.GOMP_parallel
        self.parallel.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint)
        self.parallel.restype = None
        self.threads: Any = torch_cpu.omp_get_max_threads
        self.inside: Any = torch_cpu.omp_in_parallel


class _Team:
    """The library, once torch is there, and who uses it."""

    def __init__(self) -> None:
        self._library: _Library | None = None
        self._useless = not sys.platform.startswith("linux")
        self._busy = threading.Lock()
        self._pause, self._skips = 0, 0

    def forbid(self) -> None:
        """In a forked child: no team."""
        self._useless = True

    def run(self, function: int, task: int, threads: int) -> bool:
        """Have a team of so many threads call a C function with a task; False: not done."""
        if self._useless or "torch" not in sys.modules:
            return False
        if self._skips > 0:
            self._skips -= 1
            return False
        library = self._library or self._found()
        if library is None or not self._busy.acquire(blocking=False):
            return False
        try:
            if library.threads() != threads or library.inside():
                return False
            library.parallel(function, task, threads, 0)
            return True
        finally:
            self._busy.release()

    def report(self, helped: bool) -> None:
        """Say whether others than the caller did any of a task.

        A region of OpenMP ends when all of the team have been there. Where one of them had no
        processor the caller has done all and waited too: the next calls are made without the team,
        twice as many each time that this happens.
        """
        self._pause = 0 if helped else min(_LONGEST_PAUSE, 2 * self._pause or 1)
        self._skips = self._pause

    def _found(self) -> _Library | None:
        """The library that torch has loaded; None as long as torch itself is being imported."""
        torch = sys.modules["torch"]
        if not hasattr(torch, "set_num_threads"):
            return None
        try:
            path = Path(str(torch.__file__)).parent / "lib" / "libtorch_cpu.so"
            self._library = _Library(ctypes.CDLL(str(path), os.RTLD_NOLOAD))
        except (OSError, AttributeError):  # another build of torch, without OpenMP
            self._useless = True
        return self._library


_team = _Team()
reset_after_fork(_team.forbid)
run, report = _team.run, _team.report
