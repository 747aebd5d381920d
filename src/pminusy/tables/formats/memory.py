"""Whether a file fits into memory, asked before it is read: Polars aborts when memory runs out.

The estimates are of what was measured: text of every cell as it is read, its numbers, and the rows
copied once into those of training and those held out.
"""

from __future__ import annotations

import math
import os
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from pminusy.errors import InputError

__all__ = ["available_memory", "refuse_too_large"]

_BYTES_A_BYTE, _BYTES_A_CELL = 4, 32
_SMALL = 32 << 20  # bytes: what needs less is read without asking
# Address space, where it is limited, also goes to threads and pools that are never filled.
_SPACE, _SPACE_A_PROCESSOR = 512 << 20, 128 << 20


class Memory(NamedTuple):
    """Free bytes, and which limit they come from."""

    left: float
    limit: str


def refuse_too_large(what: str, size: int, cells: float) -> None:
    """Refuse a file that is not likely to fit, by its size in bytes and its number of cells.

    Raises
    ------
    InputError
        It would need more than is left, with both figures.
    """
    need = _BYTES_A_BYTE * size + _BYTES_A_CELL * cells
    memory = available_memory()
    if need > max(memory.left, _SMALL):
        got = f"one that needs about {_size(need)}"
        remedy = "use fewer rows or columns, or more memory"
        expected = f"a table that fits into {_size(max(memory.left, 0))}, {memory.limit}"
        raise InputError(what, expected, got, remedy)


def available_memory() -> Memory:
    """Return what this process may still take; infinite where the system does not say."""
    return min(_limits(), default=Memory(math.inf, "without a limit"))


def _limits() -> Iterator[Memory]:
    machine = _fields(Path("/proc/meminfo"))
    if "MemAvailable" in machine:
        yield Memory(machine["MemAvailable"] * 1024, "all that is free on this machine")
    own = _fields(Path("/proc/self/status"))
    space, _ = resource.getrlimit(resource.RLIMIT_AS)
    if space != resource.RLIM_INFINITY and "VmSize" in own:
        idle = _SPACE + _SPACE_A_PROCESSOR * (os.cpu_count() or 1)
        left = space - own["VmSize"] * 1024 - idle
        yield Memory(left, "what the limit of address space (ulimit -v) leaves")
    for limit, used in _groups():
        yield Memory(limit - used, "what the control group (container) leaves")


def _fields(path: Path) -> dict[str, int]:
    """Numbers of a file of lines "Name: 12 kB"."""
    try:
        lines = [line.split() for line in path.read_text().splitlines()]
    except OSError:
        return {}
    return {
        words[0].rstrip(":"): int(words[1])
        for words in lines
        if len(words) > 1 and words[1].isdecimal()
    }


def _groups() -> Iterator[tuple[int, int]]:
    """Limit and use of memory of the control groups this process is in, of either version."""
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controllers == "":
            root, names = Path("/sys/fs/cgroup"), ("memory.max", "memory.current")
        elif "memory" in controllers.split(","):
            root = Path("/sys/fs/cgroup/memory")
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes")
        else:
            continue
        group = root / path.lstrip("/")
        for folder in (group, *group.parents):
            found = _group(folder, *names)
            if found is not None:
                yield found
            if folder == root:
                break


def _group(folder: Path, limit: str, used: str) -> tuple[int, int] | None:
    try:
        most, now = (folder / limit).read_text().strip(), (folder / used).read_text()
        cache = _fields(folder / "memory.stat")
        # Pages of files are given back when memory is asked for.
        given_back = cache.get("total_inactive_file", cache.get("inactive_file", 0))
        return (int(most), int(now) - given_back) if most != "max" else None
    except (OSError, ValueError):
        return None


def _size(bytes_: float) -> str:
    return f"{bytes_ / 2**30:.1f} GiB" if bytes_ >= 2**30 else f"{bytes_ / 2**20:.0f} MiB"
