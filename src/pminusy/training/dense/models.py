"""Models of the Hessian of a dense problem, from next to nothing to the Hessian itself.

    diagonals its diagonal
    shared    where all classes are equally likely it is (I − 1 1ᵀ / K) ⊗ A: one factor for all
    classes   its diagonal blocks, a factor for every class
    whole     the Hessian against the first class: (K − 1) E parameters

All solve for a gradient G (K − 1, E), and give a step in V. Each is given the rows x (E, N) in the
type of its sums, and a damping of the squares of all weights.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pminusy.training.dense.lapack import dpotrf, dpotri, dpotrs
from pminusy.training.dense.objective import DenseObjective, DenseRows, product

__all__ = ["ClassBlocks", "Diagonals", "SharedBlock", "WholeHessian"]

Array = NDArray[Any]

_INVERTED = 128  # features up to which one product for all classes is quicker than their solves
_SYMMETRIC = 48  # features from which BLAS is quicker where a product is symmetric
_EXPONENTS = (-14, -12, -10, -8, -7, -6, -4, -2, 0, 2)


class Diagonals:
    """Diagonals of its diagonal blocks: one product of squares, so they can follow every step."""

    def __init__(self, objective: DenseObjective, damping: float) -> None:
        S, p = objective.rows.classes.S, objective.stands.outcome.p
        penalty = objective.weight_penalty / (2 if objective.K == 2 else 1) + damping
        spread = (S * p * (1 - p)).astype(np.float32)
        self._inverse = 1.0 / (product(spread, objective.rows.single_squares) + penalty)

    def solve(self, G: Array) -> Array:
        """Each class by its own, less the first; two classes are one row."""
        if len(G) == 1:
            return np.asarray(self._inverse * G)
        return np.asarray(G * self._inverse[1:] + G.sum(axis=0) * self._inverse[0])


class SharedBlock:
    """The Hessian at weights 0: all classes have p = 1 / K."""

    def __init__(self, objective: DenseObjective, damping: float, x: Array) -> None:
        A = _gram(x, objective.rows.classes.S / objective.K)
        self._factor = _factor(A, objective.weight_penalty + damping, x)

    def solve(self, G: Array) -> Array:
        """Each class by the same factor."""
        return _solve(self._factor, (G + G.sum(axis=0)).T).T


class ClassBlocks:
    """Σ S p_k (1 − p_k) x xᵀ of every class, where the objective stands or where it last was.

    The rows keep the sums: at the next value of C they are nearly the same, but for the penalty.
    """

    def __init__(
        self, objective: DenseObjective, damping: float, x: Array, *, kept: bool = False
    ) -> None:
        if not kept or objective.rows.blocks is None:
            S = objective.rows.classes.S
            objective.rows.blocks = [_gram(x, S * p * (1 - p)) for p in objective.stands.outcome.p]
        penalty = objective.weight_penalty + damping
        factors = [_factor(H.copy(), penalty, x) for H in objective.rows.blocks]
        self._factors = factors
        self.inverses = (
            np.array([_inverse(f) for f in factors]) if objective.E <= _INVERTED else None
        )

    def solve(self, G: Array) -> Array:
        """Each class by its own factor, less the first."""
        rows = np.concatenate([-G.sum(axis=0)[None], G])
        if self.inverses is not None:
            solved = np.matmul(self.inverses, rows.astype(np.float32)[:, :, None])[:, :, 0]
        else:
            solved = np.array([_solve(f, g) for f, g in zip(self._factors, rows, strict=True)])
        return np.asarray(solved[1:] - solved[0], np.float64)


class WholeHessian:
    """All classes coupled, in the differences from the first."""

    def __init__(self, objective: DenseObjective, damping: float, x: Array) -> None:
        K, rows, penalty = objective.K, objective.rows, objective.weight_penalty
        p = objective.stands.outcome.p
        if K == 2:
            H = _gram(x, rows.classes.S * p[0] * (1 - p[0]))
            ridge = penalty / 2 + damping
        else:
            H = _coupled(p[1:], rows, x, penalty / K)
            ridge = np.concatenate([penalty + damping] * (K - 1))
        self._factor = _factor(H, ridge, x)

    def solve(self, G: Array) -> Array:
        """Two triangular solves."""
        return _solve(self._factor, G.ravel()).reshape(G.shape)


def _coupled(p: Array, rows: DenseRows, x: Array, share: Array) -> Array:
    """Σ S (diag(p) − p pᵀ) ⊗ x xᵀ of classes p (k, N), less a share (E,) of every two weights."""
    k, E = p.shape[0], x.shape[0]
    first, second, own = _upper(k)
    other = -p[second]
    other[own] += 1.0
    weights = (rows.classes.S * p)[first]
    if rows.pairs is not None:
        weights *= other
        blocks = (weights @ rows.pairs.T)[:, _unpacked(E)]
    else:
        blocks = np.empty((own.size, E, E))
        np.abs(other, out=other)
        weights *= other
        for block, weight, square in zip(blocks, weights, own, strict=True):
            block[...] = _gram(x, weight)
            if not square:
                np.negative(block, out=block)
    H = np.empty((k, E, k, E))
    H[first, :, second] = blocks
    H[second, :, first] = blocks
    diagonals = np.einsum("iaja->ija", H)
    diagonals -= share
    return H.reshape(k * E, k * E)


@cache
def _upper(k: int) -> tuple[Array, Array, Array]:
    """Rows and columns of the upper triangle, and whether they are the same."""
    first, second = np.triu_indices(k)
    return first, second, first == second


@cache
def _unpacked(E: int) -> Array:
    """Where each entry (E, E) of a symmetric matrix is in its upper triangle."""
    at = np.empty((E, E), np.intp)
    first, second, _ = _upper(E)
    at[first, second] = at[second, first] = np.arange(first.size)
    return at


def _gram(x: Array, weight: Array) -> Array:
    """Σ w x xᵀ (E, E) in the type of x, then in float64."""
    if x.shape[0] < _SYMMETRIC:
        return np.asarray((x * weight.astype(x.dtype, copy=False)) @ x.T, np.float64)
    rows = x * np.sqrt(weight).astype(x.dtype, copy=False)
    return np.asarray(rows @ rows.T, np.float64)


def _factor(H: Array, ridge: Array, x: Array) -> Array:
    """Cholesky factor of H plus a diagonal, and of no more than rounding asks for beyond that."""
    own = H.diagonal().copy()
    least = float(np.finfo(x.dtype).eps) / 4
    diagonal = H.reshape(-1)[:: own.size + 1]
    spread = max(float(own.max()), 1e-300)
    for exponent in _EXPONENTS:
        share = 10.0**exponent
        if share < least:
            continue
        np.add(own, ridge, out=diagonal)
        diagonal += share * (diagonal + spread)
        factor, info = dpotrf(H.T, lower=1)
        if info == 0:
            return np.asarray(factor)
    raise FloatingPointError("the Hessian has no Cholesky factor: are there NaNs?")


def _inverse(factor: Array) -> Array:
    lower = dpotri(factor, lower=1)[0]  # zeros above its diagonal, as in the factor
    whole = lower + lower.T
    whole.reshape(-1, order="A")[:: len(whole) + 1] *= 0.5
    return np.asarray(whole, np.float32)


def _solve(factor: Array, right: Array) -> Array:
    return np.asarray(dpotrs(factor, right, lower=1)[0])
