"""Whether other processes took processor time from a measurement (Linux; elsewhere: unknown)."""

from __future__ import annotations

import os
import time
from types import TracebackType

__all__ = ["Watch"]

_TICK = 0.01  # seconds: what the kernel counts in


class Watch:
    """Context: afterwards `disturbed` says whether others used more than a little time."""

    def __init__(self, share: float = 0.1) -> None:
        self._share = share  # of one processor
        self.disturbed = False

    def __enter__(self) -> Watch:
        self._start, self._others = time.perf_counter(), _time_of_others()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        allowed = self._share * (time.perf_counter() - self._start) + 2 * _TICK
        self.disturbed = _time_of_others() - self._others > allowed


def _time_of_others() -> float:
    """Seconds that processors worked for other processes than this one, since the system began."""
    try:
        with open("/proc/stat") as lines:
            counts = [int(count) for count in lines.readline().split()[1:9]]
    except OSError:
        return 0.0
    user, nice, system, _idle, _waiting, irq, softirq, steal = counts
    working = (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")
    return working - time.process_time()
