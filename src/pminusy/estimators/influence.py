"""Scores of log-probabilities, each with its influence function: how much each row moves it.

A score θ of rows with weights w does not change when all weights are multiplied by one number. The
influence of row i is ψ_i = (Σ w) ∂θ/∂w_i, so that Σ w_i ψ_i = 0; of a mean it is x_i − θ. The
variance of θ over samples of rows is that of the mean of ψ: the infinitesimal jackknife, which for
the area under the ROC curve is the estimate of DeLong.

Sources: Efron 1982, "The jackknife, the bootstrap and other resampling plans"; DeLong, DeLong &
Clarke-Pearson 1988, "Comparing the areas under two or more correlated ROC curves".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Influences", "average_precision", "mean", "mean_over_classes", "mean_recall", "roc_auc"]

Array = NDArray[Any]


class Influences(NamedTuple):
    """A score, the influence (N,) of each row on it, and how many rows it would rest on at 0 or 1.

    `size` is the effective number of rows where the influences are all 0: a score that is perfect.
    """

    value: float
    of_row: Array
    size: float


def mean(x: Array, weight: Array) -> Influences:
    """Σ w x / Σ w of x (N,)."""
    value = float(np.average(x, weights=weight))
    return Influences(value, x - value, _effective(weight))


def mean_recall(right: Array, y: Array, weight: Array) -> Influences:
    """Balanced accuracy: the mean over the classes that occur of the share that is right."""
    occurring, y = np.unique(y, return_inverse=True)
    of_class = np.bincount(y, weight)
    recall = np.bincount(y, weight * right) / of_class
    of_row = (right - recall[y]) * (weight.sum() / of_class[y]) / occurring.size
    sizes = [_effective(weight[y == k]) for k in range(occurring.size)]
    return Influences(float(recall.mean()), of_row, _of_mean(sizes))


def mean_over_classes(
    score: Callable[[Array, Array, Array], Influences], y: Array, p: Array, weight: Array
) -> Influences | None:
    """Mean of the score of each class against the rest; of two classes that of the second alone.

    Classes without rows, or without others beside them, are left out; None where that is all.
    `p` (N, K) are probabilities or their logarithms.
    """
    K = p.shape[1]
    own = (y == k for k in (range(K) if K > 2 else (1,)))
    columns = p.T if K > 2 else p.T[1:]
    found = [
        score(mine, column, weight)
        for mine, column in zip(own, columns, strict=True)
        if mine.any() and not mine.all()
    ]
    if not found:
        return None
    of_row = sum((each.of_row for each in found), np.zeros(y.size)) / len(found)
    value = float(np.mean([each.value for each in found]))
    return Influences(value, of_row, _of_mean([each.size for each in found]))


def roc_auc(own: Array, s: Array, weight: Array) -> Influences:
    """Share of pairs of a row of the class and another that s (N,) puts in order, ties by half."""
    place = _places(s)
    positive = np.bincount(place, np.where(own, weight, 0.0))
    negative = np.bincount(place, np.where(own, 0.0, weight))
    P, N = positive.sum(), negative.sum()
    below = (np.cumsum(negative) - negative / 2) / N  # of others, at each value of s
    above = 1 - (np.cumsum(positive) - positive / 2) / P
    value = float(positive @ below / P)
    of_row = np.where(own, (below[place] - value) / P, (above[place] - value) / N)
    size = min(_effective(weight[own]), _effective(weight[~own]))
    return Influences(value, of_row * (P + N), size)


def average_precision(own: Array, s: Array, weight: Array) -> Influences:
    """Σ (R_t − R_{t−1}) P_t over the thresholds t of s (N,), from precision P and recall R."""
    place = _places(s)
    positive = np.bincount(place, np.where(own, weight, 0.0))
    every = np.bincount(place, weight)
    named = np.cumsum(every[::-1])[::-1]  # weight of the rows from this value of s upwards
    precision = np.cumsum(positive[::-1])[::-1] / named
    P = positive.sum()
    value = float(positive @ precision / P)
    gained = np.cumsum(positive / named)  # precision at lower thresholds, by a row of the class …
    lost = np.cumsum(positive * precision / named)  # … and by any row
    of_own = precision[place] - value + gained[place]
    of_row = (np.where(own, of_own, 0.0) - lost[place]) / P
    size = min(_effective(weight[own]), _effective(weight[~own]))
    return Influences(value, of_row * weight.sum(), size)


def _places(s: Array) -> Array:
    """Which of the distinct values of s each row has, ascending."""
    return np.unique(s, return_inverse=True)[1]


def _effective(weight: Array) -> float:
    """(Σ w)² / Σ w²: how many rows of equal weight say as much (Kish 1965)."""
    return float(weight.sum() ** 2 / (weight @ weight))


def _of_mean(sizes: list[float]) -> float:
    """Effective size of the mean of independent shares, from theirs."""
    return len(sizes) ** 2 / sum(1 / size for size in sizes)
