"""Each solver with the curvature model and the settings it is run with."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pminusy.training.objective import Objective
from pminusy.training.preconditioners.choice import Preconditioners
from pminusy.training.preconditioners.diagonal import DiagonalPreconditioner
from pminusy.training.solvers.lbfgs_history import LbfgsHistory
from pminusy.training.solvers.newton import newton
from pminusy.training.solvers.newton_cg import newton_cg
from pminusy.training.solvers.quasi_newton import quasi_newton
from pminusy.training.solvers.solution import Solution, StoppingCriterion, TrainingLog

__all__ = ["run", "run_newton"]

Array = NDArray[Any]

_POLISH = 1e-3  # of the criterion, for small problems
_SLOW = 400  # iterations after which L-BFGS is known to crawl
_TRIAL_ABOVE = 1e-5  # of f: gains above which a step is first tried on some rows


def run(
    solver: str,
    objective: Objective,
    vector: Array,
    preconditioners: Preconditioners,
    criterion: StoppingCriterion,
    log: TrainingLog,
    lbfgs_history: LbfgsHistory,
    left: float = math.inf,
) -> Solution:
    """Minimise from a vector with one of the smooth solvers.

    `lbfgs_history` holds the pairs of L-BFGS; `left` is what may still be gained, where known.
    """
    if solver == "newton":
        return run_newton(objective, vector, preconditioners, criterion, log, left=left)
    if solver == "lbfgs" and preconditioners.classes_a_row:
        return quasi_newton(
            objective,
            vector,
            preconditioners.non_negligible,
            criterion=criterion,
            log=log,
            refresh=range(log.max_iter),
            quick=0.3,
            lbfgs_history=lbfgs_history,
            resize=False,
            trial_above=_TRIAL_ABOVE,
        )
    if solver == "lbfgs":
        solution = quasi_newton(
            objective,
            vector,
            preconditioners.rough,
            criterion=criterion,
            log=log,
            refresh=(0, 3, 9, 20, 50, 100),
            lbfgs_history=lbfgs_history,
            limit=_SLOW,
        )
        stalled = solution.status.stalled and objective.dtype == np.float64
        if not stalled or log.exhausted:
            return solution
        vector, solver = solution.vector, "newton-cg"  # whose curvature is never a sample's
    if solver == "newton-cg":
        return newton_cg(objective, vector, DiagonalPreconditioner, criterion=criterion, log=log)
    raise AssertionError(solver)


def run_newton(
    objective: Objective,
    vector: Array,
    preconditioners: Preconditioners,
    criterion: StoppingCriterion,
    log: TrainingLog,
    enough: float = 0.0,
    left: float = math.inf,
) -> Solution:
    """Newton's method; see `newton` for `enough` and `left`."""
    if objective.passes.small:  # a step more costs nothing, and the start leaves no trace
        criterion = criterion.tightened(_POLISH)
    rows = preconditioners.hessian_rows(objective)
    exact = rows >= objective.source.rows
    return newton(
        objective,
        vector,
        preconditioners.full,
        criterion=criterion,
        log=log,
        price=preconditioners.hessian_price(objective, rows),
        exact=exact,
        # where rows are read anew, a product costs as much as a Hessian
        solved=exact and objective.source.held is not objective.source,
        enough=enough,
        left=left,
    )
