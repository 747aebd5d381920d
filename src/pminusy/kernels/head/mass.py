"""Dense target mass: loss and gradient of a block of rows, S (1 + 2 ζ lse) p − q a row.

Soft targets, label smoothing and the z-loss come here; plain labels have a faster way (`labels`).

    q_k = ω w_k ((1 − ε) y_k + ε / K)

Twin: `core.head` over `core.target_mass.TargetMass`; ω is the row's factor there (`row`).
"""

# Numba infers the types of what it compiles; annotations would have no effect there.
# mypy: ignore-errors

from __future__ import annotations

import numpy as np

from pminusy.kernels.head.labels import IGNORED, row_log
from pminusy.kernels.head.rows import (
    TILE,
    WEIGHT_SCALE,
    exponentials,
    row_start,
    row_total,
    tree_sum,
    two_sum,
    work_in,
)
from pminusy.kernels.runtime.compilation import by_type, inline, jit
from pminusy.kernels.simd.elementary import SCALE64, scale_of
from pminusy.kernels.simd.lanes import add, choose

__all__ = ["mass_rows"]

NOT_A_LABEL = -3


@inline
def _own_mass(soft, weight, spread, keep, k):
    """q_k / ω apart from what a label adds."""
    Y = keep * np.float64(soft[k]) + spread if soft.size > 0 else spread
    return Y * weight[k] if weight.size > 0 else Y


@inline
def _mass_sums32(z, soft, weight, spread, keep, m, start, stop, terms):
    """Σ q and Σ q (m − z) over a stretch of a row (without ω and without the label)."""
    S, plain = 0.0, 0.0
    for k in range(start, stop):
        q = _own_mass(soft, weight, spread, keep, k)
        S = add(S, q)
        plain = add(plain, choose(q == 0.0, 0.0, q * (m - np.float64(z[k]))))
    return S, plain


@inline
def _mass_sums64(z, soft, weight, spread, keep, m, start, stop, terms):
    size = (stop - start + 7) // 8 * 8
    for k in range(start, stop):
        terms[k - start] = _own_mass(soft, weight, spread, keep, k)
    for j in range(stop - start, size):
        terms[j] = 0.0
    S = tree_sum(terms[:size])
    for k in range(start, stop):
        q = _own_mass(soft, weight, spread, keep, k)
        terms[k - start] = choose(q == 0.0, 0.0, q * (m - z[k]))
    for j in range(stop - start, size):
        terms[j] = 0.0
    return S, tree_sum(terms[:size])


_mass_sums = by_type(_mass_sums32, _mass_sums64)


@inline
def _row_mass(z, soft, weight, spread, keep, m, work):
    """Σ q and Σ q (m − z) of a row (without ω and without the label)."""
    S, S_error, plain, plain_error = 0.0, 0.0, 0.0, 0.0
    for start in range(0, z.size, TILE):
        stop = min(z.size, start + TILE)
        part, plain_part = _mass_sums(
            z, soft, weight, spread, keep, np.float64(m), start, stop, work.terms
        )
        S, lost = two_sum(S, part)
        S_error += lost
        plain, lost = two_sum(plain, plain_part)
        plain_error += lost
    return S + S_error, plain + plain_error


@inline
def _gradient32(E, weight, factor, q):
    return np.float32(choose(E == 0.0, 0.0, np.float64(E) * (weight / WEIGHT_SCALE * factor)) - q)


@inline
def _gradient64(E, weight, factor, q):
    return choose(E == 0.0, 0.0, (E * weight) * (factor / WEIGHT_SCALE)) - q


_gradient = by_type(_gradient32, _gradient64)
"""S (1 + 2 ζ lse) p − q of one entry; an entry without p has none of the first, lse = ∞ or not."""


@inline
def _finish(z, out, soft, weight, spread, keep, omega, c, factor, work):
    """Write the gradient of a row."""
    for t in range(work.weight.size):
        start = t * TILE
        stop = min(out.size, start + TILE)
        if work.weight.size > 1:
            exponentials(z[start:stop], t, work)
        E = work.e
        tile_weight = work.weight[t]
        at = c - start if start <= c < stop else -1
        E_c = E[max(at, 0)]
        for j in range(stop - start):
            q = omega * _own_mass(soft, weight, spread, keep, start + j)
            out[start + j] = _gradient(E[j], tile_weight, factor, q)
        if at >= 0:
            w_c = weight[c] if weight.size > 0 else 1.0
            q = omega * (_own_mass(soft, weight, spread, keep, c) + keep * w_c)
            out[c] = _gradient(E_c, tile_weight, factor, q)


@jit
def mass_rows(
    z, labels, soft, weight, omegas, keep, spread, z_loss, out, losses, sums, tiles, stats
):  # fmt: skip
    """Loss (and gradient) of rows z (n, K) with soft targets (n, K) or, if there are none, labels.

    `weight` (K,) or empty, `omegas` (n,) or (1,); `keep` and `spread` are the class factors without
    weights. The rest is as in `labels.label_rows`.
    """
    work = work_in(tiles, stats)
    store = out.shape[0] > 0
    scale = scale_of(z)
    plain_sum, plain_error, scaled_sum, scaled_error = 0.0, 0.0, 0.0, 0.0
    J = 0.0
    for i in range(z.shape[0]):
        omega = omegas[i if omegas.size > 1 else 0]
        c = labels[i] if soft.shape[0] == 0 else NOT_A_LABEL
        row = soft[i if soft.shape[0] > 0 else 0] if soft.shape[0] > 0 else soft[:, 0]
        plain, log_s, S = 0.0, 0.0, 0.0
        if c != IGNORED and omega != 0.0:
            m, J = row_start(z[i], J, work)
            rest, s = row_total(z[i], m, work)
            if m == np.inf:
                S, plain = _row_mass_at_infinity(z[i], row, weight, spread, keep)
            else:
                S, plain = _row_mass(z[i], row, weight, spread, keep, m, work)
            if c >= 0:
                w_c = keep * (weight[c] if weight.size > 0 else 1.0)
                S += w_c
                if w_c != 0.0 and z[i, c] != m:
                    plain += w_c * (np.float64(m) - np.float64(z[i, c]))
            S *= omega
        if S == 0.0:
            plain = 0.0
            if store:
                out[i, :] = 0.0
        else:
            plain *= omega
            log_part = row_log(rest, scale)
            lse = np.float64(m) + log_part / SCALE64
            log_s = S * log_part
            if z_loss != 0.0:
                plain += z_loss * S * lse * lse
            if store:
                factor = S * (1.0 + 2.0 * z_loss * lse) / s if z_loss != 0.0 else S / s
                _finish(z[i], out[i], row, weight, spread, keep, omega, c, factor, work)
                if m == -np.inf or rest != rest:  # NaN beside an entry without p
                    out[i, :] = np.nan
        if losses.size > 0:
            losses[i] = plain + log_s / SCALE64
        plain_sum, lost = two_sum(plain_sum, plain)
        plain_error += lost
        scaled_sum, lost = two_sum(scaled_sum, log_s)
        scaled_error += lost
    sums[0], sums[1], sums[2], sums[3] = plain_sum, plain_error, scaled_sum, scaled_error


@inline
def _row_mass_at_infinity(z, soft, weight, spread, keep):
    """`_row_mass` where the maximum is +∞: mass below it costs ∞."""
    S, plain = 0.0, 0.0
    for k in range(z.size):
        q = _own_mass(soft, weight, spread, keep, k)
        S += q
        if q != 0.0 and z[k] != np.inf:
            plain = np.inf
    return S, plain
