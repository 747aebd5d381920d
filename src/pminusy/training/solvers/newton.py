"""Newton's method with the Hessian itself, for few parameters.

Where the Hessian over all rows costs a few passes it is built at every step. Where it costs more,
the Hessian over a sample of rows preconditions conjugate gradients, whose products are passes and
see all rows; it is built anew once it leaves so many products to do that a new one pays.

Far from the optimum a multiple of what is left to gain is added to the diagonal, in coordinates of
size one: more after a step that had to be cut short, less after a whole one. Where rows have next
to no curvature, as those of a class that is nearly told apart, steps would be endless without it.

Source: the damping by what is left follows Li, Fukushima, Qi & Yamashita 2004, "Regularized Newton
methods for convex minimization problems with singular solutions"; the number of products follows
Eisenstat & Walker 1996, "Choosing the forcing terms in an inexact Newton method".
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
from pminusy.training.solvers.newton_cg import conjugate_gradients
from pminusy.training.solvers.solution import (
    Patience,
    Solution,
    Status,
    StoppingCriterion,
    TrainingLog,
)

__all__ = [
    "CAUTION",
    "DAMPING",
    "FLOOR",
    "LARGEST_FORCING",
    "LEAST_CAUTION",
    "MOST_CAUTION",
    "PRODUCTS",
    "ROUNDING",
    "Damping",
    "Spent",
    "forcing",
    "newton",
]

Array = NDArray[Any]

DAMPING = 0.003
CAUTION = 10.0  # factor of more and of less damping
LEAST_CAUTION, MOST_CAUTION = 1e-4, 1e4
LARGEST_FORCING = 0.3
PRODUCTS = 60  # of one step, at most
# Relative to f: a promise below is rounding, and what is left to gain where rounding decides.
FLOOR = {np.dtype(np.float32): 1e-7, np.dtype(np.float64): 1e-27}
ROUNDING = {np.dtype(np.float32): 1e-7, np.dtype(np.float64): 1e-15}
_FAILURES = 2
_WASTE = 0.5  # of the price of a model


def newton(
    objective: Objective,
    vector: Array,
    preconditioner: Callable[[Objective, float], Preconditioner],
    *,
    criterion: StoppingCriterion,
    log: TrainingLog,
    price: float,
    exact: bool,
    solved: bool = False,
    enough: float = 0.0,
    left: float = math.inf,
) -> Solution:
    """Minimise.

    Parameters
    ----------
    objective
        What to minimise.
    vector
        Where to begin.
    preconditioner
        Builds the Hessian, or that of a sample, where the objective stands, with this much added to
        its diagonal.
    criterion
        When to stop.
    log
        Where progress is noted, with the limit on iterations.
    price
        Passes that building the Hessian costs.
    exact
        Whether it is over all rows, and built at every step.
    solved
        Whether a solution with it is the step, without products.
    enough
        Also stop once a step promises less than this, relative to f.
    left
        What may still be gained, where that is known.
    """
    at = objective.evaluate(vector)
    if not log.history:
        log.note(objective, vector, at)
    patience, failures, first = Patience(ROUNDING[np.dtype(objective.dtype)]), 0, 0.0
    floor = max(enough, FLOOR[np.dtype(objective.dtype)])
    left, damping = min(left, abs(at.value)), Damping()  # later, the promise of the last step
    model, spent = None, Spent(price)
    while not criterion.reached(objective, at):
        if log.exhausted:
            return Solution(vector, at, Status(reached=False, stalled=False), left)
        damped = damping.of(left)
        if model is None or exact or spent.too_much:
            model = preconditioner(objective, damped)
            spent.begin()
        direction = -model.solve(at.gradient)
        if not solved:
            size = math.sqrt(max(-float(at.gradient @ direction), 0.0))
            first = first or size
            times = _Damped(objective, damped)
            direction = conjugate_gradients(
                times, -at.gradient, model, forcing=forcing(size, first), limit=PRODUCTS
            )
            spent.add(times.count)
        direction = objective.project(direction)
        promised = -float(at.gradient @ direction)
        if promised <= floor * abs(at.value):
            return Solution(vector, at, Status(reached=False, stalled=True), left)
        line = objective.search(vector, at, direction)
        step = line_search(line)
        if not step.good:
            failures += 1
            if failures > _FAILURES:
                return Solution(vector, at, Status(reached=False, stalled=True), left)
            at, model = objective.evaluate(vector), None
            damping.more()
            continue
        vector, at = line.accept(step.step)
        log.note(objective, vector, at)
        left = min(promised, abs(at.value))
        damping.after(step.step)
        if patience.over(objective.optimality(at.gradient), left, at.value):
            return Solution(vector, at, Status(reached=False, stalled=True), left)
    return Solution(vector, at, Status(reached=True, stalled=False))


def forcing(size: float, first: float) -> float:
    """How exactly a step is solved, by the length of a rough one beside that of the first."""
    return min(LARGEST_FORCING, math.sqrt(size / first)) if first else 0.0


class Damping:
    """What is added to the Hessian's diagonal, for what is left to gain."""

    def __init__(self) -> None:
        self._caution = 1.0

    def of(self, left: float) -> float:
        """The damping of the next step."""
        return DAMPING * self._caution * left

    def after(self, step: float) -> None:
        """More after a step that was cut short, less after a whole one."""
        if step < 0.5:
            self.more()
        elif step >= 1:
            self._caution = max(self._caution / CAUTION, LEAST_CAUTION)

    def more(self) -> None:
        """Steps were too long."""
        self._caution = min(CAUTION * self._caution, MOST_CAUTION)


class _Damped:
    """Products with the Hessian plus a multiple of 1, counted."""

    def __init__(self, objective: Objective, damping: float) -> None:
        self._objective, self._damping = objective, damping
        self.count = 0

    def __call__(self, v: Array) -> Array:
        self.count += 1
        return self._objective.hessian_times(v) + self._damping * v


class Spent:
    """Products of conjugate gradients beyond those of the first step with the same model.

    Once they have cost half of what a new model does, one is due: products saved later pay the
    rest.

    Parameters
    ----------
    price
        Passes that a model costs.
    """

    def __init__(self, price: float) -> None:
        self._price = price
        self.begin()

    def begin(self) -> None:
        """A model is new."""
        self._first: int | None = None
        self._beyond = 0

    @property
    def too_much(self) -> bool:
        """Whether a new model is due."""
        return self._beyond > _WASTE * self._price

    def add(self, products: int) -> None:
        """Note the products of a step."""
        self._first = products if self._first is None else self._first
        self._beyond += max(products - self._first, 0)
