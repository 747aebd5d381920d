"""What is known of a training so far: its curves, its best epoch, why it ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Epoch", "Explosion", "Record", "Score"]

Array = NDArray[Any]


class Epoch(NamedTuple):
    """Where training is after an epoch; the arrays are those of training, to be copied or left."""

    number: int  # of this fit, from 1
    loss: float  # mean over the epoch's batches, penalty included
    validation_score: float  # on the rows held out; NaN without
    validation_loss: float
    seconds: float  # since training began
    coefs: list[Array]
    intercepts: list[Array]
    norms: tuple[Any, ...]


@dataclass(frozen=True)
class Score:
    """How a network does on rows that it is not trained on."""

    accuracy: float
    loss: float


@dataclass(frozen=True)
class Explosion:
    """The step whose loss was not finite."""

    epoch: int
    step: int  # of that epoch, from 1
    loss: float


@dataclass
class Record:
    """Curves and counts of a training; it goes on where another `fit` or `partial_fit` does."""

    losses: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    validation_losses: list[float] = field(default_factory=list)
    best_loss: float = np.inf
    best_score: float = -np.inf
    unimproved: int = 0
    rows_seen: int = 0
    epochs: int = 0  # of this call
    batches: int = 0  # ever
    end: str = ""  # "tolerance", "epochs", "interrupt" or "explosion"
    explosion: Explosion | None = None
    best_theta: Array | None = None
    best_running: Array | None = None

    def keep(self, theta: Array, running: Array) -> None:
        """Copy the parameters: they are the best so far."""
        if self.best_theta is None or self.best_theta.shape != theta.shape:
            self.best_theta = np.empty_like(theta)
        self.best_theta[:], self.best_running = theta, running.copy()
