"""Each class's mean curvature times XᵀX: for dense X and many classes.

Follows Böhning's bound H ⪯ ½ (I − 1 1ᵀ/K) ⊗ XᵀX with ½ replaced by what is measured.
Source: Böhning 1992, "Multinomial logistic regression algorithm".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import scipy  # `scipy.linalg` is loaded when it is first used
from numpy.typing import NDArray

from pminusy.training.preconditioners.whitening import Whitened

if TYPE_CHECKING:
    from pminusy.training.objective import Objective

__all__ = ["KroneckerPreconditioner", "kronecker_preconditioner"]

Array = NDArray[Any]


class KroneckerPreconditioner:
    """Each class's mean curvature times XᵀX, plus the ridge: one eigen-decomposition serves all."""

    def __init__(self, objective: Objective, values: Array, Q: Array, d: Array) -> None:
        self._coordinates = objective.coordinates
        self.values, self.Q, self.d = values, Q, d
        self.refresh(objective.class_curvature())

    def refresh(self, curvature: Array) -> None:
        """Take new class curvatures."""
        c = np.maximum(curvature, 1e-2 * curvature.mean() + 1e-300)
        self._c = c
        self._inverse = (1.0 / (c[:, None] * self.values + 1.0)).astype(np.float32)

    def solve(self, vector: Array) -> Array:
        """Into the eigenbasis, divide, and back."""
        out = np.empty_like(vector)
        u, b = self._coordinates.split(vector)
        to_u, to_b = self._coordinates.split(out)
        g = (u * self.d).astype(np.float32)
        to_u[...] = (((g @ self.Q) * self._inverse) @ self.Q.T) * self.d
        to_b[...] = b / self._c if b.size else b
        return out


def kronecker_preconditioner(objective: Objective, X: Array) -> KroneckerPreconditioner:
    """The Kronecker model, from some rows of X in the coordinates of the solver."""
    c = float(objective.class_curvature().mean())
    white = Whitened(objective, c, 1e-4)
    Y = X * white.d.astype(np.float32)
    values, Q = scipy.linalg.eigh((Y.T @ Y) / np.float32(Y.shape[0]), check_finite=False)
    return KroneckerPreconditioner(objective, np.maximum(values, 0.0), Q, white.d)
