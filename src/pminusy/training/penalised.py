"""What all objectives share: a ridge penalty on scaled weights, and what a gradient says by it.

The certificate of a point is made here: the largest entry of the gradient in (W, b), and how far f
can be above its minimum.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pminusy.training.coordinates import Coordinates

__all__ = ["LinePoint", "Penalised", "ValueAndGradient"]

Array = NDArray[Any]


class ValueAndGradient(NamedTuple):
    """Value and gradient at a point."""

    value: float
    gradient: Array


class LinePoint(NamedTuple):
    """Value, slope and curvature at a step along a line; NaN curvature where it was not taken."""

    step: float
    value: float
    slope: float
    curvature: float


class Penalised(ABC):
    """What a solver of smooth problems is given: f with (λ / 2) ‖W‖² in it, of K classes.

    Parameters
    ----------
    ridge
        λ, not negative.
    coordinates
        Between the solver's vector and (W, b).
    """

    dtype: type[np.floating[Any]]  # of the arithmetic

    def __init__(self, ridge: float, coordinates: Coordinates) -> None:
        self.coordinates = coordinates
        self.K, self.D = coordinates.K, coordinates.D
        self._asked: tuple[Array, float] | None = None  # a gradient and its largest entry
        self._set_ridge(ridge)

    @property
    def size(self) -> int:
        """Length of the vector."""
        return self.coordinates.size

    def _set_ridge(self, ridge: float) -> None:
        self.ridge = ridge
        self.penalty = ridge / self.coordinates.scale**2  # (D,): of the squares of u
        self.curvature_of_penalty = (
            self.penalty[:, None] if self.coordinates.features_first else self.penalty
        )

    def penalty_diagonal(self) -> Array:
        """Diagonal of the penalty's Hessian: λ for every weight in the vector, 0 for a bias."""
        out = np.zeros(self.size)
        self.coordinates.split(out)[0][...] = self.curvature_of_penalty
        return out

    def project(self, vector: Array) -> Array:
        """Remove the mean over classes: the softmax does not see it, and at the optimum it is 0."""
        u, b = self.coordinates.split(vector)
        axis = 1 if self.coordinates.features_first else 0
        u -= u.mean(axis=axis, keepdims=True)
        if b.size:
            b -= b.mean()
        return vector

    def optimality(self, gradient: Array) -> float:
        """Largest absolute entry of the gradient in (W, b); known for the last one asked about."""
        if self._asked is None or self._asked[0] is not gradient:
            W, b = self.coordinates.gradient_in_parameters(gradient)
            self._asked = gradient, float(max(_largest(W), _largest(b)))
        return self._asked[1]

    def gap_of_weights(self, gradient: Array) -> float:
        """‖∇_W f‖² / (2 λ): how far f can be above its minimum once the bias is solved."""
        if self.ridge <= 0:
            return np.nan
        W, _ = self.coordinates.gradient_in_parameters(gradient)
        return float(np.vdot(W, W)) / (2 * self.ridge)

    def gap(self, gradient: Array) -> float:
        """`gap_of_weights`, and what solving the bias may still gain: Σ g_b² / curvature.

        The first is a bound by duality; the second is a quadratic model where the objective stands.
        """
        gap = self.gap_of_weights(gradient)
        _, b = self.coordinates.split(gradient)
        if np.isnan(gap) or not b.any():
            return gap
        c = self.class_curvature()
        return gap + float(np.sum(b * b / np.maximum(c, 1e-12 * c.max(initial=1e-300))))

    def parameters(self, vector: Array) -> tuple[Array, Array | None]:
        """W (K, D) and b (K,), float64."""
        return self.coordinates.to_parameters(vector)

    @property
    @abstractmethod
    def visits(self) -> float:
        """Visits to X so far."""

    @property
    def counter(self) -> Any:
        """Who counts the visits: objectives may share it."""
        return self

    @abstractmethod
    def evaluate(self, vector: Array) -> ValueAndGradient:
        """f and its gradient at a point; the objective stands there afterwards."""

    @abstractmethod
    def class_curvature(self) -> Array:
        """(1 / M) Σ S p_k (1 − p_k), for each class, where the objective stands."""


def _largest(a: Array) -> Any:
    """Largest absolute entry, without an array of them; NaN if there is one."""
    return np.maximum(a.max(initial=0.0), -a.min(initial=0.0))
