"""Where to begin when one problem after another is solved with ever weaker penalty.

Solutions move smoothly with ln C. The next start is the last solution, moved on as it moved last
time, longer or shorter by the ratio of the last two moves: under strong penalty weights are in
proportion to C, and moves grow; later they shrink.

Curvature is carried over too: the Hessian at a neighbouring C is nearly the same but for λ on its
diagonal, so the pairs of L-BFGS stay, with that added.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pminusy.training.objective import Objective
from pminusy.training.solvers.lbfgs_history import LbfgsHistory

__all__ = ["Path"]

Array = NDArray[Any]

_FARTHEST = 10.0  # how much longer than the last a move is believed to be


class Path:
    """Solutions so far, of ascending C.

    Parameters
    ----------
    size
        Length of the vector.
    lbfgs_history
        L-BFGS history to go on with.

    Examples
    --------
    >>> path = Path(1)
    >>> for C in (1.0, 10.0, 100.0):
    ...     path.add(C, np.array([C**0.5]))
    >>> path.start(1000.0).round(2)
    array([31.62])
    """

    def __init__(self, size: int, lbfgs_history: LbfgsHistory | None = None) -> None:
        self.lbfgs_history = LbfgsHistory(size) if lbfgs_history is None else lbfgs_history
        self._penalty: Array | None = None
        self._C = 0.0
        self._last = np.zeros(size)
        self._moves: list[Array] = []  # the last two, each per unit of ln C

    def start(self, C: float) -> Array:
        """Where to begin at C."""
        if not self._moves or math.isinf(C):
            return self._last.copy()
        move, growth = self._moves[-1], 1.0
        if len(self._moves) == 2:
            before = self._moves[0]
            square = float(before @ before)
            growth = float(move @ before) / square if square > 0 else 0.0
        distance = math.log(C / self._C)
        return np.asarray(self._last + min(max(growth, 0.0), _FARTHEST) * distance * move)

    def turn_to(self, objective: Objective) -> None:
        """Make the pairs those of the next objective, which differs in its ridge alone."""
        penalty = objective.penalty_diagonal()
        if self._penalty is not None:
            self.lbfgs_history.shift(penalty - self._penalty)
        self._penalty = penalty

    def add(self, C: float, vector: Array) -> None:
        """Note a solution."""
        if self._C > 0 and not math.isinf(C):
            move = (vector - self._last) / math.log(C / self._C)
            self._moves = [*self._moves[-1:], move]
        self._C, self._last = C, vector
