"""What a step reads and writes, in named tuples of arrays that compiled code takes as they are."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pminusy.training.network.layout import Layout, Network
from pminusy.training.passes.specification import RowTargets

__all__ = [
    "ADAM",
    "NO_ROWS",
    "SGD",
    "Buffers",
    "Rows",
    "Schedule",
    "Settings",
    "buffers_for",
    "rows_of",
]

Array = NDArray[Any]

SGD, ADAM = 0, 1


class Rows(NamedTuple):
    """Rows of training: dense X (N, D), or a CSR matrix where that is (0, 0); and their targets."""

    X: Array
    data: Array
    indices: Array  # int32, sorted in each row
    indptr: Array  # int64
    labels: Array  # (N,) int32, or none where there are soft targets
    soft: Array  # (N, K), or (0, 0)
    omega: Array  # (N,) float64: each row's weight
    own: Array  # (K,) float64: factors of the target by class, and what every class has of a row
    spread: Array

    @property
    def sparse(self) -> bool:
        """Whether X is sparse."""
        return self.X.shape[0] == 0 and self.indptr.size > 1


NO_ROWS = Rows(
    np.zeros((0, 0)), np.zeros(0), np.zeros(0, np.int32), np.zeros(0, np.int64),
    np.zeros(0, np.int32), np.zeros((0, 0)), *(np.zeros(0) for _ in range(3)),
)  # fmt: skip
"""What stands for rows while there are none in memory."""


class Buffers(NamedTuple):
    """Memory of training, made once."""

    theta: Array  # parameters
    gradient: Array
    first: Array  # momentum, or Adam's first moment
    second: Array  # Adam's second moment; empty for SGD
    average: Array  # averaged parameters; empty where nothing is averaged
    running: Array  # mean and variance of each normalised level
    activations: Array  # each level of a batch, one after the other
    deltas: Array  # dL_dz of each level
    slopes: Array  # da/dz where the activation does not tell it; empty otherwise
    normalised: Array  # x̂ of each normalised level; empty otherwise
    inverse_std: Array  # one for each unit of each level; empty otherwise


class Schedule(NamedTuple):
    """Some steps: which rows, what is done after each, and what is found."""

    order: Array  # row numbers, int64
    bounds: Array  # (steps + 1,) int64: rows of step s are order[bounds[s] : bounds[s + 1]]
    fresh: Array  # (steps,) uint8: whether the gradient begins at 0
    update: Array  # (steps,) uint8: whether the parameters move after it
    inverse: Array  # (steps,) float64: 1 / the mass of the rows since `fresh`
    rates: Array  # (steps,) float64: learning rate
    averaging: Array  # (steps,) float64: share of the new parameters in their average
    keys: Array  # (steps,) uint64: of dropout masks
    losses: Array  # (steps, row tasks) float64: out, sums over rows
    squares: Array  # (steps, weight tasks) float64: out, Σ w² before the update
    norms: Array  # (steps, weight tasks) float64: out, Σ g²


class Settings(NamedTuple):
    """Numbers of the method."""

    method: int  # SGD or ADAM
    alpha: float  # the penalty α/2 ‖W‖² is divided by the mass of a batch, as the loss is
    beta_1: float
    beta_2: float
    epsilon: float
    momentum: float
    nesterov: bool
    dropout: float
    clip: float  # largest norm of a gradient; ∞ for none
    norm_momentum: float  # of running statistics
    norm_epsilon: float


def rows_of(X: Any, targets: RowTargets, dtype: Any) -> Rows:
    """Rows as kernels take them: contiguous, of the type of the parameters."""
    kind = np.dtype(dtype)
    none = np.zeros((0, 0), kind)
    soft = np.ascontiguousarray(targets.soft, kind) if targets.soft.size else none
    labels = np.ascontiguousarray(targets.labels, np.int32)
    omega, own, spread = (
        np.ascontiguousarray(array, np.float64)
        for array in (targets.omega, targets.own, targets.spread)
    )
    if isinstance(X, np.ndarray):
        empty = np.zeros(0, np.int32), np.zeros(0, np.int64)
        dense = np.ascontiguousarray(X, kind)
        return Rows(dense, np.zeros(0, kind), *empty, labels, soft, omega, own, spread)
    X = X.sorted_indices() if not X.has_sorted_indices else X
    data, indptr = np.ascontiguousarray(X.data, kind), np.asarray(X.indptr, np.int64)
    indices = np.asarray(X.indices, np.int32)
    return Rows(none, data, indices, indptr, labels, soft, omega, own, spread)


def buffers_for(
    network: Network, layout: Layout, dtype: Any, *, method: int, average: bool, dropout: float
) -> Buffers:
    """Memory for training: parameters, gradient, moments, and one batch of activations."""
    kind = np.dtype(dtype)
    size, work = network.size, layout.batch * sum(network.units)
    keeps_slopes = dropout > 0 or network.activation == "gelu"
    normalised = sum(network.units[level] for level in network.normalised)
    running = np.zeros(2 * normalised, kind)
    for level in network.normalised:
        n, at = network.units[level], int(layout.running_at[level])
        running[at + n : at + 2 * n] = 1
    return Buffers(
        theta=np.zeros(size, kind),
        gradient=np.zeros(size, kind),
        first=np.zeros(size, kind),
        second=np.zeros(size if method == ADAM else 0, kind),
        average=np.zeros(size if average else 0, kind),
        running=running,
        activations=np.zeros(work, kind),
        deltas=np.zeros(work, kind),
        slopes=np.zeros(work if keeps_slopes else 0, kind),
        normalised=np.zeros(work if normalised else 0, kind),
        inverse_std=np.zeros(sum(network.units) if normalised else 0, kind),
    )
