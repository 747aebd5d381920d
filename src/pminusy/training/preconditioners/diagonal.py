"""The diagonal of the Hessian, for sparse and very wide X."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pminusy.training.objective import Objective

__all__ = ["DiagonalPreconditioner"]

Array = NDArray[Any]


class DiagonalPreconditioner:
    """The diagonal of the Hessian."""

    def __init__(self, objective: Objective, damping: float = 0.0) -> None:
        diagonal = objective.diagonal()
        # of the data alone: small features have a ridge beyond all
        seen = diagonal - objective.penalty_diagonal()
        self._diagonal = np.maximum(diagonal + damping, 1e-8 * seen.max(initial=1e-292))
        self._inverse = 1.0 / self._diagonal

    def times(self, vector: Array) -> Array:
        """Multiply entry by entry."""
        return np.asarray(self._diagonal * vector)

    def solve(self, vector: Array) -> Array:
        """Divide entry by entry."""
        return np.asarray(self._inverse * vector)
