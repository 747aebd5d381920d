"""Solutions with L1 by their conditions of optimality, and against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from pminusy.learn.softmax_regression import SoftmaxRegression
from tests.learn.problems import random_problem


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
