"""What every solver takes and gives back."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Minimisable", "Progress", "Solution"]

Vector = NDArray[np.float64]


class Minimisable(Protocol):
    """A smooth function of a vector."""

    @property
    def size(self) -> int:
        """Length of the vector."""

    def value_and_gradient(self, theta: Vector) -> tuple[float, Vector]:
        """Value and gradient at θ."""


class Progress(NamedTuple):
    """Where a solver is after an iteration."""

    iteration: int
    objective: float
    optimality: float  # largest absolute entry of the gradient


class Solution(NamedTuple):
    """Where a solver ended, and how it came there."""

    theta: Vector
    history: tuple[Progress, ...]
    converged: bool

    @property
    def last(self) -> Progress:
        """Objective and certificate at `theta`."""
        return self.history[-1]


ProgressCallback = Callable[[Progress], None]
