"""How good log-probabilities are: accuracy, balanced accuracy, log loss and rankings, and how sure.

`assess` has all of it for some rows; every score is computed in influence.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pminusy.estimators.influence import (
    Influences,
    average_precision,
    mean,
    mean_over_classes,
    mean_recall,
    roc_auc,
)
from pminusy.estimators.intervals import Intervals, intervals

__all__ = ["TOP", "Assessment", "Scores", "assess", "log_score", "ranking_scores", "score"]

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
Ranking = tuple[tuple[str, float], ...]

TOP = (3, 5)  # a class among the k most probable ones says something where there are more than 2k


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores of a model; balanced accuracy is the mean recall of the classes that occur."""

    accuracy: float
    balanced_accuracy: float
    log_loss: float

    def named(self) -> tuple[tuple[str, float], ...]:
        """Scores with the names they are shown under."""
        return (
            ("accuracy", self.accuracy),
            ("balanced accuracy", self.balanced_accuracy),
            ("log loss", self.log_loss),
        )


@dataclass(frozen=True, slots=True)
class Assessment:
    """Scores of some rows, how well they are ranked, and intervals for both by their names."""

    scores: Scores
    ranking: Ranking
    intervals: Intervals


def assess(
    y: Indices,
    log_p: Floats,
    weight: Floats,
    *,
    groups: Indices | None = None,
    predicted: Indices | None = None,
) -> Assessment:
    """Score log-probabilities (N, K) against class indices y (N,), and say how sure that is.

    Parameters
    ----------
    y, log_p, weight
        Labels, log-probabilities and weights of the rows.
    groups
        Number of the group of each row (N,): rows of one are not independent.
    predicted
        Which class each row (N,) is taken for; the most probable one if not given.
    """
    decisions, rankings = _decisions(y, log_p, weight, predicted), _rankings(y, log_p, weight)
    return Assessment(
        _scores(decisions), _ranking(rankings), intervals(decisions | rankings, weight, groups)
    )


def score(
    y: Indices, log_p: Floats, weight: Floats | None = None, predicted: Indices | None = None
) -> Scores:
    """Score log-probabilities (N, K) against class indices y (N,), weighted by `weight` (N,)."""
    return _scores(_decisions(y, log_p, np.ones(y.size) if weight is None else weight, predicted))


def ranking_scores(y: Indices, log_p: Floats, weight: Floats | None = None) -> Ranking:
    """How well probabilities (N, K) rank the rows of each class before the others.

    Areas under the ROC and the precision-recall curve (as average precision) of each class against
    the rest, of two classes of the second alone; their mean over the classes that have rows and
    others beside them. And the share of rows whose class is among the k most probable ones.
    """
    return _ranking(_rankings(y, log_p, np.ones(y.size) if weight is None else weight))


def log_score(model: Any, X: Any, y: Indices, sample_weight: Floats | None = None) -> float:
    """Mean log-probability of the labels y (N,) under a model: a scorer, larger is better.

    Unlike scikit-learn's "neg_log_loss" it asks for no label that happens to be absent from y.
    """
    log_p = model.predict_log_proba(X)
    index = np.searchsorted(model.classes_, y)
    return float(np.average(log_p[np.arange(index.size), index], weights=sample_weight))


def _decisions(
    y: Indices, log_p: Floats, weight: Floats, predicted: Indices | None
) -> dict[str, Influences]:
    right = ((log_p.argmax(axis=1) if predicted is None else predicted) == y).astype(np.float64)
    return {
        "accuracy": mean(right, weight),
        "balanced accuracy": mean_recall(right, y, weight),
        "log loss": mean(-log_p[np.arange(y.size), y], weight),
    }


def _rankings(y: Indices, log_p: Floats, weight: Floats) -> dict[str, Influences]:
    found = {}
    for name, of_class in (("ROC AUC", roc_auc), ("average precision", average_precision)):
        over_classes = mean_over_classes(of_class, y, log_p, weight)
        if over_classes is not None:
            found[name] = over_classes
    own = log_p[np.arange(y.size), y]
    rank = (log_p > own[:, None]).sum(axis=1)
    for top in TOP:
        if 2 * top < log_p.shape[1]:
            found[f"top-{top} accuracy"] = mean((rank < top).astype(np.float64), weight)
    return found


def _scores(found: dict[str, Influences]) -> Scores:
    return Scores(*(each.value for each in found.values()))


def _ranking(found: dict[str, Influences]) -> Ranking:
    return tuple((name, each.value) for name, each in found.items())
