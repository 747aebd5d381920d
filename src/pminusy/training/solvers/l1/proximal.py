"""Proximal Newton steps for f + Σ α |W|: with the Hessian where it can be held, else by products.

By products: at a point the coordinates that are not 0, or that the penalty does not hold at 0, are
free. A Newton step is taken in them by conjugate gradients; along it a coordinate that would change
its sign stops at 0. Where that gains nothing, a proximal gradient step is taken instead, which
always does; it also decides which coordinates become free.

Sources: Andrew & Gao 2007, "Scalable training of L1-regularized log-linear models" (signs kept);
Lee, Sun & Saunders 2014, "Proximal Newton-type methods"; Beck & Teboulle 2009 (the fallback).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pminusy.training.objective import Objective
from pminusy.training.penalised import ValueAndGradient
from pminusy.training.preconditioners.protocol import Preconditioner
from pminusy.training.solvers.l1.sparse_newton import sparse_newton
from pminusy.training.solvers.newton_cg import conjugate_gradients
from pminusy.training.solvers.solution import TrainingLog

if TYPE_CHECKING:
    from pminusy.training.preconditioners.diagonal import DiagonalPreconditioner
    from pminusy.training.solvers.l1.sparse_penalty import SparsePenalty

__all__ = ["proximal_newton"]

Array = NDArray[Any]

_SUFFICIENT = 1e-4
_ROUNDING = 4e-16
_DAMPING = 1e-2


class _Masked:
    """A preconditioner on the free coordinates."""

    def __init__(self, preconditioner: Preconditioner, free: Array) -> None:
        self._preconditioner, self._free = preconditioner, free

    def solve(self, vector: Array) -> Array:
        return np.asarray(np.where(self._free, self._preconditioner.solve(vector), 0.0))


def proximal_newton(
    objective: Objective,
    vector: Array,
    penalty: SparsePenalty,
    preconditioner: Callable[[Objective], DiagonalPreconditioner],
    *,
    tol: float,
    log: TrainingLog,
    hessian: Callable[[Objective, int], Array] | None = None,
) -> tuple[Array, ValueAndGradient, bool]:
    """Minimise f + penalty: the vector, f there, and whether `tol` was reached.

    `preconditioner` builds the Hessian's diagonal where the objective stands; `hessian` is that of
    `sparse_newton`, None where a matrix is too large.
    """
    vector = np.where(penalty.active, vector, 0.0)
    at = objective.evaluate(vector)
    total = at.value + penalty.value(vector)
    log.note(
        objective,
        vector,
        ValueAndGradient(total, at.gradient),
        penalty.optimality(vector, at.gradient),
    )
    if hessian is not None:
        vector, at = sparse_newton(objective, vector, at, penalty, hessian, tol=tol, log=log)
    else:
        vector, at = _by_products(objective, vector, at, penalty, preconditioner, tol=tol, log=log)
    vector = penalty.project(vector)
    return vector, at, penalty.optimality(vector, at.gradient) <= tol


def _by_products(
    objective: Objective,
    vector: Array,
    at: ValueAndGradient,
    penalty: SparsePenalty,
    build: Callable[[Objective], DiagonalPreconditioner],
    *,
    tol: float,
    log: TrainingLog,
) -> tuple[Array, ValueAndGradient]:
    """Minimise by Newton's steps in the free coordinates, a pass a product with the Hessian."""
    total = at.value + penalty.value(vector)
    first, stalls, curvature = math.nan, 0, 1.0
    while penalty.optimality(vector, at.gradient) > tol and not log.exhausted:
        slope = penalty.steepest(vector, at.gradient)
        preconditioner = build(objective)
        size = math.sqrt(float(slope @ preconditioner.solve(slope)))
        first = size if math.isnan(first) else first
        forcing = min(0.3, math.sqrt(size / first))
        free = (slope != 0) | ((vector != 0) & penalty.active)
        direction = _newton_direction(objective, slope, free, preconditioner, forcing)
        held = vector == 0
        direction[held & (direction * slope >= 0)] = 0.0
        found = _keep_signs(objective, vector, total, slope, direction, penalty)
        if found is None:
            found, curvature = _proximal_step(
                objective, vector, at, total, preconditioner, penalty, curvature
            )
        new, there, value = found
        gained = total - value
        stalls = stalls + 1 if gained <= _ROUNDING * abs(total) else 0
        vector, at, total = new, there, value
        log.note(
            objective,
            vector,
            ValueAndGradient(total, at.gradient),
            penalty.optimality(vector, at.gradient),
        )
        if stalls >= 5:
            break
    return vector, at


def _newton_direction(
    objective: Objective,
    slope: Array,
    free: Array,
    preconditioner: DiagonalPreconditioner,
    forcing: float,
) -> Array:
    """Newton's step in the free coordinates.

    The softmax is flat where all classes move together, and without ridge only |W| bends there: a
    share of the diagonal keeps such steps finite, and vanishes with the slope.
    """
    damping = _DAMPING * forcing

    def times(v: Array) -> Array:
        return np.asarray(
            np.where(free, objective.hessian_times(v) + damping * preconditioner.times(v), 0.0)
        )

    return conjugate_gradients(
        times, -slope, _Masked(preconditioner, free), forcing=forcing, limit=100
    )


def _keep_signs(
    objective: Objective,
    vector: Array,
    total: float,
    slope: Array,
    direction: Array,
    penalty: SparsePenalty,
) -> tuple[Array, ValueAndGradient, float] | None:
    """Backtrack along the direction, a sign that would change becoming 0; None if nothing gains."""
    signs = np.where(vector != 0, np.sign(vector), -np.sign(slope))
    signed = penalty.alpha > 0
    step = 1.0
    for _ in range(12):
        new = vector + step * direction
        new[signed & (new * signs < 0)] = 0.0
        at = objective.evaluate(new)
        value = at.value + penalty.value(new)
        gain = float(slope @ (new - vector))
        if gain < 0 and value <= total + _SUFFICIENT * gain + _ROUNDING * abs(total):
            return new, at, value
        step *= 0.35
    return None


def _proximal_step(
    objective: Objective,
    vector: Array,
    at: ValueAndGradient,
    total: float,
    preconditioner: DiagonalPreconditioner,
    penalty: SparsePenalty,
    curvature: float,
) -> tuple[tuple[Array, ValueAndGradient, float], float]:
    """One proximal gradient step, preconditioned by the diagonal, as long as it may be."""
    steps = preconditioner.solve(np.ones_like(vector))
    curvature = max(curvature * 0.5, 1e-3)
    for _ in range(60):
        scaled = steps / curvature
        new = penalty.shrink(vector - scaled * at.gradient, scaled)
        new[~penalty.active] = 0.0
        there = objective.evaluate(new)
        change = new - vector
        model = at.value + float(at.gradient @ change) + 0.5 * float(change @ (change / scaled))
        if there.value <= model + _ROUNDING * abs(total):
            break
        curvature *= 2.0
    return (new, there, there.value + penalty.value(new)), curvature
