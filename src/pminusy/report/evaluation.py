"""How well the rows a fit is judged on are predicted: confusion, scores a class, calibration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pminusy.present.numbers import Real

__all__ = [
    "Bin",
    "ClassScore",
    "Confusion",
    "calibration_error",
    "class_scores",
    "confusion",
    "confusions",
    "reliability",
]

Array = NDArray[Any]
BINS = 10


@dataclass(frozen=True, slots=True)
class ClassScore:
    """Scores of one class; NaN where the definition divides by 0."""

    k: int
    precision: float
    recall: float
    f1: float
    support: int
    predicted: int


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


def class_scores(y: Array, said: Array, K: int) -> list[ClassScore]:
    """Precision, recall, F1 and support of each of K classes."""
    right = np.bincount(y[y == said], minlength=K)
    support, predicted = np.bincount(y, minlength=K), np.bincount(said, minlength=K)
    return [
        ClassScore(
            k,
            _ratio(right[k], predicted[k]),
            _ratio(right[k], support[k]),
            _ratio(2 * right[k], support[k] + predicted[k]),
            int(support[k]),
            int(predicted[k]),
        )
        for k in range(K)
    ]


def _ratio(part: float, whole: float) -> float:
    return float(part) / float(whole) if whole else float("nan")


def reliability(y: Array, p: Array) -> list[Bin]:
    """Bins of equal width over the largest probability of a row, ten less the empty ones."""
    confidence = p.max(axis=1).astype(np.float64)
    right = p.argmax(axis=1) == y
    index = np.clip(np.ceil(confidence * BINS) - 1, 0, BINS - 1).astype(np.intp)
    bins = []
    for i in range(BINS):
        rows = index == i
        n = int(rows.sum())
        if n:
            hits = int(right[rows].sum())
            lower, upper = _wilson(hits, n)
            mean = Real(confidence[rows].mean())  # of floats: p itself is never quite 1
            bins.append(Bin(i / BINS, (i + 1) / BINS, n, mean, hits / n, lower, upper))
    return bins


def calibration_error(bins: list[Bin]) -> float:
    """Expected calibration error, Σ_b (n_b / n) |accuracy_b − confidence_b|; NaN without rows."""
    n = sum(group.count for group in bins)
    gaps = (group.count * abs(group.accuracy - group.confidence) for group in bins)
    return Real(_ratio(sum(gaps), n))


def _wilson(hits: int, n: int) -> tuple[float, float]:
    """95 % interval of a share that was `hits` of `n` (Wilson 1927): sound for small n too."""
    t = 1.959963984540054**2
    centre = (hits + t / 2) / (n + t)
    half = np.sqrt(t * (hits * (n - hits) / n + t / 4)) / (n + t)
    return float(max(centre - half, 0.0)), float(min(centre + half, 1.0))
