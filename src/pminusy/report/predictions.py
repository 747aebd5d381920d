"""How well the rows a fit is judged on are predicted: which errors occur, and how sure they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pminusy.present.metrics import ReliabilityBins
from pminusy.present.numbers import Real

__all__ = [
    "BINS",
    "Bin",
    "Confusion",
    "confusion",
    "confusions",
    "reliability",
]

Array = NDArray[Any]
BINS = 10


@dataclass(frozen=True, slots=True)
class Bin:
    """Rows whose largest probability lies in (low, high], and how often that class was right.

    `lower` and `upper` bound the share that is right: a 95 % Wilson interval.
    """

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True, eq=False)
class Confusion:
    """Counts of true class (rows) against predicted class (columns).

    `classes` are the rows and columns in order; where they are not all, `counts` has one more row
    and column for all others together, so that every row of the data is counted.
    """

    classes: list[int]
    counts: NDArray[np.int64]


def confusion(y: Array, said: Array, K: int, whole: int, condensed: int) -> Confusion:
    """The confusion matrix of up to `whole` classes, or of the ones with most errors.

    Of more classes than `whole` those with errors are shown, at most `condensed` and at least 2.
    """
    shown = np.arange(K)
    if whole < K:
        wrong = y != said
        errors = np.bincount(y[wrong], minlength=K) + np.bincount(said[wrong], minlength=K)
        size = int(np.clip(np.count_nonzero(errors), 2, condensed))
        shown = np.sort(np.argsort(-errors, kind="stable")[:size])
    size = shown.size + (shown.size < K)
    group = np.full(K, shown.size)
    group[shown] = np.arange(shown.size)
    pairs = group[y] * size + group[said]
    return Confusion(shown.tolist(), np.bincount(pairs, minlength=size * size).reshape(size, size))


def confusions(y: Array, said: Array, limit: int) -> list[tuple[int, int, int]]:
    """The most frequent errors: (true class, predicted class, count), most frequent first."""
    wrong = np.stack([y, said], axis=1)[y != said]
    pairs, counts = np.unique(wrong, axis=0, return_counts=True)
    order = np.argsort(-counts, kind="stable")[:limit]
    return [(int(pairs[i, 0]), int(pairs[i, 1]), int(counts[i])) for i in order]


def reliability(found: ReliabilityBins) -> list[Bin]:
    """The bins that hold a row of any weight, each with the interval of its accuracy."""
    bins = []
    for i in np.flatnonzero(found.share > 0).tolist():
        n, accuracy = float(found.effective_rows[i]), float(found.accuracy[i])
        bins.append(
            Bin(
                float(found.edges[i]),
                float(found.edges[i + 1]),
                int(found.rows[i]),
                Real(found.confidence[i]),  # of floats: p itself is never quite 1
                accuracy,
                *_wilson(accuracy, n),
            )
        )
    return bins


def _wilson(share: float, n: float) -> tuple[float, float]:
    """95 % interval of a share found in n rows (Wilson 1927): sound for small n too."""
    t = 1.959963984540054**2
    centre = (n * share + t / 2) / (n + t)
    half = np.sqrt(t * (n * share * (1 - share) + t / 4)) / (n + t)
    return float(max(centre - half, 0.0)), float(min(centre + half, 1.0))
