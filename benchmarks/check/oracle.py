"""What is right, from 40 digits and differences: no formula of the package, no NumPy softmax.

The loss is written down from its definition; gradients are central differences of it, which in 40
digits are exact to 20.
"""

from __future__ import annotations

from typing import Any

import mpmath as mp
import numpy as np

__all__ = ["linear_loss", "linear_loss_and_gradient", "loss_and_gradient"]

_STEP = mp.mpf(10) ** -12


def _loss_of_logits(z: list[list[Any]], y: list[int]) -> Any:
    total = mp.mpf(0)
    for row, label in zip(z, y, strict=True):
        total -= mp.log(mp.exp(row[label]) / mp.fsum(mp.exp(value) for value in row))
    return total / len(y)


def linear_loss(W: list[list[Any]], X: list[list[Any]], y: list[int], r: Any, half: Any) -> Any:
    """Mean loss of `z = X W`, W (D, K), plus `half r ‖W‖²`."""
    K = len(W[0])
    z = [[mp.fsum(x * w[k] for x, w in zip(row, W, strict=True)) for k in range(K)] for row in X]
    penalty = mp.fsum(w * w for row in W for w in row)
    return _loss_of_logits(z, y) + half * r * penalty


def _gradient(loss: Any, at: list[list[Any]]) -> Any:
    gradient = np.zeros((len(at), len(at[0])))
    for i, row in enumerate(at):
        for j, value in enumerate(row):
            row[j] = value + _STEP
            above = loss()
            row[j] = value - _STEP
            below = loss()
            row[j] = value
            gradient[i, j] = float((above - below) / (2 * _STEP))
    return gradient


def linear_loss_and_gradient(W: Any, X: Any, y: Any, r: float, half: float) -> tuple[float, Any]:
    """Loss and its gradient at W (D, K)."""
    with mp.workdps(40):
        weights, inputs, labels = _exact(W), _exact(X), [int(label) for label in y]

        def loss() -> Any:
            return linear_loss(weights, inputs, labels, mp.mpf(r), mp.mpf(half))

        return float(loss()), _gradient(loss, weights)


def loss_and_gradient(z: Any, y: Any) -> tuple[float, Any]:
    """Mean loss of scores and its gradient."""
    with mp.workdps(40):
        scores, labels = _exact(z), [int(label) for label in y]
        return float(_loss_of_logits(scores, labels)), _gradient(
            lambda: _loss_of_logits(scores, labels), scores
        )


def _exact(array: Any) -> list[list[Any]]:
    return [[mp.mpf(float(value)) for value in row] for row in array]
