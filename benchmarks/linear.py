"""Linear layer, loss and all gradients: beside the bare matrix products, and torch.

python -m benchmarks.linear [--rounds 3] [--shapes 3]
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

import pminusy as pmy
from benchmarks.harness import Measured, by_turns, write

SHAPES = (
    (60_000, 784, 10),
    (16_384, 1_024, 1_000),
    (2_048, 768, 32_000),
    (1_024, 1_024, 128_256),
)


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.linear", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--shapes", type=int, default=len(SHAPES), help="only the first of them")
    arguments = parser.parse_args()
    problems = []
    for N, D, K in SHAPES[: arguments.shapes]:
        random = np.random.default_rng(0)
        X = random.standard_normal((N, D), dtype=np.float32)
        W = random.standard_normal((K, D), dtype=np.float32) * np.float32(0.05)
        y = random.integers(0, K, size=N)
        times = by_turns(functions(X, W, y), arguments.rounds)
        problems.append(Measured(f"{N:,} × {D:,} × {K:,}", "bare products", times))
    write("linear", "Linear layer, float32, milliseconds (ratio to the limit)", problems, [])


def functions(X: Any, W: Any, y: Any) -> dict[str, Any]:
    """The three products alone, this package, and torch both ways."""

    def bare() -> None:
        z = X @ W.T
        z @ W, z.T @ X

    large = 512 * 2**20 + 2**24
    found = {
        "bare products": bare,
        "pminusy": lambda: pmy.linear_cross_entropy_grad(X, W, None, y),
        "512 MiB": lambda: pmy.linear_cross_entropy_grad(X, W, None, y, workspace=large),
        "without dX": lambda: pmy.linear_cross_entropy_grad(X, W, None, y, wrt=("W",)),
    }
    try:
        import torch
    except ImportError:
        print("torch: not installed, skipped")
        return found
    torch.set_num_threads(pmy.get_num_threads())
    inputs, weights = (torch.tensor(a, requires_grad=True) for a in (X, W))
    target = torch.tensor(y)

    def by_torch() -> None:
        inputs.grad = weights.grad = None
        z = torch.nn.functional.linear(inputs, weights)
        torch.nn.functional.cross_entropy(z, target).backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped

    return {**found, "torch": by_torch}


if __name__ == "__main__":
    main()
