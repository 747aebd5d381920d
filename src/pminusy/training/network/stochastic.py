"""Training by mini-batches, epoch after epoch, until the loss or the score no longer improves.

The rules of shuffling, stopping and learning rates are those of scikit-learn's `MLPClassifier`:
from the same `random_state` come the same initial weights, the same order of rows and, but for
rounding, the same network.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pminusy.training.network.caller import Trainer
from pminusy.training.network.data import NO_ROWS, Schedule
from pminusy.training.network.record import Explosion, Record, Score
from pminusy.training.network.schedule import LearningRate, part_of, schedule_for
from pminusy.training.network.visits import Part, Visits

__all__ = ["Rules", "parameters", "train"]

Array = NDArray[Any]


@dataclass(frozen=True)
class Rules:
    """How long to train, and in which order."""

    max_epochs: int
    tol: float
    patience: float  # epochs without improvement
    shuffle: bool
    early_stopping: bool  # by the rows held out, not the training loss
    together: int = 1  # batches whose gradients make one step
    averaging: float = 0.0
    seed: int = 0  # of dropout
    one_epoch: bool = False
    by_loss: bool = False  # early stopping by the log loss of those rows, not their accuracy


def parameters(trainer: Trainer) -> Array:
    """The parameters that the network is used with: their average where one is kept."""
    buffers = trainer.buffers
    return buffers.average if buffers.average.size else buffers.theta


def train(
    trainer: Trainer,
    visits: Visits,
    record: Record,
    rate: LearningRate,
    rules: Rules,
    random: np.random.RandomState,
    *,
    resumed: bool = False,
    score: Callable[[Array, Array], Score] | None = None,
    say: Callable[[str], None] | None = None,
    after_epoch: Callable[[Array], None] | None = None,
) -> None:
    """Train until the rules say stop; `record` and the trainer's buffers are what it leaves.

    `after_epoch` is told the order of rows; with `resumed` training goes on where it was told,
    from what `record`, `visits` and the buffers hold.
    """
    say = say or (lambda line: None)
    if not resumed:
        record.epochs, record.explosion, record.end = 0, None, "epochs"
    try:
        while record.epochs < rules.max_epochs and record.end != "tolerance":
            parts = visits.epoch(random if rules.shuffle else None)
            if not _epoch(trainer, parts, record, rate, rules):
                record.end = "explosion"
                break
            say(f"Iteration {record.epochs}, loss = {record.losses[-1]:.8f}")
            _judge(trainer, record, rules, score, say)
            rate.after_epoch(record.rows_seen)
            stops = record.unimproved > rules.patience and not _goes_on(record, rate, rules, say)
            if stops or rules.one_epoch:
                record.end = "tolerance" if stops else ""
            if after_epoch is not None:
                after_epoch(visits.order)
            if stops or rules.one_epoch:
                break
    except KeyboardInterrupt:
        record.end = "interrupt"
    if rules.early_stopping or record.end in ("interrupt", "explosion"):
        _return_to_best(trainer, record)


def _epoch(
    trainer: Trainer, parts: Iterator[Part], record: Record, rate: LearningRate, rules: Rules
) -> bool:
    """One visit to all rows; False where a loss was not finite."""
    steps, rows, losses = 0, 0, 0.0
    for part in parts:
        schedule = schedule_for(
            part.order, part.counted, trainer.layout, trainer.settings, rate,
            together=rules.together, averaging=rules.averaging, seed=rules.seed,
            batches=record.batches,
        )  # fmt: skip
        trainer.rows = part.rows
        bad = _run(trainer, schedule)
        if bad is not None:
            step, loss = bad
            record.explosion = Explosion(record.epochs + 1, steps + step + 1, loss)
            return False
        rate.taken(int(schedule.update.sum()), trainer.settings)
        record.batches += schedule.update.size
        record.rows_seen += part.order.size
        steps += schedule.update.size
        rows += int(schedule.bounds[-1])
        losses += _sum_of_losses(schedule, part.counted, trainer.settings.alpha)
        trainer.rows = NO_ROWS  # those that are read next take their place in memory
        del part, schedule
    if not np.isfinite(trainer.buffers.theta).all():
        record.explosion = Explosion(record.epochs + 1, steps, math.nan)
        return False
    record.epochs += 1
    record.losses.append(losses / rows)
    return True


def _run(trainer: Trainer, schedule: Schedule) -> tuple[int, float] | None:
    """Do all steps; the first one whose loss is not finite, and that loss."""
    for steps in trainer.stretches(schedule):
        part = part_of(schedule, steps)
        trainer.run(part)
        bad = np.flatnonzero(~np.isfinite(part.losses.sum(axis=1)))
        if bad.size:
            return steps.start + int(bad[0]), float(part.losses[bad[0]].sum())
    return None


def _sum_of_losses(schedule: Schedule, counted: Array, alpha: float) -> float:
    """Losses of the batches, penalty included, each weighted by its number of rows."""
    mass = np.add.reduceat(counted[schedule.order], schedule.bounds[:-1])
    sums = schedule.losses.sum(axis=1) + alpha / 2 * schedule.squares.sum(axis=1)
    rows = np.diff(schedule.bounds)
    means = np.divide(sums, mass, out=np.zeros_like(sums), where=mass > 0)
    return float((means * rows).sum())


def _judge(
    trainer: Trainer,
    record: Record,
    rules: Rules,
    score: Callable[[Array, Array], Score] | None,
    say: Callable[[str], None],
) -> None:
    """Whether the epoch improved on the best so far."""
    theta, running = parameters(trainer), trainer.buffers.running
    if score is not None:
        found = score(theta, running)
        record.scores.append(found.accuracy)
        record.validation_losses.append(found.loss)
        say(f"Validation score: {found.accuracy:f}")
    loss = record.losses[-1]
    if rules.early_stopping:
        now = -record.validation_losses[-1] if rules.by_loss else record.scores[-1]
        record.unimproved = record.unimproved + 1 if now < record.best_score + rules.tol else 0
        if now > record.best_score:
            record.best_score = now
            record.keep(theta, running)
        return
    record.unimproved = record.unimproved + 1 if loss > record.best_loss - rules.tol else 0
    if loss < record.best_loss or record.best_theta is None:
        record.best_loss = min(loss, record.best_loss)
        record.keep(theta, running)


def _goes_on(record: Record, rate: LearningRate, rules: Rules, say: Callable[[str], None]) -> bool:
    """Whether training goes on at a lower rate, having stopped improving."""
    what = "Validation score" if rules.early_stopping else "Training loss"
    said = (
        f"{what} did not improve more than tol={rules.tol:f} for {rules.patience:g} "
        "consecutive epochs."
    )
    if not rate.lowered():
        say(f"{said} Stopping.")
        return False
    say(f"{said} Setting learning rate to {rate.rate:f}")
    record.unimproved = 0
    return True


def _return_to_best(trainer: Trainer, record: Record) -> None:
    if record.best_theta is None or record.best_running is None:
        return
    trainer.buffers.theta[:] = record.best_theta
    if trainer.buffers.average.size:
        trainer.buffers.average[:] = record.best_theta
    trainer.buffers.running[:] = record.best_running
