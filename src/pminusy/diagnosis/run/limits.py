"""What one submission may use."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

__all__ = ["LARGEST_NOTEBOOK", "LARGEST_SOURCE", "Limits", "TimeLeft"]

LARGEST_SOURCE = 1024 * 1024  # bytes of a .py
LARGEST_NOTEBOOK = 16 * 1024 * 1024  # bytes of an .ipynb, pictures included


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one submission's process.

    Parameters
    ----------
    seconds
        Wall-clock time for the whole submission, all its files together: what its processes take
        to answer, without the time it takes to judge the answers. After it they are killed.
    call_seconds
        Wall-clock time for one call.
    memory
        Address space, bytes.
    processes
        Processes and threads, where a sandbox can count them (0: not limited).
    file
        Largest file it may write, bytes; the folder it works in lives in memory and is as small.
    """

    seconds: float = 20.0
    call_seconds: float = 5.0
    memory: int = 1024 * 1024 * 1024
    processes: int = 16
    file: int = 4 * 1024 * 1024

    @property
    def opening_seconds(self) -> float:
        """Wall-clock time until a file has said what it defines; the rest is left to the others."""
        return max(self.call_seconds, self.seconds / 2)


class TimeLeft:
    """The time that a submission has left, over all its processes.

    Parameters
    ----------
    seconds
        How much it has.
    """

    def __init__(self, seconds: float) -> None:
        self._left, self._kept = seconds, 0.0

    def allow(self, share: float) -> None:
        """Keep all but a share of what is left for what comes later."""
        self._kept = self._left * (1 - share)

    @property
    def seconds(self) -> float:
        """How much may be used now."""
        return self._left - self._kept

    @contextmanager
    def running(self) -> Iterator[None]:
        """Use it while the block runs."""
        started = time.monotonic()
        try:
            yield
        finally:
            self._left -= time.monotonic() - started
