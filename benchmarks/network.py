"""Seconds an epoch of training a network: ours, `MLPClassifier` and a plain torch loop.

The same architecture, batch, float32 and Adam, by turns in one process; a turn is a fit of some
epochs, each in a new order of rows. `MLPClassifier` and torch have turns on one thread and on all,
and of their medians the better one counts. Data in a folder of .npz files; digits come with
scikit-learn.

    python -m benchmarks.network --data FOLDER [--only WORD] [--rounds 5] [--rows 10000] [--write]
"""

from __future__ import annotations

import argparse
import itertools
import time
import warnings
from collections.abc import Callable
from math import prod
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from benchmarks.harness import Measured, merged, write, writes
from pminusy import SoftmaxNetwork
from pminusy.kernels.runtime.processor import processors

Array = Any
_RATE = 0.001
_ROWS = 30_000  # visited in a turn, at least


class Problem(NamedTuple):
    """A data set, hidden layers, rows of a batch."""

    data: str
    hidden: tuple[int, ...]
    batch: int


PROBLEMS = {
    "digits (100)": Problem("digits", (100,), 200),
    "letter (100)": Problem("letter", (100,), 200),
    "MNIST (100)": Problem("mnist", (100,), 128),
    "MNIST (512, 512)": Problem("mnist", (512, 512), 128),
    "covertype (256, 128)": Problem("covertype_sub", (256, 128), 256),
    "digits, 19 × 64": Problem("digits", (64,) * 19, 200),
}


def data_of(name: str, folder: Path | None, rows: int) -> tuple[Array, Array]:
    """Rows in standard units, float32, and labels 0 … K − 1."""
    if name == "digits":
        X, y = load_digits(return_X_y=True)
    else:
        assert folder is not None, "--data FOLDER says where letter.npz, mnist.npz … are"
        with np.load(folder / f"{name}.npz") as file:
            X, y = file["X_train"], file["y_train"]
    X = X.reshape(len(X), -1)[:rows].astype(np.float32)
    spread = X.std(axis=0)
    X = (X - X.mean(axis=0)) / np.where(spread > 0, spread, 1)
    return np.ascontiguousarray(X), np.unique(y[:rows], return_inverse=True)[1]


def _fit_of(estimator: Any, X: Array, y: Array) -> Callable[[], None]:
    """A fit of an estimator, which stops at its `max_iter` alone."""
    estimator.set_params(n_iter_no_change=np.inf)
    return lambda: estimator.fit(X, y)


def _torch_fit(problem: Problem, X: Array, y: Array, epochs: int) -> Callable[[], None]:
    """Some epochs of a loop as it is written in tutorials, with the fused Adam."""
    units = (X.shape[1], *problem.hidden, int(y.max()) + 1)
    layers: list[torch.nn.Module] = []
    for inputs, outputs in itertools.pairwise(units):
        layers += [torch.nn.Linear(inputs, outputs), torch.nn.ReLU()]
    net = torch.nn.Sequential(*layers[:-1])
    adam = torch.optim.Adam(net.parameters(), lr=_RATE, fused=True)
    loss_of = torch.nn.CrossEntropyLoss()
    rows, labels = torch.tensor(X), torch.tensor(y)

    def fit() -> None:
        for _ in range(epochs):
            order = torch.randperm(len(rows))
            for first in range(0, len(rows), problem.batch):
                batch = order[first : first + problem.batch]
                adam.zero_grad(set_to_none=True)
                loss_of(net(rows[batch]), labels[batch]).backward()
                adam.step()

    return fit


def _seconds(function: Callable[[], None]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def _on_blas_threads(n: int, function: Callable[[], None]) -> Callable[[], None]:
    def limited() -> None:
        with threadpool_limits(n, user_api="blas"):
            function()

    return limited


def _on_torch_threads(n: int, function: Callable[[], None]) -> Callable[[], None]:
    def limited() -> None:
        torch.set_num_threads(n)
        function()

    return limited


def measure(name: str, folder: Path | None, rounds: int, rows: int) -> Measured:
    """Median milliseconds an epoch of one problem; a turn that is not timed comes first."""
    problem = PROBLEMS[name]
    X, y = data_of(problem.data, folder, rows)
    options: dict[str, Any] = {
        "hidden_layer_sizes": problem.hidden, "batch_size": problem.batch, "random_state": 0,
        "learning_rate_init": _RATE, "max_iter": (epochs := max(1, -(-_ROWS // len(X)))),
    }  # fmt: skip
    counts = [1, *([processors()] if processors() > 1 else [])]
    theirs = _fit_of(MLPClassifier(**options), X, y)
    plain = _torch_fit(problem, X, y, epochs)
    turns = {("pminusy", 0): _fit_of(SoftmaxNetwork(**options), X, y)}
    for n in counts:
        turns["MLPClassifier", n] = _on_blas_threads(n, theirs)
        turns["torch", n] = _on_torch_threads(n, plain)
    turns["pminusy", 0]()
    times: dict[tuple[str, int], list[float]] = {key: [] for key in turns}
    for _ in range(rounds):
        for key, turn in turns.items():
            times[key].append(_seconds(turn))
    found: dict[str, float] = {}
    for (who, _n), spent in times.items():
        found[who] = min(1e3 * median(spent) / epochs, found.get(who, np.inf))
    return Measured(name, "pminusy", found)


def main() -> None:
    """Measure all problems, or those whose name has a word."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--only", default="")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=10**9)
    writes(parser)
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    names = [name for name in PROBLEMS if given.only in name]
    found = [measure(name, given.data, given.rounds, given.rows) for name in names]
    rows = merged("network", found, list(PROBLEMS))
    remarks = [
        f"Geometric mean of {peer} / pminusy: "
        f"{prod(row.ratio(peer, 'pminusy') for row in rows) ** (1 / len(rows)):.2f}."
        for peer in ("MLPClassifier", "torch")
    ]
    write("network", "Milliseconds an epoch", rows, remarks)


if __name__ == "__main__":
    main()
