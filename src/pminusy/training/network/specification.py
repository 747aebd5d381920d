"""Steps of training in plain NumPy: forward, the head, backward, the update.

`run` does all steps of a schedule, one after the other. With the target mass q of each row, S = Σ_k
q_k, and M the mass of the rows since the gradient began at 0:

    forward     z = a W + b;  batch norm;  a = f(z);  dropout         level by level
    head        δ = S p − q
    backward    ∂L/∂W = (Σ aᵀ δ + α W) / M,  ∂L/∂b = Σ δ / M;  δ ← (δ Wᵀ) ⊙ f′
    clip        g ← g · min(1, c / ‖g‖)
    SGD         v ← μ v − r g;  w ← w + v,  or with Nesterov's momentum w ← w + μ v − r g
    Adam        m ← β₁ m + (1 − β₁) g;  v ← β₂ v + (1 − β₂) g²;  w ← w − r m / (√v + ε)
    average     w̄ ← w̄ + s (w − w̄)

Adam's corrections of its moments are in the rate r, as scikit-learn has them, so that ε is added to
the uncorrected √v. The last level has K logits, or for two classes the one of the second against
the first, p then being σ(z). `compiled.steps` is the same, fast.

Sources: Kingma & Ba 2015 (Adam); Sutskever et al. 2013 (Nesterov's momentum as it is here).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.special import ndtr

from pminusy.core import activations, layers
from pminusy.core.softmax import plain_softmax
from pminusy.core.target_mass import row_mass
from pminusy.training.network.data import ADAM, Buffers, Rows, Schedule, Settings
from pminusy.training.network.layout import Layout, Network
from pminusy.training.network.masks import kept, level_key

__all__ = ["activate", "head", "logits", "run", "target_rows"]

Array = NDArray[Any]


class _Level(NamedTuple):
    """What the way back needs of a level."""

    output: Array
    slope: Array | None
    norm: Any


def run(
    network: Network,
    layout: Layout,
    rows: Rows,
    buffers: Buffers,
    schedule: Schedule,
    settings: Settings,
) -> None:
    """Do all steps of a schedule."""
    with np.errstate(all="ignore"):  # a loss that is not finite shows
        for step in range(schedule.update.size):
            _step(network, rows, buffers, schedule, settings, step)


def _step(
    network: Network,
    rows: Rows,
    buffers: Buffers,
    schedule: Schedule,
    settings: Settings,
    step: int,
) -> None:
    index = schedule.order[schedule.bounds[step] : schedule.bounds[step + 1]]
    key = schedule.keys[step] if settings.dropout > 0 else None
    levels, z = _forward(network, _inputs(network, rows, index), buffers, settings, key)
    loss, delta = head(z, target_rows(rows, index))
    schedule.losses[step, 0] = loss
    gradient = _backward(network, levels, delta, buffers.theta)
    if schedule.fresh[step]:
        buffers.gradient[:] = gradient
    else:
        buffers.gradient[:] += gradient
    weights = buffers.theta[: network.decayed].astype(np.float64)
    schedule.squares[step, 0] = float(weights @ weights)
    if schedule.update[step]:
        _update(network, buffers, schedule, settings, step)


def _inputs(network: Network, rows: Rows, index: Array) -> Any:
    if not rows.sparse:
        return rows.X[index]
    shape = (rows.indptr.size - 1, network.units[0])
    return sp.csr_array((rows.data, rows.indices, rows.indptr), shape=shape)[index]


def _forward(
    network: Network, X: Any, buffers: Buffers, settings: Settings, key: Any
) -> tuple[list[_Level], Array]:
    """Every level but the last, and the logits."""
    theta, levels = buffers.theta, []
    weights, biases = network.matrices(theta), network.vectors(theta)
    a: Any = X
    for level in range(network.layers):
        z = a if level == 0 else a @ weights[level - 1] + biases[level - 1]
        norm, slope = None, None
        if level in network.normalised:
            z, norm = _normalise(network, level, z, buffers, settings)
        if level > 0:
            z, slope = activate(network.activation, z)
            if key is not None:
                mask = kept(level_key(key, level), (z.shape[0], z.shape[1]), settings.dropout)
                z, scale = layers.dropout(z, settings.dropout, mask)
                slope = slope * scale
        levels.append(_Level(z, slope, norm))
        a = z
    return levels, a @ weights[-1] + biases[-1]


def _normalise(
    network: Network, level: int, z: Array, buffers: Buffers, settings: Settings
) -> tuple[Array, Any]:
    place = network.normalised.index(level)
    gamma, beta = buffers.theta[network.gammas[place]], buffers.theta[network.betas[place]]
    running = running_statistics(network, buffers.running, level)
    z, cache, moved = layers.batch_norm(
        z, gamma, beta, running, eps=settings.norm_epsilon, momentum=settings.norm_momentum
    )
    running.mean[:], running.variance[:] = moved
    return z, cache


def running_statistics(network: Network, running: Array, level: int) -> layers.RunningStatistics:
    """Running mean and variance of a level, as views."""
    before = 2 * sum(network.units[other] for other in network.normalised if other < level)
    n = network.units[level]
    return layers.RunningStatistics(running[before : before + n], running[before + n :][:n])


def activate(name: str, z: Array) -> tuple[Array, Array]:
    """f(z), and the slope f′(z) by which the way back multiplies."""
    if name == "relu":
        out, positive = layers.relu(z)
        return out, positive.astype(z.dtype)
    if name == "identity":
        return z, np.ones_like(z)
    if name == "gelu":
        below = ndtr(z)
        density = np.exp(-z * z / 2) / np.sqrt(2 * np.pi).astype(z.dtype)
        return z * below, below + z * density
    return (activations.tanh if name == "tanh" else activations.sigmoid)(z)


def target_rows(rows: Rows, index: Array) -> Array:
    """Target mass q (n, K) of some rows."""
    Y = rows.soft[index] if rows.soft.size else np.eye(rows.own.size)[rows.labels[index]]
    q: Array = row_mass(Y, rows.omega[index, None], rows.own, rows.spread)
    return q


def head(z: Array, q: Array) -> tuple[float, Array]:
    """Loss of all rows, and δ = S p − q (n, K), or (n, 1) for the one logit of two classes."""
    two = z.shape[1] == 1 and q.shape[1] == 2
    wide = z.astype(np.float64)
    full = np.concatenate([np.zeros_like(wide), wide], axis=1) if two else wide
    counted = q.sum(axis=1, keepdims=True) > 0
    full = np.where(counted, full, 0.0)
    log_sum, p = plain_softmax(full)
    loss = float(np.where(q > 0, q * (log_sum - full), 0.0).sum())
    S = q.sum(axis=1, keepdims=True)
    others = p @ (1.0 - np.eye(q.shape[1]))  # not 1 − p, which has no digits where p is near 1
    delta = (S - q) * p - q * others
    return loss, (delta[:, 1:] if two else delta).astype(z.dtype)


def _backward(network: Network, levels: list[_Level], delta: Array, theta: Array) -> Array:
    """Gradient of all parameters, not yet over the mass and without the penalty."""
    gradient, weights = np.zeros_like(theta), network.matrices(theta)
    for layer in range(network.layers - 1, -1, -1):
        a = levels[layer].output
        gradient[network.weights[layer]] = (a.T @ delta).ravel()
        gradient[network.biases[layer]] = delta.sum(axis=0)
        norm = levels[layer].norm
        if layer == 0 and norm is None:
            break
        delta = delta @ weights[layer].T
        slope = levels[layer].slope
        if slope is not None:
            delta = activations.activation_backward(delta, slope)
        if norm is not None:
            place = network.normalised.index(layer)
            delta, dgamma, dbeta = layers.batch_norm_backward(delta, norm)
            gradient[network.gammas[place]], gradient[network.betas[place]] = dgamma, dbeta
    return gradient


def _update(
    network: Network, buffers: Buffers, schedule: Schedule, settings: Settings, step: int
) -> None:
    w, g, kind = buffers.theta, buffers.gradient, buffers.theta.dtype.type
    g[: network.decayed] += kind(settings.alpha) * w[: network.decayed]
    g *= kind(schedule.inverse[step])
    rate = kind(schedule.rates[step])
    if settings.clip < np.inf:
        squares = float((g.astype(np.float64) ** 2).sum())
        schedule.norms[step, 0] = squares
        g *= kind(min(1.0, settings.clip / max(np.sqrt(squares), np.finfo(float).tiny)))
    m, v = buffers.first, buffers.second
    if settings.method == ADAM:
        m[:] = kind(settings.beta_1) * m + kind(1 - settings.beta_1) * g
        v[:] = kind(settings.beta_2) * v + kind(1 - settings.beta_2) * g**2
        w -= rate * m / (np.sqrt(v) + kind(settings.epsilon))
    else:
        m[:] = kind(settings.momentum) * m - rate * g
        w += kind(settings.momentum) * m - rate * g if settings.nesterov else m
    if buffers.average.size:
        buffers.average[:] += kind(schedule.averaging[step]) * (w - buffers.average)


def logits(network: Network, theta: Array, running: Array, X: Any, norm_epsilon: float) -> Array:
    """Logits of rows once training is over: running statistics, nothing dropped."""
    weights, biases = network.matrices(theta), network.vectors(theta)
    a = X
    for level in range(network.layers + 1):
        if level > 0:
            a = a @ weights[level - 1] + biases[level - 1]
        if level in network.normalised:
            place = network.normalised.index(level)
            gamma, beta = theta[network.gammas[place]], theta[network.betas[place]]
            statistics = running_statistics(network, running, level)
            a, _ = layers.batch_norm_test(a, gamma, beta, statistics, eps=norm_epsilon)
        if 0 < level < network.layers:
            a, _ = activate(network.activation, a)
    return np.asarray(a)
