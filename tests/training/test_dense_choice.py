"""Which model of the Hessian a dense fit pays for, and the products that models are made of."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pminusy.training.dense.choice import Models
from pminusy.training.dense.models import Diagonals
from pminusy.training.dense.objective import DenseObjective, DenseRows, product
from pminusy.training.fitting import minimise
from pminusy.training.solvers.solution import StoppingCriterion, TrainingLog
from tests.training.problems import make_objective, random_problem


@pytest.mark.parametrize("K", [2, 4])
def test_diagonals_are_those_of_the_hessian(K):
    objective = make_objective(*random_problem(200, 5, K), C=1.0)
    rows = DenseRows(objective.source, objective.coordinates)
    dense = DenseObjective(rows, objective.ridge, objective.coordinates)
    vector = 0.3 * np.random.default_rng(0).normal(size=objective.size)
    dense.evaluate(objective.project(vector))
    p, G, penalty = dense.stands.outcome.p, dense.stands.G, dense.weight_penalty
    curvature = (rows.classes.S * p * (1 - p)) @ (rows.x**2).T
    solved = Diagonals(dense, 0.1).solve(G)
    if K == 2:
        expected = G / (curvature + penalty / 2 + 0.1)
    else:
        each = np.concatenate([-G.sum(axis=0)[None], G]) / (curvature + penalty + 0.1)
        expected = each[1:] - each[0]
    np.testing.assert_allclose(solved, expected, rtol=1e-5, atol=1e-9)


def test_a_dear_model_is_built_once_diagonals_have_cost_as_much():
    built: list[float] = []

    def build(damping: float) -> Any:
        built.append(damping)
        return "model"

    diagonals: Any = "diagonals"
    models: Any = Models(build, 30.0, lambda _damping: diagonals)
    assert models.at(1.0) == "diagonals"
    assert models.most == 30
    models.add(27)
    assert (models.at(2.0), models.most) == ("diagonals", 5)
    models.add(5)
    assert not built
    for damping, products in ((3.0, 10), (4.0, 20), (5.0, 16), (6.0, 10)):
        models.at(damping)  # built anew after 10 and 6 products beyond those of its first step
        models.add(products)
    assert built == [3.0, 6.0]
    models.forget()
    models.at(7.0)
    assert built == [3.0, 6.0, 7.0]


def test_with_as_many_features_as_rows_no_model_is_built(monkeypatch):
    objective = make_objective(*random_problem(250, 240, 3), C=0.01)

    def built(*_arguments, **_options):
        raise AssertionError("a block of 240 features")

    monkeypatch.setattr("pminusy.training.dense.fit.ClassBlocks", built)
    monkeypatch.setattr("pminusy.training.dense.fit.SharedBlock", built)
    start, log = np.zeros(objective.size), TrainingLog(100)
    fit = minimise(objective, start, "newton", criterion=StoppingCriterion(1e-6), log=log)
    assert objective.optimality(objective.evaluate(fit.vector).gradient) <= 1e-6


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rows", [1, 3, 7])
def test_products_of_few_rows_are_those_of_all(rows, dtype):
    random = np.random.default_rng(0)
    few, matrix = (random.normal(size=s).astype(dtype) for s in ((rows, 200), (200, 150)))
    exact = few.astype(np.longdouble) @ matrix.astype(np.longdouble)
    for given in (matrix, np.asfortranarray(matrix)):
        found = product(few, given)
        assert found.dtype == dtype
        np.testing.assert_allclose(found, exact, rtol=0, atol=1000 * np.finfo(dtype).eps)
