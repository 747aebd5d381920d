"""Array functions on small arrays, beside SciPy and torch: microseconds, by turns."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np
from scipy.special import softmax as scipy_softmax

__all__ = ["array_calls"]

_ROUNDS, _CALLS = 15, 30


def array_calls() -> list[list[str]]:
    """Rows of the table: call, ours, the peer, its time, the ratio; prints each as it comes."""
    rows = []
    for N, K in ((32, 10), (1000, 10), (100, 100)):
        z = np.random.default_rng(0).normal(size=(N, K)).astype(np.float32)
        y = np.arange(N) % K
        for label, ours, peer, theirs in _pairs(z, y):
            own, other = _by_turns(ours, theirs)
            row = [
                f"{label}, {N:,} × {K}",
                f"{own:.1f}",
                peer,
                f"{other:.1f}",
                f"{other / own:.2f}",
            ]
            print("  ".join(row), flush=True)
            rows.append(row)
    return rows


def _pairs(z: Any, y: Any) -> list[tuple[str, Callable[[], Any], str, Callable[[], Any]]]:
    import pminusy as pmy

    pairs: list[tuple[str, Callable[[], Any], str, Callable[[], Any]]] = [
        ("softmax", lambda: pmy.softmax(z), "SciPy", lambda: scipy_softmax(z, axis=1))
    ]
    if importlib.util.find_spec("torch") is None:
        return pairs
    import torch

    import pminusy.torch as pt

    torch.set_num_threads(1)

    tz, ty = torch.tensor(z, requires_grad=True), torch.tensor(y)

    def steps(function: Callable[..., Any]) -> Callable[[], Any]:
        def call() -> Any:
            tz.grad = None
            function(tz, ty).backward()
            return tz.grad

        return call

    plain = steps(torch.nn.functional.cross_entropy)
    pairs += [
        ("softmax", lambda: pmy.softmax(z), "torch", lambda: torch.softmax(tz.detach(), 1)),
        ("loss and gradient", lambda: pmy.cross_entropy_grad(z, y), "torch", plain),
        ("pminusy.torch", steps(pt.cross_entropy), "torch", plain),
    ]
    return pairs


def _by_turns(*functions: Callable[[], object]) -> list[float]:
    """Median microseconds a call: some calls of each in turn, the first of them not counted."""
    times: list[list[float]] = [[] for _ in functions]
    for _ in range(_ROUNDS):
        for function, found in zip(functions, times, strict=True):
            for call in range(_CALLS):
                began = time.perf_counter()
                function()
                if call >= _CALLS // 3:
                    found.append(1e6 * (time.perf_counter() - began))
    return [median(found) for found in times]
