"""The specification in the kernels' terms: targets and options in, `core` underneath."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pminusy.core import head
from pminusy.core import softmax as core_softmax
from pminusy.core.options import Options, target_mass

__all__ = ["cross_entropy", "cross_entropy_grad", "cross_entropy_hvp", "log_softmax", "softmax"]

Array = NDArray[Any]


def cross_entropy(z: Array, y: Array, options: Options) -> Array:
    """Loss of logits z (N, K); y is (N,) class indices or (N, K) soft targets."""
    return head.cross_entropy(z, target_mass(y, *z.shape, options), options)


def cross_entropy_grad(
    z: Array,
    y: Array,
    options: Options,
    grad_output: Array | None = None,
    out: Array | None = None,
) -> tuple[Array, Array]:
    """Loss, and its gradient (N, K), in `out` if given."""
    mass = target_mass(y, *z.shape, options)
    loss, dL_dz = head.cross_entropy_grad(z, mass, options, grad_output)
    return loss, _delivered(dL_dz, out)


def cross_entropy_hvp(
    z: Array,
    y: Array,
    options: Options,
    v: Array,
    grad_output: Array | None = None,
    out: Array | None = None,
) -> Array:
    """Second derivative of the loss times v (N, K)."""
    mass = target_mass(y, *z.shape, options)
    return _delivered(head.cross_entropy_hvp(z, mass, options, v, grad_output), out)


def softmax(z: Array, out: Array | None = None) -> Array:
    """Probabilities (N, K)."""
    return _delivered(_by_blocks(core_softmax.softmax, z), out)


def log_softmax(z: Array, out: Array | None = None) -> Array:
    """Logarithms of the probabilities (N, K)."""
    return _delivered(_by_blocks(core_softmax.log_softmax, z), out)


def _by_blocks(function: Any, z: Array) -> Array:
    with np.errstate(all="ignore"):  # ∞ and NaN are values here: they stay in their row
        return np.concatenate(
            [function(z[rows]) for rows in core_softmax.row_blocks(z)] or [function(z)]
        )


def _delivered(result: Array, out: Array | None) -> Array:
    if out is None:
        return result
    out[...] = result
    return out
