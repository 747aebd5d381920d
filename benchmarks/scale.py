"""Fits of more rows than memory holds: peak memory and seconds, beside the same fit in memory.

    python -m benchmarks.scale --rows 16_000_000 --memory 256MiB

Rows are those of a drawn problem, resampled with noise and written as a memmap in float32. Each fit
runs in a process of its own, in turns: out of core with the whole table, then, on as many rows as
fit, out of core and in memory. "Growth" is the peak of resident memory, pages of the memmap in it,
beyond what the process held once libraries were imported and kernels compiled: `memory` bounds it.
A reader of Linux's /proc.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import numpy as np

FEATURES, CLASSES = 30, 3
_UNITS = {"": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
_POOL, _CHUNK = 100_000, 1 << 18  # rows that are resampled, rows written at once
_PROGRAM = """
import json, sys, time
import numpy as np, pminusy as pmy

def status(name):
    with open("/proc/self/status") as lines:
        return next((int(line.split()[1]) for line in lines if line.startswith(name)), 0) / 1024

folder, rows, memory, memory_holds = sys.argv[1], *map(int, sys.argv[2:])
shape = (rows, {features})
X = np.memmap(folder + "/X.float32", np.float32, "r", shape=shape)
y = np.memmap(folder + "/y.uint8", np.uint8, "r", shape=(rows,))
if memory_holds:
    X, y = np.array(X), np.array(y)
some, labels = np.array(X[:20000]), np.array(y[:20000])
for warm in (1 << 30, 1 << 20):  # libraries are imported, kernels compiled
    pmy.SoftmaxRegression(memory=warm).fit(some, labels)
pmy.SoftmaxRegression(memory=1 << 20).fit(pmy.Blocks(lambda: iter([(some, labels)])))
before = status("VmRSS")
start = time.perf_counter()
clf = pmy.SoftmaxRegression(C=1.0, memory=memory).fit(X, y)
seconds = time.perf_counter() - start
print(json.dumps(dict(
    seconds=seconds, visits=clf.n_passes_, gap=clf.gap_ / abs(clf.objective_),
    objective=clf.objective_, before=before, growth=status("VmHWM") - before,
)))
"""


def main() -> None:
    """Write the table, fit by turns, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--rows", type=int, default=16_000_000, help="of the whole table")
    parser.add_argument("--small", type=int, default=2_000_000, help="rows that fit in memory")
    parser.add_argument("--memory", type=_bytes, default="256MiB", help="of rows that are held")
    parser.add_argument("--rounds", type=int, default=3, help="turns on the rows that fit")
    parser.add_argument(
        "--folder", help="of the table; one that is there is used again (temporary)"
    )
    asked = parser.parse_args()
    if asked.folder:
        _measure(asked, Path(asked.folder))
    else:
        with tempfile.TemporaryDirectory() as folder:
            _measure(asked, Path(folder))


def _measure(asked: argparse.Namespace, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder, asked.rows)
    size = asked.rows * FEATURES * 4 / 2**20
    print(f"{asked.rows:,} rows of {FEATURES} features, {CLASSES} classes: {size:,.0f} MiB\n")
    print("| rows | fit | seconds | visits | relative gap | objective |", end="")
    print(" MiB before the fit | growth in MiB |")
    print("| ---: | --- |" + " ---: |" * 6)
    _show(
        f"out of core, {asked.memory >> 20} MiB",
        asked.rows,
        [_fit(folder, asked.rows, asked.memory, holds=False)],
    )
    small = min(asked.small, asked.rows)
    # of the bytes that are read: never all of them, or they would be held
    memory = min(asked.memory, small * FEATURES * 4 // 2)
    found: dict[bool, list[dict[str, float]]] = {False: [], True: []}
    for _ in range(asked.rounds):
        for holds, runs in found.items():
            runs.append(_fit(folder, small, memory, holds=holds))
    _show(f"out of core, {memory >> 20} MiB", small, found[False])
    _show("in memory", small, found[True])
    ratios = [a["seconds"] / b["seconds"] for a, b in zip(*found.values(), strict=True)]
    listed = ", ".join(f"{ratio:.2f}" for ratio in ratios)
    print(f"\nSeconds out of core over in memory, by turns: {listed}; median {median(ratios):.2f}")


def _write(folder: Path, rows: int) -> None:
    """A table of drawn rows, resampled with noise; written in pieces."""
    bytes_of_x = rows * FEATURES * 4
    if (folder / "X.float32").exists() and (folder / "X.float32").stat().st_size == bytes_of_x:
        return
    random = np.random.default_rng(0)
    pool = random.standard_normal((_POOL, FEATURES), dtype=np.float32)
    weights = random.normal(size=(FEATURES, CLASSES)).astype(np.float32) / 3
    scale = np.exp(random.uniform(-2, 2, FEATURES)).astype(np.float32)
    labels = (pool @ weights + random.gumbel(size=(_POOL, CLASSES))).argmax(axis=1)
    labels = labels.astype(np.uint8)
    with (folder / "X.float32").open("wb") as X, (folder / "y.uint8").open("wb") as y:
        for first in range(0, rows, _CHUNK):
            drawn = random.integers(_POOL, size=min(_CHUNK, rows - first))
            noise = random.standard_normal((drawn.size, FEATURES), dtype=np.float32)
            ((pool[drawn] + noise / 2) * scale).tofile(X)
            labels[drawn].tofile(y)


def _fit(folder: Path, rows: int, memory: int, *, holds: bool) -> dict[str, float]:
    """A fit in a process of its own."""
    program = _PROGRAM.replace("{features}", str(FEATURES))
    arguments = [str(folder), str(rows), str(memory), str(int(holds))]
    run = subprocess.run(
        [sys.executable, "-c", program, *arguments], stdout=subprocess.PIPE, text=True, check=True
    )
    found: dict[str, float] = json.loads(run.stdout)
    return found


def _show(name: str, rows: int, runs: list[dict[str, float]]) -> None:
    mid = {key: median(run[key] for run in runs) for key in runs[0]}
    print(
        f"| {rows:,} | {name} | {mid['seconds']:.2f} | {mid['visits']:.0f} | {mid['gap']:.1e} "
        f"| {mid['objective']:.9g} | {mid['before']:,.0f} | {mid['growth']:,.0f} |",
        flush=True,
    )


def _bytes(text: str) -> int:
    match = re.fullmatch(r"([\d_]+) *(|KiB|MiB|GiB)", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"bytes, such as 256MiB, not {text!r}")
    return int(match[1]) * _UNITS[match[2]]


if __name__ == "__main__":
    main()
