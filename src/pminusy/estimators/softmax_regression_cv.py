"""Softmax regression with C (and the share of L1) chosen by cross-validation.

For each fold the values of C are solved in ascending order, each from where the solutions before it
point (`training.path`): strongly penalised problems are easy, and near each other. A fold is a set
of sample weights, 0 where rows are held out, so X is never copied, and its coordinates are worked
out once.
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import _fit_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import get_scorer
from sklearn.model_selection import check_cv
from sklearn.utils.metadata_routing import (
    UNUSED,
    MetadataRouter,
    MethodMapping,
    _raise_for_params,
)
from sklearn.utils.validation import _check_method_params, check_is_fitted

from pminusy.errors import InputError
from pminusy.estimators.callbacks import CallbackSupport, FitTask, fit_task
from pminusy.estimators.cross_validation import (
    PathPoint,
    PenaltyGrid,
    Trials,
    accuracy,
    grid_of,
    labelled_scorer,
    number_of,
    routed,
)
from pminusy.estimators.inference import Summary
from pminusy.estimators.linear_classifier import LinearClassifier
from pminusy.estimators.namespaces import Namespace, namespace_of, returned, to_numpy
from pminusy.estimators.outcome import cross_validation_warnings
from pminusy.estimators.parameters.checked import CheckedParameters
from pminusy.estimators.parameters.constraints import SOFTMAX_REGRESSION_CV
from pminusy.estimators.parameters.penalties import Penalty, PenaltyName
from pminusy.estimators.parameters.problem import has_columns
from pminusy.estimators.rows import MEMORY
from pminusy.estimators.softmax_fit import TrainingRows
from pminusy.estimators.softmax_regression import SoftmaxRegression
from pminusy.estimators.streams.blocks import Blocks
from pminusy.estimators.streams.scoring import ModelOfRows, require_scorer_of_predictions
from pminusy.training.coordinates import Coordinates
from pminusy.training.fitting import Fit
from pminusy.training.path import Path
from pminusy.training.scaling import choose_coordinates
from pminusy.training.solvers.solution import Progress, ProgressCallback
from pminusy.training.sources.arrays import ArraySource
from pminusy.training.sources.blocks import BlockSource

__all__ = ["PathPoint", "SoftmaxRegressionCV"]

Array = NDArray[Any]

_SEARCH = 0.75  # share of the time limit for the folds; the rest is for all rows


class SoftmaxRegressionCV(CheckedParameters, PenaltyName, CallbackSupport, LinearClassifier):
    """`SoftmaxRegression` that chooses C, as scikit-learn's `LogisticRegressionCV` does.

    Parameters
    ----------
    Cs
        Values of C, or how many from 1e-4 to 1e4, evenly spaced in ln C.
    l1_ratios
        Shares of L1 to try; None for (0.0,).
    cv
        Number of stratified folds, a splitter, or pairs of (train, test) indices.
    scoring
        Name of a score or a scorer; None for accuracy. Scorers that take `labels` or `pos_label`
        get all labels of y, and the second of two.
    refit
        Whether to fit all rows with the best C; otherwise parameters, `C_` and `l1_ratio_` are
        means over the folds of what was best in each.
    use_legacy_attributes
        Whether `C_`, `l1_ratio_`, `scores_`, `coefs_paths_` and `n_iter_` have the shapes that they
        had in scikit-learn before 1.10: arrays, and dicts by class.
    store_coefs_paths
        Whether to keep `coefs_paths_`.
    penalty
        Older name of the penalty, which then counts: "l1", "l2", or "elasticnet" with `l1_ratios`.
    dual, intercept_scaling, n_jobs, random_state
        Accepted so that code for `LogisticRegressionCV` runs: `dual=True` is refused; the others
        change nothing here.
    others
        As in `SoftmaxRegression`; a `Progress` says which of how many problems it is of, and
        `verbose` above 0 shows a progress bar.

    Attributes
    ----------
    C_, l1_ratio_
        The best; on a tie the first as given, of C before the share.
    Cs_, l1_ratios_
        All, as given.
    scores_
        (folds, l1_ratios, Cs). A fold without a score (NaN) does not count.
    coefs_paths_
        (folds, l1_ratios, Cs, K, D + 1), the intercept last; one row for two classes, D without
        intercept.
    n_iter_
        (folds, l1_ratios, Cs).
    path_
        A `PathPoint` for each pair, ascending.
    others
        Those of `SoftmaxRegression` for the final fit.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> bool(SoftmaxRegressionCV(Cs=[0.01, 1.0, 100.0]).fit(X, y).C_ >= 1.0)
    True
    """

    _parameter_constraints = SOFTMAX_REGRESSION_CV
    # `score` hands the weights to the scorer and uses none itself
    __metadata_request__score = {"sample_weight": UNUSED}  # noqa: RUF012

    def __init__(
        self,
        Cs: int | Sequence[float] = 10,
        *,
        l1_ratios: Sequence[float] | None = None,
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
        memory: int = MEMORY,
        keep_interrupted: bool = False,
        progress: ProgressCallback | None = None,
        penalty: Any = "deprecated",
        dual: bool = False,
        intercept_scaling: float = 1.0,
        n_jobs: int | None = None,
        random_state: Any = None,
        use_legacy_attributes: bool = False,
        store_coefs_paths: bool = True,
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
        self.memory = memory
        self.keep_interrupted = keep_interrupted
        self.progress = progress
        self.penalty = penalty
        self.dual = dual
        self.intercept_scaling = intercept_scaling
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.use_legacy_attributes = use_legacy_attributes
        self.store_coefs_paths = store_coefs_paths
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def fit(
        self,
        X: ArrayLike | Blocks,
        y: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        **params: Any,
    ) -> Self:
        """Solve all folds and values, choose, and fit all rows.

        X may also be `Blocks`, or an array that is read by slices, as in `SoftmaxRegression.fit`;
        of rows that `memory` does not hold, labels, weights and folds are in memory all the same.

        `params` are metadata for the splitter (`groups`) and the scorer, where scikit-learn's
        metadata routing is on.
        """
        _raise_for_params(params, self, "fit")
        grid = self._check_parameters()
        if hasattr(self, "coefs_paths_"):
            del self.coefs_paths_
        self._warn_of_contradictions()
        if has_columns(y):
            raise InputError("y", "labels (N,) for cross-validation", "several columns")
        space = namespace_of(X)
        model = self._model(float(grid.Cs[0]), float(grid.ratios.max()))
        rows = model._rows(X, y, sample_weight, keep_targets=True)
        if rows.source.soft:
            raise InputError("y", "labels (N,) for cross-validation", "several columns")
        if isinstance(rows.source, BlockSource) or isinstance(X, Blocks):
            sample_weight = rows.weight
        metadata = routed(self, "fit", sample_weight, params)
        splitter = check_cv(self.cv, rows.y, classifier=True)
        folds = list(splitter.split(rows.X, rows.y, **metadata["splitter"]["split"]))
        _require_training_rows(rows.source, folds)
        coordinates = choose_coordinates(rows.source, fit_intercept=self.fit_intercept)
        deadline = model._deadline()
        score_params = metadata["scorer"]["score"]
        problems = len(folds) * grid.ratios.size * grid.Cs.size
        task = fit_task(self, rows.X, rows.y, rows.weight, problems, "problem")
        trials = self._try_all(grid, rows, folds, coordinates, deadline, score_params, task)
        self._finish(model, trials, rows, coordinates, deadline, space)
        if task is not None:
            task.finish()
        for message in self.warnings_:
            warnings.warn(message, ConvergenceWarning, stacklevel=3)
        return self

    def score(
        self,
        X: ArrayLike | Blocks,
        y: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        **params: Any,
    ) -> float:
        """The score chosen by `scoring`, of a prediction for X; of `Blocks`, accuracy alone."""
        _raise_for_params(params, self, "score")
        check_is_fitted(self, "coef_")
        if isinstance(X, Blocks):
            if self.scoring not in (None, "accuracy"):
                expected = "arrays in memory, or accuracy as the score, for `score`"
                raise InputError("X", expected, f"Blocks, and scoring={self.scoring!r}")
            return super().score(X, y, sample_weight)
        metadata = routed(self, "score", sample_weight, params)
        scorer = labelled_scorer(self._get_scorer(), to_numpy(self.classes_))
        return float(scorer(self, X, y, **metadata["scorer"]["score"]))

    def get_metadata_routing(self) -> Any:
        """What is handed on to the splitter and the scorer."""
        fit_and_score = MethodMapping()
        fit_and_score.add(caller="fit", callee="score").add(caller="score", callee="score")
        router = MetadataRouter(owner=type(self).__name__).add_self_request(self)
        return router.add(
            splitter=check_cv(self.cv, classifier=True),
            method_mapping=MethodMapping().add(caller="fit", callee="split"),
        ).add(scorer=self._get_scorer(), method_mapping=fit_and_score)

    def summary(
        self,
        X: ArrayLike | Blocks,
        y: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        *,
        confidence: float = 0.95,
    ) -> Summary:
        """As `SoftmaxRegression.summary`, for the model that was chosen."""
        check_is_fitted(self, "coef_")
        model = self._model(float(np.ravel(self.C_)[0]), float(np.ravel(self.l1_ratio_)[0]))
        copy_fitted(self, model)
        return model.summary(X, y, sample_weight, confidence=confidence)

    def _get_scorer(self) -> Any:
        return get_scorer("accuracy" if self.scoring is None else self.scoring)

    def _check_parameters(self) -> PenaltyGrid:
        penalty = vars(self)["penalty"]
        if penalty == "elasticnet" and self.l1_ratios is None:
            raise InputError(
                "l1_ratios",
                'numbers from 0 to 1 with penalty="elasticnet"',
                "None",
                "set l1_ratios",
            )
        named = {"l1": (1.0,), "l2": (0.0,)}.get(penalty) if isinstance(penalty, str) else None
        ratios = (0.0,) if self.l1_ratios is None else self.l1_ratios
        grid = grid_of(self.Cs, ratios if named is None else named)
        for C in (grid.Cs[0], grid.Cs[-1]):
            for ratio in grid.ratios:
                self._model(float(C), float(ratio))._check_parameters()
        return grid

    def _warn_of_contradictions(self) -> None:
        penalty = vars(self)["penalty"]
        if penalty not in ("l1", "l2") or self.l1_ratios is None:
            return
        warnings.warn(
            "l1_ratios parameter is only used when penalty is 'elasticnet'. "
            f"Got (penalty={penalty}) with l1_ratios={self.l1_ratios!r}",
            UserWarning,
            stacklevel=4,
        )

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
            memory=self.memory,
            keep_interrupted=self.keep_interrupted,
            progress=progress,
            dual=self.dual,
            intercept_scaling=self.intercept_scaling,
            random_state=self.random_state,
        )

    def _try_all(
        self,
        grid: PenaltyGrid,
        rows: TrainingRows,
        folds: list[Any],
        coordinates: Coordinates,
        deadline: float,
        score_params: dict[str, Any],
        task: FitTask | None,
    ) -> Trials:
        """Every fold and pair of values, or as many as there is time for."""
        K, D = rows.source.classes, rows.source.features
        scored = self._scored_model(rows)
        scorer = labelled_scorer(self._get_scorer(), scored.classes_)
        if isinstance(rows.source, BlockSource):
            require_scorer_of_predictions(scorer)
        kept = (
            (1 if K == 2 else K, D + bool(self.fit_intercept)) if self.store_coefs_paths else None
        )
        trials = Trials(len(folds), grid, K, kept, rows.dtype)
        try:
            for at, fit in self._visits(scored, grid, folds, rows, coordinates, deadline):
                scored._set_parameters(*coordinates.to_parameters(fit.vector), rows.dtype)
                scored.C, scored.l1_ratio = float(grid.Cs[at[2]]), float(grid.ratios[at[1]])
                train, test = folds[at[0]]
                separable = math.isinf(scored.C) and scored._separates(
                    _only(rows.source, train), coordinates
                )
                score = self._score_of(scorer, scored, rows, test, score_params)
                trials.add(at, fit, scored, score, separable=separable)
                if task is not None:
                    task.advance(None)
                if fit.end == "interrupt":
                    break
        except KeyboardInterrupt:  # between two fits
            if not (self.keep_interrupted and trials.scored.any()):
                raise
            trials.interrupted = True
        return trials

    def _score_of(
        self,
        scorer: Any,
        scored: SoftmaxRegression,
        rows: TrainingRows,
        test: Any,
        params: dict[str, Any],
    ) -> float:
        """The score of the rows held out."""
        own = _check_method_params(rows.X, params=params, indices=test)
        if isinstance(rows.source, BlockSource):
            test = np.arange(rows.source.rows)[test]
            order = np.argsort(test)
            own = {name: _in_order(value, order) for name, value in own.items()}
            model = ModelOfRows(scored, rows.source)
            return number_of(scorer(model, test[order], rows.y[test[order]], **own))
        if self.scoring in (None, "accuracy") and own.keys() <= {"sample_weight"}:
            return accuracy(rows.y[test], scored._labels(rows.X[test]), **own)
        return number_of(scorer(scored, rows.X[test], rows.y[test], **own))

    def _scored_model(self, rows: TrainingRows) -> SoftmaxRegression:
        """What scorers are given, with NumPy's arrays and without names of features."""
        scored = self._model(1.0, 0.0)
        scored.classes_ = np.unique(rows.y)
        scored.n_features_in_ = rows.source.features
        return scored

    def _visits(
        self,
        model: SoftmaxRegression,
        grid: PenaltyGrid,
        folds: list[Any],
        rows: TrainingRows,
        coordinates: Coordinates,
        deadline: float,
    ) -> Iterator[tuple[tuple[int, int, int], Fit]]:
        """Every fold, share of L1 and C, and the fit there, until the time for them is over."""
        now = time.perf_counter()
        deadline = now + _SEARCH * (deadline - now)
        total, solved = len(folds) * grid.ratios.size * grid.Cs.size, 0
        with progress_bar(total, shown=bool(self.verbose)) as advance:
            for f, (train, _) in enumerate(folds):
                part = _only(rows.source, train).merged()
                for r, ratio in enumerate(grid.ratios):
                    vector, path = np.zeros(coordinates.size), Path(coordinates.size)
                    for c, C in enumerate(grid.Cs):
                        start = path.start(float(C)) if ratio == 0 else vector  # L1: keep the zeros
                        penalty = Penalty(1.0 - float(ratio), float(ratio))
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

    def _finish(
        self,
        model: SoftmaxRegression,
        trials: Trials,
        rows: TrainingRows,
        coordinates: Coordinates,
        deadline: float,
        space: Namespace | None,
    ) -> None:
        """The final fit and all attributes."""
        problems, grid = trials.scores.size + 1, trials.grid
        if self.refit:
            r, c = trials.best()
            C, ratio = float(grid.Cs[c]), float(grid.ratios[r])
        else:
            best = trials.best_of_folds()
            C, ratio = float(best.Cs.mean()), float(best.ratios.mean())
        final = self._model(C, ratio, problems - 1, problems)
        copy_fitted(model, final)
        if self.refit:
            start = trials.vectors[r, c]
            self._refit(final, trials, rows, coordinates, start, deadline, space)
        else:
            W, b = coordinates.to_parameters(best.vector)
            final._set_parameters(W, b, rows.dtype, space)
            final.converged_ = best.reached
            final.warnings_ = self._about(trials)
        copy_fitted(final, self)
        self._set_results(trials, C, ratio)
        for name in ("Cs_", "l1_ratios_", "scores_", "coefs_paths_", "n_iter_"):
            if hasattr(self, name):
                setattr(self, name, _all_returned(getattr(self, name), space))

    def _refit(
        self,
        final: SoftmaxRegression,
        trials: Trials,
        rows: TrainingRows,
        coordinates: Coordinates,
        start: Array,
        deadline: float,
        space: Namespace | None,
    ) -> None:
        """Fit all rows with what was chosen; after an interrupt, take them as they are."""
        C, ratio = final.C, float(final.l1_ratio or 0.0)
        if trials.interrupted:
            final.max_iter = 0
        penalty = Penalty(1.0 - ratio, ratio)
        source = rows.source
        fit = final._solve(source.merged(), coordinates, C, penalty, start, deadline=deadline)
        if trials.interrupted:  # the choice of C was, even where these parameters are an optimum
            fit = fit._replace(end="interrupt")
        final._set(fit, coordinates, rows.dtype, space)
        separable = math.isinf(C) and final._separates(source, coordinates)
        final._conclude(fit, coordinates, separable=separable, before=self._about(trials))

    def _about(self, trials: Trials) -> tuple[str, ...]:
        """Sentences about fits that did not end at an optimum, or were left out."""
        return cross_validation_warnings(
            trials.unfinished, int(trials.separable.sum()), trials.scores.size, trials.left_out
        )

    def _set_results(self, trials: Trials, C: float, ratio: float) -> None:
        grid = trials.grid
        self.path_ = trials.path()
        self.Cs_, self.l1_ratios_ = grid.given_Cs, grid.given_ratios
        self.C_: Any = C  # arrays and dicts in legacy attributes
        self.l1_ratio_: Any = ratio
        self.scores_: Any = grid.as_given(trials.scores)
        self.n_iter_ = grid.as_given(trials.iterations)
        if trials.coefs is not None:
            self.coefs_paths_: Any = grid.as_given(trials.coefs)
        if self.use_legacy_attributes:
            self._to_legacy_attributes()

    def _to_legacy_attributes(self) -> None:
        """By class: (folds, Cs, ratios, …), without the ratios where `l1_ratios` is None."""
        classes = to_numpy(self.classes_).tolist()
        classes = classes[1:] if len(classes) == 2 else classes
        self.C_ = np.full(len(classes), self.C_)
        self.l1_ratio_ = np.full(len(classes), self.l1_ratio_)
        scores, iterations = self.scores_.swapaxes(1, 2), self.n_iter_.swapaxes(1, 2)[None]
        squeezed = self.l1_ratios is None
        scores = scores[:, :, 0] if squeezed else scores
        self.n_iter_ = iterations[..., 0] if squeezed else iterations
        self.scores_ = dict.fromkeys(classes, scores)
        if self.store_coefs_paths:
            paths = self.coefs_paths_.swapaxes(1, 2)
            paths = paths[:, :, 0] if squeezed else paths
            self.coefs_paths_ = {label: paths[..., k, :] for k, label in enumerate(classes)}


def _all_returned(value: Any, space: Namespace | None) -> Any:
    if isinstance(value, dict):
        return {label: returned(array, space) for label, array in value.items()}
    return returned(value, space)


def _in_order(value: Any, order: Array) -> Any:
    """Metadata of rows in another order; anything else as it is."""
    return (
        value[order] if isinstance(value, np.ndarray) and value.shape[:1] == order.shape else value
    )


def _only(source: ArraySource | BlockSource, train: Any) -> ArraySource | BlockSource:
    """The same source, each row counted as often as it is trained on."""
    chosen, train = np.zeros(source.rows), np.asarray(train)
    rows = np.flatnonzero(train) if train.dtype == bool else train.astype(np.intp, copy=False)
    np.add.at(chosen, rows, 1.0)
    return source.weighted(chosen)


def _require_training_rows(source: ArraySource | BlockSource, folds: list[Any]) -> None:
    """Refuse folds without rows that count."""
    if not folds:
        raise InputError("cv", "at least one pair of (train, test) indices", "none")
    for number, (train, _) in enumerate(folds):
        if not (len(train) and _only(source, train).total_mass > 0):
            got = f"none in fold {number}, or only rows of weight 0"
            raise InputError("cv", "training rows in every fold", got)


def copy_fitted(source: Any, target: Any) -> None:
    """Copy what fitting has set, by scikit-learn's convention."""
    for name, value in vars(source).items():
        if name.endswith("_") and not name.startswith("_"):
            setattr(target, name, value)


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
