"""The specification in the kernels' terms: targets and options in, `core` underneath."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pminusy.core import head
from pminusy.core import softmax as core_softmax
from pminusy.core.options import Options
from pminusy.core.target_mass import TargetMass, target_mass

__all__ = [
    "add_carefully",
    "cross_entropy",
    "cross_entropy_grad",
    "cross_entropy_hvp",
    "hessian_tile",
    "log_softmax",
    "mass_of",
    "softmax",
    "tile",
    "total",
]

Array = NDArray[Any]


def cross_entropy(z: Array, y: Array, options: Options) -> Array:
    """Loss of logits z (N, K); y is (N,) class indices or (N, K) soft targets."""
    return head.cross_entropy(z, target_mass(y, z.shape[0], z.shape[1], options), options)


def cross_entropy_grad(
    z: Array,
    y: Array,
    options: Options,
    grad_output: Array | None = None,
    out: Array | None = None,
) -> tuple[Array, Array]:
    """Loss, and its gradient (N, K), in `out` if given."""
    mass = target_mass(y, z.shape[0], z.shape[1], options)
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
    mass = target_mass(y, z.shape[0], z.shape[1], options)
    return _delivered(head.cross_entropy_hvp(z, mass, options, v, grad_output), out)


def softmax(z: Array, out: Array | None = None) -> Array:
    """Probabilities (N, K)."""
    return _delivered(_by_blocks(core_softmax.softmax, z), out)


def log_softmax(z: Array, out: Array | None = None) -> Array:
    """Logarithms of the probabilities (N, K)."""
    return _delivered(_by_blocks(core_softmax.log_softmax, z), out)


def mass_of(y: Array, N: int, K: int, options: Options, dtype: Any) -> TargetMass:
    """Targets and options of all rows, of which `block` takes some."""
    return target_mass(y, N, K, options)


def tile(
    z: Array,
    mass: TargetMass,
    options: Options,
    dL_dz: Array | None,
    grad_output: Array | None,
    b: Array | None,
    losses: Array,
) -> float:
    """Loss of some rows as a part for `total`; their gradient, and their losses, if wanted."""
    if b is not None:
        z += b
    if dL_dz is None:
        loss = head.cross_entropy(z, mass, options)
    else:
        loss, dL_dz[...] = head.cross_entropy_grad(z, mass, options, grad_output)
    if options.reduction != "none":
        return float(loss)
    losses[...] = loss
    return 0.0


def hessian_tile(
    z: Array,
    mass: TargetMass,
    options: Options,
    A: Array,
    grad_output: Array | None,
    b: Array | None,
) -> None:
    """H A in the place of A, for the logits z + b of some rows."""
    if b is not None:
        z += b
    A[...] = head.cross_entropy_hvp(z, mass, options, A, grad_output)


def total(parts: list[float]) -> float:
    """Loss from its parts."""
    return math.fsum(parts) if all(map(math.isfinite, parts)) else sum(parts)


def add_carefully(total: Array, low: Array, part: Array) -> None:
    """Add `part` to `total`, float32, with the bits of it that are in `low`, int8."""
    with np.errstate(all="ignore"):
        kept = np.where(np.isfinite(total), low * (_power_below(total) * 2.0**-30), 0.0)
        exact = (total.astype(np.float64) + part) + kept
        total[...] = exact
        lost = (exact - total) / (_power_below(total) * 2.0**-30)
        low[...] = np.rint(np.where(np.abs(lost) <= 64.0, lost, 0.0))


def _power_below(x: Array) -> Array:
    """Power of two at or below |x|; 0 for a subnormal number."""
    exponent = np.frexp(x)[1] - 1
    return np.where(np.abs(x) < np.finfo(x.dtype).tiny, 0.0, np.ldexp(1.0, exponent))


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
