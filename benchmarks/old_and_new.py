"""An older checkout against this one: the same work in separate processes, by turns.

    python -m benchmarks.old_and_new OLD [--rounds 7] [--only fit]

OLD is the root of a checkout of an earlier commit. Each piece of work runs in a process of its own
under this Python, with the sources of one checkout: once to compile and load, then `repeats` times
measured. Rounds alternate old and new, and which goes first. User time is that of the process and
of those it starts. Both columns are medians over rounds of the median repeat; a ratio is the median
over rounds of new / old, so that what slows the machine slows both.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

NEW = Path(__file__).resolve().parent.parent


class Work(NamedTuple):
    """What is measured: code that prepares, a statement, and how often it runs in a process."""

    prepare: str
    statement: str
    repeats: int


_LOGITS = """
r = np.random.default_rng(0)
z, y = r.normal(size=({N}, {K})).astype(np.{dtype}), r.integers(0, {K}, {N})
"""
_LAYER = """
r = np.random.default_rng(0)
X, W = r.normal(size=(2000, 64)), r.normal(size=(1000, 64))
X, W, b, y = X.astype(np.float32), W.astype(np.float32), None, r.integers(0, 1000, 2000)
"""
_DENSE = """
r = np.random.default_rng(0)
X, y = r.normal(size=({N}, {D})), None
y = (X @ r.normal(size=({D}, {K})) + 3 * r.normal(size=({N}, {K}))).argmax(1)
"""
_SPARSE = """
import scipy.sparse
r = np.random.default_rng(0)
X = scipy.sparse.random(4000, 3000, 0.01, format="csr", random_state=0)
y = (X @ r.normal(size=(3000, 5)) + 0.3 * r.normal(size=(4000, 5))).argmax(1)
"""
_SUBMISSION = """
import pathlib, tempfile
path = pathlib.Path(tempfile.mkdtemp()) / "submission.py"
path.write_text('''
import numpy as np

def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)

def softmax_loss(z, y):
    p = softmax(z)
    rows = np.arange(len(y))
    loss = -np.log(p[rows, y]).mean()
    p[rows, y] -= 1
    return loss, p
''')
import subprocess, sys
"""
_FIT = "pmy.SoftmaxRegression().fit(X, y)"
WORK = {
    "loss 8 × 10": Work(
        _LOGITS.format(N=8, K=10, dtype="float64"), "pmy.cross_entropy_grad(z, y)", 200
    ),
    "loss 2,000 × 1,000": Work(
        _LOGITS.format(N=2000, K=1000, dtype="float32"), "pmy.cross_entropy_grad(z, y)", 30
    ),
    "loss 2,000 × 1,000, smoothed": Work(
        _LOGITS.format(N=2000, K=1000, dtype="float32"),
        "pmy.cross_entropy_grad(z, y, label_smoothing=0.1)", 20,
    ),
    "linear 2,000 × 64 × 1,000": Work(
        _LAYER, "pmy.linear_cross_entropy_grad(X, W, b, y)", 20
    ),
    "fit 400 × 10, 3 classes": Work(_DENSE.format(N=400, D=10, K=3), _FIT, 20),
    "fit 20,000 × 50, 10 classes": Work(_DENSE.format(N=20000, D=50, K=10), _FIT, 2),
    "fit 4,000 × 3,000 sparse, 5 classes": Work(_SPARSE, _FIT, 2),
    "explain three logits": Work("", "pmy.explain(z=[2.0, 1.0, 0.1], y=0).to_markdown()", 2),
    "check one file": Work(
        _SUBMISSION,
        'assert subprocess.run([sys.executable, "-m", "pminusy", "check", path]).returncode < 2',
        1,
    ),
}  # fmt: skip

_PROGRAM = """
import json, resource, statistics, sys, time, warnings
import numpy as np
import pminusy as pmy
warnings.simplefilter("ignore")

def user():
    whose = resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN
    return sum(resource.getrusage(each).ru_utime for each in whose)

prepare, statement, repeats, home = json.loads(sys.argv[1])
assert pmy.__file__.startswith(home), pmy.__file__
names = {"np": np, "pmy": pmy}
exec(prepare, names)
code = compile(statement, "statement", "exec")
exec(code, names)
walls, before = [], user()
for _ in range(repeats):
    start = time.perf_counter()
    exec(code, names)
    walls.append(time.perf_counter() - start)
print(json.dumps([(user() - before) / repeats, statistics.median(walls)]))
"""


class Times(NamedTuple):
    """Seconds of one repeat."""

    user: float
    wall: float


def measured(checkout: Path, work: Work) -> Times:
    """The work in a process of its own, with the sources of a checkout."""
    home = str(checkout / "src")
    environment = os.environ | {"PYTHONPATH": home, "PYTHONWARNINGS": "ignore"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # or each process compiles all sources again
    command = [sys.executable, "-c", _PROGRAM, json.dumps([*work, home])]
    done = subprocess.run(
        command, env=environment, cwd=checkout, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise SystemExit(f"{checkout}: {done.stderr.strip().splitlines()[-1]}")
    return Times(*json.loads(done.stdout.splitlines()[-1]))


def by_turns(old: Path, work: Work, rounds: int) -> tuple[list[Times], list[Times]]:
    """Times of both checkouts, round by round."""
    found: dict[Path, list[Times]] = {old: [], NEW: []}
    for number in range(rounds):
        for checkout in (old, NEW) if number % 2 == 0 else (NEW, old):
            found[checkout].append(measured(checkout, work))
    return found[old], found[NEW]


def row(name: str, old: list[Times], new: list[Times]) -> str:
    """Medians in milliseconds, and ratios with their quartiles."""
    cells = [name]
    for field in Times._fields:
        a, b = ([getattr(times, field) for times in of] for of in (old, new))
        ratios = sorted(y / x for x, y in zip(a, b, strict=True))
        low, high = ratios[len(ratios) // 4], ratios[-1 - len(ratios) // 4]
        cells += [f"{1000 * statistics.median(a):.3g}", f"{1000 * statistics.median(b):.3g}"]
        cells += [f"{statistics.median(ratios):.2f} ({low:.2f}–{high:.2f})"]
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.old_and_new", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("old", type=Path, metavar="OLD", help="root of the older checkout")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", default="", help="work whose name contains this text")
    arguments = parser.parse_args()
    print("| work | user ms: old | new | new / old | wall ms: old | new | new / old |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name, work in WORK.items():
        if arguments.only in name:
            print(row(name, *by_turns(arguments.old.resolve(), work, arguments.rounds)), flush=True)


if __name__ == "__main__":
    main()
