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
from pminusy.estimators.rows import MEMORY
from pminusy.estimators.softmax_regression import SoftmaxRegression
from pminusy.estimators.streams.blocks import Blocks, is_lazy, read_rows, size_of
from pminusy.estimators.streams.pages import forget_pages
from pminusy.ops.probabilities import softmax

__all__ = ["FoldModel", "OutOfFold", "judged_blocks", "out_of_fold"]

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
        Probabilities (N, K); NaN for a row whose class no other fold has. None where they are not
        kept.
    fold
        Which model (N,) judged each row.
    models
        One a fold.
    C
        Inverse strength of the penalty.
    converged
        Whether all fits are at their optimum.
    """

    p: Any
    fold: NDArray[np.int32]
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
    memory: int = MEMORY,
    keep: bool = True,
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
    memory
        Bytes that the rows of a fit may take, of what is read by slices.
    keep
        Whether to keep the probabilities; `judged_blocks` makes them again.

    Raises
    ------
    InputError
        Fewer rows, or groups, than folds; fewer than 2 folds; a seed that is none; a fold beside
        which there is one class alone.
    """
    fold = _folds(y, folds, seed, groups)
    weight = np.broadcast_to(1.0, y.shape) if sample_weight is None else sample_weight
    models, converged = [], True
    clf = SoftmaxRegression(warm_start=True, memory=memory)
    for f in range(folds):
        _require_classes(y, fold, f)
        part: _Held | _Read = (_Read if is_lazy(X) else _Held)(X, y, weight, fold, f)
        part.small = K * (X.shape[1] + 1) <= _MANY
        clf = _chosen(part, clf) if C is None else _fitted(part, clf, C)
        C = float(clf.C)
        models.append(_model(clf, K))
        converged &= clf.converged_
    assert C is not None
    judged = OutOfFold(None, fold, tuple(models), C, converged)
    if not keep:
        return judged
    p = np.empty((y.size, K))
    for rows, found in judged_blocks(X, y, judged):
        p[rows] = found
    return judged._replace(p=p)


def _require_classes(y: Array, fold: Array, f: int) -> None:
    if np.count_nonzero(np.bincount(y[fold != f])) < 2:
        expected = "rows of at least two classes beside those of any fold"
        got = f"one class beside fold {f + 1} of {fold.max() + 1}"
        raise InputError("folds", expected, got, "more rows of the rare class are needed")


def judged_blocks(
    X: Any, y: Array, judged: OutOfFold
) -> Iterator[tuple[slice, NDArray[np.float64]]]:
    """Probabilities (n, K) of some rows after others, each by the model of its fold."""
    known = [np.isfinite(model.b) for model in judged.models]
    K = known[0].size
    step = max(1, min(_step(X), _SLICE // (8 * K)))
    for first in range(0, X.shape[0], step):
        rows = slice(first, first + step)
        here, fold = read_rows(X, rows), judged.fold[rows]
        p = np.zeros((fold.size, K))
        for f in np.unique(fold):
            model, among = judged.models[f], np.flatnonzero(fold == f)
            z = here[among].astype(np.float64) @ model.W[known[f]].T + model.b[known[f]]
            p[np.ix_(among, known[f])] = softmax(z)
            p[among[~known[f][y[rows][among]]]] = np.nan
        yield rows, p
        forget_pages(X, rows)


def _step(X: Any) -> int:
    """Rows that are read at once."""
    return max(1, _SLICE // max(1, size_of(X) // int(X.shape[0])))


def _folds(y: Array, folds: int, seed: int, groups: Array | None) -> NDArray[np.int32]:
    """Which fold (N,) each row is in, with the classes in equal shares."""
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
    fold = np.empty(y.size, np.int32)
    rows = np.broadcast_to(0.0, (y.size, 1))
    with warnings.catch_warnings():
        # said of classes with fewer rows than folds, which the caller says in our words
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        for f, (_, rest) in enumerate(splitter.split(rows, y, groups)):
            fold[rest] = f
    return fold


def _fitted(part: _Held | _Read, start: Any, C: float) -> Any:
    """A model that begins at the weights of another; which is left as it is."""
    clf = copy.copy(start).set_params(C=C, gap=None if part.small or math.isinf(C) else NEAR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # `converged` says it
        part.fit(clf)
    return clf


def _chosen(part: _Held | _Read, start: Any) -> Any:
    """The model of the best C."""
    models: dict[float, Any] = {}

    def loss(C: float) -> float:
        before = min(models, key=lambda tried: abs(math.log(tried / C)), default=None)
        models[C] = _fitted(part, start if before is None else models[before], C)
        return part.loss(models[C])

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

    def __init__(self, X: Any, y: Array, weight: Array, fold: Array, f: int) -> None:
        train, rest = np.flatnonzero(fold != f), np.flatnonzero(fold == f)
        self._train, self._rest = (
            (X[rows], y[rows], weight[rows]) for rows in (train, rest)
        )  # fmt: skip

    def fit(self, clf: Any) -> None:
        """Train on the rows of the other folds."""
        X, y, weight = self._train
        clf.fit(X, y, sample_weight=weight)

    def loss(self, clf: Any) -> float:
        """Mean log loss of the rows that are left, whose class the model knows."""
        return _mean(*_loss(clf, *self._rest))


class _Read:
    """The same of rows that are read by slices, each visit anew."""

    small = True

    def __init__(self, X: Any, y: Array, weight: Array, fold: Array, f: int) -> None:
        self._X, self._y, self._weight = X, y, weight
        self._train = fold != f

    def fit(self, clf: Any) -> None:
        """Train on the rows of the other folds."""
        clf.fit(Blocks(lambda: self._blocks(self._train)))

    def loss(self, clf: Any) -> float:
        """Mean log loss of the rows that are left, whose class the model knows."""
        sums = [_loss(clf, *block) for block in self._blocks(~self._train) if block[1].size]
        return _mean(*np.sum(sums, axis=0)) if sums else math.inf

    def _blocks(self, chosen: Array) -> Iterator[tuple[Any, Array, Array]]:
        step = _step(self._X)
        for first in range(0, self._X.shape[0], step):
            rows = slice(first, first + step)
            among = np.flatnonzero(chosen[rows])
            yield read_rows(self._X, rows)[among], self._y[rows][among], self._weight[rows][among]
            forget_pages(self._X, rows)


def _loss(clf: Any, X: Any, y: Array, weight: Array) -> tuple[float, float]:
    """Log loss of the rows whose class the model knows, added up by weight, and their weight."""
    known = np.isin(y, clf.classes_) & (weight > 0)
    places = np.searchsorted(clf.classes_, y[known])
    own = np.asarray(clf.predict_log_proba(X))[known, places]
    return float(-(own * weight[known]).sum(dtype=np.float64)), float(weight[known].sum())


def _mean(total: float, weight: float) -> float:
    return total / weight if weight else math.inf


def _model(clf: Any, K: int) -> FoldModel:
    (W, b), present = clf.parameters_, clf.classes_
    whole, bias = np.zeros((K, W.shape[1])), np.full(K, -np.inf)
    whole[present], bias[present] = W, b
    return FoldModel(whole, bias)
