"""Which solver fits a problem, in which precision, and the certificate at the end.

Float32 data is solved with float32 arithmetic until that makes no more progress or says it is done;
what counts is said by float64 arithmetic, and where that disagrees the solver goes on in float64.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pminusy.kernels.threads import one_blas_thread
from pminusy.learn import curvature
from pminusy.learn.curvature import Metric
from pminusy.learn.objective import Evaluation, Objective
from pminusy.learn.solvers.newton_cg import newton_cg
from pminusy.learn.solvers.quasi_newton import quasi_newton
from pminusy.learn.solvers.solution import Goal, Journal, Solution

__all__ = ["SOLVERS", "Certificate", "Fit", "choose_solver", "minimise"]

Array = NDArray[Any]

SOLVERS = ("newton", "lbfgs", "newton-cg", "proximal")
_NEWTON_SIZE = 2000  # parameters up to which a Hessian is affordable
_FEW_CLASSES = 40
_NEWTON_ROWS = 1 << 14  # rows a stale Hessian is taken over
_METRIC_ROWS = 6000
_RANK = 400
_WIDE = 4000  # features beyond which no Gram matrix is built


class Certificate(NamedTuple):
    """What float64 arithmetic says about the point where a fit ended."""

    objective: float
    optimality: float
    gap: float  # relative to the objective; inf without ridge
    reached: bool


class Fit(NamedTuple):
    """A finished fit."""

    vector: Array
    certificate: Certificate
    journal: Journal
    solver: str


def choose_solver(objective: Objective, *, l1: bool) -> str:
    """The solver for a problem's size, sparsity and penalty."""
    if l1:
        return "proximal"
    source = objective.source
    if source.sparse:
        return "newton-cg"
    if source.classes * (source.features + 1) <= _NEWTON_SIZE:
        return "newton"
    return "lbfgs" if source.features <= _WIDE else "newton-cg"


def minimise(
    objective: Objective, vector: Array, solver: str, *, goal: Goal, journal: Journal
) -> Fit:
    """Run a solver to its goal, in float64 where float32 stops short of it."""
    with one_blas_thread():
        if solver == "newton" and objective.dtype != np.float64:
            objective = objective.in_precision(np.float64)
        models = _Models(objective)
        fresh = not np.any(vector)
        if solver == "lbfgs" and fresh and objective.source.rows >= 8 * _METRIC_ROWS:
            vector = _warm(objective, vector, models, journal)
        solution = _run(solver, objective, vector, models, goal, journal)
        if objective.dtype != np.float64:
            precise = objective.in_precision(np.float64)
            at = precise.evaluate(solution.vector)
            if not goal.reached(precise, at) and not journal.exhausted:
                solution = _run(solver, precise, solution.vector, models, goal, journal)
            else:
                solution = solution._replace(at=at)
            objective = precise
        certificate, vector = certify(objective, solution.vector, solution.at, goal)
    return Fit(vector, certificate, journal, solver)


def certify(
    objective: Objective, vector: Array, at: Evaluation, goal: Goal
) -> tuple[Certificate, Array]:
    """The certificate at a point where a float64 objective was evaluated."""
    optimality = objective.optimality(at.gradient)
    gap = objective.gap(at.gradient) / max(abs(at.value), np.finfo(float).tiny)
    return Certificate(at.value, optimality, gap, goal.reached(objective, at)), vector


def _warm(objective: Objective, vector: Array, models: _Models, journal: Journal) -> Array:
    """A rough solution on an eighth of the rows."""
    part = objective.sample(8)
    rough = Journal(30)
    solution = quasi_newton(
        part, vector, models.dense, goal=Goal(0.0), journal=rough, refresh=(0, 2, 6), enough=3e-2
    )
    journal.passes += part.visits / 8
    return solution.vector


def _run(
    solver: str,
    objective: Objective,
    vector: Array,
    models: _Models,
    goal: Goal,
    journal: Journal,
) -> Solution:
    if solver == "newton":
        refresh = (0, 1, 2, 4, 8, 16, 32, 64, 128)
        return quasi_newton(
            objective, vector, models.full, goal=goal, journal=journal, refresh=refresh
        )
    if solver == "lbfgs":
        sparse = objective.source.sparse or objective.D > _WIDE
        return quasi_newton(
            objective,
            vector,
            curvature.DiagonalMetric if sparse else models.dense,
            goal=goal,
            journal=journal,
            refresh=(0, 3, 9, 20, 50, 100),
        )
    if solver == "newton-cg":
        return newton_cg(
            objective, vector, curvature.DiagonalMetric, goal=goal, journal=journal
        )
    raise AssertionError(solver)


class _Models:
    """Curvature models of one fit; what does not change is built once."""

    def __init__(self, objective: Objective) -> None:
        self._whole = objective
        self._rng = np.random.default_rng(0)
        self._basis: curvature.Basis | None = None
        self._kronecker: curvature.KroneckerMetric | None = None

    def full(self, objective: Objective) -> Metric:
        """The Hessian, over a sample of the rows."""
        return curvature.FullMetric(objective, objective.draw(_NEWTON_ROWS, self._rng))

    def dense(self, objective: Objective) -> Metric:
        """A Gram matrix a class for few classes, one for all beyond."""
        if objective.K > _FEW_CLASSES:
            return self._kronecker_model(objective)
        if self._basis is None:
            rows = self._whole.rows_evenly(_METRIC_ROWS)
            self._basis = curvature.Basis(self._whole, rows, _RANK)
        rows = min(_METRIC_ROWS, objective.source.rows)
        return curvature.ClassBasisMetric(objective, objective.draw(rows, self._rng), self._basis)

    def _kronecker_model(self, objective: Objective) -> Metric:
        if self._kronecker is None:
            rows = self._whole.rows_evenly(max(_METRIC_ROWS, 4 * objective.D))
            self._kronecker = curvature.kronecker_metric(objective, rows)
        else:
            self._kronecker.refresh(objective.class_curvature())
        return self._kronecker
