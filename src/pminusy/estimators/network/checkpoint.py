"""Checkpoints of a network in training: all that the next epoch depends on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pminusy.errors import InputError, short_repr
from pminusy.training.checkpoints import Checkpoint, State, fingerprint
from pminusy.training.network.caller import Trainer
from pminusy.training.network.record import Record
from pminusy.training.network.schedule import LearningRate
from pminusy.training.network.visits import Visits

if TYPE_CHECKING:
    from pminusy.estimators.network.rows import CheckedRows, HeldOut
    from pminusy.estimators.network.streamed import RowsOfBlocks
    from pminusy.estimators.softmax_network import SoftmaxNetwork

__all__ = ["TrainingFile", "training_file"]

Array = NDArray[Any]

_ASIDE = {
    "checkpoint", "checkpoint_seconds", "restart", "progress", "verbose", "warm_start",
    "hidden_layer_sizes",
}  # fmt: skip
"""Parameters that the bits of a network do not depend on, or that are said by its start."""

_BUFFERS = ("theta", "first", "second", "average", "running")
_CURVES = ("losses", "scores", "validation_losses")
_COUNTS = ("best_loss", "best_score", "unimproved", "rows_seen", "epochs", "batches", "end")


class TrainingFile:
    """The checkpoint of one fit, and the parts of it that are saved and set again."""

    def __init__(
        self,
        file: Checkpoint,
        trainer: Trainer,
        record: Record,
        rate: LearningRate,
        random: np.random.RandomState,
    ) -> None:
        self._file, self._trainer, self._record = file, trainer, record
        self._rate, self._random = rate, random

    def go_on(self, visits: Visits) -> bool:
        """Set everything as the file has it; False where there is no file."""
        state = self._file.load()
        if state is None:
            return False
        arrays, notes = state
        record, buffers = self._record, self._trainer.buffers
        for name in _BUFFERS:
            buffer = getattr(buffers, name)
            if buffer.size:
                buffer[:] = arrays[name]
        for name in _CURVES:
            setattr(record, name, arrays[name].tolist() if name in arrays else [])
        for name in _COUNTS:
            setattr(record, name, notes[name])
        record.explosion = None
        record.best_theta = arrays.get("best_theta")
        record.best_running = arrays.get("best_running", np.empty(0, buffers.running.dtype))
        self._rate.rate, self._rate.steps = notes["rate"], notes["steps"]
        generator = self._random.get_state(legacy=False)
        generator["state"] = {"key": arrays["random"], "pos": notes["random_position"]}
        self._random.set_state(generator)
        visits.order = arrays.get("order", visits.order)
        return True

    def keep(self, order: Array, *, now: bool) -> None:
        """Write the state after an epoch, where it is time to or it must be now."""
        if not now and not self._file.due():
            return
        record, buffers = self._record, self._trainer.buffers
        arrays = {name: getattr(buffers, name) for name in _BUFFERS}
        arrays |= {name: np.array(getattr(record, name), np.float64) for name in _CURVES}
        arrays |= {"best_theta": record.best_theta, "best_running": record.best_running}
        generator: Any = self._random.get_state(legacy=False)
        arrays |= {"order": order, "random": generator["state"]["key"]}
        notes = {name: getattr(record, name) for name in _COUNTS}
        notes |= {"rate": self._rate.rate, "steps": self._rate.steps}
        notes["random_position"] = int(generator["state"]["pos"])
        kept = {name: array for name, array in arrays.items() if array is not None and array.size}
        self._file.save(State(kept, notes))


def training_file(
    estimator: SoftmaxNetwork,
    checked: CheckedRows | RowsOfBlocks,
    held: HeldOut | None,
    trainer: Trainer,
    record: Record,
    rate: LearningRate,
    random: np.random.RandomState,
) -> TrainingFile | None:
    """The file of a fit that has one.

    Raises
    ------
    InputError
        A `random_state` that is not the same in the next process; a place that cannot be written.
    """
    if estimator.checkpoint is None:
        return None
    seed = estimator.random_state
    if not isinstance(seed, int | np.integer):
        raise InputError(
            "random_state", "a whole number beside a checkpoint", short_repr(seed),
            "the order of rows must be the same when training goes on",
        )  # fmt: skip
    identity = {
        "estimator": type(estimator).__name__,
        "data": checked.digest() + ("" if held is None else held.digest()),
        "hidden_layer_sizes": str(list(trainer.network.units[1:-1])),
        "start": fingerprint(trainer.buffers.theta, trainer.buffers.running),
    }
    for name, value in estimator.get_params().items():
        if name not in _ASIDE | checked.aside:
            identity[name] = repr(value)
    file = Checkpoint(
        estimator.checkpoint, identity, seconds=float(estimator.checkpoint_seconds),
        restart=bool(estimator.restart),
    )  # fmt: skip
    return TrainingFile(file, trainer, record, rate, random)
