"""More features than rows: the same optimum over combinations of rows as over the features."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pminusy.training.dense import fit as dense_fit
from pminusy.training.dense.objective import DenseObjective, DenseRows
from pminusy.training.dense.row_space import RowSpaceObjective, suits_row_space
from pminusy.training.fitting import minimise
from pminusy.training.solvers.solution import StoppingCriterion, TrainingLog
from tests.training.problems import make_objective, random_problem

KINDS = ("labels", "weights", "soft", "smoothing")
CASES = [
    pytest.param(K, bias, kind, id=f"{K} classes-{'bias' if bias else 'no bias'}-{kind}")
    for K in (2, 3, 5)
    for bias in (True, False)
    for kind in KINDS
]


def _objective(K: int, bias: bool, kind: str = "labels", *, C: float = 1.0, N: int = 40) -> Any:
    random = np.random.default_rng(5)
    X, y = random_problem(N, 120, K)
    X = X * np.geomspace(1, 100, X.shape[1]) + 3
    masses: dict[str, dict[str, Any]] = {
        "labels": {},
        "weights": {"sample_weight": random.integers(0, 3, N).astype(float)},
        "soft": {"sample_weight": random.random(N)},
        "smoothing": {"label_smoothing": 0.2},
    }
    if kind == "soft":
        y = random.dirichlet(np.ones(K), N)
    return make_objective(X, y, C=C, fit_intercept=bias, **masses[kind])


def _both(objective: Any) -> tuple[DenseObjective, RowSpaceObjective]:
    rows = DenseRows(objective.source, objective.coordinates)
    features = DenseObjective(rows, objective.ridge, objective.coordinates)
    assert suits_row_space(features)
    return features, RowSpaceObjective(features)


@pytest.mark.parametrize(("K", "bias", "kind"), CASES)
def test_value_gradient_and_certificate_are_those_over_features(K, bias, kind):
    features, rows = _both(_objective(K, bias, kind))
    random = np.random.default_rng(0)
    U = 1e-3 * random.normal(size=(K - 1, rows.E))
    vector = rows.vector_of(U)
    at, there = rows.evaluate(vector), features.evaluate(vector)
    assert at.value == pytest.approx(there.value, rel=1e-10)
    np.testing.assert_allclose(rows.vector_of(rows.differences(vector)), vector, atol=1e-10)
    largest = features.optimality(there.gradient)
    for gradient in (at.gradient, there.gradient):
        assert rows.optimality(gradient) == pytest.approx(largest, rel=1e-7)
    assert rows.largest(rows.stands) == pytest.approx(largest, rel=1e-7)
    assert rows.gap(at.gradient) == pytest.approx(features.gap(there.gradient), rel=1e-6)


@pytest.mark.parametrize("K", [2, 3])
def test_weights_outside_the_span_of_the_rows_lose_what_logits_do_not_see(K):
    features, rows = _both(_objective(K, True))
    vector = features.project(0.1 * np.random.default_rng(1).normal(size=features.size))
    V = rows.vector_of(rows.differences(vector))
    kept, before = features.at(features.differences(V)), features.at(features.differences(vector))
    np.testing.assert_allclose(kept.z, before.z, atol=1e-7)
    assert kept.value < before.value


def _fitted(objective: Any, tol: float = 1e-8, gap: float | None = None, most: int = 300) -> Any:
    objective.source.kept.clear()
    return minimise(
        objective,
        np.zeros(objective.size),
        "newton",
        criterion=StoppingCriterion(tol, gap),
        log=TrainingLog(most),
    )


@pytest.mark.parametrize(
    ("K", "bias", "kind", "C", "gap"),
    [(*case.values, 1.0, None) for case in CASES]
    + [(K, True, "labels", C, gap) for K in (2, 3) for C in (1e-3, 100.0) for gap in (None, 1e-7)],
)
def test_it_ends_where_the_features_do(K, bias, kind, C, gap, monkeypatch):
    objective = _objective(K, bias, kind, C=C)
    fit = _fitted(objective, gap=gap)
    monkeypatch.setattr(dense_fit, "suits_row_space", lambda dense: False)
    other = _fitted(objective, gap=gap)
    assert fit.end == other.end == "reached"
    tolerance = 1e-9 if gap is None else 2e-7 * abs(other.certificate.objective)
    assert fit.certificate.objective == pytest.approx(other.certificate.objective, abs=tolerance)
    if gap is None:
        largest = np.abs(other.vector).max()
        np.testing.assert_allclose(fit.vector, other.vector, atol=1e-3 * largest)


def test_a_weak_penalty_is_certified_where_rounding_stops_steps_over_features(monkeypatch):
    objective = _objective(3, True, C=1e4)
    fit = _fitted(objective)
    assert fit.end == "reached"
    assert fit.certificate.gap < 1e-9
    monkeypatch.setattr(dense_fit, "suits_row_space", lambda dense: False)
    assert fit.certificate.objective <= _fitted(objective).certificate.objective * (1 + 1e-9)


def test_what_the_factor_rounds_off_is_made_up_for_over_the_features(monkeypatch):
    """A factor that is wrong by a thousandth: the fit ends over the features all the same."""

    def rough(features: DenseObjective) -> RowSpaceObjective:
        objective = RowSpaceObjective(features)
        objective.rows.x[:-1] *= 1.001
        return objective

    monkeypatch.setattr(dense_fit, "RowSpaceObjective", rough)
    objective = _objective(3, True)
    fit = _fitted(objective)
    assert fit.end == "reached"
    assert fit.certificate.optimality <= 1e-8


@pytest.mark.parametrize("most", [0, 1, 3])
def test_it_stops_at_the_limit_of_iterations(most):
    objective = _objective(3, True)
    fit = _fitted(objective, 1e-12, most=most)
    assert fit.log.iterations == most
    assert fit.end == "iterations"
    assert np.isfinite(fit.certificate.objective)


def test_without_a_ridge_or_with_many_rows_it_is_not_asked():
    assert not suits_row_space(_features(_objective(3, True, C=np.inf)))
    assert not suits_row_space(_features(_objective(3, True, N=100)))


def _features(objective: Any) -> DenseObjective:
    rows = DenseRows(objective.source, objective.coordinates)
    return DenseObjective(rows, objective.ridge, objective.coordinates)


def test_equal_rows_and_columns_that_are_constant():
    X, y = random_problem(12, 80, 3)
    X = np.vstack([X, X])
    X[:, :5] = 7.0
    objective = make_objective(X, np.concatenate([y, y]), C=10.0, fit_intercept=True)
    fit = _fitted(objective, 1e-9)
    assert fit.end == "reached"
