"""Time of a starter, a file of five functions, and a class: `python -m benchmarks.check.times`.

Each is a run of the command line, start of Python included. A submission of the class is a folder
of five files that import one another, with none, one or two slips. `--submissions 300` runs the
whole class; by default a tenth of it, in a sandbox where there is one.
"""

from __future__ import annotations

import argparse
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pminusy.diagnosis.run import sandbox
from pminusy.errors import InputError

_NUMPY = "import numpy as np\n\n\n"
_STARTER = "".join(
    f"def softmax_loss_{name}(W, X, y, reg):\n    loss = 0.0\n    dW = np.zeros_like(W)\n"
    "    return loss, dW\n\n\n"
    for name in ("naive", "vectorized")
)
_FUNCTIONS = {
    "softmax": """
def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)
""",
    "error": """
def cross_entropy(p, t):
    return -np.mean(np.log(p[np.arange(len(t)), t]))
""",
    "scores": """
def softmax_loss(z, y):
    n = np.arange(len(y))
    s = z - z.max(axis=1, keepdims=True)
    lse = np.log(np.exp(s).sum(axis=1))
    d = np.exp(s - lse[:, None])
    d[n, y] -= 1
    return (lse - s[n, y]).mean(), d / len(y)
""",
    "linear": """
def linear_softmax_loss(W, X, y, reg):
    n, z = np.arange(len(y)), X @ W
    z = z - z.max(axis=1, keepdims=True)
    lse = np.log(np.exp(z).sum(axis=1))
    d = np.exp(z - lse[:, None])
    d[n, y] -= 1
    return (lse - z[n, y]).mean() + reg * np.sum(W * W), X.T @ d / len(y) + 2 * reg * W
""",
    "epoch": """
def softmax_regression_epoch(X, y, theta, lr=0.1, batch=100):
    for i in range(0, len(X), batch):
        x, t = X[i:i + batch], y[i:i + batch]
        z = x @ theta
        p = np.exp(z - z.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        p[np.arange(len(t)), t] -= 1
        theta -= lr * x.T @ p / len(t)
""",
}
_CRITERION = """
class SoftmaxWithLoss:
    def forward(self, z, t):
        self.t = t
        self.p = softmax(z)
        return cross_entropy(self.p, t)

    def backward(self):
        d = self.p.copy()
        d[np.arange(len(self.t)), self.t] -= 1
        return d / len(self.t)
"""
_FILES = {
    "common/__init__.py": "",
    "common/functions.py": _NUMPY + _FUNCTIONS["softmax"] + _FUNCTIONS["error"],
    "common/criterion.py": _NUMPY + "from .functions import *\n" + _CRITERION,
    "linear.py": _NUMPY + _FUNCTIONS["linear"],
    "train.py": _NUMPY + "from linear import linear_softmax_loss\n" + _FUNCTIONS["epoch"],
}
_SLIPS = (
    ("axis=1, keepdims=True)\n", "axis=0)\n"), ("-= 1", "+= 1"), ("2 * reg * W", "reg * W"),
    (" / len(t)", ""), ("d / len(self.t)", "d"), (".mean() + reg", ".sum() + reg"),
    ("-np.mean(np.log(", "-np.sum(np.log("), ("- lse[:, None]", "- lse[:, None] + 0.1"),
    ("X.T @ d / len(y)", "X.T @ d / d.size"), ("reg * np.sum(W * W)", "reg * np.sum(W)"),
)  # fmt: skip


def main() -> None:
    """Print each time."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--submissions", type=int, default=30)
    arguments.add_argument("--jobs", type=int, default=2)
    chosen = arguments.parse_args()
    right = _NUMPY + "".join(_FUNCTIONS.values())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for kind, source in (
            ("starter", _NUMPY + _STARTER), ("five functions, right", right),
            ("five functions, each with a slip", _with_slips(right)),
        ):  # fmt: skip
            (folder / "a.py").write_text(source)
            print(f"{kind}: {_run(folder / 'a.py')}", flush=True)
        whole = folder / "class"
        for number in range(chosen.submissions):
            _write(whole / f"s{number:03}", random.Random(number))
        flags = ["--jobs", str(chosen.jobs), *([] if _sandboxed() else ["--trust"])]
        print(f"{chosen.submissions} folders of five files: {_run(whole, *flags)}")


def _with_slips(source: str) -> str:
    for old, new in (_SLIPS[1], _SLIPS[2], _SLIPS[3], _SLIPS[7]):
        source = source.replace(old, new)
    return source.replace("e / e.sum(axis=1, keepdims=True)", "e / e.sum()")


def _write(folder: Path, draw: random.Random) -> None:
    files = dict(_FILES)
    for old, new in draw.sample(_SLIPS, draw.choice((0, 1, 1, 2))):
        files = {name: text.replace(old, new) for name, text in files.items()}
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def _sandboxed() -> bool:
    try:
        sandbox.require("bubblewrap")
    except InputError:
        return False
    return True


def _run(path: Path, *flags: str) -> str:
    """One run of the command line: the time it took, and that of the processors it waited for."""
    command = [sys.executable, "-m", "pminusy", "check", str(path), "--format", "csv", *flags]
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    rows = done.stdout.strip().splitlines()[1:]
    if not rows:
        raise RuntimeError(done.stderr)
    judged = sum(",correct," in row or ",fragile," in row for row in rows)
    return f"{seconds:.1f} s, {busy:.1f} s of processors; {len(rows)} functions, {judged} right"


if __name__ == "__main__":
    main()
