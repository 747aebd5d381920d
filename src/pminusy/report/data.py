"""What the page of a fit is made from: plain arrays and text, no model and no table."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pminusy.core.trace import Trace

__all__ = [
    "ColumnDrift",
    "ColumnLine",
    "Contributions",
    "EvaluationReport",
    "FitReport",
    "JudgedReport",
    "LayerLine",
    "NetworkPart",
    "PathValue",
    "WorstRow",
]

Array = NDArray[Any]


class Contributions:
    """`W_kd x_d` (D,) of one class k at a time: those of all classes may be too many to keep."""

    def __init__(self, W: Array, x: Array) -> None:
        self._W, self._x = W, x

    def __getitem__(self, k: int) -> Array:
        return np.asarray(self._W[k] * self._x)


@dataclass(frozen=True, slots=True, eq=False)
class WorstRow:
    """One of the worst-predicted rows of the table.

    Parameters
    ----------
    row
        Number of the row in the table, the first row being 1.
    cells
        (column, text) in the order of the table, as they stand there.
    x
        The row as the model sees it, shape (D,): standardised and one-hot.
    p
        Probabilities, shape (K,).
    y
        Index of the class the table gives it.
    contributions
        `W_kd x_d`, what each feature adds to each logit: shape (K, D), or a class at a time.
    log_p
        Logarithms of `p`, shape (K,), which say what a float cannot; of `p` itself if not given.
    held_out
        Whether the row was held out; None where that is not said.
    said
        Index of the predicted class; the most probable one if None.
    rest
        What each logit (K,) is beside its contributions, where that is not the bias.
    """

    row: int
    cells: tuple[tuple[str, str], ...]
    x: Array
    p: Array
    y: int
    contributions: Array | Contributions
    log_p: Array | None = None
    held_out: bool | None = None
    said: int | None = None
    rest: Array | None = None


@dataclass(frozen=True, slots=True)
class ColumnLine:
    """What a column of the table was taken for, and why."""

    name: str
    taken: str
    missing: int
    why: str


@dataclass(frozen=True, slots=True)
class LayerLine:
    """A layer of a network after training: its size, and what of it no row moves.

    `first` and `last` are the norms of its gradient after the first epoch that is known and after
    the last;    `dead` is None for the head.
    """

    name: str
    inputs: int
    units: int
    parameters: int
    first: float
    last: float
    dead: int | None


@dataclass(frozen=True, slots=True, eq=False)
class NetworkPart:
    """What the page of a fit shows of a network.

    Attributes
    ----------
    sentence, verdict
        Its shape and training, and how it does beside the softmax regression ("" if not known).
    worth
        Whether it beats that; None where that is not known.
    layers
        One line each.
    losses, validation_losses
        By epoch; the latter may be empty.
    gradient_norms
        Norms (epochs, layers).
    best
        The epoch that was kept, from 1.
    watched
        Training rows that gradients and dead units are of.
    since
        The first epoch whose gradients are known.
    """

    sentence: str
    verdict: str
    worth: bool | None
    layers: tuple[LayerLine, ...]
    losses: Array
    validation_losses: Array
    gradient_norms: Array
    best: int
    watched: int
    since: int = 1


@dataclass(frozen=True, slots=True)
class PathValue:
    """One C (and share of L1) that cross-validation tried."""

    C: float
    l1_ratio: float
    log_loss: float  # mean over the held-out folds
    error: float  # standard error of that mean
    nonzero: float  # share of the weights that is not 0
    largest: tuple[float, ...]  # |weight| of each class


@dataclass(frozen=True, slots=True)
class ColumnDrift:
    """How a column differs from training; None where that does not apply or is not known.

    Shares of cells missing at training and here, of values that training did not have, and the mean
    and spread here in standard deviations of training.
    """

    name: str
    taken: str
    missing_before: float | None
    missing: float
    unseen: float | None
    mean: float | None
    spread: float | None


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class JudgedReport:
    """What pages about a model on some rows show alike; all text in it is untrusted.

    Parameters
    ----------
    title, target
        Heading of the page, and the column that is predicted.
    classes, feature_names
        Names of the K classes and of the D features of the design matrix.
    notes
        Sentences about columns left out, categories pooled, rows left out and the like.
    scores
        (name, the model's score, the score of always saying the majority class).
    b
        Bias (K,).
    held_out_y, held_out_p
        Class indices (n,) and probabilities (n, K) of the rows the model is judged on; n may be 0.
    worst_rows
        The rows with the largest ‖p − y‖, largest first.
    held_out_weight
        Weights (n,) of those rows where they differ; scores and calibration count rows by them.
    ranking
        (name, score) of how well rows are ranked: areas under curves and the like.
    intervals, intervals_from
        Ends by the name of the score, and a sentence on what they are; empty without.
    said
        Predicted class indices (n,) of the judged rows; the most probable ones if None.
    threshold
        A sentence, where one of two classes is predicted from another probability than 1/2.
    shares
        Share of each class (K,) among the training rows.
    made
        By which version, when and by which command the page was made.
    temperature, uncalibrated_p
        Temperature the weights were divided by, and the probabilities (n, K) without; then
        `held_out_p` is under temperatures that were fitted to other rows. 1 and None without.
    by_gradient
        Whether contributions are gradient × input, of a network, and not W_kd x_d.
    """

    title: str
    target: str
    classes: tuple[str, ...]
    feature_names: tuple[str, ...]
    notes: tuple[str, ...]
    scores: tuple[tuple[str, float, float], ...]
    b: Array
    held_out_y: Array
    held_out_p: Array
    worst_rows: tuple[WorstRow, ...]
    held_out_weight: Array | None = None
    ranking: tuple[tuple[str, float], ...] = ()
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    intervals_from: str = ""
    said: Array | None = None
    threshold: str = ""
    shares: Array | None = None
    made: tuple[str, ...] = ()
    temperature: float = 1.0
    uncalibrated_p: Array | None = None
    by_gradient: bool = False


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class EvaluationReport(JudgedReport):
    """What the page of an evaluation shows beside.

    Parameters
    ----------
    drifts
        How each column differs from training, the largest difference first.
    converged
        Whether training ended at an optimum; None where the model does not say.
    settings
        (name, value) of every setting of the fit.
    """

    drifts: tuple[ColumnDrift, ...]
    converged: bool | None = None
    settings: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class FitReport(JudgedReport):
    """What the page of a fit shows beside.

    Parameters
    ----------
    rows_used, rows_train, rows_test, rows_dropped
        Counts of rows of the table.
    settings
        (name, value) of every setting of the fit.
    certificate
        Largest absolute entry of the objective's gradient where training ended.
    converged
        Whether training ended at an optimum: one exists, and the certificate says so; None for a
        network.
    seconds
        How long training took.
    history
        Objective and largest gradient entry after each iteration, shape (iterations, 2).
    W
        Weights (K, D), or of a network (K, units) on its last hidden units.
    held_out
        Whether the judged rows were kept out of training; the page says so where they were not.
    trace
        The run of the first of the worst rows: X (1, D), W, b and what follows. None without rows.
    objective, gap
        The mean objective where training ended, and how far it can be above its minimum, as a share
        of itself; NaN where that is not known.
    solver, passes
        Which solver trained it, in how many visits to the data.
    path, chosen
        What cross-validation tried, and which of that it chose; empty and None without.
    warnings
        Sentences of training itself: no optimum exists, iterations ran out and the like.
    columns
        What each column of the table was taken for.
    units
        Mean and spread (D, 2) of each feature in the units of the table, 0 and 1 for categories.
    network
        What there is to say of a network; None for a softmax regression.
    """

    rows_used: int
    rows_train: int
    rows_test: int
    rows_dropped: int
    settings: tuple[tuple[str, str], ...]
    certificate: float
    converged: bool | None
    seconds: float
    history: Array
    W: Array
    held_out: bool
    trace: Trace | None
    objective: float = math.nan
    gap: float = math.nan
    solver: str = ""
    passes: float = math.nan
    path: tuple[PathValue, ...] = ()
    chosen: PathValue | None = None
    warnings: tuple[str, ...] = ()
    columns: tuple[ColumnLine, ...] = ()
    units: Array | None = None
    network: NetworkPart | None = None
