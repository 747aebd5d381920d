"""Cross-entropy of probabilities: L(p, q) = −Σ_k q_k ln p_k, and ∂L/∂p_k = −q_k / p_k.

This is the long way round, one factor of the chain rule at a time; `head` is the short way, and
accurate where p rounds to 0 or 1. Here for the derivation, for diagnosis and as a check of `head`.

With q = y one-hot and true class c this is −ln p_c. Since 0 < p ≤ 1, ln p ≤ 0 and L ≥ 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["gradient_from_jacobian", "gradient_from_true_class", "loss", "loss_gradient"]

Array = NDArray[Any]


def loss(p: Array, q: Array) -> Array:
    """L (N,) = −Σ_k q_k ln p_k, with 0 · ln 0 = 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(-np.where(q == 0, 0.0, q * np.log(p)).sum(axis=-1)) + 0.0


def loss_gradient(p: Array, q: Array) -> Array:
    """dL_dp (N, K) = −q / p, and 0 wherever q is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(q == 0, 0.0, -q / p))


def gradient_from_jacobian(dL_dp: Array, J: Array) -> Array:
    """dL_dz (N, K) by the chain rule over all paths: dL_dz_k = Σ_j dL_dp_j · ∂p_j/∂z_k."""
    return np.asarray(np.einsum("nj,njk->nk", dL_dp, J))


def gradient_from_true_class(p: Array, c: NDArray[np.intp]) -> Array:
    """dL_dz (N, K) by the sparse route: only row c of the Jacobian meets a factor that is not 0.

    (−1 / p_c) · (−p_1 p_c, …, p_c (1 − p_c), …, −p_K p_c).
    """
    p_c = np.take_along_axis(p, c[:, None], axis=-1)  # (N, 1)
    own = np.arange(p.shape[-1]) == c[:, None]
    row_c = np.where(own, p_c * (1.0 - p_c), -p * p_c)
    return np.asarray((-1.0 / p_c) * row_c)
