"""Which curvature model a fit uses, over how many rows, and what it costs."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pminusy.training.objective import Objective
from pminusy.training.preconditioners.cholesky import CholeskyPreconditioner, full_hessian
from pminusy.training.preconditioners.class_basis import Basis, ClassBasisPreconditioner
from pminusy.training.preconditioners.diagonal import DiagonalPreconditioner
from pminusy.training.preconditioners.kronecker import (
    KroneckerPreconditioner,
    kronecker_preconditioner,
)
from pminusy.training.preconditioners.non_negligible import NonNegligiblePreconditioner
from pminusy.training.preconditioners.protocol import Preconditioner

__all__ = ["WIDE", "Preconditioners"]

Array = NDArray[Any]

WIDE = 4000  # features beyond which no Gram matrix is built
_CHEAP_HESSIAN = 10.0  # passes that one may cost
_ROWS_A_PARAMETER, _LEAST_ROWS = 3, 1024  # of a Hessian over a sample
_SMALL_HESSIAN = 40  # parameters below which one is taken in float64
_FEW_CLASSES = 40  # up to which each has a Gram matrix of its own
_MANY_CLASSES = 80  # from which on only classes of non-negligible probability are told apart
_CLASSES_A_ROW = 10  # how many of those a row has, about
_MODEL_ROWS = 6000
_LEAST_RANK, _RANK = 64, 400
_BUILD_PASSES = 5


class Preconditioners:
    """Curvature models of one fit; what does not change is built once."""

    def __init__(self, objective: Objective) -> None:
        self._whole = objective
        self._rng = np.random.default_rng(0)
        self._basis: Basis | None = None
        self._kronecker: KroneckerPreconditioner | None = None
        source = objective.source
        few = objective.K < _MANY_CLASSES or source.sparse or objective.D > WIDE
        few = few or source.held is not source  # whose classes would be noted row by row
        most = objective.workspace // (32 * objective.source.rows)
        self.classes_a_row = (
            0.0 if few or objective.passes.small else float(min(_CLASSES_A_ROW, max(most, 4)))
        )

    def non_negligible(self, objective: Objective, damping: float) -> Preconditioner:
        """The selected classes of each row as they are, the others as a Kronecker model."""
        return NonNegligiblePreconditioner(
            objective, self._kronecker_model(objective), damping / objective.K
        )

    def hessian_rows(self, objective: Objective) -> int:
        """Rows that a Hessian is taken over: all, where that is cheap, else a sample."""
        rows, size = objective.source.rows, objective.size
        affordable = int(rows * _CHEAP_HESSIAN / self.hessian_price(objective, rows))
        room = max(objective.workspace // (16 * (objective.D + objective.K)), _LEAST_ROWS)
        wanted = max(affordable, _ROWS_A_PARAMETER * size, _LEAST_ROWS)
        return rows if wanted >= rows else min(wanted, room)

    def hessian_price(self, objective: Objective, rows: int) -> float:
        """Passes that the Hessian over some rows, and its factor, cost.

        By multiplications: those of `hessian`, at full speed, and of a pass, which has some beside
        its products: exponentials, and what is done once a row.
        """
        K, E, size = objective.K, objective.D + 1, objective.size
        hessian = rows * K * (K + 1) * E * (E + 1) / 2
        factor = 2 * size**3 / 3  # on one thread
        return (hessian + factor) / (objective.source.rows * (2.4 * K * E + 60 * K + 200))

    def full(self, objective: Objective, damping: float) -> Preconditioner:
        """The Hessian, over all rows or a sample, in float32 while that is precise enough."""
        rows = self.hessian_rows(objective)
        everything = rows >= objective.source.rows
        sample = None if everything else objective.draw(rows, self._rng)
        dtype = np.float64 if objective.size <= _SMALL_HESSIAN else np.float32
        return CholeskyPreconditioner(objective, sample, damping, dtype)

    def hessian(self, objective: Objective, effort: int) -> Array:
        """The Hessian as a matrix, in float32 sums: a sample's where that is much cheaper.

        With every step of `effort` the sample is four times as large, until it is all rows.
        """
        rows = self.hessian_rows(objective) * 4**effort
        room = objective.workspace // (16 * (objective.D + objective.K))
        held = objective.source.held.rows
        more = effort > 0 and (rows > room or rows > held)  # than can be drawn
        everything = rows >= objective.source.rows or more
        sample = None if everything else objective.draw(rows, self._rng)
        dtype = np.float64 if objective.size <= _SMALL_HESSIAN else np.float32
        return full_hessian(objective, sample, dtype)

    def rough(self, objective: Objective, damping: float) -> Preconditioner:
        """For L-BFGS: the diagonal where X is sparse or very wide."""
        if objective.source.sparse or objective.D > WIDE:
            return DiagonalPreconditioner(objective, damping)
        return self._dense(objective, damping)

    def _dense(self, objective: Objective, damping: float) -> Preconditioner:
        """A Gram matrix a class for few classes, one for all beyond."""
        if objective.K > _FEW_CLASSES:
            model = self._kronecker_model(objective)
            model.refresh(objective.class_curvature())
            return model
        if self._basis is None:
            rows = self._whole.rows_evenly(_MODEL_ROWS)
            self._basis = Basis(self._whole, rows, self._rank())
        count = min(self._model_rows(), objective.source.rows)
        return ClassBasisPreconditioner(
            objective, objective.draw(count, self._rng), self._basis, damping
        )

    def _model_rows(self) -> int:
        return int(np.clip(self._whole.source.rows // 3, _MODEL_ROWS // 3, _MODEL_ROWS))

    def _rank(self) -> int:
        """As many directions as make the Gram matrices of all classes cost _BUILD_PASSES passes.

        Of a class over n rows: 2 n r² operations; a pass takes 4 N D for each class.
        """
        N, D = self._whole.source.rows, self._whole.D
        r = math.sqrt(2 * _BUILD_PASSES * N * D / self._model_rows())
        return int(np.clip(r, _LEAST_RANK, _RANK))

    def _kronecker_model(self, objective: Objective) -> KroneckerPreconditioner:
        if self._kronecker is None:
            rows = self._whole.rows_evenly(max(_MODEL_ROWS, 4 * objective.D))
            self._kronecker = kronecker_preconditioner(objective, rows)
        return self._kronecker
