"""Numbers with what a float has lost of them, so that the page says nothing of a rounded one.

e^−807.5 is 0 as a float, and 1 − e^−40 is 1: a page that writes those writes "0 / 1 = 0".
"""

from __future__ import annotations

import math
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

__all__ = ["Real", "complement", "exponential", "probability"]

Array = NDArray[Any]


class Real(float):
    """A float that knows the logarithm of its size, its sign, and whether it is exact.

    Parameters
    ----------
    value
        The nearest float.
    log
        ln |value| of the number meant; NaN where nobody knows more than the float.
    sign
        −1, 0 or 1; that of the float if not given.
    exact
        Whether a whole number among the floats is the number meant.
    beyond
        value − 1, to all its digits; NaN where nobody knows.
    """

    log: float
    sign: int
    exact: bool
    beyond: float

    def __new__(
        cls,
        value: float,
        log: float = math.nan,
        *,
        sign: int | None = None,
        exact: bool = False,
        beyond: float = math.nan,
    ) -> Self:
        """Make one; it stays a float."""
        self = super().__new__(cls, value)
        self.log, self.exact, self.beyond = float(log), exact, beyond
        self.sign = int(value > 0) - int(value < 0) if sign is None else sign
        return self


def exponential(log: float, sign: int = 1) -> Real:
    """±e^log; exact only where that is 0: the logarithm of what is nearly 1 may be 0 as a float."""
    sign = 0 if log == -math.inf else sign
    return Real(sign * math.exp(min(log, 709.0)), log, sign=sign, exact=log == -math.inf)


def probability(log_p: Array, k: int) -> Real:
    """p_k from all log-probabilities (K,): exactly 1 only where all others are exactly 0."""
    p = math.exp(float(log_p[k]))
    rest = complement(log_p, k)
    exact = bool(rest == -math.inf or log_p[k] == -math.inf)
    beyond = exponential(rest, -1)
    return Real(p, float(log_p[k]), sign=int(log_p[k] > -math.inf), exact=exact, beyond=beyond)


def complement(log_p: Array, k: int) -> float:
    """ln(1 − p_k), as the sum of all others."""
    others = np.delete(log_p, k)
    return float(logsumexp(others)) if others.size else -math.inf
