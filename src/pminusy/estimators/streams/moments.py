"""Mean and variance of every feature, some rows after others."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pminusy.training.sources.protocol import Moments

__all__ = ["RunningMoments"]

Array = NDArray[Any]

_ROWS = 4096  # at a time


class RunningMoments:
    """Weighted mean and variance, some rows after others.

    Source: Chan, Golub & LeVeque 1983, "Algorithms for computing the sample variance".
    """

    def __init__(self) -> None:
        self._weight, self._mean, self._squares = 0.0, np.zeros(1), np.zeros(1)

    def add_others(self, others: RunningMoments) -> None:
        """Take in what other rows have added up to."""
        if others._weight > 0:
            self._join(others._weight, others._mean, others._squares)

    def add(self, X: Array, weight: Array | None) -> None:
        """Rows X (n, D) and their weights (n,)."""
        for first in range(0, X.shape[0], _ROWS):
            x = X[first : first + _ROWS].astype(np.float64)
            w = np.ones(x.shape[0]) if weight is None else weight[first : first + _ROWS]
            self._add(x, w, float(w.sum()))

    def _add(self, x: Array, w: Array, total: float) -> None:
        if not total > 0:
            return
        with np.errstate(over="ignore", invalid="ignore"):  # refused later, with its column
            mean = (w / total) @ x
            x -= mean
            x *= x
            squares = w @ x
            self._join(total, mean, squares)

    def _join(self, total: float, mean: Array, squares: Array) -> None:
        whole, away = self._weight + total, mean - self._mean
        self._squares = self._squares + squares + away**2 * (self._weight * total / whole)
        self._mean = self._mean + away * (total / whole)
        self._weight = whole

    def result(self) -> Moments:
        """Those of all rows so far."""
        weight = max(self._weight, np.finfo(float).tiny)
        return Moments(self._mean, self._squares / weight)
