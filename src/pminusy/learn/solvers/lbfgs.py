"""L-BFGS, by SciPy, stopped by one thing only: the largest entry of the gradient.

Source: Byrd, Lu, Nocedal & Zhu 1995, "A limited memory algorithm for bound constrained
optimization".
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import OptimizeResult, minimize

from pminusy.learn.solvers.solution import Minimisable, Progress, ProgressCallback, Solution

__all__ = ["lbfgs"]

_MEMORY = 20  # pairs kept; more than SciPy's 10 pays on badly scaled tables and costs little


def lbfgs(
    objective: Minimisable,
    *,
    tol: float,
    max_iter: int,
    start: NDArray[np.float64] | None = None,
    progress: ProgressCallback | None = None,
) -> Solution:
    """Minimise an objective until no gradient entry is larger than `tol`.

    Parameters
    ----------
    objective
        What to minimise.
    tol
        Bound on the largest absolute entry of the gradient.
    max_iter
        Largest number of iterations.
    start
        First θ, 0 by default.
    progress
        Called after every iteration.

    Returns
    -------
    Solution
        `converged` only if the gradient at the returned θ is within `tol`.
    """
    evaluations = _Evaluations(objective)
    theta = np.zeros(objective.size) if start is None else start
    history = [evaluations.progress(0, theta)]

    def record(intermediate_result: OptimizeResult) -> None:
        history.append(evaluations.progress(len(history), np.asarray(intermediate_result.x)))
        if progress is not None:
            progress(history[-1])

    result = minimize(
        evaluations,
        theta,
        jac=True,
        method="L-BFGS-B",
        callback=record,
        options={
            "maxcor": _MEMORY,
            "gtol": tol,
            "ftol": 0.0,  # a small step is not a certificate
            "maxiter": max_iter,
            "maxfun": 20 * max_iter,
        },
    )
    theta = np.asarray(result.x)
    end = evaluations.progress(len(history) - 1, theta)
    return Solution(theta, (*history[:-1], end), end.optimality <= tol)


class _Evaluations:
    """An objective that remembers its last evaluation: SciPy keeps gradients from callbacks."""

    def __init__(self, objective: Minimisable) -> None:
        self._objective = objective
        self._theta: NDArray[np.float64] | None = None
        self._found = (0.0, np.empty(0))

    def __call__(self, theta: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        if self._theta is None or not np.array_equal(theta, self._theta):
            self._found = self._objective.value_and_gradient(theta)
            self._theta = theta.copy()
        return self._found

    def progress(self, iteration: int, theta: NDArray[np.float64]) -> Progress:
        value, gradient = self(theta)
        return Progress(iteration, value, float(np.abs(gradient).max(initial=0.0)))
