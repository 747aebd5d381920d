"""Held-out log loss of networks beside torch and `MLPClassifier`, and the time until it is reached.

The same split, architecture, law of the first weights, batch and Adam for everybody, each with
five seeds of its own. First
dropout and batch norm beside torch on three tables: mean and standard deviation over the seeds, and
the difference in standard errors. Then the seconds until the validation loss is within 5 % of the
best that all three reach; scoring is not timed. Data come with scikit-learn.

    python -m benchmarks.network_loss [--seeds 5] [--write]
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from benchmarks.harness import DOCS, paste, writes
from pminusy import SoftmaxNetwork

Array = Any
TABLES = {"digits": load_digits, "breast cancer": load_breast_cancer, "wine": load_wine}
VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {}, "dropout 0.3": {"dropout": 0.3}, "batch norm": {"batch_norm": True},
}  # fmt: skip
HIDDEN, BATCH, RATE, EPOCHS = 64, 32, 0.001, 30


class Split(NamedTuple):
    """Rows to train on, and rows held out; in standard units, float32."""

    X: Array
    y: Array
    X_held: Array
    y_held: Array


def split_of(name: str) -> Split:
    """The split that everybody has."""
    X, y = TABLES[name](return_X_y=True)
    X, X_held, y, y_held = train_test_split(X, y, test_size=0.3, random_state=0, stratify=y)
    scale = StandardScaler().fit(X)
    return Split(scale.transform(X).astype("f"), y, scale.transform(X_held).astype("f"), y_held)


def ours(data: Split, seed: int, variant: dict[str, Any]) -> list[tuple[float, float]]:
    """Seconds and held-out loss after each epoch."""
    clock = _Clock()
    net = SoftmaxNetwork(
        HIDDEN, batch_size=BATCH, learning_rate_init=RATE, alpha=0, max_iter=EPOCHS,
        random_state=seed, n_iter_no_change=EPOCHS,
        progress=lambda at: clock.stop(lambda: _loss_of_layers(net, at, data)), **variant,
    )  # fmt: skip
    clock.start()
    net.fit(data.X, data.y)
    return clock.found


def _loss_of_layers(net: SoftmaxNetwork, at: Any, data: Split) -> float:
    """The loss of the network as it is after an epoch."""
    net.coefs_, net.intercepts_, net.norms_ = at.coefs, at.intercepts, at.norms
    return float(log_loss(data.y_held, net.predict_proba(data.X_held)))


def of_mlp_classifier(data: Split, seed: int) -> list[tuple[float, float]]:
    """The same of scikit-learn's."""
    clock, classes = _Clock(), np.unique(data.y)
    net = MLPClassifier(
        HIDDEN, batch_size=BATCH, learning_rate_init=RATE, alpha=0, random_state=seed
    )
    random = np.random.default_rng(seed)
    clock.start()
    for _ in range(EPOCHS):
        order = random.permutation(len(data.X))  # one order of partial_fit's would be every one's
        net.partial_fit(data.X[order], data.y[order], classes=classes)
        clock.stop(lambda: float(log_loss(data.y_held, net.predict_proba(data.X_held))))
    return clock.found


def of_torch(data: Split, seed: int, variant: dict[str, Any]) -> list[tuple[float, float]]:
    """The same of a plain loop with the fused Adam."""
    torch.manual_seed(seed)
    layers: list[torch.nn.Module] = [torch.nn.Linear(data.X.shape[1], HIDDEN)]
    if variant.get("batch_norm"):
        layers.append(torch.nn.BatchNorm1d(HIDDEN))
    layers.append(torch.nn.ReLU())
    if variant.get("dropout"):
        layers.append(torch.nn.Dropout(variant["dropout"]))
    net = torch.nn.Sequential(*layers, torch.nn.Linear(HIDDEN, int(data.y.max()) + 1))
    for layer in net:
        if isinstance(layer, torch.nn.Linear):  # the law that the others begin with
            bound = (6 / sum(layer.weight.shape)) ** 0.5
            torch.nn.init.uniform_(layer.weight, -bound, bound)
            torch.nn.init.uniform_(layer.bias, -bound, bound)
    adam = torch.optim.Adam(net.parameters(), lr=RATE, fused=True)
    loss_of = torch.nn.CrossEntropyLoss()
    X, y, held = torch.tensor(data.X), torch.tensor(data.y), torch.tensor(data.X_held)
    clock = _Clock()
    clock.start()
    for _ in range(EPOCHS):
        net.train()
        for rows in torch.randperm(len(X)).split(BATCH):  # type: ignore[no-untyped-call]
            if len(rows) == 1:
                continue  # batch norm refuses a single row
            adam.zero_grad(set_to_none=True)
            loss_of(net(X[rows]), y[rows]).backward()
            adam.step()
        clock.stop(lambda: _loss_of_module(net, held, data.y_held))
    return clock.found


def _loss_of_module(net: torch.nn.Module, held: torch.Tensor, y: Array) -> float:
    net.eval()
    with torch.no_grad():
        p = net(held).softmax(1).double().numpy()
    return float(log_loss(y, p / p.sum(axis=1, keepdims=True)))


class _Clock:
    """Time of training alone, with a loss at each stop."""

    def __init__(self) -> None:
        self.found: list[tuple[float, float]] = []
        self._spent, self._began = 0.0, 0.0

    def start(self) -> None:
        self._began = time.perf_counter()

    def stop(self, loss: Callable[[], float]) -> None:
        """After an epoch; what it takes to find the loss is not counted."""
        self._spent += time.perf_counter() - self._began
        self.found.append((self._spent, loss()))
        self.start()


def beside_torch(name: str, seeds: int) -> list[dict[str, Any]]:
    """Last held-out losses of each variant on a table."""
    data, rows = split_of(name), []
    for variant, options in VARIANTS.items():
        mine, theirs = (
            np.array([run(data, seed, options)[-1][1] for seed in range(seeds)])
            for run in (ours, of_torch)
        )
        error = np.sqrt((mine.var(ddof=1) + theirs.var(ddof=1)) / seeds)
        rows.append({
            "table": name, "variant": variant, "pminusy": mine.mean(), "sd": mine.std(ddof=1),
            "torch": theirs.mean(), "torch_sd": theirs.std(ddof=1),
            "errors": (mine.mean() - theirs.mean()) / error,
        })  # fmt: skip
    return rows


def seconds_to_loss(name: str, seeds: int) -> dict[str, float]:
    """Median seconds until the validation loss is within 5 % of the best that all reach."""
    data = split_of(name)
    runs = {
        "pminusy": [ours(data, seed, {}) for seed in range(seeds)],
        "MLPClassifier": [of_mlp_classifier(data, seed) for seed in range(seeds)],
        "torch": [of_torch(data, seed, {}) for seed in range(seeds)],
    }
    target = 1.05 * max(min(loss for _, loss in run) for found in runs.values() for run in found)
    reached = {
        who: float(np.median([next(s for s, loss in run if loss <= target) for run in found]))
        for who, found in runs.items()
    }
    return reached | {"loss": target}


def main() -> None:
    """Measure, print, and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seeds", type=int, default=5)
    writes(parser)
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    ours(split_of("digits"), 0, {})  # loads the kernels
    losses = [row for name in TABLES for row in beside_torch(name, given.seeds)]
    with threadpool_limits(1, user_api="blas"):
        times = {name: seconds_to_loss(name, given.seeds) for name in TABLES}
    lines = [
        "### Networks: held-out log loss beside torch", "",
        "| table | network | pminusy | torch | difference in standard errors |",
        "| --- | --- | ---: | ---: | ---: |",
    ]  # fmt: skip
    lines += [
        f"| {r['table']} | {r['variant']} | {r['pminusy']:.4f} ± {r['sd']:.4f} | "
        f"{r['torch']:.4f} ± {r['torch_sd']:.4f} | {r['errors']:+.1f} |"
        for r in losses
    ]
    lines += [
        "", f"One hidden layer of {HIDDEN}, batches of {BATCH}, {EPOCHS} epochs; mean ± standard "
        f"deviation over {given.seeds} seeds.", "",
        "### Networks: seconds to the same validation loss", "",
        "| table | loss | pminusy | MLPClassifier | torch |", "| --- | ---: | ---: | ---: | ---: |",
    ]  # fmt: skip
    lines += [
        f"| {name} | {t['loss']:.4f} | {t['pminusy']:.3f} | "
        f"{t['MLPClassifier']:.3f} ({t['MLPClassifier'] / t['pminusy']:.2f}) | "
        f"{t['torch']:.3f} ({t['torch'] / t['pminusy']:.2f}) |"
        for name, t in times.items()
    ]
    lines += ["", "Median over the seeds, each on one thread; in parentheses, over pminusy's."]
    text = "\n".join(lines)
    print(text)
    folder = DOCS / "benchmarks"
    folder.mkdir(parents=True, exist_ok=True)
    content = {"losses": losses, "seconds": times}
    (folder / "network-loss.json").write_text(json.dumps(content, indent=1) + "\n")
    paste(DOCS / "benchmarks.md", "network-loss", text)


if __name__ == "__main__":
    main()
