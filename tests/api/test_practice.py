"""What an analyst does around a fit: refit, a test table, coefficients, results as JSON."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
from safetensors.numpy import load_file
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

import pminusy as pmy
from pminusy import InputError
from pminusy.cli.app import run
from pminusy.estimators.scores import ranking_scores


def _frame(n=240, seed=0):
    r = np.random.default_rng(seed)
    y = r.integers(3, size=n)
    return pl.DataFrame(
        {
            "x": y + r.normal(size=n),
            "price": 1000.0 * y + r.normal(0, 900, size=n),
            "shade": [("dark", "light")[int(v)] for v in r.integers(2, size=n)],
            "y": [("ant", "bee", "cat")[k] for k in y],
        }
    )


def test_after_scoring_the_model_is_that_of_all_rows(tmp_path):
    frame = _frame()
    model = pmy.fit_table(frame, target="y")
    whole = pmy.fit_table(frame, target="y", test_size=0)
    np.testing.assert_allclose(model.W, whole.W, atol=1e-7)
    assert model.schema.columns == whole.schema.columns
    judged = pmy.fit_table(frame, target="y", refit=False)
    assert judged.run.refitted is None
    assert model.run.scores == judged.run.scores
    assert model.run.judged is not None
    np.testing.assert_array_equal(model.run.judged.W, judged.W)
    assert model.run.refit_sentence().startswith("on all 240 rows, after scoring")
    assert model.summary().observations == 240
    path = tmp_path / "m.safetensors"
    model.save(path)
    np.testing.assert_array_equal(load_file(path)["held_out"], judged.run.held_out.index)
    loaded = pmy.load(path)
    assert loaded.refitted
    np.testing.assert_array_equal(loaded.held_out, judged.run.held_out.index)
    assert loaded.predict(frame).equals(model.predict(frame))
    page = tmp_path / "m.html"
    model.write_report(page)
    assert "refitted on all 240 rows" in page.read_text(encoding="utf-8")


def test_refitting_keeps_the_choice_and_the_temperature():
    frame = _frame(400)
    model = pmy.fit_table(frame, target="y", C=[1e-3, 1.0], cv=3, calibrate=True)
    T = model.settings["temperature"]
    assert isinstance(T, float)
    alone = pmy.fit_table(frame, target="y", C=model.run.chosen.C, test_size=0)
    np.testing.assert_allclose(model.W * T, alone.W, atol=1e-6)


def test_a_fit_that_did_not_converge_is_not_refitted():
    with pytest.warns(match="max_iter"):
        model = pmy.fit_table(_frame(), target="y", max_iter=1)
    assert model.run.refitted is None


def test_a_test_table_is_scored_and_all_of_the_other_trained_on(tmp_path):
    train, test = _frame(200), _frame(100, seed=1)
    test.write_csv(tmp_path / "test.csv")
    model = pmy.fit_table(train, target="y", test=tmp_path / "test.csv")
    whole = pmy.fit_table(train, target="y", test_size=0)
    np.testing.assert_array_equal(model.W, whole.W)
    assert model.run.scored_on == "100 held-out rows"
    assert model.run.scores == whole.evaluate(test).scores
    theirs = LogisticRegression(C=1.0, tol=1e-10, solver="newton-cg")
    rows, held_out = model.run.training, model.run.held_out
    p = theirs.fit(rows.X, rows.y).predict_proba(held_out.X)
    assert model.run.scores.log_loss == pytest.approx(log_loss(held_out.y, p), abs=1e-5)


@pytest.mark.parametrize(
    ("change", "options", "expected"),
    [
        (lambda f: f, {"test_size": 0.1}, "test size: expected none beside a test table, got 0.1"),
        (lambda f: f.drop("x"), {}, "test table: expected the columns the model was trained on"),
        (lambda f: f.drop("y"), {}, "test target 'y': expected a column of the table"),
        (
            lambda f: f.with_columns(y=pl.lit("dog")),
            {},
            "test target 'y': expected at least one label the model was trained on, "
            "got only labels it never saw: 'dog'",
        ),
    ],
    ids=["two ways", "a column", "no target", "labels"],
)
def test_test_tables_that_cannot_be_used(change, options, expected):
    with pytest.raises(InputError) as error:
        pmy.fit_table(_frame(), target="y", test=change(_frame(60, seed=1)), **options)
    assert str(error.value).startswith(expected)


def test_new_labels_in_a_test_table_are_said():
    test = _frame(60, seed=1).with_columns(
        y=pl.when(pl.int_range(pl.len()) < 3).then(pl.lit("dog")).otherwise("y")
    )
    notes = pmy.fit_table(_frame(), target="y", test=test).run.notes
    assert "held out: 3 rows with a label the model never saw left out: 'dog'" in notes


def test_coefficients_in_units_give_the_logits_of_the_table():
    frame = _frame()
    model = pmy.fit_table(frame, target="y")
    found = model.coefficients()
    assert found.height == 3 * (2 + 2 + 1)
    ants = found.filter(pl.col("class") == "ant")
    w = dict(zip(ants["feature"], ants["coefficient_in_units"], strict=True))
    z = w["(intercept)"] + w["x"] * frame["x"] + w["price"] * frame["price"]
    z = z + frame["shade"].replace_strict({s: w[f"shade = {s}"] for s in ("dark", "light")})
    log_p = model.log_probabilities(_features(model, frame))
    logits = _features(model, frame) @ model.W.T + model.b
    np.testing.assert_allclose(z.to_numpy(), logits[:, 0], atol=1e-9)
    assert log_p.shape == (240, 3)


def _features(model, frame):
    from pminusy.tables.design import design_matrix

    return design_matrix(frame, model.schema).X


def test_areas_under_curves_are_counted():
    # The area under the ROC curve is the share of pairs in the right order.
    r = np.random.default_rng(3)
    y = r.integers(2, size=60)
    scores = r.normal(size=60) + y
    pairs = [(a > b) + 0.5 * (a == b) for a in scores[y == 1] for b in scores[y == 0]]
    found = dict(ranking_scores(y, np.stack([-scores, scores], axis=1)))
    assert found["ROC AUC"] == pytest.approx(np.mean(pairs))
    order = np.argsort(-scores)
    hits = np.cumsum(y[order]) / np.arange(1, 61)
    assert found["average precision"] == pytest.approx(hits[y[order] == 1].mean())


def test_top_k_is_there_where_classes_are_many():
    log_p = np.log(
        np.full((4, 12), 0.01) + np.eye(12)[[0, 1, 2, 3]] * 0.5 + np.eye(12)[[5] * 4] * 0.6
    )
    found = dict(ranking_scores(np.array([0, 1, 2, 7]), log_p))
    assert found["top-3 accuracy"] == 1.0  # no class but two is above class 7
    assert "top-5 accuracy" in found
    assert "top-3 accuracy" not in dict(ranking_scores(np.array([0, 1]), log_p[:2, :6]))


def test_commands_for_programs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    _frame().write_csv("t.csv")
    _frame(60, 1).write_csv("u.csv")
    fit = ["fit", "t.csv", "--target", "y", "-o", "m.safetensors", "--format", "json"]
    assert run([*fit, "--test", "u.csv"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["files"] == {"model": "m.safetensors"}
    assert record["rows"] == {"training": 240, "held_out": 60, "dropped": 0}
    assert [c["taken"] for c in record["columns"]] == ["number", "number", "category", "target"]
    assert run(["evaluate", "m.safetensors", "u.csv", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["scores"] == record["scores"]
    assert run(["export", "m.safetensors", "coef.csv"]) == 0
    assert pl.read_csv("coef.csv").height == 15
    assert run(["export", "m.safetensors", "m.onnx", "--dtype", "float32"]) == 0
    assert capsys.readouterr().out.endswith("model written to m.onnx\n")
    assert run(["export", "m.safetensors", "m.onnx", "--opset", "5"]) == 2
    assert "opset: expected a version from 13" in capsys.readouterr().err
    assert run(["export", "m.safetensors", "coef.csv", "--opset", "17"]) == 2
    assert "--opset: expected an output file named .onnx" in capsys.readouterr().err
    capsys.readouterr()
    assert run([*fit, "--test", "u.csv", "--test-size", "0.1"]) == 2
    assert "test size: expected none beside a test table" in capsys.readouterr().err
    assert run(["fit", "-h"]) == 0
    assert "--columns-report" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["-o", "m.pkl"], "model file 'm.pkl': expected a file named .safetensors, got '.pkl'"),
        (["--report", "m.pdf"], "output file 'm.pdf': expected a file named .html, got '.pdf'"),
    ],
    ids=["model", "page"],
)
def test_files_named_after_other_formats(tmp_path, monkeypatch, capsys, arguments, expected):
    monkeypatch.chdir(tmp_path)
    _frame().write_csv("t.csv")
    assert run(["fit", "t.csv", "--target", "y", *arguments]) == 2
    assert expected in capsys.readouterr().err
    assert not list(tmp_path.glob("m.*"))
