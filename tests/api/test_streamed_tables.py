"""Tables that are read block by block: the answer of a fit in memory, and what is refused."""

from __future__ import annotations

import gc
import gzip
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

import pminusy as pmy
from pminusy.api.fit import streamed
from pminusy.errors import InputError
from pminusy.tables.files import read_table
from pminusy.tables.streaming import sources
from pminusy.tables.streaming.learned import learn_table
from tests import tiers

AMPLE = "64GiB"
pytestmark = pytest.mark.filterwarnings("ignore::pminusy.errors.TableWarning")


def table(seed: int, rows: int = 3000) -> pl.DataFrame:
    """Columns of every kind, whose target they tell in part."""
    rng = np.random.default_rng(seed)

    def with_gaps(values: Any, share: float) -> pl.Series:
        gaps = pl.Series(rng.random(rows) < share)
        return pl.select(pl.when(gaps).then(None).otherwise(pl.Series(values))).to_series()

    number = rng.normal(size=rows) * 10 ** rng.uniform(-2, 2)
    kinds = rng.choice(list("abcdefgh")[: rng.integers(2, 9)], rows)
    late = np.where(np.arange(rows) == rows - 1, "late", rng.choice(["early", "often"], rows))
    z = number / number.std() + (kinds == "a") - (kinds == "b")
    labels = np.where(z + rng.logistic(size=rows) > 0, "high", "low")
    labels[rng.integers(0, rows, rows // 10)] = "middle"
    return pl.DataFrame({
        "number": with_gaps(number, rng.choice([0.0, 0.1])),
        "single": rng.normal(size=rows).astype(np.float32),
        "whole": rng.integers(0, 50, rows),
        "kind": with_gaps(kinds, rng.choice([0.0, 0.2])),
        "late": late,
        "flag": rng.random(rows) < 0.3,
        "rare": np.where(np.arange(rows) == rows // 2, 1.0, 0.0),
        "many": [f"v{i}" for i in rng.integers(0, 90, rows)],
        "day": pl.Series(rng.integers(15_000, 18_000, rows)).cast(pl.Date),
        "weight": rng.exponential(size=rows),
        "y": with_gaps(labels, 0.05),
    })  # fmt: skip


def in_files(folder: Path, frame: pl.DataFrame, suffix: str, parts: int = 3) -> Path:
    folder.mkdir(exist_ok=True)
    for i in range(parts):
        part = frame[frame.height * i // parts : frame.height * (i + 1) // parts]
        path = folder / f"part-{i}{suffix}"
        match suffix:
            case ".parquet":
                part.write_parquet(path)
            case ".feather":
                part.write_ipc(path)
            case ".csv.gz":
                path.write_bytes(gzip.compress(part.write_csv().encode()))
            case _:
                part.write_csv(path)
    return folder


def in_memory(model: Any, frame: pl.DataFrame, **options: Any) -> Any:
    """The fit in memory of the same training rows, judged on the same others."""
    held_out: NDArray[Any] = model.run.held_out.index
    rest = np.setdiff1d(np.arange(frame.height), held_out)
    return pmy.fit_table(frame[rest], test=frame[held_out], refit=False, **options)


def require_same(model: Any, whole: Any) -> None:
    assert model.schema.classes == whole.schema.classes
    assert model.schema.feature_names == whole.schema.feature_names
    for column, other in zip(model.schema.columns, whole.schema.columns, strict=True):
        assert getattr(column, "median", 0.0) == getattr(other, "median", 0.0)
        assert getattr(column, "pooled_values", 0) == getattr(other, "pooled_values", 0)
    assert model.converged
    fits = model.run.fit, whole.run.fit
    assert fits[0].objective_ == pytest.approx(fits[1].objective_, rel=1e-9)
    np.testing.assert_allclose(model.W, whole.W, atol=2e-5)
    assert model.run.scores.log_loss == pytest.approx(whole.run.scores.log_loss, rel=1e-5)


def check(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(seed)
    suffix = str(rng.choice([".parquet", ".feather", ".csv", ".csv.gz"]))
    frame = table(seed)
    folder = in_files(tmp_path / "data", frame, suffix)
    options: dict[str, Any] = {"target": "y", "tol": 1e-8, "C": float(10 ** rng.uniform(-2, 1))}
    options |= {"weight": "weight"} if rng.random() < 0.5 else {"drop": ("weight",)}
    options |= ({}, {"l1_ratio": 0.5}, {"class_weight": "balanced"}, {"C": np.inf})[rng.integers(4)]
    if options["C"] == np.inf:  # without a penalty single rows would have no finite weights
        options["drop"] = (*options.get("drop", ()), "late", "rare", "many")
    options |= {"tol": 1e-7} if "l1_ratio" in options else {}
    if rng.random() < 0.7:  # a sample says what columns are, another pass the rest
        monkeypatch.setattr(streamed, "_SAMPLE", 1 << 20)
    monkeypatch.setattr(sources, "_MOST_ROWS", int(rng.choice([50, 777, 1 << 16])))
    model = pmy.fit_table(folder, memory=AMPLE, seed=int(rng.integers(9)), **options)
    require_same(model, in_memory(model, read_table(folder), **options))


@pytest.mark.parametrize("seed", range(6))
def test_same_answer(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check(seed, tmp_path, monkeypatch)


@pytest.mark.parametrize("seed", tiers.slow(range(100, 180), 40))
def test_same_answer_of_more(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check(seed, tmp_path, monkeypatch)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return in_files(tmp_path_factory.mktemp("tables") / "data", table(0), ".parquet")


@pytest.fixture(scope="module")
def model(folder: Path) -> Any:
    return pmy.fit_table(folder, "y", memory=AMPLE, drop="weight")


def test_the_size_of_blocks_leaves_no_trace(
    folder: Path, model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "_MOST_ROWS", 13)
    other = pmy.fit_table(folder, "y", memory=AMPLE, drop="weight")
    np.testing.assert_array_equal(model.W, other.W)
    np.testing.assert_array_equal(model.run.held_out.index, other.run.held_out.index)


def test_a_glob_a_lazy_frame_and_a_file_are_the_folder(
    folder: Path, model: Any, tmp_path: Path
) -> None:
    one = tmp_path / "one.parquet"
    table(0).write_parquet(one)
    for given in (str(folder / "*.parquet"), pl.scan_parquet(folder / "*.parquet"), one):
        np.testing.assert_array_equal(
            pmy.fit_table(given, "y", memory=AMPLE, drop="weight").W, model.W
        )


def test_a_folder_without_memory_is_its_files_joined(folder: Path) -> None:
    joined = pmy.fit_table(table(0), "y")
    np.testing.assert_array_equal(pmy.fit_table(folder, "y").W, joined.W)
    assert joined.predict(folder).equals(joined.predict(table(0)))


def test_rows_in_blocks_are_a_fit_of_blocks_too(folder: Path, model: Any) -> None:
    """Where memory does not hold the features either: every visit reads the folder of work."""
    rows = model.run.training
    small = pmy.SoftmaxRegression(memory=4000, tol=1e-6).fit(rows.X, rows.y)
    assert small.n_passes_ > 2
    assert small.objective_ == pytest.approx(model.run.fit.objective_, rel=1e-9)


@pytest.mark.parametrize(
    "options",
    [{"cv": 3, "C": [0.1, 1.0]}, {"calibrate": True}, {"solver": "lbfgs"}],
    ids=str,
)
def test_options_that_work(folder: Path, tmp_path: Path, options: dict[str, Any]) -> None:
    fitted = pmy.fit_table(folder, "y", memory=AMPLE, **options)
    assert fitted.converged
    assert fitted.run.scores.log_loss < fitted.run.baseline.log_loss
    assert len(str(fitted.summary()).splitlines()) > 10
    fitted.write_report(tmp_path / "page.html")
    fitted.save(tmp_path / "model.safetensors")
    loaded = pmy.load(tmp_path / "model.safetensors")
    assert loaded.predict(folder).equals(fitted.predict(folder))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("groups", "kind"), ("time", "day"), ("test", "other.csv"), ("repeats", 3),
        ("threshold", 0.3), ("positive", "high"), ("encoding", "latin1"), ("comment", "#"),
        ("sheet", "first"),
    ],
)  # fmt: skip
def test_options_that_need_the_whole_table_are_refused(folder: Path, name: str, value: Any) -> None:
    with pytest.raises(InputError, match=rf"{name}: expected none beside memory|positive.*thresh"):
        pmy.fit_table(folder, "y", memory=AMPLE, **{name: value})


def message(call: Callable[[], Any]) -> str:
    with pytest.raises(InputError) as error:
        call()
    return str(error.value)


def test_refused(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fit(given: Any = folder, **options: Any) -> str:
        return message(lambda: pmy.fit_table(given, **{"target": "y", "memory": AMPLE} | options))

    assert "memory: expected bytes, such as 2GiB or 500MB, got 'much'" in fit(memory="much")
    assert "memory: expected at least" in fit(memory="1MiB")
    assert "workdir: expected memory beside it, got none" in fit(memory=None, workdir=tmp_path)
    assert "'nowhere': expected a folder that exists, got none" in fit(workdir="nowhere")
    assert "expected a folder, a glob, a file or a Polars LazyFrame" in fit(table(0))
    assert "got standard input" in fit("-")
    assert "target 'z': expected a column of the table" in fit(target="z")
    assert "'no*.csv': expected files named" in fit("no*.csv")
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "got an empty folder" in fit(empty)
    (empty / "a.csv").write_text("x,y\n1,a\n")
    (empty / "b.parquet").write_bytes(b"PAR1")
    assert "expected files of one kind" in fit(empty)
    (empty / "a.csv").unlink()
    assert "b.parquet': expected data that can be read to its end" in fit(empty)
    assert "expected at least two classes" in fit(
        pl.LazyFrame({"x": [1.0, 2.0, 3.0], "y": ["a", "a", "a"]})
    )
    nothing = pl.LazyFrame({"x": [1.0, 2.0], "y": pl.Series([None, None], dtype=pl.String)})
    assert "target 'y': expected a label in some rows, got none in any row" in fit(nothing)
    negative = table(0).with_columns(weight=-1.0).lazy()
    assert "weight 'weight': expected finite weights" in fit(negative, weight="weight")
    assert "test size: expected rows that are held out beside memory" in fit(test_size=0.0)
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))
    assert "expected room for " in (said := fit(workdir=tmp_path))
    assert "got 1,000 that are free" in said


def test_other_files_are_refused_with_file_and_column(tmp_path: Path) -> None:
    frame = table(1, 300)
    for change, expected in (
        (frame.drop("whole"), r"part-9.parquet': expected the columns of .*got no column 'whole'"),
        (frame.with_columns(more=1), r"part-9.*got a column 'more' more"),
        (frame.cast({"whole": pl.String}), r"part-9.*column 'whole' of type Int64.*got String"),
    ):
        data = in_files(tmp_path / "data", frame, ".parquet")
        change.write_parquet(data / "part-9.parquet")
        for memory in (AMPLE, None):
            with pytest.raises(InputError, match=expected):
                pmy.fit_table(data, "y", memory=memory)


def test_a_file_that_changes_while_it_is_read_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = in_files(tmp_path / "data", table(1, 300), ".parquet")

    def then_changed(*args: Any, **others: Any) -> Any:
        learned = learn_table(*args, **others)
        table(2, 200).write_parquet(data / "part-1.parquet")
        return learned

    monkeypatch.setattr(streamed, "learn_table", then_changed)
    with pytest.raises(InputError, match=r"part-1.parquet': expected a file that stays as it is"):
        pmy.fit_table(data, "y", memory=AMPLE)


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    data = in_files(tmp_path / "data", table(1), ".parquet")
    whole = (data / "part-2.parquet").read_bytes()
    (data / "part-2.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"part-2.parquet': expected data that can be read"):
        pmy.fit_table(data, "y", memory=AMPLE)


def test_the_folder_of_work_is_removed(folder: Path, tmp_path: Path) -> None:
    fitted: Any = pmy.fit_table(folder, "y", memory=AMPLE, workdir=tmp_path)
    assert list(tmp_path.iterdir())
    del fitted
    gc.collect()
    assert not list(tmp_path.iterdir())
    with pytest.raises(InputError):
        pmy.fit_table(folder, "y", memory=AMPLE, workdir=tmp_path, class_weight={"none": 2.0})
    gc.collect()
    assert not list(tmp_path.iterdir())
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"],
                          stdout=subprocess.PIPE, check=True)  # fmt: skip
    left = tmp_path / f".pminusy-rows-{int(dead.stdout)}-abc"
    left.mkdir()
    pmy.fit_table(folder, "y", memory=AMPLE, workdir=tmp_path)
    assert not left.exists()


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".parquet", ".feather"])
def test_predictions_in_blocks_are_those_in_memory(
    folder: Path, model: Any, tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "_MOST_ROWS", 64)
    output = tmp_path / f"predictions{suffix}"
    rows = model.predict_blocks(folder, output, keep_columns="whole,kind", memory=AMPLE)
    expected = model.predict(table(0), keep_columns="whole,kind")
    found = read_table(output)
    assert rows == found.height == 3000
    assert found.columns == expected.columns
    assert found["prediction"].equals(expected["prediction"])
    p = [name for name in found.columns if name.startswith("p(")]
    np.testing.assert_allclose(found[p].to_numpy(), expected[p].to_numpy(), rtol=1e-12)


def test_a_folder_gives_a_file_for_each(folder: Path, model: Any, tmp_path: Path) -> None:
    assert model.predict_blocks(folder, tmp_path, memory=AMPLE) == 3000
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["part-0.parquet", "part-1.parquet", "part-2.parquet"]
    joined = pl.concat(pl.read_parquet(tmp_path / name) for name in names)
    assert joined.equals(model.predict(table(0)))


def test_predictions_are_written_whole_or_not_at_all(model: Any, tmp_path: Path) -> None:
    frame = table(0).cast({"whole": pl.String})
    frame = frame.with_columns(
        pl.when(pl.int_range(pl.len()) == 2999).then(pl.lit("broken")).otherwise("whole")
        .alias("whole")
    )  # fmt: skip
    data = in_files(tmp_path / "data", frame, ".csv")
    output = tmp_path / "predictions.parquet"
    output.write_text("as it was")
    with pytest.raises(InputError, match=r"column 'whole': expected numbers, as at training"):
        model.predict_blocks(data, output, memory=AMPLE)
    assert output.read_text() == "as it was"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["data", "predictions.parquet"]


def test_notes_of_blocks_are_added_up(
    model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "_MOST_ROWS", 64)
    frame = table(0).with_columns(single=pl.lit(None, pl.Float32))
    data = in_files(tmp_path / "data", frame, ".parquet")
    with pytest.warns(match=r"3,000 rows without 'single': the median of the training rows"):
        model.predict_blocks(data, tmp_path / "out.csv", memory=AMPLE)


def test_the_command(folder: Path, tmp_path: Path) -> None:
    def run(*arguments: Any) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "pminusy", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)

    model, output = tmp_path / "model.safetensors", tmp_path / "predictions.parquet"
    fitted = run("fit", folder, "--target", "y", "--memory", "4GiB", "-o", model)
    assert fitted.returncode == 0, fitted.stderr
    assert "not trained again on the held-out rows" in fitted.stdout
    predicted = run("predict", model, folder, "--memory", "4GiB", "-o", output)
    assert predicted.returncode == 0, predicted.stderr
    assert "3,000 predictions written" in predicted.stdout
    refused = run("predict", model, folder, "--memory", "4GiB")
    assert refused.returncode == 2
    assert "memory: expected a file to write to beside it" in refused.stderr


# The peak of its own memory: `ru_maxrss` of a child begins with that of the process it came from.
_PEAK = """
import sys
from pminusy.cli.app import run
assert run(sys.argv[1:]) == 0
with open("/proc/self/status") as lines:
    print(next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc/self/status")
@pytest.mark.parametrize("rows", tiers.counts(1_000_000, 4_000_000))
def test_the_process_stays_within_memory(tmp_path: Path, rows: int) -> None:
    """Of 54 columns in float32: 216 MB, and 860 MB."""
    rng = np.random.default_rng(0)
    data = tmp_path / "data"
    data.mkdir()
    weights = rng.normal(size=54)
    for i in range(rows // 500_000):
        X = rng.standard_normal((500_000, 54), dtype=np.float32)
        y = (X @ weights + rng.logistic(size=500_000) > 0).astype(np.int64)
        columns = {f"x{j}": X[:, j] for j in range(54)} | {"y": y}
        pl.DataFrame(columns).write_parquet(data / f"{i:02}.parquet")
    command = [sys.executable, "-c", _PEAK, "fit", data, "--target", "y", "--memory", "1GiB"]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True)
    assert int(done.stdout.split()[-1]) << 10 <= 1 << 30
