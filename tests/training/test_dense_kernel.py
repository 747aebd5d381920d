"""Newton's method in one compiled call, beside its twin in NumPy."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from scipy.special import logsumexp

from pminusy import SoftmaxRegression
from pminusy.estimators.softmax_fit import PlainRegression
from pminusy.training.dense import compiled, compiling, kernel
from pminusy.training.dense.classes import Labelled
from pminusy.training.dense.objective import DenseObjective, DenseRows
from pminusy.training.fitting import minimise
from pminusy.training.solvers.solution import StoppingCriterion, TrainingLog
from tests.training.problems import make_objective, random_problem

KINDS = ("labels", "weights", "class weights")
CASES = [
    pytest.param(K, bias, kind, id=f"{K} classes-{'bias' if bias else 'no bias'}-{kind}")
    for K in (2, 3, 6)
    for bias in (True, False)
    for kind in KINDS
]


def _objective(K, bias, kind="labels", *, C=1.0, N=200, D=5):
    X, y = random_problem(N, D, K)
    X = X * np.geomspace(1, 100, D) + 3
    random = np.random.default_rng(5)
    mass = {
        "labels": {},
        "weights": {"sample_weight": random.integers(0, 3, N).astype(float)},
        "class weights": {"class_weight": random.random(K) + 0.5},
    }[kind]
    return make_objective(X, y, C=C, fit_intercept=bias, **mass)


def _fit(objective, implementation, monkeypatch, *, tol=1e-8, max_iter=200, start=None):
    monkeypatch.setenv("PMINUSY_IMPLEMENTATION", implementation)
    objective.source.kept.clear()
    start = np.zeros(objective.size) if start is None else start
    return minimise(
        objective, start, "newton", criterion=StoppingCriterion(tol), log=TrainingLog(max_iter)
    )


@pytest.fixture(scope="module", autouse=True)
def _there():
    """The kernel, in the cache or compiled now."""
    with compiling.waited_for():
        SoftmaxRegression().fit(*random_problem(20, 2, 3))


@pytest.fixture
def descents(monkeypatch):
    """How compiled calls ended, in the order that they were made."""
    found, descend = [], compiled.descend

    def noted(*arguments):
        found.append(descend(*arguments))
        return found[-1]

    noted.overloads = descend.overloads  # type: ignore[attr-defined]
    monkeypatch.setattr(compiled, "descend", noted)
    return found


@pytest.mark.parametrize("C", [1e-3, 1.0, 1e4])
@pytest.mark.parametrize(("K", "bias", "kind"), CASES)
def test_it_takes_the_steps_of_its_twin(K, bias, kind, C, monkeypatch, descents):
    objective = _objective(K, bias, kind, C=C)
    core = _fit(objective, "core", monkeypatch)
    assert not descents
    cpu = _fit(objective, "cpu", monkeypatch)
    assert len(descents) == 1
    assert descents[0][0] == compiled.REACHED
    assert core.end == cpu.end == "reached"
    assert core.log.iterations == cpu.log.iterations
    for one, other in zip(core.log.history, cpu.log.history, strict=True):
        assert other.objective == pytest.approx(one.objective, rel=1e-9)
        assert other.optimality == pytest.approx(one.optimality, rel=1e-4, abs=1e-10)
    assert cpu.certificate.objective == pytest.approx(core.certificate.objective, rel=1e-13)
    np.testing.assert_allclose(cpu.vector, core.vector, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("K", [2, 4])
def test_steps_that_are_too_long_are_cut_as_by_its_twin(K, monkeypatch, descents):
    objective = _objective(K, True, C=100.0)
    far = 30 * objective.project(np.random.default_rng(2).normal(size=objective.size))
    core = _fit(objective, "core", monkeypatch, start=far)
    cpu = _fit(objective, "cpu", monkeypatch, start=far)
    assert descents
    assert core.end == cpu.end == "reached"
    np.testing.assert_allclose(cpu.vector, core.vector, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("max_iter", [0, 1, 3])
def test_it_stops_at_the_limit_of_iterations(max_iter, monkeypatch, descents):
    fit = _fit(_objective(3, True), "cpu", monkeypatch, max_iter=max_iter)
    assert fit.log.iterations == max_iter
    assert fit.end == "iterations"
    assert len(descents) == (max_iter > 0)


def test_logits_beyond_what_exponentials_hold(monkeypatch):
    """Value and gradient far from the optimum, in the first entry of the history."""
    objective = _objective(3, True)
    rows = DenseRows(objective.source, objective.coordinates)
    dense = DenseObjective(rows, objective.ridge, objective.coordinates)
    V = 1e4 * np.random.default_rng(0).normal(size=(2, dense.E))
    history = np.empty((1, 3))
    assert isinstance(rows.classes, Labelled)
    labels, S = rows.classes.labels, rows.classes.S
    compiled.descend(
        rows.x, labels, S, V.copy(), dense.weight_penalty, dense.sizes, dense.centre, 0.0,
        kernel.SETTINGS, history,
    )  # fmt: skip
    z = np.concatenate([np.zeros((1, S.size)), V @ rows.x])
    loss = S @ (logsumexp(z, axis=0) - z[labels, np.arange(S.size)])
    expected = loss + 0.5 * np.vdot(V, dense.pulled(V))
    assert history[0, 0] == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("K", [2, 3])
def test_a_row_far_on_its_side_is_fitted_without_a_warning(K, descents):
    """Its logit passes what an exponential holds, at the optimum too."""
    X, y = random_problem(200, 3, K)
    clf = SoftmaxRegression(C=1e4).fit(X, y)
    far = clf.coef_[-1] - (clf.coef_[0] if K > 2 else 0.0)
    X, y = np.vstack([X, 1e4 * far / np.linalg.norm(far)]), np.append(y, K - 1)
    descents.clear()
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        clf.fit(X, y)
    z = np.atleast_2d(clf.decision_function(X[-1:]))
    assert np.ptp(z) > 709 if K > 2 else z.max() > 709
    assert descents


def test_classes_that_are_told_apart_keep_their_digits(monkeypatch, descents):
    """A loss of e^-30 a row: not what rounding leaves of 1 − p."""
    X = np.array([[30.0], [-30.0]])
    model = SoftmaxRegression(C=1e-3, fit_intercept=False, tol=1e-12).fit(X, [1, 0])
    w = model.coef_[0, 0]
    assert 30 * 2 / (1 + np.exp(30 * w)) == pytest.approx(w / 1e-3, rel=1e-9)
    assert descents


@pytest.mark.parametrize(
    "parameters",
    [{"gap": 1e-6}, {"progress": lambda _: None}, {"time_limit": 60.0}, {"label_smoothing": 0.1}],
    ids=["gap", "progress", "time limit", "smoothing"],
)
def test_what_it_cannot_do_its_twin_does(parameters, descents):
    X, y = random_problem(200, 5, 3)
    assert SoftmaxRegression(**parameters).fit(X, y).converged_
    assert not descents


def test_a_fit_does_not_wait_for_a_compiler(tmp_path):
    code = """
import numpy as np
from pminusy import SoftmaxRegression
from pminusy.training.dense import compiling
random = np.random.default_rng(0)
X, y = random.normal(size=(200, 5)), np.arange(200) % 3
assert SoftmaxRegression().fit(X, y).converged_ and SoftmaxRegression().fit(X, y).converged_
from pminusy.training.dense import compiled
assert not compiled.descend.overloads
with compiling.waited_for():
    assert SoftmaxRegression().fit(X, y).converged_
assert compiled.descend.overloads
"""
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, timeout=600)


def test_an_estimator_without_the_compiler_does_without(descents):
    X, y = random_problem(200, 5, 3)
    given: dict[str, Any] = {
        "l1_ratio": 0.0, "class_weight": None, "solver": "auto", "tol": 1e-6, "max_iter": 200,
        "time_limit": None, "keep_interrupted": False, "progress": None,
    }  # fmt: skip
    plain = PlainRegression(1.0, **given).fit(X, y, np.ones(200))
    assert not descents
    whole = SoftmaxRegression().fit(X, y)
    assert descents
    np.testing.assert_allclose(plain.coef_, whole.coef_, rtol=1e-9)


def test_where_it_finds_no_way_on_its_twin_goes_on(monkeypatch):
    X, y = random_problem(200, 5, 3)
    expected = SoftmaxRegression().fit(X, y).coef_
    monkeypatch.setattr(kernel, "compiled_already", lambda *_: True)
    monkeypatch.setattr(compiled, "descend", lambda *_: (compiled.STALLED, 0))
    found = SoftmaxRegression().fit(X, y)
    assert found.converged_
    np.testing.assert_allclose(found.coef_, expected, rtol=1e-7, atol=1e-9)
