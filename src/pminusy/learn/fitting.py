"""Which solver fits a problem, in which precision, and the certificate at the end.

Float32 data is solved with float32 arithmetic until that makes no more progress or says it is done;
what counts is said by float64 arithmetic, and where that disagrees the solver goes on in float64.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pminusy.errors import InputError
from pminusy.kernels.blas import one_thread_each
from pminusy.learn import curvature
from pminusy.learn.curvature import Metric
from pminusy.learn.dual import bytes_of_dual, has_dual
from pminusy.learn.objective import Evaluation, Objective
from pminusy.learn.solvers.dual_ascent import can_ascend, dual_ascent, dual_start
from pminusy.learn.solvers.newton import newton
from pminusy.learn.solvers.newton_cg import newton_cg
from pminusy.learn.solvers.pairs import Pairs
from pminusy.learn.solvers.proximal import SparsePenalty, proximal_newton
from pminusy.learn.solvers.quasi_newton import quasi_newton
from pminusy.learn.solvers.solution import Goal, Journal, Solution, Status

__all__ = ["SOLVERS", "Certificate", "Fit", "choose_solver", "minimise"]

Array = NDArray[Any]

SOLVERS = ("newton", "lbfgs", "newton-cg", "dual", "proximal")
_NEWTON, _LARGE_NEWTON = 2000, 4000  # parameters up to which a Hessian is affordable
_MANY_ROWS = 20  # a parameter, for the second
_CHEAP_HESSIAN = 6.0  # passes that one may cost
_FEW_CLASSES = 40
_ROWS_A_PARAMETER, _LEAST_ROWS = 3, 1024  # of a Hessian over a sample
_METRIC_ROWS = 6000
_LEAST_RANK, _RANK = 64, 400
_BUILD_PASSES = 5
_SLOW = 400  # iterations after which L-BFGS is known to crawl
_NEAR_START, _NEAR = 1e-3, 1e-7  # relative gaps: Newton's method goes on; in float64
_SMALL_HESSIAN = 40  # parameters below which one is taken in float64
_POLISH = 1e-3  # of the goal, for small problems
_STRIDES = (32, 8)  # samples that Newton's method begins on
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
    size = source.classes * (source.features + 1)
    many_rows = not source.sparse and source.rows >= _MANY_ROWS * size
    if size <= (_LARGE_NEWTON if many_rows else _NEWTON):
        return "newton"
    if can_ascend(objective):
        return "dual"
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
            if not keep_interrupted:
                raise
            vector = vector if journal.best is None else journal.best
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
    if solver == "dual":
        _require_dual(objective)
        precise, solution = _ascended(objective, vector, goal, journal)
        if solution.status.reached or journal.exhausted:
            return precise, solution
        vector, solver = solution.vector, "newton-cg"
        if objective.gap_of_weights(solution.at.gradient) <= _NEAR * abs(solution.at.value):
            objective = objective.in_precision(np.float64)
    elif solver == "newton-cg" and not np.any(vector) and not journal.exhausted:
        start = dual_start(objective, journal)
        vector = vector if start is None else start
    if solver == "newton" or objective.passes.small:
        objective = objective.in_precision(np.float64)
    models = _Models(objective)
    rows = objective.source.rows
    if solver == "lbfgs" and not np.any(vector) and rows >= 4 * _METRIC_ROWS:
        vector = _warm(objective, vector, models, journal)
    if solver == "newton" and not np.any(vector):
        vector = _rough_newton(objective, vector, models, journal)
    solution = _run(solver, objective, vector, models, goal, journal, pairs)
    if objective.dtype == np.float64:
        return objective, solution
    precise = objective.in_precision(np.float64)
    at = precise.evaluate(solution.vector)
    if goal.reached(precise, at) or journal.exhausted:
        return precise, solution._replace(at=at)
    return precise, _run(solver, precise, solution.vector, models, goal, journal, pairs)


def _require_dual(objective: Objective) -> None:
    if has_dual(objective):
        return
    if objective.source.sparse and objective.ridge > 0:
        expected = f'at least {bytes_of_dual(objective):,} bytes for solver="dual"'
        raise InputError("workspace", expected, repr(objective.workspace), 'or solver="newton-cg"')
    raise InputError(
        "solver",
        'one for dense X or without a ridge penalty: "auto", "newton", "lbfgs" or "newton-cg"',
        "'dual', which needs sparse X and a ridge penalty",
    )


def _ascended(
    objective: Objective, vector: Array, goal: Goal, journal: Journal
) -> tuple[Objective, Solution]:
    """Dual ascent, which starts from nothing, unless a start is near already."""
    precise = objective.in_precision(np.float64, workspace=0)
    if np.any(vector) or journal.exhausted:
        at = precise.evaluate(vector)
        near = precise.gap_of_weights(at.gradient) <= _NEAR_START * abs(at.value)
        reached = goal.reached(precise, at)
        if near or reached or journal.exhausted:
            journal.note(precise, vector, at)
            return precise, Solution(vector, at, Status(reached=reached, stalled=False))
    rough = objective.in_precision(objective.dtype, workspace=0)
    solution = dual_ascent(objective, rough, precise, goal, journal)
    if not solution.at.value <= math.log(objective.K):  # worse than nothing, or NaN
        vector = np.zeros(objective.size)
        solution = solution._replace(vector=vector, at=precise.evaluate(vector))
    return precise, solution


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
        part, vector, models.rough, goal=Goal(0.0), journal=rough, refresh=(0, 2, 6), enough=3e-2
    )
    journal.passes += part.visits / 8
    return solution.vector


def _rough_newton(objective: Objective, vector: Array, models: _Models, journal: Journal) -> Array:
    """A rough solution on ever more of the rows, where Hessians over all are expensive."""
    rows = objective.source.rows
    if models.hessian_rows(objective) >= rows:
        return vector
    for stride in _STRIDES:
        if rows // stride >= 1.5 * objective.size:
            part, rough = objective.sample(stride), Journal(60)
            vector = _newton(part, vector, models, Goal(0.0), rough, enough=3e-2).vector
            journal.passes += part.visits / stride
    return vector


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
        return _newton(objective, vector, models, goal, journal)
    if solver == "lbfgs":
        solution = quasi_newton(
            objective,
            vector,
            models.rough,
            goal=goal,
            journal=journal,
            refresh=(0, 3, 9, 20, 50, 100),
            pairs=pairs,
            limit=_SLOW,
        )
        stalled = solution.status.stalled and objective.dtype == np.float64
        if not stalled or journal.exhausted:
            return solution
        vector, solver = solution.vector, "newton-cg"  # whose curvature is never a sample's
    if solver == "newton-cg":
        return newton_cg(objective, vector, curvature.DiagonalMetric, goal=goal, journal=journal)
    raise AssertionError(solver)


def _newton(
    objective: Objective,
    vector: Array,
    models: _Models,
    goal: Goal,
    journal: Journal,
    enough: float = 0.0,
) -> Solution:
    if objective.passes.small:  # a step more costs nothing, and the start leaves no trace
        goal = goal.tightened(_POLISH)
    rows = models.hessian_rows(objective)
    return newton(
        objective,
        vector,
        models.full,
        goal=goal,
        journal=journal,
        price=_hessian_price(objective, rows),
        exact=rows >= objective.source.rows,
        enough=enough,
    )


def _hessian_price(objective: Objective, rows: int) -> float:
    """Passes that the Hessian over some rows costs: by multiplications, those of `coupled`.

    A pass has some beside its products: exponentials, and what is done once a row.
    """
    K, E = objective.K, objective.D + 1
    hessian = K * (K + 1) * E * (E + 1) / 2
    return hessian / (4 * K * E + 150 * K + 300) * rows / objective.source.rows


class _Models:
    """Curvature models of one fit; what does not change is built once."""

    def __init__(self, objective: Objective) -> None:
        self._whole = objective
        self._rng = np.random.default_rng(0)
        self._basis: curvature.Basis | None = None
        self._kronecker: curvature.KroneckerMetric | None = None

    def hessian_rows(self, objective: Objective) -> int:
        """Rows that a Hessian is taken over: all, where that is cheap, else a sample."""
        rows, size = objective.source.rows, objective.size
        affordable = int(rows * _CHEAP_HESSIAN / _hessian_price(objective, rows))
        room = max(objective.workspace // (16 * (objective.D + objective.K)), _LEAST_ROWS)
        wanted = max(affordable, _ROWS_A_PARAMETER * size, _LEAST_ROWS)
        return rows if wanted >= rows else min(wanted, room)

    def full(self, objective: Objective, damping: float) -> Metric:
        """The Hessian, over all rows or a sample, in float32 while that is precise enough."""
        rows = self.hessian_rows(objective)
        everything = rows >= objective.source.rows
        sample = None if everything else objective.draw(rows, self._rng)
        dtype = np.float64 if objective.size <= _SMALL_HESSIAN else np.float32
        return curvature.FullMetric(objective, sample, damping, dtype)

    def rough(self, objective: Objective, damping: float) -> Metric:
        """For L-BFGS: the diagonal where X is sparse or very wide."""
        if objective.source.sparse or objective.D > _WIDE:
            return curvature.DiagonalMetric(objective, damping)
        return self._dense(objective, damping)

    def _dense(self, objective: Objective, damping: float) -> Metric:
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

    def _kronecker_model(self, objective: Objective) -> Metric:
        if self._kronecker is None:
            rows = self._whole.rows_evenly(max(_METRIC_ROWS, 4 * objective.D))
            self._kronecker = curvature.kronecker_metric(objective, rows)
        else:
            self._kronecker.refresh(objective.class_curvature())
        return self._kronecker
