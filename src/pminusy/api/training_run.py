"""What happened in a fit: which rows, which scores, how the solver ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pminusy.learn.scores import Scores
from pminusy.learn.solvers.solution import Progress

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Rows", "TrainingRun"]


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Some rows of a table, as text and as numbers."""

    frame: pl.DataFrame
    index: NDArray[np.intp]  # (n,) which rows of the table, from 0
    X: NDArray[np.float64]  # (n, D)
    y: NDArray[np.intp]  # (n,)
    weight: NDArray[np.float64]  # (n,)
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class TrainingRun:
    """Record of a fit; it lives with the model in memory and is not part of the model file."""

    name: str
    rows_dropped: int
    training: Rows
    held_out: Rows
    scores: Scores
    baseline: Scores
    history: tuple[Progress, ...]
    converged: bool
    seconds: float
    schema_notes: tuple[str, ...]
    split_notes: tuple[str, ...]

    @property
    def scored(self) -> Rows:
        """Rows the scores are of: the held-out ones, or the training rows if there are none."""
        return self.held_out if self.held_out.y.size else self.training

    @property
    def scored_on(self) -> str:
        """What the scores were computed on, in words."""
        kind = "held-out" if self.held_out.y.size else "training"
        return f"{self.scored.y.size} {kind} rows"

    @property
    def certificate(self) -> float:
        """Largest absolute entry of the gradient of the mean objective at the end."""
        return self.history[-1].optimality

    @property
    def iterations(self) -> int:
        """Iterations of the solver."""
        return self.history[-1].iteration

    @property
    def notes(self) -> tuple[str, ...]:
        """Everything that was left out, pooled or treated, one sentence each."""
        dropped = (
            (f"{self.rows_dropped} rows without a target were dropped",)
            if self.rows_dropped
            else ()
        )
        return (*dropped, *self.schema_notes, *self.split_notes, *self.held_out.notes)

    def rows_sentence(self) -> str:
        """Rows used and how they were divided."""
        trained, held_out = self.training.y.size, self.held_out.y.size
        return f"{trained + held_out} used: {trained} to train, {held_out} held out"
