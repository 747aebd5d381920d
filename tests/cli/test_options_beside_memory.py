"""Every option of `fit` beside `--memory`: it works, or is refused by its name, in one line."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import pminusy as pmy
from pminusy.cli.app import run
from pminusy.cli.fit import fit
from tests import tiers

_TABLE = ("table", "target", "memory")
_ON_WORKERS = ("scheduler", "dask_workers")  # tests/api/test_tables_on_workers.py tries them
# Values by parameter of the command; those of `_REFUSED` say in which words.
_WORKS: dict[str, list[str]] = {
    "output": ["-o", "OUT/m.safetensors"], "report": ["--report", "OUT/p.html"],
    "drop": ["--drop", "k"], "weight": ["--weight", "w"], "as_": ["--as", "n=category"],
    "columns_report": ["--columns-report"], "format_": ["--format", "json"],
    "C": ["--C", "0.1,1"], "cv": ["--cv", "3", "--C", "1"], "l1_ratio": ["--l1-ratio", "0.5"],
    "solver": ["--solver", "lbfgs"], "class_weight": ["--class-weight", "balanced"],
    "calibrate": ["--calibrate"], "summary": ["--summary"], "test_size": ["--test-size", "0.3"],
    "refit": ["--no-refit"], "seed": ["--seed", "3"], "tol": ["--tol", "1e-4"],
    "max_iter": ["--max-iter", "50"], "time_limit": ["--time-limit", "100"],
    "workdir": ["--workdir", "OUT"], "checkpoint": ["--checkpoint", "OUT/c"],
    "restart": ["--restart", "--checkpoint", "OUT/c"], "missing": ["--missing", "-9"],
    "hidden": ["--hidden", "4", "--epochs", "2"],
}  # fmt: skip
_REFUSED: dict[str, tuple[list[str], str]] = {
    "groups": (["--groups", "k"], "--groups: expected none beside --memory"),
    "time": (["--time", "n"], "--time: expected none beside --memory"),
    "test": (["--test", "DATA"], "--test: expected none beside --memory"),
    "repeats": (["--repeats", "2"], "--repeats: expected none beside --memory"),
    "threshold": (["--threshold", "0.4"], "--threshold: expected none beside --memory"),
    "positive": (
        ["--positive", "hi", "--threshold", "0.4"],
        "--threshold: expected none beside --memory",
    ),
    "encoding": (["--encoding", "latin1"], "--encoding: expected none beside --memory"),
    "comment": (["--comment", "#"], "--comment: expected none beside --memory"),
    "sheet": (["--sheet", "one"], "--sheet: expected none beside --memory"),
}
_OF_NETWORKS: dict[str, list[str]] = {
    "activation": ["--activation", "tanh"], "dropout": ["--dropout", "0.1"],
    "batch_norm": ["--batch-norm"], "epochs": ["--epochs", "2"],
    "batch_size": ["--batch-size", "9"], "learning_rate": ["--learning-rate", "0.1"],
    "alpha": ["--alpha", "0.1"], "early_stopping": ["--early-stopping"],
}  # fmt: skip
# How text is written: options of a CSV, and what they are of other files, which have no such thing.
_OF_TEXT: dict[str, list[str]] = {
    "sep": ["--sep", ","], "decimal": ["--decimal", "."], "thousands": ["--thousands", ","],
    "no_header": ["--no-header", "--target", "column_5"],
}  # fmt: skip


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(0)
    x = rng.normal(size=400)
    labels = np.where(x + rng.logistic(size=400) > 0, "hi", "lo")
    path = tmp_path_factory.mktemp("table") / "rows.csv"
    pl.DataFrame({
        "x": x, "n": rng.integers(0, 5, 400), "k": rng.choice(list("abc"), 400),
        "w": rng.exponential(size=400), "y": labels,
    }).write_csv(path)  # fmt: skip
    return path


def outcome(table: Path, out: Path, options: list[str], capsys: Any) -> tuple[int, str]:
    given = [o.replace("OUT", str(out)).replace("DATA", str(table)) for o in options]
    target = [] if "--target" in given else ["--target", "y"]
    code = run(["fit", str(table), *target, "--memory", "64GiB", *given])
    return code, capsys.readouterr().err


def test_no_option_is_left_out() -> None:
    known = {*_TABLE, *_ON_WORKERS, *_WORKS, *_REFUSED, *_OF_NETWORKS, *_OF_TEXT}
    assert known == set(inspect.signature(fit).parameters)


@pytest.mark.parametrize("name", [*_WORKS, *_OF_TEXT])
def test_options_that_work(name: str, table: Path, tmp_path: Path, capsys: Any) -> None:
    options = _WORKS.get(name) or _OF_TEXT[name]
    code, said = outcome(table, tmp_path, options, capsys)
    assert (code, said) == (0, "")


@pytest.mark.parametrize("name", [*_REFUSED, *_OF_NETWORKS])
def test_options_that_are_refused(name: str, table: Path, tmp_path: Path, capsys: Any) -> None:
    none = f"{name.replace('_', '-')}: expected hidden layers beside it"
    options, words = _REFUSED.get(name) or (_OF_NETWORKS[name], none)
    code, said = outcome(table, tmp_path, [*options, "-o", "OUT/m.safetensors"], capsys)
    assert code == 2
    assert words in said
    assert said.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("seed", range(4))
def test_options_together(seed: int, table: Path, tmp_path: Path, capsys: Any) -> None:
    """Some at random: one line where a pair is refused, and never a traceback."""
    rng = np.random.default_rng(seed)
    names = rng.choice([name for name in _WORKS if name not in ("cv", "hidden")], 6, replace=False)
    options = [word for name in names for word in _WORKS[name]]
    code, said = outcome(table, tmp_path, options, capsys)
    assert code in (0, 2)
    assert said.count("\n") == (code == 2), said


@pytest.mark.parametrize("seed", tiers.slow(range(100, 160), 30))
def test_more_options_together(seed: int, table: Path, tmp_path: Path, capsys: Any) -> None:
    test_options_together(seed, table, tmp_path, capsys)


def test_the_same_rows_in_both_ways_of_reading(table: Path) -> None:
    """What `--decimal` and the like mean is not another thing beside memory."""
    whole = pmy.fit_table(table, "y", sep=",", missing="0", drop="k")
    blocks = pmy.fit_table(table, "y", sep=",", missing="0", drop="k", memory="64GiB")
    assert whole.schema.feature_names == blocks.schema.feature_names


def test_columns_without_a_header_have_the_same_names(table: Path, tmp_path: Path) -> None:
    path = tmp_path / "plain.csv"
    path.write_text("\n".join(table.read_text().splitlines()[1:]) + "\n")
    whole = pmy.fit_table(path, "column_5", header=False)
    blocks = pmy.fit_table(path, "column_5", header=False, memory="64GiB")
    assert whole.schema.feature_names == blocks.schema.feature_names
    assert blocks.predict_blocks(path, tmp_path / "p.csv", memory="64GiB") == 400
    assert blocks.evaluate(path, memory="64GiB").rows == 400


def test_weighted_rows_are_cross_validated(table: Path) -> None:
    how: dict[str, Any] = {"C": [0.1, 1.0], "weight": "w", "test_size": 0.2}
    blocks = pmy.fit_table(table, "y", memory="64GiB", **how)
    assert blocks.settings["C"] in (0.1, 1.0)
    balanced = pmy.fit_table(table, "y", memory="64GiB", **how, class_weight="balanced")
    assert balanced.settings["C"] in (0.1, 1.0)
