"""The softmax: p_k = e^{z_k} / Σ_j e^{z_j}, forward and backward. Classes on the last axis.

With m = max_j z_j, everything is made of three quantities a row, each accurate on its own:

    below_k  = m − z_k ≥ 0                 exactly
    e_k      = e^{−below_k}
    others_k = Σ_{j ≠ k} e_j               for the arg-max summed without it, never by subtraction

and then, with s = Σ_j e_j and rest = Σ_j e_j without the arg-max,

    p_k = e_k / s        1 − p_k = others_k / s        lse − z_k = below_k + log1p(rest)

What may be as small as a probability carries the factor 2⁵¹² until the very end, so that nothing
underflows on the way: e, others, log_s = log1p(rest), p, and whatever is linear in them.

Source: Bridle 1990; Blanchard, Higham & Higham, "Accurately computing the log-sum-exp and softmax
functions", 2021.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pminusy.core.twofold import EXP_BITS, Twofold, exp_scaled, log1p_scaled, two_difference, where

__all__ = [
    "SoftmaxParts",
    "jacobian",
    "jacobian_vector_product",
    "log_softmax",
    "parts",
    "plain_softmax",
    "row_blocks",
    "softmax",
]

_BLOCK_ENTRIES = 1 << 15  # a block of this many logits and its temporaries stay in cache


def row_blocks(z: NDArray[Any]) -> Iterator[slice]:
    """Slices of rows, small enough that temporaries stay bounded for any number of rows."""
    step = max(1, _BLOCK_ENTRIES // z.shape[1])
    for start in range(0, z.shape[0], step):
        yield slice(start, min(start + step, z.shape[0]))


@dataclass(frozen=True, slots=True, eq=False)
class SoftmaxParts:
    """The quantities above for a block of rows.

    `top` (N,) is the index of the (first) largest logit, `m` (N, 1) its value, `s` (N, 1) the
    denominator; `e`, `others` (N, K) and `log_s` (N, 1) carry the factor 2⁵¹².
    """

    top: NDArray[np.intp]
    m: NDArray[np.float64]
    below: Twofold
    e: Twofold
    s: Twofold
    others: Twofold
    log_s: Twofold

    @property
    def p(self) -> Twofold:
        """Probabilities (N, K), with the factor 2⁵¹²."""
        return self.e / self.s

    @property
    def lse(self) -> Twofold:
        """Log-sum-exp of each row (N, 1)."""
        return self.log_s.ldexp(-EXP_BITS) + self.m


def parts(z: NDArray[Any]) -> SoftmaxParts:
    """Take logits (N, K) apart into what every later formula is made of."""
    z = z.astype(np.float64)
    m = z.max(axis=-1, keepdims=True)  # (N, 1)
    z = _share_between_infinities(z, m)
    top = z.argmax(axis=-1)  # (N,)
    is_top = np.arange(z.shape[-1]) == top[:, None]  # (N, K)
    below = two_difference(z.max(axis=-1, keepdims=True), z)  # a row of only −∞ becomes NaN
    e = exp_scaled(-below)
    rest = where(is_top, 0.0, e).sum(-1, keepdims=True)  # (N, 1)
    total = rest + 2.0**EXP_BITS
    others = where(is_top, rest, total - e)  # off the top nothing cancels: others ≥ e_top ≥ e_k
    return SoftmaxParts(top, m, below, e, total.ldexp(-EXP_BITS), others, log1p_scaled(rest))


def _share_between_infinities(
    z: NDArray[np.float64], m: NDArray[np.float64]
) -> NDArray[np.float64]:
    """A row with +∞ logits is the limit of equal, ever larger ones: 0 there and −∞ elsewhere."""
    return np.where(np.isposinf(m), np.where(np.isposinf(z), 0.0, -np.inf), z)


def softmax(z: NDArray[Any]) -> NDArray[Any]:
    """Probabilities p (N, K) of logits z (N, K), in the type of z."""
    return parts(z).p.rounded(z.dtype, -EXP_BITS)


def plain_softmax(z: NDArray[Any], axis: int = -1) -> tuple[NDArray[Any], NDArray[Any]]:
    """Log-sum-exp (its axis kept) and probabilities, each operation rounded to the type of z.

    Training visits all rows many times and needs no more digits than its arithmetic has.
    """
    m = z.max(axis=axis, keepdims=True)
    e = np.exp(z - m)
    s = e.sum(axis=axis, keepdims=True)
    return m + np.log(s), e / s


def log_softmax(z: NDArray[Any]) -> NDArray[Any]:
    """Logarithms ln p (N, K): −(below + log1p(rest)), a sum of two numbers of one sign."""
    row = parts(z)
    return (-(row.below + row.log_s.ldexp(-EXP_BITS))).rounded(z.dtype)


def jacobian(z: NDArray[Any]) -> NDArray[Any]:
    """J (N, K, K), J_ij = ∂p_i/∂z_j = p_i (δ_ij − p_j), with 1 − p_i formed as others_i / s."""
    row, half = parts(z), EXP_BITS // 2
    p = row.p.ldexp(-half)  # two factors of 2²⁵⁶ make one of 2⁵¹²
    diagonal = np.eye(z.shape[-1], dtype=bool)  # (K, K)
    on = (p * (row.others / row.s).ldexp(-half))[:, :, None]
    off = -(p[:, :, None] * p[:, None, :])
    return where(diagonal, on, off).rounded(z.dtype, -EXP_BITS)


def jacobian_vector_product(row: SoftmaxParts, v: Twofold) -> tuple[Twofold, Twofold]:
    """J v = p ⊙ v − p (p·v) (N, K), with the factor 2⁵¹², and p·v (N, 1).

    J 1 = 0, so v may be counted from its value at the top class. Then p·v is small when the top
    class is almost certain, and J v keeps its digits.
    """
    p, half = row.p, EXP_BITS // 2
    v_top = v[np.arange(row.top.size), row.top][:, None]
    relative = v - v_top
    mean = (p * relative).sum(-1, keepdims=True)
    Jv = p * relative - p.ldexp(-half) * mean.ldexp(-half)
    return Jv, mean.ldexp(-EXP_BITS) + v_top
