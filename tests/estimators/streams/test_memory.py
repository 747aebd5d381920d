"""Resident memory of a fit of rows that are not in memory: bounded, for any number of them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests import tiers

D = 30
_OF_LABELS = 18  # bytes a row: predicted indices, their labels, and which of them are right
_PROGRAM = """
import sys
import numpy as np, pminusy as pmy

def status(name):
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith(name)) << 10

folder, rows, memory = sys.argv[1], *map(int, sys.argv[2:])
X = np.memmap(folder + "/X", np.float32, "r", shape=(rows, 30))
y = np.memmap(folder + "/y", np.uint8, "r", shape=(rows,))
some, labels = np.array(X[:20_000]), np.array(y[:20_000])
for warm in (1 << 30, 1 << 20):  # libraries and kernels are loaded
    pmy.SoftmaxRegression(memory=warm).fit(some, labels)
pmy.SoftmaxRegression(memory=1 << 20).fit(pmy.Blocks(lambda: iter([(some, labels)])))
before = status("VmRSS")
clf = pmy.SoftmaxRegression(memory=memory, tol=1e-4).fit(X, y)
fitted = status("VmHWM") - before
assert clf.converged_
assert clf.score(X, y) > 0.4
print(fitted, status("VmHWM") - before)
"""


def written(folder: Path, rows: int) -> None:
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(D, 3)) / 3
    with (folder / "X").open("wb") as X, (folder / "y").open("wb") as y:
        for _ in range(rows // 100_000):
            part = rng.standard_normal((100_000, D), dtype=np.float32)
            labels = (part @ weights + rng.gumbel(size=(100_000, 3))).argmax(axis=1)
            part.tofile(X)
            labels.astype(np.uint8).tofile(y)


def growth(folder: Path, rows: int, memory: int, program: str = _PROGRAM) -> tuple[int, int]:
    """Bytes by which the peak of resident memory is above what was there before the fit.

    After the fit, and after scores: these have the labels of all rows beside them.
    """
    command = [sys.executable, "-c", program, str(folder), str(rows), str(memory)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    fitted, scored = map(int, done.stdout.split())
    return fitted, scored - _OF_LABELS * rows


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc/self/status")
def test_a_fit_stays_within_memory(tmp_path: Path) -> None:
    memory = 64 << 20
    written(tmp_path, 1_000_000)  # 114 MiB
    assert max(growth(tmp_path, 1_000_000, memory)) <= memory


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc/self/status")
@pytest.mark.parametrize("memory", tiers.slow([64 << 20, 128 << 20, 512 << 20], 1))
def test_memory_is_flat_in_the_number_of_rows(tmp_path: Path, memory: int) -> None:
    """Of rows that are held, too: 512 MiB hold the smallest table."""
    written(tmp_path, 8_000_000)  # 916 MiB
    for rows in (1_000_000, 3_000_000, 8_000_000):
        assert max(growth(tmp_path, rows, memory)) <= memory, rows


_NETWORK = """
import sys, warnings
import numpy as np, pminusy as pmy

warnings.simplefilter("ignore")

def status(name):
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith(name)) << 10

folder, rows, memory = sys.argv[1], *map(int, sys.argv[2:])
X = np.memmap(folder + "/X", np.float32, "r", shape=(rows, 30))
y = np.memmap(folder + "/y", np.uint8, "r", shape=(rows,))
some, labels = np.array(X[:60_000]), np.array(y[:60_000])
options = {"early_stopping": "loss", "max_iter": 2, "random_state": 0, "batch_size": 500}
for warm in (1 << 30, 1 << 22):  # libraries and kernels are loaded
    net = pmy.SoftmaxNetwork((16,), memory=warm, **options)
    net.fit(pmy.Blocks(lambda: iter([(some, labels)]))).score(some, labels)
before = status("VmRSS")
net = pmy.SoftmaxNetwork((16,), memory=memory, **options).fit(X, y)
fitted = status("VmHWM") - before
assert net.score(X, y) > 0.4
print(fitted, status("VmHWM") - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc/self/status")
@pytest.mark.parametrize("memory", tiers.slow([64 << 20, 256 << 20], 1))
def test_memory_of_a_network_is_flat_in_the_number_of_rows(tmp_path: Path, memory: int) -> None:
    """Rows that are held, held out, read ahead and scored; with the smallest table held whole."""
    written(tmp_path, 2_000_000)  # 229 MiB
    for rows in (500_000, 2_000_000):
        assert max(growth(tmp_path, rows, memory, _NETWORK)) <= memory, rows
