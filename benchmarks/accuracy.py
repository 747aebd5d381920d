"""Worst error of loss and gradient in units in the last place, beside torch and optax.

    python -m benchmarks.accuracy [--rows 6000] [--seed 3]

Plain class-index targets on the rows of `tests.generator`, and on rows of 128,256 classes, against
50-digit arithmetic. The kernels run for every size here. Pastes its table into docs/accuracy.md.
"""

from __future__ import annotations

import argparse
import os
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from rich.console import Console

import pminusy as pmy
from benchmarks.harness import DOCS, paste, writes
from tests import oracle
from tests.generator import Rows, batches
from tests.ulp import distance

WIDEST = 128_256
Gradient = Callable[[Any, Any], tuple[Any, Any]]


def main() -> None:
    """Measure, print, paste."""
    os.environ["PMINUSY_IMPLEMENTATION"] = "cpu"
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    writes(parser)
    parser.add_argument("--rows", type=int, default=6000, help="rows to generate")
    parser.add_argument("--seed", type=int, default=3, help="seed of the generator")
    arguments = parser.parse_args()
    functions = implementations()
    worst: dict[tuple[str, str, str, str], float] = defaultdict(float)
    for label, rows in sources(arguments.seed, arguments.rows):
        for name, function, error in errors(rows, functions):
            key = label, function, str(rows.z.dtype), name
            worst[key] = max(worst[key], error)
    lines = [f"| rows | result | type | {' | '.join(functions)} |"]
    lines.append("| --- | --- | --- |" + " ---: |" * len(functions))
    for label, function, dtype in dict.fromkeys(key[:3] for key in worst):
        cells = " | ".join(shown(worst[label, function, dtype, name]) for name in functions)
        lines.append(f"| {label} | {function} | {dtype} | {cells} |")
    text = "\n".join(
        ["Units in the last place of each entry's own value; the promise is 8.", "", *lines]
    )
    Console().print(text)
    paste(DOCS / "accuracy.md", "accuracy", text)


def sources(seed: int, rows: int) -> Iterator[tuple[str, Rows]]:
    """Generated rows, then one row of many classes of each kind and type."""
    for _, made in batches(seed, rows):
        yield "generated", made
    random = np.random.default_rng(seed)
    for dtype in (np.float32, np.float64):
        for ahead in (0.0, 30.0):
            z = random.normal(size=(1, WIDEST)).astype(dtype) * 3
            z[0, 77_777] += dtype(ahead)
            y = np.array([77_777])
            yield f"{WIDEST:,} classes", Rows(z, y, z, ("wide",))


def errors(rows: Rows, functions: dict[str, Gradient]) -> Iterator[tuple[str, str, float]]:
    """Error of each row's loss and gradient, by implementation."""
    truth = oracle.batch(rows.z, rows.y, reduction="none")
    dtype = rows.z.dtype
    for name, function in functions.items():
        loss, gradient = function(rows.z, rows.y)
        for i, row in enumerate(truth.rows):
            yield name, "loss", distance(loss[i], truth.loss[i], dtype)
            pairs = zip(gradient[i], row.dL_du, strict=True)
            yield name, "gradient", max(distance(g, exact, dtype) for g, exact in pairs)


def implementations() -> dict[str, Gradient]:
    """Loss of each row and its gradient, by every implementation that is installed."""
    found: dict[str, Gradient] = {
        "pminusy": lambda z, y: pmy.cross_entropy_grad(z, y, reduction="none")
    }
    try:
        import torch
    except ImportError:
        print("torch: not installed, skipped")
    else:

        def by_torch(z: Any, y: Any) -> tuple[Any, Any]:
            logits = torch.tensor(z, requires_grad=True)
            loss = torch.nn.functional.cross_entropy(logits, torch.tensor(y), reduction="none")
            (gradient,) = torch.autograd.grad(loss.sum(), logits)
            return loss.detach().numpy(), gradient.numpy()

        found["torch"] = by_torch
    try:
        import jax
        import optax
    except ImportError:
        print("jax and optax: not installed, skipped")
    else:
        jax.config.update("jax_enable_x64", True)
        per_row = optax.softmax_cross_entropy_with_integer_labels

        def by_optax(z: Any, y: Any) -> tuple[Any, Any]:
            logits, target = jax.numpy.asarray(z), jax.numpy.asarray(y)
            gradient = jax.grad(lambda z: per_row(z, target).sum())(logits)
            return np.asarray(per_row(logits, target)), np.asarray(gradient)

        found["optax"] = by_optax
    return found


def shown(error: float) -> str:
    """An error for a table."""
    if not np.isfinite(error):
        return "∞"
    return f"{error:.2f}" if error < 100 else f"{error:.0e}"


if __name__ == "__main__":
    main()
