"""Batch norm of one level, over all rows of a batch. Twin: `core.layers.batch_norm`."""

# Numba infers the types of what it compiles; annotations would have no effect there.
# mypy: ignore-errors

from __future__ import annotations

import numpy as np

from pminusy.kernels.runtime.compilation import fast_inline

__all__ = ["normalise", "normalise_backward"]


@fast_inline
def normalise(layout, buffers, settings, level, n):
    """The level becomes γ x̂ + β; x̂ and 1/√(σ² + ε) are kept, the running statistics move."""
    z, units, at = buffers.activations, layout.units[level], layout.level_at[level]
    kind = z.dtype.type
    mean, variance = np.zeros(units, np.float64), np.zeros(units, np.float64)
    for i in range(n):
        for j in range(units):
            mean[j] += float(z[at + i * units + j])
    for j in range(units):
        mean[j] /= n
    for i in range(n):
        for j in range(units):
            apart = float(z[at + i * units + j]) - mean[j]
            variance[j] += apart * apart
    gamma, beta = layout.gamma_at[level], layout.beta_at[level]
    first, share = layout.running_at[level], settings.norm_momentum
    unbiased = 1.0 / max(n - 1, 1)
    inverse = at // layout.batch
    for j in range(units):
        moved = (1 - share) * float(buffers.running[first + j]) + share * mean[j]
        buffers.running[first + j] = moved
        spread = share * variance[j] * unbiased
        moved = (1 - share) * float(buffers.running[first + units + j]) + spread
        buffers.running[first + units + j] = moved
        buffers.inverse_std[inverse + j] = 1.0 / np.sqrt(variance[j] / n + settings.norm_epsilon)
    for i in range(n):
        for j in range(units):
            place = at + i * units + j
            apart = kind(float(z[place]) - mean[j])
            hat = apart * buffers.inverse_std[inverse + j]
            buffers.normalised[place] = hat
            z[place] = buffers.theta[gamma + j] * hat + buffers.theta[beta + j]


@fast_inline
def normalise_backward(layout, buffers, level, n, add):
    """δ goes back through batch norm; dγ and dβ go to the gradient, or are added to it."""
    delta, units, at = buffers.deltas, layout.units[level], layout.level_at[level]
    kind = delta.dtype.type
    dgamma, dbeta = np.zeros(units, np.float64), np.zeros(units, np.float64)
    for i in range(n):
        for j in range(units):
            place = at + i * units + j
            dbeta[j] += float(delta[place])
            dgamma[j] += float(delta[place]) * float(buffers.normalised[place])
    gamma, beta, inverse = layout.gamma_at[level], layout.beta_at[level], at // layout.batch
    g = buffers.gradient
    for j in range(units):
        g[gamma + j] = (g[gamma + j] if add else kind(0)) + kind(dgamma[j])
        g[beta + j] = (g[beta + j] if add else kind(0)) + kind(dbeta[j])
    for i in range(n):
        for j in range(units):
            place = at + i * units + j
            slope = buffers.theta[gamma + j] * buffers.inverse_std[inverse + j]
            hat = float(buffers.normalised[place])
            centred = float(delta[place]) - dbeta[j] / n - hat * (dgamma[j] / n)
            delta[place] = slope * kind(centred)
