"""The softmax cross-entropy head in 50-digit arithmetic: the truth the package is held against.

Written from the formulas alone, one row at a time, and sharing no line with `pminusy.core`: the
exponentials are not shifted, `1 − p` is a subtraction, a logarithm of a probability is a logarithm.
That is possible because mpmath's exponents are unbounded and because the working precision grows
with what a row is about to lose: the digits of its largest logit, and the digits by which its
largest probability differs from 1.

    q_k   = ω w_c (1 − ε) [k = c] + ω w_k ε / K                 soft: ω w_k ((1 − ε) Y_k + ε / K)
    z     = κ tanh(u / κ) / T,   t = sech²(u / κ) / T,   z″ = −(2 / κ) tanh(u / κ) t
    L     = −Σ_k q_k ln p_k + ζ S lse²
    dL_du = t ⊙ (S (1 + 2 ζ lse) p − q)
    H v   = t ⊙ [S (1 + 2 ζ lse) (p ⊙ a − p (p·a)) + 2 ζ S p (p·a)] + dL_dz ⊙ z″ ⊙ v,   a = t ⊙ v
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from mpmath import mp, mpf

DIGITS = 50
"""Digits that are right in every result, with some more as a guard."""

Number = Any  # an mpf: mpmath carries no types
Numbers = Sequence[Any]

ZERO, INFINITY, NAN = mpf(0), mpf("inf"), mpf("nan")


@dataclass(frozen=True, slots=True)
class Row:
    """One row, and beside each gradient entry the largest of the terms it is made of."""

    loss: Number
    p: list[Number]
    log_p: list[Number]
    lse: Number
    dL_dz: list[Number]
    dL_du: list[Number]
    largest_term: list[Number]
    Hv: list[Number]
    largest_term_Hv: list[Number]


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows, and their loss as the reduction wants it."""

    rows: list[Row]
    loss: Number | list[Number]


def digits_needed(z: Numbers) -> int:
    """Digits to work with so that `DIGITS` remain after every subtraction in a row."""
    finite = sorted((x for x in z if mp.isfinite(x)), reverse=True)
    if not finite:
        return DIGITS
    magnitude = max(abs(finite[0]), abs(finite[-1]), 1)
    gap = min(float(finite[0] - finite[1]), 4000.0) if len(finite) > 1 else 0.0
    return DIGITS + 15 + int(mp.log10(magnitude)) + math.ceil(gap / math.log(10))


def exact(values: Any) -> list[Number]:
    """Floats as mpf numbers, without rounding."""
    return [mpf(float(value)) for value in values]


def softmax(z: Numbers) -> list[Number]:
    """p_k = e^{z_k} / Σ_j e^{z_j}, with the conventions for −∞, +∞ and NaN."""
    if any(mp.isnan(x) for x in z) or all(x == -INFINITY for x in z):
        return [NAN] * len(z)
    certain = [x == INFINITY for x in z]
    if any(certain):
        return [mpf(1) / sum(certain) if is_certain else ZERO for is_certain in certain]
    e = [ZERO if x == -INFINITY else mp.exp(x) for x in z]
    s = mp.fsum(e)
    return [x / s for x in e]


def log_sum_exp(z: Numbers) -> Number:
    """Lse = ln Σ_k e^{z_k}."""
    if any(mp.isnan(x) for x in z):
        return NAN
    if INFINITY in z:
        return INFINITY
    e = [mp.exp(x) for x in z if x != -INFINITY]
    return mp.log(mp.fsum(e)) if e else NAN


def jacobian(z: Numbers) -> list[list[Number]]:
    """J_ij = p_i (δ_ij − p_j)."""
    with mp.workdps(digits_needed(z)):
        p = softmax(z)
        return [[p_i * ((i == j) - p_j) for j, p_j in enumerate(p)] for i, p_i in enumerate(p)]


def log_probabilities(z: Numbers) -> tuple[list[Number], list[Number]]:
    """p and ln p, as many digits of each as `DIGITS`."""
    with mp.workdps(digits_needed(z)):
        p = softmax(z)
        return p, [-INFINITY if x == 0 else mp.log(x) for x in p]


def logits(u: Numbers, *, softcap: float | None = None, temperature: float = 1.0) -> list[Number]:
    """z = κ tanh(u / κ) / T."""
    if softcap is None:
        return [x / mpf(temperature) for x in u]
    return [mpf(softcap) * mp.tanh(x / mpf(softcap)) / mpf(temperature) for x in u]


def slope_and_bend(
    u: Numbers, *, softcap: float | None = None, temperature: float = 1.0
) -> tuple[list[Number], list[Number]]:
    """t = dz/du and z″ = d²z/du²."""
    if softcap is None:
        return [1 / mpf(temperature)] * len(u), [ZERO] * len(u)
    cap, T = mpf(softcap), mpf(temperature)
    t = [ZERO if mp.isinf(x) else mp.sech(x / cap) ** 2 / T for x in u]
    return t, [-(2 / cap) * mp.tanh(x / cap) * t_k for x, t_k in zip(u, t, strict=True)]


def target_mass(
    y: Any,
    N: int,
    K: int,
    *,
    weight: Any = None,
    sample_weight: Any = None,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    reduction: str = "mean",
    num_items: float | None = None,
    log_base: float | None = None,
) -> list[list[Number]]:
    """Target mass q (N, K), the denominator of the reduction and ln B included."""
    with mp.workdps(DIGITS + 10):  # fewer than in `row`, so that S = q_c holds exactly there
        w = exact(np.ones(K) if weight is None else weight)
        omega = exact(np.ones(N) if sample_weight is None else sample_weight)
        epsilon = mpf(label_smoothing)
        soft = np.ndim(y) == 2
        q, counted = [], []
        for i in range(N):
            if soft:
                Y = exact(y[i])
                q.append([omega[i] * w[k] * ((1 - epsilon) * Y[k] + epsilon / K) for k in range(K)])
                counted.append(omega[i])
            elif y[i] == ignore_index:
                q.append([ZERO] * K)
            else:
                c = int(y[i])
                own = [omega[i] * w[c] * (1 - epsilon) if k == c else ZERO for k in range(K)]
                q.append([own[k] + omega[i] * w[k] * epsilon / K for k in range(K)])
                counted.append(omega[i] * w[c])
        denominator = mp.fsum(counted) if reduction == "mean" else mpf(1)
        if num_items is not None:
            denominator = mpf(num_items)
        if denominator == 0:
            return [[ZERO] * K for _ in range(N)]
        if log_base is not None:
            denominator = denominator * mp.log(mpf(log_base))
        return [[x / denominator for x in row] for row in q]


def row(
    u: Numbers,
    q: Numbers,
    *,
    v: Numbers | None = None,
    z: Numbers | None = None,
    z_loss: float = 0.0,
    softcap: float | None = None,
    temperature: float = 1.0,
) -> Row:
    """One row with target mass q; `z` replaces the transformed logits where these were rounded."""
    K = len(u)
    v = [ZERO] * K if v is None else v
    given = z if z is not None else (u if softcap is None and temperature == 1.0 else None)
    with mp.workdps(digits_needed(u if given is None else given)):
        z = logits(u, softcap=softcap, temperature=temperature) if given is None else given
        t, bend = slope_and_bend(u, softcap=softcap, temperature=temperature)
        S, zeta = mp.fsum(q), mpf(z_loss)
        p, lse = softmax(z), log_sum_exp(z) if z_loss else ZERO
        if S == 0:
            zeros = [ZERO] * K
            return Row(ZERO, p, zeros, lse, zeros, zeros, zeros, zeros, zeros)
        log_p = [_log(x) for x in p]
        loss = -mp.fsum(q_k * log_p[k] for k, q_k in enumerate(q) if q_k) + zeta * S * lse**2
        pull = [2 * zeta * S * lse * x if zeta and x else ZERO for x in p]
        g = [S * p[k] - q[k] + pull[k] for k in range(K)]
        a = [t[k] * v[k] for k in range(K)]
        mean = mp.fsum(p[k] * a[k] for k in range(K))
        common = S * (1 + 2 * zeta * lse)
        terms = [
            (
                t[k] * common * p[k] * a[k],
                -t[k] * common * p[k] * mean,
                t[k] * 2 * zeta * S * p[k] * mean,
                g[k] * bend[k] * v[k],
            )
            for k in range(K)
        ]
        return Row(
            loss=loss,
            p=p,
            log_p=log_p,
            lse=lse,
            dL_dz=g,
            dL_du=[t[k] * g[k] for k in range(K)],
            largest_term=[abs(t[k]) * max(S * p[k], q[k], abs(pull[k])) for k in range(K)],
            Hv=[mp.fsum(parts) for parts in terms],
            largest_term_Hv=[max(abs(part) for part in parts) for parts in terms],
        )


def batch(
    u: Any,
    y: Any,
    *,
    v: Any = None,
    z: Any = None,
    z_loss: float = 0.0,
    softcap: float | None = None,
    temperature: float = 1.0,
    **options: Any,
) -> Batch:
    """Every row of u (N, K) with its targets and options, and the reduced loss."""
    N, K = np.shape(u)
    q = target_mass(y, N, K, **options)
    rows = [
        row(
            exact(u[i]),
            q[i],
            v=None if v is None else exact(v[i]),
            z=None if z is None else exact(z[i]),
            z_loss=z_loss,
            softcap=softcap,
            temperature=temperature,
        )
        for i in range(N)
    ]
    losses = [one.loss for one in rows]
    if options.get("reduction", "mean") == "none":
        return Batch(rows, losses)
    with mp.workdps(DIGITS):
        return Batch(rows, mp.fsum(losses))


def _log(x: Number) -> Number:
    return -INFINITY if x == 0 else mp.log(x)
