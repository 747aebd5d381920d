"""Coordinate descent on a quadratic with absolute values, in plain NumPy.

    minimise  gᵀd + ½ dᵀH d + Σ α_j |v_j|      over v, one entry at a time, d = v − v₀

The minimum along entry j is v_j − r_j / H_jj moved towards 0 by α_j / H_jj, r = g + H d.
This file is the specification; `compiled_coordinate_descent` is the same, fast.
Source: Friedman, Hastie & Tibshirani 2010, "Regularization paths for generalized linear models via
coordinate descent".
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["descend"]

Array = NDArray[Any]


def descend(H: Array, alpha: Array, v: Array, r: Array, sweeps: int, tol: float) -> bool:
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
    h = H.diagonal()
    for _ in range(sweeps):
        before = v.copy()
        for j in range(v.size):
            to = v[j] - r[j] / h[j]
            to = np.sign(to) * max(abs(to) - alpha[j] / h[j], 0.0)
            moved, v[j] = to - v[j], to
            r += moved * H[j]
        if np.max(np.abs(v - before) * np.sqrt(h), initial=0.0) <= tol:
            return True
    return False
