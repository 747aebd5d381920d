"""Intervals and thresholds from a table to the model file, the page and the commands."""

import json

import numpy as np
import polars as pl
import pytest
from safetensors.numpy import load_file

import pminusy as pmy
from pminusy import InputError
from pminusy.cli.app import run
from pminusy.estimators.model_file import load_model, save_model


def _frame(n=300, seed=0, labels=("no", "yes")):
    r = np.random.default_rng(seed)
    y = (r.random(n) < 0.3).astype(int)
    return pl.DataFrame(
        {
            "x": y + r.normal(size=n),
            "u": r.normal(size=n),
            "clinic": [f"c{int(v)}" for v in r.integers(30, size=n)],
            "y": [labels[k] for k in y],
        }
    )


def test_a_threshold_decides_everywhere(tmp_path):
    frame = _frame()
    plain = pmy.fit_table(frame, target="y")
    model = pmy.fit_table(frame, target="y", threshold=0.2)
    np.testing.assert_array_equal(plain.W, model.W)
    predictions = model.predict(frame)
    expected = ["yes" if p >= 0.2 else "no" for p in predictions["p(yes)"]]
    assert predictions["prediction"].to_list() == expected
    assert predictions["prediction"].to_list() != plain.predict(frame)["prediction"].to_list()
    result = model.evaluate(frame)
    right = np.mean(np.array(expected) == frame["y"].to_numpy())
    assert result.scores.accuracy == pytest.approx(right)
    assert result.scores.log_loss == plain.evaluate(frame).scores.log_loss
    found = sum(c.rows * (c.recall or 0.0) for c in result.by_class)
    assert found == pytest.approx(right * 300)
    path = tmp_path / "m.safetensors"
    model.save(path)
    assert pmy.load(path).threshold == model.threshold
    assert pmy.load(path).predict(frame).equals(predictions)
    page = tmp_path / "m.html"
    model.write_report(page)
    assert "is predicted from p = 0.2 on" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize("rule", ["f1", "cost=5:1"])
def test_held_out_rows_do_not_choose_the_threshold(rule):
    frame = _frame()
    model = pmy.fit_table(frame, target="y", threshold=rule)
    assert model.threshold is not None
    assert model.threshold.rows == 240
    held_out = model.run.held_out.index
    other = frame["u"].to_numpy().copy()
    other[held_out] = 0.0
    again = pmy.fit_table(frame.with_columns(u=pl.Series(other)), target="y", threshold=rule)
    assert again.threshold == model.threshold
    assert any("training rows out of fold" in note for note in model.run.notes)


def test_a_dear_miss_lowers_the_threshold():
    frame = _frame()
    cut = [
        pmy.fit_table(frame, target="y", threshold=rule).threshold.value  # type: ignore[union-attr]
        for rule in ("cost=10:1", "cost=1:1", "cost=1:10")
    ]
    assert cut[0] < 0.3 < cut[1] < cut[2]


def test_the_positive_class_can_be_named():
    frame = _frame()
    model = pmy.fit_table(frame, target="y", threshold=0.9, positive="no")
    predictions = model.predict(frame)
    expected = ["no" if p >= 0.9 else "yes" for p in predictions["p(no)"]]
    assert predictions["prediction"].to_list() == expected


def test_a_chosen_threshold_makes_the_same_decisions_when_calibrated():
    frame = _frame()
    plain = pmy.fit_table(frame, target="y", threshold="f1", refit=False)
    cool = pmy.fit_table(frame, target="y", threshold="f1", refit=False, calibrate=True)
    assert cool.settings["temperature"] != 1.0
    before, after = (m.predict(frame)["prediction"].to_list() for m in (plain, cool))
    assert before == after


def test_explain_and_export_say_the_threshold(tmp_path, capsys):
    frame = _frame()
    model = pmy.fit_table(frame, target="y", threshold=0.05)
    p = model.predict(frame)["p(yes)"].to_numpy()
    row = int(np.flatnonzero((p > 0.05) & (p < 0.45))[0])
    text = str(model.explain(frame[row]))
    assert "the model says 'yes'" in text
    assert "'yes' is predicted from p = 0.05 on" in text
    model.save(tmp_path / "m.safetensors")
    assert run(["export", str(tmp_path / "m.safetensors"), str(tmp_path / "c.csv")]) == 0
    assert "'yes' is predicted from p = 0.05 on" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"threshold": 0.3}, "threshold: expected a target of two classes, got 3"),
        ({"threshold": "f2"}, "threshold: expected a probability"),
        ({"positive": "a"}, "positive: expected a threshold beside it"),
    ],
    ids=["three classes", "no rule", "nothing to be positive of"],
)
def test_thresholds_that_cannot_be_used(options, expected):
    frame = _frame().with_columns(y=pl.Series(["a", "b", "c"] * 100))
    with pytest.raises(InputError) as error:
        pmy.fit_table(frame, target="y", **options)
    assert str(error.value).startswith(expected)


@pytest.mark.parametrize("positive", [True, "True", "TRUE", "true", False, "False"])
def test_the_positive_class_of_booleans_is_named_as_people_write_them(positive):
    frame = _frame().with_columns(y=pl.col("y") == "yes")
    model = pmy.fit_table(frame, target="y", threshold=0.9, positive=positive)
    assert model.threshold is not None
    assert model.schema.classes[model.threshold.positive] == str(positive).lower()


def test_an_unknown_positive_class_is_refused():
    with pytest.raises(InputError, match="positive: expected one of the classes 'no' and 'yes'"):
        pmy.fit_table(_frame(), target="y", threshold=0.3, positive="ja")


@pytest.mark.parametrize(
    "value",
    [{"value": 1.5}, {"value": 0.5, "positive": 2}, {"value": 0.5, "positive": 1, "odd": 1}, 0.5],
    ids=["range", "class", "key", "number"],
)
def test_a_damaged_threshold_is_refused(value, tmp_path):
    path = tmp_path / "m.safetensors"
    pmy.fit_table(_frame(), target="y", threshold=0.3).save(path)
    _, metadata, _ = load_model(path)
    save_model(path, load_file(path), metadata | {"threshold": value})
    with pytest.raises(InputError, match="threshold: expected a probability"):
        pmy.load(path)


def test_groups_widen_the_intervals_in_fit_and_in_evaluate(tmp_path, capsys):
    frame = _frame()
    frame = pl.concat([frame] * 3)  # each row three times: a third of them says as much
    model = pmy.fit_table(frame, target="y", groups="clinic")
    assert model.run.held_out.groups is not None
    assert model.run.intervals.groups == np.unique(model.run.held_out.groups).size
    alone = pmy.fit_table(frame.drop("clinic"), target="y").evaluate(frame.drop("clinic"))
    result = model.evaluate(frame)
    assert (result.intervals.rows, result.intervals.groups) == (900, 30)
    assert alone.intervals.groups is None
    wide, narrow = (np.diff(found.intervals["log loss"])[0] for found in (result, alone))
    assert wide > 1.3 * narrow
    frame.write_csv(tmp_path / "t.csv")
    model.save(tmp_path / "m.safetensors")
    command = ["evaluate", str(tmp_path / "m.safetensors"), str(tmp_path / "t.csv")]
    assert run([*command, "--format", "json"]) == 0
    record = json.loads(capsys.readouterr().out)["intervals"]
    assert record["accuracy"] == pytest.approx(result.intervals["accuracy"])
    assert (record["rows"], record["groups"], record["confidence"]) == (900, 30, 0.95)
    assert run(command) == 0
    assert "intervals from 30 groups" in capsys.readouterr().out


def test_scores_of_training_rows_have_no_interval():
    assert not pmy.fit_table(_frame(), target="y", test_size=0).run.intervals


def test_rows_of_one_group_are_scored_by_a_model_that_knows_groups():
    rng = np.random.default_rng(4)
    x, clinic = rng.normal(size=200), np.arange(200) % 10
    y = np.where(x + rng.normal(size=200) > 0, "ill", "well")
    frame = pl.DataFrame({"x": x, "clinic": clinic, "y": y})
    model = pmy.fit_table(frame, target="y", groups="clinic")
    one = model.evaluate(frame.filter(pl.col("clinic") == 3))
    assert (one.rows, one.intervals.groups) == (20, None)
    assert model.evaluate(frame[:1]).rows == 1
    with pytest.raises(InputError, match="groups 'clinic': expected at least two groups"):
        model.evaluate(frame[:1], groups="clinic")
    with pytest.raises(InputError, match="groups 'y': expected a column other than the target"):
        model.evaluate(frame, groups="y")


def test_an_unknown_positive_class_is_told_the_classes_alone():
    frame = pl.DataFrame({"x": np.arange(40.0), "y": ["no", "yes"] * 20})
    with pytest.raises(InputError, match=r"positive: .* 'no' and 'yes', got 'maybe'$"):
        pmy.fit_table(frame, target="y", threshold=0.3, positive="maybe")
