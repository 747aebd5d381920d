"""How good predictions are, class by class and bin by bin; the page and the terminal show these.

Every function counts a row by its weight. Numbers of rows are given beside it, as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "ClassMetrics", "ReliabilityBins", "class_metrics", "metrics_of_sums", "reliability_bins",
]  # fmt: skip

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class ClassMetrics:
    """Scores of one class; NaN where the definition divides by 0. The last two count rows."""

    k: int
    precision: float
    recall: float
    f1: float
    support: int
    predicted: int


def class_metrics(
    y: Array, predicted: Array, K: int, weight: Array | None = None
) -> list[ClassMetrics]:
    """Precision, recall and F1 of each of K classes.

    Parameters
    ----------
    y, predicted
        True and predicted class of each row (N,), as indices.
    K
        Number of classes.
    weight
        Weights of the rows (N,); all 1 where not given.
    """
    w = np.ones(y.size) if weight is None else weight
    hit = np.bincount(y, w * (y == predicted), K)
    actual, named = np.bincount(y, w, K), np.bincount(predicted, w, K)
    rows, named_rows = np.bincount(y, minlength=K), np.bincount(predicted, minlength=K)
    return metrics_of_sums(hit, actual, named, rows, named_rows)


def metrics_of_sums(
    hit: Array, actual: Array, named: Array, rows: Array, named_rows: Array
) -> list[ClassMetrics]:
    """Precision, recall and F1 of each of K classes, from sums over rows.

    Parameters
    ----------
    hit, actual, named
        Weight (K,) of the rows of each class that are predicted right, of all of them, and of those
        that are predicted to be of it.
    rows, named_rows
        Number (K,) of the latter two.
    """
    with np.errstate(invalid="ignore"):  # 0 / 0 is not defined
        precision, recall, f1 = hit / named, hit / actual, 2 * hit / (actual + named)
    return [
        ClassMetrics(
            k,
            float(precision[k]),
            float(recall[k]),
            float(f1[k]),
            int(rows[k]),
            int(named_rows[k]),
        )
        for k in range(hit.size)
    ]


class ReliabilityBins(NamedTuple):
    """Confidence against accuracy in bins of equal width over the largest probability of a row.

    Attributes
    ----------
    edges
        (B + 1,), from 0 to 1; a confidence on an edge belongs to the bin below.
    rows
        (B,) number of rows.
    share
        (B,) share of the weight of all rows.
    confidence
        (B,) mean largest probability, NaN where there is no weight.
    accuracy
        (B,) share that is right, NaN where there is no weight.
    effective_rows
        (B,) (Σ w)² / Σ w², the number of rows of equal weight that say as much (Kish 1965).
    """

    edges: Array
    rows: Array
    share: Array
    confidence: Array
    accuracy: Array
    effective_rows: Array

    @property
    def gaps(self) -> Array:
        """|accuracy − confidence| (B,), 0 where there is no weight."""
        return np.where(self.share > 0, np.abs(self.accuracy - self.confidence), 0.0)

    @property
    def expected_error(self) -> float:
        """Expected calibration error, Σ_b share_b |accuracy_b − confidence_b|; NaN without rows."""
        return float(self.share @ self.gaps) if self.rows.any() else float("nan")


def reliability_bins(p: Array, y: Array, bins: int, weight: Array | None = None) -> ReliabilityBins:
    """How often the most probable class is right, by its probability.

    Parameters
    ----------
    p
        Probabilities (N, K).
    y
        Class indices (N,).
    bins
        Number of bins B.
    weight
        Weights of the rows (N,); all 1 where not given.
    """
    w = np.ones(y.size) if weight is None else weight
    best = p.argmax(axis=1)
    confidence = p[np.arange(best.size), best].astype(np.float64)
    which = np.clip(np.ceil(confidence * bins).astype(np.intp) - 1, 0, bins - 1)
    total = np.bincount(which, w, bins)
    with np.errstate(invalid="ignore"):  # 0 / 0: no mean without weight
        return ReliabilityBins(
            edges=np.linspace(0.0, 1.0, bins + 1),
            rows=np.bincount(which, minlength=bins),
            share=total / w.sum(),
            confidence=np.bincount(which, w * confidence, bins) / total,
            accuracy=np.bincount(which, w * (best == y), bins) / total,
            effective_rows=total**2 / np.bincount(which, w * w, bins),
        )
