"""Dual coordinate ascent for softmax regression over sparse rows, in plain NumPy.

Training minimises Σ_i L_i + ‖W‖² / (2 s). Its dual has a distribution p̂_i for every row: with the
row's target mass q, S = Σ_k q_k and ρ = q − S p̂, it maximises

    Σ_i S_i H(p̂_i) − (s / 2) ‖Σ_i x_i ρ_iᵀ‖²        and then W = s Σ_i x_i ρ_iᵀ,

H being the entropy. A bias without penalty would tie the rows by Σ_i ρ_i = 0; here it is
b + β Σ_i ρ_i instead, with β > 0 and a b that the caller moves (the method of multipliers).

A visit improves one p̂, the others as they are. Where z are the row's logits, α = S (s ‖x‖² + β)
and p̂ = softmax(t), the best p̂′ = softmax(t′) has t′ + α p̂′ = z + α p̂, up to a constant. A visit
takes one step of Newton's method towards it: with r = z − t and w = p̂ / (1 + α p̂),

    t′ = t + (r + α p̂ τ) / (1 + α p̂),      τ = Σ_k w_k r_k / Σ_k w_k.

The first visit finds ρ = 0 and starts from t = z, where r = α (q / S − p̂).
Before a visit the row adds S KL(p̂ ‖ softmax z) to the duality gap, nearly S Var_p̂(r) / 2.

This file is the specification; `compiled` is the same, fast.
Sources: Shalev-Shwartz & Zhang 2013, "Stochastic dual coordinate ascent methods for regularized
loss minimization"; Yu, Huang & Lin 2011, "Dual coordinate descent methods for logistic regression
and maximum entropy models".
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pminusy.core.softmax import plain_softmax
from pminusy.core.target_mass import row_mass
from pminusy.training.passes.specification import Csr, RowSubset, RowTargets

__all__ = ["ascend"]

Array = NDArray[Any]


def ascend(
    X: Csr,
    y: RowTargets,
    W: Array,
    b: Array,
    strength: tuple[float, float],
    rows: RowSubset,
    order: Array,
    T: Array,
    P: Array,
    moved: Array,
    *,
    first: bool,
) -> float:
    """Visit rows in some order; returns the duality gap as the visits found it (0 at first).

    `strength` is (s, β). W (D, ≥ K) and, by β Σ ρ, `moved` (K,) change; T and P (N, ≥ K) hold t
    and p̂ of every row. Columns beyond the K of b do not count.
    """
    K, gap = b.size, 0.0
    s, beta = strength
    for i in order:
        row = rows.offset + rows.stride * int(i)
        row = int(rows.chosen[row]) if rows.chosen.size else row
        Y = y.soft[row] if y.soft.shape[0] else np.arange(K) == y.labels[row]
        q = row_mass(Y, y.omega[row], y.own, y.spread)
        S = float(q.sum())
        if not S > 0:
            continue
        entries = slice(X.indptr[row], X.indptr[row + 1])
        x, at = X.data[entries].astype(W.dtype), X.indices[entries]
        z = x @ W[at, :K] + b + moved
        alpha = S * (s * float(x @ x) + beta)
        if first:
            t, p = z, plain_softmax(z)[1]
            before, r = q / S, alpha * (q / S - p)
        else:
            t, p = T[i, :K], P[i, :K].copy()
            before, r = p, z - t
            gap += 0.5 * S * float(p @ r**2 - (p @ r) ** 2)
        w = p / (1 + alpha * p)
        T[i, :K] = t + (r + alpha * p * ((w @ r) / w.sum())) / (1 + alpha * p)
        P[i, :K] = plain_softmax(T[i, :K])[1]
        change = S * (before - P[i, :K])
        moved += beta * change
        W[at, :K] += s * x[:, None] * change
    return gap
