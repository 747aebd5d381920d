"""Most memory that a call takes beyond its inputs, in a process of its own.

    python -m benchmarks.peak

Linux: the high-water mark of resident memory is set back before the call (/proc/self/clear_refs).
"""

from __future__ import annotations

import argparse
import subprocess
import sys

from benchmarks.harness import DOCS, paste, writes

SHAPES = ((65_536, 10), (8_192, 1_000), (512, 32_768), (128, 128_256))
CALLS = {
    "loss and gradient": "pmy.cross_entropy_grad(z, y)",
    "in place": "pmy.cross_entropy_grad(z, y, out=z)",
    "loss alone": "pmy.cross_entropy(z, y)",
    "H v": "pmy.cross_entropy_hvp(z, y, v, out=v)",
}
_PROGRAM = """
import numpy as np, pminusy as pmy
def status(name):
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith(name))
random = np.random.default_rng(0)
def made(N, K):
    return (
        random.standard_normal((N, K), dtype=np.float32),
        random.integers(0, K, size=N),
        random.standard_normal((N, K), dtype=np.float32),
    )
z, y, v = made(64, {K})
{call}
z, y, v = made({N}, {K})
with open("/proc/self/clear_refs", "w") as file:
    file.write("5")
before = status("VmRSS")
result = {call}
print((status("VmHWM") - before) / 1024)
"""


def main() -> None:
    """Measure, print, paste."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peak")
    writes(parser)
    parser.parse_args()
    lines = [f"| MiB beyond the inputs | {' | '.join(CALLS)} | the logits themselves |"]
    lines.append("| --- |" + " ---: |" * (len(CALLS) + 1))
    for N, K in SHAPES:
        cells = [f"{_peak(call, N, K):.1f}" for call in CALLS.values()]
        lines.append(f"| {N:,} × {K:,} | {' | '.join(cells)} | {4 * N * K / 2**20:.1f} |")
    text = "\n".join(["### Memory, float32", "", *lines])
    print(text)
    paste(DOCS / "benchmarks.md", "peak", text)


def _peak(call: str, N: int, K: int) -> float:
    program = _PROGRAM.format(call=call, N=N, K=K)
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return float(run.stdout)


if __name__ == "__main__":
    main()
