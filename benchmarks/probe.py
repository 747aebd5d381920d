"""The linear probe: a sweep over C on the features of a frozen network, against its slowest fit.

    python -m benchmarks.probe --data FOLDER [--rows 50000] [--features 1024] [--classes 1000]
                               [--part fit|sweep] [--json FILE]

Features are random ReLU projections of the MNIST images of a folder (standardised by nothing, as
such features come), labels drawn from the softmax of a random linear teacher: classes overlap.
`fit` times the largest C alone, from zero; `sweep` all fifteen values, 1e-4 … 1e3, on one path.
Peak memory is counted above the process with everything imported and X loaded.
"""

from __future__ import annotations

import argparse
import json
import resource
import threading
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["main", "probe"]

VALUES = tuple(float(C) for C in np.logspace(-4, 3, 15))
TOL = 1e-5


def probe(folder: Path, N: int, D: int, K: int) -> tuple[Any, Any]:
    """Features X (N, D) float32 and labels y (N,)."""
    random = np.random.default_rng(0)
    with np.load(folder / "mnist.npz") as data:
        images = data["X_train"][:N].reshape(N, -1)
    R = random.normal(size=(images.shape[1], D)).astype(np.float32) / np.float32(255 * 9)
    shift = random.normal(size=D).astype(np.float32) * np.float32(0.3)
    X, y = np.empty((N, D), np.float32), np.empty(N, np.int64)
    T = random.normal(size=(K, D)).astype(np.float32)
    for first in range(0, N, 5000):
        rows = slice(first, first + 5000)
        X[rows] = np.maximum(images[rows].astype(np.float32) @ R - shift, 0)
        if first == 0:
            mean, spread = X[rows].mean(axis=0), X[rows].std(axis=0) + np.float32(1e-6)
        z = ((X[rows] - mean) / spread) @ T.T
        z *= np.float32(2.5) / z.std()
        y[rows] = (z + random.gumbel(size=z.shape)).argmax(axis=1)
    return X, y


class _Peak:
    """Largest resident memory above where it began, in MB, sampled every 5 ms."""

    def __enter__(self) -> _Peak:
        self._began, self.megabytes, self._over = _resident(), 0.0, False
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def _watch(self) -> None:
        while not self._over:
            self.megabytes = max(self.megabytes, _resident() - self._began)
            time.sleep(0.005)

    def __exit__(self, *_: object) -> None:
        self._over = True
        self._thread.join()


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def _fit(X: Any, y: Any) -> dict[str, Any]:
    from pminusy.learn.softmax_regression import SoftmaxRegression

    model = SoftmaxRegression(VALUES[-1], tol=TOL).fit(X, y)
    found = {"objective": model.objective_, "optimality": model.optimality_, "gap": model.gap_}
    return found | {"passes": model.n_passes_, "iterations": int(model.n_iter_[0])}


def _sweep(X: Any, y: Any) -> dict[str, Any]:
    from pminusy.learn.softmax_regression_cv import SoftmaxRegressionCV

    passes: dict[int, float] = {}
    seconds: dict[int, float] = {}
    optimality: dict[int, float] = {}

    def note(at: Any) -> None:
        passes[at.problem], seconds[at.problem] = at.passes, at.seconds
        optimality[at.problem] = at.optimality

    every = np.arange(len(y))
    SoftmaxRegressionCV(
        VALUES, cv=[(every, every[:1000])], refit=False, tol=TOL, progress=note
    ).fit(X, y)
    return {"passes": sum(passes.values()), "by_C": [*passes.values()],
            "seconds_by_C": [*seconds.values()], "optimality": [*optimality.values()]}  # fmt: skip


def main() -> None:
    """Measure one part and print it; with --json, add it to a file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--features", type=int, default=1024)
    parser.add_argument("--classes", type=int, default=1000)
    parser.add_argument("--part", choices=("fit", "sweep"), default="fit")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    X, y = probe(options.data, options.rows, options.features, options.classes)
    run = _fit if options.part == "fit" else _sweep
    warnings.simplefilter("ignore")
    run(X[:512], np.arange(512) % options.classes)  # compiles
    with _Peak() as peak:
        began = time.perf_counter()
        found = run(X, y)
        seconds = time.perf_counter() - began
    shape = (options.rows, options.features, options.classes)
    found |= {"part": options.part, "shape": shape, "seconds": seconds, "mb": peak.megabytes}
    print(json.dumps(found))
    if options.json:
        old = json.loads(options.json.read_text()) if options.json.exists() else []
        options.json.write_text(json.dumps([*old, found], indent=1) + "\n")


if __name__ == "__main__":
    main()
