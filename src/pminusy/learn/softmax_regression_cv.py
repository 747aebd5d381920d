"""Softmax regression with C (and the share of L1) chosen by cross-validation.

For each fold the values of C are solved in ascending order, each from where the solutions before it
point (`learn.path`): strongly penalised problems are easy, and near each other. A fold is a set of
sample weights, 0 where rows are held out, so X is never copied, and its coordinates are worked out
once.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from numbers import Integral
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import get_scorer
from sklearn.model_selection import check_cv
from sklearn.utils.validation import check_is_fitted

from pminusy.errors import InputError
from pminusy.learn.coordinates import Coordinates
from pminusy.learn.fitting import Fit
from pminusy.learn.inference import Summary
from pminusy.learn.linear_classifier import LinearClassifier, is_sparse
from pminusy.learn.objective import choose_coordinates
from pminusy.learn.outcome import cross_validation_warnings
from pminusy.learn.path import Path
from pminusy.learn.problem import Penalty, require_number
from pminusy.learn.softmax_regression import SoftmaxRegression
from pminusy.learn.solvers.solution import Progress, ProgressCallback
from pminusy.learn.sources import ArraySource

__all__ = ["PathPoint", "SoftmaxRegressionCV"]

Array = NDArray[Any]

_SEARCH = 0.75  # share of the time limit for the folds; the rest is for all rows


class PathPoint(NamedTuple):
    """One value of C (and ρ) on the path: what a plot of score and coefficients needs."""

    C: float
    l1_ratio: float
    mean_score: float
    standard_error: float  # of the mean over folds
    norm: float  # ‖W‖₂, averaged over folds
    nonzero: float  # share of the weights that is not 0
    largest: tuple[float, ...]  # per class, the largest |weight|


class SoftmaxRegressionCV(LinearClassifier):
    """`SoftmaxRegression` that chooses C, as scikit-learn's `LogisticRegressionCV` does.

    Parameters
    ----------
    Cs
        Values of C, or how many from 1e-4 to 1e4, evenly spaced in ln C.
    l1_ratios
        Shares of L1 to try.
    cv
        Number of stratified folds, a splitter, or pairs of (train, test) indices.
    scoring
        Name of a score or a scorer; None for accuracy.
    refit
        Whether to fit all rows with the best C; otherwise parameters are the mean over folds at it.
    others
        As in `SoftmaxRegression`; a `Progress` says which of how many problems it is of, and
        `verbose` above 0 shows a progress bar. `time_limit` is of everything together.

    Attributes
    ----------
    C_, l1_ratio_
        The best; on a tie the stronger penalty.
    Cs_, l1_ratios_
        All, ascending.
    scores_
        (folds, l1_ratios, Cs).
    path_
        A `PathPoint` for each pair.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> bool(SoftmaxRegressionCV(Cs=[0.01, 1.0, 100.0]).fit(X, y).C_ >= 1.0)
    True
    """

    def __init__(
        self,
        Cs: int | Sequence[float] = 10,
        *,
        l1_ratios: Sequence[float] = (0.0,),
        cv: Any = 5,
        scoring: Any = None,
        refit: bool = True,
        fit_intercept: bool = True,
        class_weight: Any = None,
        label_smoothing: float = 0.0,
        solver: str = "auto",
        tol: float = 1e-6,
        gap: float | None = None,
        max_iter: int = 1000,
        time_limit: float | None = None,
        workspace: int = 64 << 20,
        keep_interrupted: bool = False,
        progress: ProgressCallback | None = None,
        verbose: int = 0,
    ) -> None:
        self.Cs = Cs
        self.l1_ratios = l1_ratios
        self.cv = cv
        self.scoring = scoring
        self.refit = refit
        self.fit_intercept = fit_intercept
        self.class_weight = class_weight
        self.label_smoothing = label_smoothing
        self.solver = solver
        self.tol = tol
        self.gap = gap
        self.max_iter = max_iter
        self.time_limit = time_limit
        self.workspace = workspace
        self.keep_interrupted = keep_interrupted
        self.progress = progress
        self.verbose = verbose

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Solve all folds and values, choose, and fit all rows."""
        self.Cs_, self.l1_ratios_ = _values(self.Cs), _ratios(self.l1_ratios)
        model = self._model(float(self.Cs_[0]), float(self.l1_ratios_.max()))
        model._check_parameters()
        if np.asarray(y).ndim == 2 and np.asarray(y).shape[1] > 1:
            raise InputError("y", "labels (N,) for cross-validation", "soft targets")
        source = model._source(X, y, sample_weight)
        labels = np.asarray(y).ravel()
        rows = _indexable(X)
        folds = list(check_cv(self.cv, labels, classifier=True).split(rows, labels))
        coordinates = choose_coordinates(source, fit_intercept=self.fit_intercept)
        search = _Search((len(folds), len(self.l1_ratios_), len(self.Cs_)), source.classes)
        deadline = model._deadline()
        try:
            for at, fit in self._visits(model, folds, source, coordinates, deadline):
                W, b = coordinates.to_parameters(fit.vector)
                model._set_parameters(W, b)
                separable = math.isinf(model.C) and model._separates(
                    _only(source, folds[at[0]][0]), coordinates
                )
                score = self._score(model, rows, labels, folds[at[0]][1], sample_weight)
                search.add(at, fit, score, W, model.coef_, separable=separable)
                if fit.end == "interrupt":
                    break
        except KeyboardInterrupt:  # between two fits
            if not (self.keep_interrupted and search.scored.any()):
                raise
            search.interrupted = True
        self.scores_ = search.scores
        r, c = search.best()
        self.C_, self.l1_ratio_ = float(self.Cs_[c]), float(self.l1_ratios_[r])
        self.path_ = self._path(search)
        problems = self.scores_.size + 1
        final = self._model(self.C_, self.l1_ratio_, problems - 1, problems)
        for name, value in fitted_attributes(model):
            setattr(final, name, value)
        if self.refit:
            self._refit(final, source, coordinates, search.vectors[r, c], search, deadline)
        else:
            vectors = search.of_folds[r, c]
            average = np.mean(vectors, axis=0)
            final._set_parameters(*coordinates.to_parameters(average))
            final.converged_ = bool(search.reached[:, r, c].all())
            final.warnings_ = search.warnings()
        for name, value in fitted_attributes(final):
            setattr(self, name, value)
        final._warn()
        return self

    def _refit(
        self,
        final: SoftmaxRegression,
        source: ArraySource,
        coordinates: Coordinates,
        start: Array,
        search: _Search,
        deadline: float,
    ) -> None:
        """Fit all rows with what was chosen; after an interrupt, take them as they are."""
        penalty = Penalty(1.0 - self.l1_ratio_, self.l1_ratio_)
        if search.interrupted:
            final.max_iter = 0
        fit = final._solve(source.merged(), coordinates, self.C_, penalty, start, deadline=deadline)
        if search.interrupted and not fit.certificate.reached:
            fit = fit._replace(end="interrupt")
        final._set(fit, coordinates)
        separable = math.isinf(self.C_) and final._separates(source, coordinates)
        final._conclude(fit, coordinates, separable=separable, before=search.warnings())

    def summary(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        confidence: float = 0.95,
    ) -> Summary:
        """As `SoftmaxRegression.summary`, for the model that was chosen."""
        check_is_fitted(self, "coef_")
        model = self._model(self.C_, self.l1_ratio_)
        for name, value in fitted_attributes(self):
            setattr(model, name, value)
        return model.summary(X, y, sample_weight, confidence=confidence)

    def _model(
        self, C: float, l1_ratio: float, problem: int = 0, problems: int = 1
    ) -> SoftmaxRegression:
        report, progress = self.progress, None
        if report is not None:

            def progress(at: Progress) -> None:
                report(at._replace(problem=problem, problems=problems))

        return SoftmaxRegression(
            C,
            l1_ratio=l1_ratio,
            fit_intercept=self.fit_intercept,
            class_weight=self.class_weight,
            label_smoothing=self.label_smoothing,
            solver=self.solver,
            tol=self.tol,
            gap=self.gap,
            max_iter=self.max_iter,
            time_limit=self.time_limit,
            workspace=self.workspace,
            keep_interrupted=self.keep_interrupted,
            progress=progress,
        )

    def _visits(
        self,
        model: SoftmaxRegression,
        folds: list[Any],
        source: ArraySource,
        coordinates: Coordinates,
        deadline: float,
    ) -> Iterator[tuple[tuple[int, int, int], Fit]]:
        """Every fold, share of L1 and C, and the fit there, until the time for them is over."""
        now = time.perf_counter()
        deadline = now + _SEARCH * (deadline - now)
        total, solved = len(folds) * len(self.l1_ratios_) * len(self.Cs_), 0
        with progress_bar(total, shown=bool(self.verbose)) as advance:
            for f, (train, _) in enumerate(folds):
                part = _only(source, train).merged()
                for r, ratio in enumerate(self.l1_ratios_):
                    vector, path = np.zeros(coordinates.size), Path(coordinates.size)
                    for c, C in enumerate(self.Cs_):
                        start = path.start(float(C)) if ratio == 0 else vector  # L1: keep the zeros
                        penalty = Penalty(1.0 - float(ratio), float(ratio))
                        model.C = float(C)
                        model.progress = self._model(1.0, 0.0, solved, total + 1).progress
                        fit = model._solve(
                            part, coordinates, float(C), penalty, start, path, deadline
                        )
                        path.add(float(C), fit.vector)
                        vector, solved = fit.vector, solved + 1
                        advance()
                        yield (f, r, c), fit
                        if fit.end == "time":
                            return

    def _score(
        self,
        model: SoftmaxRegression,
        rows: Any,
        labels: Array,
        test: Array,
        sample_weight: ArrayLike | None,
    ) -> float:
        weight = {} if sample_weight is None else {"sample_weight": np.asarray(sample_weight)[test]}
        scorer = get_scorer("accuracy" if self.scoring is None else self.scoring)
        return float(scorer(model, rows[test], labels[test], **weight))

    def _path(self, search: _Search) -> tuple[PathPoint, ...]:
        points = []
        for r, ratio in enumerate(self.l1_ratios_):
            for c, C in enumerate(self.Cs_):
                scored = search.scored[:, r, c]
                if not scored.any():
                    continue
                scores, records = search.scores[scored, r, c], search.records[scored, r, c]
                folds = scores.size
                error = float(scores.std(ddof=1 if folds > 1 else 0)) / math.sqrt(folds)
                mean, (norm, used, *largest) = float(scores.mean()), records.mean(axis=0)
                points.append(
                    PathPoint(
                        float(C), float(ratio), mean, error, float(norm), float(used),
                        tuple(float(v) for v in largest),
                    )
                )  # fmt: skip
        return tuple(points)


class _Search:
    """What the fits on the folds found, by (fold, share of L1, C)."""

    def __init__(self, shape: tuple[int, int, int], classes: int) -> None:
        self.scores = np.full(shape, np.nan)
        self.scored, self.reached, self.separable = (np.zeros(shape, bool) for _ in range(3))
        self.records = np.empty((*shape, 2 + classes))
        self.vectors: dict[tuple[int, int], Array] = {}  # of the last fold: where a refit begins
        self.of_folds: dict[tuple[int, int], list[Array]] = {}
        self.interrupted = False

    def add(
        self,
        at: tuple[int, int, int],
        fit: Fit,
        score: float,
        W: Array,
        coef: Array,
        *,
        separable: bool,
    ) -> None:
        """Note one fit."""
        self.scores[at], self.scored[at] = score, True
        self.reached[at] = fit.certificate.reached and not separable
        self.separable[at] = separable
        self.interrupted = fit.end == "interrupt"
        self.records[at] = (np.linalg.norm(coef), np.mean(coef != 0), *np.abs(W).max(axis=1))
        self.vectors[at[1:]] = fit.vector
        self.of_folds.setdefault(at[1:], []).append(fit.vector)

    def best(self) -> tuple[int, int]:
        """The pair with the best mean score; of equal ones the first, of the strongest penalty.

        Of a search that ended early, the folds that were finished decide; of the first fold, what
        was reached.
        """
        folds = int(self.scored.sum(axis=0).min())
        mean = self.scores[: max(folds, 1)].mean(axis=0)
        seen = self.scored[: max(folds, 1)].all(axis=0)
        best = np.argmax(np.where(seen, mean, -np.inf))
        r, c = np.unravel_index(best, mean.shape)
        return int(r), int(c)

    def warnings(self) -> tuple[str, ...]:
        """Sentences about fits that did not end at an optimum, or were left out."""
        unfinished = int((self.scored & ~self.reached & ~self.separable).sum())
        separable, left_out = int(self.separable.sum()), int((~self.scored).sum())
        return cross_validation_warnings(unfinished, separable, self.scored.size, left_out)


def fitted_attributes(model: Any) -> list[tuple[str, Any]]:
    """What fitting has set, by scikit-learn's convention."""
    return [(k, v) for k, v in vars(model).items() if k.endswith("_") and not k.startswith("_")]


def _only(source: ArraySource, rows: Array) -> ArraySource:
    """The same source with weight 0 for all other rows."""
    chosen = np.zeros(source.rows)
    chosen[rows] = 1.0
    return source.weighted(chosen)


def _values(Cs: Any) -> Array:
    """Values of C, ascending."""
    if not isinstance(Cs, bool) and isinstance(Cs, Integral):
        if Cs < 1:
            raise InputError("Cs", "at least 1 value", repr(Cs))
        return np.logspace(-4, 4, int(Cs))
    values = np.unique(np.asarray(Cs, np.float64))
    if values.size == 0:
        raise InputError("Cs", "at least 1 value", repr(Cs))
    for value in values:
        require_number("Cs", float(value))
    return values


def _ratios(l1_ratios: Sequence[float]) -> Array:
    """Shares of L1, ascending."""
    ratios = np.unique(np.asarray(l1_ratios, np.float64))
    if ratios.size == 0:
        raise InputError("l1_ratios", "at least 1 value", repr(l1_ratios))
    for ratio in ratios:
        require_number("l1_ratios", float(ratio), positive=False, upper=1.0)
    return ratios


def _indexable(X: Any) -> Any:
    """X such that an array of row numbers selects rows."""
    if is_sparse(X):
        return X.tocsr()
    return X if isinstance(X, np.ndarray) else np.asarray(X)


@contextmanager
def progress_bar(total: int, *, shown: bool) -> Iterator[Callable[[], None]]:
    """A bar on the terminal, or nothing."""
    if not shown:
        yield lambda: None
        return
    from rich.progress import Progress

    with Progress() as progress:
        task = progress.add_task("values of C × folds", total=total)
        yield lambda: progress.advance(task)
