"""The estimator against scikit-learn: the same optimum, the same conventions."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_wine, make_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from pminusy import InputError
from pminusy.learn.softmax_regression import SoftmaxRegression


def _problem(name):
    load = {"wine": load_wine, "cancer": load_breast_cancer}[name]
    X, y = load(return_X_y=True)
    return StandardScaler().fit_transform(X), y


@pytest.mark.parametrize("name", ["wine", "cancer"])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("C", [0.1, 1.0])
def test_optimum_is_scikit_learns(name, C, fit_intercept):
    X, y = _problem(name)
    weight = np.random.default_rng(0).uniform(0.2, 3.0, len(y))
    options = {"C": C, "fit_intercept": fit_intercept}
    ours = SoftmaxRegression(tol=1e-9, **options).fit(X, y, sample_weight=weight)
    theirs = LogisticRegression(solver="newton-cholesky", tol=1e-12, **options)
    theirs.fit(X, y, sample_weight=weight)
    assert ours.coef_.shape == theirs.coef_.shape
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-6)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, atol=1e-6)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-6)
    np.testing.assert_allclose(ours.decision_function(X), theirs.decision_function(X), atol=5e-6)


def test_two_rows_of_weights_are_the_same_model_as_their_difference():
    X, y = _problem("cancer")
    clf = SoftmaxRegression().fit(X, y)
    W, b = clf.parameters_
    assert b is not None
    np.testing.assert_allclose(W[1:] - W[:1], clf.coef_, rtol=0, atol=0)
    np.testing.assert_allclose(b[1:] - b[:1], clf.intercept_, rtol=0, atol=0)
    np.testing.assert_allclose(W[0], -W[1], atol=1e-12)


def test_certificate_is_the_gradient_at_the_solution():
    X, y = _problem("wine")
    clf = SoftmaxRegression(tol=1e-9).fit(X, y)
    p = clf.predict_proba(X)
    gradient = (p - np.eye(3)[y]).T @ X / len(y) + clf.coef_ / len(y)
    assert np.abs(gradient).max() <= 1.0001 * 1e-9
    assert clf.converged_
    assert clf.optimality_ <= 1e-9


def test_an_unfinished_fit_warns_with_the_figure():
    X, y = _problem("wine")
    with pytest.warns(ConvergenceWarning, match=r"after 2 iterations with a gradient entry of 0\."):
        clf = SoftmaxRegression(max_iter=2).fit(X, y)
    assert not clf.converged_


def test_is_an_estimator_by_scikit_learns_own_checks():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the checks try hopeless inputs on purpose
        results = check_estimator(SoftmaxRegression(), on_fail=None)
    failed = [result["check_name"] for result in results if result["status"] == "failed"]
    assert failed == []


def test_same_data_same_bits():
    X, y = make_classification(200, 10, n_informative=6, n_classes=4, random_state=0)
    first, second = (SoftmaxRegression().fit(X, y).coef_ for _ in range(2))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize(("name", "value"), [("C", 0), ("C", -1.0), ("C", "big"), ("tol", 0.0)])
def test_options_out_of_range(name, value):
    X, y = _problem("wine")
    with pytest.raises(InputError) as caught:
        SoftmaxRegression(**{name: value}).fit(X, y)
    assert str(caught.value) == f"{name}: expected a number above 0, got {value!r}"


def test_one_class():
    with pytest.raises(InputError) as caught:
        SoftmaxRegression().fit([[0.0], [1.0]], [7, 7])
    assert str(caught.value) == "y: expected at least 2 classes, got 1 class (np.int64(7))"
