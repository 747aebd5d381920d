"""Newton's method by conjugate gradients over a matrix, compiled: `newton.dense_newton`, fast.

What a step costs is products with the Hessian, so rows lie in float32 and in tiles of 64: as P
(tiles, 64, E') for sums over rows and, where features are few, as F (tiles, E', 64) for logits,
with E' features in whole vectors. A product reads them once, and nothing of Python.

Twin: `newton.dense_newton` without `direct`, over `objective` and `models`.
"""

# Numba infers the types of what it compiles; annotations would have no effect there.
from __future__ import annotations

from typing import Any

import numpy as np

from pminusy.kernels.runtime.compilation import fast_inline, fast_jit
from pminusy.training.dense.compiled import (
    EXHAUSTED,
    REACHED,
    STALLED,
    add_penalty,
    dot,
    largest,
    outcome,
    searched,
)
from pminusy.training.passes.compiled.few_features import few_outer, transposed_products
from pminusy.training.passes.specification import TILE

__all__ = ["SPENT", "descend", "step"]

SPENT = 3  # how it ended: the products that diagonals may cost are used up


@fast_jit
def descend(
    x: Any,
    by_row: Any,
    P: Any,
    F: Any,
    squares: Any,
    labels: Any,
    S: Any,
    V: Any,
    penalty: Any,
    size: Any,
    centre: Any,
    factor: Any,
    features: Any,
    tol: Any,
    budget: Any,
    settings: Any,
    history: Any,
) -> Any:
    """Minimise from V (K − 1, E), which is moved, with diagonals before the products.

    How it ended, after how many iterations and products. `budget` is how many products there may
    be; `squares` (64 tiles, E') are those of the rows; `factor` (N, N), transposed, and `features`
    (D, N) are those of `row_space`, and empty elsewhere; the other arguments are those of
    `compiled.descend`.
    """
    K, E, N = V.shape[0] + 1, V.shape[1], x.shape[1]
    z, p, R = np.zeros((K - 1, N)), np.empty((K, N)), np.empty((K - 1, N))
    z_at, p_at, R_at = np.empty((K - 1, N)), np.empty((K, N)), np.empty((K - 1, N))
    A, scratch = np.empty((K - 1, N)), np.empty((3, N))
    G, D = np.empty((K - 1, E)), np.empty((K - 1, E))
    pulled, pulled_D = np.empty((K - 1, E)), np.empty((K - 1, E))
    inverse, none = np.empty((K, E)), np.empty((0, 0, 0), np.float32)
    spread = np.zeros((K, squares.shape[0]), np.float32)
    room = _room(P, K)
    if np.any(V != 0.0):
        np.dot(V, x, z)
    value = outcome(z, labels, S, p, R, scratch)
    visits, iterations, failures, idle, products = 1.0, 0, 0, 0, 0
    np.dot(R, by_row, G)
    value += add_penalty(V, penalty, pulled, G)
    left, caution, least, first = abs(value), 1.0, np.inf, 0.0
    while True:
        optimality = _largest(G, size, centre, factor, features)
        history[iterations, 0] = value
        history[iterations, 1] = optimality
        history[iterations, 2] = visits
        if optimality <= tol:
            return REACHED, iterations, products
        if iterations > 0 and failures == 0:
            if optimality < 0.9 * least:
                least, idle = optimality, 0
            else:
                idle += 1
            if idle > settings.patience and left <= settings.rounding * abs(value):
                return STALLED, iterations, products
        if iterations == history.shape[0] - 1:
            return EXHAUSTED, iterations, products
        if products >= budget:
            return SPENT, iterations, products
        damping = settings.damping * caution * left
        for k in range(K):
            for n in range(N):
                spread[k, n] = S[n] * p[k, n] * (1.0 - p[k, n])
        _diagonals(np.dot(spread, squares), penalty, damping, inverse)
        _solve(inverse, none, G, D)
        length = np.sqrt(max(dot(G, D), 0.0))
        first = first if first > 0.0 else length
        forcing = min(settings.forcing, np.sqrt(length / first)) if first > 0.0 else 0.0
        most = min(max(budget - products, settings.fewest), settings.most)
        _stand(p, S, room)
        count = _by_products(
            P, F, G, inverse, none, penalty, damping, forcing, most, room, D
        )  # fmt: skip
        products += count
        visits += count
        promised = -dot(G, D)
        if not promised > settings.floor * abs(value):
            return STALLED, iterations, products
        np.dot(D, x, A)
        visits += 1.0
        step, loss = searched(
            z, A, labels, S, promised, value, settings.last, settings,
            dot(V, pulled), dot(D, pulled), 2.0 * add_penalty(D, penalty, pulled_D, None),
            z_at, p_at, R_at, scratch,
        )  # fmt: skip
        if not step > 0.0:
            failures += 1
            if failures > settings.failures:
                return STALLED, iterations, products
            caution = min(settings.caution * caution, settings.most_caution)
            continue
        for k in range(K - 1):
            for e in range(E):
                V[k, e] += step * D[k, e]
        z, z_at = z_at, z
        p, p_at = p_at, p
        R, R_at = R_at, R
        np.dot(R, by_row, G)
        value = loss + add_penalty(V, penalty, pulled, G)
        iterations += 1
        failures = 0
        left = min(promised, abs(value))
        if step < 0.5:
            caution = min(settings.caution * caution, settings.most_caution)
        elif step >= 1.0:
            caution = max(caution / settings.caution, settings.least_caution)


@fast_jit
def step(
    P: Any,
    F: Any,
    p: Any,
    S: Any,
    G: Any,
    inverses: Any,
    penalty: Any,
    damping: Any,
    forcing: Any,
    most: Any,
    D: Any,
) -> Any:
    """A step D for a gradient G; returns its products. `inverses` (K, E, E) are of class blocks."""
    K = inverses.shape[0]
    room = _room(P, K)
    _stand(p[p.shape[0] - K :], S, room)
    none = np.empty((0, 0))
    return _by_products(P, F, G, none, inverses, penalty, damping, forcing, most, room, D)


@fast_inline
def _largest(G: Any, size: Any, centre: Any, factor: Any, features: Any) -> Any:
    """Largest absolute entry of the gradient in (W, b), of every class."""
    K, N = G.shape[0] + 1, factor.shape[0]
    if N == 0:
        return largest(G, size, centre)
    A = np.empty((K - 1, N))
    for k in range(K - 1):
        for i in range(N - 1, -1, -1):
            total = G[k, i]
            for m in range(i + 1, N):
                total -= factor[i, m] * A[k, m]
            A[k, i] = total / factor[i, i]
    D = features.shape[0]
    over = np.empty((K - 1, D + G.shape[1] - N))
    over[:, :D] = np.dot(A, features.T)
    over[:, D:] = G[:, N:]
    return largest(over, size, centre)


@fast_inline
def _diagonals(curvature: Any, penalty: Any, damping: Any, inverse: Any) -> None:
    """Inverses of the diagonals of diagonal blocks; of two classes one row stands for both."""
    K, E = inverse.shape
    for k in range(K):
        for e in range(E):
            if K == 2:
                inverse[k, e] = 0.5 / (curvature[k, e] + 0.5 * penalty[e] + damping)
            else:
                inverse[k, e] = 1.0 / (curvature[k, e] + penalty[e] + damping)


@fast_inline
def _solve(inverse: Any, inverses: Any, G: Any, out: Any) -> None:
    """The model's inverse times G: each class by its own, less the first."""
    K, E = G.shape[0] + 1, G.shape[1]
    total = np.zeros(E)
    for k in range(K - 1):
        for e in range(E):
            total[e] += G[k, e]
    if inverses.shape[0] == 0:
        for k in range(K - 1):
            for e in range(E):
                out[k, e] = inverse[k + 1, e] * G[k, e] + inverse[0, e] * total[e]
        return
    right = np.empty(E, np.float32)
    right[:] = total
    common = np.dot(inverses[0], right)
    for k in range(K - 1):
        right[:] = G[k]
        own = np.dot(inverses[k + 1], right)
        for e in range(E):
            out[k, e] = own[e] + common[e]


@fast_inline
def _room(P: Any, K: Any) -> Any:
    """What products need: p and S of tiles, logits of one, no bias, weights and their sums."""
    T, E = P.shape[0], P.shape[2]
    single = np.float32
    p, S = np.zeros((T, K - 1, TILE), single), np.zeros((T, TILE), single)
    A, mean, none = np.empty((K - 1, TILE), single), np.empty(TILE, single), np.zeros(K - 1, single)
    return p, S, A, mean, none, np.zeros((K - 1, E), single), np.empty((K - 1, E), single)


@fast_inline
def _stand(p: Any, S: Any, room: Any) -> None:
    """Note where products are: probabilities p (K, N) in tiles."""
    tiles, masses = room[0], room[1]
    N = S.size
    for t in range(masses.shape[0]):
        n = min(TILE, N - t * TILE)
        for i in range(n):
            masses[t, i] = S[t * TILE + i]
        for k in range(tiles.shape[1]):
            for i in range(n):
                tiles[t, k, i] = p[k + 1, t * TILE + i]


@fast_inline
def _times(P: Any, F: Any, d: Any, penalty: Any, damping: Any, room: Any, out: Any) -> None:
    """The damped Hessian times a direction d (K − 1, E), in float32 sums."""
    p, S, A, mean, none, V, G = room
    k1, E = d.shape
    for k in range(k1):
        for e in range(E):
            V[k, e] = d[k, e]
    G[:] = 0
    for t in range(S.shape[0]):
        if F.shape[0] > 0:
            transposed_products(F[t], V, none, A)
        else:
            _long_products(P[t], V, A)
        mean[:] = 0
        for k in range(k1):
            for i in range(TILE):
                mean[i] += p[t, k, i] * A[k, i]
        for k in range(k1):
            for i in range(TILE):
                A[k, i] = S[t, i] * p[t, k, i] * (A[k, i] - mean[i])
        few_outer(P[t], A, G)
    for e in range(E):
        total = 0.0
        for k in range(k1):
            total += d[k, e]
        total /= k1 + 1
        for k in range(k1):
            out[k, e] = G[k, e] + (penalty[e] + damping) * (d[k, e] - total)


@fast_inline
def _long_products(P: Any, V: Any, A: Any) -> None:
    """A = V times the rows of a tile, of many features: register tiles of 4 rows × 2 classes."""
    k1, E = V.shape
    zero = np.float32(0)
    for k in range(0, k1, 2):
        other = min(k + 1, k1 - 1)
        for i in range(0, TILE, 4):
            a0 = a1 = a2 = a3 = c0 = c1 = c2 = c3 = zero
            for e in range(E):
                v, w = V[k, e], V[other, e]
                x0, x1, x2, x3 = P[i, e], P[i + 1, e], P[i + 2, e], P[i + 3, e]
                a0 += v * x0
                a1 += v * x1
                a2 += v * x2
                a3 += v * x3
                c0 += w * x0
                c1 += w * x1
                c2 += w * x2
                c3 += w * x3
            A[k, i], A[k, i + 1], A[k, i + 2], A[k, i + 3] = a0, a1, a2, a3
            A[other, i], A[other, i + 1], A[other, i + 2], A[other, i + 3] = c0, c1, c2, c3


@fast_inline
def _by_products(
    P: Any,
    F: Any,
    gradient: Any,
    inverse: Any,
    inverses: Any,
    penalty: Any,
    damping: Any,
    forcing: Any,
    most: Any,
    room: Any,
    D: Any,
) -> Any:
    """D with H D ≈ −gradient; returns its products. Twin: `newton_cg.conjugate_gradients`."""
    r, z, Hd = -gradient, np.empty_like(gradient), np.empty_like(gradient)
    D[:] = 0
    _solve(inverse, inverses, r, z)
    d = z.copy()
    rho = dot(r, z)
    target, count = forcing * forcing * rho, 0
    while count < most and rho > target:
        _times(P, F, d, penalty, damping, room, Hd)
        count += 1
        curvature = dot(d, Hd)
        if not curvature > 1e-14 * rho:
            if count == 1:
                D[:] = z
            return count
        alpha = rho / curvature
        for k in range(r.shape[0]):
            for e in range(r.shape[1]):
                D[k, e] += alpha * d[k, e]
                r[k, e] -= alpha * Hd[k, e]
        _solve(inverse, inverses, r, z)
        before = rho
        rho = dot(r, z)
        for k in range(r.shape[0]):
            for e in range(r.shape[1]):
                d[k, e] = z[k, e] + (rho / before) * d[k, e]
    return count
