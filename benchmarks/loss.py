"""Loss and gradient of logits: this package, its peers, and a threaded copy of the same bytes.

    python -m benchmarks.loss [--rounds 15] [--type float32 float64]

What a gradient is written to differs. The copy: always the same array. "pminusy": what a plain call
returns, memory of an earlier result (`kernels.memory`). "in place": always the same array. "new
pages": memory that the system maps and clears anew. The peers: what each of them does by itself.
"""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from math import prod
from typing import Any

import numpy as np

import pminusy as pmy
from benchmarks.harness import Measured, by_turns, draw, write, writes

SHAPES = ((65_536, 10), (8_192, 1_000), (512, 32_768), (128, 128_256))
OURS = "pminusy"
Functions = dict[str, Callable[[], object]]


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.loss", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    writes(parser)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--type", nargs="*", default=["float32", "float64"])
    arguments = parser.parse_args()
    for dtype in arguments.type:
        gradient, alone = [], []
        for N, K in SHAPES:
            random = np.random.default_rng(0)
            z, y = random.normal(size=(N, K)).astype(dtype), random.integers(0, K, size=N)
            functions = limits(z) | ours(z, y) | torch_peers(z, y) | jax_peer(z, y) | others(z, y)
            times = by_turns(functions, arguments.rounds)
            problem = f"{N:,} × {K:,}"
            loss_only = {n: times.pop(n) for n in ("read", "loss alone")}
            gradient.append(Measured(problem, "copy", times))
            alone.append(Measured(problem, "read", loss_only))
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
    """torch eager and compiled."""
    torch = _installed("torch")
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

    eager = torch.nn.functional.cross_entropy
    found: Functions = {"torch": run(eager)}
    compiled = run(torch.compile(lambda z, y: eager(z, y)))
    try:
        compiled()
    except Exception as error:  # no C++ compiler, say
        print(f"torch.compile: skipped ({type(error).__name__})")
    else:
        found["torch.compile"] = compiled
    our_torch = importlib.import_module("pminusy.torch")
    return {**found, "pminusy.torch": run(our_torch.cross_entropy)}


def jax_peer(z: Any, y: Any) -> Functions:
    """jax.jit over optax."""
    jax, optax = _installed("jax"), _installed("optax")
    if jax is None or optax is None:
        return {}
    jax.config.update("jax_enable_x64", True)
    per_row = optax.softmax_cross_entropy_with_integer_labels
    function = jax.jit(jax.value_and_grad(lambda z, y: per_row(z, y).mean()))
    logits, target = jax.numpy.asarray(z), jax.numpy.asarray(y)
    return {"jax + optax": lambda: jax.block_until_ready(function(logits, target))}


def others(z: Any, y: Any) -> Functions:
    """scikit-learn's loss where it is not too slow to wait for, and the formula in SciPy."""
    sklearn_loss = _installed("sklearn._loss.loss")
    found: Functions = {}
    if sklearn_loss is not None and z.shape[1] <= 1000:
        half = sklearn_loss.HalfMultinomialLoss(n_classes=z.shape[1])
        labels = y.astype(z.dtype)
        threads = pmy.get_num_threads()
        found["scikit-learn"] = lambda: half.loss_gradient(labels, z, n_threads=threads)
    special = _installed("scipy.special")
    if special is not None:

        def plain() -> object:
            p = special.softmax(z, axis=1)
            loss = -np.log(p[np.arange(y.size), y]).mean()
            p[np.arange(y.size), y] -= 1
            p /= y.size
            return loss, p

        found["NumPy + SciPy"] = plain
    return found


def _installed(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        print(f"{name}: not installed, skipped")
        return None


if __name__ == "__main__":
    main()
