"""Decimal numbers of 110 digits, in which every line is checked at the reader's numbers.

A derivative is a difference quotient there: it uses no rule of calculus, which makes it a check.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from functools import lru_cache
from threading import RLock
from typing import Any

import mpmath
import numpy as np

__all__ = [
    "DIGITS",
    "WORKING_DIGITS",
    "Decimals",
    "as_array",
    "decimals",
    "difference_step",
    "digits_for",
    "exact_array",
    "working",
]

DIGITS = 30
"""Digits to which both sides of every line are compared."""

WORKING_DIGITS = 110  # two nested difference quotients lose 44 of them
_STEP_DIGITS = 22

decimals = mpmath.mp.clone()
"""mpmath with the working precision of the numerical proofs; nobody else's settings change."""
decimals.dps = WORKING_DIGITS


_turn = RLock()


@contextmanager
def working(digits: int = WORKING_DIGITS) -> Iterator[None]:
    """Work in so many digits, then as before. Threads take turns: the precision is one for all."""
    with _turn, decimals.workdps(digits):
        yield


def digits_for(spread: float) -> int:
    """Digits that tell 1 − p from 0 where logits lie this far apart."""
    return WORKING_DIGITS + 2 * math.ceil(spread / math.log(10))


def difference_step() -> Any:
    """Step h of a difference quotient: far below the smallest probability, and its square too.

    Half of the digits that `digits_for` adds make h smaller, the other half are lost by dividing.
    """
    return _step(decimals.dps)


@lru_cache(maxsize=64)
def _step(digits: int) -> Any:
    return decimals.mpf(10) ** -(_STEP_DIGITS + max(0, digits - WORKING_DIGITS) // 2)


@lru_cache(maxsize=1 << 14)
def _exp(argument: Any, bits: int) -> Any:
    """e to a number, remembered: with many classes each logit comes back in line after line."""
    return decimals.exp(argument)


class Decimals:
    """mpmath numbers."""

    exact = False

    _functions: Mapping[str, Any] = {
        "exp": lambda x: _exp(x, decimals.prec),
        "ln": decimals.ln,
        "tanh": decimals.tanh,
        "sech2": lambda x: decimals.sech(x) ** 2,
        "sqrt": decimals.sqrt,
        "xlnx": lambda x: x * decimals.ln(x) if x else x,
        "sigmoid": lambda x: 1 / (1 + decimals.exp(-x)),
        "Φ": decimals.ncdf,
        "φ": decimals.npdf,
    }

    def number(self, value: Fraction) -> Any:
        """A rational constant."""
        return decimals.mpf(value.numerator) / value.denominator

    def apply(self, function: str, argument: Any) -> Any:
        """exp, ln, tanh, sech², sqrt, the normal Φ and its density φ."""
        return self._functions[function](argument)

    def sign(self, value: Any) -> int:
        """−1, 0 or 1."""
        return int(decimals.sign(value))


def as_array(values: Any) -> Any:
    """Object array of numbers, whatever their type."""
    return np.asarray(values, dtype=object)


def exact_array(values: Any) -> Any:
    """Decimals of the very values given, a float64 to its last bit; a number for a number."""
    array = np.asarray(values)
    if array.ndim == 0:
        return _exact(array[()])
    return as_array([_exact(value) for value in array.ravel()]).reshape(array.shape)


def _exact(value: Any) -> Any:
    return value if isinstance(value, decimals.mpf) else decimals.mpf(float(value))
