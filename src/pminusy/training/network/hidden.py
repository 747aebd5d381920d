"""The hidden layers of a trained network: forward and backward once training is over.

Running statistics are used and nothing is dropped. Each layer is

    z = a W + b,   z ← γ (z − μ)/√(σ² + ε) + β where it is normalised,   a ← f(z)

with W (in, out) as scikit-learn has it; level 0 are the inputs, level l what layer l makes of them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pminusy.core import activations, layers
from pminusy.training.network.specification import activate

__all__ = [
    "NORM_EPSILON",
    "Gradients",
    "HiddenLayers",
    "Level",
    "LevelNorm",
    "backward",
    "forward",
    "jacobian",
    "outputs",
]

Array = NDArray[Any]

NORM_EPSILON = 1e-5  # of batch norm: torch's
_WORKSPACE = 64 << 20  # bytes of levels and slopes


class LevelNorm(NamedTuple):
    """Batch norm of one level (0: the inputs): γ, β, and the running mean and variance."""

    level: int
    gamma: Array
    beta: Array
    mean: Array
    variance: Array

    def factor_and_summand(self, epsilon: float = NORM_EPSILON) -> tuple[Array, Array]:
        """Once training is over a norm is z · factor + summand."""
        factor = self.gamma / np.sqrt(self.variance.astype(np.float64) + epsilon)
        return factor, self.beta - self.mean * factor


class HiddenLayers(NamedTuple):
    """Weights (in, out) and bias (out,) of each hidden layer, activation, and batch norms."""

    coefs: tuple[Array, ...]
    intercepts: tuple[Array, ...]
    activation: str
    norms: tuple[LevelNorm, ...] = ()

    @property
    def units(self) -> tuple[int, ...]:
        """Units of each level, that of the inputs first."""
        return (self.coefs[0].shape[0], *(W.shape[1] for W in self.coefs))

    @property
    def norm_of(self) -> dict[int, LevelNorm]:
        """Batch norm by level."""
        return {norm.level: norm for norm in self.norms}

    @property
    def parameters(self) -> int:
        """Number of weights, biases, γ and β."""
        norms = (part for norm in self.norms for part in (norm.gamma, norm.beta))
        return sum(array.size for array in (*self.coefs, *self.intercepts, *norms))


class Level(NamedTuple):
    """A level of some rows: what the next layer takes, f′(z), and what batch norm remembers."""

    output: Any
    slope: Array | None
    norm: layers.BatchNormCache | None


class Gradients(NamedTuple):
    """Gradients of one hidden layer; those of γ and β where it is normalised."""

    dL_dW: Array
    dL_db: Array
    dL_dgamma: Array | None
    dL_dbeta: Array | None


def forward(hidden: HiddenLayers, X: Any) -> list[Level]:
    """Every level of rows X (N, D), an array or sparse."""
    norms = hidden.norm_of
    found = [_normalised(norms.get(0), X)]
    for level, (W, b) in enumerate(zip(hidden.coefs, hidden.intercepts, strict=True), start=1):
        before = _normalised(norms.get(level), found[-1].output @ W + b)
        a, slope = activate(hidden.activation, before.output)
        found.append(Level(a, slope, before.norm))
    return found


def outputs(hidden: HiddenLayers, X: Any) -> Array:
    """The last level (N, units) of rows X (N, D), some rows at a time."""
    N = X.shape[0]
    found = np.empty((N, hidden.units[-1]), hidden.coefs[-1].dtype)
    step = max(1, _WORKSPACE // (32 * sum(hidden.units)))
    for first in range(0, N, step):
        found[first : first + step] = forward(hidden, X[first : first + step])[-1].output
    return found


def backward(
    hidden: HiddenLayers, levels: list[Level], g: Array
) -> tuple[tuple[Gradients, ...], Array]:
    """Gradients of each layer and of the inputs (N, D), from g (N, units) of the last level."""
    found: list[Gradients] = []
    for level in range(len(hidden.coefs), 0, -1):
        slope = levels[level].slope
        assert slope is not None
        g = activations.activation_backward(g, slope)
        g, dgamma, dbeta = _norm_backward(levels[level].norm, g)
        dW = np.asarray(levels[level - 1].output.T @ g)
        found.append(Gradients(dW, g.sum(axis=0), dgamma, dbeta))
        g = g @ hidden.coefs[level - 1].T
    dX, _, _ = _norm_backward(levels[0].norm, g)
    return tuple(found[::-1]), dX


def jacobian(hidden: HiddenLayers, levels: list[Level], W: Array) -> Array:
    """∂z/∂x (K, D) of one row, for a head with weights W (K, units) after its levels."""
    norms, J = hidden.norm_of, W
    for level in range(len(hidden.coefs), 0, -1):
        slope = levels[level].slope
        assert slope is not None
        J = J * slope
        if level in norms:
            J = J * norms[level].factor_and_summand()[0]
        J = J @ hidden.coefs[level - 1].T
    return J * norms[0].factor_and_summand()[0] if 0 in norms else J


def _normalised(norm: LevelNorm | None, z: Any) -> Level:
    if norm is None:
        return Level(z, None, None)
    running = layers.RunningStatistics(norm.mean, norm.variance)
    out, cache = layers.batch_norm_test(z, norm.gamma, norm.beta, running, eps=NORM_EPSILON)
    return Level(out, None, cache)


def _norm_backward(
    cache: layers.BatchNormCache | None, g: Array
) -> tuple[Array, Array | None, Array | None]:
    return (g, None, None) if cache is None else layers.batch_norm_backward(g, cache)
