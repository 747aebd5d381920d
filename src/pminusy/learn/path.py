"""What one value of C leaves to the next: curvature that only the penalty changes.

The Hessian at a neighbouring C is nearly the same but for λ on its diagonal, so the pairs of L-BFGS
are carried over with that added. Its first step is then the tangent of the path.
"""

from __future__ import annotations

import numpy as np

from pminusy.learn.objective import Objective
from pminusy.learn.solvers.pairs import Pairs

__all__ = ["Path"]


class Path:
    """A sequence of objectives that differ in the strength of their ridge alone."""

    def __init__(self) -> None:
        self.pairs: Pairs | None = None
        self._before: Objective | None = None

    def go_to(self, objective: Objective) -> None:
        """Turn to the next objective."""
        if self.pairs is None or self._before is None:
            self.pairs = Pairs(objective.size)
        else:
            change = np.zeros(objective.size)
            weights = objective.coordinates.split(change)[0]
            weights += objective.curvature_of_penalty - self._before.curvature_of_penalty
            self.pairs.shift(change)
        self._before = objective
