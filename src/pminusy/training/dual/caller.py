"""The dual of an objective over sparse rows, and epochs of coordinate ascent on it.

An epoch visits every row once, in an order drawn anew. Every thread visits rows of its own with
weights of its own, as if the data were its rows alone, that many times over; then the weights are
averaged. That loses next to nothing for a few threads, since sparse rows have little in common.
Source: Jaggi et al. 2014, "Communication-efficient distributed dual coordinate ascent".
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pminusy.kernels.runtime import memory, threads
from pminusy.training.implementation import implementation
from pminusy.training.objective import Objective
from pminusy.training.passes.specification import PADDING, Csr

__all__ = ["DualProblem", "bytes_of_dual", "has_dual", "stiffness"]

Array = NDArray[Any]

_SHARES = 4  # averages over more converge more slowly
_ROWS_A_SHARE = 1024
_SLACK = 0.2  # β of an average row's mass: how tightly the bias is held while the rows move
_BLOCK = 1 << 16  # entries of W averaged at a time: they stay in the second-level cache


def bytes_of_dual(objective: Objective) -> int:
    """What the rows' distributions and their logarithms take."""
    itemsize = np.dtype(objective.dtype).itemsize
    return 2 * objective.source.rows * _padded(objective.K) * itemsize


def has_dual(objective: Objective) -> bool:
    """Whether there is a dual, for sparse rows and with a ridge, and room for it."""
    source = objective.source
    possible = source.sparse and source.held is source and objective.ridge > 0
    return possible and bytes_of_dual(objective) <= objective.workspace


def stiffness(objective: Objective) -> float:
    """How far a row's logits move when its target mass does, on average: S ‖x‖² / (λ M).

    Up to some units, ascent converges in few epochs; their number grows with it.
    """
    (block,) = objective.source.blocks()
    assert isinstance(block.X, Csr)
    data = block.X.data
    square = float(np.einsum("i,i", data, data, dtype=np.float64)) / max(1, block.X.indptr.size - 1)
    return square / (objective.ridge * objective.source.rows)


class DualProblem:
    """A distribution for every row, and the weights they make.

    Parameters
    ----------
    objective
        What is minimised; see `has_dual`.
    ridge
        λ, if not the objective's.
    """

    def __init__(self, objective: Objective, ridge: float | None = None) -> None:
        source, K, dtype = objective.source, objective.K, objective.dtype
        self._coordinates, self._project = objective.coordinates, objective.project
        (self._block,) = source.blocks()
        work = source.rows * source.features * source.classes
        self._ascend = implementation("dual", work).ascend
        self._number = source.rows
        shares = min(threads.get_num_threads(), _SHARES, source.rows // _ROWS_A_SHARE)
        self._W = [memory.empty((objective.D, _padded(K)), dtype) for _ in range(max(1, shares))]
        for W in self._W:
            W.fill(0.0)
        self._T, self._P = (memory.empty((source.rows, _padded(K)), dtype) for _ in range(2))
        self._strength = 1.0 / ((objective.ridge if ridge is None else ridge) * objective.mass)
        self._bias = np.zeros(K)  # the multipliers b
        self._pull = np.zeros(K)  # β Σ ρ
        self._slack = 0.0
        if self._coordinates.fit_intercept:
            share = source.class_mass / objective.mass
            self._bias = np.log(np.maximum(share, 1e-3 / objective.mass))
            self._slack = _SLACK * source.rows / objective.mass
        self._random = np.random.default_rng(0)
        self._mass = objective.mass
        self._fresh = True

    def epoch(self) -> float:
        """Visit every row; return the duality gap of the mean objective, nearly (∞ at first)."""
        order, shares = self._random.permutation(self._number), len(self._W)
        gaps, moved = [0.0] * shares, np.zeros((shares, self._bias.size), self._W[0].dtype)
        b = (self._bias + self._pull).astype(self._W[0].dtype)
        X, targets, rows = self._block
        assert isinstance(X, Csr)

        def visit(part: int) -> None:
            some = order[part * order.size // shares : (part + 1) * order.size // shares]
            gaps[part] = self._ascend(
                X,
                targets,
                self._W[part],
                b,
                (self._strength * shares, self._slack * shares),
                rows,
                some,
                self._T,
                self._P,
                moved[part],
                first=self._fresh,
            )

        threads.run(visit, shares)
        if shares > 1:
            self._average()
        self._pull += moved.mean(axis=0, dtype=np.float64)
        self._bias += self._pull
        gap = np.inf if self._fresh else sum(gaps) / self._mass
        self._fresh = False
        return gap

    def vector(self) -> Array:
        """The point in the objective's coordinates."""
        out = np.empty(self._coordinates.size)
        u, b = self._coordinates.split(out)
        u[...] = self._W[0][:, : self._bias.size]
        b[...] = (self._bias + self._pull)[: b.size]
        return self._project(out)  # rounding gives all classes something in common

    def _average(self) -> None:
        first, *others = self._W
        factor = first.dtype.type(1 / len(self._W))
        step = max(1, _BLOCK // first.shape[1])

        def average(part: int) -> None:
            rows = slice(part * step, (part + 1) * step)
            total = first[rows]
            for W in others:
                total += W[rows]
            total *= factor
            for W in others:
                W[rows] = total

        threads.run(average, -(-first.shape[0] // step))


def _padded(K: int) -> int:
    return -(-K // PADDING) * PADDING
