"""Loss and gradient of logits: this package, its peers, and a threaded copy of the same bytes.

    python -m benchmarks.loss [--rounds 15] [--type float32 float64] [--shape 0 1 2 3]
    python -m benchmarks.loss --company      between matrix products: see `benchmarks.company`

What a gradient is written to differs. The copy: always the same array. "pminusy": what a plain call
returns, memory of an earlier result (`kernels.memory`). "in place": always the same array. "new
pages": memory that the system maps and clears anew. The peers: what each of them does by itself.
"""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from math import prod
from typing import Any

import numpy as np

import pminusy as pmy
from benchmarks.company import PLACES, SHAPES, company, named
from benchmarks.harness import Measured, by_turns, draw, merged, write, writes
from benchmarks.peers import compiled_loss, formula, installed, jax_loss, sklearn_loss

OURS = "pminusy"
ORDER = [named(*shape) for shape in SHAPES]
Functions = dict[str, Callable[[], object]]


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.loss", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    writes(parser)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--type", nargs="*", default=["float32", "float64"])
    parser.add_argument("--shape", type=int, nargs="*", default=list(range(len(SHAPES))))
    parser.add_argument("--place", nargs="*", choices=PLACES, default=[*PLACES])
    parser.add_argument("--company", action="store_true", help="inside a training step")
    arguments = parser.parse_args()
    if arguments.company:
        for table in company(arguments.shape, arguments.type, arguments.rounds, arguments.place):
            write(*table)
        return
    for dtype in arguments.type:
        gradient, alone = [], []
        for N, K in (SHAPES[i] for i in arguments.shape):
            random = np.random.default_rng(0)
            z, y = random.normal(size=(N, K)).astype(dtype), random.integers(0, K, size=N)
            functions = limits(z) | ours(z, y) | torch_peers(z, y) | jax_peer(z, y) | others(z, y)
            times = by_turns(functions, arguments.rounds)
            problem = named(N, K)
            loss_only = {n: times.pop(n) for n in ("read", "loss alone")}
            gradient.append(Measured(problem, "copy", times))
            alone.append(Measured(problem, "read", loss_only))
        gradient = merged(f"loss-{dtype}", gradient, ORDER)
        alone = merged(f"loss-alone-{dtype}", alone, ORDER)
        unit = "milliseconds (ratio to the limit)"
        title = f"Loss and gradient, {dtype}, {unit}"
        write(f"loss-{dtype}", title, gradient, remarks(gradient), picture=True)
        draw(f"loss-{dtype}", f"Loss and gradient, {dtype}: time over that of a copy", gradient)
        write(f"loss-alone-{dtype}", f"Loss alone, {dtype}, {unit}", alone, [])


def remarks(problems: list[Measured]) -> list[str]:
    """Geometric means over the shapes of how many times faster than each peer."""
    found = []
    for name in problems[0].milliseconds:
        if name in ("copy", OURS, "in place", "new pages"):
            continue
        ratios = [p.ratio(name, OURS) for p in problems if name in p.milliseconds]
        mean = prod(ratios) ** (1 / len(ratios))
        found.append(
            f"{name}: {mean:.1f} × our time (geometric mean), at least {min(ratios):.1f} ×\n"
        )
    return found


def limits(z: Any) -> Functions:
    """A copy of the logits, and a sum over them, by as many threads as we use."""
    threads = pmy.get_num_threads()
    pool, out = ThreadPoolExecutor(threads), np.ones_like(z)
    parts = np.array_split(np.arange(z.shape[0]), threads)
    slices = [slice(p[0], p[-1] + 1) for p in parts]
    return {
        "copy": lambda: list(pool.map(lambda s: np.copyto(out[s], z[s]), slices)),
        "read": lambda: list(pool.map(lambda s: np.sum(z[s]), slices)),
    }


def ours(z: Any, y: Any) -> Functions:
    """A plain call, memory that is there, new pages, and no gradient."""
    out = np.ones_like(z)
    return {
        OURS: lambda: pmy.cross_entropy_grad(z, y),
        "in place": lambda: pmy.cross_entropy_grad(z, y, out=out),
        "new pages": lambda: pmy.cross_entropy_grad(z, y, out=np.empty_like(z)),
        "loss alone": lambda: pmy.cross_entropy(z, y),
    }


def torch_peers(z: Any, y: Any) -> Functions:
    """torch eager and compiled, and our binding."""
    torch = installed("torch")
    if torch is None:
        return {}
    torch.set_num_threads(pmy.get_num_threads())
    target = torch.tensor(y)

    def run(function: Any) -> Callable[[], object]:
        logits = torch.tensor(z, requires_grad=True)  # nobody pays for freeing another's gradient

        def call() -> None:
            logits.grad = None
            function(logits, target).backward()

        return call

    found: Functions = {"torch": run(torch.nn.functional.cross_entropy)}
    compiled = compiled_loss(torch.tensor(z), target)
    if compiled is not None:
        found["torch.compile"] = run(compiled)
    our_torch = importlib.import_module("pminusy.torch")
    return {**found, "pminusy.torch": run(our_torch.cross_entropy)}


def jax_peer(z: Any, y: Any) -> Functions:
    """jax.jit over optax."""
    function = jax_loss()
    if function is None:
        return {}
    jax = installed("jax")
    logits, target = jax.numpy.asarray(z), jax.numpy.asarray(y)
    return {"jax + optax": lambda: jax.block_until_ready(function(logits, target))}


def others(z: Any, y: Any) -> Functions:
    """scikit-learn's loss where it is not too slow to wait for, and the formula in SciPy."""
    heads = {"scikit-learn": sklearn_loss(y, z.shape[1], z.dtype), "NumPy + SciPy": formula(y)}
    return {name: partial(head, z) for name, head in heads.items() if head is not None}


if __name__ == "__main__":
    main()
