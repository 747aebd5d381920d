"""The linear layer: z = X Wᵀ + b, and the gradients that follow from dL_dz.

    forward     z     = X Wᵀ + b         (N, K)
    backward    dL_dW = dL_dzᵀ X         (K, D)
                dL_db = Σ_i dL_dz_i      (K,)
                dL_dX = dL_dz W          (N, D)

`dL_dz` already carries the 1/N of a mean, so nothing here divides by anything. A row whose dL_dz is
0 (an ignored one) adds nothing to the gradients, not even 0 · NaN.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pminusy.core.twofold import twofold

__all__ = ["bias_gradient", "forward", "input_gradient", "weight_gradient"]

Array = NDArray[Any]


def forward(X: Array, W: Array, b: Array | None) -> Array:
    """Logits z (N, K) of inputs X (N, D) under weights W (K, D) and bias b (K,)."""
    z = X @ W.T
    return z if b is None else z + b


def weight_gradient(dL_dz: Array, X: Array) -> Array:
    """dL_dW (K, D) = dL_dzᵀ X: one outer product (p − y) ⊗ x a sample, added up."""
    with np.errstate(invalid="ignore"):
        dL_dW = dL_dz.T @ X
    if np.isfinite(dL_dW).all():
        return dL_dW
    heard = dL_dz.any(axis=1)  # (N,), NaN included
    return dL_dz[heard].T @ X[heard]


def bias_gradient(dL_dz: Array) -> Array:
    """dL_db (K,) = Σ_i dL_dz_i."""
    return twofold(dL_dz.astype(np.float64)).sum(0).rounded(dL_dz.dtype)


def input_gradient(dL_dz: Array, W: Array) -> Array:
    """dL_dX (N, D) = dL_dz W: the gradient that goes back to the layer before the head."""
    return dL_dz @ W
