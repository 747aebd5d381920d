"""Which rows are held out: a share of each class, and never all of a class."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["stratified_split"]


def stratified_split(
    y: NDArray[np.integer[Any]], test_size: float, seed: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Indices of training and of held-out rows, both in the order of the table.

    Of a class with n rows, the nearest whole number to n · `test_size` is held out, but at most
    n − 1: a class with a single row stays in training. (scikit-learn's splitter refuses such a
    class.)
    """
    random = np.random.default_rng(seed)
    held_out = np.zeros(y.size, dtype=bool)
    for label in np.unique(y):
        rows = random.permutation(np.flatnonzero(y == label))
        held_out[rows[: min(round(rows.size * test_size), rows.size - 1)]] = True
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)
