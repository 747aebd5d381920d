"""Scores against numbers worked out by hand and against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, log_loss

from pminusy.estimators.scores import score


def test_by_hand():
    p = np.array([[0.7, 0.2, 0.1], [0.1, 0.6, 0.3], [0.5, 0.25, 0.25], [0.2, 0.3, 0.5]])
    result = score(np.array([0, 1, 1, 2]), np.log(p))
    assert result.accuracy == 0.75
    assert result.balanced_accuracy == pytest.approx((1 + 0.5 + 1) / 3)
    assert result.log_loss == pytest.approx(-np.log(0.7 * 0.6 * 0.25 * 0.5) / 4)


def test_weighted_as_scikit_learn():
    random = np.random.default_rng(0)
    p = random.dirichlet(np.ones(4), 50)
    y, weight = random.integers(4, size=50), random.uniform(0.1, 2, 50)
    result = score(y, np.log(p), weight)
    predicted = p.argmax(axis=1)
    balanced = balanced_accuracy_score(y, predicted, sample_weight=weight)
    assert result.balanced_accuracy == pytest.approx(balanced)
    assert result.log_loss == pytest.approx(log_loss(y, p, sample_weight=weight))


def test_a_class_that_does_not_occur_is_not_in_the_mean_recall():
    log_p = np.log([[0.7, 0.2, 0.1], [0.2, 0.7, 0.1]])
    assert score(np.array([0, 1]), log_p).balanced_accuracy == 1.0


def test_log_loss_is_not_clipped():
    log_p = np.array([[-1000.0, 0.0], [0.0, -1e-20]])
    assert score(np.array([0, 1]), log_p).log_loss == 500.0
