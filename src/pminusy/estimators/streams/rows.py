"""What the first visit to blocks learns, and the rows of a fit that are made of it.

Learned are the labels, what they add up to, the mean and spread of every feature, and a fingerprint
of every block, by which later visits know that they see the same rows. If `memory` holds all rows
they are kept, and the fit is one of arrays in memory; otherwise every 2ʲ-th row is.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.multiclass import check_classification_targets

from pminusy.errors import InputError
from pminusy.estimators.parameters.problem import CERTAIN_KINDS, class_indices, class_weights
from pminusy.estimators.streams.blocks import Blocks, SlicedBlocks, held_whole
from pminusy.estimators.streams.moments import RunningMoments
from pminusy.estimators.streams.reading import TYPES, BlockReader
from pminusy.training.passes.specification import RowTargets
from pminusy.training.sources.arrays import make_targets
from pminusy.training.sources.blocks import BlockSource, StreamSummary, csr_of
from pminusy.training.sources.read_ahead import read_ahead
from pminusy.training.sources.row_blocks import RowBlock, fingerprint, join, regroup

__all__ = ["LEAST", "FirstVisit", "added", "distinct_labels", "targets_of"]

Array = NDArray[Any]

_LARGEST, _FEWEST_ROWS = 16 << 20, 64  # bytes and rows of a block
_BLOCKS = 32  # of the memory: seven at once wait, are worked on or are put together
_SAMPLE = 4  # share of the memory for the sample
LEAST = 32 << 20  # bytes that a fit was seen to keep to: threads and gaps of the heap are in it
_SPARSE_ENTRIES = 200  # of a row, at most, as far as its size is guessed
_REMEDY = "the same rows in the same order must be given on every visit; has a file changed?"


def _too_little(memory: float) -> str:
    return (
        f"memory of {memory / 2**20:,.1f} MiB may be passed by some MiB: a fit of rows that are "
        f"read anew keeps to {LEAST >> 20} MiB and more"
    )


class FirstVisit:
    """A visit to all blocks, which learns what a fit needs to know.

    Parameters
    ----------
    blocks
        What the user has given.
    memory
        Bytes that the rows may take, with everything that is made of them.
    workspace
        Of it, bytes of logits where rows are held.
    classes
        Labels, where they are known.
    keep_targets
        Whether to keep the label and the weight of every row.
    types
        Of inputs that stay as they are; others become float64.
    largest
        Bytes of a block, at most.
    """

    def __init__(
        self,
        blocks: Blocks,
        memory: float,
        workspace: float,
        classes: Array | None = None,
        *,
        keep_targets: bool = False,
        types: tuple[Any, ...] = TYPES,
        largest: int = _LARGEST,
    ) -> None:
        self._blocks, self._reader = blocks, BlockReader(blocks, types)
        self._memory, self._largest = memory, largest
        self._numbers = _LabelNumbers(classes)
        self._sizes: list[int] = []
        self._marks: list[int] = []
        self._bytes = 0
        held = _Held(held_whole(memory, workspace), memory / _SAMPLE)
        moments = RunningMoments()
        weight_of_number = np.zeros(0)
        targets: list[RowBlock] = []
        for group in read_ahead(lambda: self._groups(finite=True)):
            rows = group._replace(y=self._numbers.add(group.y))
            self._sizes.append(rows.rows)
            self._marks.append(fingerprint(rows))
            self._bytes += rows.nbytes
            weight_of_number = added(weight_of_number, rows)
            if isinstance(rows.X, np.ndarray):
                moments.add(rows.X, rows.weight)
            held.add(rows)
            if keep_targets:
                targets.append(rows._replace(X=np.empty((rows.rows, 0))))
        if not self._sizes:
            raise InputError("X", "blocks with rows", "none: all blocks are empty")
        self._held, self._stride = held.joined(), held.stride
        if not self.in_memory and memory < LEAST < self._bytes:
            warnings.warn(_too_little(memory), UserWarning, stacklevel=2)
        self.soft = self._held.y.ndim == 2
        self.sparse = not isinstance(self._held.X, np.ndarray)
        self.features = int(self._held.X.shape[1])
        self.classes = self._numbers.classes(self._held.y)
        self._weight_of_class = self._by_class(weight_of_number)
        self._moments = None if self.sparse else moments.result()
        self._targets = join(targets) if keep_targets else None

    @property
    def names(self) -> Array | None:
        """Of the columns, where blocks are frames."""
        return self._reader.names

    @property
    def rows(self) -> int:
        """How many there are."""
        return sum(self._sizes)

    @property
    def in_memory(self) -> bool:
        """Whether all rows are held."""
        return self._stride == 1

    @property
    def sliced(self) -> bool:
        """Whether blocks can be visited in any order."""
        return isinstance(self._blocks, SlicedBlocks)

    @property
    def dtype(self) -> Any:
        """Of the inputs."""
        return self._held.X.dtype

    @property
    def weight_of_class(self) -> Array:
        """Σ ω Y (K,)."""
        return self._weight_of_class

    @property
    def marks(self) -> Array:
        """Rows and fingerprint (blocks, 2) of every block."""
        return np.stack([np.array(self._sizes), np.array(self._marks)], axis=1).astype(np.int64)

    @property
    def bytes_a_row(self) -> float:
        """Of inputs, target and weight, on average."""
        return self._bytes / self.rows

    def forget_rows(self) -> None:
        """Let go of the rows that are held; afterwards there are only visits."""
        self._held = self._held.part(slice(0, 0))

    def arrays(self) -> tuple[Any, Array, Array | None]:
        """X, y and weights of all rows, where they are held."""
        y = self._held.y if self.soft else self._numbers.labels(self._held.y)
        return self._held.X, y, self._held.weight

    def targets(self) -> tuple[Array, Array | None]:
        """Labels and weights of all rows, where they were kept."""
        assert self._targets is not None
        return self._numbers.labels(self._targets.y), self._targets.weight

    def source(self, class_weight: Any, label_smoothing: float) -> BlockSource:
        """The rows as a source of a fit."""
        held, K = self._held, len(self.classes)
        y = held.y if self.soft else self._numbers.to_sorted[held.y]
        targets = targets_of(
            held._replace(y=y), self._weight_of_class, self.classes, class_weight, label_smoothing
        )
        summary = StreamSummary(
            self.features, K, self.sparse, tuple(self._sizes), float(self._weight_of_class.sum()),
            self._weight_of_class, self._moments, self._stride,
        )  # fmt: skip
        X = csr_of(held.X) if self.sparse else held.X
        kept = None
        if self._targets is not None and not self.soft:
            kept = self._numbers.to_sorted[self._targets.y], self._targets.weight
        return BlockSource(self.visit, summary, (X, targets), labels_and_weights=kept)

    def visit(self) -> Iterator[RowBlock]:
        """A later visit: labels as their numbers among `classes`, the same rows as before."""
        number, first = -1, 0
        for number, group in enumerate(self._groups(finite=False)):
            if number >= len(self._sizes):
                raise self._other_rows(first)
            yield self._recognised(number, first, group)
            first += group.rows
        if first != self.rows:
            raise InputError("X", f"{self.rows} rows on every visit", f"{first}", _REMEDY)

    def visit_in(self, order: Array) -> Iterator[RowBlock]:
        """A later visit to blocks in the order of their numbers, where they are `sliced`."""
        assert isinstance(self._blocks, SlicedBlocks)
        for number in order.tolist():
            first = number * self._sizes[0]
            rows = slice(first, first + self._sizes[number])
            block = self._reader.block(self._blocks.part(rows), number)
            group = self._recognised(number, first, join([block.part(slice(0, block.rows))]))
            del block
            self._blocks.forget(rows)
            yield group

    def _recognised(self, number: int, first: int, group: RowBlock) -> RowBlock:
        """A block of the first visit: with numbers among `classes`, refused if it is another."""
        if group.rows != self._sizes[number]:
            raise self._other_rows(first)
        y = group.y
        if not self.soft:
            y, known = self._numbers.find(group.y)
            if not known:
                raise self._other_rows(first)
        seen = group._replace(y=y if self.soft else self._numbers.to_first[y])
        if fingerprint(seen) != self._marks[number]:
            raise self._other_rows(first)
        return group._replace(y=y)

    def _other_rows(self, first: int) -> InputError:
        got = f"others, from row {first} on or a little later"
        return InputError("X", "the same rows on every visit", got, _REMEDY)

    def _groups(self, *, finite: bool) -> Iterator[RowBlock]:
        """Blocks of one size."""
        blocks = self._reader.read(finite=finite)
        first = next(blocks, None)
        if first is not None:
            yield from regroup(chain([first], blocks), self._block_rows(first))

    def _block_rows(self, block: RowBlock) -> int:
        """Rows of a block, by the bytes of a row: the same for every visit."""
        columns = block.X.shape[1]
        x = 12 * min(columns, _SPARSE_ENTRIES)
        if isinstance(block.X, np.ndarray):
            x = columns * block.X.dtype.itemsize
        y = 8 * (block.y.shape[1] if block.y.ndim == 2 else 1)
        rows = int(min(self._largest, self._memory / _BLOCKS)) // (x + y + 8)
        return int(max(rows // _FEWEST_ROWS * _FEWEST_ROWS, _FEWEST_ROWS))

    def _by_class(self, weight_of_number: Array) -> Array:
        if self.soft:
            return weight_of_number
        out = np.zeros(len(self.classes))
        out[self._numbers.to_sorted[: weight_of_number.size]] = weight_of_number
        return out


class _LabelNumbers:
    """Labels numbered in the order in which they are first seen, later in their own."""

    def __init__(self, known: Array | None) -> None:
        self._known = known
        self._numbers: dict[Any, int] = {}
        self._found: list[Array] = []
        self._sorted = np.empty(0)
        self.to_sorted = self.to_first = np.empty(0, np.int32)

    def add(self, y: Array) -> Array:
        """Numbers (n,) of labels; soft targets as they are."""
        if y.ndim == 2:
            return y
        if y.dtype.kind not in CERTAIN_KINDS:
            check_classification_targets(y)
        if self._known is not None:
            class_indices(y, self._known)  # which refuses others
        labels, place = distinct_labels(y)
        listed = labels.tolist()
        new = [i for i, label in enumerate(listed) if label not in self._numbers]
        for i in new:
            self._numbers[listed[i]] = len(self._numbers)
        if new:
            self._found.append(labels[new])
        return np.array([self._numbers[label] for label in listed], np.int32)[place]

    def classes(self, y: Array) -> Array:
        """All labels, sorted; 0 … K − 1 for soft targets."""
        if y.ndim == 2:
            K = y.shape[1]
            if self._known is not None and len(self._known) != K:
                raise InputError("y", f"{len(self._known)} columns", str(K))
            return np.arange(K)
        found = np.concatenate(self._found)
        self._sorted = np.unique(found) if self._known is None else self._known
        self.to_sorted = np.searchsorted(self._sorted, found).astype(np.int32)
        self.to_first = np.zeros(len(self._sorted), np.int32)
        self.to_first[self.to_sorted] = np.arange(found.size)
        return self._sorted

    def labels(self, numbers: Array) -> Array:
        """The labels of numbers (n,) in the order in which they were first seen."""
        return np.asarray(self._sorted[self.to_sorted[numbers]])

    def find(self, y: Array) -> tuple[Array, bool]:
        """Numbers (n,) of labels among the sorted ones, and whether all of them are."""
        at = np.minimum(np.searchsorted(self._sorted, y), len(self._sorted) - 1).astype(np.int32)
        return at, bool(np.all(self._sorted[at] == y))


class _Held:
    """Every row, up to so many bytes; then every second, fourth … of them, up to so many."""

    def __init__(self, whole: float, some: float) -> None:
        self.stride = 1
        self._all, self._some = whole, some
        self._parts: list[RowBlock] = []
        self._bytes, self._seen = 0, 0

    def add(self, rows: RowBlock) -> None:
        part = rows.part(slice(-self._seen % self.stride, None, self.stride))
        self._seen += rows.rows
        self._parts.append(part)
        self._bytes += part.nbytes
        if self.stride == 1 and self._bytes > self._all:
            self._thin()
        while self.stride > 1 and self._bytes > self._some and self._rows > _FEWEST_ROWS:
            self._thin()

    @property
    def _rows(self) -> int:
        return sum(part.rows for part in self._parts)

    def _thin(self) -> None:
        first = 0
        for i, part in enumerate(self._parts):
            self._parts[i] = part.part(slice(first % 2, None, 2))
            first += part.rows
        self.stride *= 2
        self._bytes = sum(part.nbytes for part in self._parts)

    def joined(self) -> RowBlock:
        return join(self._parts)


def distinct_labels(y: Array) -> tuple[Array, Array]:
    """Labels (n,), each once and sorted, and where each row's is among them."""
    try:
        labels, place = np.unique(y, return_inverse=True)
    except TypeError:
        raise InputError("y", "labels of one type", "labels that have no order") from None
    return labels, place


def targets_of(
    rows: RowBlock,
    weight_of_class: Array,
    classes: Array,
    class_weight: Any,
    label_smoothing: float,
) -> RowTargets:
    """Targets of rows whose y is numbers of classes, or soft; class weights are by all rows."""
    per_class = None
    if class_weight is not None:
        per_class = class_weights(weight_of_class, classes, class_weight)
    return make_targets(
        rows.y, len(classes), sample_weight=rows.weight, class_weight=per_class,
        label_smoothing=label_smoothing,
    )  # fmt: skip


def added(total: Array, rows: RowBlock) -> Array:
    """Weights added up by the number of the label, or by column of soft targets."""
    if rows.y.ndim == 2:
        here = rows.y.sum(axis=0) if rows.weight is None else rows.weight @ rows.y
    else:
        here = np.bincount(rows.y, rows.weight, total.size).astype(np.float64)
    out = np.zeros(max(total.size, here.size))
    out[: total.size] += total
    out[: here.size] += here
    return out
