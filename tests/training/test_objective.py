"""The objective against differences, definitions, and itself by another way."""

from __future__ import annotations

import numpy as np
import pytest

from pminusy.training.solvers.solution import TrainingLog
from tests.training.problems import make_objective, random_problem

VARIANTS = [(sparse, bias, kept) for sparse in (0, 1) for bias in (0, 1) for kept in (0, 1)]


def _objective(sparse, bias, kept):
    X, y = random_problem(sparse=bool(sparse))
    return make_objective(X, y, fit_intercept=bool(bias), workspace=(64 << 20) * kept)


@pytest.mark.parametrize(("sparse", "bias", "kept"), VARIANTS)
def test_gradient_is_the_slope_of_the_value(sparse, bias, kept):
    objective = _objective(sparse, bias, kept)
    random = np.random.default_rng(1)
    vector, direction = random.normal(size=(2, objective.size))
    h = 1e-6
    above, below = (objective.evaluate(vector + t * direction).value for t in (h, -h))
    slope = objective.evaluate(vector).gradient @ direction
    assert slope == pytest.approx((above - below) / (2 * h), rel=1e-7, abs=1e-8)


@pytest.mark.parametrize(("sparse", "bias", "kept"), VARIANTS)
def test_hessian_product_is_the_change_of_the_gradient(sparse, bias, kept):
    objective = _objective(sparse, bias, kept)
    random = np.random.default_rng(1)
    vector, direction = random.normal(size=(2, objective.size))
    h = 1e-6
    above, below = (objective.evaluate(vector + t * direction).gradient for t in (h, -h))
    objective.evaluate(vector)
    np.testing.assert_allclose(
        objective.hessian_times(direction), (above - below) / (2 * h), rtol=1e-5, atol=1e-7
    )


@pytest.mark.parametrize(("sparse", "bias", "kept"), VARIANTS)
def test_a_line_says_what_evaluation_says(sparse, bias, kept):
    objective = _objective(sparse, bias, kept)
    random = np.random.default_rng(1)
    vector, direction = random.normal(size=(2, objective.size))
    line = objective.search(vector, objective.evaluate(vector), direction)
    other = _objective(sparse, bias, 0)
    for step in (1.0, 0.3, 2.5):
        point, there = line.at(step), other.evaluate(vector + step * direction)
        assert point.value == pytest.approx(there.value, rel=1e-12)
        assert point.slope == pytest.approx(there.gradient @ direction, rel=1e-10)
    for step in (0.3, 1.0):
        objective.evaluate(vector)
        line = objective.search(vector, other.evaluate(vector), direction)
        line.at(1.0)
        moved, found = line.accept(step)
        there = other.evaluate(moved)
        assert found.value == pytest.approx(there.value, rel=1e-12)
        np.testing.assert_allclose(found.gradient, there.gradient, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(
            objective.hessian_times(direction),
            other.hessian_times(direction),
            rtol=1e-9,
            atol=1e-11,
        )


@pytest.mark.parametrize("bias", [False, True])
def test_coordinates_change_nothing(bias):
    X, y = random_problem()
    X = X * 10.0 ** np.arange(-4, 5) + 3.0
    objective = make_objective(X, y, fit_intercept=bias)
    random = np.random.default_rng(2)
    W, b = random.normal(size=(5, 9)), random.normal(size=5) if bias else None
    vector = objective.coordinates.from_parameters(W, b)
    back, bias_back = objective.parameters(vector)
    np.testing.assert_allclose(back, W, rtol=1e-12)
    if b is not None:
        assert bias_back is not None
        np.testing.assert_allclose(bias_back, b, rtol=1e-6, atol=1e-6)
    z = X @ W.T + (0 if b is None else b)
    z -= z.max(axis=1, keepdims=True)
    loss = np.mean(np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(y)), y])
    expected = loss + 0.5 * objective.ridge * np.sum(W**2)
    assert objective.evaluate(vector).value == pytest.approx(expected, rel=1e-9)


def test_a_sample_is_an_objective_over_its_rows():
    X, y = random_problem()
    part = make_objective(X, y).sample(3, 1)
    whole = make_objective(X[1::3].copy(), y[1::3], C=1.0)
    vector = np.random.default_rng(0).normal(size=part.size)
    W, b = part.parameters(vector)
    there = whole.coordinates.from_parameters(W, b)
    assert part.evaluate(vector).value == pytest.approx(whole.evaluate(there).value, rel=1e-2)


def test_the_gap_is_a_bound():
    X, y = random_problem()
    objective = make_objective(X, y)
    vector, at = np.zeros(objective.size), objective.evaluate(np.zeros(objective.size))
    for _ in range(30):
        H = np.array([objective.hessian_times(e) for e in np.eye(objective.size)])
        vector = vector - np.linalg.pinv(H) @ at.gradient
        at = objective.evaluate(vector)
    least = at.value
    nearby = vector.copy()
    objective.coordinates.split(nearby)[0][0, 0] += 0.1
    found = objective.evaluate(nearby)
    assert 0 < found.value - least <= objective.gap(found.gradient) * 1.5


@pytest.mark.parametrize("sparse", [False, True])
def test_diagonal_is_the_diagonal(sparse):
    X, y = random_problem(sparse=sparse)
    objective = make_objective(X, y)
    objective.evaluate(0.3 * np.random.default_rng(0).normal(size=objective.size))
    H = np.array([objective.hessian_times(e) for e in np.eye(objective.size)])
    np.testing.assert_allclose(H, H.T, atol=1e-12)
    if sparse:  # centred dense features have the class's mean in place of each x²
        np.testing.assert_allclose(objective.diagonal(), np.diag(H), rtol=1e-9)


@pytest.mark.parametrize("kept", [0, 1])
def test_objectives_that_share_logits_refuse_those_of_another_point(kept):
    X, y = random_problem()
    objective = make_objective(X, y, workspace=(64 << 20) * kept)
    other = objective.with_ridge(2 * objective.ridge)
    first, second, v = np.random.default_rng(3).normal(size=(3, objective.size))
    objective.evaluate(first)
    expected = objective.hessian_times(v)
    other.evaluate(second)
    with pytest.raises(AssertionError, match="another point"):
        objective.hessian_times(v)
    objective.evaluate(first)
    np.testing.assert_array_equal(objective.hessian_times(v), expected)


def test_a_log_counts_the_visits_of_every_objective_once():
    X, y = random_problem()
    log = TrainingLog(10)
    for ridge in (1.0, 2.0, 3.0):  # each is gone when the next is made: ids may come again
        objective = make_objective(X, y, C=1 / ridge)
        at = objective.evaluate(np.zeros(objective.size))
        log.note(objective, np.zeros(objective.size), at)
        log.note(objective, np.zeros(objective.size), at)
        del objective
    assert log.passes == 3.0
