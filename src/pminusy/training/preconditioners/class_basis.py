"""A Gram matrix a class in the leading eigenvectors of XᵀX: for dense X and few classes.

Follows Böhning's bound H ⪯ ½ (I − 1 1ᵀ/K) ⊗ XᵀX with ½ replaced by what is measured.
Source: Böhning 1992, "Multinomial logistic regression algorithm".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy  # `scipy.linalg` is loaded when it is first used
from numpy.typing import NDArray

from pminusy.kernels.runtime import threads
from pminusy.training.preconditioners.whitening import Whitened

if TYPE_CHECKING:
    from pminusy.training.objective import Objective, SampledRows

__all__ = ["Basis", "ClassBasisPreconditioner"]

Array = NDArray[Any]

_SHARE = 1e-7  # of a feature's curvature: where the ridge is smaller, this takes its place
_DAMPING = 1e-5  # of the mean eigenvalue: what the sample has not seen


class ClassBasisPreconditioner:
    """A Gram matrix a class, weighted by p (1 − p), in the leading directions of X and the bias.

    Beside those directions: each class's mean curvature.

    Parameters
    ----------
    objective
        What is modelled, where it stands.
    sample
        Rows the Gram matrices are taken over.
    basis
        Built once.
    damping
        Added to the diagonal, in the coordinates of the solver.
    """

    def __init__(
        self, objective: Objective, sample: SampledRows, basis: Basis, damping: float = 0.0
    ) -> None:
        self._coordinates, self._basis = objective.coordinates, basis
        V, d = basis.V, basis.d  # (D, r), (D,)
        B = (sample.X * d.astype(np.float32)) @ V  # (n, r)
        if self._coordinates.fit_intercept:
            B = np.concatenate([B, np.ones((B.shape[0], 1), B.dtype)], axis=1)
        weights = sample.weight[:, None] * sample.p * (1 - sample.p)  # (n, K)
        c = weights.sum(axis=0)
        c = np.maximum(c, 1e-3 * c.mean() + 1e-300)
        ridge = (V.T * ((objective.penalty + damping) * d * d)) @ V  # (r, r)
        roots = np.sqrt(weights).astype(np.float32)

        def factor(k: int) -> Array:
            Bk = B * roots[:, k : k + 1]
            M = (Bk.T @ Bk).astype(np.float64)
            M[: V.shape[1], : V.shape[1]] += ridge
            M[np.diag_indices_from(M)] += _DAMPING * np.trace(M) / M.shape[0] + 1e-300
            return _inverse_factor(M)

        self._factors = _each_class(factor, objective.K)
        damped = damping * float(np.median(d * d))
        self._rest = 1.0 / (c * basis.rest + basis.rest_ridge + damped)  # (K,)

    def solve(self, vector: Array) -> Array:
        """In the basis by class; beside it, a multiple of the identity a class."""
        out = np.empty_like(vector)
        u, b = self._coordinates.split(vector)
        to_u, to_b = self._coordinates.split(out)
        V, d = self._basis.V, self._basis.d
        g = u * d  # (K, D)
        inside = g.astype(np.float32) @ V  # (K, r)
        extended = np.concatenate([inside, b[:, None]], axis=1) if b.size else inside
        solved = np.empty_like(extended)
        for k, L in enumerate(self._factors):
            solved[k] = L.T @ (L @ extended[k].astype(np.float32))
        rank = V.shape[1]
        correction = (solved[:, :rank] - self._rest[:, None] * inside).astype(np.float32) @ V.T
        to_u[...] = (self._rest[:, None] * g + correction) * d
        if b.size:
            to_b[...] = solved[:, rank]
        return out


def _each_class(task: Callable[[int], Array], classes: int) -> list[Array]:
    """task(0), …, task(classes − 1), over the threads."""
    results: list[Any] = [None] * classes

    def work(k: int) -> None:
        results[k] = task(k)

    threads.run(work, classes)
    return results


def _inverse_factor(M: Array) -> Array:
    """L⁻¹ (float32) of M = L Lᵀ."""
    L = scipy.linalg.cholesky(M, lower=True, check_finite=False)
    inverse, _ = scipy.linalg.lapack.dtrtri(L, lower=1)
    return np.ascontiguousarray(inverse, np.float32)


class Basis:
    """Leading directions of X in whitened coordinates, and the size of what is beside them."""

    def __init__(self, objective: Objective, X: Array, rank: int) -> None:
        white = Whitened(objective, 1.0, _SHARE)
        self.d = white.d
        Y = X * self.d.astype(np.float32)
        C = (Y.T @ Y) / np.float32(X.shape[0])
        D = C.shape[0]
        rank = min(rank, D)
        trace = float(np.trace(C))
        if rank == D:
            self.values, self.V = np.ones(D), np.eye(D, dtype=np.float32)
            self.rest = self.rest_ridge = 1.0
            return
        values, V = scipy.linalg.eigh(
            C, subset_by_index=(D - rank, D - 1), check_finite=False, overwrite_a=True
        )
        self.values, self.V = values, np.ascontiguousarray(V[:, ::-1])
        self.rest = max((trace - float(values.sum())) / (D - rank), 1e-6 * trace / D)
        self.rest_ridge = float(np.median(white.ridge)) + 1e-12
