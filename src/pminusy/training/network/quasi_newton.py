"""L-BFGS on all rows at once, by SciPy; the kernels sum the gradient over blocks of rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.optimize
from numpy.typing import NDArray

from pminusy.training.network.caller import Trainer
from pminusy.training.network.data import SGD
from pminusy.training.network.schedule import LearningRate, part_of, schedule_for

__all__ = ["BLOCK", "Objective", "Outcome", "minimise"]

Array = NDArray[Any]

BLOCK = 1024
"""Rows of a block."""


@dataclass(frozen=True)
class Outcome:
    """How L-BFGS ended."""

    loss: float
    iterations: int
    message: str
    converged: bool
    interrupted: bool = False


class Objective:
    """Mean loss of all rows with the penalty, and its gradient."""

    def __init__(self, trainer: Trainer, counted: Array) -> None:
        self._trainer, self._mass = trainer, float(counted.sum())
        rate = LearningRate(0.0, "constant", 0.0, SGD, 0.0)
        order = np.arange(counted.size)
        self._schedule = schedule_for(
            order, counted, trainer.layout, trainer.settings, rate, moves=False
        )
        self.best, self.best_loss = trainer.buffers.theta.copy(), np.inf
        self.iterations = 0

    def __call__(self, theta: Array) -> tuple[float, Array]:
        """Objective and gradient, in float64."""
        buffers, decayed = self._trainer.buffers, self._trainer.network.decayed
        buffers.theta[:] = theta
        for steps in self._trainer.stretches(self._schedule):
            self._trainer.run(part_of(self._schedule, steps))
        alpha = self._trainer.settings.alpha
        gradient = buffers.gradient.astype(np.float64)
        gradient[:decayed] += alpha * buffers.theta[:decayed]
        loss = self._schedule.losses.sum() + alpha / 2 * self._schedule.squares[0].sum()
        loss, gradient = float(loss) / self._mass, gradient / self._mass
        if loss < self.best_loss:
            self.best_loss = loss
            self.best[:] = buffers.theta
        return loss, gradient

    def count(self, _: Array) -> None:
        """An iteration is done."""
        self.iterations += 1


def minimise(
    trainer: Trainer, counted: Array, *, tol: float, max_iter: int, max_fun: int
) -> Outcome:
    """Minimise from the trainer's parameters, which become the best that were seen."""
    objective = Objective(trainer, counted)
    start = trainer.buffers.theta.astype(np.float64)
    try:
        found = scipy.optimize.minimize(
            objective, start, method="L-BFGS-B", jac=True, callback=objective.count,
            options={"maxfun": max_fun, "maxiter": max_iter, "gtol": tol},
        )  # fmt: skip
    except KeyboardInterrupt:
        trainer.buffers.theta[:] = objective.best
        done = objective.iterations
        return Outcome(objective.best_loss, done, "interrupted", False, interrupted=True)
    trainer.buffers.theta[:] = found.x
    iterations = min(int(found.nit), max_iter)
    return Outcome(float(found.fun), iterations, str(found.message), found.status == 0)
