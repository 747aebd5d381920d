"""Scores that are means, from sums that are taken as rows come: of any number of them.

The variances are those of `intervals`, Σ (ω ψ / Σ ω)² of the influences ψ of influence.py, written
out for rows that are right or wrong, and for their losses.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pminusy.estimators.intervals import Measured
from pminusy.estimators.scores import TOP, Scores
from pminusy.present.metrics import ClassMetrics, metrics_of_sums

__all__ = ["ScoreSums"]

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]


class ScoreSums:
    """What rows of K classes add up to; ω are their weights.

    Attributes
    ----------
    rows, named_rows
        Number of rows of each class, and of those predicted to be of it (K,).
    weight, squares
        Σ ω and Σ ω² of the rows of each class (K,).
    named, hit
        Σ ω of the rows predicted to be of each class, and of those of them that are (K,).
    """

    def __init__(self, classes: int) -> None:
        self.rows, self.named_rows = (np.zeros(classes, np.int64) for _ in range(2))
        self.weight, self.squares, self.named, self.hit, self._hit_squares = (
            np.zeros(classes) for _ in range(5)
        )
        self._loss = np.zeros(3)  # Σ ω l, Σ ω² l, Σ ω² l²
        # Σ ω, Σ ω² of these, by class: added up as `weight` is, so that all of them are 1 exactly
        self._top = {top: np.zeros((2, classes)) for top in TOP if 2 * top < classes}

    def add(self, y: Indices, log_p: Floats, weight: Floats, predicted: Indices) -> None:
        """Add rows: labels (n,), log-probabilities (n, K), weights (n,), predicted classes (n,)."""
        K = self.rows.size
        right = predicted == y
        squares = weight * weight
        self.rows += np.bincount(y, minlength=K)
        self.named_rows += np.bincount(predicted, minlength=K)
        self.weight += np.bincount(y, weight, K)
        self.squares += np.bincount(y, squares, K)
        self.named += np.bincount(predicted, weight, K)
        self.hit += np.bincount(y, weight * right, K)
        self._hit_squares += np.bincount(y, squares * right, K)
        own = log_p[np.arange(y.size), y]
        self._loss += (-(weight @ own), -(squares @ own), squares @ (own * own))
        if self._top:
            rank = (log_p > own[:, None]).sum(axis=1)
            for top, sums in self._top.items():
                among = rank < top
                sums += np.bincount(y, weight * among, K), np.bincount(y, squares * among, K)

    def decisions(self) -> dict[str, Measured]:
        """Accuracy, balanced accuracy and log loss, by their names."""
        whole, squares = self.weight.sum(), self.squares.sum()
        occurring = self.rows > 0
        weight, hit = self.weight[occurring], self.hit[occurring]
        recall, n = hit / weight, hit.size
        own, of_class = self._hit_squares[occurring], self.squares[occurring]
        spread = (own * (1 - 2 * recall) + recall**2 * of_class) / (weight * n) ** 2
        size = n**2 / (of_class / weight**2).sum()
        loss, cross, square = self._loss
        mean = loss / whole
        variance = (square - 2 * mean * cross + mean**2 * squares) / whole**2
        return {
            "accuracy": self._share(hit.sum(), own.sum()),
            "balanced accuracy": Measured(float(recall.mean()), float(spread.sum()), float(size)),
            "log loss": Measured(float(mean), max(float(variance), 0.0), whole**2 / squares),
        }

    def top(self) -> dict[str, Measured]:
        """Share of the rows whose class is among the most probable ones, by its name."""
        return {
            f"top-{top} accuracy": self._share(*sums.sum(axis=1)) for top, sums in self._top.items()
        }

    def of_shares(self, shares: Floats) -> Scores:
        """Scores of one answer to every row: the shares of the classes (K,)."""
        often = int(shares.argmax())
        occurring = self.rows > 0
        loss = -(self.weight[occurring] @ np.log(shares[occurring])) / self.weight.sum()
        accuracy = self.weight[often] / self.weight.sum()
        return Scores(float(accuracy), float(occurring[often] / occurring.sum()), float(loss))

    def by_class(self) -> list[ClassMetrics]:
        """Precision, recall and F1 of each class."""
        return metrics_of_sums(self.hit, self.weight, self.named, self.rows, self.named_rows)

    def _share(self, weight: float, squares: float) -> Measured:
        """The share of rows, from Σ ω and Σ ω² of those that count."""
        whole, all_squares = self.weight.sum(), self.squares.sum()
        share = float(weight / whole)
        variance = (squares * (1 - 2 * share) + share**2 * all_squares) / whole**2
        return Measured(share, max(float(variance), 0.0), float(whole**2 / all_squares))
