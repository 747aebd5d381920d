"""Probabilities of every row, by models that were trained on the other folds.

Folds share what they can: C is chosen on the first one, from C = 1 on, each fit beginning where the
one before ended; the other folds begin at the first one's weights. A fit of many parameters ends
within `NEAR` of the least objective: a nearer end ranks rows no better.
"""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from pminusy.errors import InputError
from pminusy.estimators.softmax_regression import SoftmaxRegression
from pminusy.estimators.streams.blocks import Blocks, is_lazy, read_rows, size_of
from pminusy.estimators.streams.pages import forget_pages

__all__ = ["FoldModel", "OutOfFold", "out_of_fold"]

Array = NDArray[Any]

NEAR = 1e-3  # of the objective: how far from its minimum a fit may end
_MANY = 4000  # parameters, up to which a fit goes to its optimum: that costs little more
_DECADES = (range(-1, -6, -1), range(1, 4))  # exponents of the values of C tried
_GAIN = 0.005  # of the loss: a decade that gains less is the last one tried
# Of values of C up to this times the best loss the one nearest to 1 is taken, for wrong labels make
# the loss prefer too strong a penalty.
_WORSE = 1.02
_ROOT = math.sqrt(10.0)
_SLICE = 8 << 20  # bytes of rows that are read at once
_SEEDS = 1 << 32  # that NumPy's older generator, which splits the rows, takes


class FoldModel(NamedTuple):
    """Weights (K, D) and bias (K,) of a fold; classes that it was not trained on have −∞."""

    W: Array
    b: Array


class OutOfFold(NamedTuple):
    """What models say of rows that they were not trained on.

    Attributes
    ----------
    p
        Probabilities (N, K); NaN for a row whose class no other fold has.
    fold
        Which model (N,) judged each row.
    models
        One a fold.
    C
        Inverse strength of the penalty.
    converged
        Whether all fits are at their optimum.
    """

    p: NDArray[np.float64]
    fold: NDArray[np.intp]
    models: tuple[FoldModel, ...]
    C: float
    converged: bool


def out_of_fold(
    X: Any,
    y: Array,
    K: int,
    *,
    C: float | None = None,
    folds: int = 5,
    seed: int = 0,
    groups: Array | None = None,
    sample_weight: Array | None = None,
) -> OutOfFold:
    """Judge every row by a softmax regression of the other folds.

    Parameters
    ----------
    X, y
        Features (N, D), dense or sparse rows, and class indices (N,) below K. Of what is read by
        slices, np.memmap say, no more than some MB of rows are in memory beside what a fit holds.
    C
        Inverse strength of the penalty; None to choose it on the first fold: near the
        least log loss, and nearest to 1 of these.
    folds, seed
        How many, with the classes in equal shares, and the seed of the split.
    groups
        Numbers (N,): rows of one group are in one fold.
    sample_weight
        Weights (N,).

    Raises
    ------
    InputError
        Fewer rows, or groups, than folds; fewer than 2 folds; a seed that is none.
    """
    splits = _splits(y, folds, seed, groups)
    weight = np.ones(y.size) if sample_weight is None else sample_weight
    p, fold = np.full((y.size, K), np.nan), np.empty(y.size, np.intp)
    models, converged = [], True
    clf = SoftmaxRegression(warm_start=True)
    for f, (train, rest) in enumerate(splits):
        part: _Held | _Read = (_Read if is_lazy(X) else _Held)(X, y, weight, train, rest)
        part.small = K * (X.shape[1] + 1) <= _MANY
        clf = _chosen(part, clf, y[rest], weight[rest]) if C is None else _fitted(part, clf, C)
        C, said = float(clf.C), np.exp(part.log_p(clf))
        present = np.unique(y[train])
        fold[rest] = f
        judged = rest[np.isin(y[rest], present)]
        p[judged] = 0.0
        p[np.ix_(judged, present)] = said[np.isin(rest, judged)]
        models.append(_model(clf, present, K))
        converged &= clf.converged_
    assert C is not None
    return OutOfFold(p, fold, tuple(models), C, converged)


def _splits(y: Array, folds: int, seed: int, groups: Array | None) -> Any:
    whole = isinstance(folds, int | np.integer) and not isinstance(folds, bool)
    if not whole or folds < 2:
        raise InputError("folds", "a whole number from 2", repr(folds))
    if not isinstance(seed, int | np.integer) or not 0 <= seed < _SEEDS:
        raise InputError("seed", f"a whole number from 0 to {_SEEDS - 1:,}", repr(seed))
    units, what = (y.size, "rows") if groups is None else (np.unique(groups).size, "groups")
    if units < folds:
        remedy = f"ask for at most {units} folds" if units > 1 else ""
        raise InputError("folds", f"at most as many as {what}", f"{folds} of {units:,}", remedy)
    kind = StratifiedKFold if groups is None else StratifiedGroupKFold
    splitter = kind(folds, shuffle=True, random_state=seed)
    if groups is None and np.bincount(y).max() < folds:
        raise InputError(
            "folds", "as many rows of some class", f"{folds}, and {np.bincount(y).max()} at most"
        )
    with warnings.catch_warnings():
        # said of classes with fewer rows than folds, which the caller says in our words
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        return list(splitter.split(np.zeros((y.size, 1)), y, groups))


def _fitted(part: _Held | _Read, start: Any, C: float) -> Any:
    """A model that begins at the weights of another; which is left as it is."""
    clf = copy.copy(start).set_params(C=C, gap=None if part.small or math.isinf(C) else NEAR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # `converged` says it
        part.fit(clf)
    return clf


def _chosen(part: _Held | _Read, start: Any, y: Array, weight: Array) -> Any:
    """The model of the best C."""
    models: dict[float, Any] = {}

    def loss(C: float) -> float:
        before = min(models, key=lambda tried: abs(math.log(tried / C)), default=None)
        models[C] = _fitted(part, start if before is None else models[before], C)
        return _loss(part.log_p(models[C]), models[C].classes_, y, weight)

    return models[_best_penalty(loss)]


def _best_penalty(loss: Callable[[float], float]) -> float:
    """Near the least loss of values of C, and nearest to 1 of these.

    The loss is taken to have one minimum: from 1 on, values are tried as long as they gain.
    """
    losses = {1.0: loss(1.0)}
    for exponents in _DECADES:
        last = losses[1.0]
        for exponent in exponents:
            C = 10.0**exponent
            losses[C] = loss(C)
            if not losses[C] < (1 - _GAIN) * last:
                break
            last = losses[C]
        if min(losses.values()) < losses[1.0]:
            break
    best = _nearest_to_one(losses)
    if best != 1.0:
        between = best * _ROOT if best < 1 else best / _ROOT
        losses[between] = loss(between)
    return _nearest_to_one(losses)


def _nearest_to_one(losses: dict[float, float]) -> float:
    near = [C for C, loss in losses.items() if not loss > _WORSE * min(losses.values())]
    return min(near, key=lambda C: abs(math.log(C)))


class _Held:
    """A fold of rows in memory."""

    small = True  # whether its problem is

    def __init__(self, X: Any, y: Array, weight: Array, train: Array, rest: Array) -> None:
        self._train, self._rest = (X[train], y[train], weight[train]), X[rest]

    def fit(self, clf: Any) -> None:
        """Train on the rows of the other folds."""
        X, y, weight = self._train
        clf.fit(X, y, sample_weight=weight)

    def log_p(self, clf: Any) -> Array:
        """ln p of the rows that are left."""
        return np.asarray(clf.predict_log_proba(self._rest))


class _Read:
    """The same of rows that are read by slices, each visit anew."""

    small = True

    def __init__(self, X: Any, y: Array, weight: Array, train: Array, rest: Array) -> None:
        self._X, self._y, self._weight = X, y, weight
        self._train, self._rest = (np.zeros(y.size, bool) for _ in range(2))
        self._train[train], self._rest[rest] = True, True

    def fit(self, clf: Any) -> None:
        """Train on the rows of the other folds."""
        clf.fit(Blocks(lambda: self._blocks(self._train)))

    def log_p(self, clf: Any) -> Array:
        """ln p of the rows that are left, in the order of the table, as folds are."""
        parts = [clf.predict_log_proba(X) for X, _, _ in self._blocks(self._rest) if X.shape[0]]
        return np.concatenate(parts)

    def _blocks(self, chosen: Array) -> Iterator[tuple[Any, Array, Array]]:
        step = max(1, _SLICE // max(1, size_of(self._X) // self._X.shape[0]))
        for first in range(0, self._X.shape[0], step):
            rows = slice(first, first + step)
            among = np.flatnonzero(chosen[rows])
            yield read_rows(self._X, rows)[among], self._y[rows][among], self._weight[rows][among]
            forget_pages(self._X, rows)


def _loss(log_p: Array, classes: Array, y: Array, weight: Array) -> float:
    """Mean log loss of the rows whose class the model knows."""
    known = np.isin(y, classes) & (weight > 0)
    places = np.searchsorted(classes, y[known])
    own = log_p[known, places]
    return float(-np.average(own, weights=weight[known])) if own.size else math.inf


def _model(clf: Any, present: Array, K: int) -> FoldModel:
    W, b = clf.parameters_
    whole, bias = np.zeros((K, W.shape[1])), np.full(K, -np.inf)
    whole[present], bias[present] = W, b
    return FoldModel(whole, bias)
