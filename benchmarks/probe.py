"""A linear probe: many classes on random ReLU features of images, one fit and a sweep over C.

    python -m benchmarks.probe [--scale 0.2] [--data FOLDER] [--only fit,sweep,memory]

50,000 rows, 1,024 features and 1,000 classes times `--scale`, float32. Features are ReLU(A R + b)
for images A drawn with replacement (MNIST from FOLDER, else the digits that scikit-learn ships,
shifted) and a random R; labels are drawn from the softmax of a random linear teacher, so that
classes overlap. Every fit is to `gap=1e-5`. The sweep is 15 values of C from 1e-4 to 1e3 through
`SoftmaxRegressionCV`, on all rows; beside it stands a fit from nothing at the slowest of them.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness import DOCS, paste, writes

__all__ = ["main", "make_problem"]

_SHAPE = (50_000, 1_024, 1_000)
_CS = [float(C) for C in np.logspace(-4, 3, 15)]
_GAP = 1e-5
_STORE = DOCS / "benchmarks" / "probe.json"

Problem = tuple[Any, Any]


def make_problem(scale: float, folder: Path | None, seed: int = 0) -> Problem:
    """Features (N, D) float32 and labels (N,)."""
    N, D, K = (max(2, round(n * scale)) for n in _SHAPE)
    rng = np.random.default_rng(seed)
    R = rng.standard_normal((784 if folder else 64, D)).astype(np.float32) / np.sqrt(D / 2)
    b = 0.1 * rng.standard_normal(D).astype(np.float32)
    X = np.empty((N, D), np.float32)
    images = _images(folder)
    for first in range(0, N, 4096):
        rows = slice(first, min(first + 4096, N))
        A = images[rng.integers(0, len(images), rows.stop - first)]
        np.maximum(A @ R + b, 0, out=X[rows])
    teacher = rng.standard_normal((K, D)).astype(np.float32)
    teacher *= (2 / np.sqrt(D)) / np.maximum(X.std(axis=0), 1e-3)
    y = np.empty(N, np.int64)
    for first in range(0, N, 4096):
        rows = slice(first, min(first + 4096, N))
        z = (X[rows] - X.mean(axis=0)) @ teacher.T
        y[rows] = np.argmax(z + rng.gumbel(size=z.shape), axis=1)
    return X, y


def _images(folder: Path | None) -> Any:
    if folder is not None:
        with np.load(folder / "mnist.npz") as data:
            return (data["X_train"].reshape(len(data["X_train"]), -1) / 255).astype(np.float32)
    from sklearn.datasets import load_digits

    images = load_digits().images.astype(np.float32) / 16
    shifted = [np.roll(images, shift, axis=(1, 2)) for shift in np.ndindex(3, 3)]
    return np.concatenate(shifted).reshape(-1, 64)


def fit(problem: Problem, C: float) -> dict[str, float]:
    """One fit from nothing."""
    from pminusy.estimators.softmax_regression import SoftmaxRegression

    X, y = problem
    began = time.perf_counter()
    model = SoftmaxRegression(C, gap=_GAP, max_iter=5000).fit(X, y)
    seconds = time.perf_counter() - began
    passes = model.n_passes_
    return {"C": C, "seconds": seconds, "passes": passes, "gap": model.gap_}


def sweep(problem: Problem) -> dict[str, Any]:
    """All values of C; the refit begins at its solution, so costs a few passes."""
    from pminusy.estimators.softmax_regression_cv import SoftmaxRegressionCV

    X, y = problem
    everything, few = np.arange(len(y)), np.arange(0, len(y), 50)
    passes = dict.fromkeys(range(len(_CS) + 1), 0.0)

    def note(progress: Any) -> None:
        passes[progress.problem] = progress.passes

    began = time.perf_counter()
    SoftmaxRegressionCV(_CS, cv=[(everything, few)], gap=_GAP, max_iter=5000, progress=note).fit(
        X, y
    )
    return {"seconds": time.perf_counter() - began, "passes": list(passes.values())}


def peak(problem: Problem) -> float:
    """MB that a fit at C = 1 adds at most to the process with X loaded (Linux)."""
    from pminusy.estimators.softmax_regression import SoftmaxRegression

    X, y = problem
    SoftmaxRegression(max_iter=1).fit(X[:5000], y[:5000])  # imports, compiled code, threads
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins again
    before = _status("VmRSS")
    SoftmaxRegression(gap=_GAP, max_iter=30).fit(X, y)
    return (_status("VmHWM") - before) / 1024


def _status(key: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(key))


def report(found: dict[str, Any]) -> str:
    """Markdown of all scales measured."""
    lines = [
        "### Linear probe: many classes on random features of images, float32",
        "",
        "| shape (N, D, K) | fit, C = 1 | fit, slowest C | sweep of 15 | sweep / slowest fit "
        "| peak of a fit, MB beyond X |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for scale, parts in found.items():
        shape = " × ".join(f"{max(2, round(n * float(scale))):,}" for n in _SHAPE)
        slowest = parts.get("slowest")
        swept = parts.get("sweep")
        cells = [_seconds(parts.get("fit")), _seconds(slowest)]
        cells.append(f"{swept['seconds']:.1f} s, {sum(swept['passes']):.0f}" if swept else "–")
        ratio = swept and slowest and swept["seconds"] / slowest["seconds"]
        cells.append(f"{ratio:.2f}" if ratio else "–")
        cells.append(f"{parts['peak']:.0f}" if "peak" in parts else "–")
        lines.append(f"| {shape} | {' | '.join(cells)} |")
    notes = [line for parts in found.values() if "note" in parts for line in ("", parts["note"])]
    return "\n".join([*lines, "", "Seconds and passes over X, to a certified gap of 1e-5.", *notes])


def _seconds(part: dict[str, float] | None) -> str:
    if part is None:
        return "–"
    shown = f"{part['seconds']:.1f} s, {part['passes']:.0f}"
    return shown if part["gap"] <= _GAP else f"{shown} (stopped at a gap of {part['gap']:.0e})"


def measure(scale: float, folder: Path | None, parts: list[str]) -> dict[str, Any]:
    """The parts asked for."""
    problem = make_problem(scale, folder)
    found: dict[str, Any] = {}
    warnings.simplefilter("ignore")
    rows = min(len(problem[1]), 5000)
    fit((problem[0][:rows], problem[1][:rows] % 64), 0.01)  # what is compiled is loaded
    for part in parts:
        if part == "fit":
            found["fit"] = fit(problem, 1.0)
        elif part == "slowest":
            found["slowest"] = fit(problem, _CS[-1])
        elif part == "sweep":
            found["sweep"] = sweep(problem)
        elif part == "memory":
            found["peak"] = peak(problem)
    return found


def main() -> None:
    """Measure, print, paste."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    writes(parser)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--data", type=Path, help="folder with mnist.npz")
    parser.add_argument("--only", default="fit,slowest,sweep,memory", help="parts, with commas")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        found = measure(arguments.scale, arguments.data, [arguments.one])
        print(json.dumps(found))
        return
    store = json.loads(_STORE.read_text()) if _STORE.exists() else {}
    here = store.setdefault(str(arguments.scale), {})
    for part in arguments.only.split(","):  # each in a process of its own
        command = [sys.executable, "-m", "benchmarks.probe", "--scale", str(arguments.scale)]
        command += ["--data", str(arguments.data)] if arguments.data else []
        done = subprocess.run([*command, "--one", part], stdout=subprocess.PIPE, check=True)
        here.update(json.loads(done.stdout.splitlines()[-1]))
        _STORE.parent.mkdir(parents=True, exist_ok=True)
        _STORE.write_text(json.dumps(store, indent=1) + "\n")
    text = report(store)
    print(text)
    paste(DOCS / "benchmarks.md", "probe", text)


if __name__ == "__main__":
    main()
