"""Most memory that training a network takes beyond its rows, in a process of its own.

Beside `MLPClassifier` and a plain torch loop with the fused Adam: float32, Adam, batches of 128,
one epoch of 1,024 random rows. The least is four numbers a parameter: weight, gradient and two
moments.

    python -m benchmarks.network_memory [--write]

Linux: the high-water mark of resident memory is set back before training (/proc/self/clear_refs).
"""

from __future__ import annotations

import argparse
import itertools
import os
import subprocess
import sys

from benchmarks.harness import DOCS, paste, writes

SHAPES = ((784, 512, 512, 10), (784, 2048, 2048, 10))
_COMPILED = {"PMINUSY_IMPLEMENTATION": "cpu"}  # so that the small fit loads the kernels
_BEGIN = """
import sys, warnings
import numpy as np
warnings.simplefilter("ignore")
units = tuple(map(int, sys.argv[1].split(",")))
def status(name):
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith(name))
random = np.random.default_rng(0)
X = random.standard_normal((1024, units[0]), dtype=np.float32)
y = np.arange(1024) % units[-1]
options = dict(batch_size=128, max_iter=1, random_state=0)
"""
_END = """
train((8,), X[:, :16].copy(), y)
with open("/proc/self/clear_refs", "w") as file:
    file.write("5")
before = status("VmRSS")
kept = train(units[1:-1], X, y)
print((status("VmHWM") - before) / 1024, (status("VmRSS") - before) / 1024)
"""
_OF = {
    "pminusy": """
from pminusy import SoftmaxNetwork
def train(hidden, X, y):
    return SoftmaxNetwork(hidden, **options).fit(X, y)
""",
    "MLPClassifier": """
from sklearn.neural_network import MLPClassifier
def train(hidden, X, y):
    return MLPClassifier(hidden, **options).fit(X, y)
""",
    "torch": """
import itertools, torch
def train(hidden, X, y):
    layers = []
    for inputs, outputs in itertools.pairwise((X.shape[1], *hidden, units[-1])):
        layers += [torch.nn.Linear(inputs, outputs), torch.nn.ReLU()]
    net = torch.nn.Sequential(*layers[:-1])
    adam = torch.optim.Adam(net.parameters(), fused=True)
    rows, labels = torch.tensor(X), torch.tensor(y)
    for batch in torch.randperm(len(rows)).split(128):
        adam.zero_grad(set_to_none=True)
        torch.nn.functional.cross_entropy(net(rows[batch]), labels[batch]).backward()
        adam.step()
    return net
""",
}


def main() -> None:
    """Measure, print, paste."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.network_memory")
    writes(parser)
    parser.parse_args()
    lines = [
        f"| MiB: most, and kept afterwards | parameters | {' | '.join(_OF)} | four a parameter |",
        "| --- | ---: |" + " ---: |" * (len(_OF) + 1),
    ]
    for units in SHAPES:
        parameters = sum((a + 1) * b for a, b in itertools.pairwise(units))
        cells = ["{:.0f}, {:.0f}".format(*_peak(who, units)) for who in _OF]
        lines.append(
            f"| {' × '.join(map(str, units))} | {parameters:,} | {' | '.join(cells)} | "
            f"{16 * parameters / 2**20:.0f} |"
        )
    text = "\n".join(["### Networks: memory of training, float32", "", *lines])
    print(text)
    paste(DOCS / "benchmarks.md", "network-memory", text)


def _peak(who: str, units: tuple[int, ...]) -> tuple[float, float]:
    program = _BEGIN + _OF[who] + _END
    run = subprocess.run(
        [sys.executable, "-c", program, ",".join(map(str, units))],
        capture_output=True, text=True, check=True, env=os.environ | _COMPILED,
    )  # fmt: skip
    most, kept = map(float, run.stdout.split())
    return most, kept


if __name__ == "__main__":
    main()
