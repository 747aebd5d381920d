"""More features than rows: Newton's method over combinations of rows.

The ridge keeps the optimal weights in the span of the rows: W = A X_c, with X_c (N, D) centred.
With the Cholesky factor X_c X_cᵀ = L Lᵀ and U = A L, logits are U Lᵀ and ‖W‖² = ‖U‖², so this is
the same problem with N features, the rows of L, and the same ridge on each. What L rounds off moves
the optimum a little, so the end is judged over the features.

Source: Hastie & Tibshirani 2004, "Efficient quadratic regularization for expression arrays".
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pminusy.training.dense.lapack import dpotrf, dtrtrs
from pminusy.training.dense.objective import DenseObjective, DenseRows

__all__ = ["RowSpaceObjective", "suits_row_space"]

Array = NDArray[np.float64]

_FEWER = 0.7  # rows for a feature, below which the factor and what goes back and forth pay
_EPS = float(np.finfo(np.float64).eps)


def suits_row_space(objective: DenseObjective) -> bool:
    """Whether the weights have a ridge, and rows are fewer than features."""
    return objective.ridge > 0 and objective.rows.x.shape[1] <= _FEWER * objective.D


class _RowSpace(DenseRows):
    """Rows L (N, N) in the place of rows X_c (N, D), kept with them for the next value of C."""

    def __init__(self, rows: DenseRows) -> None:
        self.coordinates, self.classes, self.blocks = rows.coordinates, rows.classes, None
        D, N = rows.coordinates.D, rows.x.shape[1]
        self.features = rows.x[:D] * rows.coordinates.scale[:, None]  # X_cᵀ (D, N)
        gram = self.features.T @ self.features
        gram.reshape(-1)[:: N + 1] += 8 * N * _EPS * max(float(gram.diagonal().max()), 1e-300)
        self.factor, info = dpotrf(gram.T, lower=1)
        if info:
            raise FloatingPointError("the rows have no Cholesky factor: are there NaNs?")
        self.x = np.concatenate([self.factor.T, rows.x[D:]])


class RowSpaceObjective(DenseObjective):
    """f over combinations of rows; vectors and certificates are those of `features`.

    Parameters
    ----------
    features
        The objective over the features.
    """

    rows: _RowSpace

    def __init__(self, features: DenseObjective) -> None:
        super().__init__(features.rows, features.ridge, features.coordinates)
        rows = features.rows
        if rows.in_row_space is None:
            rows.in_row_space = _RowSpace(rows)
        self._features, self.rows = features, rows.in_row_space
        N = rows.x.shape[1]
        self.E = self.rows.x.shape[0]
        self.weight_penalty = np.zeros(self.E)
        self.weight_penalty[:N] = self.ridge
        self.sizes, self.centre = np.ones(self.E), np.zeros(self.E)
        self._N = N

    def differences(self, vector: Array) -> Array:
        """U of a vector, and the bias: the nearest in the span of the rows, with its logits."""
        V = self._features.differences(vector)
        logits = (V[:, : self.D] / self.coordinates.scale) @ self.rows.features
        return self._with_bias(dtrtrs(self.rows.factor, logits.T, lower=1)[0].T, V[:, self.D :])

    def vector_of(self, V: Array) -> Array:
        """The vector of U and the bias."""
        W = self._along_features(V) * self.coordinates.scale
        return self._features.vector_of(self._with_bias(W, V[:, self._N :]))

    def gradient_of(self, G: Array) -> Array:
        """The gradient in the vector."""
        return self._features.gradient_of(self._over_features(G))

    def largest_entry(self, G: Array) -> float:
        """Of the gradient in (W, b)."""
        return self._features.largest_entry(self._over_features(G))

    @property
    def over_features(self) -> tuple[Array, Array]:
        """Size and centre of what a gradient over features, not scaled, is made of."""
        centre = self._features.centre.copy()
        return np.ones(centre.size), centre

    def _over_features(self, G: Array) -> Array:
        along = self._along_features(G) / self.coordinates.scale
        return self._with_bias(along, G[:, self._N :])

    def _along_features(self, U: Array) -> Array:
        """U L⁻¹ X_c (K − 1, D)."""
        A = dtrtrs(self.rows.factor, U[:, : self._N].T, lower=1, trans=1)[0].T
        return np.asarray(A @ self.rows.features.T)

    @staticmethod
    def _with_bias(weights: Array, bias: Array) -> Array:
        return np.concatenate([weights, bias], axis=1)
