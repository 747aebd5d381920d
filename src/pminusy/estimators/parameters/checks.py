"""Numbers among the parameters: refused where they are none that could be."""

from __future__ import annotations

import math
import sys
from numbers import Integral, Real
from typing import Any

from pminusy.errors import InputError

__all__ = [
    "HELD",
    "holds",
    "require_count",
    "require_number",
]

HELD = f"a number that float64 holds, {sys.float_info.min:.2g} to {sys.float_info.max:.2g} in size"


def require_number(
    name: str, value: Any, *, positive: bool = True, upper: float = math.inf
) -> None:
    """Refuse what is not a number above 0 (or from 0), and at most `upper`."""
    wanted = "a number above 0" if positive else "a number from 0"
    if upper < math.inf:
        wanted += f" to {upper:g}"
    valid = not isinstance(value, bool) and isinstance(value, Real) and value == value
    if not valid or value < 0 or (positive and value == 0) or value > upper:
        raise InputError(name, wanted, repr(value))
    if not holds(value):
        raise InputError(name, HELD, f"{value:.4g}" if isinstance(value, float) else "another")


def holds(value: Any) -> bool:
    """Whether float64 holds a number without overflow and with all its digits."""
    try:
        size = abs(float(value))
    except OverflowError:
        return False
    return not 0 < size < sys.float_info.min


def require_count(name: str, value: Any, least: int = 0) -> None:
    """Refuse what is not a whole number from `least`."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise InputError(name, f"a whole number from {least}", repr(value))
