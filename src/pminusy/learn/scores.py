"""How good probabilities are: accuracy, balanced accuracy and log loss, beside a baseline."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, recall_score

__all__ = ["Scores", "majority_baseline", "score"]


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores of predicted probabilities; balanced accuracy is the mean recall of the classes met."""

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
    y: NDArray[np.intp], p: NDArray[np.float64], weight: NDArray[np.float64] | None = None
) -> Scores:
    """Score probabilities p (N, K) against class indices y (N,), weighted where weights are given."""
    predicted = p.argmax(axis=1)
    met = np.unique(y)
    recalls = recall_score(
        y, predicted, labels=met, average=None, sample_weight=weight, zero_division=0.0
    )
    tiny = np.finfo(np.float64).tiny
    return Scores(
        accuracy=float(accuracy_score(y, predicted, sample_weight=weight)),
        balanced_accuracy=float(np.mean(recalls)),
        log_loss=float(
            np.average(-np.log(np.maximum(p[np.arange(y.size), y], tiny)), weights=weight)
        ),
    )


def majority_baseline(shares: NDArray[np.float64], rows: int) -> NDArray[np.float64]:
    """Probabilities (N, K) of the model that knows only how frequent the classes are."""
    return np.broadcast_to(shares, (rows, shares.size))
