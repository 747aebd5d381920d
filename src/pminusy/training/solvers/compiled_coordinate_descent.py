"""Coordinate descent on a quadratic with absolute values, in Numba.

    minimise  gᵀd + ½ dᵀH d + Σ α_j |v_j|      over v, one entry at a time, d = v − v₀

The minimum along entry j is v_j − r_j / H_jj moved towards 0 by α_j / H_jj, r = g + H d.
Source: Friedman, Hastie & Tibshirani 2010, "Regularization paths for generalized linear models via
coordinate descent".
"""

# Numba infers the types of what it compiles; annotations would have no effect there.
from __future__ import annotations

from typing import Any

import numpy as np

from pminusy.kernels.runtime.compilation import fast_jit

__all__ = ["descend"]


def descend(H: Any, alpha: Any, v: Any, r: Any, sweeps: int, tol: float) -> bool:
    """Sweep over all entries, v and r (n,) in place, until none moves by more than tol.

    Parameters
    ----------
    H
        Symmetric (n, n), its diagonal above 0.
    alpha
        Of |v|, (n,), not negative.
    v, r
        Where to begin, and the gradient of the quadratic there.
    sweeps
        At most so many.
    tol
        Of |Δv_j| √H_jj.

    Returns
    -------
    bool
        Whether nothing moved by more.
    """
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
