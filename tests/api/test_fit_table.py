"""fit_table, the table model and its file, from Python."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn

import pminusy as pmy
from pminusy import InputError
from pminusy.estimators.model_file import save_model
from pminusy.tables.schema import NumberColumn

PENGUINS = str(Path(__file__).parents[2] / "examples" / "penguins.csv")


@pytest.fixture(scope="module")
def model():
    return pmy.fit_table(PENGUINS, target="species", refit=False)


def _frame(rows=60, seed=0):
    random = np.random.default_rng(seed)
    kind = random.integers(3, size=rows)
    return pl.DataFrame(
        {
            "length": kind * 2.0 + random.normal(size=rows),
            "shade": [("dark", "light")[int(v)] for v in random.integers(2, size=rows)],
            "kind": [("ant", "bee", "cat")[k] for k in kind],
        }
    )


def test_penguins_are_told_apart(model):
    assert model.run.scores.accuracy >= 0.97
    assert model.run.scores.log_loss < 0.1 < 1.0 < model.run.baseline.log_loss
    assert model.run.baseline.balanced_accuracy == pytest.approx(1 / 3)
    assert model.run.converged
    assert model.run.certificate <= 1e-6
    assert model.run.training.y.size + model.run.held_out.y.size == 344


def test_certificate_is_the_gradient_written_out(model):
    rows = model.run.training
    p = np.exp(model.log_probabilities(rows.X))
    Y = np.eye(3)[rows.y]
    dL_dW = (p - Y).T @ rows.X / rows.y.size + model.W / rows.y.size
    dL_db = (p - Y).mean(axis=0)
    largest = max(np.abs(dL_dW).max(), np.abs(dL_db).max())
    assert largest == pytest.approx(model.run.certificate, rel=1e-6)


def test_statistics_come_from_the_training_rows_alone():
    frame = _frame(200)
    model = pmy.fit_table(frame, target="kind", refit=False)
    column = next(c for c in model.schema.columns if isinstance(c, NumberColumn))
    assert column.mean == pytest.approx(model.run.training.frame["length"].mean())
    assert column.mean != pytest.approx(frame["length"].mean(), rel=1e-6)


def test_two_classes_have_scikit_learns_optimum():
    from sklearn.linear_model import LogisticRegression

    frame = _frame(200).with_columns((pl.col("kind") == "ant").alias("kind"))
    model = pmy.fit_table(frame, target="kind", C=0.3, refit=False)
    rows = model.run.training
    theirs = LogisticRegression(C=0.3, solver="newton-cholesky", tol=1e-12).fit(rows.X, rows.y)
    np.testing.assert_allclose(model.W[1:] - model.W[:1], theirs.coef_, atol=1e-4)


def test_weights_count_as_copies():
    frame = _frame(50)
    copies = np.random.default_rng(1).integers(1, 4, size=50)
    weighted = frame.with_columns(pl.Series("copies", copies.astype(float)))
    repeated = frame[np.repeat(np.arange(50), copies)]
    first = pmy.fit_table(weighted, target="kind", weight="copies", test_size=0, C=np.inf)
    second = pmy.fit_table(repeated, target="kind", test_size=0, C=np.inf)
    p = [np.exp(m.log_probabilities(m.run.training.X)) for m in (first, second)]
    np.testing.assert_allclose(np.repeat(p[0], copies, axis=0), p[1], atol=1e-4)
    assert first.run.scores.accuracy == pytest.approx(second.run.scores.accuracy)


def test_file_and_frames_of_every_kind_give_the_same_model(tmp_path):
    frame = _frame()
    pandas_frame = pd.DataFrame(frame.to_dict(as_series=False))
    for path, write in (
        (tmp_path / "t.csv", frame.write_csv),
        (tmp_path / "t.parquet", frame.write_parquet),
        (tmp_path / "t.feather", frame.write_ipc),
    ):
        write(path)
    sources = (pandas_frame, *(tmp_path / f"t.{s}" for s in ("csv", "parquet", "feather")))
    expected = pmy.fit_table(frame, target="kind").W
    for source in sources:
        np.testing.assert_array_equal(pmy.fit_table(source, target="kind").W, expected)


def test_same_seed_same_bits_and_another_seed_other_rows():
    first, again, other = (pmy.fit_table(_frame(), target="kind", seed=s) for s in (3, 3, 4))
    np.testing.assert_array_equal(first.W, again.W)
    assert not np.array_equal(first.run.held_out.index, other.run.held_out.index)


def test_saved_and_loaded_it_predicts_the_same_bits(model, tmp_path):
    path = tmp_path / "m.safetensors"
    model.save(path)
    loaded = pmy.load(path)
    assert loaded.schema == model.schema
    assert loaded.predict(PENGUINS).equals(model.predict(PENGUINS))
    with pytest.raises(InputError, match="expected a model just trained, got one loaded"):
        loaded.write_report(tmp_path / "page.html")
    assert [p.name for p in tmp_path.iterdir()] == ["m.safetensors"]


def test_a_file_of_version_0_1_loads_with_a_note():
    with pytest.warns(UserWarning, match="without a checksum"):
        old = pmy.load(Path(__file__).with_name("format_1.safetensors"))
    assert old.converged is None
    assert old.notes == ()
    table = pl.DataFrame({"size": [1.0, 8.0], "hue": ["red", "blue"]})
    predictions = old.predict(table)
    assert predictions["prediction"].to_list() == ["a", "b"]
    assert predictions["p(a)"][0] == pytest.approx(0.869914, abs=1e-6)


def test_a_file_saved_again_has_a_checksum(tmp_path):
    with pytest.warns(UserWarning, match="without a checksum"):
        old = pmy.load(Path(__file__).with_name("format_1.safetensors"))
    old.save(tmp_path / "new.safetensors")
    new = pmy.load(tmp_path / "new.safetensors")  # a warning would be an error
    np.testing.assert_array_equal(new.W, old.W)


def test_settings_survive_the_file_an_infinite_C_too(tmp_path):
    model = pmy.fit_table(_frame(), target="kind", C=np.inf, seed=7, test_size=0.25)
    model.save(tmp_path / "m.safetensors")
    expected = {"C": np.inf, "seed": 7, "test size": 0.25, "training rows": 60}
    assert pmy.load(tmp_path / "m.safetensors").settings == expected


@pytest.mark.parametrize(
    ("tensors", "settings", "message"),
    [
        ({"shares": np.array([0.5, -0.5, 1.0])}, {}, "shares: expected positive numbers that sum"),
        ({"W": np.ones((3, 1))}, {}, "W: expected shape"),
        ({}, {"C": [1]}, "settings: expected numbers or words by name"),
        ({}, None, "settings: expected numbers or words by name"),
    ],
)
def test_a_model_file_changed_by_hand_is_refused(model, tmp_path, tensors, settings, message):
    path = tmp_path / "m.safetensors"
    arrays = {"W": model.W, "b": model.b, "shares": model.shares} | tensors
    save_model(path, arrays, {"schema": model.schema.to_json(), "settings": settings})
    with pytest.raises(InputError, match=message):
        pmy.load(path)


def test_predictions_are_labels_and_probabilities(model):
    predictions = model.predict(PENGUINS)
    names = ["prediction", "p(Adelie)", "p(Chinstrap)", "p(Gentoo)"]
    assert predictions.columns == names
    p = predictions.select(names[1:]).to_numpy()
    np.testing.assert_allclose(p.sum(axis=1), 1.0, atol=1e-15)
    labels = np.array(["Adelie", "Chinstrap", "Gentoo"])[p.argmax(axis=1)]
    assert predictions["prediction"].to_list() == labels.tolist()


def test_a_pandas_frame_gives_a_pandas_frame_with_its_index(model):
    table = pd.read_csv(PENGUINS).iloc[5:9]
    predictions = model.predict(table)
    assert isinstance(predictions, pd.DataFrame)
    assert predictions.index.tolist() == [5, 6, 7, 8]


def test_labels_come_back_in_their_own_type():
    frame = _frame().with_columns((pl.col("length") > 2).cast(pl.Int64).alias("kind"))
    model = pmy.fit_table(frame, target="kind")
    assert model.predict(frame)["prediction"].dtype == pl.Int64


def test_evaluate_on_the_held_out_rows_repeats_the_scores_of_the_fit(model):
    result = model.evaluate(model.run.held_out.frame)
    assert result.scores == model.run.scores
    assert result.baseline == model.run.baseline
    assert sum(row.rows for row in result.by_class) == result.rows


def test_evaluate_says_which_rows_it_left_out(model):
    frame = pl.read_csv(PENGUINS, null_values="").head(6)
    frame = frame.with_columns(
        pl.Series("species", ["Adelie", "Emperor", None, "King", "Adelie", "Gentoo"])
    )
    with pytest.warns(
        pmy.TableWarning, match="1 row without a label left out; 2 rows with a label"
    ):
        result = model.evaluate(frame)
    assert result.rows == 3
    assert result.notes == (
        "1 row without a label left out",
        "2 rows with a label the model never saw left out: 'Emperor' and 'King'",
    )
    with pytest.raises(InputError, match="at least one label the model was trained on"):
        model.evaluate(frame[1:2])


def test_evaluate_uses_the_weights_where_the_table_has_them():
    frame = _frame().with_columns(pl.int_range(1, pl.len() + 1).alias("w"))
    model = pmy.fit_table(frame, target="kind", weight="w", test_size=0)
    assert model.evaluate(frame).scores == model.run.scores
    assert model.evaluate(frame.drop("w")).scores != model.run.scores
    with pytest.raises(InputError, match="weight 'w': expected finite weights ≥ 0, got -1 in row"):
        model.evaluate(frame.with_columns(pl.lit(-1.0).alias("w")))


def test_a_class_with_one_row_is_trained_and_said():
    frame = pl.concat(
        [_frame(), pl.DataFrame({"length": [50.0], "shade": ["dark"], "kind": ["owl"]})]
    )
    run = pmy.fit_table(frame, target="kind").run
    assert any("single row" in note and "owl" in note for note in run.notes)


def test_without_held_out_rows_the_scores_say_so():
    run = pmy.fit_table(_frame(), target="kind", test_size=0).run
    assert run.scored_on == "60 training rows"
    assert "no rows were held out" in " ".join(run.notes)


def test_rows_without_a_target_are_dropped_and_counted():
    frame = _frame().with_columns(
        pl.when(pl.int_range(pl.len()) < 4).then(None).otherwise(pl.col("kind")).alias("kind")
    )
    run = pmy.fit_table(frame, target="kind").run
    assert run.rows_dropped == 4
    assert "4 rows without a target left out" in run.notes
    assert min(run.training.index.min(), run.held_out.index.min()) >= 4


def test_row_numbers_count_rows_whose_target_is_nan():
    frame = _frame().with_columns(
        pl.when(pl.int_range(pl.len()) < 2)
        .then(float("nan"))
        .otherwise((pl.col("length") > 2).cast(pl.Float64))
        .alias("kind"),
        pl.int_range(pl.len()).alias("at"),
    )
    run = pmy.fit_table(frame, target="kind").run
    for part in (run.training, run.held_out):
        np.testing.assert_array_equal(part.index, part.frame["at"])


def test_rows_held_out_do_not_depend_on_what_the_process_did_before():
    first = pmy.fit_table(_frame(), target="kind").run.held_out.index
    code = (
        "import polars as pl; kept = pl.Series(['cat', 'bee', 'ant']).cast(pl.Categorical)\n"
        "import pminusy as pmy; frame = pl.read_json(input().encode())\n"
        "print(pmy.fit_table(frame, target='kind').run.held_out.index.tolist())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=_frame().write_json(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == str(first.tolist())


def test_rows_of_weight_0_are_as_good_as_absent():
    frame = _frame().with_columns((pl.col("kind") != "cat").cast(pl.Int64).alias("w"))
    model = pmy.fit_table(frame, target="kind", weight="w")
    assert model.schema.classes == ("ant", "bee")
    assert model.run.scores.log_loss < model.run.baseline.log_loss < 1
    cats = frame.filter(pl.col("w") == 0).height
    assert f"{cats} rows of weight 0 left out" in model.run.notes
    some = frame.with_columns(pl.when(pl.int_range(pl.len()) < 9).then(0).otherwise(1).alias("w"))
    with pytest.warns(pmy.TableWarning, match="of weight 0 left out"):
        result = model.evaluate(some.filter(pl.col("kind") != "cat"))
    weightless = some.filter((pl.col("w") == 0) & (pl.col("kind") != "cat")).height
    assert f"{weightless} rows of weight 0 left out" in result.notes


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"C": 0.0}, "C: expected a number above 0, got 0.0"),
        ({"C": float("nan")}, "C: expected a number above 0, got nan"),
        ({"test_size": 1.0}, "test size: expected a share in [0, 1), got 1.0"),
        ({"seed": -1}, "seed: expected a whole number ≥ 0, got -1"),
        ({"C": "1"}, "C: expected a number above 0, got '1'"),
        ({"seed": 1.5}, "seed: expected a whole number ≥ 0, got 1.5"),
        ({"drop": None}, "drop: expected names of columns, got None"),
        ({"drop": [1]}, "drop: expected names of columns, as text, got int 1"),
        ({"weight": ["w"]}, "weight: expected the name of a column, as text, got list ['w']"),
    ],
)
def test_options_out_of_range(options, message):
    with pytest.raises(InputError) as caught:
        pmy.fit_table(_frame(), target="kind", **options)
    assert str(caught.value) == message


def test_cross_validation_chooses_and_leaves_its_path():
    model = pmy.fit_table(_frame(120), target="kind", C=[1e-4, 0.1, 1.0], cv=3)
    run = model.run
    assert [point.C for point in run.path] == [1e-4, 0.1, 1.0]
    assert run.chosen.mean_score == max(point.mean_score for point in run.path)
    assert model.settings["C"] == run.chosen.C
    assert model.settings["folds"] == 3
    alone = pmy.fit_table(_frame(120), target="kind", C=run.chosen.C)
    np.testing.assert_allclose(model.W, alone.W, atol=1e-4)


def test_a_choice_at_the_end_of_what_was_tried_is_said():
    run = pmy.fit_table(_frame(120), target="kind", C=[1e-6, 1e-5]).run
    assert "C = 1e-05 is the largest tried: the best may lie beyond" in run.notes


def test_class_weights_by_name_and_balanced():
    frame = _frame(120)
    plain = pmy.fit_table(frame, target="kind")
    weighted = pmy.fit_table(frame, target="kind", class_weight={"bee": 5.0})
    assert weighted.b[1] - weighted.b[0] > plain.b[1] - plain.b[0]
    assert weighted.settings["weight of bee"] == 5.0
    rows = plain.run.training
    counts = np.bincount(rows.y)
    by_hand = {n: rows.y.size / (3 * counts[k]) for k, n in enumerate(("ant", "bee", "cat"))}
    balanced = pmy.fit_table(frame, target="kind", class_weight="balanced", refit=False)
    same = pmy.fit_table(frame, target="kind", class_weight=by_hand, refit=False)
    np.testing.assert_allclose(balanced.W, same.W, atol=1e-6)


@pytest.mark.parametrize("classes", [2, 3])
def test_calibration_divides_the_layer_by_the_temperature_of_the_held_out_rows(tmp_path, classes):
    frame = _frame(300).with_columns(pl.Series("length", np.random.default_rng(5).normal(size=300)))
    frame = frame.with_columns(
        pl.when(pl.int_range(pl.len()) % 2 == 0).then(pl.lit("ant")).otherwise(pl.col("kind"))
        .alias("kind")
    )  # fmt: skip
    if classes == 2:
        frame = frame.with_columns((pl.col("kind") == "ant").alias("kind"))
    plain = pmy.fit_table(frame, target="kind", C=np.inf, refit=False)
    model = pmy.fit_table(frame, target="kind", C=np.inf, calibrate=True, refit=False)
    T = model.settings["temperature"]
    assert isinstance(T, float)
    rows = plain.run.held_out
    z = rows.X @ plain.W.T + plain.b
    assert pmy.temperature_scaling(z, rows.y).temperature == pytest.approx(T)
    np.testing.assert_allclose(model.W, plain.W / T)
    np.testing.assert_allclose(model.b, plain.b / T)
    model.save(tmp_path / "m.safetensors")
    loaded = pmy.load(tmp_path / "m.safetensors")
    assert loaded.settings["temperature"] == T
    assert loaded.predict(frame).equals(model.predict(frame))
    # Judged by halves: close to the loss under its own temperature, but not that.
    log_p = model.log_probabilities(rows.X)
    own = -log_p[np.arange(rows.y.size), rows.y].mean()
    assert own < model.run.scores.log_loss < own + 0.05
    found = model.run.calibration
    assert found is not None
    # Another number of rows may go another way to the same logits: the last digit may differ.
    np.testing.assert_allclose(found.log_p_before, plain.log_probabilities(rows.X), rtol=1e-15)


def test_no_temperature_is_best_where_all_is_right():
    frame = _frame(100).with_columns(pl.col("kind").rank("dense").alias("length") * 50.0)
    model = pmy.fit_table(frame, target="kind", calibrate=True)
    assert model.run.scores.accuracy == 1.0
    assert "temperature" not in model.settings
    assert any("not calibrated" in note for note in model.run.notes)


def test_summary_has_the_names_of_the_table():
    model = pmy.fit_table(_frame(120), target="kind", C=[0.1, 1.0])
    found = model.summary()
    assert found.features == (*model.schema.feature_names, "(intercept)")
    assert list(found.classes) == ["ant", "bee", "cat"]
    np.testing.assert_allclose(found.coefficients[:, :-1], model.W[1:] - model.W[:1])
    assert "bee" in str(found)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"C": []}, "C: expected at least one number, got []"),
        ({"cv": 2.5}, "cv: expected a whole number of folds, at least 2, got 2.5"),
        ({"class_weight": 3}, 'class weight: expected "balanced", or weights by class, got 3'),
        ({"calibrate": True, "test_size": 0}, "calibrate: expected held-out rows, got none"),
        ({"l1_ratio": "a"}, "l1 ratio: expected a number from 0 to 1, got 'a'"),
    ],
)
def test_training_options_out_of_range(options, message):
    with pytest.raises(InputError) as caught:
        pmy.fit_table(_frame(), target="kind", **options)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("options", [{}, {"C": [0.1, 1.0], "cv": 3}, {"l1_ratio": 1.0}])
def test_iterations_are_those_of_the_final_fit(options):
    run = pmy.fit_table(_frame(120), target="kind", **options).run
    assert run.iterations == len(run.history) - 1 == run.history[-1].iteration
    if not run.path:
        assert run.iterations == run.estimator.n_iter_[0]


@pytest.mark.parametrize(
    "setting", [{"enable_metadata_routing": True}, {"transform_output": "pandas"}]
)
def test_what_scikit_learn_is_set_to_changes_nothing(setting):
    rng = np.random.default_rng(4)
    frame = _frame(120).with_columns(w=pl.Series(rng.integers(1, 9, 120)))

    def scores():
        model = pmy.fit_table(frame, target="kind", weight="w", C=[0.01, 1.0], cv=3)
        return model.run.estimator.scores_

    expected = scores()
    with sklearn.config_context(**setting):
        np.testing.assert_array_equal(scores(), expected)


@pytest.mark.parametrize("path", [None, 3, b"name", ["name"]])
def test_what_names_no_file_is_refused(model, path):
    for call in (pmy.load, model.save, model.write_report):
        with pytest.raises(InputError, match=r"file: expected the path of a file, as text"):
            call(path)


@pytest.mark.parametrize("C", [5e-324, 10**400, [1.0, 1e-310]], ids=["least", "huge", "list"])
def test_strengths_that_float64_does_not_hold_are_refused(C):
    with pytest.raises(InputError, match=r"^C: expected a number that float64 holds"):
        pmy.fit_table(_frame(), target="kind", C=C)


@pytest.mark.parametrize("weight", [10**400, float("inf"), float("nan"), -1], ids=list("abcd"))
def test_class_weights_that_are_none_are_refused(weight):
    with pytest.raises(InputError, match="class weight of 'bee': expected a finite number from 0"):
        pmy.fit_table(_frame(), target="kind", class_weight={"bee": weight})
