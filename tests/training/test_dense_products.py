"""Newton's method by products in one compiled call, beside its twin in NumPy."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from pminusy import SoftmaxRegression
from pminusy.training.dense import compiled_products, compiling, kernel, newton
from pminusy.training.dense.choice import Models
from pminusy.training.dense.models import ClassBlocks, Diagonals
from pminusy.training.dense.objective import DenseObjective, DenseRows
from pminusy.training.dense.row_space import RowSpaceObjective
from pminusy.training.fitting import minimise
from pminusy.training.solvers.solution import StoppingCriterion, TrainingLog
from tests.training.problems import make_objective, random_problem


@pytest.fixture(scope="module", autouse=True)
def _there():
    """The kernels, in the cache or compiled now; no threads of BLAS beside them."""
    with compiling.waited_for():
        dense, point, blocks = _standing(*random_problem(150, 40, 3))
        kernel.by_products(dense, point, blocks, 0.0, 0.1, 3)
        SoftmaxRegression(tol=0.5).fit(*random_problem(500, 60, 5))


def _standing(X, y, *, row_space=False):
    objective = make_objective(X * np.geomspace(0.1, 10, X.shape[1]) + 1, y, C=1.0)
    rows = DenseRows(objective.source, objective.coordinates)
    dense = DenseObjective(rows, objective.ridge, objective.coordinates)
    dense = RowSpaceObjective(dense) if row_space else dense
    point = dense.at(0.1 * np.random.default_rng(1).normal(size=(dense.K - 1, dense.E)))
    dense.stand(point)
    return dense, point, ClassBlocks(dense, 0.01, rows.single) if not row_space else None


@pytest.mark.parametrize("shape", [(150, 40, 3), (130, 17, 6), (64, 5, 4), (90, 300, 4)])
def test_a_step_is_that_of_its_twin(shape):
    dense, point, blocks = _standing(*random_problem(*shape))
    assert blocks is not None
    if blocks.inverses is None:
        blocks.inverses = np.stack([np.eye(dense.E, dtype=np.float32)] * dense.K)
    for most in (1, 4):
        expected, products = newton.by_products(dense, point, blocks, 0.02, 0.01, most)
        before = dense.visits
        found, count = kernel.by_products(dense, point, blocks, 0.02, 0.01, most)
        assert (count, dense.visits - before) == (products, products)
        scale = np.abs(expected).max()
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4 * scale)


@pytest.mark.parametrize("row_space", [False, True])
@pytest.mark.parametrize("K", [2, 5])
def test_iterations_are_those_of_its_twin(K, row_space):
    """Values and largest gradient entries, until products of float32 part."""
    X, y = random_problem(100, 150 if row_space else 30, K)
    histories = []
    for compiled in (True, False):
        dense, _, _ = _standing(X, y, row_space=row_space)
        criterion, log = StoppingCriterion(1e-5), TrainingLog(5)
        V = np.zeros((K - 1, dense.E))
        if compiled:
            kernel.run_products(dense, V, 500.0, criterion, criterion, log)
        else:
            models = Models(partial(Diagonals, dense), 500.0, partial(Diagonals, dense))
            newton.dense_newton(dense, V, models, criterion=criterion, log=log, direct=False)
        histories.append(log.history)
    for one, other in zip(*histories, strict=True):
        assert one.objective == pytest.approx(other.objective, rel=1e-4)
        assert one.optimality == pytest.approx(other.optimality, rel=5e-2, abs=1e-6)
        assert one.passes == other.passes - 1  # evaluated once before


@pytest.mark.parametrize(("N", "D", "K"), [(120, 400, 4), (250, 240, 3), (400, 40, 12)])
def test_certificates_are_those_without_a_compiler(N, D, K, monkeypatch):
    """More features than rows, as many, and fits that outlive what diagonals may cost."""
    objective = make_objective(*random_problem(N, D, K), C=10.0)
    found = []
    for way in ("cpu", "core"):
        monkeypatch.setenv("PMINUSY_IMPLEMENTATION", way)
        objective.source.kept.clear()
        fit = minimise(
            objective, np.zeros(objective.size), "newton",
            criterion=StoppingCriterion(1e-8), log=TrainingLog(200),
        )  # fmt: skip
        assert fit.end == "reached"
        assert objective.in_precision(np.float64).evaluate(fit.vector).value == pytest.approx(
            fit.certificate.objective, rel=1e-12
        )
        found.append(fit)
    cpu, core = found
    assert cpu.certificate.objective == pytest.approx(core.certificate.objective, rel=1e-11)
    np.testing.assert_allclose(cpu.vector, core.vector, rtol=1e-3, atol=1e-6)


def test_a_small_budget_is_kept(monkeypatch):
    ended = []
    descend = compiled_products.descend
    monkeypatch.setattr(kernel, "compiled_already", lambda *_: True)

    def noted(*given):
        ended.append(descend(*given))
        return ended[-1]

    monkeypatch.setattr(compiled_products, "descend", noted)
    dense, _, _ = _standing(*random_problem(300, 40, 4))
    log, tight = TrainingLog(50), StoppingCriterion(1e-10)
    V, solution = kernel.run_products(dense, np.zeros((3, 41)), 8.0, tight, tight, log)
    assert solution is None
    ((end, iterations, products),) = ended
    assert end == compiled_products.SPENT
    assert 8 <= products <= 12
    assert log.iterations == iterations
    assert dense.at(V).value == pytest.approx(log.history[-1].objective, rel=1e-12)
