"""The Hessian itself, by a Cholesky factor: up to some thousands of parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import scipy  # `scipy.linalg` is loaded when it is first used
from numpy.typing import NDArray

from pminusy.training.hessian import hessian_sums, unfolded

if TYPE_CHECKING:
    from pminusy.training.objective import Objective, SampledRows

__all__ = ["CholeskyPreconditioner", "full_hessian"]

Array = NDArray[Any]

_LARGE = 1000  # parameters beyond which the factor is float32: a solution costs reading it


class CholeskyPreconditioner:
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
        sample: SampledRows | None,
        damping: float = 0.0,
        dtype: type[np.floating[Any]] = np.float64,
    ) -> None:
        H = full_hessian(objective, sample, dtype)
        seen = H.diagonal() - objective.penalty_diagonal()
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
    objective: Objective, sample: SampledRows | None, dtype: type[np.floating[Any]] = np.float64
) -> Array:
    """Hessian (size, size) in the objective's vector, from all rows or estimated from a sample."""
    K, D = objective.K, objective.D
    bias = objective.coordinates.fit_intercept
    whole = sample is None
    sums = objective.over_rows(_sums, dtype) if whole else _sums(objective, dtype, sample)
    H = unfolded(sums, K, D + int(bias))
    order = _vector_order(K, D, bias=bias, features_first=objective.coordinates.features_first)
    H = H[np.ix_(order, order)]
    H[np.diag_indices_from(H)] += objective.penalty_diagonal()
    return np.asarray(H)


def _sums(
    objective: Objective, dtype: type[np.floating[Any]], sample: SampledRows | None = None
) -> Array:
    """What the rows of an objective, or some of them, add to its Hessian."""
    K, D = objective.K, objective.D
    bias = objective.coordinates.fit_intercept

    def columns(part: SampledRows) -> tuple[Array, Array, Array]:
        x = np.empty((D + int(bias), part.weight.size), dtype)
        x[:D], x[D:] = part.X.T, 1
        return x, part.p.T.astype(dtype), part.weight.astype(dtype)

    runs = objective.runs() if sample is None else [sample.run()]
    taken = (
        (lambda first, last, take=take: columns(take(first, last)), rows) for rows, take in runs
    )
    return hessian_sums(taken, K, D + int(bias))


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
