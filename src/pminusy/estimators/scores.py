"""How good log-probabilities are: accuracy, balanced accuracy and log loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Scores", "log_score", "ranking_scores", "score"]


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


def score(
    y: NDArray[np.intp], log_p: NDArray[np.float64], weight: NDArray[np.float64] | None = None
) -> Scores:
    """Score log-probabilities (N, K) against class indices y (N,), weighted by `weight` (N,)."""
    right = log_p.argmax(axis=1) == y
    counted = np.ones(y.size) if weight is None else weight
    of_class = np.bincount(y, counted)
    found = np.bincount(y, counted * right)
    occurs = np.bincount(y) > 0
    recalls = np.divide(found, of_class, out=np.zeros_like(found), where=of_class > 0)
    losses = -log_p[np.arange(y.size), y]
    return Scores(
        accuracy=float(np.average(right, weights=weight)),
        balanced_accuracy=float(np.mean(recalls[occurs])),
        log_loss=float(np.average(losses, weights=weight)),
    )


def log_score(
    model: Any, X: Any, y: NDArray[np.intp], sample_weight: NDArray[np.float64] | None = None
) -> float:
    """Mean log-probability of the labels y (N,) under a model: a scorer, larger is better.

    Unlike scikit-learn's "neg_log_loss" it asks for no label that happens to be absent from y.
    """
    log_p = model.predict_log_proba(X)
    index = np.searchsorted(model.classes_, y)
    return float(np.average(log_p[np.arange(index.size), index], weights=sample_weight))


_TOP = (3, 5)  # a class among the k most probable ones says something where there are more than 2k


def ranking_scores(
    y: NDArray[np.intp], log_p: NDArray[np.float64], weight: NDArray[np.float64] | None = None
) -> tuple[tuple[str, float], ...]:
    """How well probabilities (N, K) rank the rows of each class before the others.

    Areas under the ROC and the precision-recall curve (as average precision) of each class against
    the rest, of two classes of the second alone; their mean over the classes that have rows and
    others beside them. And the share of rows whose class is among the k most probable ones.
    """
    from sklearn.metrics import average_precision_score, roc_auc_score

    K = log_p.shape[1]
    areas, precisions = [], []
    for k in range(K) if K > 2 else (1,):
        own = y == k
        if own.any() and not own.all():
            areas.append(roc_auc_score(own, log_p[:, k], sample_weight=weight))
            precisions.append(average_precision_score(own, log_p[:, k], sample_weight=weight))
    named = []
    if areas:
        named.append(("ROC AUC", float(np.mean(areas))))
        named.append(("average precision", float(np.mean(precisions))))
    own_log_p = log_p[np.arange(y.size), y]
    rank = (log_p > own_log_p[:, None]).sum(axis=1)
    for top in _TOP:
        if 2 * top < K:
            named.append((f"top-{top} accuracy", float(np.average(rank < top, weights=weight))))
    return tuple(named)
