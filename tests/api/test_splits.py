"""Rows held out by time, and splits that are repeated."""

from __future__ import annotations

import datetime
import json

import numpy as np
import polars as pl
import pytest

import pminusy as pmy
from pminusy.cli.app import run
from pminusy.errors import InputError
from pminusy.estimators.split import folds_in_time, split_in_time

DAY0 = datetime.date(2020, 1, 1)


def _frame(n=120, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    days = rng.permutation(n) // 2  # two rows a day
    return pl.DataFrame(
        {
            "x": x,
            "day": [DAY0 + datetime.timedelta(days=int(d)) for d in days],
            "hour": days.astype(float),
            "who": [f"p{i % 9}" for i in range(n)],
            "y": np.where(x + rng.normal(size=n) > 0, "yes", "no"),
        }
    )


@pytest.mark.parametrize("time", ["day", "hour"])
def test_the_latest_rows_are_held_out(time):
    frame = _frame()
    model = pmy.fit_table(frame, target="y", time=time)
    run_ = model.run
    train, held = run_.training.frame[time], run_.held_out.frame[time]
    assert train.max() < held.min()
    assert len(held) == 24
    assert model.settings["time"] == time
    assert pmy.fit_table(frame, target="y", time=time, seed=7).run.held_out.index.tolist() == (
        run_.held_out.index.tolist()
    )


@pytest.mark.parametrize("seed", range(8))
def test_rows_of_one_time_are_on_one_side(seed):
    rng = np.random.default_rng(seed)
    times = rng.integers(0, rng.integers(2, 30), size=60).astype(float)
    times[:2] = 0, 1
    for share in (0.0, 0.1, 0.3, 0.9):
        train, held = split_in_time(times, share)
        assert sorted([*train, *held]) == list(range(60))
        assert train.size
        if held.size:
            assert times[train].max() < times[held].min()
    for folds in (2, 5, 20):
        found = folds_in_time(times, folds)
        assert found
        for train, test in found:
            assert train.size
            assert test.size
            assert times[train].max() < times[test].min()
        tested = np.concatenate([test for _, test in found])
        assert np.unique(tested).size == tested.size


def test_folds_go_forward_in_time():
    model = pmy.fit_table(_frame(), target="y", time="day", C=[0.1, 1.0], cv=4)
    clf, times = model.run.estimator, model.run.training.times
    assert times is not None
    for train, test in clf.cv:
        assert times[train].max() < times[test].min()
    assert model.settings["folds"] == 4


def test_dates_in_a_file_are_read_even_where_the_column_is_dropped(tmp_path):
    _frame().with_columns(pl.col("day").dt.strftime("%d.%m.%Y")).write_csv(tmp_path / "t.csv")
    model = pmy.fit_table(tmp_path / "t.csv", target="y", time="day", drop=["day", "hour", "who"])
    train, held = model.run.training.times, model.run.held_out.times
    assert train is not None
    assert held is not None
    assert train.max() < held.min()
    assert model.schema.feature_names == ("x",)
    again = pmy.fit_table(_frame(), target="y", time="day", drop=["day", "hour", "who"])
    np.testing.assert_array_equal(model.W, again.W)


def test_a_threshold_is_chosen_on_later_rows():
    model = pmy.fit_table(_frame(), target="y", time="hour", threshold="f1")
    assert model.threshold is not None
    assert model.threshold.rows < model.run.training.y.size  # the earliest are never left out


REFUSED = {
    "groups": ({"groups": "who"}, "no groups beside it"),
    "test table": ({"test": _frame(seed=1)}, "no test table beside it"),
    "repeats": ({"repeats": 3}, "3 beside a split by time"),
    "no such column": ({"time": "dya"}, "did you mean 'day'?"),
    "words": ({"time": "who"}, "a column of dates or numbers"),
    "one time": ({"frame": _frame().with_columns(day=pl.lit(DAY0))}, "at least two times"),
    "no time": (
        {"frame": _frame().with_columns(day=pl.when(pl.col("x") > 0).then("day"))},
        "rows without one",
    ),
    "late class": (
        {"frame": _frame().with_columns(y=pl.when(pl.col("hour") > 58).then(pl.lit("z"))
                                        .otherwise("y"))},
        "class that only the latest rows have",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_a_split_by_time_refuses(case):
    options, words = REFUSED[case]
    options = {"time": "day", "frame": _frame()} | options
    with pytest.raises(InputError, match=words.replace("?", r"\?")):
        pmy.fit_table(options.pop("frame"), target="y", **options)


def test_repeated_splits_are_those_of_the_seeds_that_follow():
    frame = _frame()
    found = pmy.fit_table(frame, target="y", repeats=3, seed=5, C=0.5).run.repeated
    alone = [pmy.fit_table(frame, target="y", seed=5 + i, C=0.5).run for i in range(3)]
    assert found is not None
    assert found.splits == 3
    for name in ("accuracy", "log loss"):
        values = [dict(each.scores.named())[name] for each in alone]
        np.testing.assert_array_equal(found.by_name[name], values)
        mean, deviation = found.spread()[name]
        assert mean == pytest.approx(np.mean(values))
        assert deviation == pytest.approx(np.std(values, ddof=1))
    assert found.by_name["ROC AUC"] == tuple(dict(each.ranking)["ROC AUC"] for each in alone)


def test_repeats_keep_groups_together_and_are_in_the_file(tmp_path):
    model = pmy.fit_table(_frame(), target="y", repeats=4, groups="who")
    model.save(tmp_path / "m.safetensors")
    loaded = pmy.load(tmp_path / "m.safetensors")
    assert loaded.settings["repeats"] == 4
    (note,) = [note for note in loaded.notes if "over 4 splits" in note]
    assert model.run.repeated is not None
    assert note == model.run.repeated.sentence
    assert "±" in note
    assert pmy.fit_table(_frame(), target="y", groups="who").run.repeated is None


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"test": _frame(seed=1)}, "2 beside a test table"),
        ({"test_size": 0.0}, "2 beside no rows held out"),
        ({"repeats": 0}, "a whole number from 1"),
        ({"repeats": 1.5}, "a whole number from 1"),
        ({"repeats": 1001}, "a whole number from 1 to 1,000, got 1001"),
    ],
    ids=["test table", "nothing held out", "none", "no whole number", "too many"],
)
def test_what_repeats_refuse(options, words):
    with pytest.raises(InputError, match=words):
        pmy.fit_table(_frame(), target="y", **{"repeats": 2} | options)


def test_at_the_command_line(tmp_path, capsys):
    _frame().write_csv(tmp_path / "t.csv")
    fit = ["fit", str(tmp_path / "t.csv"), "--target", "y"]
    assert run([*fit, "--time", "day"]) == 0
    assert run([*fit, "--time", "day", "--groups", "who"]) == 2
    capsys.readouterr()
    assert run([*fit, "--repeats", "3"]) == 0
    assert "over 3 splits (mean ± standard deviation): accuracy 0." in capsys.readouterr().out
    assert run([*fit, "--repeats", "3", "--format", "json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["repeated"]["accuracy"]) == 3
