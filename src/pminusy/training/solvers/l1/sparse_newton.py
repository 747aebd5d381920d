"""Proximal Newton steps for f + Σ α |W| with the Hessian itself, where that can be held.

A step minimises the quadratic model of f with the absolute values as they are (`lasso`), so that
one step finds most of the weights that are 0. Damping keeps a step where the model can be believed:
where classes are nearly told apart, f bends far less than the absolute values suggest.

Source: Lee, Sun & Saunders 2014, "Proximal Newton-type methods".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pminusy.training.line import LineRestriction
from pminusy.training.objective import Objective
from pminusy.training.penalised import ValueAndGradient
from pminusy.training.solvers.l1.lasso import minimise_quadratic
from pminusy.training.solvers.solution import TrainingLog

if TYPE_CHECKING:
    from pminusy.training.solvers.l1.sparse_penalty import SparsePenalty

__all__ = ["sparse_newton"]

Array = NDArray[Any]

_DAMPING = 3e-3  # of f at the start; later of what the last step promised
_LEAST_DAMPING = 1e-14  # of the largest curvature
_FAR = 0.3  # share of a step after which the Hessian is taken anew
_SLOW = 0.5  # factor that a whole step should take off the gradient
_SUFFICIENT, _ROUNDING = 1e-4, 4e-16
_HALVINGS = 40
_STALLS = 4


def sparse_newton(
    objective: Objective,
    vector: Array,
    at: ValueAndGradient,
    penalty: SparsePenalty,
    hessian: Callable[[Objective, int], Array],
    *,
    tol: float,
    log: TrainingLog,
) -> tuple[Array, ValueAndGradient]:
    """Minimise f + penalty from a vector where the objective stands; where it came.

    Parameters
    ----------
    objective, vector, at
        f, where to begin, and f there.
    penalty
        Σ α |W|.
    hessian
        The Hessian (size, size) where the objective stands, of all rows or a sample, by how much
        effort is to be spent on it, from 0.
    tol
        Of `penalty.optimality`.
    log
        Where progress is noted, with the limits.
    """
    total = at.value + penalty.value(vector)
    first = penalty.optimality(vector, at.gradient)
    damping, moved, stalls, effort = _DAMPING * abs(total), 1.0, 0, 0
    H = np.empty((0, 0))
    while (optimality := penalty.optimality(vector, at.gradient)) > tol:
        if log.exhausted or stalls > _STALLS:
            break
        if moved >= _FAR or not H.size:
            H, moved = hessian(objective, effort), 0.0
        model = _damped(H, damping)
        share = min(0.1, optimality / first)
        target = minimise_quadratic(
            model, at.gradient, penalty.alpha, vector, penalty.active, share=share
        )
        direction = target - vector
        promised = -float(at.gradient @ direction) + penalty.value(vector) - penalty.value(target)
        line = objective.search(vector, at, direction)
        step = _backtrack(line, vector, direction, total, promised, penalty)
        if not step:  # a model that promises nothing, or what is promised is rounding
            stalls, damping, moved, effort = stalls + 1, 10 * damping, 1.0, effort + 1
            at = objective.evaluate(vector)
            continue
        vector, at = line.accept(step)
        value = at.value + penalty.value(vector)
        stalls = stalls + 1 if total - value <= _ROUNDING * abs(total) else 0
        damping, moved = _next_damping(damping, step, promised, total - value), moved + step
        total, before = value, optimality
        optimality = penalty.optimality(vector, at.gradient)
        log.note(objective, vector, ValueAndGradient(total, at.gradient), optimality)
        if step == 1 and optimality > _SLOW * before:  # a sample's Hessian, too coarse by now
            effort += 1
    return vector, at


def _damped(H: Array, damping: float) -> Array:
    model = H.copy()
    model[np.diag_indices_from(model)] += damping + _LEAST_DAMPING * H.diagonal().max() + 1e-300
    return model


def _backtrack(
    line: LineRestriction,
    vector: Array,
    direction: Array,
    total: float,
    promised: float,
    penalty: SparsePenalty,
) -> float:
    """The first of 1, ½, ¼ … that gains enough; 0 where none does.

    A promise is a difference of sums, and near the optimum no more than their rounding: whatever
    its sign there, the last step is taken if it loses nothing.
    """
    step, rounding = 1.0, _ROUNDING * abs(total)
    for _ in range(_HALVINGS if promised > -rounding else 0):
        value = line.at(step).value + penalty.value(vector + step * direction)
        if value <= total - _SUFFICIENT * step * promised + rounding:
            return step
        step *= 0.5
    return 0.0


def _next_damping(damping: float, step: float, promised: float, gained: float) -> float:
    """More after a short step, less after a whole one, least after one that kept its promise."""
    if step < 0.5:
        return damping * min(4 / step, 100.0)
    if step < 1:
        return damping
    if gained > 0.25 * promised:
        return min(damping / 10, _DAMPING * promised)
    return damping / 3
