"""Small array calls beside SciPy and torch: every function, type, option and some small shapes.

    python -m benchmarks.calls [--half tuning|held-out] [--rounds N] [--write]

Microseconds of single calls, by turns in one process, one thread on both sides; medians. torch
computes the same from its own operations, under autograd where a derivative is asked for. Half of
the combinations were looked at while the calls were tuned, and half are held out; which is which is
drawn by a fixed seed. The first table has the calls without options; the second says what options
come to. `--half` alone measures one half.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from statistics import geometric_mean, median
from typing import Any

import numpy as np
import scipy.special
import torch
import torch.nn.functional as F

import pminusy as pmy
import pminusy.torch as pt
from benchmarks.harness import DOCS, paste, writes

__all__ = ["main"]

_CALLS = 30  # of a turn, of which the first third is not counted
_SHAPES = ((1, 3), (32, 10), (1000, 10), (100, 100), (8, 1000))
_PLAIN = ((32, 10), (1000, 10), (100, 100))  # of the table without options
_SLOW = 3.0  # times a peer's time that are named

Function = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Case:
    """One call, and the same by peers."""

    function: str
    dtype: str
    shape: tuple[int, int]
    option: str
    ours: Function
    peers: dict[str, Function]

    @property
    def label(self) -> str:
        """What it is, in words."""
        option = f", {self.option}" if self.option != "no option" else ""
        return f"{self.function}, {self.shape[0]:,} × {self.shape[1]:,}, {self.dtype}{option}"


def _options(N: int, K: int, dtype: Any) -> dict[str, dict[str, Any]]:
    random = np.random.default_rng(2)
    return {
        "no option": {},
        "sum": {"reduction": "sum"},
        "none": {"reduction": "none"},
        "weight": {"weight": random.uniform(0.5, 2, K).astype(dtype)},
        "sample_weight": {"sample_weight": random.uniform(0.5, 2, N).astype(dtype)},
        "label_smoothing": {"label_smoothing": 0.1},
        "ignore_index": {"ignore_index": 1},
        "soft targets": {},
        "temperature": {"temperature": 2.0},
        "softcap": {"softcap": 20.0},
        "z_loss": {"z_loss": 1e-4},
    }


def cases() -> list[Case]:
    """All combinations."""
    found = []
    for (N, K), dtype in product(_SHAPES, (np.float32, np.float64)):
        random = np.random.default_rng(0)
        z = (random.normal(size=(N, K)) * 3).astype(dtype)
        found += list(_of_probabilities(z))
        for name, options in _options(N, K, dtype).items():
            y = random.integers(0, K, N)
            soft = random.dirichlet(np.ones(K), N).astype(dtype)
            found += list(_of_losses(z, soft if name == "soft targets" else y, name, options))
    return found


def _of_probabilities(z: Any) -> Iterator[Case]:
    kind = z.dtype.name, z.shape, "no option"
    tensor = torch.tensor(z)
    yield Case("softmax", *kind, lambda: pmy.softmax(z), {
        "SciPy": lambda: scipy.special.softmax(z, axis=1),
        "torch": lambda: torch.softmax(tensor, 1),
    })  # fmt: skip
    yield Case("log_softmax", *kind, lambda: pmy.log_softmax(z), {
        "SciPy": lambda: scipy.special.log_softmax(z, axis=1),
        "torch": lambda: torch.log_softmax(tensor, 1),
    })  # fmt: skip

    def jacobian() -> Any:
        p = torch.softmax(tensor, 1)
        return torch.diag_embed(p) - p[:, :, None] * p[:, None, :]

    if z.shape[1] <= 100:
        yield Case("softmax_jacobian", *kind, lambda: pmy.softmax_jacobian(z), {"torch": jacobian})


def _of_losses(z: Any, y: Any, name: str, options: dict[str, Any]) -> Iterator[Case]:
    kind = z.dtype.name, z.shape, name
    v = np.random.default_rng(1).normal(size=z.shape).astype(z.dtype)
    leaf, target, direction = torch.tensor(z, requires_grad=True), torch.tensor(y), torch.tensor(v)
    given: dict[str, Any] = {
        k: torch.tensor(o) if isinstance(o, np.ndarray) else o for k, o in options.items()
    }
    fixed = leaf.detach()

    def stepped(function: Callable[..., Any]) -> Function:
        def step() -> object:
            leaf.grad = None
            function(leaf, target, **given).sum().backward()
            return leaf.grad

        def reduced_step() -> object:
            leaf.grad = None
            function(leaf, target, **given).backward()
            return leaf.grad

        return step if name == "none" else reduced_step

    def product_with_hessian() -> object:
        loss = by_torch(leaf, target, **given).sum()
        (gradient,) = torch.autograd.grad(loss, leaf, create_graph=True)
        return torch.autograd.grad(gradient, leaf, direction)

    by_autograd = stepped(by_torch)
    yield Case("cross_entropy", *kind, lambda: pmy.cross_entropy(z, y, **options),
               {"torch": lambda: by_torch(fixed, target, **given)})  # fmt: skip
    yield Case("cross_entropy_grad", *kind, lambda: pmy.cross_entropy_grad(z, y, **options),
               {"torch": by_autograd})  # fmt: skip
    yield Case("cross_entropy_hvp", *kind, lambda: pmy.cross_entropy_hvp(z, y, v, **options),
               {"torch": product_with_hessian})  # fmt: skip
    yield Case("pminusy.torch, both passes", *kind, stepped(pt.cross_entropy),
               {"torch": by_autograd})  # fmt: skip


def by_torch(
    z: Any,
    y: Any,
    *,
    sample_weight: Any = None,
    temperature: float = 1.0,
    softcap: float | None = None,
    z_loss: float = 0.0,
    reduction: str = "mean",
    **options: Any,
) -> Any:
    """The loss with every option, of torch's own operations."""
    if softcap is not None:
        z = softcap * torch.tanh(z / softcap)
    if temperature != 1.0:
        z = z / temperature
    if sample_weight is None and not z_loss:
        return F.cross_entropy(z, y, reduction=reduction, **options)
    losses = F.cross_entropy(z, y, reduction="none", **options)
    if z_loss:
        losses = losses + z_loss * torch.logsumexp(z, 1).square()
    if sample_weight is None:
        return losses.mean()
    return (losses * sample_weight).sum() / sample_weight.sum()


def halves(found: list[Case]) -> dict[str, list[Case]]:
    """Those looked at while tuning, and those held out."""
    order = np.random.default_rng(7).permutation(len(found))
    tuning = set(order[: len(found) // 2].tolist())
    return {
        "tuning": [case for i, case in enumerate(found) if i in tuning],
        "held-out": [case for i, case in enumerate(found) if i not in tuning],
    }


def microseconds(case: Case, rounds: int) -> dict[str, float]:
    """Median of single calls, some calls of each in turn."""
    functions = {"ours": case.ours, **case.peers}
    times: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            for call in range(_CALLS):
                began = time.perf_counter_ns()
                function()
                if call >= _CALLS // 3:
                    times[name].append((time.perf_counter_ns() - began) / 1e3)
    return {name: median(taken) for name, taken in times.items()}


def main() -> None:
    """Measure, print, paste."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    writes(parser)
    parser.add_argument("--half", choices=("tuning", "held-out"), help="one half only")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="calls whose label contains this")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    pmy.set_num_threads(1)
    rows: list[tuple[str, Case, dict[str, float]]] = []
    for half, found in halves(cases()).items():
        for case in found:
            if arguments.half in (None, half) and arguments.only in case.label:
                case.ours()  # the first call loads its kernel
                times = microseconds(case, arguments.rounds)
                rows.append((half, case, times))
                print(f"{half}: {case.label}: {_shown(times)}", flush=True)
    text = "\n".join([*_table(rows), "", *_summary(rows), ""])
    print(text)
    paste(DOCS / "benchmarks.md", "calls", text)


def _shown(times: dict[str, float]) -> str:
    return ", ".join(f"{name} {taken:.1f}" for name, taken in times.items())


def _ratio(times: dict[str, float], peer: str) -> float:
    return times[peer] / times["ours"]


def _table(rows: list[tuple[str, Case, dict[str, float]]]) -> list[str]:
    lines = [
        "### Small calls without options, microseconds",
        "",
        "| call | type | pminusy | SciPy | torch | SciPy / ours | torch / ours |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    ordered = sorted(rows, key=lambda row: (row[1].function, row[1].dtype))
    for shape in _PLAIN:
        for _, case, times in ordered:
            if case.option == "no option" and case.shape == shape:
                peers = [f"{times[p]:.1f}" if p in times else "–" for p in ("SciPy", "torch")]
                ratios = [
                    f"{_ratio(times, p):.2f}" if p in times else "–" for p in ("SciPy", "torch")
                ]
                call = f"{case.function}, {shape[0]:,} × {shape[1]}"
                cells = [call, case.dtype, f"{times['ours']:.1f}", *peers, *ratios]
                lines.append(f"| {' | '.join(cells)} |")
    return lines


def _summary(rows: list[tuple[str, Case, dict[str, float]]]) -> list[str]:
    """What each half comes to, and what takes more than `_SLOW` times a peer's time."""
    lines = [
        f"All functions × 2 types × {len(_options(1, 2, np.float32))} options × {len(_SHAPES)} "
        "shapes, one thread on both sides, by turns:",
        "",
    ]
    for half in ("tuning", "held-out"):
        ratios = [_ratio(t, p) for h, c, t in rows if h == half for p in c.peers]
        if ratios:
            ahead = sum(ratio >= 1 for ratio in ratios)
            lines.append(
                f"- {half}: {len(ratios)} comparisons, the peer takes {geometric_mean(ratios):.2f} "
                f"× our time (geometric mean), at least {min(ratios):.3f}; ours is ahead in {ahead}"
            )
    worst: dict[str, float] = {}
    for _, case, times in rows:
        call = f"{case.function}, {case.shape[0]:,} × {case.shape[1]:,}"
        slowest = max(1 / _ratio(times, peer) for peer in case.peers)
        if slowest > _SLOW:
            worst[call] = max(slowest, worst.get(call, 0.0))
    named = "; ".join(f"{call} ({slowest:.1f})" for call, slowest in worst.items())
    lines.append(
        f"- more than {_SLOW:g} × a peer's time, with the worst of their options: {named or 'none'}"
    )
    return lines


if __name__ == "__main__":
    main()
