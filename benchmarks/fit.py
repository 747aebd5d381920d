"""Time to the same objective: ours and its peers, on the data sets of a folder.

    python -m benchmarks.fit --data FOLDER [--only mnist,letter] [--seconds 140]

Every peer runs between two fits of ours in one process, with the type and the number of BLAS
threads it is quickest with, until its parameters, scored in float64, are within 1e-8 of the best
objective found by anyone; it is stopped at 20 × our time, or at `--limit`. Results are kept in
measured/benchmarks/fit.json, or with `--write` in docs/; what is there is not measured again, so
`--seconds` measures in pieces.
When all is there, the table and the figure are pasted into docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import json
import logging
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks import fit_report
from benchmarks.fit_peers import PEERS, Watch, fit_ours, fit_peer, missing, unfit
from benchmarks.harness import DOCS, writes
from benchmarks.problems import PROBLEMS, Problem, load

__all__ = ["main"]

STORE = DOCS / "benchmarks" / "fit.json"
_TYPES = {"float32": np.float32, "float64": np.float64}
_MEMORY_LIMIT = 60.0
_REFERENCE_LIMIT = 120.0  # seconds
_LONG = 30.0  # seconds


def reference(problem: Problem, limit: float) -> dict[str, Any]:
    """Our solution to the last digits: what everyone has to come near."""
    fit_ours(problem, Watch(problem, -1.0, limit), max_iter=2)  # what is compiled is loaded
    watch = Watch(problem, -1.0, limit)
    fit_ours(problem, watch)
    best = min(value for _, value in watch.trace)
    return {"objective": best, "seconds": time_to(watch.trace, best * (1 + 1e-6))}


def time_to(trace: list[Any], target: float) -> float | None:
    """First time at which the objective was as low."""
    return next((seconds for seconds, value in trace if value <= target), None)


def ours(problem: Problem, target: float, limit: float) -> list[tuple[float, float]]:
    """What a fit of ours passes through."""
    watch = Watch(problem, target, limit)
    fit_ours(problem, watch)
    return watch.trace


def piece(
    problem: Problem, peer: str, dtype: str, known: dict[str, Any], limit: float
) -> dict[str, Any]:
    """A peer between two fits of ours; after one of ours where that is long."""
    target = known["objective"] * (1 + 0.9e-8)
    longest, limit = limit, min(limit, 20 * known["seconds"])
    threads = _quickest_threads(problem, peer, dtype)
    fit_ours(problem, Watch(problem, target, limit), max_iter=2)  # what is compiled is loaded
    found = [ours(problem, target, longest)]
    watch = Watch(problem, target, limit)
    with threadpool_limits(threads):
        fit_peer(peer, problem, watch, _TYPES[dtype])
    if known["seconds"] < _LONG:
        found.append(ours(problem, target, longest))
    return {"trace": watch.trace, "limit": limit, "threads": threads, "ours": found}


def _quickest_threads(problem: Problem, peer: str, dtype: str) -> int:
    """1 or all BLAS threads, by the time of one look each."""
    most = os.cpu_count() or 1
    if most == 1:
        return 1
    took = {}
    for threads in (1, most):
        watch = Watch(problem, np.inf, np.inf)  # stops at the first parameters scored
        with threadpool_limits(threads):
            fit_peer(peer, problem, watch, _TYPES[dtype])
            watch = Watch(problem, -1.0, 2 * max(watch.seconds, 0.05))
            fit_peer(peer, problem, watch, _TYPES[dtype])
        took[threads] = watch.trace[-1][0] / len(watch.trace)
    return min(took, key=lambda threads: took[threads])


def peak(name: str, folder: Path, who: str) -> float:
    """MB that a fit adds, at most, to a process that has loaded the problem."""
    problem = load(name, folder)
    run(who, problem, Watch(problem, -1.0, 1.0))  # imports, threads, what is compiled for it
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # what that left is no part of what is measured
    watch = Watch(problem, -np.inf, _MEMORY_LIMIT)
    watch.look = lambda *_, **__: watch.check()  # type: ignore[method-assign]  # scores nothing
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins again
    before = _status("VmRSS")
    run(who, problem, watch)
    return (_status("VmHWM") - before) / 1024


def run(who: str, problem: Problem, watch: Watch) -> None:
    """Fit ours or a peer, in float32."""
    if who == "ours":
        fit_ours(problem, watch)
    else:
        fit_peer(who, problem, watch, np.float32)


def _status(key: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(key))


def _in_new_process(*arguments: str, **environment: str) -> str:
    """What this module prints when called with these arguments."""
    command = [sys.executable, "-m", "benchmarks.fit", *arguments]
    env = {**os.environ, **environment}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[-1]


def compilation(folder: Path) -> dict[str, float]:
    """Seconds that the first fit of a dense and of a sparse problem takes beyond the second."""
    with tempfile.TemporaryDirectory() as cache:
        found = _in_new_process("--data", str(folder), "--compile", NUMBA_CACHE_DIR=cache)
    return dict(json.loads(found))


def _compile(folder: Path) -> dict[str, float]:
    took = {}
    for name in ("letter", "clinc150"):
        if not (folder / f"{name}.npz").exists():
            continue
        problem, seconds = load(name, folder), []
        for _ in range(2):
            began = time.perf_counter()
            fit_ours(problem, Watch(problem, -1.0, 60.0), max_iter=3)
            seconds.append(time.perf_counter() - began)
        took["sparse" if name == "clinc150" else "dense"] = seconds[0] - seconds[1]
    return took


def measure(names: list[str], peers: list[str], folder: Path, seconds: float, limit: float) -> bool:
    """All pieces that are not in the store and fit the time; whether none is left."""
    ends, whole = time.monotonic() + seconds, True
    for name in names:
        if not (folder / f"{name}.npz").exists():
            print(f"{name}: not in {folder}, skipped", flush=True)
            continue
        store = _read()
        at = store["problems"].setdefault(name, {"peers": {}, "peak_mb": {}})
        problem = load(name, folder)
        at["shape"] = [*problem.X.shape, len(np.unique(problem.y))]
        if "reference" not in at:
            at["reference"] = reference(problem, min(_REFERENCE_LIMIT, seconds))
            _write(store)
        for peer, dtype in _pieces(problem, at):
            if peer not in peers or _needless(at, peer, dtype):
                continue
            if time.monotonic() + _expected(at, limit) > ends:
                whole = False
                break
            at["peers"].setdefault(peer, {})[dtype] = piece(
                problem, peer, dtype, at["reference"], limit
            )
            _write(store)
            print(f"{name} {peer} {dtype}: {fit_report.in_words(at, peer, dtype)}", flush=True)
    return whole


def _pieces(problem: Problem, at: dict[str, Any]) -> list[tuple[str, str]]:
    """Peers and types that are not in the store; those that cannot be are noted there."""
    left = []
    for peer in PEERS:
        runs = at["peers"].get(peer, {})
        reason = "not installed" if missing(peer) else unfit(peer, problem)
        if reason and not runs:
            at["peers"][peer] = {"skipped": reason}
        elif not reason:
            runs.pop("skipped", None)
            left += [(peer, dtype) for dtype in _TYPES if dtype not in runs]
    return left


def _needless(at: dict[str, Any], peer: str, dtype: str) -> bool:
    """Whether float32 has arrived at all gaps, or was stopped before the first."""
    if dtype == "float32":
        return False
    least = min(value for _, value in at["peers"][peer]["float32"]["trace"])
    gap = least / at["reference"]["objective"] - 1
    return bool(gap <= 1e-8 or gap > 1e-4)


def _expected(at: dict[str, Any], limit: float) -> float:
    """Seconds that a piece may take, at most about."""
    own = float(at["reference"]["seconds"])
    return 5.0 + 4 * own + 1.2 * min(limit, 20 * own)


def measure_ours(names: list[str], folder: Path, limit: float) -> None:
    """Our fits alone, three a problem, in the place of those beside the peers."""
    for name in names:
        store = _read()
        at = store["problems"].get(name)
        if at is None:
            continue
        problem, target = load(name, folder), at["reference"]["objective"] * (1 + 0.9e-8)
        fit_ours(problem, Watch(problem, target, limit), max_iter=2)
        at["ours"] = [ours(problem, target, limit) for _ in range(3)]
        _write(store)
        print(f"{name}: {[round(trace[-1][0], 2) for trace in at['ours']]} s", flush=True)


def measure_memory(names: list[str], folder: Path, seconds: float) -> bool:
    """The peaks that are not in the store; whether none is left."""
    ends, whole = time.monotonic() + seconds, True
    for name in names:
        store = _read()
        at = store["problems"].get(name)
        if at is None:
            continue
        fastest = fit_report.best_peer(at)
        for who in ("ours", *([fastest] if fastest else [])):
            if who in at["peak_mb"]:
                continue
            if time.monotonic() + _MEMORY_LIMIT / 2 > ends:
                whole = False
                continue
            found = _in_new_process("--data", str(folder), "--only", name, "--peak", who)
            at["peak_mb"][who] = float(found)
            _write(store)
            print(f"{name} {who}: {float(found):.0f} MB", flush=True)
    return whole


def _read() -> dict[str, Any]:
    if STORE.exists():
        return dict(json.loads(STORE.read_text()))
    return {"problems": {}}


def _write(store: dict[str, Any]) -> None:
    STORE.parent.mkdir(parents=True, exist_ok=True)
    part = STORE.with_suffix(".part")
    part.write_text(json.dumps(_rounded(store), indent=None, separators=(",", ":")) + "\n")
    part.replace(STORE)


def _rounded(value: Any) -> Any:
    """Seconds to 0.1 ms, objectives to 12 digits."""
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return float(f"{value:.12g}") if isinstance(value, float) else value


def forget(names: list[str]) -> None:
    """Drop what was measured on some problems."""
    store = _read()
    for name in names:
        store["problems"].pop(name, None)
    _write(store)


def main() -> None:
    """Measure what is missing, print, paste."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    writes(parser)
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--only", default=",".join(PROBLEMS), help="names, with commas")
    parser.add_argument("--peers", default=",".join(PEERS), help="names, with commas")
    parser.add_argument("--seconds", type=float, default=np.inf, help="time for this call")
    parser.add_argument("--limit", type=float, default=600.0, help="seconds a peer may take")
    parser.add_argument("--again", action="store_true", help="forget what was measured before")
    parser.add_argument("--ours", action="store_true", help="measure ours again, not the peers")
    parser.add_argument("--memory", action="store_true", help="measure peaks instead of times")
    parser.add_argument("--peak", help=argparse.SUPPRESS)
    parser.add_argument("--compile", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    logging.disable(logging.INFO)
    names, folder = arguments.only.split(","), arguments.data
    if arguments.peak:
        print(peak(names[0], folder, arguments.peak))
        return
    if arguments.compile:
        print(json.dumps(_compile(folder)))
        return
    if arguments.again:
        forget(names)
    if arguments.ours:
        measure_ours(names, folder, arguments.limit)
        whole = True
    elif arguments.memory:
        whole = measure_memory(names, folder, arguments.seconds)
    else:
        peers = arguments.peers.split(",")
        whole = measure(names, peers, folder, arguments.seconds, arguments.limit)
    store = _read()
    if whole and "compile" not in store:
        store["compile"] = compilation(folder)
        _write(store)
    fit_report.show(store)
    if not whole:
        print("more is left to measure: run this again")


if __name__ == "__main__":
    main()
