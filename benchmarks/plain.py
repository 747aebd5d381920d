"""The head as one would write it with SciPy: the honest plain computation to compare with.

Every option, the standard shift by the maximum (inside SciPy), everything in the type of the
logits, and no further care.

Written from the formulas, sharing no line with `pminusy.core` nor with the oracle of the tests: of
three that agree, none has copied another's mistake.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

__all__ = [
    "cross_entropy_grad",
    "cross_entropy_hvp",
    "log_softmax",
    "softmax",
    "softmax_jacobian",
]

Array = NDArray[Any]


def softmax(z: Array) -> Array:
    """p = softmax(z)."""
    with np.errstate(all="ignore"):
        return np.asarray(special.softmax(z, axis=-1))


def log_softmax(z: Array) -> Array:
    """ln p."""
    with np.errstate(all="ignore"):
        return np.asarray(special.log_softmax(z, axis=-1))


def softmax_jacobian(z: Array) -> Array:
    """diag(p) − p pᵀ."""
    p = softmax(z)
    return np.asarray(
        p[:, :, None] * np.eye(z.shape[1], dtype=z.dtype) - p[:, :, None] * p[:, None, :]
    )


def cross_entropy_grad(u: Array, y: Array, **options: Any) -> tuple[Array, Array]:
    """Loss and dL_du."""
    z, t, _, q, S, lse, zeta = _parts(u, y, **options)
    with np.errstate(all="ignore"):
        terms = np.where(q == 0, 0, q * (lse - z)).sum(axis=-1)
        if zeta:
            terms = terms + (zeta * S * lse**2)[:, 0]
        losses = np.where(S[:, 0] == 0, 0, terms)
        gradient = np.where(S == 0, 0, t * (S * (1 + 2 * zeta * lse) * softmax(z) - q))
    loss = losses if options["reduction"] == "none" else losses.sum()
    return np.asarray(loss).astype(u.dtype), gradient.astype(u.dtype)


def cross_entropy_hvp(u: Array, y: Array, v: Array, **options: Any) -> Array:
    """H v."""
    z, t, bend, q, S, lse, zeta = _parts(u, y, **options)
    p, a = softmax(z), t * v
    with np.errstate(all="ignore"):
        common = S * (1 + 2 * zeta * lse)
        mean = (p * a).sum(axis=-1, keepdims=True)
        curved = common * (p * a - p * mean) + 2 * zeta * S * p * mean
        return np.where(S == 0, 0, t * curved + (common * p - q) * bend * v).astype(u.dtype)


def _parts(
    u: Array,
    y: Array,
    *,
    softcap: float | None = None,
    temperature: float = 1.0,
    z_loss: float = 0.0,
    **options: Any,
) -> tuple[Array, Array, Array, Array, Array, Array, float]:
    with np.errstate(all="ignore"):
        if softcap is None:
            t, bend = np.full_like(u, 1 / temperature), np.zeros_like(u)
            z = u / u.dtype.type(temperature)
        else:
            tanh = np.tanh(u.astype(np.float64) / softcap)
            z = (softcap * tanh / temperature).astype(u.dtype)
            t = ((1 - tanh**2) / temperature).astype(u.dtype)
            bend = (-2 / softcap * tanh * t).astype(u.dtype)
        q = _target_mass(y, *u.shape, **options).astype(u.dtype)
        lse = special.logsumexp(z, axis=-1, keepdims=True)
    return z, t, bend, q, q.sum(axis=-1, keepdims=True), lse, z_loss


def _target_mass(
    y: Array,
    N: int,
    K: int,
    *,
    weight: Any = None,
    sample_weight: Any = None,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    reduction: str = "mean",
    log_base: float | None = None,
) -> Array:
    w = np.ones(K) if weight is None else np.asarray(weight)
    omega = np.ones(N) if sample_weight is None else np.asarray(sample_weight)
    if y.ndim == 2:
        q, counted = ((1 - label_smoothing) * y + label_smoothing / K) * w, omega
    else:
        kept = y != ignore_index
        c = np.where(kept, y, 0)
        own = (np.arange(K) == c[:, None]) * w * (1 - label_smoothing)
        q = np.where(kept[:, None], own + label_smoothing / K * w, 0.0)
        counted = np.where(kept, w[c] * omega, 0.0)
    q = q * omega[:, None]
    if reduction == "mean":
        q = q / counted.sum() if counted.sum() else 0 * q
    return q if log_base is None else q / np.log(log_base)
