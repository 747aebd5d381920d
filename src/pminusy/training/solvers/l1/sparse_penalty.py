"""The L1 penalty of the weights, as proximal solvers see it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pminusy.training.objective import Objective
from pminusy.training.solvers.l1.lasso import steepest

__all__ = ["SparsePenalty"]

Array = NDArray[Any]


class SparsePenalty:
    """Σ α_i |u_i| over the weights, and which coordinates take part.

    Parameters
    ----------
    objective
        The smooth part.
    strength
        Of |W|, in the mean objective.
    one_row
        Two classes with one row of weights, as scikit-learn has them: the first stays 0.
    """

    def __init__(self, objective: Objective, strength: float, *, one_row: bool) -> None:
        coordinates = objective.coordinates
        self.alpha = np.zeros(objective.size)
        u, _ = coordinates.split(self.alpha)
        scale = coordinates.scale[:, None] if coordinates.features_first else coordinates.scale
        u[...] = strength / scale
        self.active = np.ones(objective.size, bool)
        if one_row:
            u, b = coordinates.split(self.active)
            u[(slice(None), 0) if coordinates.features_first else 0] = False
            b[:1] = False
        self._objective = objective

    def value(self, vector: Array) -> float:
        """Σ α |u|."""
        return float(self.alpha @ np.abs(vector))

    def steepest(self, vector: Array, gradient: Array) -> Array:
        """The subgradient of least norm."""
        return steepest(vector, gradient, self.alpha, self.active)

    def shrink(self, vector: Array, steps: Array | float) -> Array:
        """Move every coordinate towards 0 by its penalty times its step."""
        return np.asarray(np.sign(vector) * np.maximum(np.abs(vector) - self.alpha * steps, 0.0))

    def project(self, vector: Array) -> Array:
        """The equal point that is taken: adding one number to every bias changes nothing."""
        _, b = self._objective.parameters(vector)
        if b is not None and self.active.all():
            self._objective.coordinates.split(vector)[1][...] -= b.mean()
        return vector

    def optimality(self, vector: Array, gradient: Array) -> float:
        """Largest entry of the least subgradient in (W, b)."""
        return self._objective.optimality(self.steepest(vector, gradient))
