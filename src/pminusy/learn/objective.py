"""What training minimises: f(W, b) = (1 / Σ_i ω_i) Σ_i ω_i L_i + (λ / 2) ‖W‖², and its gradient.

λ = 1 / (C Σ_i ω_i): the optimum is scikit-learn's, of C Σ_i ω_i L_i + ½ ‖W‖². The bias is not
penalised. Parameters travel as one flat vector θ, W row by row and then b, because that is what a
solver sees; it never sees softmax.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pminusy import ops
from pminusy.learn.sources import Source

__all__ = ["Objective", "Parameters"]

Vector = NDArray[np.float64]


class Parameters(NamedTuple):
    """Weights (K, D) and bias (K,), or None for no bias."""

    W: NDArray[Any]
    b: NDArray[Any] | None


class Objective:
    """Penalised mean cross-entropy over a source of blocks.

    Parameters
    ----------
    source
        Where the rows come from.
    classes
        Number of classes K.
    C
        Inverse strength of the ridge penalty; `inf` for none.
    fit_intercept
        Whether there is a bias.
    """

    def __init__(self, source: Source, classes: int, *, C: float = 1.0, fit_intercept: bool = True):
        self.source, self.K, self.D = source, classes, source.features
        self.fit_intercept = fit_intercept
        self.penalty = 1.0 / (C * source.total_weight)

    @property
    def size(self) -> int:
        """Length of θ."""
        return self.K * (self.D + int(self.fit_intercept))

    def parameters(self, theta: Vector) -> Parameters:
        """View of θ as weights and bias."""
        W = theta[: self.K * self.D].reshape(self.K, self.D)
        return Parameters(W, theta[self.K * self.D :] if self.fit_intercept else None)

    def value_and_gradient(self, theta: Vector) -> tuple[float, Vector]:
        """f(θ) and ∇f(θ), in one pass over the source."""
        W, b = self.parameters(theta)
        total, gradient = 0.0, np.zeros_like(theta)
        grad_W, grad_b = self.parameters(gradient)
        for X, y, weight in self.source.blocks():
            block = ops.linear_cross_entropy_grad(
                X, W, b, y, wrt=("W", "b"), sample_weight=weight, reduction="sum"
            )
            total += float(block.loss)
            grad_W += block.dL_dW
            if grad_b is not None:
                grad_b += block.dL_db
        gradient /= self.source.total_weight
        grad_W += self.penalty * W
        value = total / self.source.total_weight + 0.5 * self.penalty * float(np.vdot(W, W))
        return value, gradient
