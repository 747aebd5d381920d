"""What runs where a partition lies: functions without side effects, so that each may run twice."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from pminusy.errors import InputError
from pminusy.estimators.parameters.problem import CERTAIN_KINDS
from pminusy.estimators.streams.moments import RunningMoments
from pminusy.estimators.streams.reading import read_block, require_alike, require_finite_rows
from pminusy.estimators.streams.rows import added, distinct_labels
from pminusy.kernels.runtime import threads
from pminusy.kernels.runtime.blas import one_thread_each
from pminusy.kernels.runtime.layout import c_contiguous
from pminusy.training.passes.specification import Csr, RowTargets
from pminusy.training.sources.arrays import ArraySource
from pminusy.training.sources.row_blocks import RowBlock, fingerprint

__all__ = [
    "Message",
    "Read",
    "Summary",
    "arrived",
    "joined",
    "numbered",
    "read_partition",
    "sampled",
    "summary_of",
    "sums_added",
    "visit",
]

Array = NDArray[Any]

_REMEDY = "a partition that is made anew must have the same rows: fix the seed, or persist X"


class Read(NamedTuple):
    """A partition as it was read, or the reason why it cannot be used."""

    rows: RowBlock | None
    names: Array | None  # of the columns, where X is a frame
    error: InputError | None = None


class Summary(NamedTuple):
    """What some partitions, one after the other, have added up to."""

    sizes: tuple[int, ...]  # rows of each
    marks: tuple[int, ...]  # their fingerprints
    nbytes: int
    first: tuple[int, RowBlock, Array | None] | None  # number, a row, and names of the first
    labels: Array  # sorted; columns 0 … K − 1 of soft targets
    weights: Array  # of each label
    moments: RunningMoments | None  # of a dense X
    error: InputError | None = None


class Message(NamedTuple):
    """What a visit sends: the work, and what turns a partition into a source."""

    work: Callable[..., tuple[Any, ...]]
    arguments: tuple[Any, ...]
    features: int
    own: Array  # class factors of the target mass, both (K,)
    spread: Array


def read_partition(number: int, X: Any, y: Any, weight: Any) -> Read:
    """One partition, checked; what is wrong is returned, so that the first of all is reported."""
    where = f"partition {number}"
    try:
        rows, names = read_block((X, y, weight), where)
        require_finite_rows(rows, where)
        _require_labels(rows.y, where)
    except InputError as error:
        return Read(None, None, error)
    return Read(rows._replace(X=_small_indices(rows.X)), names)


def _require_labels(y: Array, where: str) -> None:
    """Numbers that are no labels are refused before they are counted, each by itself."""
    if y.ndim == 1 and y.dtype.kind == "f" and not np.array_equal(y, np.floor(y)):
        got = "NaN" if np.isnan(y).any() else "continuous numbers"
        raise InputError(f"y of {where}", "labels (n,) or soft targets (n, K)", got)
    if y.ndim == 1 and y.dtype.kind not in CERTAIN_KINDS:
        try:
            distinct_labels(y)
        except InputError as error:
            raise InputError(f"y of {where}", error.expected, error.got) from None


def _small_indices(X: Any) -> Any:
    """Sparse rows with indices of 32 bits; the user's matrix is left as it is."""
    if isinstance(X, np.ndarray) or X.nnz > np.iinfo(np.int32).max:
        return X
    parts = X.data, X.indices.astype(np.int32, copy=False), X.indptr.astype(np.int32, copy=False)
    return sp.csr_array(parts, shape=X.shape)


def summary_of(number: int, read: Read) -> Summary:
    """What one partition adds."""
    rows = read.rows
    if rows is None:
        return _nothing(0)._replace(error=read.error)
    if not rows.rows:
        return _nothing(0)
    moments = None
    with _alone():
        if isinstance(rows.X, np.ndarray):
            moments = RunningMoments()
            moments.add(rows.X, rows.weight)
        places = rows
        labels = np.arange(rows.y.shape[-1])
        if rows.y.ndim == 1:
            labels, place = distinct_labels(rows.y)
            places = rows._replace(y=place.astype(np.int32))
        weights = added(np.zeros(len(labels)), places)
    first = number, rows.part(slice(0, 1)), read.names
    mark = fingerprint(places)
    return Summary((rows.rows,), (mark,), rows.nbytes, first, labels, weights, moments)


def _nothing(rows: int) -> Summary:
    return Summary((rows,), (0,), 0, None, np.empty(0), np.zeros(0), None)


def joined(*parts: Summary) -> Summary:
    """Summaries of partitions, in their order; of what is wrong, the first counts."""
    total = parts[0]
    for part in parts[1:]:
        total = _both(total, part)
    return total


def _both(total: Summary, part: Summary) -> Summary:
    sizes, marks = total.sizes + part.sizes, total.marks + part.marks
    error = total.error or part.error
    if error is None and total.first is not None and part.first is not None:
        error = _difference(total.first, part.first)
    if error is not None or total.first is None or part.first is None:
        kept = part if total.first is None else total
        return kept._replace(sizes=sizes, marks=marks, error=error)
    labels, weights = _labels_of_both(total, part)
    moments = None
    if total.moments is not None and part.moments is not None:
        moments = RunningMoments()
        moments.add_others(total.moments)
        moments.add_others(part.moments)
    nbytes = total.nbytes + part.nbytes
    return Summary(sizes, marks, nbytes, total.first, labels, weights, moments)


def _labels_of_both(total: Summary, part: Summary) -> tuple[Array, Array]:
    """Labels with what the weights of each add up to; of soft targets the columns."""
    assert total.first is not None
    if total.first[1].y.ndim == 2:
        return total.labels, total.weights + part.weights
    both = np.concatenate([total.labels, part.labels])
    labels, place = np.unique(both, return_inverse=True)
    weights = np.bincount(place, np.concatenate([total.weights, part.weights]), labels.size)
    return labels, weights


def _difference(first: Any, other: Any) -> InputError | None:
    number, rows, names = other
    try:
        require_alike(
            first[1], first[2], rows, names, f"partition {number}", f"partition {first[0]}"
        )
    except InputError as error:
        return error
    return None


def numbered(number: int, read: Read, classes: Array, rows: int, mark: int) -> RowBlock:
    """A partition whose y is numbers of classes, or soft targets; the same one as before."""
    block, where = read.rows, f"partition {number}"
    if block is None or block.rows != rows:
        got = "others" if block is None else f"{block.rows}"
        raise InputError(where, f"{rows} rows, as on the first visit", got, _REMEDY)
    places, numbers = block, block.y
    if block.y.ndim == 1:
        labels, place = distinct_labels(block.y)
        places = block._replace(y=place.astype(np.int32))
        numbers = np.searchsorted(classes, labels).astype(np.int32)[place]
    if fingerprint(places) != mark:
        raise InputError(where, "the same rows as on the first visit", "others", _REMEDY)
    return block._replace(y=numbers)


def sampled(block: RowBlock, first: int, stride: int) -> RowBlock:
    """Every so many rows of a partition."""
    return block.part(slice(first, None, stride))


def arrived(message: bytes) -> bytes:
    """A message, once it is on the workers."""
    return message


def visit(block: RowBlock, message: bytes) -> tuple[Any, ...]:
    """The work of a message on one partition; on one thread, as others are worked on beside it."""
    sent: Message = pickle.loads(message)
    with _alone():
        return tuple(sent.work(_source_of(block, sent), *sent.arguments))


def _source_of(block: RowBlock, sent: Message) -> ArraySource:
    """A partition as kernels take it; what another machine has sent cannot be written to."""
    X: Any = block.X
    X = c_contiguous(X) if isinstance(X, np.ndarray) else Csr(
        c_contiguous(X.data), c_contiguous(X.indices), c_contiguous(X.indptr)
    )  # fmt: skip
    y = c_contiguous(block.y)
    soft = y.ndim == 2
    omega = np.ones(block.rows) if block.weight is None else c_contiguous(block.weight)
    labels = np.empty(0, np.int32) if soft else y
    whole = y if soft else np.empty((0, 0))
    targets = RowTargets(labels, whole, omega, sent.own, sent.spread)
    return ArraySource(X, sent.features, targets)


def sums_added(*sums: tuple[Any, ...]) -> tuple[Any, ...]:
    """Sums of some partitions; those that are given are left as they are."""
    if len(sums) == 1:
        return sums[0]
    total = [first + second for first, second in zip(sums[0], sums[1], strict=True)]
    for others in sums[2:]:
        for i, value in enumerate(others):
            total[i] += value
    return tuple(total)


def _alone() -> AbstractContextManager[Any]:
    """One thread, of ours and of BLAS: the same sums on any machine."""
    with ExitStack() as stack:
        stack.enter_context(threads.one_thread())
        stack.enter_context(one_thread_each)
        return stack.pop_all()
