"""The rows of an epoch: all at once where they are in memory, otherwise some after others.

Rows that are read come in blocks. So many of them are held that steps can mix their rows: with an
order drawn anew, half of the rows held are visited, the other half waits and is mixed with the
blocks that are read next. Blocks come in an order of their own in each epoch where they can be read
in any. Without shuffling rows come in the order of the file, and the steps are those in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from pminusy.training.network.data import Rows
from pminusy.training.sources.read_ahead import read_ahead
from pminusy.training.sources.row_blocks import RowBlock, join

__all__ = ["HeldRows", "Part", "StreamedRows", "Visits"]

Array = NDArray[Any]


class Part(NamedTuple):
    """Rows in memory, and those of them that steps take next."""

    rows: Rows
    counted: Array  # (n,) float64: what each counts in the mean
    order: Array  # places among them


class Visits(Protocol):
    """Gives the rows of an epoch after the other."""

    rows: int
    """How many there are."""

    order: Array
    """What the order of the next epoch is drawn from, beside the generator."""

    def epoch(self, random: np.random.RandomState | None) -> Iterator[Part]:
        """All rows once, in an order of the generator; without one in their own."""
        ...


class HeldRows:
    """Rows that are all in memory, of which `order` are trained on."""

    def __init__(self, rows: Rows, counted: Array, order: Array) -> None:
        self._all, self._counted, self.order = rows, counted, order
        self.rows = order.size

    def epoch(self, random: np.random.RandomState | None) -> Iterator[Part]:
        """One part; the order is drawn from the last one, as scikit-learn does."""
        if random is not None:
            indices = np.arange(self.order.size)
            random.shuffle(indices)
            self.order = self.order[indices]
        yield Part(self._all, self._counted, self.order)


class StreamedRows:
    """Rows that are read anew in each epoch.

    Parameters
    ----------
    blocks
        Begins a visit: blocks in the order of their numbers that is given, or in that of the file.
    numbers
        How many blocks there are, where they can be read in any order; otherwise None.
    made
        Rows as kernels take them, and what they count, of a block.
    rows
        How many there are.
    held
        Of them that are held, at least.
    step
        Rows from one update to the next: a part that is not the last has whole steps.
    """

    def __init__(
        self,
        blocks: Callable[[Array | None], Iterator[RowBlock]],
        numbers: int | None,
        made: Callable[[RowBlock], tuple[Rows, Array]],
        *,
        rows: int,
        held: int,
        step: int,
    ) -> None:
        self.rows = rows
        self._blocks, self._numbers, self._made = blocks, numbers, made
        self._step, self._least = step, max(held, 4 * step)
        self.order = np.empty(0, np.int64)

    def epoch(self, random: np.random.RandomState | None) -> Iterator[Part]:
        """Parts whose rows are in memory until the next one is asked for."""
        blocks = None
        if random is not None and self._numbers is not None:
            blocks = random.permutation(self._numbers)
        waiting: list[RowBlock] = []
        count = 0
        for block in read_ahead(lambda: self._blocks(blocks)):
            waiting.append(block)
            count += block.rows
            del block
            if count >= self._least:
                places = _places(count, random)
                now = self._now(count, shuffles=random is not None)
                held = join(waiting)
                yield Part(*self._made(held), places[:now])
                waiting = [_rows(held, np.sort(places[now:]))]
                count -= now
                del held
        if count:
            held = join(waiting)
            yield Part(*self._made(held), _places(count, random))

    def _now(self, count: int, *, shuffles: bool) -> int:
        """Rows of whole steps, of which as many as a step takes are left for the last part."""
        most = count // 2 if shuffles else count - self._step
        return most // self._step * self._step


def _places(count: int, random: np.random.RandomState | None) -> Array:
    return np.arange(count) if random is None else random.permutation(count)


def _rows(block: RowBlock, places: Array) -> RowBlock:
    weight = None if block.weight is None else block.weight[places]
    return RowBlock(block.X[places], block.y[places], weight)
