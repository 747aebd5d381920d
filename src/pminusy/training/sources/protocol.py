"""What an objective asks of a data set: blocks of rows with their targets, any number of times.

Arrays are the source that exists; whatever else can yield blocks (files, a cluster) fits the same
protocol.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from pminusy.training.passes.specification import Csr, RowSubset, RowTargets

__all__ = ["Block", "Source"]


class Block(NamedTuple):
    """Some rows of a data set: which rows of X and of the targets."""

    X: NDArray[Any] | Csr
    targets: RowTargets
    rows: RowSubset


class Source(Protocol):
    """A data set that can be visited, in order, any number of times."""

    @property
    def features(self) -> int:
        """Number of features D."""

    @property
    def classes(self) -> int:
        """Number of classes K."""

    @property
    def rows(self) -> int:
        """Number of rows N."""

    @property
    def sparse(self) -> bool:
        """Whether blocks hold sparse rows."""

    @property
    def total_mass(self) -> float:
        """Sum of all target mass (the number of rows where there are no weights)."""

    @property
    def class_mass(self) -> NDArray[np.float64]:
        """Sum of the target mass of every class (K,)."""

    @property
    def total_weight(self) -> float:
        """Sum of all sample weights."""

    def blocks(self) -> Iterator[Block]:
        """All rows, block by block."""

    def sample(self, stride: int, offset: int = 0) -> Self:
        """Every stride-th row, from `offset`, as a source; nothing is copied."""

    def take(self, rows: NDArray[np.intp]) -> tuple[NDArray[Any], NDArray[np.float64]]:
        """Some rows as a dense array (n, D), and their target mass S (n,)."""

    def masses(self) -> NDArray[np.float64]:
        """Target mass S of every row (N,)."""
