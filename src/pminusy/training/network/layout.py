"""Where everything of a network lies: parameters in one vector, and each step's work in tasks.

Level 0 holds the inputs, level l what layer l − 1 makes of level l − 1, the last one the logits.
Layer l has weights (units[l], units[l + 1]), in × out as scikit-learn has them, and a bias.

    θ = weights of all layers, biases of all layers, γ and β of each level with batch norm

A step has two kinds of tasks. Those of rows take some rows of the batch forward, through the head
and back; those of weights make some rows of one layer's gradient, and update them while they are in
cache. Both are cut by the shape alone, never by the number of threads: a result has the same bits
on any number of them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["ACTIVATIONS", "Layout", "Network", "layout_of"]

Array = NDArray[Any]

ACTIVATIONS = ("identity", "logistic", "tanh", "relu", "gelu")
"""Names of the activations; kernels know them by their places."""

_LEAST_ROWS = 48  # fewer rows a task leave BLAS less than nine tenths of its speed
_ROW_WORK = 1_000_000  # multiplications that make a task of rows worth another thread
_WEIGHT_WORK = 500_000  # the same of weights
_CACHED = 1 << 17  # weights of a task: with gradient and moments, they stay in a large cache
_LEAST_INPUTS = 128  # rows of weights a task: for fewer, BLAS copies δ as long as it multiplies it
_MOST = 16  # tasks of one kind, unless the cache asks for more


@dataclass(frozen=True)
class Network:
    """The shape of a network: units of each level, the activation, which levels are normalised."""

    units: tuple[int, ...]
    activation: str = "relu"
    normalised: tuple[int, ...] = ()  # levels with batch norm

    @property
    def layers(self) -> int:
        """Number of linear layers."""
        return len(self.units) - 1

    @cached_property
    def weights(self) -> tuple[slice, ...]:
        """Where the weights of each layer are in θ."""
        return self._slices[: self.layers]

    @cached_property
    def biases(self) -> tuple[slice, ...]:
        """Where the bias of each layer is."""
        return self._slices[self.layers : 2 * self.layers]

    @cached_property
    def gammas(self) -> tuple[slice, ...]:
        """Where γ of each normalised level is."""
        return self._slices[2 * self.layers :: 2]

    @cached_property
    def betas(self) -> tuple[slice, ...]:
        """Where β of each normalised level is."""
        return self._slices[2 * self.layers + 1 :: 2]

    @cached_property
    def size(self) -> int:
        """Number of parameters."""
        return int(self._slices[-1].stop)

    @cached_property
    def decayed(self) -> int:
        """Number of parameters that the penalty is about: the weights, which come first."""
        return int(self.weights[-1].stop)

    @cached_property
    def _slices(self) -> tuple[slice, ...]:
        shapes = [a * b for a, b in zip(self.units, self.units[1:], strict=False)]
        shapes += self.units[1:]
        for level in self.normalised:
            shapes += [self.units[level]] * 2
        ends = np.cumsum(shapes).tolist()
        return tuple(slice(end - n, end) for end, n in zip(ends, shapes, strict=True))

    def matrices(self, theta: Array) -> list[Array]:
        """Weights of each layer (in, out), as views of θ."""
        return [
            theta[where].reshape(self.units[layer : layer + 2])
            for layer, where in enumerate(self.weights)
        ]

    def vectors(self, theta: Array) -> list[Array]:
        """Bias of each layer, as views of θ."""
        return [theta[where] for where in self.biases]


class Layout(NamedTuple):
    """A network as kernels know it, and how a batch of at most `batch` rows is cut into tasks."""

    units: Array  # (levels,) int64
    weights_at: Array  # (layers,) first place of each layer's weights in θ
    biases_at: Array  # (layers,)
    gamma_at: Array  # (levels,) first place of γ, −1 where a level is not normalised
    beta_at: Array  # (levels,)
    running_at: Array  # (levels,) of the running mean, the variance after it
    level_at: Array  # (levels,) first place of each level in buffers of activations
    activation: int  # place in ACTIVATIONS
    batch: int
    rows: int  # rows of a task
    row_tasks: int
    weight_tasks: Array  # (tasks, 3): layer, first and last row of its weights
    decayed: int


def layout_of(network: Network, batch: int) -> Layout:
    """Places and tasks for batches of at most `batch` rows."""
    units = np.array(network.units, np.int64)
    rows, row_tasks = _row_tasks(network, batch)
    gamma_at, beta_at, running_at = (np.full(units.size, -1, np.int64) for _ in range(3))
    before = 0
    for level, gamma, beta in zip(network.normalised, network.gammas, network.betas, strict=True):
        gamma_at[level], beta_at[level], running_at[level] = gamma.start, beta.start, before
        before += 2 * network.units[level]
    return Layout(
        units,
        np.array([where.start for where in network.weights], np.int64),
        np.array([where.start for where in network.biases], np.int64),
        gamma_at,
        beta_at,
        running_at,
        np.concatenate([[0], np.cumsum(units[:-1])]).astype(np.int64) * batch,
        ACTIVATIONS.index(network.activation),
        batch,
        rows,
        row_tasks,
        np.array(_weight_tasks(network, batch), np.int64),
        network.decayed,
    )


def _row_tasks(network: Network, batch: int) -> tuple[int, int]:
    """Rows of a task and number of tasks; batch norm needs all rows of a batch in one."""
    if network.normalised:
        return batch, 1
    work = 2 * batch * network.decayed
    count = min(batch // _LEAST_ROWS, work // _ROW_WORK, _MOST)
    count = max(1, count - count % 2 if count > 1 else 1)
    rows = -(-batch // count)
    return rows, -(-batch // rows)


def _weight_tasks(network: Network, batch: int) -> list[tuple[int, int, int]]:
    """Each layer's weights in blocks of rows, the largest layers first."""
    tasks = []
    for layer in range(network.layers):
        inputs, outputs = network.units[layer : layer + 2]
        size = inputs * outputs
        most = min(max(inputs // _LEAST_INPUTS, 2), _MOST)
        count = max(math.ceil(size / _CACHED), min(size * batch // _WEIGHT_WORK, most), 1)
        step = -(-inputs // min(count, inputs))
        tasks += [(layer, d, min(d + step, inputs)) for d in range(0, inputs, step)]
    return sorted(tasks, key=lambda task: -(task[2] - task[1]) * network.units[task[0] + 1])
