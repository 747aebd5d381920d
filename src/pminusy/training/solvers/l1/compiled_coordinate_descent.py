"""Coordinate descent on a quadratic with absolute values: `coordinate_descent` in Numba."""

# Numba infers the types of what it compiles; annotations would have no effect there.
from __future__ import annotations

from typing import Any

import numpy as np

from pminusy.kernels.runtime.compilation import fast_jit

__all__ = ["descend"]


def descend(H: Any, alpha: Any, v: Any, r: Any, sweeps: int, tol: float) -> bool:
    """As the twin in `coordinate_descent`."""
    return bool(_descend(H, alpha, v, r, sweeps, tol))


@fast_jit
def _descend(H: Any, alpha: Any, v: Any, r: Any, sweeps: Any, tol: Any) -> Any:
    for _ in range(sweeps):
        most = 0.0
        for j in range(v.size):
            h = H[j, j]
            to, shrink = v[j] - r[j] / h, alpha[j] / h
            if to > shrink:
                to -= shrink
            elif to < -shrink:
                to += shrink
            else:
                to = 0.0
            moved = to - v[j]
            if moved != 0.0:
                v[j] = to
                row = H[j]
                for i in range(v.size):
                    r[i] += moved * row[i]
                most = max(most, abs(moved) * np.sqrt(h))
        if most <= tol:
            return True
    return False
