"""The head in one piece: logits u and target mass q in; loss, gradient and curvature out.

With z from `transform`, and S = Σ_k q_k, one row is

    L     = Σ_k q_k (lse − z_k) + ζ S lse²
    dL_dz = S p − q + 2 ζ S lse p
    dL_du = t ⊙ dL_dz

computed so that no digit is lost however sure the model is:

    Σ_k q_k (lse − z_k) = Σ_k q_k below_k + S log1p(rest)             two terms ≥ 0
    S p_k − q_k         = (q_{≠k} e_k − q_k others_k) / s             for one label a single product

(`below`, `rest`, `e`, `others`, `s`: see `softmax`; q_{≠k} = S − q_k is exactly 0 at the label.)
A row without target mass (ignored, or of weight 0) is 0 whatever its logits are, NaN included.

Whatever is linear in a probability carries the factor 2⁵¹², and all masses are in units of
2^`mass.exponent`; both come off in the last step, when a result is rounded.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pminusy.core import transform
from pminusy.core.options import Options
from pminusy.core.softmax import SoftmaxParts, jacobian_vector_product, parts, row_blocks
from pminusy.core.target_mass import TargetMass
from pminusy.core.twofold import EXP_BITS, Twofold, twofold, where

__all__ = ["cross_entropy", "cross_entropy_grad", "cross_entropy_hvp"]

Array = NDArray[Any]


def cross_entropy(u: Array, mass: TargetMass, options: Options) -> Array:
    """Loss of logits u (N, K): () for "mean" and "sum", (N,) for "none"."""
    blocks = [
        _row_losses(parts(z), *mass.q_and_S(rows), options) for rows, _, z in _blocks(u, options)
    ]
    return _reduced(blocks, u.dtype, mass, options)


def cross_entropy_grad(
    u: Array, mass: TargetMass, options: Options, grad_output: Array | None = None
) -> tuple[Array, Array]:
    """Loss, and dL_du (N, K); row i of the gradient is multiplied by `grad_output[i]` if given."""
    dL_du = np.empty(u.shape, dtype=u.dtype)
    blocks = []
    for rows, block, z in _blocks(u, options):
        row, (q, S) = parts(z), mass.q_and_S(rows)
        blocks.append(_row_losses(row, q, S, options))
        gradient = transform.backward(_dL_dz(row, q, S, options), block, options)
        gradient, power = _times_rows(gradient, grad_output, rows)
        dL_du[rows] = _rounded(gradient, S, mass.exponent + power, u.dtype)
    return _reduced(blocks, u.dtype, mass, options), dL_du


def cross_entropy_hvp(
    u: Array, mass: TargetMass, options: Options, v: Array, grad_output: Array | None = None
) -> Array:
    """Second derivative of the loss with respect to u, times v (N, K): row i is H_i v_i.

    H_u v = t ⊙ [S (1 + 2 ζ lse) J a + 2 ζ S p (p·a) + dL_dz ⊙ (t′ / t) ⊙ v],  a = t ⊙ v.
    """
    Hv = np.empty(u.shape, dtype=u.dtype)
    for rows, block, z in _blocks(u, options):
        row, (q, S) = parts(z), mass.q_and_S(rows)
        length = np.frexp(np.abs(v[rows]).max(axis=-1, keepdims=True))[1]  # (n, 1)
        direction = twofold(np.ldexp(v[rows].astype(np.float64), -length))
        Ja, mean = jacobian_vector_product(row, transform.backward(direction, block, options))
        curved = S * Ja
        if options.z_loss:
            curved = curved * (row.lse * (2 * options.z_loss) + 1.0)
            curved = curved + S * row.p * mean * (2 * options.z_loss)
        if options.softcap is not None:
            bend = transform.relative_curvature(block, options.softcap) * direction
            curved = curved + _dL_dz(row, q, S, options) * bend
        result, power = _times_rows(transform.backward(curved, block, options), grad_output, rows)
        Hv[rows] = _rounded(result, S, mass.exponent + length + power, u.dtype)
    return Hv


def _blocks(u: Array, options: Options) -> Iterator[tuple[slice, Array, Array]]:
    """Row slices with their u and z."""
    with np.errstate(all="ignore"):  # ∞ and NaN are values here: they stay in their row
        for rows in row_blocks(u):
            z = transform.logits(u[rows], options) if options.transforms_logits else u[rows]
            yield rows, u[rows], z


def _row_losses(
    row: SoftmaxParts, q: Twofold, S: Twofold, options: Options
) -> tuple[Twofold, Twofold]:
    """Loss of each row (n,) in two parts, the second with the factor 2⁵¹²."""
    plain = where(q.hi == 0.0, 0.0, q * row.below).sum(-1, keepdims=True)
    if options.z_loss:
        plain = plain + S * row.lse * row.lse * options.z_loss
    idle = S.hi == 0.0
    return where(idle, 0.0, plain)[:, 0], where(idle, 0.0, S * row.log_s)[:, 0]


def _reduced(
    blocks: list[tuple[Twofold, Twofold]], dtype: Any, mass: TargetMass, options: Options
) -> Array:
    """Losses of all rows, added up unless the reduction is "none"; the scales come off last."""
    with np.errstate(all="ignore"):
        plain, scaled = (_joined([block[i] for block in blocks]) for i in (0, 1))
        if options.reduction != "none":
            plain, scaled = plain.sum(0), scaled.sum(0)
        total = plain.ldexp(mass.exponent) + scaled.ldexp(mass.exponent - EXP_BITS)
        return total.rounded(dtype)


def _joined(pieces: list[Twofold]) -> Twofold:
    empty = [np.empty(0)]
    return Twofold(
        np.concatenate([x.hi for x in pieces] or empty),
        np.concatenate([x.lo for x in pieces] or empty),
    )


def _dL_dz(row: SoftmaxParts, q: Twofold, S: Twofold, options: Options) -> Twofold:
    """S p − q + 2 ζ S lse p (n, K)."""
    gradient = ((S - q) * row.e - q * row.others) / row.s
    if options.z_loss:
        pull = S * row.e * (row.lse * (2 * options.z_loss)) / row.s
        gradient = gradient + where(row.e.hi == 0.0, 0.0, pull)  # lse may be ∞ there
    return gradient


def _times_rows(
    values: Twofold, grad_output: Array | None, rows: slice
) -> tuple[Twofold, Array | int]:
    """Rows times their `grad_output` but for its power of two, which comes in at the rounding."""
    if grad_output is None:
        return values, 0
    mantissa, power = np.frexp(grad_output[rows, None].astype(np.float64))
    return values * mantissa, power


def _rounded(values: Twofold, S: Twofold, exponent: Array | int, dtype: Any) -> Array:
    """Rows in their own scale and type; those without mass exactly 0."""
    return where(S.hi == 0.0, 0.0, values).rounded(dtype, exponent - EXP_BITS)
