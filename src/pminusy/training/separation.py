"""Whether some direction of the weights makes the loss fall for ever: no finite fit is the best.

Such a D (K, D) is right, or undecided, about every row: (D_y − D_k) · x ≥ 0 for all rows and
classes, and more than 0 somewhere. If it is more than 0 for all, classes are separated; if not,
quasi-separated. Whether there is one is a linear programme.

Source: Albert & Anderson 1984, "On the existence of maximum likelihood estimates in logistic
regression models".
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy  # `scipy.sparse` and `scipy.optimize` are loaded when they are first used
from numpy.typing import NDArray

__all__ = ["LARGEST", "separable"]

LARGEST = 100_000  # numbers in the programme: beyond, it takes longer than the fit
_ZERO = 1e-6

Array = NDArray[Any]


def separable(X: Array, y: Array, classes: int) -> bool:
    """Whether labels y (n,) of rows X (n, E), an intercept's column among them, are separable.

    Columns should be of size about one.
    """
    n, E = X.shape
    blocks = []
    for k in range(classes):
        rows = np.flatnonzero(y != k)
        if not rows.size:
            continue
        own = scipy.sparse.csr_array(
            (np.ones(rows.size), (np.arange(rows.size), y[rows])), shape=(rows.size, classes)
        )
        other = scipy.sparse.csr_array(
            (np.ones(rows.size), (np.arange(rows.size), np.full(rows.size, k))),
            shape=(rows.size, classes),
        )
        sign = (own - other).tocoo()
        part = X[rows]
        data = (sign.data[:, None] * part[sign.row]).ravel()
        columns = (sign.col[:, None] * E + np.arange(E)).ravel()
        lines = np.repeat(sign.row, E)
        blocks.append(
            scipy.sparse.csr_array((data, (lines, columns)), shape=(rows.size, classes * E))
        )
    margins = scipy.sparse.vstack(blocks, format="csr")
    gain = np.asarray(margins.sum(axis=0)).ravel()
    found = scipy.optimize.linprog(
        -gain, A_ub=-margins, b_ub=np.zeros(margins.shape[0]), bounds=(-1, 1), method="highs"
    )
    return bool(found.status == 0 and -found.fun > _ZERO * n)
