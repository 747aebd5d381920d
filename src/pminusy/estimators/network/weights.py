"""Parameters of a network as attributes, layer by layer, and as the one vector of training."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pminusy.training.network.hidden import LevelNorm
from pminusy.training.network.layout import Network
from pminusy.training.network.specification import running_statistics

__all__ = ["initial", "initial_running", "level_norms", "packed", "packed_running"]

Array = NDArray[Any]


def initial(network: Network, random: np.random.RandomState, dtype: Any) -> Array:
    """Parameters to begin with: uniform within ±√(6 / (in + out)), or √(2 / …) for the logistic.

    Drawn as scikit-learn draws them, layer after layer. γ is 1 and β is 0.

    Source: Glorot & Bengio 2010.
    """
    theta = np.zeros(network.size, dtype)
    factor = 2.0 if network.activation == "logistic" else 6.0
    for W, b in zip(network.matrices(theta), network.vectors(theta), strict=True):
        bound = np.sqrt(factor / sum(W.shape))
        W[:] = random.uniform(-bound, bound, W.shape)
        b[:] = random.uniform(-bound, bound, b.shape)
    for gamma in network.gammas:
        theta[gamma] = 1
    return theta


def initial_running(network: Network, dtype: Any) -> Array:
    """Running means of 0 and variances of 1."""
    running = np.zeros(2 * sum(network.units[level] for level in network.normalised), dtype)
    for level in network.normalised:
        running_statistics(network, running, level).variance[:] = 1
    return running


def packed(
    network: Network, coefs: list[Array], intercepts: list[Array], norms: tuple[LevelNorm, ...]
) -> Array:
    """All parameters in one vector."""
    parts = [np.asarray(part).ravel() for part in (*coefs, *intercepts)]
    for norm in norms:
        parts += [norm.gamma, norm.beta]
    return np.concatenate(parts)


def packed_running(norms: tuple[LevelNorm, ...], dtype: Any) -> Array:
    """Running means and variances of all levels in one vector."""
    return np.concatenate(
        [np.empty(0, dtype), *(part for norm in norms for part in (norm.mean, norm.variance))]
    ).astype(dtype, copy=False)


def level_norms(network: Network, theta: Array, running: Array) -> tuple[LevelNorm, ...]:
    """Batch norm of each normalised level, from the vectors."""
    return tuple(
        LevelNorm(
            level,
            theta[network.gammas[place]].copy(),
            theta[network.betas[place]].copy(),
            *(part.copy() for part in running_statistics(network, running, level)),
        )
        for place, level in enumerate(network.normalised)
    )
