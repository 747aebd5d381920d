"""`SoftmaxNetwork` beside scikit-learn's `MLPClassifier`, and what is asked of such an estimator.

The behaviours are those that scikit-learn tests of `MLPClassifier`; two are different here, and the
tests say so: several labels a row are refused, and so is a single class.
"""

from __future__ import annotations

import inspect
import pickle
import warnings
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_digits, load_iris
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.metrics import log_loss
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import scale
from sklearn.utils.estimator_checks import parametrize_with_checks

from pminusy.errors import InputError
from pminusy.estimators.softmax_network import SoftmaxNetwork
from pminusy.kernels.runtime import threads
from pminusy.training.network import caller
from pminusy.training.network.quasi_newton import Objective
from pminusy.training.network.visits import HeldRows

X_DIGITS, Y_DIGITS = load_digits(return_X_y=True)
X_DIGITS = X_DIGITS / 16
X_TWO, Y_TWO = load_breast_cancer(return_X_y=True)
X_TWO = scale(X_TWO)
X_IRIS, Y_IRIS = load_iris(return_X_y=True)
SETS = {"three classes": (X_IRIS, Y_IRIS), "two classes": (X_TWO[:200], Y_TWO[:200])}
ACTIVATIONS = ("identity", "logistic", "tanh", "relu")
UNFINISHED = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
pytestmark = UNFINISHED


@parametrize_with_checks([SoftmaxNetwork(max_iter=30)])
def test_checks_of_scikit_learn(estimator, check):
    check(estimator)


def test_the_parameters_are_those_of_mlp_classifier_and_ours():
    theirs = inspect.signature(MLPClassifier).parameters
    ours = inspect.signature(SoftmaxNetwork).parameters
    assert len(theirs) == 23
    for (name, one), other in zip(theirs.items(), ours.values(), strict=False):
        assert (name, one.default, one.kind) == (other.name, other.default, other.kind)
    assert list(ours)[23:] == [
        "dropout", "batch_norm", "class_weight", "label_smoothing", "average_weights", "clip_norm",
        "average_gradients", "progress", "checkpoint", "checkpoint_seconds", "restart",
        "memory",
    ]  # fmt: skip


SAME: dict[str, dict[str, Any]] = {
    "adam": {},
    "sgd": {"solver": "sgd", "learning_rate_init": 0.05},
    "sgd, no momentum": {"solver": "sgd", "momentum": 0.0},
    "sgd, plain momentum": {"solver": "sgd", "nesterovs_momentum": False, "activation": "tanh"},
    "invscaling": {"solver": "sgd", "learning_rate": "invscaling", "power_t": 0.3},
    "adaptive": {"solver": "sgd", "learning_rate": "adaptive", "tol": 0.3, "n_iter_no_change": 2},
    "early stopping": {"early_stopping": True, "activation": "logistic", "tol": 0.01},
    "not shuffled": {"shuffle": False, "activation": "identity"},
    "no hidden layer": {"hidden_layer_sizes": ()},
    "one number": {"hidden_layer_sizes": 7, "batch_size": 31},
    "strong penalty": {"alpha": 1.0, "beta_1": 0.8, "beta_2": 0.99, "epsilon": 1e-5},
    # longer, and its line search meets losses that scikit-learn cuts off at 36 nats a row
    "lbfgs": {"solver": "lbfgs", "max_iter": 2},
    "lbfgs, tanh": {"solver": "lbfgs", "max_iter": 8, "activation": "tanh"},
}


@pytest.mark.parametrize("name", SAME)
@pytest.mark.parametrize("data", SETS)
@pytest.mark.parametrize("kind", ["plain", "weighted", "sparse"])
def test_the_network_is_that_of_mlp_classifier(name, data, kind):
    X, y = SETS[data]
    X = sp.csr_array(np.where(np.abs(X) < 0.5, 0.0, X)) if kind == "sparse" else X
    weight = np.random.default_rng(0).random(len(y)) if kind == "weighted" else None
    options: dict[str, Any] = {
        "max_iter": 12,
        "random_state": 3,
        "hidden_layer_sizes": (9, 6),
        **SAME[name],
    }
    theirs = MLPClassifier(**options).fit(X, y, weight)
    ours = SoftmaxNetwork(**options).fit(X, y, weight)
    few = 1e-6 if options.get("solver") == "lbfgs" else 1e-11
    for a, b in zip(theirs.coefs_, ours.coefs_, strict=True):
        np.testing.assert_allclose(b, a, rtol=0, atol=few)
    for a, b in zip(theirs.intercepts_, ours.intercepts_, strict=True):
        np.testing.assert_allclose(b, a, rtol=0, atol=few)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=few)
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
    assert ours.loss_ == pytest.approx(theirs.loss_, rel=few)
    for name in ("n_iter_", "t_", "n_layers_", "n_outputs_", "out_activation_", "n_features_in_"):
        assert getattr(ours, name) == getattr(theirs, name)
    for name in ("loss_curve_", "validation_scores_", "best_loss_", "best_validation_score_"):
        assert hasattr(ours, name) == hasattr(theirs, name)
        if getattr(theirs, name, None) is not None:
            np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-9)
        elif hasattr(theirs, name):
            assert getattr(ours, name) is None


def test_the_loss_of_a_row_is_not_cut_off():
    net = SoftmaxNetwork((), solver="sgd", learning_rate_init=1e-9, max_iter=1, alpha=0)
    net.partial_fit([[0.0]], [0], classes=[0, 1])
    net.coefs_, net.intercepts_ = [np.array([[100.0]])], [np.array([0.0])]
    net.partial_fit([[1.0], [-2.0]], [0, 0])
    assert net.loss_ == pytest.approx(50.0)  # scikit-learn's is 18


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_partial_fit_is_that_of_mlp_classifier(solver):
    options: dict[str, Any] = {
        "solver": solver,
        "random_state": 1,
        "hidden_layer_sizes": 8,
        "batch_size": 20,
    }
    theirs, ours = MLPClassifier(**options), SoftmaxNetwork(**options)
    for i in range(6):
        some = slice(20 * i, 20 * i + 40)
        theirs.partial_fit(X_DIGITS[some], Y_DIGITS[some], classes=range(10))
        ours.partial_fit(X_DIGITS[some], Y_DIGITS[some], classes=range(10))
        assert (ours.n_iter_, ours.t_) == (theirs.n_iter_, theirs.t_)
    for a, b in zip(theirs.coefs_, ours.coefs_, strict=True):
        np.testing.assert_allclose(b, a, rtol=0, atol=1e-12)


def test_a_step_worked_out_by_hand():
    net = SoftmaxNetwork(
        solver="sgd", learning_rate_init=0.1, alpha=0.1, activation="logistic", max_iter=1,
        hidden_layer_sizes=2, momentum=0, random_state=1,
    )  # fmt: skip
    net.partial_fit([[0.6, 0.8, 0.7]], [0], classes=[0, 1])
    net.coefs_ = [np.array([[0.1, 0.2], [0.3, 0.1], [0.5, 0]]), np.array([[0.1], [0.2]])]
    net.intercepts_ = [np.array([0.1, 0.1]), np.array([1.0])]
    net.partial_fit([[0.6, 0.8, 0.7]], [0])
    expected = [[0.098, 0.195756], [0.2956664, 0.096008], [0.4939998, -0.002244]]
    np.testing.assert_allclose(net.coefs_[0], expected, atol=1e-3)
    np.testing.assert_allclose(net.coefs_[1], [[0.04706], [0.154089]], atol=1e-3)
    np.testing.assert_allclose(net.intercepts_[0], [0.098333, 0.09626], atol=1e-3)
    np.testing.assert_allclose(net.intercepts_[1], [0.9235], atol=1e-3)
    assert net.predict_proba([[0.6, 0.8, 0.7]])[0, 1] == pytest.approx(0.739, abs=1e-3)


def test_a_larger_penalty_makes_smaller_weights():
    sums = [
        np.abs(
            SoftmaxNetwork(10, alpha=alpha, random_state=1).fit(X_TWO[:100], Y_TWO[:100]).coefs_[0]
        ).sum()
        for alpha in (0, 1, 10)
    ]
    assert sums[0] > sums[1] > sums[2]


@pytest.mark.parametrize("activation", [*ACTIVATIONS, "gelu"])
@pytest.mark.parametrize("solver", ["lbfgs", "adam", "sgd"])
def test_it_learns(activation, solver):
    net = SoftmaxNetwork(
        50, activation, solver=solver, max_iter=150, random_state=1, learning_rate_init=0.02
    )
    for X, y in ((X_DIGITS[:300], Y_DIGITS[:300]), (X_TWO[:200], Y_TWO[:200])):
        assert net.fit(X[:150], y[:150]).score(X[:150], y[:150]) > 0.9
        assert net.predict(X[150:]).dtype == y.dtype


def test_max_fun_ends_lbfgs():
    net = SoftmaxNetwork(20, solver="lbfgs", max_fun=10, random_state=1)
    with pytest.warns(ConvergenceWarning, match="lbfgs failed to converge"):
        net.fit(X_DIGITS, Y_DIGITS)
    assert net.n_iter_ <= 10
    assert net.end_ == "epochs"


def test_labels_of_any_kind():
    names = np.array(["no", "yes"])[Y_TWO[:100]]
    for labels in (names, names.astype(object), Y_TWO[:100].astype(bool), Y_TWO[:100] * 2.0 - 1):
        net = SoftmaxNetwork(5, random_state=0, early_stopping=True, max_iter=20)
        net.fit(X_TWO[:100], labels)
        np.testing.assert_array_equal(net.classes_, np.unique(labels))
        assert set(net.predict(X_TWO)) <= set(labels)
        assert len(net.validation_scores_) == net.n_iter_


def test_probabilities():
    net = SoftmaxNetwork(5, "logistic", random_state=1, max_iter=20)
    for X, y, K in ((X_TWO, Y_TWO, 2), (X_IRIS, Y_IRIS, 3)):
        p = net.fit(X, y).predict_proba(X)
        assert p.shape == (len(y), K)
        np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-12)
        np.testing.assert_allclose(net.predict_log_proba(X), np.log(p), rtol=1e-9)
        np.testing.assert_array_equal(net.predict(X), net.classes_[p.argmax(axis=1)])
        assert net.logits(X).shape == (len(y), 1 if K == 2 else K)


def test_several_labels_a_row_are_refused_with_the_way_to_do_it():
    Y = np.random.default_rng(0).integers(0, 2, (50, 4))
    Y[:, 0], Y[3] = 1, [1, 1, 0, 0]
    with pytest.raises(InputError, match=r"several labels a row.*MultiOutputClassifier"):
        SoftmaxNetwork(5).fit(X_DIGITS[:50], Y)


def test_classes_of_partial_fit():
    net = SoftmaxNetwork(5, random_state=0)
    with pytest.raises(InputError, match="classes: expected all labels in the first call"):
        net.partial_fit([[1.0], [2.0]], ["a", "b"])
    net.partial_fit([[1.0], [2.0], [3.0]], ["a", "b", "c"], classes=["a", "b", "c", "d"])
    net.partial_fit([[4.0]], ["d"])
    with pytest.raises(InputError, match=r"classes: expected those of the first call"):
        net.partial_fit([[4.0]], ["d"], classes=["a", "d"])
    with pytest.raises(InputError, match=r"y: expected labels among `classes`, got 'e'"):
        net.partial_fit([[4.0]], ["e"])
    assert not hasattr(SoftmaxNetwork(solver="lbfgs"), "partial_fit")
    net.set_params(early_stopping=True)
    with pytest.raises(ValueError, match="partial_fit does not support early_stopping=True"):
        net.partial_fit([[4.0]], ["d"])


def test_a_warm_start_goes_on_and_needs_the_same_classes():
    net = SoftmaxNetwork(4, warm_start=True, max_iter=10, random_state=0, n_iter_no_change=np.inf)
    losses = [net.fit(X_IRIS, Y_IRIS).loss_ for _ in range(3)]
    assert losses[0] > losses[1] > losses[2]
    assert net.n_iter_ == 10
    assert len(net.loss_curve_) == 30
    for y in (Y_IRIS % 2, np.where(Y_IRIS == 2, 3, Y_IRIS), np.arange(150) % 4):
        with pytest.raises(ValueError, match="the same classes as in the previous call to fit"):
            net.fit(X_IRIS, y)
    with pytest.raises(InputError, match=r"hidden_layer_sizes: expected the layers of the last"):
        clone(net).fit(X_IRIS, Y_IRIS).set_params(hidden_layer_sizes=5).fit(X_IRIS, Y_IRIS)


def test_learning_rates_of_warm_starts_and_of_training_that_stands_still():
    X, y = [[3, 2], [1, 6], [5, 6], [-2, -4]], [1, 1, 1, 0]
    net = SoftmaxNetwork(
        4, solver="sgd", learning_rate="invscaling", max_iter=1, power_t=0.25, warm_start=True
    )
    net.fit(X, y).fit(X, y)
    assert net._optimizer.rate.rate == net.learning_rate_init / (8 + 1) ** 0.25
    net = SoftmaxNetwork(tol=0.5, max_iter=3000, solver="sgd", learning_rate="adaptive")
    net.fit([[3, 2], [1, 6]], [1, 0])
    assert net.n_iter_ < 3000
    assert net._optimizer.rate.rate < 1e-6


@pytest.mark.parametrize("patience", [2, 10, 50])
def test_training_stops_after_so_many_epochs_without_improvement(patience):
    net = SoftmaxNetwork(10, tol=0.01, max_iter=3000, solver="sgd", n_iter_no_change=patience)
    net.fit(X_TWO[:100], Y_TWO[:100])
    assert net._record.unimproved == patience + 1
    assert net.end_ == "tolerance"
    endless = SoftmaxNetwork(10, tol=1e9, max_iter=40, solver="sgd", n_iter_no_change=np.inf)
    assert endless.fit(X_TWO[:100], Y_TWO[:100]).n_iter_ == 40


def test_early_stopping_keeps_the_best():
    net = SoftmaxNetwork(
        20, early_stopping=True, max_iter=300, tol=0.02, n_iter_no_change=5, random_state=0
    )
    net.fit(X_DIGITS, Y_DIGITS)
    assert net.n_iter_ < 300
    assert net.best_loss_ is None
    assert net.best_validation_score_ == max(net.validation_scores_)
    assert len(net.validation_losses_) == net.n_iter_
    with pytest.raises(
        InputError, match=r"validation_fraction: .* least populated class.*eval_set"
    ):
        SoftmaxNetwork(5, early_stopping=True).fit([[1, 2], [2, 3], [3, 4], [4, 5]], [0, 0, 0, 1])
    with pytest.raises(ValueError, match="the validation set is too small"):
        net.fit(X_IRIS[[0, 50, 100, 1]], Y_IRIS[[0, 50, 100, 1]])


def test_an_eval_set_of_the_user():
    X, y, held = X_DIGITS[:800], Y_DIGITS[:800], (X_DIGITS[800:], Y_DIGITS[800:])
    net = SoftmaxNetwork(30, early_stopping=True, max_iter=60, random_state=0)
    net.fit(X, y, eval_set=held)
    assert net.t_ == 800 * net.n_iter_  # nothing of the training rows was held out
    assert net.best_validation_score_ == pytest.approx(net.score(*held), abs=1e-12)
    told = SoftmaxNetwork(30, max_iter=5, random_state=0).fit(X, y, eval_set=(*held, None))
    assert told.validation_losses_[-1] == pytest.approx(
        log_loss(held[1], told.predict_proba(held[0])), rel=1e-9
    )
    plain = SoftmaxNetwork(30, max_iter=5, random_state=0).fit(X, y)
    np.testing.assert_array_equal(plain.coefs_[0], told.coefs_[0])
    with pytest.raises(
        InputError, match=r"eval_set y: expected labels that y of fit has, got 4; leave"
    ):
        net.fit(X[y < 3], y[y < 3], eval_set=held)
    with pytest.raises(InputError, match=r"eval_set X: expected finite numbers, got NaN in row 1"):
        net.fit(X, y, eval_set=(np.where(np.arange(997)[:, None] == 1, np.nan, held[0]), held[1]))
    with pytest.raises(InputError, match=r"eval_set: expected one pair"):
        net.fit(X, y, eval_set=held[0])


def test_float32_stays_float32():
    inputs, labels = X_DIGITS[:500], Y_DIGITS[:500]
    nets = [
        SoftmaxNetwork((5, 3), random_state=1, max_iter=20, tol=0.1, batch_norm=norm).fit(X, labels)
        for norm in (False, True)
        for X in (inputs, inputs.astype(np.float32))
    ]
    for double, single in (nets[:2], nets[2:]):
        assert {part.dtype for part in (*single.coefs_, *single.intercepts_)} == {np.dtype("f4")}
        p = single.predict_proba(X_DIGITS.astype(np.float32))
        assert p.dtype == np.float32
        np.testing.assert_allclose(p, double.predict_proba(X_DIGITS), atol=0.02)


def test_sparse_rows_are_as_dense_ones():
    for options in ({}, {"batch_norm": True, "dropout": 0.2}, {"solver": "lbfgs"}):
        net = SoftmaxNetwork(15, random_state=1, max_iter=15, **options)
        dense = net.fit(X_DIGITS, Y_DIGITS).predict_proba(X_DIGITS)
        for container in (sp.csr_array, sp.csr_matrix, sp.csc_array):
            X = container(X_DIGITS)
            np.testing.assert_allclose(net.fit(X, Y_DIGITS).predict_proba(X), dense, atol=1e-6)


def test_verbose_says_each_epoch(capsys):
    SoftmaxNetwork(2, max_iter=2, verbose=True, early_stopping=True).fit(X_TWO, Y_TWO)
    said = capsys.readouterr().out
    assert "Iteration 2, loss = " in said
    assert "Validation score: " in said


def test_the_same_bits_on_any_number_of_threads(monkeypatch):
    monkeypatch.setattr(caller, "_ALONE", 0)  # small steps would run on one thread
    options: dict[str, Any] = {"dropout": 0.2, "clip_norm": 1.0, "max_iter": 4, "random_state": 0}
    found = []
    for n in (1, 2, 4):
        threads.set_num_threads(n)
        try:
            found.append(SoftmaxNetwork((80, 60), **options).fit(X_DIGITS, Y_DIGITS).coefs_)
        finally:
            threads.set_num_threads(None)
    for other in found[1:]:
        for a, b in zip(found[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


def test_pickled_cloned_and_gone_on_with():
    net = SoftmaxNetwork(6, batch_norm=True, random_state=0, dropout=0.1, average_weights=0.9)
    net.partial_fit(X_IRIS, Y_IRIS, classes=[0, 1, 2])
    again = pickle.loads(pickle.dumps(net))
    np.testing.assert_array_equal(again.predict_proba(X_IRIS), net.predict_proba(X_IRIS))
    for one in (net, again):
        one.partial_fit(X_IRIS, Y_IRIS)
    np.testing.assert_array_equal(again.coefs_[0], net.coefs_[0])
    with pytest.raises(NotFittedError):
        clone(net).predict(X_IRIS)


# what is ours


def test_soft_targets_are_as_labels_where_they_are_certain():
    net = SoftmaxNetwork(10, random_state=0, max_iter=10)
    labels = net.fit(X_IRIS, Y_IRIS).coefs_[0].copy()
    soft = net.fit(X_IRIS, np.eye(3)[Y_IRIS]).coefs_[0]
    np.testing.assert_allclose(soft, labels, rtol=0, atol=1e-13)
    smoothed = SoftmaxNetwork(10, random_state=0, max_iter=10, label_smoothing=0.3)
    a = smoothed.fit(X_IRIS, Y_IRIS).coefs_[0].copy()
    b = net.fit(X_IRIS, 0.7 * np.eye(3)[Y_IRIS] + 0.1).coefs_[0]
    np.testing.assert_allclose(a, b, rtol=0, atol=1e-12)


def test_class_weights_are_sample_weights():
    options: dict[str, Any] = {"random_state": 0, "max_iter": 10}
    a = SoftmaxNetwork(10, class_weight={0: 2.0, 1: 0.5, 2: 1.0}, **options).fit(X_IRIS, Y_IRIS)
    weight = np.array([2.0, 0.5, 1.0])[Y_IRIS]
    b = SoftmaxNetwork(10, **options).fit(X_IRIS, Y_IRIS, weight)
    np.testing.assert_allclose(a.coefs_[0], b.coefs_[0], rtol=0, atol=1e-13)
    c = SoftmaxNetwork(10, class_weight="balanced", **options).fit(X_IRIS, Y_IRIS)
    d = SoftmaxNetwork(10, **options).fit(X_IRIS, Y_IRIS)
    np.testing.assert_allclose(c.coefs_[0], d.coefs_[0], rtol=0, atol=1e-13)  # 50 of each class


def test_gradients_of_several_batches_are_those_of_one_large_batch():
    options: dict[str, Any] = {"random_state": 0, "max_iter": 5, "shuffle": False}
    a = SoftmaxNetwork(10, batch_size=25, average_gradients=2, alpha=0, **options)
    b = SoftmaxNetwork(10, batch_size=50, alpha=0, **options)
    a.fit(X_IRIS, Y_IRIS)
    b.fit(X_IRIS, Y_IRIS)
    np.testing.assert_allclose(a.coefs_[0], b.coefs_[0], rtol=0, atol=1e-12)


def test_dropout_and_batch_norm_are_off_in_prediction():
    net = SoftmaxNetwork((40, 30), dropout=0.2, batch_norm=True, random_state=0, max_iter=40)
    net.fit(X_DIGITS[:1200], Y_DIGITS[:1200])
    p = net.predict_proba(X_DIGITS)
    np.testing.assert_allclose(net.predict_proba(X_DIGITS[:1]), p[:1], rtol=1e-6, atol=1e-12)
    assert net.score(X_DIGITS[1200:], Y_DIGITS[1200:]) > 0.9
    assert [norm.level for norm in net.norms_] == [1, 2]
    inputs = SoftmaxNetwork(30, batch_norm="inputs", random_state=0, max_iter=40)
    inputs.fit(X_TWO * 1e4 + 1e5, Y_TWO)
    assert inputs.score(X_TWO * 1e4 + 1e5, Y_TWO) > 0.95
    np.testing.assert_allclose(inputs.norms_[0].mean, 1e5, rtol=0.01)


# what goes wrong


def test_bad_numbers_are_found_in_their_place():
    for bad, name in ((np.nan, "NaN"), (np.inf, "inf")):
        X = X_IRIS.copy()
        X[7, 2] = bad
        net = SoftmaxNetwork(3)
        with pytest.raises(InputError, match=rf"finite numbers, got {name} in row 7, column 2"):
            net.fit(X, Y_IRIS)
        with pytest.raises(InputError, match=rf"finite numbers, got {name} in row 7, column 2"):
            net.fit(sp.csr_array(X), Y_IRIS)


def test_one_class_is_refused():
    with pytest.raises(InputError, match="at least 2 classes, got 1 class"):
        SoftmaxNetwork(3).fit(X_IRIS, np.ones(150))


@pytest.mark.parametrize("sizes", [0, (5, 0), -1, (3.5,), "100", (True,), [[3]]], ids=repr)
def test_layers_of_no_size_are_refused(sizes):
    with pytest.raises(ValueError, match="hidden_layer_sizes"):
        SoftmaxNetwork(sizes).fit(X_IRIS, Y_IRIS)


def test_layers_beyond_memory_are_refused_beforehand():
    with pytest.raises(InputError, match=r"hidden_layer_sizes: .* parameters, 400,028 GB with"):
        SoftmaxNetwork((10**6, 10**7)).fit(X_IRIS, Y_IRIS)


def test_unknown_words_are_refused():
    for name, value in (("activation", "swish"), ("solver", "newton"), ("batch_norm", "all")):
        with pytest.raises(InputError, match=f"{name}: expected"):
            SoftmaxNetwork(3).set_params(**{name: value}).fit(X_IRIS, Y_IRIS)


def test_batch_norm_of_one_row_and_of_sparse_inputs_is_refused():
    with pytest.raises(InputError, match="batch_norm: expected batches of at least 2 rows"):
        SoftmaxNetwork(3, batch_norm=True, batch_size=1).fit(X_IRIS, Y_IRIS)
    with pytest.raises(InputError, match=r"batch_norm: expected .* for sparse X"):
        SoftmaxNetwork(3, batch_norm="inputs").fit(sp.csr_array(X_IRIS), Y_IRIS)


@pytest.mark.parametrize("name", ["dropout", "batch_norm", "clip_norm", "average_weights"])
def test_lbfgs_has_no_batches(name):
    net = SoftmaxNetwork(3, solver="lbfgs").set_params(**{name: name == "batch_norm" or 0.5})
    with pytest.raises(InputError, match=f"{name}: expected .* with solver='lbfgs'"):
        net.fit(X_IRIS, Y_IRIS)


def test_a_loss_that_explodes_stops_and_keeps_the_best():
    X = X_IRIS * 1e307
    with pytest.raises(InputError, match=r"a finite loss .* step \d+ of the first epoch; .*lower"):
        SoftmaxNetwork(5, "identity", solver="sgd").fit(X, Y_IRIS)
    net = SoftmaxNetwork(
        5, "identity", solver="sgd", learning_rate_init=0.5, random_state=0, momentum=0.99,
        max_iter=5, warm_start=True,
    )  # fmt: skip
    net.fit(X_IRIS, Y_IRIS)
    before = net.predict_proba(X_IRIS)
    net.set_params(learning_rate_init=1e200)
    with pytest.warns(ConvergenceWarning, match=r"in step \d+ of epoch \d+: training stopped"):
        net.fit(X_IRIS, Y_IRIS)
    assert net.end_ == "explosion"
    assert np.isfinite(net.predict_proba(X_IRIS)).all()
    assert before.shape == (150, 3)


def test_an_interrupt_keeps_the_best_so_far(monkeypatch):
    calls, epoch = [], HeldRows.epoch

    def interrupted(*arguments):
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return epoch(*arguments)

    monkeypatch.setattr(HeldRows, "epoch", interrupted)
    net = SoftmaxNetwork(5, random_state=0)
    with pytest.warns(ConvergenceWarning, match="interrupted by user"):
        net.fit(X_IRIS, Y_IRIS)
    assert (net.end_, net.n_iter_) == ("interrupt", 3)
    three = SoftmaxNetwork(5, random_state=0, max_iter=3)
    monkeypatch.undo()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        three.fit(X_IRIS, Y_IRIS)
    np.testing.assert_array_equal(net.coefs_[0], three.coefs_[0])


def test_an_interrupt_in_the_first_epoch_and_one_of_lbfgs(monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    plain, visits = Objective.__call__, iter(range(6))
    with monkeypatch.context() as patched:
        patched.setattr(HeldRows, "epoch", interrupt)
        net = SoftmaxNetwork(5, random_state=0)
        with pytest.warns(ConvergenceWarning, match="before its first epoch ended"):
            net.fit(X_IRIS, Y_IRIS)
    assert net.n_iter_ == 0
    net.set_params(solver="lbfgs")
    monkeypatch.setattr(
        Objective, "__call__",
        lambda self, theta: interrupt() if next(visits) == 5 else plain(self, theta),
    )  # fmt: skip
    with pytest.warns(ConvergenceWarning, match="best parameters so far"):
        net.fit(X_IRIS, Y_IRIS)
    assert 0 < net.n_iter_ <= 5


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("work", [0, 10**18], ids=["compiled", "NumPy"])
def test_sparse_rows_whose_last_columns_are_empty(monkeypatch, work, solver):
    monkeypatch.setattr(caller, "_SMALL", work)
    X = X_IRIS.copy()
    X[:, 2:] = 0
    net = SoftmaxNetwork(5, solver=solver, max_iter=5, random_state=0)
    dense = clone(net).fit(X, Y_IRIS)
    sparse = net.fit(sp.csr_array(X), Y_IRIS)
    np.testing.assert_allclose(
        sparse.predict_proba(sp.csr_array(X)), dense.predict_proba(X), rtol=1e-8
    )


def test_a_fitted_network_predicts_with_the_batch_norm_that_it_was_trained_with():
    for before, after in ((False, True), (True, False), (True, "inputs")):
        net = SoftmaxNetwork(5, batch_norm=before, max_iter=3, random_state=0, warm_start=True)
        p = net.fit(X_IRIS, Y_IRIS).predict_proba(X_IRIS)
        net.set_params(batch_norm=after)
        np.testing.assert_array_equal(net.predict_proba(X_IRIS), p)
        for go_on in (net.fit, net.partial_fit):
            with pytest.raises(InputError, match=rf"batch_norm: expected that .* got {after!r}"):
                go_on(X_IRIS, Y_IRIS)


@pytest.mark.parametrize("batch", [2, 3, 50, 148], ids=str)
@pytest.mark.parametrize("work", [0, 10**18], ids=["compiled", "NumPy"])
def test_a_last_batch_of_one_row_does_not_shrink_the_running_variance(monkeypatch, work, batch):
    monkeypatch.setattr(caller, "_SMALL", work)
    rows = batch * (149 // batch) + 1
    X, y = scale(X_IRIS[:rows, :2]), Y_IRIS[:rows]
    net = SoftmaxNetwork(
        (), batch_norm="inputs", batch_size=batch, max_iter=60, random_state=0,
        n_iter_no_change=np.inf,
    )  # fmt: skip
    net.fit(X, y)
    low, high = (0.2, 5.0) if batch < 50 else (0.85, 1.15)
    variance = net.norms_[0].variance
    assert ((variance > low) & (variance < high)).all()
    assert net.t_ == 60 * rows


def test_an_eval_set_is_checked_and_named_in_errors():
    pair = (X_IRIS, Y_IRIS)
    wrong = {
        "got a list of 2 pairs": [pair, pair],
        "got a list of 1 pairs": [pair],
        "got a ndarray": X_IRIS,
        "has 2 features": (X_IRIS[:, :2], Y_IRIS),
        "inconsistent numbers of samples": (X_IRIS, Y_IRIS[:9]),
        "0 sample": (X_IRIS[:0], Y_IRIS[:0]),
    }
    for words, eval_set in wrong.items():
        with pytest.raises(InputError, match=rf"eval_set: expected .*{words}"):
            SoftmaxNetwork(3).fit(X_IRIS, Y_IRIS, eval_set=eval_set)
    with pytest.raises(InputError, match="eval_set: expected None with solver='lbfgs'"):
        SoftmaxNetwork(3, solver="lbfgs").fit(X_IRIS, Y_IRIS, eval_set=pair)


def test_rows_held_out_that_tell_nothing_are_refused():
    net = SoftmaxNetwork(3, early_stopping=True, random_state=0)
    with pytest.raises(InputError, match=r"sample_weight: .* over the rows held out"):
        net.fit(X_IRIS, Y_IRIS, np.where(np.arange(150) == 3, 1.0, 0.0))
    with pytest.raises(InputError, match="validation_fraction: expected more than 0"):
        net.set_params(validation_fraction=0).fit(X_IRIS, Y_IRIS)


def test_partial_fit_forgets_a_first_call_that_failed():
    net = SoftmaxNetwork(3, random_state=0)
    with pytest.raises(InputError, match="labels among `classes`"):
        net.partial_fit(X_IRIS, Y_IRIS, classes=[0, 1])
    assert net.partial_fit(X_IRIS, Y_IRIS, classes=[0, 1, 2]).classes_.tolist() == [0, 1, 2]


def test_partial_fit_has_no_balanced_weights():
    with pytest.raises(InputError, match="class_weight: expected None or a weight for each"):
        SoftmaxNetwork(3, class_weight="balanced").partial_fit(X_IRIS, Y_IRIS, classes=[0, 1, 2])


def test_soft_targets_of_float64_beside_rows_of_float32_are_scored():
    X, Q = X_IRIS.astype(np.float32), np.random.default_rng(0).dirichlet(np.ones(3), 150)
    net = SoftmaxNetwork(5, random_state=0, max_iter=3, early_stopping="loss")
    net.fit(X, Q, eval_set=(X, Q))
    loss = -(Q * np.log(net.predict_proba(X).astype(np.float64))).sum(axis=1).mean()
    assert min(net.validation_losses_) == pytest.approx(loss, rel=1e-5)


def test_a_learning_rate_set_between_calls_of_partial_fit_is_used():
    moves = []
    for rate in (0.1, 0.2):
        net = SoftmaxNetwork(5, solver="sgd", momentum=0, batch_size=150, random_state=0)
        net.partial_fit(X_IRIS, Y_IRIS, classes=[0, 1, 2])
        before = net.coefs_[0]
        net.set_params(learning_rate_init=rate).partial_fit(X_IRIS, Y_IRIS)
        moves.append(net.coefs_[0] - before)
    np.testing.assert_allclose(moves[1], 2 * moves[0], rtol=1e-6, atol=1e-12)


def test_a_loss_that_rose_above_that_of_equal_probabilities_is_said():
    net = SoftmaxNetwork(5, solver="sgd", learning_rate_init=1e6, random_state=0, max_iter=3)
    with pytest.warns(
        ConvergenceWarning, match=r"above 1\.1, that of equal prob.*lower learning_ra"
    ):
        net.fit(X_IRIS, Y_IRIS)
    assert np.log(3) < net.loss_curve_[0] < net.loss_
    assert len(net.set_params(learning_rate_init=0.01).fit(X_IRIS, Y_IRIS).warnings_) == 1


def test_labels_that_cannot_be_sorted_are_named():
    y = np.array(["a", None, "b"] * 50, object)
    with pytest.raises(InputError, match=r"y: expected labels .* got NoneType and str; drop"):
        SoftmaxNetwork(3).fit(X_IRIS, y)


def test_a_number_of_units_may_be_an_array():
    assert SoftmaxNetwork(np.array(4), max_iter=1).fit(X_IRIS, Y_IRIS).coefs_[0].shape == (4, 4)


def test_lbfgs_after_adam_leaves_nothing_of_the_epochs():
    net = SoftmaxNetwork(4, max_iter=3, early_stopping=True, random_state=0).fit(X_IRIS, Y_IRIS)
    assert net.validation_scores_
    net.set_params(solver="lbfgs", early_stopping=False).fit(X_IRIS, Y_IRIS)
    for name in ("loss_curve_", "best_loss_", "validation_scores_", "validation_losses_"):
        assert not hasattr(net, name)
    assert not hasattr(net, "best_validation_score_")
    assert net.t_ == 0


def _nudged(net: MLPClassifier, X: Any, y: Any, seed: int) -> Any:
    """Probabilities of a fit whose initial weights are, half of them, one rounding larger."""
    draw, random = MLPClassifier._init_coef, np.random.default_rng(seed)

    def init(self, *shape):
        W, b = draw(self, *shape)
        return np.where(random.random(W.shape) < 0.5, np.nextafter(W, np.inf), W), b

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(MLPClassifier, "_init_coef", init)
        return clone(net).fit(X, y).predict_proba(X)


@pytest.mark.slow
def test_where_batches_of_one_row_come_apart_mlp_classifier_does_so_from_itself():
    """Adam at a high rate on single rows is chaotic: a rounding in the start grows as ours do."""
    r = np.random.default_rng(55)
    N, D, K = int(r.integers(20, 80)), int(r.integers(2, 8)), int(r.integers(2, 5))
    X, y = r.normal(size=(N, D)), r.integers(K, size=N)
    y[:K] = range(K)
    options: dict[str, Any] = {
        "hidden_layer_sizes": (6, 10), "activation": "tanh", "batch_size": 1, "max_iter": 13,
        "random_state": 55, "learning_rate_init": 0.077,
    }  # fmt: skip
    theirs = MLPClassifier(**options)
    p = clone(theirs).fit(X, y).predict_proba(X)
    ours = np.abs(SoftmaxNetwork(**options).fit(X, y).predict_proba(X) - p).max()
    own = max(np.abs(_nudged(theirs, X, y, seed) - p).max() for seed in range(5))
    assert own > 1e-6
    assert ours < 100 * own
