"""What an objective asks of a data set: blocks of rows with their targets, any number of times.

Arrays in memory are a source of one block (`arrays`); what is read anew on every visit is one of
many (`blocks`). A pass over either is a map over blocks, which keeps nothing of them, and a sum in
their order; whatever else can yield blocks (a cluster) fits the same protocol.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from pminusy.training.passes.specification import Csr, RowSubset, RowTargets

if TYPE_CHECKING:
    from pminusy.training.sources.arrays import ArraySource

__all__ = ["Block", "Moments", "Portion", "Source"]


class Block(NamedTuple):
    """Some rows of a data set: which rows of X and of the targets."""

    X: NDArray[Any] | Csr
    targets: RowTargets
    rows: RowSubset


class Portion(NamedTuple):
    """Some thousand rows in dense arrays."""

    X: NDArray[Any]  # (n, D)
    q: NDArray[np.float64]  # (n, K) target mass
    S: NDArray[np.float64]  # (n,) its sums
    labels: NDArray[np.intp]  # (n,), where all mass of a row is at its label; else none


class Moments(NamedTuple):
    """Weighted mean of every feature, and of its squared distance from that mean; both (D,)."""

    mean: NDArray[np.float64]
    variance: NDArray[np.float64]


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
    def block_rows(self) -> tuple[int, ...]:
        """Number of rows of every block."""

    @property
    def sparse(self) -> bool:
        """Whether blocks hold sparse rows."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the inputs."""

    @property
    def soft(self) -> bool:
        """Whether targets are soft."""

    @property
    def held(self) -> ArraySource:
        """Rows in memory: the source itself if they are all, else an even sample of them."""

    @property
    def moments(self) -> Moments | None:
        """Of every feature, where they are known without a visit."""

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

    def portions(self) -> Iterator[Portion]:
        """All rows in dense arrays, a few thousand at a time."""

    def merged(self) -> Source:
        """The same data with equal rows as one, where that saves much."""

    def sample(self, stride: int, offset: int = 0) -> ArraySource:
        """Every stride-th row in memory, from `offset`, as a source; nothing is copied."""
