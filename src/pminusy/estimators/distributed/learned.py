"""What the first visit to partitions learns, and the source of a fit that is made of it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.multiclass import check_classification_targets

from pminusy.errors import InputError
from pminusy.estimators.distributed.collections import partitioned
from pminusy.estimators.distributed.partition import (
    Summary,
    joined,
    numbered,
    read_partition,
    sampled,
    summary_of,
)
from pminusy.estimators.distributed.source import DaskSource, combined, computed, task
from pminusy.estimators.distributed.workers import require_same_version
from pminusy.estimators.parameters.problem import CERTAIN_KINDS, class_indices
from pminusy.estimators.streams.rows import targets_of
from pminusy.extras import needing_extra
from pminusy.training.sources.blocks import StreamSummary, csr_of
from pminusy.training.sources.row_blocks import join

__all__ = ["PartitionVisit"]

Array = NDArray[Any]

_SAMPLE, _LARGEST_SAMPLE = 8, 16 << 20  # share of the memory for rows held here; bytes at most
_FEWEST_ROWS = 64


class PartitionVisit:
    """A visit to all partitions, which learns what a fit needs to know; `FirstVisit` of Dask.

    Partitions are read, checked and persisted; an even sample of their rows comes here.

    Parameters
    ----------
    X, y, sample_weight
        Dask's collections; y and the weights may be in memory where the rows of X are known.
    memory
        Bytes, of which the sample takes a part.
    classes
        Labels, where they are known.
    """

    def __init__(
        self, X: Any, y: Any, sample_weight: Any, memory: float, classes: Array | None = None
    ) -> None:
        with needing_extra():
            import dask
        given = partitioned(X, y, sample_weight)
        require_same_version()
        parts = zip(given.X, given.y, given.weight, strict=True)
        reads = list(dask.persist(*(task(read_partition, i, *p) for i, p in enumerate(parts))))
        found = [task(summary_of, i, read) for i, read in enumerate(reads)]
        (self._summary,) = computed(combined(found, joined))
        first = _first_of(self._summary)
        self.names = first[2]
        self.soft = first[1].y.ndim == 2
        self.sparse = not isinstance(first[1].X, np.ndarray)
        self.features = int(first[1].X.shape[1])
        self.classes, self._weight_of_class = self._classes(classes)
        self._parts = self._persisted(reads)
        self._held, self._stride = self._sample(memory)

    @property
    def rows(self) -> int:
        """How many there are."""
        return sum(self._summary.sizes)

    def source(self, class_weight: Any, label_smoothing: float) -> DaskSource:
        """The rows as a source of a fit."""
        held = self._held
        targets = targets_of(
            held, self._weight_of_class, self.classes, class_weight, label_smoothing
        )
        moments = self._summary.moments
        summary = StreamSummary(
            self.features, len(self.classes), self.sparse,
            tuple(size for size in self._summary.sizes if size),
            float(self._weight_of_class.sum()), self._weight_of_class,
            None if moments is None else moments.result(), self._stride,
        )  # fmt: skip
        return DaskSource(
            self._parts, summary, (csr_of(held.X) if self.sparse else held.X, targets)
        )

    def _classes(self, known: Array | None) -> tuple[Array, Array]:
        """Labels, those known or all there are, and what the weights of each add up to."""
        labels, weights = self._summary.labels, self._summary.weights
        if self.soft:
            if known is not None and len(known) != labels.size:
                raise InputError("y", f"{len(known)} columns", f"{labels.size}")
            return labels, weights
        if labels.dtype.kind not in CERTAIN_KINDS:
            check_classification_targets(np.repeat(labels, 3))  # which warns of those seen once
        if known is None:
            return labels, weights
        _, place = class_indices(labels, known)  # which refuses others
        return known, np.bincount(place, weights, len(known))

    def _persisted(self, reads: list[Any]) -> list[Any]:
        """The partitions that have rows, with numbers in the place of labels."""
        import dask

        classes = task(np.asarray, self.classes)
        sizes, marks = self._summary.sizes, self._summary.marks
        parts = [
            task(numbered, i, read, classes, sizes[i], marks[i])
            for i, read in enumerate(reads)
            if sizes[i]
        ]
        return list(dask.persist(*parts))

    def _sample(self, memory: float) -> tuple[Any, int]:
        """Every 2ʲ-th row, and 2ʲ."""
        room = min(memory / _SAMPLE, _LARGEST_SAMPLE)
        stride = 1
        while self._summary.nbytes > room * stride and self.rows > 2 * stride * _FEWEST_ROWS:
            stride *= 2
        first, parts = 0, []
        for part, size in zip(
            self._parts, (size for size in self._summary.sizes if size), strict=True
        ):
            parts.append(task(sampled, part, -first % stride, stride))
            first += size
        return join(list(computed(*parts))), stride


def _first_of(summary: Summary) -> Any:
    if summary.error is not None:
        raise summary.error
    if summary.first is None:
        raise InputError("X", "partitions with rows", "none: all partitions are empty")
    return summary.first
