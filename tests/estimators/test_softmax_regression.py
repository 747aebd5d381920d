"""The estimator against scikit-learn: the same optimum, the same conventions."""

from __future__ import annotations

import pickle
import warnings
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from joblib import Parallel, delayed
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_iris, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator

from pminusy.errors import InputError
from pminusy.estimators.softmax_regression import SoftmaxRegression
from tests.training.problems import random_problem


def _problem(name):
    load = {"wine": load_wine, "cancer": load_breast_cancer}[name]
    X, y = load(return_X_y=True)
    return StandardScaler().fit_transform(X), y


def _checks():
    for estimator, check in estimator_checks_generator(SoftmaxRegression()):
        yield pytest.param(estimator, check, id=getattr(check, "func", check).__name__)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("estimator", "check"), list(_checks()))
def test_conventions_of_scikit_learn(estimator, check):
    check(estimator)


@pytest.mark.parametrize("name", ["wine", "cancer"])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("class_weight", [None, "balanced", {0: 2.0}])
@pytest.mark.parametrize("C", [0.1, 10.0])
@pytest.mark.parametrize("container", [np.asarray, sp.csr_matrix], ids=["dense", "sparse"])
def test_optimum_is_scikit_learns(name, fit_intercept, class_weight, C, container):
    X, y = _problem(name)
    weight = np.random.default_rng(0).uniform(0.2, 3.0, len(y))
    options = {"C": C, "fit_intercept": fit_intercept, "class_weight": class_weight}
    ours = SoftmaxRegression(tol=1e-11, **options).fit(container(X), y, sample_weight=weight)
    theirs = LogisticRegression(solver="newton-cholesky", tol=1e-13, **options)
    theirs.fit(X, y, sample_weight=weight)
    assert ours.coef_.shape == theirs.coef_.shape
    size = np.abs(theirs.coef_).max()
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-5 * size, rtol=1e-5)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, atol=1e-5 * size)
    np.testing.assert_allclose(ours.decision_function(X), theirs.decision_function(X), atol=1e-4)


def test_without_penalty_too():
    X, y = random_problem(noise=3.0)
    theirs = LogisticRegression(C=np.inf, solver="newton-cg", tol=1e-12, max_iter=1000).fit(X, y)
    for ours in (SoftmaxRegression(np.inf, tol=1e-11), SoftmaxRegression(penalty=None, tol=1e-11)):
        ours.fit(X, y)
        np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-5, atol=1e-6)
        assert np.isnan(ours.gap_)


def test_certificate_is_the_gradient_at_the_solution():
    X, y = _problem("wine")
    clf = SoftmaxRegression(tol=1e-9).fit(X, y)
    gradient = (clf.predict_proba(X) - np.eye(3)[y]).T @ X / len(y) + clf.coef_ / len(y)
    assert np.abs(gradient).max() <= 1.0001 * 1e-9
    assert clf.converged_
    assert clf.optimality_ <= 1e-9
    loss = -np.mean(clf.predict_log_proba(X)[np.arange(len(y)), y])
    assert clf.objective_ == pytest.approx(loss + 0.5 * np.sum(clf.coef_**2) / len(y), rel=1e-12)


def test_two_rows_of_weights_are_the_same_model_as_their_difference():
    X, y = _problem("cancer")
    clf = SoftmaxRegression().fit(X, y)
    W, b = clf.parameters_
    assert np.array_equal(W[1:] - W[:1], clf.coef_)
    assert np.array_equal(b[1:] - b[:1], clf.intercept_)
    np.testing.assert_allclose(W[0], -W[1], atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.uint8])
def test_other_types_give_the_same_model(dtype):
    X, y = random_problem(N=500)
    X = np.clip(X * 40 + 100, 0, 255).astype(np.uint8)
    exact = SoftmaxRegression(1e-3).fit(X.astype(float), y)
    found = SoftmaxRegression(1e-3).fit(X.astype(dtype), y)
    np.testing.assert_allclose(found.coef_, exact.coef_, atol=1e-5)


def test_soft_targets_are_weighted_labels():
    X, y = random_problem()
    soft = np.random.default_rng(1).dirichlet(np.ones(5), len(y))
    ours = SoftmaxRegression(tol=1e-10).fit(X, soft)
    repeated, labels = np.repeat(X, 5, axis=0), np.tile(np.arange(5), len(y))
    same = SoftmaxRegression(tol=1e-10).fit(repeated, labels, sample_weight=soft.ravel())
    np.testing.assert_allclose(ours.coef_, same.coef_, atol=1e-7)
    assert np.array_equal(ours.classes_, np.arange(5))
    hard = SoftmaxRegression(tol=1e-10).fit(X, np.eye(5)[y])
    np.testing.assert_allclose(hard.coef_, SoftmaxRegression(tol=1e-10).fit(X, y).coef_, atol=1e-7)


def test_label_smoothing_is_a_soft_target():
    X, y = random_problem()
    smoothed = SoftmaxRegression(tol=1e-10, label_smoothing=0.1).fit(X, y)
    soft = SoftmaxRegression(tol=1e-10).fit(X, 0.9 * np.eye(5)[y] + 0.02)
    np.testing.assert_allclose(smoothed.coef_, soft.coef_, atol=1e-7)


def test_weights_are_repetitions_and_zeros_are_absences():
    X, y = random_problem()
    counts = np.random.default_rng(2).integers(0, 4, len(y))
    counts[:5] = 1
    weighted = SoftmaxRegression(tol=1e-11).fit(X, y, sample_weight=counts)
    repeated = SoftmaxRegression(tol=1e-11).fit(np.repeat(X, counts, axis=0), np.repeat(y, counts))
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, atol=1e-7)


def test_balanced_weights_where_a_class_has_only_rows_that_do_not_count():
    X, y = random_problem()
    weight = (y != 4).astype(float)
    clf = SoftmaxRegression(class_weight="balanced", tol=1e-10).fit(X, y, weight)
    others = SoftmaxRegression(class_weight="balanced", tol=1e-10).fit(X[y != 4], y[y != 4])
    assert clf.converged_
    assert (clf.predict(X) == others.predict(X)).all()


def test_balanced_weights_also_for_soft_targets():
    X, y = random_problem()
    hard = SoftmaxRegression(class_weight="balanced", tol=1e-10).fit(X, y)
    soft = SoftmaxRegression(class_weight="balanced", tol=1e-10).fit(X, np.eye(5)[y])
    np.testing.assert_allclose(hard.coef_, soft.coef_, atol=1e-7)


def test_a_warm_start_at_the_optimum_is_over_at_once():
    X, y = random_problem()
    clf = SoftmaxRegression(warm_start=True).fit(X, y)
    before = clf.coef_.copy()
    assert clf.n_iter_[0] > 0
    clf.fit(X, y)
    assert clf.n_iter_[0] == 0
    np.testing.assert_allclose(clf.coef_, before, atol=1e-12)


@pytest.mark.parametrize("solver", ["newton-cholesky", "newton-cg", "lbfgs", "sag", "saga"])
def test_scikit_learns_solver_names(solver):
    X, y = random_problem()
    found = SoftmaxRegression(solver=solver, tol=1e-10).fit(X, y)
    np.testing.assert_allclose(found.coef_, SoftmaxRegression(tol=1e-10).fit(X, y).coef_, atol=1e-7)


def test_penalty_by_its_older_names():
    X, y = random_problem()
    old = SoftmaxRegression(penalty="l1", C=0.2).fit(X, y)
    assert np.array_equal(old.coef_, SoftmaxRegression(l1_ratio=1.0, C=0.2).fit(X, y).coef_)


def test_works_in_pipelines_and_searches_and_frames():
    pandas = pytest.importorskip("pandas")
    X, y = load_iris(return_X_y=True, as_frame=True)
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    pipe = make_pipeline(StandardScaler(), SoftmaxRegression()).set_output(transform="pandas")
    search = GridSearchCV(pipe, {"softmaxregression__C": [0.1, 10.0]}, cv=3).fit(X, names)
    assert search.score(X, names) > 0.95
    model = search.best_estimator_[-1]
    assert list(model.feature_names_in_) == list(X.columns)
    assert isinstance(X, pandas.DataFrame)
    copy = pickle.loads(pickle.dumps(clone(model).fit(X, names)))
    assert set(copy.predict(X)) == set(names)


def test_fits_in_two_processes_at_once():
    X, y = random_problem(N=400)
    fits = Parallel(n_jobs=2)(delayed(SoftmaxRegression().fit)(X, y) for _ in range(2))
    assert np.array_equal(fits[0].coef_, fits[1].coef_)


def test_top_classes():
    X, y = random_problem()
    clf = SoftmaxRegression().fit(X, y)
    p = clf.predict_proba(X)
    top = clf.predict_proba(X, top_k=2)
    assert np.array_equal(top.classes[:, 0], clf.predict(X))
    np.testing.assert_allclose(top.probabilities, -np.sort(-p, axis=1)[:, :2])
    assert clf.predict_proba(X, top_k=99).classes.shape == (300, 5)


def test_a_small_workspace_changes_nothing():
    X, y = random_problem(N=2000)
    whole = SoftmaxRegression(tol=1e-10).fit(X, y)
    pieces = SoftmaxRegression(tol=1e-10, workspace=20_000).fit(X, y)
    np.testing.assert_allclose(pieces.coef_, whole.coef_, atol=1e-7)
    np.testing.assert_allclose(pieces.predict_proba(X), whole.predict_proba(X), atol=1e-7)


def test_an_interrupt_keeps_the_best_so_far_when_asked():
    X, y = random_problem()

    def interrupt(progress):
        if progress.iteration == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        SoftmaxRegression(progress=interrupt).fit(X, y)
    with pytest.warns(ConvergenceWarning, match="interrupted after 3 iterations"):
        kept = SoftmaxRegression(progress=interrupt, keep_interrupted=True).fit(X, y)
    assert not kept.converged_
    assert kept.objective_ < np.log(5)


def test_partial_fit_comes_near_the_optimum_and_names_unseen_classes():
    X, y = random_problem(N=1500)
    clf = SoftmaxRegression(batch_size=64)
    for _ in range(30):
        for part in np.array_split(np.arange(len(y)), 5):
            clf.partial_fit(X[part], y[part], classes=np.arange(6))
    assert clf.predict_proba(X).shape == (1500, 6)
    assert clf.score(X, y) > SoftmaxRegression().fit(X, y).score(X, y) - 0.02
    with pytest.raises(InputError, match="labels among `classes`, got 7"):
        clf.partial_fit(X[:2], [0, 7])


def test_partial_fit_goes_on_from_a_fit():
    X, y = random_problem()
    clf = SoftmaxRegression().fit(X, y)
    before = clf.score(X, y)
    assert clf.partial_fit(X[:50], y[:50]).score(X, y) > before - 0.1


def test_separable_classes_without_penalty_are_said():
    X = np.array([[-2.0], [-1.0], [1.0], [2.0]])
    with pytest.warns(ConvergenceWarning, match="weights grow without end"):
        SoftmaxRegression(C=np.inf).fit(X, [0, 0, 1, 1])


@pytest.mark.parametrize("K", [2, 4])
def test_classes_that_some_direction_separates_in_part_are_said(K):
    X, y = random_problem(N=200, D=3, K=K)
    some = np.arange(200) % 9 == 0
    X, y = np.c_[X, some], np.where(some, 1, y)  # the last feature is 1 only in class 1
    with pytest.warns(ConvergenceWarning, match="without error, so with C=inf"):
        SoftmaxRegression(np.inf).fit(X, y)
    y[: 9 * K : 9] = np.arange(K)  # such a row of every class, and weights have an end
    assert SoftmaxRegression(np.inf).fit(X, y).converged_


def test_what_is_missing_to_the_tolerance_is_said_and_why():
    X, y = random_problem()
    X[:, 3] *= 1e6
    with pytest.warns(ConvergenceWarning, match=r"after 1 iteration .*column 3 has"):
        SoftmaxRegression(max_iter=1).fit(X, y)


def test_default_settings_converge_without_a_word():
    X, y = load_wine(return_X_y=True)  # unscaled
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert SoftmaxRegression().fit(X, y).converged_


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"C": 0}, "C: expected a number above 0, got 0"),
        ({"C": -1.0}, "C: expected a number above 0"),
        ({"C": float("nan")}, "C: expected"),
        ({"tol": -1}, "tol: expected a number from 0"),
        ({"l1_ratio": 2}, "l1_ratio: expected a number from 0 to 1"),
        ({"solver": "adam"}, "solver: expected one of"),
        ({"solver": "liblinear"}, "one class against the rest"),
        ({"solver": "lbfgs", "l1_ratio": 1.0}, 'can do an L1 penalty: "auto", "proximal"'),
        ({"penalty": "l3"}, "penalty: expected"),
        ({"max_iter": 1.5}, "max_iter: expected a whole number"),
        ({"gap": 1e-6, "C": np.inf}, "gap: expected None without a pure ridge"),
        ({"dual": True}, "dual: expected False"),
        ({"label_smoothing": 1.5}, "label_smoothing: expected"),
    ],
)
def test_bad_parameters(options, message):
    X, y = random_problem(20, 3, 3)
    with pytest.raises(InputError, match=message):
        SoftmaxRegression(**options).fit(X, y)


def test_bad_data():
    X, y = random_problem(20, 3, 3)
    holed = X.copy()
    holed[4, 2] = np.nan
    with pytest.raises(InputError, match="got NaN in row 4, column 2"):
        SoftmaxRegression().fit(holed, y)
    sparse: Any = sp.csr_matrix(X)
    sparse.data[7] = np.inf
    with pytest.raises(InputError, match="got inf in row 2, column 1"):
        SoftmaxRegression().fit(sparse, y)
    with pytest.raises(InputError, match=r"at least 2 classes, got 1 class \(0(\.0)?\)"):
        SoftmaxRegression().fit(X, np.zeros(20))
    soft = np.ones((20, 3))
    soft[6, 1] = -1.0
    with pytest.raises(InputError, match="numbers from 0, got otherwise in row 6"):
        SoftmaxRegression().fit(X, soft)
    soft[6, 1] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        SoftmaxRegression().fit(X, soft)
    with pytest.raises(InputError, match="sum to a positive number"):
        SoftmaxRegression().fit(X, np.zeros((20, 3)))
    with pytest.raises(InputError, match="all labels in the first call"):
        SoftmaxRegression().partial_fit(X, y)


def test_edges_of_size():
    one = SoftmaxRegression().fit([[1.0], [2.0]], [0, 1])
    assert one.predict([[5.0]])[0] == 1
    soft = SoftmaxRegression().fit([[1.0, 2.0]], [[0.25, 0.75]])  # one row
    np.testing.assert_allclose(soft.predict_proba([[1.0, 2.0]]), [[0.25, 0.75]], atol=1e-5)
    X = np.random.default_rng(0).normal(size=(12, 4))
    assert SoftmaxRegression().fit(X, np.arange(12)).coef_.shape == (12, 4)  # K = N


def test_sparse_with_64_bit_indices():
    X, y = random_problem(sparse=True)
    wide = X.copy()
    wide.indices, wide.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    assert np.array_equal(
        SoftmaxRegression().fit(wide, y).coef_, SoftmaxRegression().fit(X, y).coef_
    )


@pytest.mark.parametrize("size", [1e155, 1e200, 1e300])
@pytest.mark.parametrize("options", [{}, {"l1_ratio": 0.5}, {"fit_intercept": False}])
def test_features_whose_squares_overflow_are_refused(size, options):
    X, y = random_problem(40, 3, 3)
    X[:, 1] *= size
    with pytest.raises(InputError, match=r"^X: expected numbers up to .* in column 1; divide"):
        SoftmaxRegression(**options).fit(X, y)


@pytest.mark.parametrize("C", [1e-320, 5e-324, 10**400], ids=["subnormal", "least", "huge"])
def test_strengths_that_float64_does_not_hold_are_refused(C):
    X, y = random_problem(40, 3, 3)
    with pytest.raises(InputError, match=r"^C: expected a number that float64 holds, 2\.2e-308"):
        SoftmaxRegression(C).fit(X, y)
