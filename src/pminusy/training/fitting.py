"""Which solver fits a problem, in which precision, and the certificate at the end.

Float32 data is solved with float32 arithmetic until that makes no more progress or says it is done;
what counts is said by float64 arithmetic, and where that disagrees the solver goes on in float64.
"""

from __future__ import annotations

import math
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pminusy.errors import InputError
from pminusy.kernels.runtime.blas import one_thread_each
from pminusy.training.dense.fit import fit_dense, fits_dense
from pminusy.training.dual.caller import bytes_of_dual, has_dual
from pminusy.training.methods import run
from pminusy.training.objective import Objective
from pminusy.training.penalised import Penalised, ValueAndGradient
from pminusy.training.preconditioners.choice import WIDE, Preconditioners
from pminusy.training.preconditioners.diagonal import DiagonalPreconditioner
from pminusy.training.solvers.dual_ascent import can_ascend, dual_ascent, dual_start
from pminusy.training.solvers.l1.proximal import proximal_newton
from pminusy.training.solvers.l1.sparse_penalty import SparsePenalty
from pminusy.training.solvers.lbfgs_history import LbfgsHistory
from pminusy.training.solvers.solution import (
    Solution,
    Status,
    StopFit,
    StoppingCriterion,
    TrainingLog,
)
from pminusy.training.starts import rough_start

__all__ = ["SOLVERS", "Certificate", "End", "Fit", "choose_solver", "minimise"]

Array = NDArray[Any]

End = Literal["reached", "iterations", "time", "interrupt", "rounding"]  # why a fit ended

SOLVERS = ("newton", "lbfgs", "newton-cg", "dual", "proximal")
_NEWTON, _LARGE_NEWTON = 2000, 4000  # parameters up to which a Hessian is affordable
_LIGHT = 1 << 23  # multiplications of a product that one thread does in a fraction of a millisecond
_TINY = 8192  # numbers of a matrix below which no BLAS starts threads
_MANY_ROWS = 20  # a parameter, for the second
_STRIDES = (64, 8)  # of the rows that a fit begins on where not all are in memory
_FEWEST = 64  # rows that tell anything
_ROUGH, _ROUGH_ITERATIONS = 1e-3, 60  # of the gradient at 0
_NEAR_START, _NEAR = 1e-3, 1e-7  # relative gaps: Newton's method goes on; in float64


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
    log: TrainingLog
    solver: str
    end: End


def choose_solver(objective: Objective, *, l1: bool) -> str:
    """The solver for a problem's size, sparsity and penalty."""
    if l1:
        return "proximal"
    source = objective.source
    size = source.classes * (source.features + 1)
    many_rows = not source.sparse and source.rows >= _MANY_ROWS * size
    if size <= (_LARGE_NEWTON if many_rows else _NEWTON):
        return "newton"
    light = source.rows * source.features * source.classes <= _LIGHT
    if light and fits_dense(source, objective.workspace):
        return "newton"  # by products, without a Hessian
    if can_ascend(objective):
        return "dual"
    if source.sparse or source.features > WIDE:
        return "newton-cg"
    return "lbfgs"


def minimise(
    objective: Objective,
    vector: Array,
    solver: str,
    *,
    criterion: StoppingCriterion,
    log: TrainingLog,
    lasso: float = 0.0,
    one_row: bool = False,
    keep_interrupted: bool = False,
    lbfgs_history: LbfgsHistory | None = None,
    compiler: bool = True,
) -> Fit:
    """Run a solver until the criterion is met, in float64 where float32 stops short of it.

    `lasso` is the strength of ‖W‖₁ in the mean objective, `one_row` whether the first of two
    classes has no weights. With `keep_interrupted` an interrupt ends the fit where it is.
    `lbfgs_history` is what L-BFGS knows at the start, and knows at the end. Without `compiler`
    small problems do without it: to load it takes longer than one of them.
    """
    precise: Penalised = objective
    interrupted = False
    with _alone(objective):
        try:
            if objective.source.held is not objective.source:
                _refuse_dual(solver)
                if not np.any(vector) and not log.exhausted:
                    vector = _on_held_rows(objective, vector, solver, log, lasso, one_row=one_row)
            if solver == "proximal":
                return _proximal(
                    objective.in_precision(np.float64),
                    vector, lasso, one_row, criterion, log, keep_interrupted=keep_interrupted,
                )  # fmt: skip
            precise, solution = _smooth(
                objective, vector, solver, criterion, log, lbfgs_history, compiler=compiler
            )
            vector, at = solution.vector, solution.at
        except KeyboardInterrupt as interrupt:
            if not keep_interrupted and not isinstance(interrupt, StopFit):
                raise
            interrupted = True
            vector = vector if log.best is None else log.best
            precise = objective.in_precision(np.float64)
            at = precise.evaluate(vector)
    certificate = certify(precise, at, criterion)
    end = _end(log, reached=certificate.reached, interrupted=interrupted)
    return Fit(vector, certificate, log, solver, end)


def _on_held_rows(
    objective: Objective,
    vector: Array,
    solver: str,
    log: TrainingLog,
    lasso: float,
    *,
    one_row: bool,
) -> Array:
    """A start from the rows in memory, where others cost a visit: some of them, then more."""
    for stride in _STRIDES:
        part = objective.on_sample(stride)
        if part.source.rows < _FEWEST or not part.mass > 0 or log.out_of_time:
            continue
        rough = TrainingLog(_ROUGH_ITERATIONS, deadline=log.deadline)
        at_zero = part.in_precision(np.float64).evaluate(np.zeros(part.size))
        tol = _ROUGH * part.optimality(at_zero.gradient)
        vector = minimise(
            part,
            vector,
            solver,
            criterion=StoppingCriterion(tol),
            log=rough,
            lasso=lasso,
            one_row=one_row,
        ).vector
        log.passes += rough.passes * part.source.rows / objective.source.rows
    return vector


def _alone(objective: Objective) -> AbstractContextManager[None]:
    """BLAS without threads; where no product is large enough for any, that costs nothing."""
    source = objective.source
    tiny = not source.sparse and source.rows * (source.features + 1) <= _TINY
    return nullcontext() if tiny else one_thread_each


def _end(log: TrainingLog, *, reached: bool, interrupted: bool) -> End:
    """Why a fit ended where it did."""
    if reached:
        return "reached"
    if interrupted:
        return "interrupt"
    if log.iterations >= log.max_iter:
        return "iterations"
    return "time" if log.out_of_time else "rounding"


def certify(
    objective: Penalised, at: ValueAndGradient, criterion: StoppingCriterion
) -> Certificate:
    """The certificate at a point where a float64 objective was evaluated."""
    optimality = objective.optimality(at.gradient)
    gap = objective.gap(at.gradient) / max(abs(at.value), np.finfo(float).tiny)
    return Certificate(at.value, optimality, gap, criterion.reached(objective, at))


def _smooth(
    objective: Objective,
    vector: Array,
    solver: str,
    criterion: StoppingCriterion,
    log: TrainingLog,
    lbfgs_history: LbfgsHistory | None,
    *,
    compiler: bool,
) -> tuple[Penalised, Solution]:
    """The float64 objective, and where the solver ended."""
    if solver == "dual":
        _require_dual(objective)
        precise, solution = _ascended(objective, vector, criterion, log)
        if solution.status.reached or log.exhausted:
            return precise, solution
        vector, solver = solution.vector, "newton-cg"
        if objective.gap_of_weights(solution.at.gradient) <= _NEAR * abs(solution.at.value):
            objective = objective.in_precision(np.float64)
    elif solver == "newton-cg" and not np.any(vector) and not log.exhausted:
        start = dual_start(objective, log)
        vector = vector if start is None else start
    source = objective.source
    if solver == "newton" and not log.exhausted and fits_dense(source, objective.workspace):
        return fit_dense(objective, source, vector, criterion, log, compiler=compiler)
    lbfgs_history = LbfgsHistory(objective.size) if lbfgs_history is None else lbfgs_history
    if objective.passes.small:
        objective = objective.in_precision(np.float64)
    preconditioners = Preconditioners(objective)
    classes_a_row = preconditioners.classes_a_row if solver == "lbfgs" else 0.0
    if classes_a_row:
        objective.select_in_passes(classes_a_row)
    if not np.any(vector):
        vector = rough_start(solver, objective, vector, preconditioners, log, lbfgs_history)
    solution = run(solver, objective, vector, preconditioners, criterion, log, lbfgs_history)
    if objective.dtype == np.float64:
        return objective, solution
    precise = objective.in_precision(np.float64)
    if classes_a_row:
        precise.select_in_passes(classes_a_row)
    at = precise.evaluate(solution.vector)
    if criterion.reached(precise, at) or log.exhausted:
        return precise, solution._replace(at=at)
    vector, left = solution.vector, solution.left
    return precise, run(
        solver, precise, vector, preconditioners, criterion, log, lbfgs_history, left
    )


def _refuse_dual(solver: str) -> None:
    if solver == "dual":
        raise InputError(
            "solver",
            'one that reads rows anew: "auto", "newton", "lbfgs", "newton-cg" or "proximal"',
            "'dual', which keeps a distribution for every row, and more rows than `memory` holds",
            "raise memory, or choose another solver",
        )


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
    objective: Objective, vector: Array, criterion: StoppingCriterion, log: TrainingLog
) -> tuple[Objective, Solution]:
    """Dual ascent, which starts from nothing, unless a start is near already."""
    precise = objective.in_precision(np.float64, workspace=0)
    if np.any(vector) or log.exhausted:
        at = precise.evaluate(vector)
        near = precise.gap_of_weights(at.gradient) <= _NEAR_START * abs(at.value)
        reached = criterion.reached(precise, at)
        if near or reached or log.exhausted:
            log.note(precise, vector, at)
            return precise, Solution(vector, at, Status(reached=reached, stalled=False))
    rough = objective.in_precision(objective.dtype, workspace=0)
    solution = dual_ascent(objective, rough, precise, criterion, log)
    if not solution.at.value <= math.log(objective.K):  # worse than nothing, or NaN
        vector = np.zeros(objective.size)
        solution = solution._replace(vector=vector, at=precise.evaluate(vector))
    return precise, solution


def _holds_hessian(objective: Objective) -> bool:
    """Whether the Hessian is small enough to be held, and worked with entry by entry."""
    source = objective.source
    if source.sparse and source.held is source:  # products with sparse rows cost next to nothing
        return False
    return objective.size <= (_NEWTON if source.sparse else _LARGE_NEWTON)


def _proximal(
    objective: Objective,
    vector: Array,
    lasso: float,
    one_row: bool,
    criterion: StoppingCriterion,
    log: TrainingLog,
    *,
    keep_interrupted: bool,
) -> Fit:
    penalty, interrupted = SparsePenalty(objective, lasso, one_row=one_row), False
    try:
        vector, at, reached = proximal_newton(
            objective,
            vector,
            penalty,
            DiagonalPreconditioner,
            tol=criterion.tol,
            log=log,
            hessian=Preconditioners(objective).hessian if _holds_hessian(objective) else None,
        )
    except KeyboardInterrupt as interrupt:
        if not keep_interrupted and not isinstance(interrupt, StopFit):
            raise
        interrupted, vector = True, vector if log.best is None else log.best
        at = objective.evaluate(vector)
        reached = penalty.optimality(vector, at.gradient) <= criterion.tol
    optimality = penalty.optimality(vector, at.gradient)
    total = at.value + penalty.value(vector)
    end = _end(log, reached=reached, interrupted=interrupted)
    return Fit(vector, Certificate(total, optimality, np.nan, reached), log, "proximal", end)
