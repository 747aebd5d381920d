"""Solutions with L1 by their conditions of optimality, and against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from pminusy.estimators.softmax_regression import SoftmaxRegression
from pminusy.training.solvers.l1.lasso import minimise_quadratic, steepest
from tests.training.problems import random_problem


@pytest.mark.parametrize("l1_ratio", [0.3, 1.0])
@pytest.mark.parametrize("C", [0.05, 1.0, 20.0])
@pytest.mark.parametrize("sparse", [False, True])
def test_conditions_of_optimality(C, l1_ratio, sparse):
    X, y = random_problem(sparse=sparse)
    clf = SoftmaxRegression(C, l1_ratio=l1_ratio, tol=1e-9).fit(X, y)
    W, n = clf.coef_, len(y)
    residual = clf.predict_proba(X) - np.eye(5)[y]
    gradient = np.asarray((X.T @ residual).T) / n + (1 - l1_ratio) / (C * n) * W
    strength = l1_ratio / (C * n)
    assert np.abs(gradient + strength * np.sign(W))[W != 0].max(initial=0) <= 1e-8
    assert np.abs(gradient)[W == 0].max(initial=0) <= strength + 1e-8
    assert np.abs(residual.sum(axis=0)).max() / n <= 1e-8
    assert clf.converged_
    assert clf.solver_ == "proximal"


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_same_as_saga(classes, fit_intercept):
    X, y = random_problem(120, 5, classes)
    options = {"C": 0.3, "l1_ratio": 0.7, "fit_intercept": fit_intercept}
    ours = SoftmaxRegression(tol=1e-10, **options).fit(X, y)
    theirs = LogisticRegression(solver="saga", tol=1e-9, max_iter=20_000, random_state=0, **options)
    theirs.fit(X, y)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=2e-6)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, atol=2e-6)


def test_a_strong_penalty_leaves_only_the_bias():
    X, y = random_problem()
    clf = SoftmaxRegression(1e-4, l1_ratio=1.0).fit(X, y)
    assert not clf.coef_.any()
    np.testing.assert_allclose(clf.predict_proba(X)[0], np.bincount(y) / len(y), atol=1e-5)


def _indicators(seed=0, rows=3000, classes=7):
    """Numbers beside indicators that sum to 1, some of them rare: the Hessian is singular."""
    random = np.random.default_rng(seed)
    numbers = random.normal(size=(rows, 6))
    level = np.minimum(random.geometric(0.12, rows) - 1, 39)
    X = np.concatenate([numbers, np.eye(40)[level]], axis=1)
    X = X[:, X.any(axis=0)]
    z = numbers @ random.normal(size=(6, classes)) + random.normal(size=(40, classes))[level]
    y = (z + random.gumbel(size=z.shape)).argmax(axis=1)
    return X, y


@pytest.mark.parametrize("C", [0.1, 1.0, 100.0])
@pytest.mark.parametrize("l1_ratio", [0.5, 1.0])
def test_collinear_columns_take_tens_of_passes(C, l1_ratio):
    X, y = _indicators()
    clf = SoftmaxRegression(C, l1_ratio=l1_ratio).fit(X, y)
    assert clf.converged_
    assert clf.n_passes_ <= 150


def test_by_products_and_with_the_hessian_the_optimum_is_the_same(monkeypatch):
    X, y = random_problem(400, 8, 5)  # of an even number of classes optima are many
    held = SoftmaxRegression(0.5, l1_ratio=1.0, tol=1e-9).fit(X, y)
    monkeypatch.setattr("pminusy.training.fitting._holds_hessian", lambda objective: False)
    products = SoftmaxRegression(0.5, l1_ratio=1.0, tol=1e-9).fit(X, y)
    np.testing.assert_allclose(held.coef_, products.coef_, atol=1e-6)
    assert held.objective_ == pytest.approx(products.objective_, rel=1e-12)


@pytest.mark.parametrize(
    "data", ["nearly told apart", "constant column", "float32", "weights of 0"]
)
def test_odd_problems_converge(data):
    X, y = random_problem(200, 5, 3, noise=0.05 if data == "nearly told apart" else 1.0)
    weight = np.ones(200)
    if data == "constant column":
        X[:, 2] = 3.0
    if data == "weights of 0":
        weight[::2] = 0.0
    X = X.astype(np.float32) if data == "float32" else X
    clf = SoftmaxRegression(1e3, l1_ratio=0.9).fit(X, y, weight)
    assert clf.converged_
    assert clf.n_passes_ < 300


@pytest.mark.parametrize("seed", range(5))
def test_a_quadratic_with_absolute_values_is_minimised(seed):
    random = np.random.default_rng(seed)
    n = 30
    A = random.normal(size=(n - 8 * (seed % 2), n))  # singular for odd seeds
    H = A.T @ A + 1e-9 * np.eye(n)
    g, start = random.normal(size=n), random.normal(size=n) * (random.random(n) < 0.5)
    alpha = np.where(random.random(n) < 0.2, 0.0, 0.3)
    g = A.T @ random.normal(size=A.shape[0])  # bounded below
    active = random.random(n) < 0.9
    start[~active] = 0.0
    v = minimise_quadratic(H, g, alpha, start, active, share=1e-10)
    slope = steepest(v, g + H @ (v - start), alpha, active)
    assert np.abs(slope).max() <= 1e-7
    assert (v[~active] == 0).all()
