"""Networks as classifiers of tables: fitted, compared, saved, loaded, shown, refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import safetensors

import pminusy as pmy
from pminusy.api.fit.beside import Beside
from pminusy.api.fit.network import NetworkFit, NetworkRecord, _record
from pminusy.api.fit.network_options import network_options
from pminusy.errors import InputError
from pminusy.estimators.model_file import load_model, save_model
from pminusy.training.solvers.solution import StopFit

PENGUINS = str(Path(__file__).parents[2] / "examples" / "penguins.csv")
NET: dict[str, Any] = {"hidden": (8, 6), "epochs": 6, "learning_rate": 0.01}


def ring(rows: int = 400, seed: int = 0, classes: int = 2) -> pl.DataFrame:
    """Classes by the distance from the middle: no straight line parts them."""
    r = np.random.default_rng(seed)
    x = r.normal(size=(rows, 2))
    radius = np.hypot(*x.T)
    kind = np.searchsorted(np.quantile(radius, np.arange(1, classes) / classes), radius)
    names = np.array(["inside", "outside", "far"])
    return pl.DataFrame({"a": x[:, 0], "b": x[:, 1], "kind": names[kind]})


@pytest.fixture(scope="module")
def model():
    return pmy.fit_table(PENGUINS, target="species", batch_norm=True, dropout=0.1, **NET)


def _network(model: pmy.TableModel) -> NetworkRecord:
    assert model.run.network is not None
    return model.run.network


def _beside(model: pmy.TableModel) -> Beside:
    assert model.run.beside is not None
    return model.run.beside


def test_probabilities_are_those_of_the_estimator(model):
    run = model.run
    X = run.held_out.X
    ours = run.judged.log_probabilities(X)
    np.testing.assert_allclose(ours, run.estimator.predict_log_proba(X), rtol=1e-12, atol=1e-13)
    assert run.network.units == (14, 8, 6, 3)
    assert run.network.parameters == 14 * 8 + 8 + 16 + 8 * 6 + 6 + 12 + 6 * 3 + 3
    assert run.converged is None
    assert model.refitted
    assert model.hidden.activation == "relu"
    assert repr(model) == "<TableModel 'species': 3 classes from 14 features, 8, 6 hidden units>"


def test_two_classes_have_a_row_of_weights_each():
    model = pmy.fit_table(ring(), target="kind", refit=False, **NET)
    assert model.W.shape == (2, 6)
    assert not model.W[0].any()
    X = model.run.training.X
    np.testing.assert_allclose(
        np.exp(model.log_probabilities(X)), model.run.estimator.predict_proba(X), rtol=1e-12
    )


def test_saved_and_loaded_it_predicts_the_same_bits(model, tmp_path):
    path = tmp_path / "m.safetensors"
    model.save(path)
    again = pmy.load(path)
    assert again.predict(PENGUINS).equals(model.predict(PENGUINS))
    assert again.settings == model.settings
    assert again.settings["hidden"] == "8, 6"
    assert again.converged is None
    assert again.evaluate(PENGUINS).scores == model.evaluate(PENGUINS).scores
    assert _version(path) == 3
    plain = tmp_path / "plain.safetensors"
    pmy.fit_table(PENGUINS, target="species").save(plain)
    assert _version(plain) == 2  # earlier versions can still read it


def _version(path: Path) -> int:
    with safetensors.safe_open(path, "np") as file:
        return int(json.loads(file.metadata()["pminusy"])["version"])


DAMAGE = {
    "no activation": (
        {"network": {"layers": 2}},
        {},
        "network: expected an activation and a number of hidden layers, got something else",
    ),
    "too many layers": (
        {"network": {"activation": "relu", "layers": 3}},
        {},
        "hidden.3.weight: expected shape (units, 6), got nothing",
    ),
    "no layers": ({"network": {"activation": "relu", "layers": 0}}, {}, "number of hidden layers"),
    "another width": (
        {},
        {"hidden.2.weight": np.ones((6, 9))},
        "hidden.2.weight: expected shape (units, 8), got (6, 9)",
    ),
    "a short bias": ({}, {"hidden.1.bias": np.ones(2)}, "hidden.1.bias: expected shape (8,)"),
    "a negative variance": ({}, {"norm.1.variance": -np.ones(8)}, "expected variances ≥ 0"),
    "a head of another size": ({}, {"W": np.ones((3, 14))}, "W: expected shape (3, 6)"),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_layers_that_do_not_fit_are_refused(damage, model, tmp_path):
    about, arrays, expected = damage
    model.save(tmp_path / "m.safetensors")
    tensors, metadata, _ = load_model(tmp_path / "m.safetensors")
    save_model(tmp_path / "m.safetensors", tensors | arrays, metadata | about)
    with pytest.raises(InputError) as error:
        pmy.load(tmp_path / "m.safetensors")
    assert expected in str(error.value)


def test_a_network_beats_the_regression_where_classes_are_rings():
    frame = ring(1200, classes=3)
    model = pmy.fit_table(
        frame, target="kind", hidden=32, epochs=40, learning_rate=0.01, refit=False
    )
    beside = _beside(model)
    assert beside.verdict == "beats"
    assert beside.network == pytest.approx(model.run.scores.log_loss, rel=1e-12)
    plain = pmy.fit_table(frame, target="kind", refit=False)
    assert beside.regression == pytest.approx(plain.run.scores.log_loss, rel=1e-6)
    rows = np.arange(model.run.held_out.y.size), model.run.held_out.y
    mine, theirs = (-m.log_probabilities(m.run.held_out.X)[rows] for m in (model, plain))
    error = np.std(mine - theirs, ddof=1) / np.sqrt(mine.size)
    assert beside.half == pytest.approx(1.97 * error, rel=0.01)


@pytest.mark.parametrize(
    ("beside", "words"),
    [
        (Beside(0.2, 0.3, 0.05), ("beats", "difference −0.1000 ± 0.0500")),
        (Beside(0.3, 0.2, 0.05), ("loses to", "+0.1000", "keep that, without hidden layers")),
        (Beside(0.2, 0.3, 0.2), ("is no different, within noise, from", "keep that")),
        (Beside(float("nan"), 0.3, 0.2), ("is no different",)),
    ],
)
def test_the_verdict_in_words(beside, words):
    for word in words:
        assert word in beside.sentence


def test_calibration_threshold_repeats_weights_and_groups():
    frame = ring(300).with_columns(
        w=pl.Series(np.linspace(0.5, 2, 300)), who=pl.Series(np.arange(300) // 10)
    )
    model = pmy.fit_table(
        frame, target="kind", weight="w", groups="who", calibrate=True, threshold="f1", repeats=2,
        class_weight="balanced", test_size=0.3, early_stopping=True, refit=False,
        **NET,
    )  # fmt: skip
    run = model.run
    assert run.repeated is not None
    assert run.calibration is not None
    assert model.threshold is not None
    assert _network(model).validation_losses.size == _network(model).epochs
    T = run.calibration.temperature
    z = run.estimator.logits(run.held_out.X)[:, 0]
    log_p = model.log_probabilities(run.held_out.X)
    np.testing.assert_allclose(log_p[:, 1] - log_p[:, 0], z / T, rtol=1e-9)


def test_early_stopping_holds_out_whole_groups_and_the_latest_rows():
    options = network_options(**_plain(hidden=4, early_stopping=True))
    assert options is not None
    y, groups = np.arange(100) % 2, np.arange(100) // 5
    fit = _fit(options, groups=groups)
    train, apart = fit._apart(y)
    assert apart.size == 10
    assert not set(groups[train]) & set(groups[apart])
    times = np.arange(100.0)[::-1].copy()
    train, apart = _fit(options, times=times)._apart(y)
    assert times[apart].min() > times[train].max()


def _plain(**given: Any) -> Any:
    return {
        "hidden": None, "activation": None, "dropout": 0.0, "batch_norm": False, "epochs": None,
        "batch_size": None, "learning_rate": None, "alpha": None, "early_stopping": False,
    } | given  # fmt: skip


def _fit(options: Any, **given: Any) -> NetworkFit:
    fixed: dict[str, Any] = {
        "class_weight": None, "seed": 0, "time_limit": None, "keep_interrupted": True,
        "progress": None, "groups": None, "times": None,
    }  # fmt: skip
    return NetworkFit(options, **fixed | given)


def test_the_record_has_an_entry_an_epoch_and_its_gradients_are_right(model):
    about = model.run.network
    assert about.losses.shape == (6,)
    assert about.gradient_norms.shape == (6, 3)
    assert about.best == 6
    clf, rows = model.run.fit, model.run.training
    norm = clf.network.gradient_norms[-1]
    p = np.exp(model.run.judged.log_probabilities(rows.X))
    g = (p - np.eye(3)[rows.y]) / rows.y.size
    a = model.run.judged.head_inputs(rows.X)
    expected = np.sqrt(((g.T @ a) ** 2).sum() + (g.sum(axis=0) ** 2).sum())
    assert norm[-1] == pytest.approx(expected, rel=1e-9)


def test_dead_units_are_counted():
    y = np.arange(60) % 2
    X = np.random.default_rng(0).normal(size=(60, 3))
    options = network_options(**_plain(hidden=(5,), epochs=1, learning_rate=1e-12))
    fit = _fit(options)
    fit.fit(X, y, np.ones(60))
    bias = fit.hidden_.intercepts[0]
    for count in (0, 2):
        bias[:] = 1e3
        bias[:count] = -1e3
        assert _record(fit, fit.regression).dead == (count,)


def test_time_and_interrupts_end_training_and_keep_the_best():
    with pytest.warns(UserWarning, match=r"time_limit=1e-06 s is over after 1 epoch:"):
        model = pmy.fit_table(ring(), target="kind", hidden=4, time_limit=1e-6)
    assert _network(model).end == "time"
    assert not model.run.interrupted

    def stop(at: Any) -> None:
        if at.iteration == 3:
            raise StopFit

    with pytest.raises(KeyboardInterrupt):
        pmy.fit_table(ring(), target="kind", hidden=4, progress=stop)
    with pytest.warns(UserWarning, match="interrupted"):
        kept = pmy.fit_table(ring(), target="kind", hidden=4, progress=stop, keep_interrupted=True)
    assert kept.run.interrupted
    assert _network(kept).epochs == 3
    assert kept.run.beside is None


def test_epochs_that_were_not_asked_for_and_not_enough_are_said(monkeypatch):
    monkeypatch.setattr("pminusy.api.fit.network.EPOCHS", 2)
    with pytest.warns(UserWarning, match="still falling after 2 epochs: give epochs"):
        pmy.fit_table(ring(), target="kind", hidden=4, refit=False)


def test_a_loss_that_explodes_is_said_in_the_words_of_fit_table():
    with pytest.raises(InputError, match=r"lower learning_rate \(1e\+300\)$"):
        pmy.fit_table(ring(), target="kind", hidden=4, learning_rate=1e300)


REFUSED = [
    ({"hidden": 4, "C": 1.0}, "C: expected none beside hidden layers, got 1.0; alpha is the"),
    ({"hidden": 4, "l1_ratio": 0.5}, "l1-ratio: expected none beside hidden layers, got 0.5"),
    ({"hidden": 4, "cv": 3}, "cv: expected none beside hidden layers"),
    ({"hidden": 4, "solver": "lbfgs"}, "solver: expected none beside hidden layers, got 'lbfgs'"),
    ({"hidden": 4, "tol": 1e-3}, "tol: expected none beside hidden layers"),
    ({"hidden": 4, "max_iter": 3}, "max-iter: expected none beside hidden layers, got 3; a net"),
    ({"dropout": 0.1}, "dropout: expected hidden layers beside it, got none; give hidden=64"),
    ({"epochs": 5}, "epochs: expected hidden layers beside it"),
    ({"batch_norm": True}, "batch-norm: expected hidden layers beside it"),
    ({"early_stopping": True}, "early-stopping: expected hidden layers beside it"),
    ({"activation": "relu"}, "activation: expected hidden layers beside it"),
    ({"hidden": 0}, "hidden: expected units of each hidden layer, whole numbers above 0, got 0"),
    ({"hidden": ()}, "hidden: expected units of each hidden layer"),
    ({"hidden": True}, "hidden: expected units of each hidden layer"),
    ({"hidden": "64"}, "hidden: expected units of each hidden layer"),
    ({"hidden": 4, "activation": "swish"}, "activation: expected one of relu, tanh, logistic"),
    ({"hidden": 4, "dropout": 1}, "dropout: expected a share in [0, 1), got 1"),
    ({"hidden": 4, "dropout": float("nan")}, "dropout: expected a number from 0, got nan"),
    ({"hidden": 4, "batch_norm": 2}, "batch-norm: expected True or False, got 2"),
    ({"hidden": 4, "epochs": 0}, "epochs: expected a whole number from 1, got 0"),
    ({"hidden": 4, "batch_size": 2.5}, "batch-size: expected a whole number from 1, got 2.5"),
    ({"hidden": 4, "learning_rate": 0}, "learning-rate: expected a number above 0, got 0"),
    ({"hidden": 4, "alpha": -1}, "alpha: expected a number from 0, got -1"),
    ({"hidden": 10**9}, "hidden: expected a network that can be trained in the"),
    ({"hidden": 4, "batch_norm": True, "batch_size": 1}, "batch-norm: expected batches of at le"),
]


@pytest.mark.parametrize(("options", "message"), REFUSED, ids=[str(o) for o, _ in REFUSED])
def test_options_that_cannot_be_are_refused_by_name(options, message):
    with pytest.raises(InputError) as error:
        pmy.fit_table(ring(60), target="kind", **options)
    assert str(error.value).startswith(message)


def test_what_only_a_regression_has_is_refused(model):
    for ask in (model.summary, model.coefficients):
        with pytest.raises(InputError, match="expected a softmax regression, got a network"):
            ask()


def test_too_few_rows_for_early_stopping():
    with pytest.raises(InputError, match="early-stopping: expected training rows enough"):
        pmy.fit_table(ring(8), target="kind", hidden=4, early_stopping=True, test_size=0)


def test_sparse_categories_and_no_rows_held_out(monkeypatch):
    monkeypatch.setattr("pminusy.tables.design._LARGE", 0)
    r = np.random.default_rng(0)
    table = pl.DataFrame(
        {
            "k": [f"v{i}" for i in r.integers(40, size=600)],
            "y": [f"c{i}" for i in r.integers(3, size=600)],
        }
    )
    model = pmy.fit_table(table, target="y", test_size=0, **NET)
    assert not isinstance(model.run.training.X, np.ndarray)
    assert model.run.beside is None
    assert model.predict(table).height == 600


def test_the_page_shows_layers_curves_and_the_verdict(model, tmp_path):
    model.write_report(tmp_path / "fit.html", command="pminusy fit …")
    text = (tmp_path / "fit.html").read_text(encoding="utf-8")
    for word in (
        'id="layers"', "dead units", "Norm of each layer’s gradient", "Beside a softmax regression",
        "gradient × input", "hidden unit 1", "epoch 6: training", "network with hidden layers",
    ):  # fmt: skip
        assert word in text, word
    assert 'id="weights"' not in text
    assert "nan" not in text.lower().replace("nanum", "")
    model.evaluate(PENGUINS).write_report(tmp_path / "e.html")
    assert "gradient × input" in (tmp_path / "e.html").read_text(encoding="utf-8")


def test_contributions_and_the_rest_make_the_logits(model):
    x = model.run.held_out.row(3)
    found, rest = model.contributions(x)
    np.testing.assert_allclose(found.sum(axis=1) + rest, model.logits(x[None])[0], rtol=1e-10)
    h = 1e-6
    step = np.eye(x.size) * h
    numeric = (model.logits(x + step) - model.logits(x - step)).T / (2 * h) * x
    np.testing.assert_allclose(found, numeric, atol=1e-8)


def test_a_table_goes_on_from_its_checkpoints(tmp_path):
    file = tmp_path / "c"
    options: dict[str, Any] = NET | {"dropout": 0.2, "early_stopping": True}
    whole = pmy.fit_table(PENGUINS, target="species", **options)

    def stop(at: Any) -> None:
        if at.iteration == 3:
            raise StopFit

    with pytest.raises(KeyboardInterrupt):
        pmy.fit_table(PENGUINS, target="species", checkpoint=file, progress=stop, **options)
    model = pmy.fit_table(PENGUINS, target="species", checkpoint=file, **options)
    assert np.array_equal(model.W, whole.W)
    assert model.run.scores == whole.run.scores
    assert _network(model).losses.tolist() == _network(whole).losses.tolist()
    norms = _network(model).gradient_norms
    assert np.isnan(norms[:3]).all()
    np.testing.assert_array_equal(norms[3:], _network(whole).gradient_norms[3:])
    assert {path.name for path in tmp_path.iterdir()} == {"c", "c-refit"}
    model.write_report(tmp_path / "p.html")
    assert "gradient after epoch 4" in (tmp_path / "p.html").read_text(encoding="utf-8")
    with pytest.raises(InputError, match=r"alpha is 0\.0001 there and 0\.1 here"):
        pmy.fit_table(PENGUINS, target="species", checkpoint=file, alpha=0.1, **options)
    with pytest.raises(InputError, match="checkpoint: expected one split beside it, got 2 rep"):
        pmy.fit_table(PENGUINS, target="species", checkpoint=file, repeats=2, **options)
    pmy.fit_table(PENGUINS, target="species", checkpoint=file, restart=True, alpha=0.1, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"checkpoint": "c", "cv": 3}, "checkpoint: expected one value of C, without"),
        ({"hidden": 4, "restart": True}, "restart: expected a checkpoint beside it, got none"),
        ({"hidden": 4, "checkpoint": "no/c"}, "output file 'no/c': expected a folder that exists"),
    ],
)
def test_checkpoints_that_cannot_be(options, message):
    with pytest.raises(InputError) as error:
        pmy.fit_table(ring(60), target="kind", **options)
    assert str(error.value).startswith(message)
