"""Newton's method over a small matrix in one compiled call: `newton.dense_newton`, fast.

Rows are the second axis, so every inner loop runs along whole vectors. Only for rows with all
their mass at a label, and for steps solved with the Hessian itself.

Twin: `newton.dense_newton` with `direct`, over `objective` and `models`.
"""

# Numba infers the types of what it compiles; annotations would have no effect there.
from __future__ import annotations

from typing import Any

import numpy as np

from pminusy.kernels.runtime.compilation import fast_inline, fast_jit, inline
from pminusy.kernels.simd.elementary import SCALE64, exp_reduced, log1p

__all__ = [
    "EXHAUSTED",
    "REACHED",
    "STALLED",
    "add_penalty",
    "descend",
    "dot",
    "largest",
    "outcome",
    "searched",
]

REACHED, EXHAUSTED, STALLED = 0, 1, 2  # how it ended

_UNSCALE = 1.0 / SCALE64
_LEAST = 1e-300  # a probability below is 0 but for its logarithm


@inline
def _exp(x: Any) -> Any:
    """e^x for x ≤ 0."""
    return exp_reduced(x, 0.0) * _UNSCALE


@fast_jit
def descend(
    x: Any,
    labels: Any,
    S: Any,
    V: Any,
    penalty: Any,
    size: Any,
    centre: Any,
    tol: Any,
    settings: Any,
    history: Any,
) -> Any:
    """Minimise from V (K − 1, E), which is moved; how it ended, and after how many iterations.

    `x` (E, N), `labels` and `S` (N,) are the rows, `penalty` (E,) the ridge, `size` and `centre`
    (E,) those of the features, and `history` (·, 3) is given value, largest gradient entry and
    visits after every iteration, of which there are no more than it has room for.
    """
    K, E, N = V.shape[0] + 1, V.shape[1], x.shape[1]
    z, p, R = np.zeros((K - 1, N)), np.empty((K, N)), np.empty((K - 1, N))
    z_at, p_at, R_at = np.empty((K - 1, N)), np.empty((K, N)), np.empty((K - 1, N))
    A, scratch = np.empty((K - 1, N)), np.empty((3, N))
    G, D = np.empty((K - 1, E)), np.empty((K - 1, E))
    H = np.empty(((K - 1) * E, (K - 1) * E))
    factor, shared = np.empty_like(H), np.empty((E, E))
    weighted, block = np.empty((E, N)), np.empty((E, E))
    pulled, pulled_D = np.empty((K - 1, E)), np.empty((K - 1, E))
    started = np.any(V != 0.0)
    if started:
        np.dot(V, x, z)
    value = outcome(z, labels, S, p, R, scratch)
    visits, iterations, failures, idle = 1.0, 0, 0, 0
    np.dot(R, x.T, G)
    value += add_penalty(V, penalty, pulled, G)
    left, caution, least = abs(value), 1.0, np.inf
    built, quadratic, alike = False, False, False
    while True:
        optimality = largest(G, size, centre)
        history[iterations, 0] = value
        history[iterations, 1] = optimality
        history[iterations, 2] = visits
        if optimality <= tol:
            return REACHED, iterations
        if iterations > 0 and failures == 0:
            if optimality < 0.9 * least:
                least, idle = optimality, 0
            else:
                idle += 1
            if idle > settings.patience and left <= settings.rounding * abs(value):
                return STALLED, iterations
        if iterations == history.shape[0] - 1:
            return EXHAUSTED, iterations
        if not (built and quadratic):
            damping = settings.damping * caution * left
            alike = K > 2 and iterations == 0 and not started
            if alike:
                _gram(x, S, 1.0 / K, weighted, shared)
                for i in range(E):
                    shared[i, i] += penalty[i] + damping
                good = _cholesky(shared, factor)
            else:
                _hessian(x, S, p, penalty, damping, weighted, block, H)
                good = _cholesky(H, factor)
            if not good:
                return STALLED, iterations
            built = True
        if alike:
            _solve_alike(factor, G, D)
        else:
            _solve(factor, G.reshape(-1), D.reshape(-1))
        promised = -dot(G, D)
        if not promised > settings.floor * abs(value):
            return STALLED, iterations
        np.dot(D, x, A)
        visits += 1.0
        step, loss = searched(
            z, A, labels, S, promised, value, settings.falling, settings,
            dot(V, pulled), dot(D, pulled), 2.0 * add_penalty(D, penalty, pulled_D, None),
            z_at, p_at, R_at, scratch,
        )  # fmt: skip
        good = step > 0.0
        if not good:
            failures += 1
            if failures > settings.failures:
                return STALLED, iterations
            built = False
            caution = min(settings.caution * caution, settings.most_caution)
            continue
        for k in range(K - 1):
            for e in range(E):
                V[k, e] += step * D[k, e]
        z, z_at = z_at, z
        p, p_at = p_at, p
        R, R_at = R_at, R
        np.dot(R, x.T, G)
        value = loss + add_penalty(V, penalty, pulled, G)
        iterations += 1
        failures = 0
        quadratic = step == 1.0 and promised <= settings.quadratic * left
        left = min(promised, abs(value))
        if step < 0.5:
            caution = min(settings.caution * caution, settings.most_caution)
        elif step >= 1.0:
            caution = max(caution / settings.caution, settings.least_caution)


@fast_inline
def searched(
    z: Any,
    A: Any,
    labels: Any,
    S: Any,
    promised: Any,
    value: Any,
    falling: Any,
    settings: Any,
    own: Any,
    slope: Any,
    bent: Any,
    z_at: Any,
    p_at: Any,
    R_at: Any,
    scratch: Any,
) -> Any:
    """A step along logits A, 0 if none is good, and the loss there; twin: `line_search`.

    Of the penalty `own` is twice the value at z, `slope` and `bent` are its derivatives.
    """
    step, good, loss = 1.0, False, 0.0
    low, low_slope, high, high_slope = 0.0, -promised, np.inf, np.nan
    highest = value + settings.rise * abs(value)
    for look in range(settings.looks + 1):
        _move(z, A, step, z_at)
        loss = outcome(z_at, labels, S, p_at, R_at, scratch)
        found = loss + 0.5 * own + step * slope + 0.5 * step * step * bent
        there = dot(R_at, A) + slope + step * bent
        if look == 0 and found <= highest:
            good = -falling * promised <= there and there <= settings.above * promised
        elif look > 0 and found <= highest:
            good = abs(there) <= settings.target * promised
        if good:
            return step, loss
        if not (np.isfinite(there) and np.isfinite(found)):
            high, high_slope = step, np.nan
        elif there < 0:
            low, low_slope = step, there
        else:
            high, high_slope = step, there
        curvature = np.nan
        if step != 1.0:
            curvature = _curvature(p_at, S, A, scratch) + bent
        step = _next(low, low_slope, high, high_slope, step, there, curvature)
    if low > 0.0:
        _move(z, A, low, z_at)
        loss = outcome(z_at, labels, S, p_at, R_at, scratch)
    return low, loss


@fast_inline
def outcome(z: Any, labels: Any, S: Any, p: Any, R: Any, scratch: Any) -> Any:
    """Loss, probabilities (K, N) and residual (K − 1, N) of logits (K − 1, N)."""
    K, N = p.shape
    most, total, rest = scratch[0], scratch[1], scratch[2]
    for n in range(N):
        most[n] = 0.0
        rest[n] = 0.0
    for k in range(K - 1):
        for n in range(N):
            most[n] = max(most[n], z[k, n])
    for n in range(N):
        p[0, n] = _exp(-most[n])
        total[n] = p[0, n]
    for k in range(1, K):
        for n in range(N):
            p[k, n] = _exp(z[k - 1, n] - most[n])
            total[n] += p[k, n]
    for k in range(K):
        for n in range(N):
            p[k, n] /= total[n]
            rest[n] += 0.0 if labels[n] == k else p[k, n]
    for k in range(1, K):
        for n in range(N):
            R[k - 1, n] = S[n] * (-rest[n] if labels[n] == k else p[k, n])
    loss = 0.0
    for n in range(N):  # most is spent: it holds the probability of the label
        own = p[labels[n], n]
        if own < _LEAST:
            at = z[labels[n] - 1, n] if labels[n] > 0 else 0.0
            loss += S[n] * (np.log(total[n]) + most[n] - at)
            rest[n], own = 0.0, 1.0
        most[n] = own
    for n in range(N):
        loss += S[n] * log1p(rest[n] / most[n])
    return loss


@fast_inline
def add_penalty(V: Any, penalty: Any, pulled: Any, G: Any) -> Any:
    """½ λ of V, whose gradient becomes `pulled` and is added to G, if there is one."""
    K, E = V.shape[0] + 1, V.shape[1]
    value = 0.0
    for e in range(E):
        mean = 0.0
        for k in range(K - 1):
            mean += V[k, e]
        mean /= K
        for k in range(K - 1):
            pulled[k, e] = penalty[e] * (V[k, e] - mean)
            value += V[k, e] * pulled[k, e]
    if G is not None:
        for k in range(K - 1):
            for e in range(E):
                G[k, e] += pulled[k, e]
    return 0.5 * value


@fast_inline
def largest(G: Any, size: Any, centre: Any) -> Any:
    """Largest absolute entry of the gradient in (W, b), of every class."""
    most, E = 0.0, G.shape[1]
    for e in range(E):
        total = 0.0
        for k in range(G.shape[0]):
            own = G[k, e] * size[e] + G[k, E - 1] * centre[e]
            total += own
            most = max(most, abs(own))
        most = max(most, abs(total))
    return most


@fast_inline
def _gram(x: Any, weight: Any, factor: Any, weighted: Any, out: Any) -> None:
    """Σ w x xᵀ times a factor."""
    for e in range(x.shape[0]):
        for n in range(x.shape[1]):
            weighted[e, n] = x[e, n] * (factor * weight[n])
    np.dot(weighted, x.T, out)


@fast_inline
def _hessian(
    x: Any, S: Any, p: Any, penalty: Any, damping: Any, weighted: Any, block: Any, H: Any
) -> None:
    """All classes coupled, in the differences from the first."""
    K, E = p.shape[0], x.shape[0]
    weight = np.empty(S.size)
    for k in range(1, K):
        for m in range(k, K):
            if k == m:
                for n in range(S.size):
                    weight[n] = S[n] * p[k, n] * (1.0 - p[k, n])
            else:
                for n in range(S.size):
                    weight[n] = -S[n] * p[k, n] * p[m, n]
            _gram(x, weight, 1.0, weighted, block)
            for i in range(E):
                block[i, i] -= penalty[i] / K
            for i in range(E):
                for j in range(E):
                    H[(k - 1) * E + i, (m - 1) * E + j] = block[i, j]
                    H[(m - 1) * E + i, (k - 1) * E + j] = block[i, j]
    for k in range(K - 1):
        for i in range(E):
            H[k * E + i, k * E + i] += penalty[i] + damping


@fast_inline
def _cholesky(H: Any, L: Any) -> Any:
    """L with L Lᵀ = H and what rounding asks for; rows of L hold 1 / diagonal at their end."""
    n = H.shape[0]
    spread = _LEAST
    for i in range(n):
        spread = max(spread, H[i, i])
    share = 1e-14
    while share < 1e3:
        if _factored(H, L, share, spread):
            return True
        share *= 100.0
    return False


@fast_inline
def _factored(H: Any, L: Any, share: Any, spread: Any) -> Any:
    n = H.shape[0]
    for i in range(n):
        for j in range(i):
            total = H[i, j]
            for m in range(j):
                total -= L[i, m] * L[j, m]
            L[i, j] = total * L[j, j]
        total = H[i, i] + share * (spread + H[i, i])
        for m in range(i):
            total -= L[i, m] * L[i, m]
        if not total > 0.0:
            return False
        L[i, i] = 1.0 / np.sqrt(total)
    return True


@fast_inline
def _solve(L: Any, g: Any, out: Any) -> None:
    """−H⁻¹ g by the factor of H."""
    n = g.size
    for i in range(n):
        total = -g[i]
        for m in range(i):
            total -= L[i, m] * out[m]
        out[i] = total * L[i, i]
    for i in range(n - 1, -1, -1):
        out[i] *= L[i, i]
        for m in range(i):
            out[m] -= L[i, m] * out[i]


@fast_inline
def _solve_alike(L: Any, G: Any, D: Any) -> None:
    """The same where all classes are equally likely: one factor for all."""
    right = np.empty(G.shape[1])
    for k in range(G.shape[0]):
        for e in range(G.shape[1]):
            right[e] = G[k, e]
            for m in range(G.shape[0]):
                right[e] += G[m, e]
        _solve(L, right, D[k])


@fast_inline
def dot(a: Any, b: Any) -> Any:
    """Sum of products."""
    total = 0.0
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            total += a[i, j] * b[i, j]
    return total


@fast_inline
def _move(z: Any, A: Any, step: Any, out: Any) -> None:
    for k in range(z.shape[0]):
        for n in range(z.shape[1]):
            out[k, n] = z[k, n] + step * A[k, n]


@fast_inline
def _curvature(p: Any, S: Any, A: Any, scratch: Any) -> Any:
    """Σ S (Σ p a² − (Σ p a)²)."""
    mean, square = scratch[0], scratch[1]
    for n in range(S.size):
        mean[n] = 0.0
        square[n] = 0.0
    for k in range(A.shape[0]):
        for n in range(S.size):
            pa = p[k + 1, n] * A[k, n]
            mean[n] += pa
            square[n] += pa * A[k, n]
    total = 0.0
    for n in range(S.size):
        total += S[n] * (square[n] - mean[n] * mean[n])
    return total


@fast_inline
def _next(
    low: Any, low_slope: Any, high: Any, high_slope: Any, at: Any, slope: Any, curvature: Any
) -> Any:
    """The next step to look at; twin: `line_search._next`."""
    if np.isfinite(slope) and curvature > 0.0:
        step = at - slope / curvature
    elif np.isfinite(high_slope):
        step = low - low_slope * (high - low) / (high_slope - low_slope)
    else:
        step = np.nan
    if np.isinf(high):
        return min(max(step, 1.5 * low), 10.0 * low) if step > low else 3.0 * low
    width = high - low
    if not (low + 0.05 * width < step and step < high - 0.05 * width):
        near = low == 0.0 or not np.isfinite(high_slope)
        step = low + (0.1 if near else 0.5) * width
    return step
