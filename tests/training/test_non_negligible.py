"""Many classes: the curvature model of selected classes, trial steps, and fits by them."""

from __future__ import annotations

import numpy as np
import pytest

from pminusy.training.fitting import minimise
from pminusy.training.preconditioners.kronecker import kronecker_preconditioner
from pminusy.training.preconditioners.non_negligible import NonNegligiblePreconditioner
from pminusy.training.solvers.solution import StoppingCriterion, TrainingLog
from tests.training.problems import make_objective, random_problem

K = 90


def _problem(**options):
    X, y = random_problem(N=1500, D=12, K=K, noise=0.5)
    return make_objective(X.astype(np.float32), y, dtype=np.float32, **options)


def _fit(objective, solver="lbfgs", gap=1e-7):
    return minimise(
        objective,
        np.zeros(objective.size),
        solver,
        criterion=StoppingCriterion(0.0, gap),
        log=TrainingLog(400),
    )


def _model(objective, vector, a_row, **options):
    objective.select_in_passes(a_row)
    objective.evaluate(vector)
    base = kronecker_preconditioner(objective, objective.rows_evenly(1500))
    return NonNegligiblePreconditioner(objective, base, **options)


@pytest.mark.parametrize("kept", [True, False], ids=["kept logits", "recomputed"])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_with_all_classes_likely_it_is_the_inverse_of_the_hessian(fit_intercept, kept):
    objective = _problem(fit_intercept=fit_intercept, workspace=(64 << 20) * kept)
    random = np.random.default_rng(0)
    at, v = (objective.project(0.3 * random.normal(size=objective.size)) for _ in range(2))
    model = _model(objective, at, K - 0.5, accuracy=1e-4, limit=1000)
    x = model.solve(v)
    residual = objective.hessian_times(x) - v
    assert np.linalg.norm(residual) < 5e-3 * np.linalg.norm(v)


def test_without_likely_classes_it_is_exact_where_all_are_alike():
    objective = _problem()
    model = _model(objective, np.zeros(objective.size), 3, accuracy=1e-4, limit=1000)
    v = objective.project(np.random.default_rng(0).normal(size=objective.size))
    residual = objective.hessian_times(model.solve(v)) - v
    assert np.linalg.norm(residual) < 5e-3 * np.linalg.norm(v)


@pytest.mark.parametrize("workspace", [64 << 20, 0], ids=["kept logits", "recomputed"])
@pytest.mark.parametrize("C", [0.01, 1.0, 100.0])
def test_fits_reach_the_optimum(C, workspace):
    fit = _fit(_problem(C=C, workspace=workspace))
    assert fit.certificate.reached
    reference = _fit(_problem(C=C), "newton-cg", 1e-10)
    assert fit.certificate.objective == pytest.approx(reference.certificate.objective, rel=1e-7)


def test_soft_targets_weights_and_no_intercept():
    X, y = random_problem(N=1500, D=12, K=K, noise=0.5)
    random = np.random.default_rng(1)
    Y = 0.8 * np.eye(K)[y] + 0.2 * random.dirichlet(np.ones(K), size=y.size)
    options = {"fit_intercept": False, "sample_weight": random.random(y.size)}
    found = [_fit(make_objective(X, Y, **options), s) for s in ("lbfgs", "newton-cg")]
    assert all(fit.certificate.reached for fit in found)
    np.testing.assert_allclose(found[0].vector, found[1].vector, atol=1e-3)


def test_a_fit_is_the_same_twice():
    first, second = (_fit(_problem(workspace=0)) for _ in range(2))
    np.testing.assert_array_equal(first.vector, second.vector)


def test_a_rehearsed_step_is_near_the_minimum_along_the_line():
    X, y = random_problem(N=6000, D=12, K=K, noise=0.5)
    objective = make_objective(X, y, workspace=16 << 20)
    objective.passes.stored = False  # as if the workspace were too small for all rows
    vector = np.zeros(objective.size)
    at = objective.evaluate(vector)
    direction = -500 * at.gradient
    before = objective.visits
    step = objective.trial_step(vector, at, direction)
    assert objective.visits - before < 0.2
    slope = objective.search(vector, at, direction).at(step).slope
    assert abs(slope) < 0.3 * abs(float(at.gradient @ direction))
