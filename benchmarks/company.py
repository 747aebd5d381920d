"""Loss and gradient where they are used: between two matrix products, as a training step has them.

    python -m benchmarks.loss --company [--shape 0 1 2 3] [--type float32] [--place torch NumPy]

A step is z = X Wᵀ, loss and dL_dz, dL_dzᵀ X. The time is that of the middle part alone. Whoever
makes the products leaves threads that spin for some milliseconds, a cache full of its own, and a
processor asleep or awake; peers stand in the same place. The copy, of the same bytes and by the
same library as the products, stands there too.

    torch   its products: torch, torch.compile, `pminusy.torch`; `pminusy` on the same memory
    NumPy   its products: `pminusy`, the formula in SciPy, scikit-learn
    jax     its products and its loss, in the table of torch

"one thread": `pminusy` at the same place after `set_num_threads(1)`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any, NamedTuple

import numpy as np

import pminusy as pmy
from benchmarks.disturbance import Watch
from benchmarks.harness import Measured, merged
from benchmarks.peers import compiled_loss, formula, installed, jax_loss, sklearn_loss

__all__ = ["PLACES", "SHAPES", "company", "named"]

SHAPES = ((65_536, 10), (8_192, 1_000), (512, 32_768), (128, 128_256))
WIDTH = 256
"""Features of X: what is small for a hidden layer still makes the products the larger part."""

_TURN = 0.25  # seconds of steps, at least
_PATIENCE = 60.0  # seconds in which disturbed turns are made again
_FEWEST = 3  # steps of a turn, after one that is not timed
OURS = ("pminusy", "pminusy.torch")


class Step(NamedTuple):
    """One training step in three parts; the middle one is timed."""

    forward: Callable[[], Any]  # the logits
    head: Callable[[Any], Any]  # loss and gradient from them: the gradient
    backward: Callable[[Any], Any]


def company(
    chosen: list[int], types: list[str], rounds: int, places: list[str]
) -> Iterator[tuple[str, str, list[Measured], list[str]]]:
    """Tables of some shapes, and of those measured before: name, title, rows, remarks.

    Each shape and place has a process of its own: no threads but those of the company measured.
    """
    order = [named(*shape) for shape in SHAPES]
    for dtype in types:
        for place in places:
            tasks = [{"shape": SHAPES[i], "type": dtype, "place": place} for i in chosen]
            found = [_in_a_process(task | {"rounds": rounds}) for task in tasks]
            name = f"company-{place.lower()}-{dtype}"
            rows = merged(name, [Measured(**row) for row in found if row], order)
            if rows:
                title = f"Between products of {place}, {dtype}, milliseconds (ratio to the copy)"
                yield name, title, rows, _remarks(rows)


def _in_a_process(task: dict[str, Any]) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.company", json.dumps(task)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    *said, found = done.stdout.splitlines()
    print("\n".join(said))
    return dict(json.loads(found))


def named(N: int, K: int) -> str:
    """A shape as tables have it."""
    return f"{N:,} × {K:,}"


def _measured(task: dict[str, Any]) -> dict[str, Any]:
    """Times of one shape between products of one library; {} where that is not installed."""
    (N, K), dtype, random = task["shape"], task["type"], np.random.default_rng(0)
    X = random.standard_normal((N, WIDTH)).astype(dtype)
    W = random.standard_normal((K, WIDTH)).astype(dtype) * np.asarray(WIDTH**-0.5, dtype)
    steps = PLACES[task["place"]](X, W, random.integers(0, K, size=N))
    if not steps:
        return {}
    times = by_turns(steps, task["rounds"])
    return {"problem": named(N, K), "limit": "copy", "milliseconds": times}


def by_turns(steps: dict[str, Step], rounds: int) -> dict[str, float]:
    """Median milliseconds of the middle of each step; in a round each has one turn.

    A turn in which other processes took processors away is made again, while there is time.
    """
    times: dict[str, list[float]] = {name: [] for name in steps}
    end, disturbed = time.perf_counter() + _PATIENCE, 0
    for _ in range(rounds):
        for name, step in steps.items():
            while True:
                with Watch() as watch:
                    found = _turn(step)
                disturbed += watch.disturbed
                if not watch.disturbed or time.perf_counter() > end:
                    break
            times[name].append(found)
    print(f"turns that other processes disturbed: {disturbed}")
    return {name: 1e3 * median(found) for name, found in times.items()}


def _turn(step: Step) -> float:
    """Seconds of the middle part: the median over some steps after one that is not timed."""
    spent: list[float] = []
    begin = time.perf_counter()
    while len(spent) <= _FEWEST or time.perf_counter() - begin < _TURN:
        z = step.forward()
        start = time.perf_counter()
        gradient = step.head(z)
        spent.append(time.perf_counter() - start)
        step.backward(gradient)
        del z, gradient
    return median(spent[1:])


def by_numpy(X: Any, W: Any, y: Any) -> dict[str, Step]:
    """What a caller of NumPy can have."""
    copied = np.ones((X.shape[0], W.shape[0]), X.dtype)

    def copy(z: Any) -> Any:
        np.copyto(copied, z)
        return copied

    def ours(z: Any) -> Any:
        return pmy.cross_entropy_grad(z, y)[1]

    heads = {
        "copy": copy,
        "pminusy": ours,
        "one thread": _on_one_thread(ours),
        "scikit-learn": sklearn_loss(y, W.shape[0], X.dtype),
        "NumPy + SciPy": formula(y),
    }
    return {
        name: Step(lambda: X @ W.T, head, lambda g: g.T @ X)
        for name, head in heads.items()
        if head is not None
    }


def by_torch(X: Any, W: Any, y: Any) -> dict[str, Step]:
    """What a caller of torch can have; and jax, between products of its own."""
    torch = installed("torch")
    if torch is None:
        return {}
    from pminusy.torch import cross_entropy

    torch.set_num_threads(pmy.get_num_threads())
    inputs, weights, target = torch.from_numpy(X), torch.from_numpy(W), torch.from_numpy(y)
    copied = torch.ones((X.shape[0], W.shape[0]), dtype=inputs.dtype)

    def by_autograd(loss: Any) -> Callable[[Any], Any]:
        def head(z: Any) -> Any:
            z.requires_grad_()
            return torch.autograd.grad(loss(z, target), z)[0]

        return head

    def on_its_memory(z: Any) -> Any:
        return torch.from_numpy(pmy.cross_entropy_grad(z.numpy(), y)[1])

    heads = {
        "copy": copied.copy_,
        "pminusy.torch": by_autograd(cross_entropy),
        "pminusy": on_its_memory,
        "one thread": _on_one_thread(on_its_memory),
        "torch": by_autograd(torch.nn.functional.cross_entropy),
    }
    compiled = compiled_loss(inputs @ weights.T, target)
    if compiled is not None:
        heads["torch.compile"] = by_autograd(compiled)
    steps = {
        name: Step(lambda: inputs @ weights.T, head, lambda g: g.T @ inputs)
        for name, head in heads.items()
    }
    return steps | _by_jax(X, W, y)


def _by_jax(X: Any, W: Any, y: Any) -> dict[str, Step]:
    head = jax_loss()
    if head is None:
        return {}
    jax = installed("jax")
    inputs, weights, target = (jax.numpy.asarray(a) for a in (X, W, y))
    ready = jax.block_until_ready
    forward = jax.jit(lambda X, W: X @ W.T)
    backward = jax.jit(lambda g, X: g.T @ X)
    return {
        "jax + optax": Step(
            lambda: ready(forward(inputs, weights)),
            lambda z: ready(head(z, target))[1],
            lambda g: ready(backward(g, inputs)),
        )
    }


PLACES = {"torch": by_torch, "NumPy": by_numpy}


def _on_one_thread(head: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def alone(z: Any) -> Any:
        threads = pmy.get_num_threads()
        pmy.set_num_threads(1)
        try:
            return head(z)
        finally:
            pmy.set_num_threads(threads)

    return alone


def _remarks(rows: list[Measured]) -> list[str]:
    """How many times the time of ours each peer takes: geometric means over the shapes."""
    names = dict.fromkeys(n for row in rows for n in row.milliseconds)
    ours = [name for name in OURS if name in names]
    lines = []
    for name in names:
        if name in ("copy", *ours):
            continue
        means = " and ".join(f"{_mean_ratio(rows, name, own):.1f} × {own}" for own in ours)
        lines.append(f"{name}: {means} (geometric mean)\n")
    return lines


def _mean_ratio(rows: list[Measured], name: str, to: str) -> float:
    found = [row.ratio(name, to) for row in rows if name in row.milliseconds]
    return float(np.exp(np.mean(np.log(found))))


if __name__ == "__main__":
    print(json.dumps(_measured(json.loads(sys.argv[1]))))
