"""An epoch as a schedule of steps, and the learning rate of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pminusy.training.network.data import ADAM, Schedule, Settings
from pminusy.training.network.layout import Layout
from pminusy.training.network.masks import step_keys

__all__ = ["LearningRate", "part_of", "schedule_for"]

Array = NDArray[Any]

_SMALLEST = 1e-6  # a learning rate that is not divided any further


@dataclass
class LearningRate:
    """The learning rate, and what changes it: each step for Adam, an epoch's end for SGD."""

    initial: float
    kind: str  # "constant", "invscaling" or "adaptive"; SGD's alone
    power: float
    method: int
    rate: float
    steps: int = 0  # updates so far

    def of_steps(self, count: int, settings: Settings) -> Array:
        """Rates (count,) of the next updates, Adam's corrections of its moments included."""
        if self.method != ADAM:
            return np.full(count, self.rate)
        t = np.arange(self.steps + 1, self.steps + count + 1, dtype=np.float64)
        corrected = np.sqrt(1 - settings.beta_2**t) / (1 - settings.beta_1**t)
        return np.asarray(self.initial * corrected)

    def taken(self, count: int, settings: Settings) -> None:
        """So many updates are done."""
        if count and self.method == ADAM:
            self.rate = float(self.of_steps(count, settings)[-1])
        self.steps += count

    def after_epoch(self, rows_seen: int) -> None:
        """An epoch has ended."""
        if self.method != ADAM and self.kind == "invscaling":
            self.rate = float(self.initial) / (rows_seen + 1) ** self.power

    def begin_at(self, initial: float) -> None:
        """The user has set another learning rate than the one that training began with."""
        if initial != self.initial:
            self.initial = self.rate = initial

    def lowered(self) -> bool:
        """Go on with a fifth of the rate, if it is one that adapts and is not too small yet."""
        if self.method == ADAM or self.kind != "adaptive" or self.rate <= _SMALLEST:
            return False
        self.rate /= 5.0
        return True


def schedule_for(
    order: Array,
    counted: Array,
    layout: Layout,
    settings: Settings,
    rate: LearningRate,
    *,
    together: int = 1,
    averaging: float = 0.0,
    seed: int = 0,
    batches: int = 0,
    moves: bool = True,
) -> Schedule:
    """Steps over the rows `order`, in batches, with an update after each `together` of them.

    `counted` (N,) is what each row counts in the mean. Batches without mass move nothing. `batches`
    is how many there were before, for dropout; without `moves` the gradient of all is summed.
    """
    bounds = _bounds(order.size, layout)
    order = order[: bounds[-1]]
    steps = bounds.size - 1
    group = np.arange(steps) // (together if moves else max(steps, 1))
    mass = np.bincount(group, np.add.reduceat(counted[order], bounds[:-1]))
    last = np.append(group[1:] != group[:-1], True)
    update = last & (mass[group] > 0) & moves
    with np.errstate(divide="ignore"):
        inverse = np.where(mass > 0, 1.0 / mass, 0.0)[group]
    rates = np.zeros(steps)
    rates[update] = rate.of_steps(int(update.sum()), settings)
    share = np.zeros(steps)
    numbers = np.arange(rate.steps + 1, rate.steps + int(update.sum()) + 1)
    share[update] = np.maximum(1.0 - averaging, 1.0 / numbers)
    tasks = layout.weight_tasks.shape[0]
    return Schedule(
        order=order.astype(np.int64, copy=False),
        bounds=bounds,
        fresh=np.append(True, last[:-1]).astype(np.uint8),
        update=update.astype(np.uint8),
        inverse=inverse,
        rates=rates,
        averaging=share,
        keys=step_keys(seed, batches, steps),
        losses=np.zeros((steps, layout.row_tasks)),
        squares=np.zeros((steps, tasks)),
        norms=np.zeros((steps, tasks)),
    )


def _bounds(rows: int, layout: Layout) -> Array:
    """Where batches begin, and the end of the last.

    Under batch norm a single row tells nothing of a variance, and would draw the running one
    towards 0: the last two batches share their rows, or it is left out where batches have but two.
    """
    bounds = np.append(np.arange(0, rows, layout.batch), rows).astype(np.int64)
    alone = bounds.size > 2 and bounds[-1] - bounds[-2] == 1
    if alone and (layout.running_at >= 0).any():
        if layout.batch == 2:
            return bounds[:-1]
        bounds[-2] = (bounds[-3] + rows) // 2
    return bounds


def part_of(schedule: Schedule, steps: slice) -> Schedule:
    """Some steps of a schedule; what is found there is found in the whole."""
    return Schedule(
        schedule.order,
        schedule.bounds[steps.start : steps.stop + 1],
        *(getattr(schedule, name)[steps] for name in Schedule._fields[2:]),
    )
