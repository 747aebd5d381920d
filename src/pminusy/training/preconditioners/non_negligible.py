"""The Hessian on each row's classes of non-negligible probability, a Kronecker model of the rest.

Once a model is any good, a row's curvature S (diag p − p pᵀ) is that of a few classes. On those it
is taken as it is, couplings and all; the other classes of a row are one more class between them,
and the remainder of the curvature, among the negligible classes, is that of a typical row:

    M = ridge + Σ_i S_i (diag p̃_i − p̃_i p̃_iᵀ) ⊗ x_i x_iᵀ + (diag r − r rᵀ / Σ r) ⊗ X̄ᵀX̄

with r the mass that negligible classes have over all rows. A product with M costs some (selected
classes) / K of a pass over X, so a system is solved by conjugate gradients, preconditioned by the
Kronecker model alone; all of it in the eigenbasis of XᵀX, in float32.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pminusy.kernels.runtime import threads
from pminusy.training.objective import Objective
from pminusy.training.preconditioners.kronecker import KroneckerPreconditioner

__all__ = ["NonNegligiblePreconditioner"]

Array = NDArray[Any]


class NonNegligiblePreconditioner:
    """The model, where the objective stands.

    Parameters
    ----------
    objective
        What is modelled.
    base
        Kronecker model of the same objective.
    damping
        Added to the diagonal, in the coordinates of the solver.
    accuracy
        Of a solution: how far the residual falls, in the norm of the preconditioner.
    limit
        Most products that a solution takes.
    """

    def __init__(
        self,
        objective: Objective,
        base: KroneckerPreconditioner,
        damping: float = 0.0,
        *,
        accuracy: float = 0.1,
        limit: int = 40,
    ) -> None:
        self._objective, self._coordinates = objective, objective.coordinates
        self._accuracy, self._limit = accuracy, limit
        self._Q, self._d = base.Q, base.d.astype(np.float32)
        self._selection = objective.select_classes()
        c, r = (total / objective.mass for total in self._selection.sums())
        c = np.maximum(c, 1e-2 * c.mean() + 1e-300)
        self._share = (r / max(float(r.sum()), 1e-300)).astype(np.float32)  # of negligible classes
        self._r = r.astype(np.float32)[:, None]
        bias = np.ones(int(self._coordinates.fit_intercept))
        self._spread = np.concatenate([base.values, bias]).astype(np.float32)
        ridge = (objective.penalty + damping) * base.d**2
        self._ridge = (objective.penalty + damping).astype(np.float32)
        level = np.concatenate([np.full(base.values.size, np.median(ridge)), 1e-6 * bias])
        spread = np.maximum(self._spread, 1e-7 * float(self._spread.max()))
        self._inverse = (1.0 / (c[:, None] * spread + level)).astype(np.float32)

    def solve(self, vector: Array) -> Array:
        """The inverse times a vector, by conjugate gradients."""
        D = self._d.size
        u, b = self._coordinates.split(vector)
        r = np.empty(self._inverse.shape, np.float32)  # (K, D), and the bias where there is one
        _matmul((u * self._d).astype(np.float32), self._Q, r[:, :D])
        if b.size:
            r[:, D] = b
        x = self._conjugate_gradients(r)
        out = np.empty_like(vector)
        to_u, to_b = self._coordinates.split(out)
        _matmul(x[:, :D], self._Q.T, to_u)
        to_u *= self._d
        to_b[...] = x[:, D:].ravel()  # none without intercept
        return out

    def _conjugate_gradients(self, r: Array) -> Array:
        """x with M x ≈ r, which is overwritten."""
        x, z = np.zeros_like(r), self._precondition(r)
        p, rho = z.copy(), _dot(r, z)
        target = self._accuracy**2 * rho
        for _ in range(self._limit):
            if not rho > target:
                break
            Mp = self._times(p)
            curvature = _dot(p, Mp)
            if not curvature > 0:
                break
            alpha = np.float32(rho / curvature)
            x += alpha * p
            r -= alpha * Mp
            z = self._precondition(r)
            before, rho = rho, _dot(r, z)
            p *= np.float32(rho / before)
            p += z
        return x

    def _precondition(self, r: Array) -> Array:
        z = self._inverse * r
        z -= z.mean(axis=0)
        return np.asarray(z)

    def _times(self, h: Array) -> Array:
        """M h, in the eigenbasis."""
        D = self._d.size
        K = h.shape[0]
        u = np.empty((K, D), np.float32)
        _matmul(h[:, :D], self._Q.T, u)
        u *= self._d  # (K, D)
        b = h[:, D] if h.shape[1] > D else np.zeros(K, h.dtype)
        G, g = self._objective.selection_times(
            self._selection, self._with_rest(u), self._with_rest(b)
        )
        G[:K] += self._share[:, None] * G[K]
        g[:K] += self._share * g[K]
        G = G[:K]
        G += self._ridge * u
        G *= self._d
        Mh = np.empty_like(h)
        _matmul(G, self._Q, Mh[:, :D])
        if Mh.shape[1] > D:
            Mh[:, D] = g[:K]
        rest = h - self._share @ h  # (diag r − r rᵀ / Σ r) h, along the classes
        rest *= self._r
        rest *= self._spread
        Mh += rest
        return Mh

    def _with_rest(self, v: Array) -> Array:
        """Vectors of the classes, and of the negligible classes together."""
        return np.concatenate([v, (self._share @ v)[None]]).astype(np.float32, copy=False)


def _dot(a: Array, b: Array) -> float:
    return float(np.vdot(a, b))


def _matmul(A: Array, B: Array, out: Array) -> None:
    """out = A B, the rows over the threads."""
    step = 64

    def work(part: int) -> None:
        rows = slice(part * step, (part + 1) * step)
        out[rows] = A[rows] @ B

    threads.run(work, -(-A.shape[0] // step))
