"""Probabilities from their logarithms, with what a float has lost of them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from pminusy.present.numbers import Real

__all__ = ["complement", "exponential", "probability"]

Array = NDArray[Any]


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
