"""Newton's method over a matrix, its steps solved with the Hessian or by its products.

Where the Hessian is built at every step (`direct`), a solution with it is the step, and close to
the optimum the last one stays. Otherwise a model preconditions conjugate gradients, whose products
are visits to the rows; `choice` says which.

Damping, forcing and the end are those of `training.solvers.newton`; all happens in V.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pminusy.training.dense.choice import DenseModel, Models
from pminusy.training.dense.objective import DenseLine, DenseObjective, DensePoint
from pminusy.training.penalised import ValueAndGradient
from pminusy.training.solvers.line_search import line_search
from pminusy.training.solvers.newton import FLOOR, ROUNDING, Damping, forcing
from pminusy.training.solvers.newton_cg import conjugate_gradients
from pminusy.training.solvers.solution import (
    Patience,
    Solution,
    Status,
    StoppingCriterion,
    TrainingLog,
)

__all__ = ["FAILURES", "FALLING", "QUADRATIC", "by_products", "dense_newton"]

Array = NDArray[Any]

FAILURES = 2
QUADRATIC = 1e-4  # fall of the promise from one step to the next: the Hessian may stay
FALLING = 0.25  # share of a slope worth another look, where a look costs less than a step
StepBy = Callable[..., tuple[Array, int]]
_REACHED, _STALLED = Status(reached=True, stalled=False), Status(reached=False, stalled=True)


def dense_newton(
    objective: DenseObjective,
    V: Array,
    models: Models,
    *,
    criterion: StoppingCriterion,
    log: TrainingLog,
    direct: bool,
    step_by: StepBy | None = None,
) -> Solution:
    """Minimise from V.

    Parameters
    ----------
    objective
        What to minimise.
    V
        Where to begin (K − 1, E).
    models
        Of the Hessian where the objective stands.
    criterion
        When to stop.
    log
        Where progress is noted, with the limit on iterations.
    direct
        Whether a model is the Hessian, and its solution the step.
    step_by
        How a step is found by products; `by_products` if None.
    """
    step_by = by_products if step_by is None else step_by
    point = objective.at(V)
    objective.stand(point)
    if not log.history:
        _note(objective, point, log)
    double = np.dtype(np.float64)
    patience, failures, first = Patience(ROUNDING[double]), 0, 0.0
    left, damping = abs(point.value), Damping()
    quadratic = False
    while not _reached(objective, point, criterion):
        if log.exhausted:
            return _ended(objective, point, Status(reached=False, stalled=False), left)
        damped = damping.of(left)
        if direct and not quadratic:
            models.forget()
        model = models.at(damped)
        D = -model.solve(point.G)
        if not direct:
            size = math.sqrt(max(-float(np.vdot(point.G, D)), 0.0))
            first = first or size
            exactness = forcing(size, first)
            D, products = step_by(objective, point, model, damped, exactness, models.most)
            models.add(products)
        promised = -float(np.vdot(point.G, D))
        if promised <= FLOOR[double] * abs(point.value):
            return _ended(objective, point, _STALLED, left)
        line = DenseLine(objective, point, D)
        step = line_search(line, falling=FALLING) if direct else line_search(line)
        if not step.good:
            failures += 1
            if failures > FAILURES:
                return _ended(objective, point, _STALLED, left)
            models.forget()
            damping.more()
            continue
        point = line.reach(step.step)
        objective.stand(point)
        optimality = _note(objective, point, log)
        quadratic = direct and step.step == 1.0 and promised <= QUADRATIC * left
        left = min(promised, abs(point.value))
        damping.after(step.step)
        if patience.over(optimality, left, point.value):
            return _ended(objective, point, _STALLED, left)
    return _ended(objective, point, _REACHED, math.inf)


def by_products(
    objective: DenseObjective,
    point: DensePoint,
    model: DenseModel,
    damping: float,
    forcing: float,
    most: int,
) -> tuple[Array, int]:
    """A step by conjugate gradients, and how many products it took."""
    shape, count = point.G.shape, 0

    def times(v: Array) -> Array:
        nonlocal count
        count += 1
        V = v.reshape(shape)
        out = objective.times(V)
        out += damping * (V - V.sum(axis=0) / objective.K)
        return out.ravel()

    D = conjugate_gradients(
        times, -point.G.ravel(), _Flat(model, shape), forcing=forcing, limit=most
    )
    return D.reshape(shape), count


class _Flat:
    """A model for vectors that are V, row after row."""

    def __init__(self, model: DenseModel, shape: tuple[int, ...]) -> None:
        self._model, self._shape = model, shape

    def solve(self, vector: Array) -> Array:
        return self._model.solve(vector.reshape(self._shape)).ravel()


def _reached(objective: DenseObjective, point: DensePoint, criterion: StoppingCriterion) -> bool:
    if criterion.gap is None:
        return objective.largest(point) <= criterion.tol
    at = ValueAndGradient(point.value, objective.gradient_of(point.G))
    return criterion.reached(objective, at)


def _note(objective: DenseObjective, point: DensePoint, log: TrainingLog) -> float:
    """Write the point down; the largest entry of its gradient in (W, b)."""
    optimality = objective.largest(point)
    at = ValueAndGradient(point.value, point.G)
    log.note(objective, objective.vector_of(point.V), at, optimality)
    return optimality


def _ended(objective: DenseObjective, point: DensePoint, status: Status, left: float) -> Solution:
    at = ValueAndGradient(point.value, objective.gradient_of(point.G))
    return Solution(objective.vector_of(point.V), at, status, left)
