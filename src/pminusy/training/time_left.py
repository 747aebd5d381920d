"""How long a fit may still take, from how its certificate has fallen; or nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from pminusy.training.solvers.solution import Progress

__all__ = ["time_left"]

_FEWEST = 4
_AGREE = 2.0  # factor by which the rates of two stretches may differ
_SHARE = 0.25  # of several problems that must be done: the later ones are not the easier ones


def time_left(history: Sequence[Progress], tol: float) -> float | None:
    """Seconds, or None where the course says nothing that could be relied on.

    The logarithm of the least gradient entry so far is followed down the line through the later
    half of the iterations. It says something where the last quarter falls as fast, and where no
    more is left to fall than fell in that half: solvers begin fast, slow down, and end fast.
    Of several problems, those that are done say how long the others take.

    Examples
    --------
    >>> time_left([Progress(i, 1.0, 10.0**-i, i, 2.0 * i) for i in range(5)], 1e-6)
    4.0
    """
    if not history:
        return None
    last = history[-1]
    if last.problems > 1:
        done = last.problem
        enough = done > 0 and done >= _SHARE * last.problems
        return last.seconds / done * (last.problems - done) if enough else None
    course = [at for at in history if at.optimality > 0]
    if len(course) < _FEWEST or last.optimality <= 0 or not tol > 0:
        return None
    seconds = np.array([at.seconds for at in course])
    depth = -np.minimum.accumulate(np.log([at.optimality for at in course]))
    half, quarter = len(course) // 2 - 1, (3 * len(course)) // 4 - 1
    left = max(-math.log(tol) - float(depth[-1]), 0.0)
    if left > depth[-1] - depth[half] + 1e-9:
        return None
    rate, recent = (_rate(seconds[start:], depth[start:]) for start in (half, quarter))
    if not (rate > 0 and rate / _AGREE <= recent <= rate * _AGREE):
        return None
    return round(left / min(rate, recent), 6)


def _rate(seconds: np.ndarray, depth: np.ndarray) -> float:
    """Slope of the line through the points; 0 where no time has passed."""
    spread = seconds - seconds.mean()
    square = float(spread @ spread)
    return float(spread @ depth) / square if square > 0 else 0.0
