"""Loss and gradient of CUDA tensors: this package beside torch, eager and compiled.

python -m benchmarks.cuda [--rounds 20] [--skip-compile]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import torch
from torch.nn import functional as F

from pminusy.torch import cross_entropy, linear_cross_entropy

SHAPES = ((65_536, 10), (8_192, 1_000), (8_192, 32_768), (4_096, 128_256))
LINEAR = (8_192, 4_096, 128_256)
Functions = dict[str, Callable[[], object]]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cuda", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--skip-compile", action="store_true")
    arguments = parser.parse_args()
    if not torch.cuda.is_available():
        print("no CUDA device: nothing measured")
        return
    print(torch.cuda.get_device_name(), "torch", torch.__version__)
    for dtype in (torch.float32, torch.bfloat16):
        print(f"\nLoss and gradient of logits, {dtype}: milliseconds, peak extra MiB")
        for N, K in SHAPES:
            report(f"{N:,} × {K:,}", logits(N, K, dtype, not arguments.skip_compile), arguments)
    shape = " × ".join(f"{n:,}" for n in LINEAR)
    print(
        f"\nLinear layer, loss and all gradients, bfloat16, {shape}: milliseconds, peak extra MiB"
    )
    arguments.rounds = min(arguments.rounds, 5)
    report("", linear(*LINEAR, not arguments.skip_compile), arguments)


def logits(N: int, K: int, dtype: torch.dtype, compiles: bool) -> Functions:
    """Loss and gradient of one set of logits, by each implementation."""
    z = torch.randn(N, K, device="cuda", dtype=dtype).requires_grad_()
    y = torch.randint(K, (N,), device="cuda")

    def run(function: Any) -> Callable[[], object]:
        def call() -> None:
            z.grad = None
            function(z, y).backward()

        return call

    found: Functions = {"pminusy.torch": run(cross_entropy), "torch": run(F.cross_entropy)}
    if compiles:
        found["torch.compile"] = run(torch.compile(F.cross_entropy))
        found["pminusy compiled"] = run(torch.compile(cross_entropy))
    return found


def linear(N: int, D: int, K: int, compiles: bool) -> Functions:
    """The same with the layer in front; bare: its three products and nothing else."""
    X, W = (torch.randn(n, D, device="cuda", dtype=torch.bfloat16) for n in (N, K))
    W *= 0.02
    y = torch.randint(K, (N,), device="cuda")
    X.requires_grad_()
    W.requires_grad_()

    def run(function: Any) -> Callable[[], object]:
        def call() -> None:
            X.grad = W.grad = None
            function(X, W, y).backward()

        return call

    def bare() -> None:
        with torch.no_grad():
            z = X @ W.T
            z @ W, z.T @ X

    def eager(X: Any, W: Any, y: Any) -> Any:
        return F.cross_entropy(F.linear(X, W), y)

    found: Functions = {"bare products": bare}
    for room in (2**28, 2**30, 2**32):
        name = f"pminusy.torch, {room >> 20} MiB"
        found[name] = run(lambda X, W, y, room=room: linear_cross_entropy(X, W, y, workspace=room))
    found["torch"] = run(eager)
    if compiles:
        found["torch.compile"] = run(torch.compile(eager))
    chunked = getattr(F, "linear_cross_entropy", None)
    if chunked is not None:
        options = torch.nn.LinearCrossEntropyOptions()
        found["torch, chunked"] = run(lambda X, W, y: chunked(X, W, y, options=options))
    return found


def report(problem: str, functions: Functions, arguments: argparse.Namespace) -> None:
    """Print medians by turns, and the peak of memory beyond what was there."""
    print(problem)
    working = {}
    for name, function in functions.items():
        start = time.perf_counter()
        try:
            for _ in range(3):
                function()
            torch.cuda.synchronize()
        except Exception as error:  # no Triton, no memory: the others are measured
            print(f"  {name:24s} {type(error).__name__}: {str(error).splitlines()[0][:80]}")
        else:
            working[name] = function
            if time.perf_counter() - start > 30:
                print(f"  {name:24s} took {time.perf_counter() - start:.0f} s to start")
    times: dict[str, list[float]] = {name: [] for name in working}
    for _ in range(arguments.rounds):
        for name, function in working.items():
            times[name].append(timed(function))
    for name, function in working.items():
        print(f"  {name:24s} {median(times[name]):9.3f} ms {peak(function) / 2**20:9.0f} MiB")


def timed(function: Callable[[], object]) -> float:
    """Milliseconds by the device's own clock."""
    event: Any = torch.cuda.Event  # untyped
    start, end = (event(enable_timing=True) for _ in range(2))
    start.record()
    function()
    end.record()
    torch.cuda.synchronize()
    return float(start.elapsed_time(end))


def peak(function: Callable[[], object]) -> int:
    """Bytes allocated at most beyond what was there before."""
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    function()
    torch.cuda.synchronize()
    return int(torch.cuda.max_memory_allocated() - before)


if __name__ == "__main__":
    main()
