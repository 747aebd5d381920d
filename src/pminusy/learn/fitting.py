"""Which solver fits a problem, in which precision, and the certificate at the end.

Float32 data is solved with float32 arithmetic until that makes no more progress or says it is done;
what counts is said by float64 arithmetic, and where that disagrees the solver goes on in float64.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pminusy.kernels.blas import one_thread_each
from pminusy.learn import curvature
from pminusy.learn.curvature import Metric
from pminusy.learn.likely import LikelyMetric
from pminusy.learn.objective import Evaluation, Objective
from pminusy.learn.path import Path
from pminusy.learn.solvers.newton_cg import newton_cg
from pminusy.learn.solvers.pairs import Pairs
from pminusy.learn.solvers.proximal import SparsePenalty, proximal_newton
from pminusy.learn.solvers.quasi_newton import quasi_newton
from pminusy.learn.solvers.solution import Goal, Journal, Solution

__all__ = ["SOLVERS", "Certificate", "Fit", "choose_solver", "minimise"]

Array = NDArray[Any]

SOLVERS = ("newton", "lbfgs", "newton-cg", "proximal")
_NEWTON_SIZE = 2000  # parameters up to which a Hessian is affordable
_FEW_CLASSES = 40
_ROWS_A_PARAMETER = 4  # of the first Hessian: one over all rows costs tens of passes
_METRIC_ROWS = 6000
_LEAST_RANK, _RANK = 64, 400
_BUILD_PASSES = 5
_ROUGH, _SMALL_HESSIAN = 4, 100  # Hessians that may be rough; parameters below which none is
_MANY_CLASSES, _LIKELY = 80, 10  # from how many on likely classes are told apart; how many a row
_REHEARSE = 1e-5  # of f: gains above which a step is first tried on some rows
_WEAK, _STRONG = 0.03, 0.1  # penalties beside the curvature of unlikely classes
_STAGE, _STAGE_GAP = math.sqrt(10), 0.1
_WIDE = 4000  # features beyond which no Gram matrix is built


class Certificate(NamedTuple):
    """What float64 arithmetic says about the point where a fit ended."""

    objective: float
    optimality: float
    gap: float  # relative to the objective; NaN without ridge
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
    if source.classes * (source.features + 1) <= _NEWTON_SIZE:
        return "newton"
    if source.sparse or source.features > _WIDE:
        return "newton-cg"
    return "lbfgs"


def minimise(
    objective: Objective,
    vector: Array,
    solver: str,
    *,
    goal: Goal,
    journal: Journal,
    lasso: float = 0.0,
    one_row: bool = False,
    keep_interrupted: bool = False,
    pairs: Pairs | None = None,
) -> Fit:
    """Run a solver to its goal, in float64 where float32 stops short of it.

    `lasso` is the strength of ‖W‖₁ in the mean objective, `one_row` whether the first of two
    classes has no weights. With `keep_interrupted` an interrupt ends the fit where it is. `pairs`
    are what L-BFGS knows at the start, and knows at the end.
    """
    precise = objective
    with one_thread_each:
        try:
            if solver == "proximal":
                precise = objective.in_precision(np.float64)
                return _proximal(precise, vector, lasso, one_row, goal, journal)
            pairs = Pairs(objective.size) if pairs is None else pairs
            precise, solution = _smooth(objective, vector, solver, goal, journal, pairs)
            vector, at = solution.vector, solution.at
        except KeyboardInterrupt:
            if not keep_interrupted or journal.best is None:
                raise
            vector = journal.best
            precise = objective.in_precision(np.float64)
            at = precise.evaluate(vector)
    return Fit(vector, certify(precise, at, goal), journal, solver)


def certify(objective: Objective, at: Evaluation, goal: Goal) -> Certificate:
    """The certificate at a point where a float64 objective was evaluated."""
    optimality = objective.optimality(at.gradient)
    gap = objective.gap(at.gradient) / max(abs(at.value), np.finfo(float).tiny)
    return Certificate(at.value, optimality, gap, goal.reached(objective, at))


def _smooth(
    objective: Objective,
    vector: Array,
    solver: str,
    goal: Goal,
    journal: Journal,
    pairs: Pairs,
) -> tuple[Objective, Solution]:
    """The float64 objective, and where the solver ended."""
    if solver == "newton" or objective.passes.small:
        objective = objective.in_precision(np.float64)
    models = _Models(objective)
    rows = objective.source.rows
    if solver == "lbfgs" and models.likely:
        objective.watch_likely(models.likely)
        if not np.any(vector):
            vector = _approach(objective, vector, journal, pairs)
    elif solver == "lbfgs" and not np.any(vector) and rows >= 4 * _METRIC_ROWS:
        vector = _warm(objective, vector, models, journal)
    solution = _run(solver, objective, vector, models, goal, journal, pairs)
    if objective.dtype == np.float64:
        return objective, solution
    precise = objective.in_precision(np.float64)
    if models.likely:
        precise.watch_likely(models.likely)
    at = precise.evaluate(solution.vector)
    if goal.reached(precise, at) or journal.exhausted:
        return precise, solution._replace(at=at)
    return precise, _run(solver, precise, solution.vector, models, goal, journal, pairs)


def _proximal(
    objective: Objective,
    vector: Array,
    lasso: float,
    one_row: bool,
    goal: Goal,
    journal: Journal,
) -> Fit:
    penalty = SparsePenalty(objective, lasso, one_row=one_row)
    vector, at, reached = proximal_newton(objective, vector, penalty, tol=goal.tol, journal=journal)
    optimality = penalty.optimality(vector, at.gradient)
    total = at.value + penalty.value(vector)
    return Fit(vector, Certificate(total, optimality, np.nan, reached), journal, "proximal")


def _warm(objective: Objective, vector: Array, models: _Models, journal: Journal) -> Array:
    """A rough solution on an eighth of the rows."""
    part = objective.sample(8)
    rough = Journal(30)
    solution = quasi_newton(
        part, vector, models.dense, goal=Goal(0.0), journal=rough, refresh=(0, 2, 6), enough=3e-2
    )
    journal.passes += part.visits / 8
    return solution.vector


def _approach(objective: Objective, vector: Array, journal: Journal, pairs: Pairs) -> Array:
    """Where to begin when the penalty is weak: near the solution of a stronger one, and so on.

    From nothing to weights so large, curvature changes many times over: steps would be short.
    """
    against = float(np.median(objective.penalty)) * objective.K  # the curvature at the start: 1 / K
    stages = math.ceil(math.log(_STRONG / against, _STAGE)) if 0 < against < _WEAK else 0
    path = Path(objective.size, pairs)
    for stage in range(stages, 0, -1):
        ridge = objective.ridge * _STAGE**stage
        easier = objective.with_ridge(ridge)
        path.turn_to(easier)
        start = path.start(1 / ridge)
        goal = Goal(0.0, _STAGE_GAP)
        solution = _run("lbfgs", easier, start, _Models(easier), goal, journal, pairs)
        path.add(1 / ridge, solution.vector)
    if not stages:
        return vector
    path.turn_to(objective)
    return path.start(1 / objective.ridge)


def _run(
    solver: str,
    objective: Objective,
    vector: Array,
    models: _Models,
    goal: Goal,
    journal: Journal,
    pairs: Pairs,
) -> Solution:
    if solver == "newton":
        refresh = (0, 2, 5, 11, 23, 47, 95)
        return quasi_newton(
            objective,
            vector,
            models.full,
            goal=goal,
            journal=journal,
            refresh=refresh,
            quick=0.05,
            pairs=pairs,
        )
    if solver == "lbfgs" and models.likely:
        return quasi_newton(
            objective,
            vector,
            models.likely_classes,
            goal=goal,
            journal=journal,
            refresh=range(journal.max_iter),
            quick=0.3,
            pairs=pairs,
            resize=False,
            rehearse=_REHEARSE,
        )
    if solver == "lbfgs":
        sparse = objective.source.sparse or objective.D > _WIDE
        return quasi_newton(
            objective,
            vector,
            models.diagonal if sparse else models.dense,
            goal=goal,
            journal=journal,
            refresh=(0, 3, 9, 20, 50, 100),
            pairs=pairs,
        )
    if solver == "newton-cg":
        return newton_cg(objective, vector, curvature.DiagonalMetric, goal=goal, journal=journal)
    raise AssertionError(solver)


class _Models:
    """Curvature models of one fit; what does not change is built once."""

    def __init__(self, objective: Objective) -> None:
        self._whole = objective
        self._rng = np.random.default_rng(0)
        self._basis: curvature.Basis | None = None
        self._kronecker: curvature.KroneckerMetric | None = None
        self._built = 0
        few = objective.K < _MANY_CLASSES or objective.source.sparse or objective.D > _WIDE
        most = objective.workspace // (32 * objective.source.rows)
        self.likely = 0.0 if few or objective.passes.small else float(min(_LIKELY, max(most, 4)))

    def likely_classes(self, objective: Objective, damping: float) -> Metric:
        """The likely classes of each row as they are, the others as a Kronecker model."""
        if self._kronecker is None:
            rows = self._whole.rows_evenly(max(_METRIC_ROWS, 4 * objective.D))
            self._kronecker = curvature.kronecker_metric(objective, rows)
        return LikelyMetric(objective, self._kronecker, damping / objective.K)

    def full(self, objective: Objective, damping: float) -> Metric:
        """The Hessian over a sample of the rows: the pairs correct it, later ones take more.

        The first ones are soon out of date, and float32 does for them.
        """
        most = max(1024, objective.workspace // (16 * (objective.D + objective.K)))
        count = int(min(most, max(1024, _ROWS_A_PARAMETER * objective.size) * 1.5**self._built))
        sample = objective.draw(count, self._rng)
        if self._built < _ROUGH and objective.size > _SMALL_HESSIAN:
            sample = sample._replace(X=sample.X.astype(np.float32), p=sample.p.astype(np.float32))
        self._built += 1
        return curvature.FullMetric(objective, sample, damping)

    def dense(self, objective: Objective, damping: float) -> Metric:
        """A Gram matrix a class for few classes, one for all beyond."""
        if objective.K > _FEW_CLASSES:
            return self._kronecker_model(objective)
        if self._basis is None:
            rows = self._whole.rows_evenly(_METRIC_ROWS)
            self._basis = curvature.Basis(self._whole, rows, self._rank())
        count = min(self._metric_rows(), objective.source.rows)
        return curvature.ClassBasisMetric(
            objective, objective.draw(count, self._rng), self._basis, damping
        )

    def _metric_rows(self) -> int:
        return int(np.clip(self._whole.source.rows // 3, _METRIC_ROWS // 3, _METRIC_ROWS))

    def _rank(self) -> int:
        """As many directions as make the Gram matrices of all classes cost _BUILD_PASSES passes.

        Of a class over n rows: 2 n r² operations; a pass takes 4 N D for each class.
        """
        N, D = self._whole.source.rows, self._whole.D
        r = math.sqrt(2 * _BUILD_PASSES * N * D / self._metric_rows())
        return int(np.clip(r, _LEAST_RANK, _RANK))

    def diagonal(self, objective: Objective, damping: float) -> Metric:
        """The diagonal."""
        return curvature.DiagonalMetric(objective, damping)

    def _kronecker_model(self, objective: Objective) -> Metric:
        if self._kronecker is None:
            rows = self._whole.rows_evenly(max(_METRIC_ROWS, 4 * objective.D))
            self._kronecker = curvature.kronecker_metric(objective, rows)
        else:
            self._kronecker.refresh(objective.class_curvature())
        return self._kronecker
