"""Rows that are read anew on every visit, as a source: of files, or of whatever gives blocks.

A visit is a sum over blocks, in order; nothing of a block is needed once its sums are taken. An
even sample of the rows is held in memory. On it a fit begins, and from it come models of curvature,
which only decide how many visits are needed, never where they lead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pminusy.training.passes.specification import Csr, RowSubset, RowTargets
from pminusy.training.sources.arrays import ArraySource
from pminusy.training.sources.protocol import Block, Moments, Portion
from pminusy.training.sources.read_ahead import read_ahead
from pminusy.training.sources.row_blocks import RowBlock

__all__ = ["BlockSource", "StreamSummary", "csr_of"]

Array = NDArray[Any]

_SMALL = 1 << 17  # numbers of all blocks


class StreamSummary(NamedTuple):
    """What is known of all rows without reading them again."""

    features: int
    classes: int
    sparse: bool
    sizes: tuple[int, ...]  # rows of every block
    weight: float  # Σ ω
    weight_of_class: Array  # (K,): Σ ω Y
    moments: Moments | None  # of a dense X
    stride: int  # one row in so many is held


class BlockSource:
    """Rows that are read anew on every visit.

    Parameters
    ----------
    visit
        Begins a visit: blocks with the numbers of the labels, or soft targets, as y. Called, and
        its iterator used, on a thread that reads ahead where there is much to read.
    summary
        What is known of them.
    held
        An even sample of them in memory, with its targets; class factors are taken from there.
    factor
        Of every row's weight (N,); None for 1.
    labels_and_weights
        For `weighted`: numbers of the labels, and weights, of all rows (N,), in memory.
    """

    def __init__(
        self,
        visit: Callable[[], Iterator[RowBlock]],
        summary: StreamSummary,
        held: tuple[Array | Csr, RowTargets],
        factor: Array | None = None,
        labels_and_weights: tuple[Array, Array | None] | None = None,
    ) -> None:
        self._visit, self._summary, self._factor = visit, summary, factor
        self._labels_and_weights = labels_and_weights
        X, targets = held
        self._own, self._spread = targets.own, targets.spread
        self._held = ArraySource(X, summary.features, targets)

    @property
    def features(self) -> int:
        """Number of features D."""
        return self._summary.features

    @property
    def classes(self) -> int:
        """Number of classes K."""
        return self._summary.classes

    @property
    def rows(self) -> int:
        """Number of rows N."""
        return sum(self._summary.sizes)

    @property
    def block_rows(self) -> tuple[int, ...]:
        """Rows of every block."""
        return self._summary.sizes

    @property
    def sparse(self) -> bool:
        """Whether blocks hold sparse rows."""
        return self._summary.sparse

    @property
    def soft(self) -> bool:
        """Whether targets are soft."""
        return self._held.soft

    @property
    def held(self) -> ArraySource:
        """An even sample of the rows, in memory."""
        return self._held

    @property
    def dtype(self) -> Any:
        """Type of the inputs."""
        return self._held.dtype

    @property
    def moments(self) -> Moments | None:
        """Of every feature, where they are known."""
        return self._summary.moments

    @property
    def total_mass(self) -> float:
        """Sum of all target mass."""
        return float(self.class_mass.sum())

    @property
    def class_mass(self) -> NDArray[np.float64]:
        """Sum of the target mass of every class (K,)."""
        return np.asarray(
            self._own * self._summary.weight_of_class + self._spread * self._summary.weight
        )

    @property
    def total_weight(self) -> float:
        """Sum of all sample weights."""
        return self._summary.weight

    def blocks(self) -> Iterator[Block]:
        """All rows, block by block, read ahead."""
        first = 0
        small = self.rows * self.features <= _SMALL  # waiting for a thread would take longer
        for block in self._visit() if small else read_ahead(self._visit):
            rows = slice(first, first + block.rows)
            yield Block(_as_kernels_take_it(block.X), self._targets(block, rows), _all(block.rows))
            first = rows.stop

    def portions(self) -> Iterator[Portion]:
        """All rows in dense arrays, a few thousand at a time."""
        for block in self.blocks():
            yield from ArraySource(block.X, self.features, block.targets, block.rows).portions()

    def sample(self, stride: int, offset: int = 0) -> ArraySource:
        """About every stride-th row, of those in memory."""
        stride = max(1, stride // self._summary.stride)
        return self._held.sample(stride, min(offset, stride - 1))

    def merged(self) -> BlockSource:
        """The same: rows are not compared where they are not in memory."""
        return self

    def weighted(self, factor: NDArray[np.float64]) -> BlockSource:
        """The same rows, all sample weights multiplied by a factor (N,); X is shared."""
        assert self._labels_and_weights is not None, "the first visit was to keep the labels"
        labels, weight = self._labels_and_weights
        omega = factor if weight is None else factor * weight
        weight_of_class = np.bincount(labels, omega, self.classes)
        held = self._held.weighted(factor[:: self._summary.stride])
        summary = self._summary._replace(
            weight=float(weight_of_class.sum()), weight_of_class=weight_of_class
        )
        (block,) = held.blocks()
        return BlockSource(self._visit, summary, (block.X, block.targets), factor)

    def _targets(self, block: RowBlock, rows: slice) -> RowTargets:
        omega = np.ones(block.rows) if block.weight is None else block.weight
        omega = omega if self._factor is None else omega * self._factor[rows]
        soft = block.y.ndim == 2
        labels = np.empty(0, np.int32) if soft else block.y
        return RowTargets(
            labels, block.y if soft else np.empty((0, 0)), omega, self._own, self._spread
        )


def csr_of(X: Any) -> Csr:
    """A sparse matrix of SciPy's as kernels take it."""
    return Csr(X.data, X.indices, X.indptr)


def _as_kernels_take_it(X: Any) -> Array | Csr:
    return X if isinstance(X, np.ndarray) else csr_of(X)


def _all(rows: int) -> RowSubset:
    return RowSubset(0, 1, rows)
