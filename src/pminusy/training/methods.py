"""Each solver with the curvature model and the settings it is run with."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pminusy.training.objective import Objective
from pminusy.training.preconditioners.choice import Models
from pminusy.training.preconditioners.diagonal import DiagonalMetric
from pminusy.training.solvers.lbfgs_history import Pairs
from pminusy.training.solvers.newton import newton
from pminusy.training.solvers.newton_cg import newton_cg
from pminusy.training.solvers.quasi_newton import quasi_newton
from pminusy.training.solvers.solution import Goal, Journal, Solution

__all__ = ["run", "run_newton"]

Array = NDArray[Any]

_POLISH = 1e-3  # of the goal, for small problems
_SLOW = 400  # iterations after which L-BFGS is known to crawl
_REHEARSE = 1e-5  # of f: gains above which a step is first tried on some rows


def run(
    solver: str,
    objective: Objective,
    vector: Array,
    models: Models,
    goal: Goal,
    journal: Journal,
    pairs: Pairs,
    left: float = math.inf,
) -> Solution:
    """Minimise from a vector with one of the smooth solvers.

    `pairs` are those of L-BFGS, `left` is what may still be gained where that is known.
    """
    if solver == "newton":
        return run_newton(objective, vector, models, goal, journal, left=left)
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
        return newton_cg(objective, vector, DiagonalMetric, goal=goal, journal=journal)
    raise AssertionError(solver)


def run_newton(
    objective: Objective,
    vector: Array,
    models: Models,
    goal: Goal,
    journal: Journal,
    enough: float = 0.0,
    left: float = math.inf,
) -> Solution:
    """Newton's method; see `newton` for `enough` and `left`."""
    if objective.passes.small:  # a step more costs nothing, and the start leaves no trace
        goal = goal.tightened(_POLISH)
    rows = models.hessian_rows(objective)
    return newton(
        objective,
        vector,
        models.full,
        goal=goal,
        journal=journal,
        price=models.hessian_price(objective, rows),
        exact=rows >= objective.source.rows,
        enough=enough,
        left=left,
    )
