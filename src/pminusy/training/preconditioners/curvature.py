"""Curvature models: cheap stand-ins for the Hessian, that solvers use as a metric.

    diagonal      its diagonal                                             sparse and very wide X
    full          all of it, by a Cholesky factor                          K·D up to some thousands
    class basis   a Gram matrix a class, weighted by p (1 − p), in the
                  leading eigenvectors of XᵀX, a multiple of 1 beside      dense X, few classes
    Kronecker     each class's mean curvature times XᵀX                    dense X, many classes
    likely        the Hessian on each row's likely classes, a Kronecker    dense X, more classes yet
                  model beside it (`non_negligible`)

The last two follow Böhning's bound H ⪯ ½ (I − 1 1ᵀ/K) ⊗ XᵀX with ½ replaced by what is measured.
Source: Böhning 1992, "Multinomial logistic regression algorithm".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from pminusy.kernels.runtime import threads
from pminusy.training.hessian import coupled_hessian

if TYPE_CHECKING:
    from pminusy.training.objective import Objective, Sample

__all__ = [
    "Basis",
    "ClassBasisMetric",
    "DiagonalMetric",
    "FullMetric",
    "KroneckerMetric",
    "Metric",
    "full_hessian",
    "kronecker_metric",
]

Array = NDArray[Any]

_SHARE = 1e-7  # of a feature's curvature: where the ridge is smaller, this takes its place
_LARGE = 1000  # parameters beyond which the factor is float32: a solution costs reading it
_DAMPING = 1e-5  # of the mean eigenvalue: what the sample has not seen


class Metric(Protocol):
    """A symmetric positive definite model of the Hessian."""

    def solve(self, vector: Array) -> Array:
        """The model's inverse times a vector."""


class DiagonalMetric:
    """The diagonal of the Hessian."""

    def __init__(self, objective: Objective, damping: float = 0.0) -> None:
        diagonal = objective.diagonal()
        seen = diagonal - _ridge(objective)  # the data's: small features have a ridge beyond all
        self._diagonal = np.maximum(diagonal + damping, 1e-8 * seen.max(initial=1e-292))
        self._inverse = 1.0 / self._diagonal

    def times(self, vector: Array) -> Array:
        """Multiply entry by entry."""
        return np.asarray(self._diagonal * vector)

    def solve(self, vector: Array) -> Array:
        """Divide entry by entry."""
        return np.asarray(self._inverse * vector)


class FullMetric:
    """The Hessian itself, over all rows or a sample of them.

    Parameters
    ----------
    objective
        Whose Hessian, where it stands.
    sample
        Some of the rows; None for all.
    damping
        Added to the diagonal.
    dtype
        Type of the sums over some hundred rows; beyond those they are float64.
    """

    def __init__(
        self,
        objective: Objective,
        sample: Sample | None,
        damping: float = 0.0,
        dtype: type[np.floating[Any]] = np.float64,
    ) -> None:
        H = full_hessian(objective, sample, dtype)
        seen = H.diagonal() - _ridge(objective)
        H[np.diag_indices_from(H)] += damping
        _hold_classes(H, objective)
        spread = max(float(seen.max(initial=0.0)), 1e-300)
        kept = np.float32 if H.shape[0] > _LARGE else np.float64
        for exponent in (-14, -12, -10, -8, -7, -6, -4, -2, 0, 2):
            if 10.0**exponent < np.finfo(kept).eps / 2:
                continue
            damped: Array = np.array(H, kept, order="F")
            damped[np.diag_indices_from(H)] += 10.0**exponent * (spread + H.diagonal())
            try:
                factor, lower = scipy.linalg.cho_factor(
                    damped, lower=True, overwrite_a=True, check_finite=False
                )
            except scipy.linalg.LinAlgError:
                continue
            self._factor = factor, lower
            return
        raise FloatingPointError("the Hessian has no Cholesky factor: are there NaNs?")

    def solve(self, vector: Array) -> Array:
        """Two triangular solves."""
        right = vector.astype(self._factor[0].dtype, copy=False)
        solution = scipy.linalg.cho_solve(self._factor, right, check_finite=False)
        return np.asarray(solution, np.float64)


def full_hessian(
    objective: Objective, sample: Sample | None, dtype: type[np.floating[Any]] = np.float64
) -> Array:
    """Hessian (size, size) in the objective's vector, from all rows or estimated from a sample."""
    K, D = objective.K, objective.D
    bias = objective.coordinates.fit_intercept

    def take(first: int, last: int) -> tuple[Array, Array, Array]:
        part = objective.rows(first, last) if sample is None else sample.part(first, last)
        x = np.empty((D + int(bias), last - first), dtype)
        x[:D], x[D:] = part.X.T, 1
        return x, part.p.T.astype(dtype), part.weight.astype(dtype)

    rows = objective.source.rows if sample is None else sample.weight.size
    H = coupled_hessian(take, rows, K, D + int(bias))
    order = _vector_order(K, D, bias=bias, features_first=objective.coordinates.features_first)
    H = H[np.ix_(order, order)]
    H[np.diag_indices_from(H)] += _ridge(objective)
    return np.asarray(H)


def _ridge(objective: Objective) -> Array:
    """λ of every entry of the vector."""
    out = np.zeros(objective.size)
    objective.coordinates.split(out)[0][...] = objective.curvature_of_penalty
    return out


def _hold_classes(H: Array, objective: Objective) -> None:
    """Add, in place, curvature where all classes move alike: the softmax has none there."""
    K, D = objective.K, objective.D
    bias, first = objective.coordinates.fit_intercept, objective.coordinates.features_first
    order = np.argsort(_vector_order(K, D, bias=bias, features_first=first)).reshape(K, -1)
    diagonal = H.diagonal()
    for entries in order.T:
        H[np.ix_(entries, entries)] += diagonal[entries].mean()


def _vector_order(K: int, D: int, *, bias: bool, features_first: bool) -> Array:
    """Where each entry of the vector is in (class, feature and bias) order."""
    at = np.arange(K * (D + int(bias))).reshape(K, D + int(bias))
    weights = at[:, :D].T if features_first else at[:, :D]
    return np.concatenate([weights.ravel(), at[:, D]]) if bias else weights.ravel()


class _Whitened:
    """Features scaled so that the ridge is about 1, or their own curvature where that is larger."""

    def __init__(self, objective: Objective, curvature: float, share: float) -> None:
        self.d = 1.0 / np.sqrt(objective.penalty + share * curvature)  # (D,)
        self.ridge = objective.penalty * self.d**2  # (D,), at most 1


class ClassBasisMetric:
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
        self, objective: Objective, sample: Sample, basis: Basis, damping: float = 0.0
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

        self._factors = each_class(factor, objective.K)
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


def each_class(task: Callable[[int], Array], classes: int) -> list[Array]:
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
        white = _Whitened(objective, 1.0, _SHARE)
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


class KroneckerMetric:
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


def kronecker_metric(objective: Objective, X: Array) -> KroneckerMetric:
    """The Kronecker model, from some rows of X in the coordinates of the solver."""
    c = float(objective.class_curvature().mean())
    white = _Whitened(objective, c, 1e-4)
    Y = X * white.d.astype(np.float32)
    values, Q = scipy.linalg.eigh((Y.T @ Y) / np.float32(Y.shape[0]), check_finite=False)
    return KroneckerMetric(objective, np.maximum(values, 0.0), Q, white.d)
