"""The threshold of a model of two classes: given, or chosen on rows that folds left out.

Held-out rows take no part: those judge the decisions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pminusy.errors import InputError
from pminusy.estimators.threshold import Criterion, Threshold, best_threshold, criterion
from pminusy.tables.wording import count, listed

if TYPE_CHECKING:
    from pminusy.api.fit.training_options import TrainingOptions
    from pminusy.api.fit.training_run import TableRows

__all__ = ["ThresholdRequest", "threshold_of", "threshold_request"]

_FEWEST = 2  # rows of each class, one for each of two folds

ThresholdRequest = tuple[float | Criterion, str | None]


def threshold_request(threshold: Any, positive: Any) -> ThresholdRequest | None:
    """Check the options; whether they fit the classes is known once the table is read."""
    if threshold is None:
        if positive is not None:
            raise InputError("positive", "a threshold beside it", "none", "give a threshold")
        return None
    return criterion(threshold), None if positive is None else str(positive)


def threshold_of(
    request: ThresholdRequest | None,
    clf: Any,
    options: TrainingOptions,
    training: TableRows,
    classes: tuple[str, ...],
) -> Threshold | None:
    """The threshold asked for, of a model trained on some rows; None where none is.

    Raises
    ------
    InputError
        More than two classes, an unknown positive class, too few rows of one to choose by.
    """
    if request is None:
        return None
    asked, name = request
    if len(classes) != 2:
        raise InputError("threshold", "a target of two classes", f"{len(classes):,}")
    if name is not None and set(classes) == {"false", "true"}:
        name = name.lower()  # True and TRUE are read as true
    if name is not None and name not in classes:
        raise InputError("positive", f"one of the classes {listed(classes)}", listed([name]))
    positive = 1 if name is None else classes.index(name)
    if isinstance(asked, float):
        return Threshold(asked, positive)
    p = _out_of_fold(clf, options, training)[:, positive]
    rows = np.flatnonzero(~np.isnan(p))
    value = best_threshold(training.y[rows] == positive, p[rows], training.weight[rows], asked)
    return Threshold(value, positive, str(asked), rows.size)


def _out_of_fold(clf: Any, options: TrainingOptions, training: TableRows) -> NDArray[np.float64]:
    """Probabilities (N, 2) of the training rows, each by a model that was trained on others.

    NaN for a row that no fold left out: groups may be too few for that.
    """
    fewest = int(np.bincount(training.y, minlength=2).min())
    if fewest < _FEWEST:
        expected = f"at least {_FEWEST} training rows of each class to choose it by"
        raise InputError("threshold", expected, count(fewest, "row"), "give a number")
    chosen = options.chosen(clf)
    p = np.full((training.y.size, 2), np.nan)
    for train, rest in options.splits(training.y, training.groups, training.times):
        one = chosen.estimator(training.y[train], ("", ""), None)
        one.fit(training.X[train], training.y[train], sample_weight=training.weight[train])
        p[rest] = one.regression.predict_proba(training.X[rest])
    if np.isnan(p).all():
        got = "groups of which none can be left out"
        raise InputError("threshold", "groups to choose it by", got, "give a number")
    return p
