"""Adam on mini-batches, with the average of its later iterates: for data that comes in parts.

Sources: Kingma & Ba 2015, "Adam"; Polyak & Juditsky 1992, "Acceleration of stochastic approximation
by averaging".
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["AveragedAdam"]

Array = NDArray[Any]

_BETA1, _BETA2, _EPSILON = 0.9, 0.999, 1e-8


class AveragedAdam:
    """State of the method; one call of `step` for every mini-batch.

    Parameters
    ----------
    start
        First vector.
    rate
        Step size at first; it falls with the square root of the number of steps.
    """

    def __init__(self, start: Array, rate: float) -> None:
        self.vector, self.average = start.copy(), start.copy()
        self._rate, self._steps = rate, 0
        self._mean, self._square = np.zeros_like(start), np.zeros_like(start)

    def step(self, gradient: Array) -> None:
        """Take one step against the gradient of a mini-batch."""
        self._steps += 1
        t = self._steps
        self._mean += (1 - _BETA1) * (gradient - self._mean)
        self._square += (1 - _BETA2) * (gradient**2 - self._square)
        mean, square = self._mean / (1 - _BETA1**t), self._square / (1 - _BETA2**t)
        self.vector -= self._rate / np.sqrt(1 + t / 100) * mean / (np.sqrt(square) + _EPSILON)
        # Weights grow with t, so that the far-away start is forgotten.
        self.average += 4 / (t + 3) * (self.vector - self.average)
