"""The softmax, its logarithm and its Jacobian."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from pminusy import arguments
from pminusy.core import softmax as core_softmax
from pminusy.kernels.dispatch import implementation
from pminusy.ops.call import Array, delivered, output_rows

__all__ = ["log_softmax", "softmax", "softmax_jacobian"]


def softmax(z: ArrayLike, *, out: Array | None = None) -> Array:
    """Probabilities of logits: p_k = e^{z_k} / Σ_j e^{z_j}.

    Parameters
    ----------
    z
        Logits (..., K). −∞ is a mask: probability 0.
    out
        Array for the result, of the shape and type of z; it may be z itself.

    Returns
    -------
    ndarray
        Probabilities (..., K), each within a few units in its last place.

    Raises
    ------
    InputError
        Fewer than two classes, or a type other than float32, float64 and integers.

    Examples
    --------
    >>> softmax([0.0, 0.0])
    array([0.5, 0.5])

    References
    ----------
    Bridle 1990, "Probabilistic interpretation of feedforward classification network outputs".
    """
    return _rowwise("softmax", z, out)


def log_softmax(z: ArrayLike, *, out: Array | None = None) -> Array:
    """Logarithm of the softmax: ln p_k = z_k − ln Σ_j e^{z_j}, accurate where p_k rounds to 1 or 0.

    Parameters
    ----------
    z
        Logits (..., K).
    out
        As `softmax`.

    Returns
    -------
    ndarray
        Logarithms of the probabilities (..., K).

    Raises
    ------
    InputError
        As `softmax`.

    Examples
    --------
    >>> log_softmax([40.0, 0.0])
    array([-4.24835426e-18, -4.00000000e+01])

    References
    ----------
    Blanchard, Higham & Higham 2021, "Accurately computing the log-sum-exp and softmax functions".
    """
    return _rowwise("log_softmax", z, out)


def softmax_jacobian(z: ArrayLike) -> Array:
    """Jacobian of the softmax: J_ij = ∂p_i/∂z_j = p_i (δ_ij − p_j).

    Parameters
    ----------
    z
        Logits (..., K).

    Returns
    -------
    ndarray
        J (..., K, K): symmetric, positive semi-definite, every row sums to 0.

    Raises
    ------
    InputError
        As `softmax`.

    Examples
    --------
    >>> softmax_jacobian([0.0, 0.0])
    array([[ 0.25, -0.25],
           [-0.25,  0.25]])

    References
    ----------
    The quotient rule; see `docs/` for every line.
    """
    (logits,) = arguments.floats(z=z)
    arguments.classes_last("z", logits)
    rows = logits.reshape(-1, logits.shape[-1])
    with np.errstate(all="ignore"):  # ∞ and NaN are values here: they stay in their row
        blocks = [core_softmax.jacobian(rows[block]) for block in core_softmax.row_blocks(rows)]
        J = np.concatenate(blocks or [core_softmax.jacobian(rows)])
    return J.reshape(*logits.shape, logits.shape[-1])


def _rowwise(name: str, z: ArrayLike, out: Array | None) -> Array:
    """Apply a function of (N, K) logits to logits of any shape (..., K)."""
    (logits,) = arguments.floats(z=z)
    arguments.classes_last("z", logits)
    flat = logits.reshape(-1, logits.shape[-1])
    result, rows = output_rows(out, logits)
    return delivered(getattr(implementation(*flat.shape), name)(flat, rows), result, logits)
