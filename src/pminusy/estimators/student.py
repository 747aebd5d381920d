"""Quantiles of Student's t distribution.

SciPy has them in `scipy.special`, which takes longer to import than a small table to fit.
"""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np

__all__ = ["student_quantile"]

_MANY = 400  # degrees of freedom from which on the expansion is as good as the sum
_HALVINGS = 60  # of the angle between 0 and π/2: as far as float64 goes


def student_quantile(freedom: int, probability: float) -> float:
    """The t with P(T ≤ t) = probability, from 0.5 up to 1, for ν = 1, 2 … degrees of freedom.

    With t = √ν tan θ, P(|T| ≤ t) is a sum of powers of cos θ; for large ν the quantile is that of
    the normal distribution with terms in 1/ν.

    Examples
    --------
    >>> round(student_quantile(10, 0.975), 9)
    2.228138852

    References
    ----------
    Abramowitz & Stegun 1964, 26.7.3 to 26.7.5.
    """
    if freedom >= _MANY:
        return _expanded(freedom, NormalDist().inv_cdf(probability))
    low, high = 0.0, math.pi / 2
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        inside = _within(freedom, middle) < 2 * probability - 1
        low, high = (middle, high) if inside else (low, middle)
    return math.sqrt(freedom) * math.tan(high)


def _within(freedom: int, angle: float) -> float:
    """P(|T| ≤ √ν tan θ)."""
    odd = freedom % 2
    n = np.arange(1, (freedom - odd) // 2)
    ratios = 2 * n / (2 * n + 1) if odd else (2 * n - 1) / (2 * n)
    powers = np.cumprod(np.append(1.0, ratios * math.cos(angle) ** 2))
    if not odd:
        return math.sin(angle) * float(powers.sum())
    more = math.sin(angle) * math.cos(angle) * float(powers.sum()) if freedom > 1 else 0.0
    return 2 / math.pi * (angle + more)


def _expanded(freedom: int, x: float) -> float:
    """The quantile for many degrees of freedom, from that of the normal distribution."""
    terms = (
        (x**3 + x) / 4,
        (5 * x**5 + 16 * x**3 + 3 * x) / 96,
        (3 * x**7 + 19 * x**5 + 17 * x**3 - 15 * x) / 384,
        (79 * x**9 + 776 * x**7 + 1482 * x**5 - 1920 * x**3 - 945 * x) / 92160,
    )
    return x + sum(term / float(freedom) ** k for k, term in enumerate(terms, 1))
