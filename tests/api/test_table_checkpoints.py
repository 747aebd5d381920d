"""Fits of tables that go on where they were stopped, and what kill −9 leaves of any command."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import pminusy as pmy
from pminusy.cli.app import run
from pminusy.errors import InputError
from pminusy.training import checkpoints
from pminusy.training.solvers.solution import StopFit
from tests import tiers

AMPLE = "64GiB"
SMALL: dict[str, Any] = {"target": "y", "tol": 1e-8}
pytestmark = pytest.mark.filterwarnings("ignore::pminusy.errors.TableWarning")

# Checkpoints after every iteration; blocks so small that every pass has many.
_PROGRAM = """
import sys
from pminusy.cli.app import run
from pminusy.estimators.softmax_regression import SoftmaxRegression
from pminusy.tables.streaming import sources
SoftmaxRegression.__init__.__kwdefaults__["checkpoint_seconds"] = 0.0
sources._MOST_ROWS = 256
print("ready", flush=True)
sys.exit(run(sys.argv[1:]))
"""


def rows(seed: int = 0, number: int = 6000) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(number, 8))
    y = (X @ rng.normal(size=(8, 3)) + rng.gumbel(size=(number, 3))).argmax(axis=1)
    names = np.array(["low", "middle", "high"])
    kinds = rng.choice(list("abc"), number)
    return pl.DataFrame({f"x{j}": X[:, j] for j in range(8)} | {"kind": kinds, "y": names[y]})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("tables") / "data"
    data.mkdir()
    for i, part in enumerate(rows().iter_slices(2000)):
        part.write_parquet(data / f"{i}.parquet")
    return data


@pytest.fixture(scope="module")
def whole(folder: Path) -> Any:
    return pmy.fit_table(folder, memory=AMPLE, **SMALL)


@pytest.mark.parametrize("memory", [None, AMPLE])
@pytest.mark.parametrize("options", [{}, {"solver": "lbfgs"}, {"l1_ratio": 0.5}], ids=str)
def test_a_table_goes_on_where_it_was_stopped(
    folder: Path, tmp_path: Path, memory: str | None, options: dict[str, Any]
) -> None:
    given = SMALL | options | {"memory": memory, "tol": 1e-7}
    reference = pmy.fit_table(folder, **given)
    seen: list[float] = []

    def stop(progress: Any) -> None:
        seen.append(progress.objective)
        if progress.iteration == 2:
            raise StopFit

    path = tmp_path / "c"
    with pytest.warns(match="interrupted"):
        pmy.fit_table(
            folder, checkpoint=path, progress=stop, keep_interrupted=True, refit=False, **given
        )
    model = pmy.fit_table(folder, checkpoint=path, **given)
    assert model.converged
    assert model.run.fit.history_[0].objective <= seen[-1] * (1 + 1e-12)
    assert model.run.fit.objective_ == pytest.approx(reference.run.fit.objective_, rel=1e-9)
    np.testing.assert_allclose(model.W, reference.W, atol=1e-5)
    again = pmy.fit_table(folder, checkpoint=path, **given)
    assert again.run.iterations <= 1
    assert {p.name for p in tmp_path.iterdir()} == ({"c"} if memory else {"c", "c-refit"})


@pytest.mark.parametrize("memory", [None, AMPLE])
def test_a_checkpoint_of_another_table_or_of_other_options_is_refused(
    folder: Path, tmp_path: Path, memory: str | None
) -> None:
    path, frame = tmp_path / "c", rows()
    given = SMALL | {"memory": memory, "checkpoint": path}
    pmy.fit_table(folder, **given)
    before = path.read_bytes()
    renamed = frame.with_columns(pl.col("y").replace("middle", "new"))
    for table, options, said in (
        (folder, {"C": 2.0}, "C is 1.0 there and 2.0 here"),
        (folder, {"l1_ratio": 1.0}, "penalty is"),
        (folder, {"class_weight": "balanced"}, "class_weight is None there and 'balanced' here"),
        (folder, {"seed": 1}, "seed is 0 there and 1 here"),
        (folder, {"drop": "x3"}, "columns: 'x3' is there alone"),
        (folder, {"weight": "x3"}, "weight 'x3'|columns: 'x3'"),
        (renamed, {}, "classes: 'middle' is there alone"),
        (frame.with_columns(pl.col("x1") + pl.col("x2")), {}, "other gradient at 0"),
        (frame.with_columns(pl.col("x1") + (pl.int_range(6000) < 5)), {}, "other gradient at 0"),
        (frame.with_columns(other=1.0 * pl.int_range(6000)), {}, "columns: 'other' is here alone"),
    ):
        given_table = table.lazy() if memory and isinstance(table, pl.DataFrame) else table
        with pytest.raises(InputError, match=said):
            pmy.fit_table(given_table, **given | options)
        assert path.read_bytes() == before
    assert pmy.fit_table(folder, **given, C=2.0, restart=True).converged
    assert pmy.fit_table(folder, **given, C=2.0).run.iterations <= 1


def test_how_much_memory_there_is_does_not_matter(folder: Path, tmp_path: Path) -> None:
    given = SMALL | {"checkpoint": tmp_path / "c"}
    pmy.fit_table(folder, memory=AMPLE, **given)
    assert pmy.fit_table(folder, memory="2GiB", **given).run.iterations <= 1


def test_what_cannot_be_a_checkpoint_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    def refused(**options: Any) -> str:
        with pytest.raises(InputError) as error:
            pmy.fit_table("no table", "y", memory=AMPLE, **options)
        return str(error.value)

    other = tmp_path / "other"
    other.write_text("text")
    assert "expected a checkpoint of pminusy, got another file" in refused(checkpoint=other)
    assert other.read_text() == "text"
    assert "got 3 folds" in refused(checkpoint=tmp_path / "c", cv=3)
    assert "got 5 folds" in refused(checkpoint=tmp_path / "c", C=(1.0, 2.0))
    assert "restart: expected a checkpoint beside it" in refused(restart=True)
    assert "expected a folder that exists" in refused(checkpoint=tmp_path / "none" / "c")


@pytest.mark.skipif(
    os.name != "posix" or os.geteuid() == 0, reason="the superuser may write anywhere"
)
def test_a_folder_that_is_read_only_is_refused(folder: Path, tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    with pytest.raises(InputError, match="closed"):
        pmy.fit_table(folder, memory=AMPLE, checkpoint=closed / "c", **SMALL)


def test_a_full_disk_costs_the_checkpoint_and_not_the_fit(
    folder: Path, tmp_path: Path, whole: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Any, write: Any) -> None:
        raise InputError("output file 'c'", "a place", "no space left on device")

    monkeypatch.setattr(checkpoints, "write_atomically", full)
    with pytest.warns(match="no checkpoint: output file 'c'.*no space left on device"):
        model = pmy.fit_table(folder, memory=AMPLE, checkpoint=tmp_path / "c", **SMALL)
    np.testing.assert_array_equal(model.W, whole.W)


def start(*arguments: Any) -> subprocess.Popen[str]:
    child = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    return child


def kill_at_random(arguments: list[Any], longest: float, rng: np.random.Generator) -> bool:
    """Whether it was killed before its end."""
    child = start(*arguments)
    time.sleep(float(rng.uniform(0, longest)))
    alive = child.poll() is None
    child.send_signal(signal.SIGKILL)
    child.communicate()
    return alive


def finish(arguments: list[Any]) -> float:
    """Seconds of the same command here, where libraries are loaded already."""
    began = time.perf_counter()
    assert run([str(argument) for argument in arguments]) == 0
    gc.collect()
    return time.perf_counter() - began


def killed_fits(folder: Path, tmp_path: Path, whole: Any, kills: int, seed: int) -> None:
    """At any moment: while columns are learnt, features written, the model trained, or saved."""
    rng = np.random.default_rng(seed)
    work, path, output = (tmp_path / name for name in ("work", "c", "model.safetensors"))
    work.mkdir()
    arguments = ["fit", folder, "--target", "y", "--tol", "1e-8", "--memory", AMPLE,
                 "--workdir", work, "--checkpoint", path, "-o", output]  # fmt: skip
    longest = finish(arguments)
    for _ in range(kills):
        path.unlink(missing_ok=True)
        output.unlink(missing_ok=True)
        kill_at_random(arguments, longest, rng)
        for left in tmp_path.glob(".pminusy-*"):
            os.utime(left, (0, 0))  # younger ones are let alone: they may not be locked yet
        if output.exists():
            pmy.load(output)
        finish(arguments)
        assert not list(work.iterdir())
        assert {p.name for p in tmp_path.iterdir()} == {"work", "c", output.name}
        model = pmy.load(output)
        assert model.converged
        np.testing.assert_allclose(model.W, whole.W, atol=1e-5)


def killed_predictions(folder: Path, tmp_path: Path, whole: Any, kills: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    whole.save(tmp_path / "model.safetensors")
    output = tmp_path / "predictions.csv"
    arguments = ["predict", tmp_path / "model.safetensors", folder, "--memory", AMPLE,
                 "-o", output]  # fmt: skip
    longest = finish(arguments)
    expected = output.read_bytes()
    assert expected.count(b"\n") == 6001
    for _ in range(kills):
        output.write_text("as it was")
        kill_at_random(arguments, longest, rng)
        assert output.read_bytes() in (b"as it was", expected)
        finish(arguments)
        assert output.read_bytes() == expected


needs_kill = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")


@needs_kill
def test_a_killed_fit_goes_on(folder: Path, tmp_path: Path, whole: Any) -> None:
    killed_fits(folder, tmp_path, whole, 1, 0)


@needs_kill
def test_killed_predictions_leave_nothing_half_written(
    folder: Path, tmp_path: Path, whole: Any
) -> None:
    killed_predictions(folder, tmp_path, whole, 1, 0)


@needs_kill
@pytest.mark.parametrize("kills", tiers.counts(15, 50))
def test_many_killed_fits_go_on(folder: Path, tmp_path: Path, whole: Any, kills: int) -> None:
    killed_fits(folder, tmp_path, whole, kills, 1)


@needs_kill
@pytest.mark.parametrize("kills", tiers.counts(15, 50))
def test_many_killed_predictions_leave_nothing_half_written(
    folder: Path, tmp_path: Path, whole: Any, kills: int
) -> None:
    killed_predictions(folder, tmp_path, whole, kills, 1)
