"""Dual ascent: the same optimum as Newton's method, with every option, or a plain refusal."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from pminusy import SoftmaxRegression
from pminusy.errors import InputError
from pminusy.kernels.runtime import threads
from pminusy.training.dual.caller import DualProblem, has_dual, stiffness
from pminusy.training.fitting import choose_solver, minimise
from pminusy.training.solvers.solution import StoppingCriterion, TrainingLog
from tests.training.problems import make_objective


def text(N=3000, D=400, K=6, *, seed=0, dtype=np.float64) -> Any:
    """Rows of length 1, as of TF-IDF, and classes that overlap."""
    random = np.random.default_rng(seed)
    y = random.integers(0, K, N)
    y[:K] = np.arange(K)
    words = random.zipf(1.4, (N, 15)) + 7 * y[:, None] * (random.random((N, 15)) < 0.3)
    at = (np.repeat(np.arange(N), 15), words.ravel() % D)
    X = sp.csr_matrix((np.ones(15 * N), at), (N, D))
    X.data /= np.repeat(np.sqrt(X.multiply(X).sum(axis=1).A1), np.diff(X.indptr))
    return X.astype(dtype), y


def _fit(objective, solver, criterion, start=None):
    start = np.zeros(objective.size) if start is None else start
    return minimise(objective, start, solver, criterion=criterion, log=TrainingLog(200))


OPTIONS = {
    "labels": {},
    "no intercept": {"fit_intercept": False},
    "smoothing": {"label_smoothing": 0.1},
    "class weights": {"class_weight": np.array([1, 2, 0.5, 1, 3, 0.1])},
    "sample weights": {"sample_weight": np.random.default_rng(1).integers(0, 4, 3000)},
    "strong penalty": {"C": 0.01},
    "weak penalty": {"C": 300.0},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_optimum_is_that_of_newton(dtype, options):
    X, y = text(dtype=dtype)
    objective = make_objective(X, y, dtype=dtype, **options)
    fit = _fit(objective, "dual", StoppingCriterion(1e-9))
    exact = make_objective(X.astype(float), y, **options)
    reference = _fit(exact, "newton-cg", StoppingCriterion(1e-11))
    assert fit.certificate.reached
    assert fit.certificate.optimality <= 1e-9
    np.testing.assert_allclose(fit.vector, reference.vector, atol=1e-4)
    assert fit.certificate.objective <= reference.certificate.objective * (1 + 1e-9)


@pytest.mark.parametrize("K", [2, 20])
def test_soft_targets_and_other_numbers_of_classes(K):
    X, _ = text()
    Y = np.random.default_rng(2).dirichlet(np.full(K, 0.3), X.shape[0])
    objective = make_objective(X, Y)
    fit = _fit(objective, "dual", StoppingCriterion(1e-9))
    assert fit.certificate.reached
    reference = _fit(make_objective(X, Y), "newton-cg", StoppingCriterion(1e-11))
    np.testing.assert_allclose(fit.vector, reference.vector, atol=1e-5)


def test_auto_takes_it_for_sparse_rows_of_moderate_stiffness():
    X, y = text()
    assert choose_solver(make_objective(X, y), l1=False) == "dual"
    assert choose_solver(make_objective(X, y, workspace=1000), l1=False) == "newton-cg"
    assert choose_solver(make_objective(X, y, C=100.0), l1=False) == "newton-cg"
    assert choose_solver(make_objective(X, y, C=np.inf), l1=False) == "newton-cg"
    assert stiffness(make_objective(X, y, C=3.0)) == pytest.approx(3.0)


def test_it_takes_fewer_passes_than_newton():
    X, y = text()
    passes = {
        solver: _fit(make_objective(X, y), solver, StoppingCriterion(1e-7)).log.passes
        for solver in ("dual", "newton-cg")
    }
    assert passes["dual"] < passes["newton-cg"]


def test_the_gap_of_an_epoch_is_nearly_true():
    X, y = text()
    objective = make_objective(X, y)
    least = _fit(objective, "newton-cg", StoppingCriterion(1e-11)).certificate.objective
    dual = DualProblem(objective)
    assert dual.epoch() == np.inf
    for _ in range(6):
        gap, before = dual.epoch(), dual.vector()
    distance = objective.evaluate(before).value - least
    assert distance > 1e-12
    assert 0.1 * distance < gap < 100 * distance  # the visits began before `before`


def test_the_same_bits_every_time_for_any_number_of_threads_its_own():
    X, y = text()
    try:
        for count in (1, 2, 3):
            threads.set_num_threads(count)
            first, second = (SoftmaxRegression().fit(X, y) for _ in range(2))
            assert first.solver_ == "dual"
            assert np.array_equal(first.coef_, second.coef_)
            assert first.optimality_ <= 1e-6
    finally:
        threads.set_num_threads(None)


def test_a_near_start_is_kept_and_a_far_one_is_not_needed():
    X, y = text()
    objective = make_objective(X, y)
    found = _fit(objective, "dual", StoppingCriterion(1e-9)).vector
    again = _fit(make_objective(X, y), "dual", StoppingCriterion(1e-9), found)
    assert again.log.iterations == 0
    assert np.array_equal(again.vector, found)
    aside = found + 1e-3 * np.random.default_rng(0).normal(size=found.size)
    near = _fit(make_objective(X, y), "dual", StoppingCriterion(1e-9), objective.project(aside))
    far = _fit(make_objective(X, y), "dual", StoppingCriterion(1e-9), 100 * found)
    for fit in (near, far):
        np.testing.assert_allclose(fit.vector, found, atol=1e-5)


def test_a_goal_for_the_gap_and_a_loose_one():
    X, y = text()
    exact = SoftmaxRegression(tol=1e-10).fit(X, y)
    loose = SoftmaxRegression(gap=1e-3).fit(X, y)
    assert loose.converged_
    assert loose.gap_ <= 1e-3
    assert loose.n_iter_[0] >= 1
    assert exact.objective_ <= loose.objective_ <= exact.objective_ * (1 + 1e-3)


def test_rows_of_very_different_length_still_converge():
    X, y = text()
    X = sp.diags(np.random.default_rng(3).lognormal(0, 1.0, X.shape[0])) @ X
    for solver in ("auto", "dual"):
        assert SoftmaxRegression(solver=solver, tol=1e-8).fit(X.tocsr(), y).converged_


def test_empty_rows_and_unused_features():
    X, y = text()
    X = sp.hstack([sp.vstack([X[:-50], 0 * X[-50:]]), sp.csr_matrix((X.shape[0], 40))]).tocsr()
    X.eliminate_zeros()
    model = SoftmaxRegression(tol=1e-9).fit(X, y)
    assert model.solver_ == "dual"
    assert model.converged_
    assert not model.coef_[:, -40:].any()


def test_numbers_too_large_for_it_leave_the_work_to_newton(monkeypatch):
    X, y = text()
    monkeypatch.setattr(DualProblem, "epoch", lambda self: np.nan)
    model = SoftmaxRegression(solver="dual").fit(X, y)
    assert model.converged_
    assert SoftmaxRegression(C=300.0).fit(X, y).converged_


def test_no_iterations_are_none():
    X, y = text()
    for solver in ("dual", "newton-cg"):
        with pytest.warns(match="stopped after 0 iterations"):
            model = SoftmaxRegression(solver=solver, max_iter=0).fit(X, y)
        assert not model.coef_.any()
        assert model.n_iter_[0] == 0


def test_it_is_refused_where_there_is_no_dual():
    X, y = text(300)
    with pytest.raises(InputError, match="sparse X and a ridge penalty"):
        SoftmaxRegression(solver="dual").fit(X.toarray(), y)
    with pytest.raises(InputError, match="sparse X and a ridge penalty"):
        SoftmaxRegression(solver="dual", C=np.inf).fit(X, y)
    with pytest.raises(InputError, match=r'workspace: .* for solver="dual"'):
        SoftmaxRegression(solver="dual", workspace=100).fit(X, y)
    assert not has_dual(make_objective(X.toarray(), y))


def test_an_interrupt_leaves_the_best_so_far(monkeypatch):
    X, y = text()
    epochs = []

    def interrupted(self, original=DualProblem.epoch):
        epochs.append(1)
        if len(epochs) == 3:
            raise KeyboardInterrupt
        return original(self)

    monkeypatch.setattr(DualProblem, "epoch", interrupted)
    with pytest.warns(match="interrupted after"):
        model = SoftmaxRegression(keep_interrupted=True).fit(X, y)
    assert model.objective_ == pytest.approx(np.log(6))
    assert not model.converged_
