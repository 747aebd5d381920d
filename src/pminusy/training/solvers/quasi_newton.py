"""L-BFGS around a curvature model that is taken anew a few times.

Early steps change the curvature most, so the model is refreshed at iterations 1, 2, 4, 8 … or as
often as its price allows; the pairs of L-BFGS correct it in between.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pminusy.training.objective import Objective
from pminusy.training.preconditioners.protocol import Preconditioner
from pminusy.training.solvers.lbfgs_history import LbfgsHistory
from pminusy.training.solvers.line_search import line_search
from pminusy.training.solvers.solution import (
    Patience,
    Solution,
    Status,
    StoppingCriterion,
    TrainingLog,
)

__all__ = ["quasi_newton"]

Array = NDArray[Any]

# Share of what is left to gain that is added to the model's diagonal, in coordinates of size one:
# far from the optimum curvature changes along a step, and where there is none a step is endless.

_DAMPING = 0.03
# What is left to gain, relative to f, below which rounding of the arithmetic decides the steps.
_FLOOR = {np.dtype(np.float32): 1e-7, np.dtype(np.float64): 1e-27}
_ROUNDING = {np.dtype(np.float32): 1e-10, np.dtype(np.float64): 1e-15}


def quasi_newton(
    objective: Objective,
    vector: Array,
    preconditioner: Callable[[Objective, float], Preconditioner],
    *,
    criterion: StoppingCriterion,
    log: TrainingLog,
    refresh: Container[int] = (0, 1, 3, 7, 15, 31),
    quick: float = 0.0,
    enough: float = 0.0,
    lbfgs_history: LbfgsHistory | None = None,
    resize: bool = True,
    trial_above: float = math.inf,
    limit: float = math.inf,
) -> Solution:
    """Minimise.

    Parameters
    ----------
    objective
        What to minimise.
    vector
        Where to begin.
    preconditioner
        Builds the curvature model where the objective stands, with this much added to its
        diagonal.
    criterion
        When to stop.
    log
        Where progress is noted, with the limit on iterations.
    refresh
        Iterations at which the model is built anew.
    quick
        The model is left as it is while a step leaves less than this share of what was left.
    enough
        Also stop once a step promises less than this, relative to f.
    lbfgs_history
        LbfgsHistory to begin with, and to add to.
    resize
        Whether the size of the model is corrected by the newest pair.
    trial_above
        Steps that promise more than this, relative to f, are first tried on some of the rows.
    limit
        Iterations of the log at which to give up as stalled.
    """
    at = objective.evaluate(vector)
    if not log.history:
        log.note(objective, vector, at)
    lbfgs_history = LbfgsHistory(vector.size) if lbfgs_history is None else lbfgs_history
    model, failures, steps = None, 0, 0
    left = abs(at.value)  # what may still be gained; the promise of the last step, later
    patience = Patience(_ROUNDING[np.dtype(objective.dtype)])
    due, fast = False, False
    floor = max(enough, _FLOOR[np.dtype(objective.dtype)])
    while not criterion.reached(objective, at):
        if log.exhausted:
            return Solution(vector, at, Status(reached=False, stalled=False))
        if log.iterations >= limit:
            return Solution(vector, at, Status(reached=False, stalled=True))
        due = due or steps in refresh
        if model is None or (due and not fast):
            due = False
            model = preconditioner(objective, _DAMPING * left)
        direction = objective.project(lbfgs_history.direction(at.gradient, model, resize=resize))
        promised = -float(at.gradient @ direction)
        if promised <= floor * abs(at.value) and steps > 0:
            return Solution(vector, at, Status(reached=False, stalled=True))
        line = objective.search(vector, at, direction)
        sure = promised <= trial_above * abs(at.value)
        first = 1.0 if sure else objective.trial_step(vector, at, direction)
        step = line_search(line, first=first)
        if not step.good:
            failures += 1
            if failures > 2:
                return Solution(vector, at, Status(reached=False, stalled=True))
            lbfgs_history.clear()
            at, model = objective.evaluate(vector), None
            continue
        new, there = line.accept(step.step)
        lbfgs_history.add(new - vector, there.gradient - at.gradient)
        vector, at, steps = new, there, steps + 1
        fast = promised < quick * left
        left = min(promised, abs(there.value))
        log.note(objective, vector, at)
        if patience.over(objective.optimality(at.gradient), left, at.value):
            return Solution(vector, at, Status(reached=False, stalled=True))
    return Solution(vector, at, Status(reached=True, stalled=False))
