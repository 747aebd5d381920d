"""Linear layer, loss and all gradients: beside the bare matrix products, and torch.

python -m benchmarks.linear [--rounds 5] [--shape 0 1 2 3] [--memory]

Every shape is measured in a process of its own and adds its row to the table, so that shapes may be
run one at a time. With --memory: peak extra memory instead, one call a process.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import warnings
from typing import Any

import numpy as np

import pminusy as pmy
from benchmarks.harness import DOCS, Measured, by_turns, paste, write, writes

SHAPES = (
    (60_000, 784, 10),
    (16_384, 1_024, 1_000),
    (2_048, 768, 32_000),
    (1_024, 1_024, 128_256),
)
MEMORY_SHAPES = ((1_024, 256, 128_256), (1_024, 1_024, 128_256), (8_192, 1_024, 128_256))
MIB = 2**20


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.linear", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    writes(parser)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--shape", type=int, nargs="*", default=list(range(len(SHAPES))))
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--here", help=argparse.SUPPRESS)  # a subprocess: JSON of its task
    arguments = parser.parse_args()
    if arguments.here:
        task = json.loads(arguments.here)
        print(json.dumps(peak(*task["peak"]) if "peak" in task else measured(**task)))
    elif arguments.memory:
        memory(arguments.shape)
    else:
        times(arguments.shape, arguments.rounds)


def times(chosen: list[int], rounds: int) -> None:
    """Milliseconds of the shapes chosen, beside those measured before."""
    file = DOCS / "benchmarks" / "linear.json"
    rows = {row["problem"]: row for row in json.loads(file.read_text())} if file.exists() else {}
    for i in chosen:
        row = in_a_process({"shape": SHAPES[i], "rounds": rounds})
        rows[row["problem"]] = row
    order = [named(*shape) for shape in SHAPES]
    problems = [Measured(**rows[name]) for name in order if name in rows]
    write("linear", "Linear layer, float32, milliseconds (ratio to the limit)", problems, [])


def measured(shape: tuple[int, int, int], rounds: int) -> dict[str, Any]:
    """Times of one shape."""
    X, W, y = made(*shape)
    pages = [np.ones(2**28, np.uint8) for _ in range(12)]  # a virtual machine gives its memory out
    del pages  # on first touch, at a cost that would be charged to whoever comes first
    found = by_turns(functions(X, W, y), rounds)
    return {"problem": named(*shape), "limit": "bare products", "milliseconds": found}


def named(N: int, D: int, K: int) -> str:
    """A shape in words."""
    return f"{N:,} × {D:,} × {K:,}"


def made(N: int, D: int, K: int) -> tuple[Any, Any, Any]:
    """Inputs, weights and labels."""
    random = np.random.default_rng(0)
    X = random.standard_normal((N, D), dtype=np.float32)
    W = random.standard_normal((K, D), dtype=np.float32)
    W *= np.float32(0.05)
    return X, W, random.integers(0, K, size=N)


def functions(X: Any, W: Any, y: Any) -> dict[str, Any]:
    """The three products alone, this package, and torch's ways."""

    def bare() -> None:
        z = X @ W.T
        z @ W, z.T @ X

    found = {
        "bare products": bare,
        "pminusy": lambda: pmy.linear_cross_entropy_grad(X, W, None, y),
        "512 MiB": lambda: pmy.linear_cross_entropy_grad(X, W, None, y, workspace=512 * MIB),
        "without dX": lambda: pmy.linear_cross_entropy_grad(X, W, None, y, wrt=("W",)),
    }
    return found | torch_peers(X, W, y)


def torch_peers(X: Any, W: Any, y: Any) -> dict[str, Any]:
    """torch with all logits, torch in chunks where it has them, and our binding."""
    try:
        import torch
    except ImportError:
        print("torch: not installed, skipped", file=sys.stderr)
        return {}
    from pminusy.torch import linear_cross_entropy

    torch.set_num_threads(pmy.get_num_threads())
    target = torch.tensor(y)

    def run(function: Any) -> Any:
        inputs, weights = (torch.from_numpy(a).detach().requires_grad_() for a in (X, W))

        def call() -> None:
            inputs.grad = weights.grad = None
            function(inputs, weights, target).backward()
            inputs.grad = weights.grad = None  # its own memory goes back on its own time

        return call

    def eager(X: Any, W: Any, y: Any) -> Any:
        return torch.nn.functional.cross_entropy(torch.nn.functional.linear(X, W), y)

    found = {"pminusy.torch": run(linear_cross_entropy), "torch": run(eager)}
    chunked: Any = getattr(torch.nn.functional, "linear_cross_entropy", None)
    options: Any = getattr(torch.nn, "LinearCrossEntropyOptions", None)
    if chunked is None or options is None:
        print("torch, chunked: not in this version, skipped", file=sys.stderr)
    elif W.shape[0] <= 32_000:  # beyond, a call takes the better part of a minute
        warnings.simplefilter("ignore")
        found["torch, chunked"] = run(lambda X, W, y: chunked(X, W, y, options=options()))
    return found


def memory(chosen: list[int]) -> None:
    """Peak memory beyond inputs and outputs, in MiB, of one call in a process of its own."""
    lines = [
        "### Linear layer, float32: peak memory beyond inputs and outputs, MiB",
        "",
        "| problem | workspace | loss and gradients | of one set of logits |",
        "| --- | ---: | ---: | ---: |",
    ]
    for shape in (MEMORY_SHAPES[i] for i in chosen if i < len(MEMORY_SHAPES)):
        for workspace in (64, 512):
            extra = in_a_process({"peak": [*shape, workspace]})
            logits = 4 * shape[0] * shape[2] / MIB
            lines.append(f"| {named(*shape)} | {workspace} | {extra:.0f} | {logits:,.0f} |")
            print(lines[-1])
    paste(DOCS / "benchmarks.md", "linear-memory", "\n".join(lines))


def peak(N: int, D: int, K: int, workspace: int) -> float:
    """MiB that a call takes beyond inputs, outputs and what a small call has taken before it."""
    pmy.linear_cross_entropy_grad(*(lambda X, W, y: (X, W, None, y))(*made(300, 200, 4100)))
    X, W, y = made(N, D, K)
    before = resident("VmRSS")
    found: Any = pmy.linear_cross_entropy_grad(X, W, None, y, workspace=workspace * MIB)
    outputs: float = (found.dL_dX.nbytes + found.dL_dW.nbytes) / MIB
    return resident("VmHWM") - before - outputs


def resident(name: str) -> float:
    """MiB of this process in memory, now or at most, as Linux counts them."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith(name))


def in_a_process(task: dict[str, Any]) -> Any:
    """Result of a task in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.linear", "--here", json.dumps(task)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    main()
