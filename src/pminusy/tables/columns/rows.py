"""A design matrix as it is filled, feature by feature: dense, or sparse by rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["DenseFeatures", "SparseFeatures"]

Matrix = NDArray[np.float64]


class DenseFeatures:
    """An array (N, D) of zeros to fill."""

    def __init__(self, N: int, D: int) -> None:
        self._X = np.zeros((N, D))

    def put(self, j: int, values: Matrix) -> None:
        """Set a feature."""
        self._X[:, j] = values

    def put_ones(self, first: int, codes: NDArray[np.int64]) -> None:
        """Set the feature `first` + code of each row to 1, none where the code is −1."""
        rows = np.flatnonzero(codes >= 0)
        self._X[rows, first + codes[rows]] = 1.0

    def finished(self) -> Matrix:
        """The array."""
        return self._X


class SparseFeatures:
    """The same as a sparse array of rows (CSR)."""

    def __init__(self, N: int, D: int) -> None:
        self._shape = (N, D)
        # By the first of some features, of which a row has one at most: which, −1 for none, and
        # its value; None for ones.
        self._entries: dict[int, tuple[NDArray[np.int32], Matrix | None]] = {}

    def put(self, j: int, values: Matrix) -> None:
        """Set a feature."""
        self._entries[j] = np.where(values != 0, np.int32(j), np.int32(-1)), values

    def put_ones(self, first: int, codes: NDArray[np.int64]) -> None:
        """Set the feature `first` + code of each row to 1, none where the code is −1."""
        self._entries[first] = np.where(codes >= 0, first + codes, -1).astype(np.int32), None

    def finished(self) -> Any:
        """The array."""
        from scipy.sparse import csr_array

        N, D = self._shape
        sizes = np.zeros(N + 1, dtype=np.int64)
        in_order = [self._entries[first] for first in sorted(self._entries)]
        for features, _ in in_order:
            sizes[1:] += features >= 0
        starts = np.cumsum(sizes)
        indices = np.empty(starts[-1], dtype=np.int32)
        data = np.ones(starts[-1])
        at = starts[:-1].copy()
        for features, values in in_order:
            here = features >= 0
            places = at[here]
            indices[places] = features[here]
            if values is not None:
                data[places] = values[here]
            at += here
        whole = csr_array((data, indices, starts.astype(np.int32)), shape=(N, D))
        whole.has_sorted_indices = True
        return whole
