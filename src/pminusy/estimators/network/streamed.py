"""Rows of a network's fit that are not in memory: what a first visit learns, and later visits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import _check_n_features

from pminusy.errors import InputError
from pminusy.estimators.network.rows import (
    CheckedRows,
    HeldOut,
    checked_rows,
    require_fraction,
    require_same_classes,
    require_validation,
)
from pminusy.estimators.network.shape import batch_rows
from pminusy.estimators.parameters.problem import class_weights
from pminusy.estimators.streams.blocks import Blocks, blocks_of, in_memory, set_names
from pminusy.estimators.streams.rows import FirstVisit
from pminusy.training.checkpoints import fingerprint
from pminusy.training.network.data import Rows, rows_of
from pminusy.training.network.masks import step_keys, threshold
from pminusy.training.network.visits import StreamedRows
from pminusy.training.sources.arrays import make_targets
from pminusy.training.sources.row_blocks import RowBlock, join

__all__ = ["RowsOfBlocks", "training_rows"]

Array = NDArray[Any]

_WHOLE = 3  # share of the memory that rows may take to be held whole
_HELD = 4  # share of it for rows that steps mix
_APART = 8  # share of it for rows held out
_BLOCK = 1 << 20  # bytes read at once: the smaller, the better blocks of sorted rows are mixed
_BESIDE = 48  # bytes of a row beside its inputs: target, weights, places


def training_rows(
    estimator: Any, X: Any, y: Any, sample_weight: Any, *, first: bool
) -> CheckedRows | RowsOfBlocks:
    """Checked rows of a fit: in memory where they are, or where `memory` holds them.

    A fit that is not the first goes on with the classes that are known.
    """
    memory = estimator.memory
    known = None if first else estimator.classes_
    blocks = blocks_of(X, y, sample_weight, memory / _WHOLE / _growth(X), memory)
    if blocks is None:
        if known is not None:
            require_same_classes(y, known)
        return checked_rows(estimator, in_memory(X), y, sample_weight, known, reset=first)
    visit = FirstVisit(
        blocks, memory, memory / (2 * _WHOLE), types=(np.float64, np.float32), largest=_BLOCK
    )
    if known is not None and not visit.soft:
        require_same_classes(visit.classes, known)
    found: CheckedRows | RowsOfBlocks
    if visit.in_memory:
        arrays = visit.arrays()
        visit.forget_rows()
        found = checked_rows(estimator, *arrays, known, reset=first)
    else:
        found = RowsOfBlocks(estimator, visit, known, reset=first)
    set_names(estimator, visit.names, reset=first)
    return found


class RowsOfBlocks:
    """Rows that are read anew in each epoch, with the interface of `CheckedRows`."""

    aside: frozenset[str] = frozenset()

    def __init__(
        self, estimator: Any, visit: FirstVisit, known: Array | None, *, reset: bool
    ) -> None:
        if estimator.solver == "lbfgs":
            raise InputError(
                "solver", "'adam' or 'sgd' for rows that memory does not hold", "'lbfgs'",
                "raise memory so that it does",
            )  # fmt: skip
        visit.forget_rows()
        self._visit, self._smoothing = visit, float(estimator.label_smoothing)
        self._memory = estimator.memory
        self.classes = visit.classes if known is None else known
        self.shape, self.dtype = (visit.rows, visit.features), visit.dtype
        self.sparse = visit.sparse
        _check_n_features(estimator, np.empty((0, visit.features)), reset=reset)
        if len(self.classes) < 2:
            raise InputError("y", "at least 2 classes", f"1 class ({self.classes.tolist()[0]!r})")
        mass, self._class_weight = visit.weight_of_class, None
        if estimator.class_weight is not None:
            self._class_weight = class_weights(mass, self.classes, estimator.class_weight)
            mass = mass * self._class_weight
        if not mass.sum() > 0:
            raise InputError("weight", "a positive sum", "only zeros")
        self._seed, self._share = 0, 0.0  # of the rows held out

    def digest(self) -> str:
        """Tells these rows from others."""
        return fingerprint(self._visit.marks)

    def visits(
        self, estimator: Any, random: np.random.RandomState, *, apart: bool
    ) -> tuple[StreamedRows, HeldOut | None]:
        """What gives the rows of each epoch, and rows held out if they are asked for."""
        held = self._held_out(estimator.validation_fraction, random) if apart else None
        rows = self.shape[0] - (0 if held is None else held.indices.shape[0])
        if not rows:
            raise InputError("validation_fraction", "rows to train on", "none")
        step = batch_rows(estimator, rows) * int(estimator.average_gradients)
        numbers = len(self._visit.marks) if self._visit.sliced else None
        room = int(self._memory / _HELD / self._bytes_a_row())
        visits = StreamedRows(self._blocks, numbers, self._made, rows=rows, held=room, step=step)
        return visits, held

    def _bytes_a_row(self) -> float:
        return self._visit.bytes_a_row + _BESIDE

    def _made(self, block: RowBlock) -> tuple[Rows, Array]:
        """Rows as kernels take them, and what they count."""
        targets = make_targets(
            block.y, len(self.classes), sample_weight=block.weight,
            class_weight=self._class_weight, label_smoothing=self._smoothing,
        )  # fmt: skip
        counted = targets.omega
        if block.y.ndim == 1:
            counted = counted * (targets.own + targets.spread * len(self.classes))[block.y]
        return rows_of(block.X, targets, self.dtype), counted

    def _blocks(self, order: Array | None) -> Iterator[RowBlock]:
        """Rows to train on, block by block."""
        for block, apart in self._divided(order):
            places = np.flatnonzero(~apart)
            if places.size:
                yield block if places.size == block.rows else _some(block, places)

    def _divided(self, order: Array | None = None) -> Iterator[tuple[RowBlock, Array]]:
        """Blocks, and which of their rows are held out: as the hash of their numbers says."""
        blocks = self._visit.visit() if order is None else self._visit.visit_in(order)
        sizes = self._visit.marks[:, 0]
        firsts = np.cumsum(sizes) - sizes
        numbers = range(len(sizes)) if order is None else order
        for number, block in zip(numbers, blocks, strict=False):
            hashed = step_keys(self._seed, int(firsts[number]), block.rows)
            yield block, (hashed >> np.uint64(11)) < np.uint64(threshold(self._share))

    def _held_out(self, fraction: float, random: np.random.RandomState) -> HeldOut:
        """Rows by their hash, of which memory holds an eighth at most; read once and kept."""
        require_fraction(fraction)
        room = self._memory / _APART / self._bytes_a_row()
        self._seed = int(random.randint(2**31))
        self._share = min(fraction, room / self.shape[0])
        parts = [_some(block, np.flatnonzero(apart)) for block, apart in self._divided()]
        found = join(parts)
        if found.rows < 2 and self._share < fraction:
            got = f"{found.rows} rows held out in an eighth of {self._memory:,} bytes"
            raise InputError("memory", "room for rows held out", got, "raise it or pass eval_set")
        require_validation(found.rows, found.weight)
        return HeldOut(found.X, found.y, found.weight)


def _some(block: RowBlock, places: Array) -> RowBlock:
    weight = None if block.weight is None else block.weight[places]
    return RowBlock(block.X[places], block.y[places], weight)


def _growth(X: Any) -> float:
    """How many times as large X is once its numbers are float64 where they were whole."""
    dtype = getattr(X, "dtype", None)
    if isinstance(X, Blocks) or not isinstance(dtype, np.dtype) or dtype.kind == "f":
        return 1.0
    return max(1.0, 8 / max(1, dtype.itemsize))
