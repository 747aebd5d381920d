"""Dual coordinate ascent: for sparse X, as long as a row is not too stiff beside the penalty.

An epoch costs what a gradient does and brings the gap down several times, where a conjugate
gradient step costs as much and needs dozens. Rows say of themselves how large the gap is; when
that has fallen enough, the objective is evaluated in float64, and that counts.

Sources: see `training.dual.specification`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pminusy.training.dual.caller import DualProblem, has_dual, stiffness
from pminusy.training.objective import Objective
from pminusy.training.solvers.solution import Solution, Status, StoppingCriterion, TrainingLog

__all__ = ["can_ascend", "dual_ascent", "dual_start"]

Array = NDArray[Any]

_STIFFEST = 6.0  # beyond, a single Newton step a visit goes too far
_START_STIFFNESS, _START_GAP, _START_EPOCHS = 4.0, 1e-2, 8
_FIRST_LOOK, _NEXT_LOOK = 1e-4, 1e-2  # gap, relative; share of it at the next look
_SLOW, _PATIENCE = 0.7, 3  # an epoch that leaves more of the gap is slow; how many may be


def can_ascend(objective: Objective) -> bool:
    """Whether ascent reaches an optimum in few epochs, and compiling it pays."""
    enough = has_dual(objective) and not objective.passes.small
    return enough and stiffness(objective) <= _STIFFEST


def dual_start(objective: Objective, log: TrainingLog) -> Array | None:
    """A point to start from: the solution, roughly, under a penalty that ascent can do."""
    if not has_dual(objective) or objective.passes.small:
        return None
    factor = max(1.0, stiffness(objective) / _START_STIFFNESS)
    if not np.isfinite(factor):
        return None
    dual = DualProblem(objective, objective.ridge * factor)
    for _ in range(_START_EPOCHS):
        gap = dual.epoch()
        log.passes += 1.0
        if not gap > _START_GAP * np.log(objective.K):
            break
    return None if np.isnan(gap) else dual.vector()


def dual_ascent(
    objective: Objective,
    rough: Objective,
    precise: Objective,
    criterion: StoppingCriterion,
    log: TrainingLog,
) -> Solution:
    """Minimise until `precise`, the same in float64, says the criterion is met.

    Otherwise until epochs bring nothing more: the end of what the arithmetic can do. An iteration
    is the epochs between two looks at the objective.
    `rough`, the same in the objective's own type, looks on the way; neither keeps logits.
    """
    dual, before, slow = DualProblem(objective), np.inf, 0
    if not log.history:
        log.best, log.start_noted = np.zeros(objective.size), False
    dual.epoch()
    log.passes += 1.0
    look, judge = _FIRST_LOOK * float(np.log(objective.K)), rough
    while True:
        gap = dual.epoch()
        log.passes += 1.0
        slow = 0 if gap <= _SLOW * before else slow + 1
        before = gap
        stalled = slow > _PATIENCE or bool(np.isnan(gap))
        if gap > look and not stalled and not log.out_of_time:
            continue
        judge = precise if stalled else judge
        vector = np.zeros(objective.size) if np.isnan(gap) else dual.vector()
        at = judge.evaluate(vector)
        log.note(judge, vector, at)
        reached = judge is precise and criterion.reached(precise, at)
        if reached or stalled or log.exhausted:
            at = at if judge is precise else precise.evaluate(vector)
            return Solution(vector, at, Status(reached=reached, stalled=stalled))
        share = criterion.share(judge, at)
        look = gap * min(max(share, _NEXT_LOOK), 0.5)
        judge = precise if share >= _NEXT_LOOK else rough
