"""Models of the Hessian of a dense problem: at the start, class by class, or the Hessian itself.

    shared    where all classes are equally likely it is (I − 1 1ᵀ / K) ⊗ A: one factor for all
    classes   its diagonal blocks, a factor for every class
    whole     the Hessian against the first class: (K − 1) E parameters

All solve for vectors whose mean over classes is 0, and their solutions have mean 0. Each is given
the rows x (E, N) in the type of its sums.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dpotrf, dpotri, dpotrs

from pminusy.training.dense.objective import DenseObjective

__all__ = ["ClassBlocks", "SharedBlock", "WholeHessian"]

Array = NDArray[Any]

_INVERTED = 128  # features up to which one product for all classes is quicker than their solves
_EXPONENTS = (-14, -12, -10, -8, -7, -6, -4, -2, 0, 2)


class SharedBlock:
    """The Hessian at weights 0: all classes have p = 1 / K."""

    def __init__(self, objective: DenseObjective, damping: float, x: Array) -> None:
        self._objective = objective
        A = _gram(x, objective.rows.classes.S / (objective.K * objective.mass))
        self._factor = _factor(A, objective.weight_penalty + damping, x)

    def solve(self, vector: Array) -> Array:
        """Each class by the same factor."""
        objective = self._objective
        return objective.vector_of(_solve(self._factor, objective.classes_of(vector).T).T)


class ClassBlocks:
    """Σ S p_k (1 − p_k) x xᵀ of every class, where the objective stands or where it last was.

    The rows keep the sums: at the next value of C they are nearly the same, but for the penalty.
    """

    def __init__(
        self, objective: DenseObjective, damping: float, x: Array, *, kept: bool = False
    ) -> None:
        self._objective = objective
        if not kept or objective.rows.blocks is None:
            S = objective.rows.classes.S / objective.mass
            objective.rows.blocks = [_gram(x, S * p * (1 - p)) for p in objective.p]
        penalty = objective.weight_penalty + damping
        factors = [_factor(H.copy(), penalty, x) for H in objective.rows.blocks]
        self._factors = factors
        self._inverses = (
            np.array([_inverse(f) for f in factors]) if objective.E <= _INVERTED else None
        )

    def solve(self, vector: Array) -> Array:
        """Each class by its own factor, less the mean over classes."""
        objective = self._objective
        rows = objective.classes_of(vector)
        if self._inverses is not None:
            solved = np.matmul(self._inverses, rows[:, :, None])[:, :, 0]
        else:
            solved = np.array([_solve(f, g) for f, g in zip(self._factors, rows, strict=True)])
        return objective.vector_of(solved - solved.mean(axis=0))


class WholeHessian:
    """All classes coupled, in the differences from the first."""

    def __init__(self, objective: DenseObjective, damping: float, x: Array) -> None:
        self._objective = objective
        K, E = objective.K, objective.E
        S, p = objective.rows.classes.S / objective.mass, objective.p
        H = np.empty((K - 1, E, K - 1, E))
        share = objective.weight_penalty / K
        for k in range(1, K):
            H[k - 1, :, k - 1, :] = _gram(x, S * p[k] * (1 - p[k]))
            for m in range(k + 1, K):
                block = -_gram(x, S * p[k] * p[m])
                block[np.diag_indices(E)] -= share
                H[k - 1, :, m - 1, :] = H[m - 1, :, k - 1, :] = block
        ridge = objective.weight_penalty - share + damping
        self._factor = _factor(H.reshape((K - 1) * E, (K - 1) * E), np.tile(ridge, K - 1), x)

    def solve(self, vector: Array) -> Array:
        """Two triangular solves."""
        objective = self._objective
        K, E = objective.K, objective.E
        G = np.zeros((K, E))
        G[1:] = _solve(self._factor, objective.classes_of(vector)[1:].ravel()).reshape(K - 1, E)
        return objective.vector_of(G - G.sum(axis=0) / K)


def _gram(x: Array, weight: Array) -> Array:
    """Σ w x xᵀ (E, E): one symmetric product, in the type of x; the sum in float64."""
    rows = x * np.sqrt(weight).astype(x.dtype, copy=False)
    return np.asarray(rows @ rows.T, np.float64)


def _factor(H: Array, ridge: Array, x: Array) -> Array:
    """Cholesky factor of H plus a diagonal, and of no more than rounding asks for beyond that."""
    spread = max(float(H.diagonal().max(initial=0.0)), 1e-300)
    diagonal = H.diagonal() + ridge
    for exponent in _EXPONENTS:
        if 10.0**exponent < np.finfo(x.dtype).eps / 4:
            continue
        np.fill_diagonal(H, diagonal + 10.0**exponent * (spread + diagonal))
        factor, info = dpotrf(H, lower=1)
        if info == 0:
            return np.asarray(factor)
    raise FloatingPointError("the Hessian has no Cholesky factor: are there NaNs?")


def _inverse(factor: Array) -> Array:
    lower = np.tril(dpotri(factor, lower=1)[0])
    return np.asarray(lower + np.tril(lower, -1).T)


def _solve(factor: Array, right: Array) -> Array:
    return np.asarray(dpotrs(factor, right, lower=1)[0])
