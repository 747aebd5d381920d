"""How far a model that never saw a row agrees with its label, and which label it has instead.

A row's loss −ln p_y and ‖p − y‖₁ = 2 (1 − p_y) have one order: that of p_y, the probability of the
given label ("self-confidence"). A row is suspected where its label is not the most probable one and
another class k has at least the probability that rows labelled k have on average.

Source: Northcutt, Jiang & Chuang 2021, "Confident learning".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pminusy.errors import InputError

__all__ = ["Judgement", "error_shares", "judgement", "label_quality", "suggested_classes"]

Array = NDArray[Any]

_SUM = 1e-3  # how far probabilities of a row may be from 1 together


def label_quality(y: ArrayLike, p: ArrayLike) -> NDArray[np.float64]:
    """Probability p_y that rows were given for their label: low where the label is likely wrong.

    Ranked by it, rows are ranked by their loss −ln p_y, and by ‖p − y‖₁ = 2 (1 − p_y).

    Parameters
    ----------
    y
        Class indices (N,), from 0.
    p
        Probabilities (N, K), each row by a model that was not trained on it; rows of NaN are not
        judged.

    Returns
    -------
    quality
        In [0, 1], float64 (N,); NaN where p is.

    Raises
    ------
    InputError
        Shapes that do not fit, labels that are no class, numbers that are no probabilities.

    Examples
    --------
    >>> label_quality([0, 1], [[0.9, 0.1], [0.8, 0.2]])
    array([0.9, 0.2])

    References
    ----------
    Northcutt, Jiang & Chuang 2021, "Confident learning": self-confidence.
    """
    labels, probabilities = _checked(y, p)
    found: NDArray[np.float64] = probabilities[np.arange(labels.size), labels]
    return found


class Judgement(NamedTuple):
    """What probabilities of other models say of each label.

    Attributes
    ----------
    quality
        Probability (N,) of the label; NaN where nobody can judge.
    predicted, p_predicted
        The most probable class (N,), and its probability; of rows of NaN the label's, and NaN.
    suggested
        The class (N,) that each label should likely be.
    """

    quality: NDArray[np.float64]
    predicted: Array
    p_predicted: NDArray[np.float64]
    suggested: Array


def judgement(
    y: Array, K: int, blocks: Callable[[], Iterable[tuple[slice, NDArray[np.float64]]]]
) -> Judgement:
    """Judge labels by probabilities (n, K) of some rows after others, which are visited twice.

    What is usual for a class is known after the first visit alone.
    """
    quality, p_predicted = np.empty(y.size), np.empty(y.size)
    predicted, suggested = y.copy(), y.copy()
    for rows, p in blocks():
        quality[rows] = p[np.arange(p.shape[0]), y[rows]]
        best = np.where(np.isnan(p[:, 0]), y[rows], np.nan_to_num(p).argmax(axis=1))
        predicted[rows], p_predicted[rows] = best, p[np.arange(p.shape[0]), best]
    usual = _usual_quality(y, quality, K)
    for rows, p in blocks():
        suggested[rows] = _suggested(y[rows], p, usual)
    return Judgement(quality, predicted, p_predicted, suggested)


def suggested_classes(y: Array, p: Array) -> Array:
    """Class (N,) that each label should likely be: the given one where nothing speaks against it.

    Of the classes whose probability is at least what rows of that label have on average, the most
    probable; the given label where there is none, where it is the most probable of all, and for
    rows of NaN.
    """
    return _suggested(y, p, _usual_quality(y, p[np.arange(y.size), y], p.shape[1]))


def _usual_quality(y: Array, quality: Array, K: int) -> Array:
    """Mean probability (K,) of their label over rows of each class."""
    known = ~np.isnan(quality)
    number = np.bincount(y[known], minlength=K)
    usual = np.bincount(y[known], quality[known], K) / np.maximum(number, 1)
    usual[number == 0] = np.inf  # a class without rows is suggested for none
    return usual


def _suggested(y: Array, p: Array, usual: Array) -> Array:
    known = ~np.isnan(p[:, 0])
    own = np.where(known, p[np.arange(y.size), y], 0.0)
    likely = np.where(known[:, None] & (p >= usual), p, -1.0)
    best = likely.argmax(axis=1)
    beaten = np.nan_to_num(p).max(axis=1) > own
    return np.where(beaten & (likely.max(axis=1) >= 0), best, y)


def error_shares(y: Array, suggested: Array, K: int) -> NDArray[np.float64]:
    """Estimated share of wrong labels among the rows given each class (K,); NaN without rows."""
    number = np.bincount(y, minlength=K).astype(np.float64)
    wrong = np.bincount(y[suggested != y], minlength=K)
    shares = np.full(K, np.nan)
    np.divide(wrong, number, out=shares, where=number > 0)
    return shares


def _checked(y: ArrayLike, p: ArrayLike) -> tuple[Array, Array]:
    probabilities = np.asarray(p, np.float64)
    labels = np.asarray(y)
    if probabilities.ndim != 2 or probabilities.shape[1] < 2:
        raise InputError("p", "shape (N, K), K ≥ 2", f"shape {probabilities.shape}")
    N, K = probabilities.shape
    if labels.shape != (N,):
        raise InputError("y", f"a class for each of the {N:,} rows of p", f"shape {labels.shape}")
    if labels.dtype.kind not in "iu" and (
        labels.dtype.kind != "f" or not np.array_equal(labels, np.floor(labels))
    ):
        raise InputError("y", "class indices, whole numbers from 0", f"type {labels.dtype}")
    if N and not (labels.min() >= 0 and labels.max() < K):
        got = f"from {labels.min():g} to {labels.max():g}"
        raise InputError("y", f"class indices from 0 to {K - 1}", got)
    known = ~np.isnan(probabilities).all(axis=1)
    judged = probabilities[known]
    sums = judged.sum(axis=1)
    if not ((judged >= 0).all() and (np.abs(sums - 1) <= _SUM).all()):
        expected = "probabilities: at least 0, rows that sum to 1 (or are NaN)"
        bad = ~((judged >= 0).all(axis=1) & (np.abs(sums - 1) <= _SUM))
        row = int(np.flatnonzero(known)[bad.argmax()])
        got = f"{np.array2string(probabilities[row][:4], precision=3)} in row {row}"
        raise InputError("p", expected, got, "logits go through pminusy.softmax first")
    return labels.astype(np.intp), probabilities
