"""What is known of a training so far: its curves, its best epoch, why it ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Explosion", "Record", "Score"]

Array = NDArray[Any]


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
    gradient_norms: list[float] = field(default_factory=list)
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
        self.best_theta, self.best_running = theta.copy(), running.copy()
