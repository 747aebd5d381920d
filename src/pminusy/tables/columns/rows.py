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
    """The same as a sparse array of rows (CSR); features come in the order of their columns."""

    def __init__(self, N: int, D: int) -> None:
        self._shape = (N, D)
        self._features: list[NDArray[np.int32]] = []  # of each entry of a row, −1 for none
        self._values: list[Matrix | None] = []  # None for ones

    def put(self, j: int, values: Matrix) -> None:
        """Set a feature."""
        self._features.append(np.where(values != 0, np.int32(j), np.int32(-1)))
        self._values.append(values)

    def put_ones(self, first: int, codes: NDArray[np.int64]) -> None:
        """Set the feature `first` + code of each row to 1, none where the code is −1."""
        self._features.append(np.where(codes >= 0, first + codes, -1).astype(np.int32))
        self._values.append(None)

    def finished(self) -> Any:
        """The array."""
        from scipy.sparse import csr_array

        N, D = self._shape
        sizes = np.zeros(N + 1, dtype=np.int64)
        for features in self._features:
            sizes[1:] += features >= 0
        starts = np.cumsum(sizes)
        indices = np.empty(starts[-1], dtype=np.int32)
        data = np.ones(starts[-1])
        at = starts[:-1].copy()
        for features, values in zip(self._features, self._values, strict=True):
            here = features >= 0
            places = at[here]
            indices[places] = features[here]
            if values is not None:
                data[places] = values[here]
            at += here
        whole = csr_array((data, indices, starts.astype(np.int32)), shape=(N, D))
        whole.has_sorted_indices = True
        return whole
