"""What happened in a fit: which rows, which scores, how the solver ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pminusy.estimators.intervals import Intervals
from pminusy.estimators.scores import Scores
from pminusy.tables.wording import count
from pminusy.training.solvers.solution import Progress

if TYPE_CHECKING:
    import polars as pl

    from pminusy.api.fit.beside import Beside
    from pminusy.api.fit.calibrated import Calibration
    from pminusy.api.fit.network import NetworkRecord
    from pminusy.api.fit.repeated import RepeatedScores
    from pminusy.api.fitted import Fitted
    from pminusy.estimators.softmax_regression_cv import PathPoint

__all__ = ["TableRows", "TrainingRun"]


@dataclass(frozen=True, slots=True, eq=False)
class TableRows:
    """Some rows of a table, as text and as numbers."""

    frame: pl.DataFrame
    index: NDArray[np.intp]  # (n,) which rows of the table, from 0
    X: Any  # (n, D), sparse where categories are many
    y: NDArray[np.intp]  # (n,)
    weight: NDArray[np.float64]  # (n,)
    notes: tuple[str, ...]
    groups: NDArray[np.intp] | None = None  # (n,) number of the group of each
    times: NDArray[np.float64] | None = None  # (n,) where each is in time, for a split by it

    @property
    def in_memory(self) -> bool:
        """Whether X is an array, and not read by slices."""
        return hasattr(self.X, "dot")

    def row(self, i: int) -> NDArray[np.float64]:
        """Features (D,) of one of the rows, dense."""
        if isinstance(self.X, np.ndarray):
            return np.asarray(self.X[i])
        return np.asarray(self.X[[i]].toarray()[0])


@dataclass(frozen=True, slots=True, eq=False)
class Refitted:
    """The fit of all rows, held-out ones too, after the model was scored."""

    rows: TableRows
    fit: Any

    @property
    def estimator(self) -> Any:
        """The fit as an estimator of scikit-learn's kind."""
        return _as_estimator(self.fit)


@dataclass(frozen=True, slots=True, eq=False)
class TrainingRun:
    """Record of a fit; it lives with the model in memory and is not part of the model file."""

    name: str
    rows_dropped: int
    training: TableRows
    held_out: TableRows
    scores: Scores
    baseline: Scores
    fit: Any  # PlainRegression, SoftmaxRegressionCV or NetworkFit, fitted to the training rows
    calibration: Calibration | None
    seconds: float
    row_notes: tuple[str, ...]
    schema_notes: tuple[str, ...]
    split_notes: tuple[str, ...]
    training_notes: tuple[str, ...]
    judged: Fitted | None = None  # the model that was scored; then `fit` is its fit
    refitted: Refitted | None = None
    repeated: RepeatedScores | None = None  # over several splits, this one the first
    ranking: tuple[tuple[str, float], ...] = ()  # areas under curves, and the like
    intervals: Intervals = field(default_factory=Intervals)  # of both; none on training rows
    warnings: tuple[str, ...] = ()  # what training had to say: no optimum, time ran out …
    beside: Beside | None = None  # a network beside the softmax regression

    @property
    def estimator(self) -> Any:
        """The fit as an estimator of scikit-learn's kind, on the features of the design matrix."""
        return _as_estimator(self.fit)

    @property
    def history(self) -> tuple[Progress, ...]:
        """A `Progress` for each iteration of the final fit."""
        return tuple(self.fit.history_)

    @property
    def network(self) -> NetworkRecord | None:
        """How a network was trained; None for a softmax regression."""
        return getattr(self.fit, "network", None)

    @property
    def converged(self) -> bool | None:
        """Whether the fits have their certificates, of optima that exist; None for a network."""
        if self.network is not None:
            return None
        last = self.fit if self.refitted is None else self.refitted.fit
        return bool(self.fit.converged_ and last.converged_)

    @property
    def interrupted(self) -> bool:
        """Whether training was stopped by an interrupt, and this is the best so far."""
        return bool(self.fit.end_ == "interrupt")

    @property
    def path(self) -> tuple[PathPoint, ...]:
        """What cross-validation saw at each C (and share of L1); empty without."""
        return getattr(self.fit, "path_", ())

    @property
    def chosen(self) -> PathPoint:
        """The point of the path that was chosen."""
        clf = self.fit
        return next(p for p in self.path if p.C == clf.C_ and p.l1_ratio == clf.l1_ratio_)

    @property
    def scored(self) -> TableRows:
        """Rows the scores are of: the held-out ones, or the training rows if there are none."""
        return self.held_out if self.held_out.y.size else self.training

    @property
    def scored_on(self) -> str:
        """What the scores were computed on, in words."""
        kind = "held-out" if self.held_out.y.size else "training"
        return count(self.scored.y.size, f"{kind} row")

    @property
    def certificate(self) -> float:
        """Largest absolute entry of the mean objective's gradient at the end; NaN for a network."""
        return float(self.fit.optimality_)

    @property
    def iterations(self) -> int:
        """Iterations of the solver, or epochs of a network."""
        if self.network is not None:
            return self.network.epochs
        return self.history[-1].iteration if self.history else 0

    @property
    def notes(self) -> tuple[str, ...]:
        """What training warned of, and `table_notes`."""
        return (*self.warnings, *self.table_notes)

    @property
    def table_notes(self) -> tuple[str, ...]:
        """Everything that was left out, pooled or treated, one sentence each."""
        held_out = (f"held out: {note}" for note in self.held_out.notes)
        return (
            *self.row_notes,
            *self.schema_notes,
            *self.split_notes,
            *self.training_notes,
            *held_out,
        )

    def refit_sentence(self) -> str:
        """That the model was trained again, and what the scores are of; "" where it was not."""
        if self.refitted is None:
            return ""
        rows = self.refitted.rows.y.size
        return (
            f"on all {rows:,} rows, after scoring: scores are of the model before, for which rows "
            "were held out"
        )

    def rows_sentence(self) -> str:
        """Rows used and how they were divided."""
        trained, held_out = self.training.y.size, self.held_out.y.size
        return f"{trained + held_out:,} used: {trained:,} to train, {held_out:,} held out"


def _as_estimator(fit: Any) -> Any:
    return getattr(fit, "regression", fit)
