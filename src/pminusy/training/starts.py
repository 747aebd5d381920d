"""Where a fit from nothing had better begin: at a rough solution of an easier problem."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pminusy.training.methods import run, run_newton
from pminusy.training.objective import Objective
from pminusy.training.path import Path
from pminusy.training.preconditioners.choice import Preconditioners
from pminusy.training.solvers.lbfgs_history import LbfgsHistory
from pminusy.training.solvers.quasi_newton import quasi_newton
from pminusy.training.solvers.solution import StoppingCriterion, TrainingLog

__all__ = ["rough_start"]

Array = NDArray[Any]

_MANY_ROWS = 24_000  # from which L-BFGS begins on an eighth of them
_STRIDES = (32, 8)  # samples that Newton's method begins on
_ROUGH = 3e-2  # of f: gains below which a sample has told enough
_WEAK, _STRONG = 0.03, 0.1  # penalties beside the curvature of negligible classes
_STAGE, _STAGE_GAP = math.sqrt(10), 0.1


def rough_start(
    solver: str,
    objective: Objective,
    vector: Array,
    preconditioners: Preconditioners,
    log: TrainingLog,
    lbfgs_history: LbfgsHistory,
) -> Array:
    """A better vector than 0 for a solver, or the same."""
    if solver == "newton":
        return _on_samples(objective, vector, preconditioners, log)
    if solver == "lbfgs" and preconditioners.classes_a_row:
        return _from_stronger_penalty(objective, vector, log, lbfgs_history)
    if solver == "lbfgs" and objective.source.rows >= _MANY_ROWS:
        return _on_an_eighth(objective, vector, preconditioners, log)
    return vector


def _on_an_eighth(
    objective: Objective, vector: Array, preconditioners: Preconditioners, log: TrainingLog
) -> Array:
    """A rough solution on an eighth of the rows."""
    part = objective.sample(8)
    rough = TrainingLog(30, deadline=log.deadline)
    solution = quasi_newton(
        part,
        vector,
        preconditioners.rough,
        criterion=StoppingCriterion(0.0),
        log=rough,
        refresh=(0, 2, 6),
        enough=_ROUGH,
    )
    log.passes += part.visits / 8
    return solution.vector


def _on_samples(
    objective: Objective, vector: Array, preconditioners: Preconditioners, log: TrainingLog
) -> Array:
    """A rough solution on ever more of the rows, where Hessians over all are expensive."""
    rows = objective.source.rows
    if preconditioners.hessian_rows(objective) >= rows:
        return vector
    for stride in _STRIDES:
        if rows // stride >= 1.5 * objective.size:
            part, rough = objective.sample(stride), TrainingLog(60, deadline=log.deadline)
            vector = run_newton(
                part, vector, preconditioners, StoppingCriterion(0.0), rough, enough=_ROUGH
            ).vector
            log.passes += part.visits / stride
    return vector


def _from_stronger_penalty(
    objective: Objective, vector: Array, log: TrainingLog, lbfgs_history: LbfgsHistory
) -> Array:
    """Where to begin when the penalty is weak: near the solution of a stronger one, and so on.

    From nothing to weights so large, curvature changes many times over: steps would be short.
    """
    against = float(np.median(objective.penalty)) * objective.K  # the curvature at the start: 1 / K
    stages = math.ceil(math.log(_STRONG / against, _STAGE)) if 0 < against < _WEAK else 0
    path = Path(objective.size, lbfgs_history)
    for stage in range(stages, 0, -1):
        ridge = objective.ridge * _STAGE**stage
        easier = objective.with_ridge(ridge)
        path.turn_to(easier)
        start = path.start(1 / ridge)
        criterion = StoppingCriterion(0.0, _STAGE_GAP)
        solution = run(
            "lbfgs", easier, start, Preconditioners(easier), criterion, log, lbfgs_history
        )
        path.add(1 / ridge, solution.vector)
    if not stages:
        return vector
    path.turn_to(objective)
    return path.start(1 / objective.ridge)
