"""What is asked about the processor: how many there are for this process, and what one can do."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

__all__ = ["has_feature", "processors"]


def has_feature(name: str) -> bool:
    """Whether kernels are compiled for a processor with a feature, as LLVM names it: "avx512f".

    `NUMBA_CPU_FEATURES` is heeded, as Numba does when it compiles.
    """
    from llvmlite import binding
    from numba import config

    features = config.CPU_FEATURES or binding.get_host_cpu_features().flatten()
    return f"+{name}" in features


def processors() -> int:
    """Processors that this process may use: those it is bound to, within its quota of time."""
    try:
        available = len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS
        available = os.cpu_count() or 1
    quota = _cpu_quota()
    return available if quota is None else max(1, min(available, int(quota)))


def _cpu_quota(
    root: Path = Path("/sys/fs/cgroup"), own: Path = Path("/proc/self/cgroup")
) -> float | None:
    """Processors' worth of time that this process's control group and those above it allow."""
    quotas = []
    with contextlib.suppress(OSError, ValueError):
        path = next(line[3:] for line in own.read_text().splitlines() if line.startswith("0::"))
        group = root / path.strip("/")
        for folder in (group, *group.parents):
            quotas += _quota_of(folder)
            if folder == root:
                break
    return min(quotas, default=None)


def _quota_of(folder: Path) -> list[float]:
    with contextlib.suppress(OSError, ValueError):
        limit, period = (folder / "cpu.max").read_text().split()
        if limit != "max":
            return [float(limit) / float(period)]
    return []
