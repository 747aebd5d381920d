"""Standard errors against statsmodels' on anes96 (public domain), and against differences."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pminusy.errors import InputError
from pminusy.estimators.softmax_regression import SoftmaxRegression
from tests.training.problems import random_problem

REFERENCE = Path(__file__).parent / "anes96.npz"


def test_statsmodels_reference():
    with np.load(REFERENCE) as data:
        reference = {name: data[name] for name in data.files}
    X, y = reference["X"], reference["y"]  # X has a constant column
    clf = SoftmaxRegression(np.inf, fit_intercept=False, tol=1e-9).fit(X, y)
    summary = clf.summary(X, y)
    np.testing.assert_allclose(summary.coefficients, reference["ref_params"].T, atol=1e-6)
    np.testing.assert_allclose(summary.standard_errors, reference["ref_bse"].T, atol=1e-6)
    assert summary.log_likelihood == pytest.approx(float(reference["ref_llf"]), abs=1e-6)
    np.testing.assert_allclose(clf.predict_proba(X), reference["ref_phat"], atol=1e-6)
    free = SoftmaxRegression(np.inf, tol=1e-9).fit(X[:, :-1], y)
    np.testing.assert_allclose(
        free.summary(X[:, :-1], y).standard_errors, summary.standard_errors, atol=1e-5
    )


def test_table_and_frame_agree_and_names_are_plain():
    X, y = random_problem(noise=3.0)
    summary = SoftmaxRegression(np.inf).fit(X, y).summary(X, y)
    frame = summary.to_frame()
    assert frame.height == 4 * 10
    assert "(intercept)" in str(summary)
    assert f"{summary.aic:.6g}" in str(summary)
    assert summary.pseudo_r2 == pytest.approx(
        1 - summary.log_likelihood / summary.null_log_likelihood
    )
    hostile = SoftmaxRegression(np.inf).fit(X, np.array([f"[red]\x1b{k}" for k in range(5)])[y])
    text = str(hostile.summary(X, np.array([f"[red]\x1b{k}" for k in range(5)])[y]))
    assert "[red]" in text
    assert "\x1b" not in text


def test_a_penalty_is_said_and_shrinks_errors():
    X, y = random_problem(noise=3.0)
    free = SoftmaxRegression(np.inf).fit(X, y).summary(X, y)
    held = SoftmaxRegression(0.01).fit(X, y).summary(X, y)
    assert held.penalised
    assert not free.penalised
    assert "penalised" in str(held)
    assert (held.standard_errors[:, :-1] < free.standard_errors[:, :-1]).all()


def test_two_classes_are_logistic_regression():
    X, y = random_problem(400, 3, 2, noise=2.0)
    clf = SoftmaxRegression(np.inf, tol=1e-10).fit(X, y)
    summary = clf.summary(X, y)
    p = clf.predict_proba(X)[:, 1]
    E = np.column_stack([X, np.ones(len(y))])
    errors = np.sqrt(np.diag(np.linalg.inv((E * (p * (1 - p))[:, None]).T @ E)))
    np.testing.assert_allclose(summary.standard_errors[0], errors, rtol=1e-8)
    np.testing.assert_allclose(summary.coefficients[0, :-1], clf.coef_[0], rtol=1e-10)


def test_collinear_features_are_refused():
    X, y = random_problem()
    X = np.concatenate([X, X[:, :1]], axis=1)
    clf = SoftmaxRegression(np.inf).fit(X, y)
    with pytest.raises(InputError, match="singular information"):
        clf.summary(X, y)


def test_a_p_value_that_is_0_as_a_float_is_said_to_be_small():
    random = np.random.default_rng(0)
    x = random.normal(size=(60_000, 1))
    y = (random.logistic(size=60_000) < 3 * x[:, 0]).astype(int)
    summary = SoftmaxRegression(np.inf).fit(x, y).summary(x, y)
    assert summary.p_values[0, 0] == 0
    assert "< 1e-300" in str(summary)
