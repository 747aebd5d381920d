"""Every solver reaches the same optimum, by the certificate, whatever the data look like."""

from __future__ import annotations

import numpy as np
import pytest

from pminusy.training.fitting import SOLVERS, choose_solver, minimise
from pminusy.training.solvers.line_search import line_search
from pminusy.training.solvers.solution import StoppingCriterion, TrainingLog
from tests.training.problems import make_objective, random_problem

SMOOTH = [name for name in SOLVERS if name not in ("proximal", "dual")]  # for dense X


def _solve(objective, solver, tol=1e-10, **options):
    log = TrainingLog(500)
    return minimise(
        objective,
        np.zeros(objective.size),
        solver,
        criterion=StoppingCriterion(tol),
        log=log,
        **options,
    )


@pytest.mark.parametrize("solver", [*SMOOTH, "proximal"])
@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
@pytest.mark.parametrize("kept", [True, False], ids=["kept logits", "recomputed"])
def test_solvers_agree(solver, sparse, kept):
    X, y = random_problem(sparse=sparse)
    fit = _solve(make_objective(X, y, workspace=(64 << 20) * kept), solver)
    reference = _solve(make_objective(X, y), "newton-cg", 1e-12)
    assert fit.certificate.reached
    assert fit.certificate.optimality <= 1e-10
    np.testing.assert_allclose(fit.vector, reference.vector, atol=1e-6)


@pytest.mark.parametrize("solver", SMOOTH)
@pytest.mark.parametrize("K", [4, 60], ids=["few classes", "many classes"])
def test_float32_data_reaches_a_tight_certificate(solver, K):
    X, y = random_problem(N=3000, D=20, K=K)
    objective = make_objective(X.astype(np.float32), y, dtype=np.float32)
    assert not objective.passes.small or K == 4
    fit = _solve(objective, solver, 1e-8)
    assert fit.certificate.reached
    exact = make_objective(X.astype(np.float32).astype(float), y)
    gradient = exact.evaluate(exact.coordinates.from_parameters(*objective.parameters(fit.vector)))
    assert exact.optimality(gradient.gradient) <= 1.01e-8


@pytest.mark.parametrize("solver", SMOOTH)
def test_scales_and_collinear_features_do_not_matter(solver):
    X, y = random_problem(N=400, D=6)
    X = np.concatenate([X * 10.0 ** np.arange(-6, 6, 2), X[:, :1], 2 * X[:, 1:2]], axis=1)
    fit = _solve(make_objective(X, y), solver, 1e-7)
    assert fit.certificate.reached
    assert fit.log.iterations < 100


@pytest.mark.parametrize("solver", ["newton", "newton-cg"])
@pytest.mark.parametrize("C", [1e-4, 1.0, 1e6])
def test_more_features_than_rows_on_all_scales(C, solver):
    random = np.random.default_rng(0)
    X, y = random.normal(size=(11, 40)), np.arange(11) % 3
    objective = make_objective(X * 10.0 ** random.uniform(-6, 6, size=40), y, C=C)
    fit = _solve(objective, solver, 1e-6)
    assert fit.certificate.reached
    assert fit.log.passes < (100 if solver == "newton" else 2000)


def test_lbfgs_hands_over_where_its_metric_misses_the_scales():
    X, y = random_problem(N=1000, D=200, K=10)
    scales = 10.0 ** np.random.default_rng(0).uniform(-6, 6, size=200)
    objective = make_objective(X * scales, y)
    log = TrainingLog(1000)
    fit = minimise(
        objective, np.zeros(objective.size), "lbfgs", criterion=StoppingCriterion(1e-6), log=log
    )
    assert fit.certificate.reached


def test_an_interrupt_before_the_first_iteration_keeps_the_start(monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("pminusy.training.fitting._smooth", interrupted)
    X, y = random_problem()
    fit = _solve(make_objective(X, y), "lbfgs", keep_interrupted=True)
    assert fit.certificate.objective == pytest.approx(np.log(5))
    assert not fit.certificate.reached


@pytest.mark.parametrize("C", [1e8, np.inf])
def test_newton_where_rows_are_told_apart(C):
    X, y = random_problem(N=24, D=40, K=3)
    assert _solve(make_objective(X + 100, y, C=C), "newton", 1e-8).certificate.reached


@pytest.mark.parametrize("solver", SMOOTH)
def test_many_sparse_rows(solver):
    X, y = random_problem(N=24_000, D=4, K=3, sparse=True)
    assert _solve(make_objective(X, y), solver, 1e-7).certificate.reached


@pytest.mark.parametrize("C", [1e-4, 1.0, 1e4])
def test_gap_is_reached_and_true(C):
    X, y = random_problem()
    objective = make_objective(X, y, C=C)
    fit = minimise(
        objective,
        np.zeros(objective.size),
        "newton",
        criterion=StoppingCriterion(0.0, 1e-6),
        log=TrainingLog(200),
    )
    best = _solve(make_objective(X, y, C=C), "newton", 1e-11).certificate.objective
    assert fit.certificate.gap <= 1e-6
    assert fit.certificate.objective / best - 1 <= 1e-6


def test_the_same_problem_twice_gives_the_same_bits():
    X, y = random_problem(N=2000, D=40, K=12)
    first, second = (_solve(make_objective(X, y), "lbfgs", 1e-8).vector for _ in range(2))
    assert np.array_equal(first, second)


def test_the_limit_on_iterations_holds():
    X, y = random_problem()
    objective = make_objective(X, y)
    log = TrainingLog(3)
    fit = minimise(
        objective, np.zeros(objective.size), "lbfgs", criterion=StoppingCriterion(1e-14), log=log
    )
    assert log.iterations == 3
    assert not fit.certificate.reached


@pytest.mark.parametrize(("N", "D", "K", "sparse", "l1", "expected"), [
    (300, 9, 5, False, False, "newton"),
    (300, 9, 5, False, True, "proximal"),
    (50, 700, 5, True, False, "newton-cg"),
    (50, 700, 5, False, False, "newton"),
    (2000, 700, 8, False, False, "lbfgs"),
])  # fmt: skip
def test_auto_looks_at_size_sparsity_and_penalty(N, D, K, sparse, l1, expected):
    X, y = random_problem(N, D, K, sparse=sparse)
    assert choose_solver(make_objective(X, y), l1=l1) == expected


class _Parabola:
    """(t − a)² / 2 with a kink in what is known of its curvature."""

    def __init__(self, a):
        from pminusy.training.penalised import LinePoint

        self._a, self._point = a, LinePoint
        self.start = self.at(0.0)

    def at(self, t):
        return self._point(t, 0.5 * (t - self._a) ** 2, t - self._a, np.nan)


@pytest.mark.parametrize("a", [1e-12, 1e-4, 0.1, 0.7, 1.3, 30.0, 1e4])
def test_line_search_ends_near_the_minimum(a):
    step = line_search(_Parabola(a))
    assert step.good
    assert abs(step.step - a) <= 0.9 * a


def test_line_search_refuses_an_ascent():
    assert not line_search(_Parabola(-1.0)).good
