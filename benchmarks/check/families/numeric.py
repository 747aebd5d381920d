"""What is right, computed in another way: complex numbers give derivatives of the definition.

The loss is written down from its definition; its derivative along x is the imaginary part of
loss(x + i h) / h, which loses no digits. No formula of a gradient is used, and no code of the
package.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

__all__ = ["cases", "gradient", "network_scores", "row_losses", "softmax"]

_STEP = 1e-30
_ORDINARY, _EXTREME = 5, 2


def softmax(z: Any) -> Any:
    """Of each row, for complex numbers too."""
    e = np.exp(z - z.real.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def row_losses(z: Any, y: Any, smoothing: float = 0.0, power: float = 0.0) -> Any:
    """−Σ_k q_k (1 − p_k)^power ln p_k of each row, with q the smoothed one-hot of the label."""
    K = z.shape[1]
    shifted = z - z.real.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    q = (1 - smoothing) * (np.asarray(y)[:, None] == np.arange(K)) + smoothing / K
    factor = (1 - np.exp(log_p)) ** power if power else 1.0
    return -(q * factor * log_p).sum(axis=1)


def gradient(loss: Callable[[Any], Any], at: Any) -> Any:
    """Of a scalar function of an array, entry by entry."""
    found = np.zeros(at.shape)
    for place in np.ndindex(at.shape):
        moved = at.astype(complex)
        moved[place] += 1j * _STEP
        found[place] = loss(moved).imag / _STEP
    return found


def network_scores(X: Any, W1: Any, b1: Any, W2: Any, b2: Any) -> Any:
    """Of a network with one hidden layer of ReLU, for complex numbers too."""
    a = X @ W1 + b1
    return np.where(a.real > 0, a, 0) @ W2 + b2


def cases(seed: int) -> Iterator[tuple[bool, dict[str, Any]]]:
    """Inputs of random sizes, no two of them equal; and whether they are ordinary, or extreme."""
    rng = np.random.default_rng(seed)
    for number in range(_ORDINARY + _EXTREME):
        N, D, K = (int(size) for size in rng.permutation(np.arange(2, 8))[:3])
        if number == 1:
            N = 1
        yield number < _ORDINARY, _case(rng, N, D, K, 1.0 if number < _ORDINARY else 800.0)


def _case(rng: np.random.Generator, N: int, D: int, K: int, scale: float) -> dict[str, Any]:
    H = D + 2
    z = rng.normal(size=(N, K)) * scale
    X, W, b = rng.normal(size=(N, D)), rng.normal(size=(D, K)), rng.normal(size=K)
    return {
        "N": N, "D": D, "K": K, "z": z, "y": rng.integers(K, size=N), "X": X, "W": W * scale,
        "b": b, "g": rng.normal(size=(N, K)), "r": float(rng.uniform(0.1, 1.5)),
        "T": float(rng.uniform(0.4, 2.5)), "eps": float(rng.uniform(0.05, 0.4)),
        "cw": rng.uniform(0.2, 3.0, size=K), "power": float(rng.uniform(0.5, 3.0)),
        "lr": float(rng.uniform(0.05, 0.5)), "p": softmax(rng.normal(size=(N, K))),
        "W1": rng.normal(size=(D, H)), "b1": rng.normal(size=H),
        "W2": rng.normal(size=(H, K)) * scale, "b2": rng.normal(size=K),
    }  # fmt: skip
