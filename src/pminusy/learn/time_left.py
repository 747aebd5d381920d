"""How long a fit may still take, from how fast its certificate has fallen."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from pminusy.learn.solvers.solution import Progress

__all__ = ["time_left"]

_FEWEST = 4


def time_left(history: Sequence[Progress], tol: float) -> float | None:
    """Seconds, or None where nothing can be said yet.

    The logarithm of the largest gradient entry is followed down the line through the later half of
    the iterations. Of several problems, those that are done say how long the others take.

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
        return last.seconds / done * (last.problems - done) if done else None
    recent = [at for at in history[len(history) // 2 - 1 :] if at.optimality > 0]
    if len(history) < _FEWEST or len(recent) < 2 or last.optimality <= 0:
        return None
    seconds = np.array([at.seconds for at in recent])
    size = np.log([at.optimality for at in recent])
    spread = seconds - seconds.mean()
    if not spread.any():
        return None
    rate = -float(spread @ size / (spread @ spread))
    if not rate > 0:
        return None
    return round(max(math.log(last.optimality / tol), 0.0) / rate, 6)
