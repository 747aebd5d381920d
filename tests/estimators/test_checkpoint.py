"""Fits that go on where they were stopped, and checkpoints that are refused."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pminusy as pmy
from pminusy.errors import InputError
from pminusy.training import checkpoints as module
from tests import tiers

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3000, 6))
Y = (X @ RNG.normal(size=(6, 4)) + RNG.gumbel(size=(3000, 4))).argmax(axis=1)

_PROGRAM = """
import sys, time
import numpy as np, pminusy as pmy
rng = np.random.default_rng(0)
X = rng.normal(size=(3000, 6))
y = (X @ rng.normal(size=(6, 4)) + rng.gumbel(size=(3000, 4))).argmax(axis=1)
print("ready", flush=True)
while True:
    pmy.SoftmaxRegression(
        checkpoint=sys.argv[1], checkpoint_seconds=0.0, solver="lbfgs",
        progress=lambda p: time.sleep(0.002),
    ).fit(X, y)
"""


@pytest.fixture(scope="module")
def whole() -> Any:
    return pmy.SoftmaxRegression(tol=1e-9).fit(X, Y)


@pytest.mark.parametrize("memory", [4000, 1 << 30], ids=["blocks", "memory"])
@pytest.mark.parametrize(
    "options", [{}, {"solver": "lbfgs"}, {"solver": "newton-cg"}, {"l1_ratio": 0.5}], ids=str
)
def test_a_fit_goes_on_where_it_was_stopped(
    tmp_path: Path, memory: int, options: dict[str, Any]
) -> None:
    path = tmp_path / "fit.checkpoint"
    options = options | {"tol": 1e-7, "memory": memory}

    def stop(progress: Any) -> None:
        if progress.iteration == 2:
            raise KeyboardInterrupt

    rows = pmy.Blocks(lambda: iter([(X, Y)]))
    begun = pmy.SoftmaxRegression(checkpoint=path, progress=stop, keep_interrupted=True, **options)
    with pytest.warns(match="interrupted"):
        begun.fit(rows)
    assert path.exists()
    gone_on = pmy.SoftmaxRegression(checkpoint=path, **options).fit(rows)
    reference = pmy.SoftmaxRegression(**options).fit(rows)
    assert gone_on.converged_
    assert gone_on.optimality_ <= 1e-7
    assert gone_on.objective_ == pytest.approx(reference.objective_, rel=1e-9)
    assert gone_on.history_[0].objective < reference.history_[0].objective or memory == 4000
    again = pmy.SoftmaxRegression(checkpoint=path, **options).fit(rows)
    assert again.n_iter_[0] <= 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"C": 2.0}, "C"),
        ({"l1_ratio": 1.0}, "penalty"),
        ({"label_smoothing": 0.1}, "label_smoothing"),
        ({"fit_intercept": False}, "fit_intercept"),
        ({"class_weight": "balanced"}, "class_weight"),
    ],
)
def test_a_checkpoint_of_other_options_is_refused(
    tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    path = tmp_path / "fit.checkpoint"
    pmy.SoftmaxRegression(checkpoint=path).fit(X, Y)
    before = path.read_bytes()
    with pytest.raises(InputError, match=rf"of the same data and options, got another: .*{said}"):
        pmy.SoftmaxRegression(checkpoint=path, **change).fit(X, Y)
    assert path.read_bytes() == before


def test_a_checkpoint_of_other_data_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "fit.checkpoint"
    pmy.SoftmaxRegression(checkpoint=path).fit(X, Y)
    for rows, labels, said in (
        (X[:-1], Y[:-1], "rows"),
        (X[:, 1:], Y, "features"),
        (X, Y + 1, "classes: 0 is there alone"),
        (X, Y[::-1] // 2, "classes: 2 is there alone"),
        (X, (Y + 1) % 4, "targets or weights"),
        (X + 1, Y, "values of X"),
        (np.where(np.arange(3000)[:, None] == 7, -X, X), Y, "values of X; other gradient at 0"),
        (X, np.roll(Y, 1), "other gradient at 0"),
    ):
        with pytest.raises(
            InputError, match=rf"of the same data and options, got another: .*{said}"
        ):
            pmy.SoftmaxRegression(checkpoint=path).fit(rows, labels)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 and no more", b"text"])
def test_what_is_no_checkpoint_is_refused_and_kept(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "fit.checkpoint"
    path.write_bytes(content)
    with pytest.raises(InputError, match="expected a checkpoint of pminusy, got another file"):
        pmy.SoftmaxRegression(checkpoint=path).fit(X, Y)
    assert path.read_bytes() == content
    with pytest.raises(InputError, match="expected a folder that exists"):
        pmy.SoftmaxRegression(checkpoint=tmp_path / "none" / "x").fit(X, Y)


def test_a_full_disk_is_said_and_ends_no_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: Any
) -> None:
    def full(path: Any, write: Any) -> None:
        raise InputError("output file 'x'", "a place", "no space left on device")

    monkeypatch.setattr(module, "write_atomically", full)
    fit = pmy.SoftmaxRegression(checkpoint=tmp_path / "x", tol=1e-9)
    with pytest.warns(match="no checkpoint: output file 'x'.*no space left on device"):
        fit.fit(X, Y)
    assert fit.objective_ == pytest.approx(whole.objective_, rel=1e-9)


def killed(path: Path, kills: int, whole: Any) -> None:
    rng = np.random.default_rng(0)
    for _ in range(kills):
        child = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, str(path)], stdout=subprocess.PIPE, text=True
        )
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        deadline = time.monotonic() + 60
        while not path.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(float(rng.uniform(0, 0.3)))
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        child.stdout.close()
        fit = pmy.SoftmaxRegression(checkpoint=path, tol=1e-9).fit(X, Y)
        assert fit.converged_
        assert fit.objective_ == pytest.approx(whole.objective_, rel=1e-9)
        path.unlink()


def test_a_killed_fit_leaves_a_whole_checkpoint(tmp_path: Path, whole: Any) -> None:
    killed(tmp_path / "fit.checkpoint", 1, whole)


@pytest.mark.parametrize("kills", tiers.counts(15, 50))
def test_many_killed_fits_leave_whole_checkpoints(tmp_path: Path, whole: Any, kills: int) -> None:
    killed(tmp_path / "fit.checkpoint", kills, whole)
