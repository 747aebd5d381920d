"""What cross-validation tries, how each trial is scored, and what is remembered of it."""

from __future__ import annotations

import inspect
import math
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import make_scorer
from sklearn.utils import Bunch
from sklearn.utils.metadata_routing import _routing_enabled, process_routing

from pminusy.errors import InputError
from pminusy.estimators.parameters.checks import require_number
from pminusy.training.fitting import Fit

__all__ = [
    "PathPoint",
    "PenaltyGrid",
    "Trials",
    "accuracy",
    "grid_of",
    "labelled_scorer",
    "number_of",
    "routed",
]

Array = NDArray[Any]


class PathPoint(NamedTuple):
    """One value of C (and ρ) on the path: what a plot of score and coefficients needs."""

    C: float
    l1_ratio: float
    mean_score: float
    standard_error: float  # of the mean over folds
    norm: float  # ‖W‖₂, averaged over folds
    nonzero: float  # share of the weights that is not 0
    largest: tuple[float, ...]  # per class, the largest |weight|


class PenaltyGrid(NamedTuple):
    """Values of C and shares of L1: as given, and ascending, each once, as they are solved."""

    given_Cs: Array
    given_ratios: Array
    Cs: Array
    ratios: Array
    C_places: Array  # where each given value is among the ascending ones
    ratio_places: Array

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of shares and of values that are solved."""
        return self.ratios.size, self.Cs.size

    def as_given(self, tried: Array) -> Array:
        """Results (folds, ratios, Cs, …) in the order of the values as given."""
        return tried[:, self.ratio_places][:, :, self.C_places]

    def rank(self, r: int, c: int) -> int:
        """Where a pair comes among the given ones: C before share, as in scikit-learn."""
        first_C = int(np.flatnonzero(self.C_places == c)[0])
        first_ratio = int(np.flatnonzero(self.ratio_places == r)[0])
        return first_C * self.given_ratios.size + first_ratio

    def best(self, scores: Array, tried: Array) -> tuple[int, int]:
        """The pair of the highest score (NaN is none), of those that were tried.

        Among equals, or without any score, the first that was given.
        """
        pairs = [at for at in np.ndindex(self.shape) if tried[at]]
        ranked = sorted(pairs, key=lambda at: self.rank(*at))
        known = [at for at in ranked if not math.isnan(scores[at])]
        r, c = max(known, key=lambda at: scores[at]) if known else ranked[0]
        return int(r), int(c)


class BestOfFolds(NamedTuple):
    """What was best in each fold."""

    vector: Array  # the mean
    Cs: Array
    ratios: Array
    reached: bool  # whether all of them converged


class Trials:
    """Scores, sizes, iterations and, if wanted, coefficients of each fold and pair of values.

    Parameters
    ----------
    folds, grid
        How many folds, and the values.
    classes
        Their number.
    coefs
        Shape (rows, D or D + 1) of the coefficients to keep; None to keep none.
    dtype
        Of those.
    """

    def __init__(
        self, folds: int, grid: PenaltyGrid, classes: int, coefs: tuple[int, int] | None, dtype: Any
    ) -> None:
        shape = (folds, *grid.shape)
        self.grid = grid
        self.scores = np.full(shape, np.nan)
        self.scored, self.reached, self.separable = (np.zeros(shape, bool) for _ in range(3))
        self.iterations = np.zeros(shape, np.int32)
        self.coefs = None if coefs is None else np.full((*shape, *coefs), np.nan, dtype)
        self.vectors: dict[tuple[int, int], Array] = {}  # of the last fold: where a refit begins
        self.interrupted = False
        self._sizes = np.zeros((*shape, 2 + classes))
        self._best: dict[int, tuple[float, int, tuple[int, int], Array]] = {}  # of each fold

    def add(
        self, at: tuple[int, int, int], fit: Fit, model: Any, score: float, *, separable: bool
    ) -> None:
        """Note one fit; `model` has its parameters."""
        self.scores[at], self.scored[at] = score, True
        self.reached[at] = fit.certificate.reached and not separable
        self.separable[at] = separable
        self.interrupted = fit.end == "interrupt"
        self.iterations[at] = fit.log.iterations
        coef = model.coef_
        largest = np.abs(model.parameters_.W).max(axis=1, initial=0.0)
        self._sizes[at] = (np.linalg.norm(coef), np.mean(coef != 0), *largest)
        if self.coefs is not None:
            self.coefs[at][:, : coef.shape[1]] = coef
            if self.coefs.shape[-1] > coef.shape[1]:
                self.coefs[at][:, -1] = model.intercept_
        fold, pair = at[0], at[1:]
        self.vectors[pair] = fit.vector
        value, rank = -math.inf if math.isnan(score) else score, self.grid.rank(*pair)
        known = self._best.get(fold)
        if known is None or (value, -rank) > (known[0], -known[1]):
            self._best[fold] = value, rank, pair, fit.vector

    @property
    def unfinished(self) -> int:
        """Fits that ended before their optimum."""
        return int((self.scored & ~self.reached & ~self.separable).sum())

    @property
    def left_out(self) -> int:
        """Fits that there was no time for."""
        return int((~self.scored).sum())

    def best(self) -> tuple[int, int]:
        """The pair with the best mean score; among equals the first that was given.

        Of a search that ended early, the folds that were finished decide; of the first fold, what
        was reached.
        """
        folds = max(int(self.scored.sum(axis=0).min()), 1)
        scores = self.scores[:folds]
        known = ~np.isnan(scores)  # a fold without a score does not count
        mean = np.where(known, scores, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
        seen = np.asarray(self.scored[:folds].all(axis=0))
        return self.grid.best(np.where(seen & known.any(axis=0), mean, np.nan), seen)

    def best_of_folds(self) -> BestOfFolds:
        """The mean of the folds' best vectors, and each fold's C and share of L1."""
        folds = sorted(self._best)
        pairs = [self._best[fold][2] for fold in folds]
        return BestOfFolds(
            np.mean([self._best[fold][3] for fold in folds], axis=0),
            np.array([self.grid.Cs[c] for _, c in pairs]),
            np.array([self.grid.ratios[r] for r, _ in pairs]),
            all(self.reached[fold, r, c] for fold, (r, c) in zip(folds, pairs, strict=True)),
        )

    def path(self) -> tuple[PathPoint, ...]:
        """A point for each share and value that has a score, ascending."""
        points = []
        for r, ratio in enumerate(self.grid.ratios):
            for c, C in enumerate(self.grid.Cs):
                scored = self.scored[:, r, c]
                if not scored.any():
                    continue
                known = self.scores[scored & ~np.isnan(self.scores[:, r, c]), r, c]
                scores, folds = known if known.size else np.array([np.nan]), max(known.size, 1)
                error = float(scores.std(ddof=1 if folds > 1 else 0)) / math.sqrt(folds)
                mean = float(scores.mean())
                norm, used, *largest = self._sizes[scored, r, c].mean(axis=0)
                points.append(
                    PathPoint(
                        float(C), float(ratio), mean, error, float(norm), float(used),
                        tuple(float(v) for v in largest),
                    )
                )  # fmt: skip
        return tuple(points)


def grid_of(Cs: Any, l1_ratios: Sequence[float]) -> PenaltyGrid:
    """What to try."""
    values, ratios = _values(Cs), _ratios(l1_ratios)
    ascending, C_places = np.unique(values, return_inverse=True)
    ascending_ratios, ratio_places = np.unique(ratios, return_inverse=True)
    return PenaltyGrid(values, ratios, ascending, ascending_ratios, C_places, ratio_places)


def _values(Cs: Any) -> Array:
    """Values of C."""
    if not isinstance(Cs, bool) and isinstance(Cs, Integral):
        if Cs < 1:
            raise InputError("Cs", "at least 1 value", repr(Cs))
        return np.logspace(-4, 4, int(Cs))
    return _numbers("Cs", Cs, positive=True)


def _ratios(l1_ratios: Any) -> Array:
    """Shares of L1."""
    return _numbers("l1_ratios", l1_ratios, positive=False, upper=1.0)


def _numbers(name: str, given: Any, *, positive: bool, upper: float = math.inf) -> Array:
    if isinstance(given, str | bytes) or not np.iterable(given):
        raise InputError(name, "a list of numbers", repr(given))
    listed = list(given)
    if not listed:
        raise InputError(name, "at least 1 value", repr(given))
    for value in listed:
        require_number(name, value, positive=positive, upper=upper)
    return np.array(listed, np.float64)


def accuracy(y: Array, predicted: Array, sample_weight: Any = None) -> float:
    """Share of the rows, or of their weight, that is predicted right: scikit-learn's number.

    Its scorer takes longer than a small fit: it finds out anew what kind of labels there are.
    """
    return float(np.average(y == predicted, weights=sample_weight))


def number_of(score: Any) -> float:
    """What a scorer returns; NaN where it has no score."""
    if np.ndim(score) == 0 and isinstance(score, Real | np.number):
        return float(score)
    got = repr(score)[:60]
    raise InputError("scoring", "a scorer that returns a number", got)


def labelled_scorer(scorer: Any, classes: Array) -> Any:
    """A scorer told of all labels, which need not all occur in the rows that it scores.

    Of two labels the second is the positive one. What the scorer was made with counts.
    """
    function = getattr(scorer, "_score_func", None)
    if function is None:
        return scorer
    takes = inspect.signature(function).parameters
    made_with = dict(getattr(scorer, "_kwargs", {}))
    known: dict[str, Any] = {}
    if "labels" in takes:
        known["labels"] = classes
    if "pos_label" in takes and len(classes) == 2:
        default = takes["pos_label"].default
        if "labels" in takes or default not in classes.tolist():
            known["pos_label"] = classes[-1]
    if not known.keys() - made_with.keys():
        return scorer
    return make_scorer(
        function,
        greater_is_better=scorer._sign == 1,
        response_method=scorer._response_method,
        **(known | made_with),
    )


def routed(owner: Any, method: str, sample_weight: Any, params: dict[str, Any]) -> Any:
    """What the splitter and the scorer are given besides X and y.

    With metadata routing, what each has asked for. Otherwise the scorer is given the weights, and
    says so if it takes none.
    """
    weight = {} if sample_weight is None else {"sample_weight": sample_weight}
    if _routing_enabled():
        return process_routing(owner, method, **weight, **params)
    return Bunch(splitter=Bunch(split={}), scorer=Bunch(score={**params, **weight}))
