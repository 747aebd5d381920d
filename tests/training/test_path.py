"""Starts along C, and that a path ends where separate fits end."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pminusy.estimators.softmax_regression import SoftmaxRegression
from pminusy.estimators.softmax_regression_cv import SoftmaxRegressionCV
from pminusy.training.path import Path
from tests.training.problems import random_problem


def test_first_start_is_zero_and_second_the_first_solution():
    path = Path(2)
    np.testing.assert_array_equal(path.start(0.1), np.zeros(2))
    path.add(0.1, np.array([1.0, -1.0]))
    np.testing.assert_array_equal(path.start(0.2), [1.0, -1.0])


@pytest.mark.parametrize("power", [-0.5, 0.25, 0.5])
def test_powers_of_C_are_followed(power):
    path = Path(1)
    for C in (1.0, 10.0, 100.0):
        path.add(C, np.array([C**power]))
    assert path.start(1000.0)[0] == pytest.approx(1000.0**power)


def test_a_move_is_in_proportion_to_ln_C():
    path = Path(1)
    for C in (1.0, 10.0):
        path.add(C, np.array([math.log10(C)]))
    assert path.start(1000.0)[0] == pytest.approx(3.0)


def test_no_penalty_begins_at_the_last_solution():
    path = Path(1)
    for C in (1.0, 10.0):
        path.add(C, np.array([C]))
    assert path.start(math.inf)[0] == 10.0
    path.add(math.inf, np.array([11.0]))
    assert path.start(math.inf)[0] == 11.0


def test_ends_where_separate_fits_end():
    X, y = random_problem()
    Cs, everything = [0.001, 0.01, 0.1, 1.0, 10.0, 100.0], np.arange(len(y))
    swept = SoftmaxRegressionCV(Cs, cv=[(everything, everything)], refit=False, tol=1e-9)
    swept.fit(X, y)
    for point in swept.path_:
        alone = SoftmaxRegression(point.C, tol=1e-9).fit(X, y)
        assert point.norm == pytest.approx(np.linalg.norm(alone.coef_), rel=1e-5)
        assert point.mean_score == alone.score(X, y)


def test_the_refit_begins_at_what_was_chosen():
    X, y = random_problem()
    swept = SoftmaxRegressionCV([0.01, 1.0, 100.0], cv=3, tol=1e-8).fit(X, y)
    alone = SoftmaxRegression(swept.C_, tol=1e-8).fit(X, y)
    np.testing.assert_allclose(swept.coef_, alone.coef_, atol=1e-5)
    assert len(swept.history_) < len(alone.history_)
