"""Where blocks of (X, y, weight) come from.

An objective runs over a source and never sees a whole data set. Arrays are the source that exists;
whatever else can yield blocks (files, a cluster) fits the same protocol.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["ArraySource", "Block", "Source"]


class Block(NamedTuple):
    """Some rows of a data set."""

    X: NDArray[Any]  # (n, D)
    y: NDArray[np.intp]  # (n,)
    weight: NDArray[np.float64]  # (n,)


class Source(Protocol):
    """A data set that can be visited, in order, any number of times."""

    @property
    def features(self) -> int:
        """Number of features D."""

    @property
    def total_weight(self) -> float:
        """Sum of all sample weights (the number of rows where none were given)."""

    def blocks(self) -> Iterator[Block]:
        """All rows, block by block."""


class ArraySource:
    """Rows of arrays in memory.

    Parameters
    ----------
    X, y
        Inputs (N, D) and class indices (N,).
    weight
        Sample weights (N,), ones by default.
    block_rows
        Rows a block; the logits of one block are all that is held at a time.
    """

    def __init__(
        self,
        X: NDArray[Any],
        y: NDArray[np.intp],
        weight: NDArray[np.float64] | None = None,
        block_rows: int = 1 << 16,
    ) -> None:
        self._X, self._y = X, y
        self._weight = np.ones(X.shape[0]) if weight is None else weight
        self._block_rows = block_rows

    @property
    def features(self) -> int:
        """Number of features D."""
        return int(self._X.shape[1])

    @property
    def total_weight(self) -> float:
        """Sum of all sample weights."""
        return float(self._weight.sum())

    def blocks(self) -> Iterator[Block]:
        """All rows, `block_rows` at a time."""
        for start in range(0, self._X.shape[0], self._block_rows):
            rows = slice(start, start + self._block_rows)
            yield Block(self._X[rows], self._y[rows], self._weight[rows])
