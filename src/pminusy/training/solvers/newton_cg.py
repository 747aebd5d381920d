"""Newton's method by preconditioned conjugate gradients: for sparse and very wide X.

A Hessian-vector product is a pass from kept logits; how exactly a Newton step is solved follows how
far the gradient has fallen.

Source: Eisenstat & Walker 1996, "Choosing the forcing terms in an inexact Newton method".
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pminusy.training.objective import Objective
from pminusy.training.preconditioners.protocol import Preconditioner
from pminusy.training.solvers.line_search import line_search
from pminusy.training.solvers.solution import Solution, Status, StoppingCriterion, TrainingLog

__all__ = ["conjugate_gradients", "newton_cg"]

Array = NDArray[Any]

_LARGEST_FORCING = 0.3
_FLOOR = {np.dtype(np.float32): 1e-7, np.dtype(np.float64): 1e-27}


def newton_cg(
    objective: Objective,
    vector: Array,
    preconditioner: Callable[[Objective], Preconditioner],
    *,
    criterion: StoppingCriterion,
    log: TrainingLog,
) -> Solution:
    """Minimise; see `quasi_newton` for the parameters."""
    at = objective.evaluate(vector)
    if not log.history:
        log.note(objective, vector, at)
    floor, first, failures = _FLOOR[np.dtype(objective.dtype)], None, 0
    while not criterion.reached(objective, at):
        if log.exhausted:
            return Solution(vector, at, Status(reached=False, stalled=False))
        model = preconditioner(objective)
        size = math.sqrt(float(at.gradient @ model.solve(at.gradient)))
        first = size if first is None else first
        forcing = min(_LARGEST_FORCING, math.sqrt(size / first)) if first else 0.0
        direction = conjugate_gradients(
            objective.hessian_times,
            -at.gradient,
            model,
            forcing=forcing,
            limit=250,
            stop=lambda: log.out_of_time,
        )
        direction = objective.project(direction)
        promised = -float(at.gradient @ direction)
        line = objective.search(vector, at, direction)
        step = line_search(line)
        if not step.good:
            failures += 1
            if failures > 1:
                return Solution(vector, at, Status(reached=False, stalled=True))
            at = objective.evaluate(vector)
            continue
        vector, at = line.accept(step.step)
        log.note(objective, vector, at)
        if promised <= floor * abs(at.value) and not criterion.reached(objective, at):
            return Solution(vector, at, Status(reached=False, stalled=True))
    return Solution(vector, at, Status(reached=True, stalled=False))


def conjugate_gradients(
    times: Callable[[Array], Array],
    b: Array,
    preconditioner: Preconditioner,
    *,
    forcing: float,
    limit: int,
    stop: Callable[[], bool] | None = None,
) -> Array:
    """x with H x ≈ b, from 0, until the preconditioned residual has fallen by `forcing`.

    `limit` and `stop`, asked after every product, end it before: what there is, is a descent too.
    """
    x, r = np.zeros_like(b), b.copy()
    z = preconditioner.solve(r)
    p, rho = z.copy(), float(r @ z)
    target = forcing**2 * rho
    for _ in range(limit):
        if not rho > target:
            break
        Hp = times(p)
        curvature = float(p @ Hp)
        if not curvature > 1e-14 * rho:  # flat: rounding, or no penalty and no curvature
            return x if np.any(x) else z
        alpha = rho / curvature
        x += alpha * p
        r -= alpha * Hp
        z = preconditioner.solve(r)
        before, rho = rho, float(r @ z)
        p *= rho / before
        p += z
        if stop is not None and stop():
            break
    return x
