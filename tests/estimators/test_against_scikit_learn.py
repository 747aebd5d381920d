"""Numbered configurations, each fitted by scikit-learn too: the same optimum, the same refusals."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.special import logsumexp
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, UndefinedMetricWarning
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.utils.class_weight import compute_sample_weight

from pminusy.estimators.softmax_regression import SoftmaxRegression
from pminusy.estimators.softmax_regression_cv import SoftmaxRegressionCV
from tests.estimators.configurations import REFUSALS, configuration
from tests.training.problems import random_problem

_SEVERAL, _ALL = 30, 1500
_SEVERAL_CV, _ALL_CV = 12, 300


def _objective(model, case):
    """C Σ ω L + (1 − ρ)/2 ‖W‖² + ρ ‖W‖₁ by scikit-learn's parameters and NumPy."""
    classes = list(model.classes_)
    index = np.array([classes.index(label) for label in np.asarray(case.y).tolist()])
    weight = np.ones(len(index)) if case.weight is None else np.asarray(case.weight, float)
    X = case.X.toarray() if sp.issparse(case.X) else np.asarray(case.X)
    balance = compute_sample_weight(case.options["class_weight"], np.asarray(case.y))
    if case.options["class_weight"] == "balanced":  # of the weighted classes
        mass = np.bincount(index, weight)
        balance = (mass.sum() / (len(classes) * mass))[index]
    W, b = model.coef_.astype(float), model.intercept_.astype(float)
    z = X.astype(float) @ W.T + b
    z = np.concatenate([np.zeros_like(z), z], axis=1) if len(classes) == 2 else z
    loss = logsumexp(z, axis=1) - z[np.arange(len(index)), index]
    C, ratio = case.options["C"], case.options["l1_ratio"]
    penalty = (1 - ratio) / 2 * np.sum(W**2) + ratio * np.abs(W).sum()
    return C * np.sum(weight * balance * loss) + penalty


def _compare(number):
    case = configuration(number)
    lasso = case.options["l1_ratio"] > 0
    solver = "saga" if lasso else "newton-cholesky"
    theirs = LogisticRegression(solver=solver, tol=1e-10, max_iter=2000, **case.options)
    ours = SoftmaxRegression(tol=1e-8 if lasso else 1e-10, **case.options)
    ours.fit(case.X, case.y, sample_weight=case.weight)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        theirs.fit(case.X, case.y, sample_weight=case.weight)
    exact = theirs.coef_.dtype == np.float64
    assert ours.coef_.dtype == theirs.coef_.dtype, case.name
    assert ours.intercept_.shape == theirs.intercept_.shape, case.name
    assert ours.classes_.dtype == theirs.classes_.dtype, case.name
    assert list(ours.classes_) == list(theirs.classes_), case.name
    assert ours.n_features_in_ == theirs.n_features_in_
    found, expected = _objective(ours, case), _objective(theirs, case)
    assert found <= expected + (1e-9 if exact else 1e-5) * abs(expected), case.name
    if not lasso:  # saga comes less far, with sparse X above all
        tolerance = (1e-6 if exact else 2e-3) * max(1.0, np.abs(theirs.coef_).max())
        np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=tolerance, err_msg=case.name)
    for name in ("decision_function", "predict_proba", "predict_log_proba"):
        found, expected = getattr(ours, name)(case.X), getattr(theirs, name)(case.X)
        assert found.dtype == expected.dtype, (name, case.name)
        assert found.shape == expected.shape, (name, case.name)
        if not lasso:
            np.testing.assert_allclose(found, expected, atol=20 * tolerance, err_msg=case.name)
    assert ours.predict(case.X).dtype == theirs.predict(case.X).dtype
    assert clone(ours).get_params() == ours.get_params()


@pytest.mark.parametrize("number", range(_SEVERAL))
def test_the_same_optimum(number):
    _compare(number)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_same_optimum_everywhere():
    for number in range(_SEVERAL, _ALL):
        _compare(number)


@pytest.mark.filterwarnings("ignore:'penalty' was deprecated", "ignore:'n_jobs' has no effect")
@pytest.mark.filterwarnings("ignore:A column-vector y", "ignore:'l1_ratio=None' was deprecated")
@pytest.mark.parametrize("case", REFUSALS, ids=[case.name for case in REFUSALS])
def test_the_same_refusals(case):
    X, y = random_problem(40, 3, 3)
    X, y, options, fit = case.change(X, y)
    with pytest.raises((ValueError, TypeError)) as theirs:
        LogisticRegression(**options).fit(X, y, **fit)
    with pytest.raises((ValueError, TypeError)) as ours:
        SoftmaxRegression(**options).fit(X, y, **fit)
    known = next(kind for kind in (ValueError, TypeError) if isinstance(theirs.value, kind))
    assert isinstance(ours.value, known)


def _cross_validated(number):
    random = np.random.default_rng([41, number])

    def pick(choices):
        return choices[int(random.integers(len(choices)))]

    K = pick([2, 3])
    X, y = random_problem(90, 4, K, seed=number, noise=2.0)
    y = pick([y, 3 * y - 4, np.array(["no", "yes", "perhaps"])[y]])
    weight = pick([None, random.uniform(0.3, 3.0, len(y))])
    ratios = pick([np.zeros(1), np.zeros(1), None, np.array([0.7, 0.2])])
    options = {
        "Cs": pick([[1.0, 0.01, 0.2], [0.01, 0.1], 3, [0.5]]),
        "l1_ratios": ratios,
        "cv": pick([3, StratifiedKFold(4, shuffle=True, random_state=0), KFold(3)]),
        "scoring": pick(
            ["accuracy", "neg_log_loss", "balanced_accuracy", "f1_macro", "roc_auc_ovr", None]
        ),
        "refit": bool(random.integers(2)),
        "fit_intercept": bool(random.integers(2)),
        "class_weight": pick([None, "balanced"]),
        "use_legacy_attributes": bool(random.integers(2)),
    }
    if options["scoring"] in ("roc_auc_ovr", "f1_macro") and K == 2:
        options["scoring"] = "f1" if isinstance(y[0], str) else "roc_auc"
    lasso = ratios is not None and bool(ratios.any())
    return X, y, weight, options, "saga" if lasso else "newton-cholesky"


def _compare_cv(number):
    X, y, weight, options, solver = _cross_validated(number)
    theirs = LogisticRegressionCV(solver=solver, tol=1e-9, max_iter=1000, **options)
    ours = SoftmaxRegressionCV(tol=1e-8, **options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UndefinedMetricWarning)
        ours.fit(X, y, sample_weight=weight)
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.filterwarnings("ignore", "'l1_ratios=None' was deprecated", FutureWarning)
        theirs.fit(X, y, sample_weight=weight)
    both, what = (ours, theirs), f"{number}: {options}"
    assert np.array_equal(ours.Cs_, theirs.Cs_), what
    assert ours.n_iter_.shape == theirs.n_iter_.shape, what
    assert np.shape(ours.C_) == np.shape(theirs.C_), what
    assert np.shape(ours.l1_ratio_) == np.shape(theirs.l1_ratio_), what
    pairs = [
        _arrays(getattr(model, name)) for name in ("scores_", "coefs_paths_") for model in both
    ]
    assert [p.shape for p in pairs[::2]] == [p.shape for p in pairs[1::2]], what
    if solver == "saga":  # which ends far from the optimum
        return
    for found, expected in zip(pairs[::2], pairs[1::2], strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-4, err_msg=what)
    np.testing.assert_allclose(ours.C_, theirs.C_, err_msg=what)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-4, err_msg=what)
    if options["scoring"] != "f1":  # scikit-learn's `score` tells it no positive label
        assert ours.score(X, y) == pytest.approx(theirs.score(X, y), abs=1e-6), what


def _arrays(attribute):
    """Legacy attributes are dicts by class."""
    return np.array(list(attribute.values())) if isinstance(attribute, dict) else attribute


@pytest.mark.parametrize("number", range(_SEVERAL_CV))
def test_the_same_cross_validation(number):
    _compare_cv(number)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_same_cross_validation_everywhere():
    for number in range(_SEVERAL_CV, _ALL_CV):
        _compare_cv(number)
