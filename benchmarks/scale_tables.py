"""Tables larger than memory: peak memory, bytes of the work folder, passes; time beside peers.

    python -m benchmarks.scale_tables --data DIR --gigabytes 1,4 --memory 1GiB

The rows are those of covertype (`covertype_sub.npz` in DIR), resampled; every measurement is
multiplied by 1 + N(0, 0.05²), so that no two rows are alike. A gigabyte is 10⁹ bytes of Arrow: 54
columns of float32 and a label. Each fit is a process of its own, whose peak is its VmHWM. First
`pminusy fit --memory` on every size; then, on the rows of `--small` gigabytes, the fit in memory by
turns with it: seconds, and processor seconds, from the start of the call to a relative gap of 1e-6.
Then `SGDClassifier.partial_fit` and Vowpal Wabbit, where it is installed, on the same
rows: seconds to the log loss of 50,000 other rows. A reader of Linux's /proc. `--gigabytes ''`
leaves out the first part, `--small 0` the others.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import polars as pl

from benchmarks.harness import DOCS, paste, writes

_BYTES_A_ROW = 54 * 4 + 1
_FILE_ROWS = 500_000
_MEASURED = 10  # columns of measurements; the others are indicators
_TESTED = 50_000
_GAP = 1e-6
_CLOSE = 1e-3  # nats from our log loss at which peers have reached it

_PROGRAM = """
import json, sys, time
import pminusy as pmy
from pminusy.estimators import softmax_regression  # libraries are loaded beforehand

def status(name):
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024

folder, test, memory, work, limit = sys.argv[1:]
path = []
began, used = time.perf_counter(), time.process_time()
model = pmy.fit_table(
    folder, "y", memory=None if memory == "none" else memory, refit=False,
    workdir=None if memory == "none" else work, tol=1e-7,
    time_limit=None if limit == "none" else float(limit),
    progress=lambda at: path.append(
        (time.perf_counter() - began, time.process_time() - used, at.passes, at.objective)
    ),
)
seconds, processor = time.perf_counter() - began, time.process_time() - used
peak = status("VmHWM")
fit = model.run.fit
print(json.dumps(dict(
    seconds=seconds, processor=processor, path=path, objective=fit.objective_, gap=fit.gap_,
    passes=fit.n_passes_,
    rows=int(model.run.training.y.size), peak=peak,
    loss=model.evaluate(test).scores.log_loss,
)))
"""


def main() -> None:
    """Write the tables, fit, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale_tables", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of covertype_sub.npz")
    parser.add_argument("--gigabytes", type=_numbers, default=(1.0, 4.0), help="of Arrow")
    parser.add_argument("--small", type=float, default=0.25, help="gigabytes that fit in memory")
    parser.add_argument("--memory", default="1GiB", help="as `pminusy fit` takes it")
    parser.add_argument("--rounds", type=int, default=3, help="turns on the small table")
    parser.add_argument(
        "--folder", type=Path, help="of the tables; those there are used again (temporary)"
    )
    parser.add_argument("--time-limit", default="none", help="seconds of training at most")
    parser.add_argument("--no-peers", action="store_true")
    writes(parser)
    asked = parser.parse_args()
    if asked.folder:
        asked.folder.mkdir(parents=True, exist_ok=True)
        _measure(asked, asked.folder)
    else:
        with tempfile.TemporaryDirectory() as folder:
            _measure(asked, Path(folder))


def _measure(asked: argparse.Namespace, folder: Path) -> None:
    source = _Covertype(asked.data)
    test = folder / "test.parquet"
    source.rows(_TESTED, np.random.default_rng(1), test=True).write_parquet(test)
    if asked.gigabytes:
        _put("scale-memory", _by_size(asked, source, test, folder))
    if asked.small:
        table = source.write(folder / "small", asked.small)
        lines, loss = _beside_memory(asked, table, test, folder)
        _put("scale-time", lines)
        if not asked.no_peers:
            _put("scale-peers", _beside_peers(table, test, loss))


def _put(mark: str, lines: Iterator[str] | list[str]) -> None:
    """Print lines as they come, and put them between the marks of the page."""
    said = []
    for line in lines:
        print(line, flush=True)
        said.append(line)
    paste(DOCS / "benchmarks.md", mark, "\n".join(said))


def _by_size(
    asked: argparse.Namespace, source: _Covertype, test: Path, folder: Path
) -> Iterator[str]:
    """Peak memory of a fit of each size."""
    yield f"`--memory {asked.memory}`, a limit of training of {asked.time_limit} s:\n"
    yield (
        "| GB of Arrow | rows | Parquet, MiB | work folder, MiB | peak, MiB | seconds | passes "
        "| relative gap |"
    )
    yield "| ---: " * 8 + "|"
    for size in asked.gigabytes:
        table = source.write(folder / f"{size:g}", size)
        run, work = _fit(table, test, asked.memory, folder, asked.time_limit)
        yield (
            f"| {size:g} | {_rows(size):,} | {_size(table) >> 20:,} | {work >> 20:,} "
            f"| {run['peak']:,.0f} | {run['seconds']:.0f} | {run['passes']:.0f} "
            f"| {run['gap'] / run['objective']:.0e} |"
        )


def _beside_memory(
    asked: argparse.Namespace, table: Path, test: Path, folder: Path
) -> tuple[list[str], float]:
    """Lines on the time to the gap, by turns; and the log loss on the rows of the test."""
    found: dict[str, list[dict[str, Any]]] = {asked.memory: [], "none": []}
    for _ in range(asked.rounds):
        for memory, runs in found.items():
            runs.append(_fit(table, test, memory, folder)[0])
    lines = [f"{asked.small:g} GB, {_rows(asked.small):,} rows:\n"]
    lines.append(
        "| fit | to the gap, s | processor, s | passes to it | passes | relative gap | peak, MiB "
        "| log loss |"
    )
    lines.append("| --- |" + " ---: |" * 7)
    reached: dict[str, list[tuple[float, float, int]]] = {}
    for memory, runs in found.items():
        reached[memory] = [_seconds_to(run) for run in runs]
        wall, processor, passes = (median(times) for times in zip(*reached[memory], strict=True))
        run = {key: median(r[key] for r in runs) for key in runs[0] if key != "path"}
        name = "in memory" if memory == "none" else f"`--memory {memory}`"
        lines.append(
            f"| {name} | {wall:.1f} | {processor:.1f} | {passes:.0f} | {run['passes']:.0f}"
            f" | {run['gap'] / run['objective']:.0e} | {run['peak']:,.0f} | {run['loss']:.5f} |"
        )
    lines.append("")
    for i, name in enumerate(("seconds", "processor seconds")):
        ratios = [a[i] / b[i] for a, b in zip(*reached.values(), strict=True)]
        listed = ", ".join(f"{ratio:.2f}" for ratio in ratios)
        lines.append(f"To the gap, over in memory, {name}: {listed}; median {median(ratios):.2f}.")
    return lines, float(median(run["loss"] for run in found[asked.memory]))


def _seconds_to(run: dict[str, Any]) -> tuple[float, float, int]:
    """When the objective first was within the gap of where this fit ended: both clocks, visits."""
    allowed = run["objective"] * (1 + _GAP)
    whole = run["seconds"], run["processor"], run["passes"]
    wall, used, passes = next(((a, b, n) for a, b, n, f in run["path"] if f <= allowed), whole)
    return float(wall), float(used), int(passes)


def _fit(
    table: Path, test: Path, memory: str, folder: Path, limit: str = "none"
) -> tuple[dict[str, Any], int]:
    """A fit in a process of its own; and the most bytes that its work folder had."""
    work = folder / "work"
    work.mkdir(exist_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", _PROGRAM, str(table), str(test), memory, str(work),
         limit],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    most, ended = 0, threading.Event()

    def watch() -> None:
        nonlocal most
        while not ended.wait(0.2):
            most = max(most, _size(work))

    watcher = threading.Thread(target=watch)
    watcher.start()
    out, _ = process.communicate()
    ended.set()
    watcher.join()
    if process.returncode:
        raise SystemExit(f"a fit ended with {process.returncode}")
    found: dict[str, Any] = json.loads(out)
    return found, most


def _beside_peers(table: Path, test: Path, loss: float) -> Iterator[str]:
    """SGD and Vowpal Wabbit, each with the best of a few settings on the first file."""
    yield f"To a log loss of {loss:.5f} + {_CLOSE} on {_TESTED:,} other rows:\n"
    yield "| peer | settings | seconds | log loss | epochs |"
    yield "| --- | --- | ---: | ---: | ---: |"
    held_out = pl.read_parquet(test)
    peers = {"SGDClassifier": _sgd, "Vowpal Wabbit": _vowpal_wabbit}
    for name, peer in peers.items():
        if peer is _vowpal_wabbit and find_spec("vowpalwabbit") is None:
            raise SystemExit("Vowpal Wabbit is not installed: pip install vowpalwabbit")
        settings, seconds, reached, epochs = peer(table, held_out, loss)
        said = f"{seconds:.1f}" if reached <= loss + _CLOSE else f"not in {seconds:.1f}"
        yield f"| {name} | `{settings}` | {said} | {reached:.5f} | {epochs} |"


_EPOCHS = 5


def _sgd(table: Path, test: pl.DataFrame, loss: float) -> tuple[str, float, float, int]:
    """partial_fit, file by file, on standardised columns, with averaged weights."""
    from sklearn.linear_model import SGDClassifier
    from sklearn.metrics import log_loss
    from sklearn.preprocessing import StandardScaler

    classes = np.arange(7)
    X_test, y_test = _arrays(test)

    def made(alpha: float) -> Any:
        return SGDClassifier(loss="log_loss", alpha=alpha, average=True, random_state=0)

    def score(clf: Any, scaler: Any) -> float:
        return float(log_loss(y_test, clf.predict_proba(scaler.transform(X_test)), labels=classes))

    X, y = next(_files(table))
    scaler = StandardScaler().fit(X)
    scores = {}
    for alpha in (1e-7, 1e-6, 1e-5, 1e-4):
        clf = made(alpha).partial_fit(scaler.transform(X), y, classes=classes)
        scores[alpha] = score(clf, scaler)
    alpha = min(scores, key=lambda a: scores[a])
    began, spent = time.perf_counter(), 0.0  # choosing is not counted, nor is scoring
    scaler = StandardScaler()
    for X, _ in _files(table):
        scaler.partial_fit(X)
    clf, best, epochs = made(alpha), np.inf, 0
    while epochs < _EPOCHS:
        epochs += 1
        for X, y in _files(table):
            clf.partial_fit(scaler.transform(X), y, classes=classes)
        paused = time.perf_counter()
        spent += paused - began
        best = min(best, score(clf, scaler))
        if best <= loss + _CLOSE:
            break
        began = time.perf_counter()
    return f"alpha={alpha:g}, average", spent, best, epochs


def _vowpal_wabbit(table: Path, test: pl.DataFrame, loss: float) -> tuple[str, float, float, int]:
    """One against all with normalised probabilities, from its own text, written beforehand."""
    X, _ = next(_files(table))
    mean, scale = X.mean(axis=0), X.std(axis=0)
    with tempfile.TemporaryDirectory() as folder:
        text, held_out = Path(folder) / "rows.vw", Path(folder) / "test.vw"
        with text.open("w") as out:
            for X, y in _files(table):
                _write_vw(out, X, y, mean, scale)
        X_test, y_test = _arrays(test)
        with held_out.open("w") as out:
            _write_vw(out, X_test, y_test, mean, scale)
        found = []
        for options in ("", "-l 0.1", "-l 2", "--bfgs"):
            for epochs in (1, _EPOCHS):
                found.append((*_run_vw(text, held_out, y_test, options, epochs, folder), options))
                if found[-1][1] <= loss + _CLOSE:
                    break
        reached = [run for run in found if run[1] <= loss + _CLOSE]
        best = min(reached or found, key=lambda run: run[0] if reached else run[1])
        seconds, score, epochs, options = best
        return f"--oaa 7, logistic {options}".strip(), seconds, score, epochs


def _run_vw(
    text: Path, test: Path, y: np.ndarray[Any, Any], options: str, epochs: int, folder: str
) -> tuple[float, float, int]:
    from vowpalwabbit import Workspace

    model = f"{folder}/model"
    began = time.perf_counter()
    many = f"--cache_file {folder}/cache -k --passes {epochs} --holdout_off" if epochs > 1 else ""
    base = "--oaa 7 --loss_function logistic --probabilities --quiet"
    if options == "--bfgs" and epochs == 1:
        return np.inf, np.inf, 1  # it needs several passes
    Workspace(f"{base} -d {text} -f {model} {options} {many}").finish()
    seconds = time.perf_counter() - began
    Workspace(f"--quiet -t -i {model} -d {test} -p {folder}/p --probabilities").finish()
    with open(f"{folder}/p") as lines:  # "1:0.9 2:0.1 …"
        p = np.array([[float(cell.split(":")[1]) for cell in line.split()] for line in lines])
    p = np.clip(p, 1e-15, None)
    p /= p.sum(axis=1, keepdims=True)
    return seconds, float(-np.log(p[np.arange(y.size), y]).mean()), epochs


def _write_vw(out: Any, X: Any, y: Any, mean: Any, scale: Any) -> None:
    """Measurements standardised, indicators where they are 1."""
    z = (X[:, :_MEASURED] - mean[:_MEASURED]) / scale[:_MEASURED]
    for row, label, ones in zip(z, y, X[:, _MEASURED:] > 0, strict=True):
        numbers = " ".join(f"n{j}:{value:.4f}" for j, value in enumerate(row))
        flags = " ".join(f"i{j}" for j in np.flatnonzero(ones))
        out.write(f"{label + 1} | {numbers} {flags}\n")


class _Covertype:
    """Rows of covertype, drawn with noise."""

    def __init__(self, data: Path) -> None:
        held = np.load(data / "covertype_sub.npz")
        self._train = held["X_train"].astype(np.float32), held["y_train"]
        self._test = held["X_test"].astype(np.float32), held["y_test"]

    def rows(self, number: int, random: np.random.Generator, *, test: bool = False) -> pl.DataFrame:
        """So many rows."""
        X, y = self._test if test else self._train
        drawn = random.integers(y.size, size=number)
        X = X[drawn]
        X[:, :_MEASURED] *= 1 + random.normal(0, 0.05, (number, _MEASURED)).astype(np.float32)
        columns = {f"x{j}": np.ascontiguousarray(X[:, j]) for j in range(X.shape[1])}
        return pl.DataFrame(columns | {"y": y[drawn].astype(np.uint8)})

    def write(self, folder: Path, gigabytes: float) -> Path:
        """A folder of Parquet files."""
        if folder.exists() and len(list(folder.iterdir())) == -(-_rows(gigabytes) // _FILE_ROWS):
            return folder
        folder.mkdir(exist_ok=True)
        random, left, number = np.random.default_rng(0), _rows(gigabytes), 0
        while left > 0:
            part = self.rows(min(left, _FILE_ROWS), random)
            part.write_parquet(folder / f"{number:04}.parquet", compression="lz4")
            left, number = left - part.height, number + 1
        return folder


def _rows(gigabytes: float) -> int:
    return int(gigabytes * 1e9 / _BYTES_A_ROW)


def _files(table: Path) -> Iterator[tuple[Any, Any]]:
    for path in sorted(table.iterdir()):
        yield _arrays(pl.read_parquet(path))


def _arrays(frame: pl.DataFrame) -> tuple[Any, Any]:
    return frame.drop("y").to_numpy(), frame["y"].to_numpy().astype(int)


def _size(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:  # removed in the meantime
            continue
    return total


def _numbers(text: str) -> tuple[float, ...]:
    return tuple(float(part) for part in text.split(",") if part)


if __name__ == "__main__":
    main()
