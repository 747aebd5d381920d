"""The objective against scikit-learn's definition of it, and its gradient against differences."""

from __future__ import annotations

import numpy as np
import pytest

from pminusy.learn.objective import Objective
from pminusy.learn.sources import ArraySource

N, D, K = 23, 4, 3


def _data(seed=0):
    random = np.random.default_rng(seed)
    weight = random.uniform(0.1, 3.0, N)
    return random.normal(size=(N, D)), random.integers(K, size=N), weight


def _definition(theta, X, y, weight, C, fit_intercept):
    """(C Σ ω_i L_i + ½ ‖W‖²) / (C Σ ω_i), written out with logarithms of sums."""
    W = theta[: K * D].reshape(K, D)
    z = X @ W.T + (theta[K * D :] if fit_intercept else 0.0)
    losses = np.log(np.exp(z).sum(axis=1)) - z[np.arange(N), y]
    return (C * (weight @ losses) + 0.5 * (W**2).sum()) / (C * weight.sum())


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("C", [0.05, 1.0, 40.0, np.inf])
def test_value_is_scikit_learns_objective_over_its_weight(C, fit_intercept):
    X, y, weight = _data()
    objective = Objective(ArraySource(X, y, weight), K, C=C, fit_intercept=fit_intercept)
    theta = np.random.default_rng(1).normal(size=objective.size)
    scale = C if np.isfinite(C) else 1e300  # the limit of no penalty
    expected = _definition(theta, X, y, weight, scale, fit_intercept)
    assert objective.value_and_gradient(theta)[0] == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_gradient_is_the_slope_of_the_value(fit_intercept):
    X, y, weight = _data()
    objective = Objective(ArraySource(X, y, weight), K, C=0.7, fit_intercept=fit_intercept)
    theta = np.random.default_rng(2).normal(size=objective.size)
    gradient = objective.value_and_gradient(theta)[1]
    h = 1e-5
    for i in range(objective.size):
        step = h * np.eye(objective.size)[i]
        ahead = objective.value_and_gradient(theta + step)[0]
        behind = objective.value_and_gradient(theta - step)[0]
        assert gradient[i] == pytest.approx((ahead - behind) / (2 * h), abs=1e-9)


def test_bias_is_not_penalised():
    X, y, _ = _data()
    weak, strong = (Objective(ArraySource(X, y), K, C=C) for C in (1.0, 1e-6))
    theta = np.zeros(weak.size)
    theta[K * D :] = [3.0, -1.0, 2.0]
    assert weak.value_and_gradient(theta)[0] == strong.value_and_gradient(theta)[0]


def test_result_does_not_depend_on_the_blocks():
    X, y, weight = _data()
    theta = np.random.default_rng(3).normal(size=K * (D + 1))
    whole = Objective(ArraySource(X, y, weight), K).value_and_gradient(theta)
    for rows in (1, 7, N - 1):
        parts = Objective(ArraySource(X, y, weight, block_rows=rows), K).value_and_gradient(theta)
        assert parts[0] == pytest.approx(whole[0], rel=1e-14)
        np.testing.assert_allclose(parts[1], whole[1], rtol=0, atol=1e-15)
