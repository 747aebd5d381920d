"""Distance between what was computed and the truth, in units in the last place of the result."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from mpmath import mp, mpf

_BITS = {np.dtype(np.float32): (24, -126, 127), np.dtype(np.float64): (53, -1022, 1023)}


def unit(value: Any, dtype: Any) -> Any:
    """Unit in the last place at `value`; the smallest subnormal below the normal numbers."""
    bits, least, _ = _BITS[np.dtype(dtype)]
    _, _, exponent, length = value._mpf_
    leading = exponent + length - 1 if value else least  # 2^leading ≤ |value| < 2^(leading + 1)
    return mpf(2) ** (max(leading, least) - bits + 1)


def distance(got: Any, truth: Any, dtype: Any, *, relative_to: Any = None) -> float:
    """|got − truth| in units in the last place of the truth (or of a larger number given).

    Infinite where exactly one of them is NaN or infinite.
    """
    got = float(got)
    if mp.isnan(truth) or math.isnan(got):
        return 0.0 if mp.isnan(truth) and math.isnan(got) else math.inf
    if mp.isinf(truth) or math.isinf(got):
        return 0.0 if _same_infinity(got, truth, dtype) else math.inf
    reference = truth if relative_to is None else max(abs(truth), relative_to)
    with mp.workdps(60):
        return float(abs(mpf(got) - truth) / unit(reference, dtype))


def _same_infinity(got: float, truth: Any, dtype: Any) -> bool:
    """Both infinite with one sign, or the truth is finite but too large for the type."""
    bits, _, most = _BITS[np.dtype(dtype)]
    if not math.isinf(got) or (got > 0) != (truth > 0):
        return False
    return bool(mp.isinf(truth) or abs(truth) >= mpf(2) ** (most + 1) - mpf(2) ** (most - bits))
