"""The head on some rows of logits: their loss, and δ = S p − q.

Twin: `..specification.head`; what a label's entry is made of, in `core.head`.
"""

# Numba infers the types of what it compiles; annotations would have no effect there.
# mypy: ignore-errors

from __future__ import annotations

import math

from pminusy.kernels.runtime.compilation import fast_inline, inline
from pminusy.kernels.simd.elementary import log1p
from pminusy.training.network.compiled.elementwise import exp_negative

__all__ = ["head"]


@fast_inline
def head(rows, order, first, count, z, delta, at, K):
    """Loss of rows order[first : first + count] with logits z (count, K); δ goes to delta."""
    if K == 1:
        return _one_logit(rows, order, first, count, z, delta, at)
    for i in range(count):
        _below_maximum(z, at + i * K, K)
    for i in range(at, at + count * K):
        delta[i] = exp_negative(z[i])
    loss = 0.0
    if rows.soft.shape[0] > 0:
        for i in range(count):
            loss += _soft(rows, order[first + i], z, delta, at + i * K, K)
    else:
        sigma = rows.spread.sum()
        for i in range(count):
            loss += _labelled(rows, order[first + i], z, delta, at + i * K, K, sigma)
    return loss


@fast_inline
def _below_maximum(z, at, K):
    m = z[at]
    for k in range(at + 1, at + K):
        if not z[k] <= m:  # NaN becomes the maximum
            m = z[k]
    for k in range(at, at + K):
        z[k] -= m


@inline
def _log_sum(others, e):
    """ln(others + e) where the greater of the terms is 1 or all of others: without reordering."""
    return log1p(others + (e - 1.0))


@fast_inline
def _labelled(rows, row, z, delta, at, K, sigma):
    omega, label = rows.omega[row], rows.labels[row]
    if omega == 0.0:
        delta[at : at + K] = 0
        return 0.0
    e = float(delta[at + label])
    delta[at + label] = 0
    others = 0.0
    for k in range(at, at + K):
        others += float(delta[k])
    own, logs = rows.own[label], _log_sum(others, e)
    loss = own * (logs - float(z[at + label])) + sigma * logs
    inverse = omega / (others + e)
    scale = delta.dtype.type((own + sigma) * inverse)
    for k in range(at, at + K):
        delta[k] *= scale
    delta[at + label] = (sigma * e - own * others) * inverse
    if sigma > 0.0:
        for k in range(K):
            loss -= rows.spread[k] * float(z[at + k])
            delta[at + k] -= delta.dtype.type(omega * rows.spread[k])
    return omega * loss


@fast_inline
def _soft(rows, row, z, delta, at, K):
    omega, total, least, e = rows.omega[row], 0.0, 0.0, 0.0
    if omega == 0.0:
        delta[at : at + K] = 0
        return 0.0
    for k in range(K):
        q = omega * (rows.own[k] * rows.soft[row, k] + rows.spread[k])
        total += q
        if q > 0.0:
            least -= q * float(z[at + k])
        e += float(delta[at + k])
    scale = total / e
    for k in range(K):
        q = omega * (rows.own[k] * rows.soft[row, k] + rows.spread[k])
        delta[at + k] = scale * delta[at + k] - q
    return least + total * math.log(e)


@fast_inline
def _one_logit(rows, order, first, count, z, delta, at):
    """Two classes: p = σ(z) is that of the second, and δ = q₀ σ(z) − q₁ σ(−z)."""
    soft, loss = rows.soft.shape[0] > 0, 0.0
    for i in range(count):
        row = order[first + i]
        x, omega = float(z[at + i]), rows.omega[row]
        if omega == 0.0:
            delta[at + i] = 0
            continue
        if soft:
            q0, q1 = rows.own[0] * rows.soft[row, 0], rows.own[1] * rows.soft[row, 1]
        elif rows.labels[row] == 1:
            q0, q1 = 0.0, rows.own[1]
        else:
            q0, q1 = rows.own[0], 0.0
        q0, q1 = omega * (q0 + rows.spread[0]), omega * (q1 + rows.spread[1])
        e = exp_negative(-abs(x))
        larger, smaller = 1.0 / (1.0 + e), e / (1.0 + e)
        log = log1p(e)
        if x > 0:
            loss += q0 * (x + log) + q1 * log
            delta[at + i] = q0 * larger - q1 * smaller
        else:
            loss += q0 * log + q1 * (log - x)
            delta[at + i] = q0 * smaller - q1 * larger
    return loss
