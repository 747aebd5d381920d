"""Rows of arrays in memory as a source, and the targets beside them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pminusy.core.options import Options
from pminusy.core.target_mass import class_factors
from pminusy.training.passes.specification import Csr, RowSubset, RowTargets, entries_of, mass
from pminusy.training.sources.duplicates import merge_rows
from pminusy.training.sources.protocol import Block, Moments, Portion

__all__ = ["ArraySource", "make_targets"]

_PORTION = 8192  # rows


class ArraySource:
    """Rows of arrays in memory: one block, since kernels take it tile by tile.

    Parameters
    ----------
    X
        Inputs (N, D), C-contiguous, or sparse rows.
    features
        Number of features D.
    targets
        Target mass of all rows.
    rows
        Which of the rows; all, if not given.
    """

    def __init__(
        self,
        X: NDArray[Any] | Csr,
        features: int,
        targets: RowTargets,
        rows: RowSubset | None = None,
    ) -> None:
        self._X, self._features, self._targets = X, features, targets
        self._rows = RowSubset(0, 1, targets.omega.size) if rows is None else rows
        self.kept: dict[str, Any] = {}  # what a fit has made of the rows, for the next fit of them

    @property
    def features(self) -> int:
        """Number of features D."""
        return self._features

    @property
    def classes(self) -> int:
        """Number of classes K."""
        return int(self._targets.own.size)

    @property
    def rows(self) -> int:
        """Number of rows N."""
        return self._rows.number

    @property
    def block_rows(self) -> tuple[int, ...]:
        """Number of rows of the only block."""
        return (self._rows.number,)

    @property
    def sparse(self) -> bool:
        """Whether X holds sparse rows."""
        return isinstance(self._X, Csr)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the inputs."""
        return self._X.data.dtype if isinstance(self._X, Csr) else self._X.dtype

    @property
    def soft(self) -> bool:
        """Whether targets are soft."""
        return self._targets.soft.size > 0

    @property
    def held(self) -> ArraySource:
        """The source itself: all rows are in memory."""
        return self

    @property
    def moments(self) -> Moments | None:
        """Not known without a visit."""
        return None

    @cached_property
    def total_mass(self) -> float:
        """Sum of all target mass."""
        y, at = self._targets, self._everywhere()
        omega, spread = y.omega[at].astype(np.float64), float(y.spread.sum())
        if y.soft.shape[0]:
            return float(omega @ (y.soft[at] @ y.own.astype(np.float64) + spread))
        return float(omega @ (y.own.astype(np.float64)[y.labels[at]] + spread))

    @cached_property
    def class_mass(self) -> NDArray[np.float64]:
        """Sum of the target mass of every class (K,)."""
        y, at = self._targets, self._everywhere()
        omega = y.omega[at].astype(np.float64)
        soft = y.soft.shape[0] > 0
        mass = omega @ y.soft[at] if soft else np.bincount(y.labels[at], omega, y.own.size)
        return np.asarray(y.own * mass + y.spread * omega.sum())

    @cached_property
    def total_weight(self) -> float:
        """Sum of all sample weights."""
        return float(self._targets.omega[self._everywhere()].sum())

    def _at(self, rows: NDArray[np.intp]) -> NDArray[np.intp]:
        """Where rows of this source are in X."""
        at = self._rows.offset + self._rows.stride * rows
        return self._rows.chosen[at] if self._rows.chosen.size else at

    def _everywhere(self) -> NDArray[np.intp] | slice:
        """Where all rows of this source are in X."""
        whole = self._rows[:3] == (0, 1, self._targets.omega.size) and not self._rows.chosen.size
        return slice(None) if whole else self._at(np.arange(self.rows))

    def blocks(self) -> Iterator[Block]:
        """All rows."""
        yield Block(self._X, self._targets, self._rows)

    def portions(self) -> Iterator[Portion]:
        """All rows in dense arrays, a few thousand at a time."""
        for first in range(0, self.rows, _PORTION):
            rows = np.arange(first, min(first + _PORTION, self.rows))
            X, S = self.take(rows)
            yield Portion(X, self.mass(rows), S, self.labels_of(rows))

    def sample(self, stride: int, offset: int = 0) -> ArraySource:
        """Every stride-th row, from `offset`."""
        first, step, N, chosen = self._rows
        count = -(-(N - offset) // stride)
        rows = RowSubset(first + offset * step, step * stride, count, chosen)
        return ArraySource(self._X, self._features, self._targets, rows)

    def take(self, rows: NDArray[np.intp]) -> tuple[NDArray[Any], NDArray[np.float64]]:
        """Some rows as a dense array (n, D), and their target mass S (n,)."""
        at = self._at(rows)
        S = self._masses(at)
        if not isinstance(self._X, Csr):
            return self._X[at], S
        dense = np.zeros((at.size, self._features), self._X.data.dtype)
        entries, owner = entries_of(self._X, at)
        np.add.at(dense, (owner, self._X.indices[entries]), self._X.data[entries])
        return dense, S

    def dense(self) -> NDArray[Any]:
        """All rows of a dense X (N, D), not copied where they are all of it."""
        assert not isinstance(self._X, Csr)
        return self._X[self._everywhere()]

    def labels_of(self, rows: NDArray[np.intp]) -> NDArray[np.intp]:
        """Labels of some rows, where all mass of a row is at its label; else none."""
        y = self._targets
        if y.soft.shape[0] or y.spread.any():
            return np.empty(0, np.intp)
        return y.labels[self._at(rows)].astype(np.intp)

    def masses(self) -> NDArray[np.float64]:
        """Target mass S of every row (N,)."""
        return self._masses(self._everywhere())

    def _masses(self, at: NDArray[np.intp] | slice) -> NDArray[np.float64]:
        y = self._targets
        mass = y.soft[at] @ y.own if y.soft.shape[0] else y.own[y.labels[at]]
        return np.asarray(y.omega[at] * (mass + float(y.spread.sum())))

    def weighted(self, factor: NDArray[np.float64]) -> ArraySource:
        """The same rows, all sample weights multiplied by a factor (N,); X is shared."""
        targets = self._targets._replace(omega=self._targets.omega * factor)
        return ArraySource(self._X, self._features, targets, self._rows)

    def merged(self) -> ArraySource:
        """The same data with equal rows as one, of their added weight, where that saves much.

        X is not copied: the rows that stay are named by their numbers.
        """
        if isinstance(self._X, Csr) or self._targets.soft.size or self._rows[:2] != (0, 1):
            return self
        found = merge_rows(self._X, self._targets.labels)
        if found is None:
            return self
        kept, group = found
        omega = np.zeros(self.rows)
        omega[kept] = np.bincount(group, self._targets.omega, kept.size)
        targets = self._targets._replace(omega=omega)
        return ArraySource(self._X, self._features, targets, RowSubset(0, 1, kept.size, kept))

    def mass(self, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        """Target mass q (n, K) of some rows."""
        return mass(self._targets, self._at(rows))


def make_targets(
    y: NDArray[Any],
    classes: int,
    *,
    sample_weight: NDArray[Any] | None = None,
    class_weight: NDArray[Any] | None = None,
    label_smoothing: float = 0.0,
) -> RowTargets:
    """Target mass from class indices y (N,) or soft targets y (N, K), and the options."""
    weight = np.ones(classes) if class_weight is None else class_weight.astype(np.float64)
    omega = np.ones(y.shape[0]) if sample_weight is None else sample_weight.astype(np.float64)
    soft = y if y.ndim == 2 else np.empty((0, 0))
    labels = np.empty(0, np.int32) if y.ndim == 2 else y.astype(np.int32)
    own, spread = class_factors(Options(label_smoothing=label_smoothing), weight, classes)
    spread = np.zeros(classes) if spread is None else spread
    return RowTargets(labels, soft, omega, own, spread)
