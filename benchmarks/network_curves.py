"""Training loss by epoch of networks beside `MLPClassifier` and torch, against the noise of seeds.

The same rows, architecture, law of the first weights, batch and Adam (no penalty), float32; each
has some seeds of its own. After every epoch each network's log loss on all training rows is taken,
from its parameters in float64. Shown is the mean at some epochs, and over all epochs the largest
difference from ours in standard errors of the difference of means.

    python -m benchmarks.network_curves --data FOLDER [--only W] [--first 0] [--seeds 5] [--write]
"""

from __future__ import annotations

import argparse
import itertools
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from benchmarks.harness import DOCS, paste, writes
from benchmarks.network import PROBLEMS, Problem, data_of
from pminusy import SoftmaxNetwork

Array = Any
ROWS, EPOCHS, RATE = 4_000, 15, 0.001
SHOWN = (1, 5, 15)


def loss_of(coefs: list[Array], intercepts: list[Array], X: Array, y: Array) -> float:
    """Mean log loss of a network with ReLU, plainly."""
    a = X.astype(np.float64)
    for W, b in zip(coefs[:-1], intercepts[:-1], strict=True):
        a = np.maximum(a @ W.astype(np.float64) + b, 0)
    z = a @ coefs[-1].astype(np.float64) + intercepts[-1]
    z -= z.max(axis=1, keepdims=True)
    return float((np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(y)), y]).mean())


def ours(problem: Problem, X: Array, y: Array, seed: int) -> list[float]:
    """Losses (epochs,)."""
    losses: list[float] = []
    SoftmaxNetwork(
        problem.hidden, batch_size=problem.batch, alpha=0, max_iter=EPOCHS, random_state=seed,
        n_iter_no_change=EPOCHS, learning_rate_init=RATE,
        progress=lambda at: losses.append(loss_of(at.coefs, at.intercepts, X, y)),
    ).fit(X, y)  # fmt: skip
    return losses


def of_mlp_classifier(problem: Problem, X: Array, y: Array, seed: int) -> list[float]:
    """The same of scikit-learn's."""
    net = MLPClassifier(
        problem.hidden, batch_size=problem.batch, alpha=0, random_state=seed, max_iter=1,
        learning_rate_init=RATE,
    )  # fmt: skip
    random, losses = np.random.default_rng(seed), []
    for _ in range(EPOCHS):
        order = random.permutation(len(X))  # one order of partial_fit's would be every one's
        net.partial_fit(X[order], y[order], classes=np.arange(y.max() + 1))
        losses.append(loss_of(net.coefs_, net.intercepts_, X, y))
    return losses


def of_torch(problem: Problem, X: Array, y: Array, seed: int) -> list[float]:
    """The same of a plain loop."""
    torch.manual_seed(seed)
    units = (X.shape[1], *problem.hidden, int(y.max()) + 1)
    linear = [torch.nn.Linear(*shape) for shape in itertools.pairwise(units)]
    for layer in linear:
        bound = (6 / sum(layer.weight.shape)) ** 0.5  # the law that the others begin with
        torch.nn.init.uniform_(layer.weight, -bound, bound)
        torch.nn.init.uniform_(layer.bias, -bound, bound)
    layers = [part for layer in linear for part in (layer, torch.nn.ReLU())]
    net = torch.nn.Sequential(*layers[:-1])
    adam = torch.optim.Adam(net.parameters(), lr=RATE, fused=True)
    loss = torch.nn.CrossEntropyLoss()
    rows, labels = torch.tensor(X), torch.tensor(y)
    losses = []
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(X)).split(problem.batch):  # type: ignore[no-untyped-call]
            adam.zero_grad(set_to_none=True)
            loss(net(rows[batch]), labels[batch]).backward()
            adam.step()
        weights = [layer.weight.detach().numpy().T for layer in linear]
        losses.append(loss_of(weights, [layer.bias.detach().numpy() for layer in linear], X, y))
    return losses


RUNS = {"pminusy": ours, "MLPClassifier": of_mlp_classifier, "torch": of_torch}


def curves(name: str, folder: Path | None, first: int, seeds: int) -> dict[str, Any]:
    """Losses (seeds, epochs) of everybody, and the largest differences from ours."""
    problem = PROBLEMS[name]
    X, y = data_of(problem.data, folder, ROWS)
    found = {
        who: np.array([run(problem, X, y, seed) for seed in range(first, first + seeds)])
        for who, run in RUNS.items()
    }
    mine = found["pminusy"]
    row: dict[str, Any] = {"problem": name, "rows": len(X), "largest": {}}
    for who, losses in found.items():
        row[who] = losses.mean(axis=0).tolist()
        row[f"{who} sd"] = losses.std(axis=0, ddof=1).tolist()
        if who != "pminusy":
            error = np.sqrt((losses.var(axis=0, ddof=1) + mine.var(axis=0, ddof=1)) / seeds)
            apart = (mine.mean(axis=0) - losses.mean(axis=0)) / error
            row["largest"][who] = float(apart[np.abs(apart).argmax()])
    return row


def main() -> None:
    """Measure, print, and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--only", default="")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    writes(parser)
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    with threadpool_limits(1, user_api="blas"):
        names = [name for name in PROBLEMS if given.only in name]
        found = [curves(name, given.data, given.first, given.seeds) for name in names]
    folder = DOCS / "benchmarks"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "network-curves.json"
    known = json.loads(file.read_text()) if file.exists() else {}
    known |= {row["problem"]: row for row in found}
    rows = [known[name] for name in PROBLEMS if name in known]
    file.write_text(json.dumps({row["problem"]: row for row in rows}, indent=1) + "\n")
    lines = [
        "### Networks: training loss by epoch", "",
        f"| problem | epoch | {' | '.join(RUNS)} |", "| --- | ---: | ---: | ---: | ---: |",
    ]  # fmt: skip
    for row in rows:
        for epoch in SHOWN:
            cells = [
                f"{row[who][epoch - 1]:.4f} ± {row[f'{who} sd'][epoch - 1]:.4f}" for who in RUNS
            ]
            lines.append(f"| {row['problem']} | {epoch} | {' | '.join(cells)} |")
        cells = [f"{row['largest'][who]:+.1f}" for who in RUNS if who != "pminusy"]
        lines.append(f"| | largest difference, in standard errors | | {' | '.join(cells)} |")
    lines += [
        "", f"At most {ROWS:,} rows; mean ± standard deviation over {given.seeds} seeds. The "
        f"largest difference, of ours from theirs, is that of {EPOCHS} epochs.",
    ]  # fmt: skip
    text = "\n".join(lines)
    print(text)
    paste(DOCS / "benchmarks.md", "network-curves", text)


def _cell(row: dict[str, Any], who: str, epoch: int) -> str:
    return f"{row[who][epoch]:.4f} ± {row[f'{who} sd'][epoch]:.4f}"


if __name__ == "__main__":
    main()
