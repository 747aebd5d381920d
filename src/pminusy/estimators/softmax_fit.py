"""Softmax regression on rows that are checked, without scikit-learn.

`SoftmaxFit` is what a fit does. `SoftmaxRegression` puts scikit-learn's interface around it,
`PlainRegression` does without: importing scikit-learn takes longer than to fit a small table.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from pminusy.estimators.checkpoint import FitCheckpoint, identity_of, sums_of
from pminusy.estimators.namespaces import Namespace, returned, to_numpy
from pminusy.estimators.outcome import fit_warnings
from pminusy.estimators.parameters.penalties import Penalty, penalty_of
from pminusy.estimators.parameters.problem import (
    as_source,
    class_indices,
    resolve_solver,
    target_mass,
)
from pminusy.estimators.rows import MEMORY, is_sparse
from pminusy.training.checkpoints import SECONDS, Checkpoint
from pminusy.training.coordinates import Coordinates
from pminusy.training.fitting import Fit, choose_solver, minimise
from pminusy.training.objective import WORKSPACE, Objective
from pminusy.training.path import Path
from pminusy.training.scaling import choose_coordinates
from pminusy.training.separation import LARGEST, separable
from pminusy.training.solvers.solution import (
    Progress,
    ProgressCallback,
    StoppingCriterion,
    TrainingLog,
)
from pminusy.training.sources.arrays import ArraySource

if TYPE_CHECKING:
    from pminusy.estimators.callbacks import FitTask
    from pminusy.estimators.softmax_regression import SoftmaxRegression
    from pminusy.training.sources.blocks import BlockSource
    from pminusy.training.sources.protocol import Source

__all__ = ["Parameters", "PlainRegression", "SoftmaxFit", "TrainingRows", "fitted_parameters"]

Array = NDArray[Any]
_WORK = 8  # share of `memory` for logits, where rows are read anew
_SURE = 4.0  # nats between logits of a row: where weights have no end, some are beyond


class Parameters(NamedTuple):
    """Weights (K, D) and bias (K,), one row a class."""

    W: Array
    b: Array


class TrainingRows(NamedTuple):
    """Checked rows of a fit."""

    X: Any  # (N, D), NumPy's or CSR; as it was given where it is not in memory
    y: Any  # labels (N,) or soft targets (N, K); likewise
    weight: Any
    source: ArraySource | BlockSource

    @property
    def dtype(self) -> Any:
        """Of the parameters: float32 where X is."""
        return np.float32 if self.source.dtype == np.float32 else np.float64


class SoftmaxFit:
    """A fit from checked rows to its attributes, those of `SoftmaxRegression`."""

    l1_ratio: float | None
    fit_intercept: bool
    class_weight: Any
    label_smoothing: float
    solver: str
    tol: float
    gap: float | None
    max_iter: int
    time_limit: float | None
    warm_start: bool
    workspace: int
    memory: int
    keep_interrupted: bool
    progress: ProgressCallback | None
    checkpoint: Any = None  # these of `SoftmaxRegression`
    checkpoint_seconds: float = SECONDS
    restart = False
    table_: Mapping[str, str] | None = None  # what a checkpoint says of a table, and rows do not
    classes_: Any
    coef_: Any
    intercept_: Any
    parameters_: Parameters
    _compiler = True  # whether small problems may load it

    def _fit_rows(
        self,
        rows: TrainingRows,
        C: float,
        penalty: Penalty,
        deadline: float,
        task: FitTask | None = None,
        space: Namespace | None = None,
    ) -> None:
        source = rows.source
        coordinates = choose_coordinates(source, fit_intercept=self.fit_intercept)
        checkpoint = self._checkpoint(source, coordinates, C, penalty)
        kept = None if checkpoint is None else checkpoint.parameters()
        start = self._start(coordinates) if kept is None else coordinates.from_parameters(*kept)
        merged = source.merged()
        fit = self._solve(
            merged, coordinates, C, penalty, start, None, deadline, task, dtype=rows.dtype,
            checkpoint=checkpoint,
        )  # fmt: skip
        self._set(fit, coordinates, rows.dtype, space)
        before: tuple[str, ...] = ()
        if checkpoint is not None:
            checkpoint.note(*coordinates.to_parameters(fit.vector), last=True)
            before = (f"no checkpoint: {checkpoint.failure}",) if checkpoint.failure else ()
        separable = math.isinf(C) and self._separates(source, coordinates)
        self._conclude(fit, coordinates, separable=separable, before=before)

    def _checkpoint(
        self, source: Source, coordinates: Coordinates, C: float, penalty: Penalty
    ) -> FitCheckpoint | None:
        if self.checkpoint is None:
            return None
        identity = identity_of(
            source, to_numpy(self.classes_).tolist(), C=float(C), penalty=tuple(penalty),
            fit_intercept=bool(self.fit_intercept), class_weight=self.class_weight,
            label_smoothing=float(self.label_smoothing),
        ) | dict(self.table_ or {})  # fmt: skip
        seconds, restart = float(self.checkpoint_seconds), bool(self.restart)
        file = Checkpoint(self.checkpoint, identity, seconds=seconds, restart=restart)
        return FitCheckpoint(file, sums_of(self._objective(source, coordinates, C, penalty)))

    def _deadline(self) -> float:
        """When `time_limit` ends, on the clock of `time.perf_counter`."""
        limit = math.inf if self.time_limit is None else float(self.time_limit)
        return time.perf_counter() + limit

    def _solve(
        self,
        source: Source,
        coordinates: Coordinates,
        C: float,
        penalty: Penalty,
        start: Array,
        path: Path | None = None,
        deadline: float = math.inf,
        task: FitTask | None = None,
        dtype: Any = np.float64,
        checkpoint: FitCheckpoint | None = None,
    ) -> Fit:
        """Minimise over a source, from a vector in some coordinates, along a path if given."""
        one_row = source.classes == 2 and penalty.lasso > 0 and not math.isinf(C)
        # Two rows of weights share a ridge that scikit-learn's one row bears alone.
        if source.classes == 2 and not one_row:
            C = C / 2
        objective = self._objective(source, coordinates, C, penalty)
        lasso = penalty.lasso / (C * objective.mass)
        solver = resolve_solver(self.solver, penalty, C)
        if solver == "auto":
            solver = choose_solver(objective, l1=lasso > 0)
        if path is not None:
            path.turn_to(objective)
        return minimise(
            objective,
            start,
            solver,
            lbfgs_history=None if path is None else path.lbfgs_history,
            criterion=StoppingCriterion(self.tol, self.gap),
            log=self._training_log(task, coordinates, dtype, deadline, checkpoint),
            lasso=lasso,
            one_row=one_row,
            keep_interrupted=self.keep_interrupted,
            compiler=self._compiler,
        )

    def _training_log(
        self,
        task: FitTask | None,
        coordinates: Coordinates,
        dtype: Any,
        deadline: float,
        checkpoint: FitCheckpoint | None = None,
    ) -> TrainingLog:
        own = self.progress

        def kept(progress: Progress) -> None:
            if checkpoint is not None and log.best is not None:
                checkpoint.note(*coordinates.to_parameters(log.best))
            if self.progress is not None:
                self.progress(progress)

        if checkpoint is not None:
            own = kept
        if task is None:
            log = TrainingLog(self.max_iter, own, deadline)
            return log

        def attributes(vector: Array) -> dict[str, Any]:
            W, b = coordinates.to_parameters(vector)
            return fitted_parameters(W, b, dtype)

        report, watch = task.reporter(own, attributes)
        log = TrainingLog(self.max_iter, report, deadline)
        watch(log)
        return log

    def _objective(
        self, source: Source, coordinates: Coordinates, C: float, penalty: Penalty
    ) -> Objective:
        dtype = np.float64 if source.dtype == np.float64 else np.float32
        ridge = penalty.ridge / (C * source.total_mass)
        workspace = self.workspace
        if source.held is not source:  # of the rows in memory, beside them
            workspace = min(workspace, int(self.memory) // _WORK)
        return Objective(source, ridge, coordinates, dtype=dtype, workspace=workspace)

    def _start(self, coordinates: Coordinates) -> Array:
        before = self._last_parameters() if self.warm_start and hasattr(self, "coef_") else None
        shape = (coordinates.K, coordinates.D)
        if before is None or before.W.shape != shape:
            return np.zeros(coordinates.size)
        return coordinates.from_parameters(*before)

    def _last_parameters(self) -> Parameters:
        """`parameters_`, or what somebody has written to `coef_` and `intercept_` since."""
        coef, b = to_numpy(self.coef_), np.asarray(to_numpy(self.intercept_), np.float64)
        W = np.asarray(coef.toarray() if is_sparse(coef) else coef, np.float64)
        if hasattr(self, "parameters_"):
            known = self.parameters_
            same = fitted_parameters(known.W, known.b, coef.dtype)
            if np.array_equal(same["coef_"], W) and np.array_equal(same["intercept_"], b):
                return known
        if W.shape[0] == 1:
            return Parameters(np.concatenate([-W, W]) / 2, np.concatenate([-b, b]) / 2)
        return Parameters(W, b)

    def _set(
        self,
        fit: Fit,
        coordinates: Coordinates,
        dtype: Any = np.float64,
        space: Namespace | None = None,
    ) -> None:
        self._set_parameters(*coordinates.to_parameters(fit.vector), dtype, space)
        certificate, log = fit.certificate, fit.log
        self.objective_, self.optimality_ = certificate.objective, certificate.optimality
        self.gap_, self.converged_ = certificate.gap, certificate.reached
        self.n_iter_ = returned(np.array([log.iterations], np.int32), space)
        self.n_passes_, self.history_ = log.passes, tuple(log.history)
        self.solver_, self.end_ = fit.solver, fit.end

    def _set_parameters(
        self, W: Array, b: Array | None, dtype: Any = np.float64, space: Namespace | None = None
    ) -> None:
        for name, value in fitted_parameters(W, b, dtype).items():
            setattr(self, name, value if name == "parameters_" else returned(value, space))

    def _separates(self, source: Source, coordinates: Coordinates) -> bool:
        """Whether no finite weights are the best.

        So it is where the fit is right about every row; in problems that are not too large, a
        linear programme finds the cases where some rows are undecided.
        """
        if source.soft or self.label_smoothing > 0:
            return False
        certain, widest, entries = True, 0.0, 0
        bias = int(self.fit_intercept)
        kept: list[tuple[Array, Array]] = []  # rows that count, as long as they are few
        for X, _, S, labels in source.portions():
            X, labels = X[S > 0], labels[S > 0]
            if not labels.size:
                continue
            z = X @ self.parameters_.W.T + self.parameters_.b
            widest = max(widest, float(np.ptp(z, axis=1).max()))
            here = np.arange(labels.size)
            own = z[here, labels].copy()
            z[here, labels] = -np.inf
            certain = certain and bool((own > z.max(axis=1)).all())
            entries += 2 * labels.size * (source.classes - 1) * (source.features + bias)
            if entries > LARGEST and not certain:
                return False
            kept = [*kept, (X, labels)] if entries <= LARGEST else []
        if certain or widest < _SURE:
            return certain
        X, labels = (np.concatenate(parts) for parts in zip(*kept, strict=True))
        scaled = (X - coordinates.centre) / coordinates.scale
        scaled = np.concatenate([scaled, np.ones((labels.size, bias))], axis=1)
        return separable(scaled, labels, source.classes)

    def _conclude(
        self,
        fit: Fit,
        coordinates: Coordinates,
        *,
        separable: bool,
        before: tuple[str, ...] = (),
    ) -> None:
        """Set what the fit has to say, after sentences from before it."""
        if separable:
            self.converged_ = False
        found = fit_warnings(
            fit, coordinates, StoppingCriterion(self.tol, self.gap),
            separable=separable, time_limit=self.time_limit,
        )  # fmt: skip
        self.warnings_ = (*before, *found)


def fitted_parameters(W: Array, b: Array | None, dtype: Any) -> dict[str, Any]:
    """Attributes by weights (K, D) and bias (K,), one row a class; two classes share a row."""
    b = np.zeros(W.shape[0]) if b is None else b
    binary = W.shape[0] == 2
    return {
        "parameters_": Parameters(W, b),
        "coef_": (W[1:] - W[:1] if binary else W).astype(dtype),
        "intercept_": (b[1:] - b[:1] if binary else b).astype(dtype),
    }


class PlainRegression(SoftmaxFit):
    """A fit of rows that are numbers, finite and checked: a table's design matrix.

    Its attributes are those of `SoftmaxRegression`, without its compiled code for small problems
    bit for bit; `regression` is that estimator.
    """

    _compiler = False

    fit_intercept, label_smoothing, gap, warm_start = True, 0.0, None, False
    workspace, memory = WORKSPACE, MEMORY

    def __init__(
        self,
        C: float,
        *,
        l1_ratio: float,
        class_weight: Any,
        solver: str,
        tol: float,
        max_iter: int,
        time_limit: float | None,
        keep_interrupted: bool,
        progress: ProgressCallback | None,
        checkpoint: str | None = None,
        restart: bool = False,
    ) -> None:
        self.C, self.l1_ratio = C, l1_ratio
        self.checkpoint, self.restart = checkpoint, restart
        self.class_weight, self.solver, self.tol = class_weight, solver, tol
        self.max_iter, self.time_limit = max_iter, time_limit
        self.keep_interrupted, self.progress = keep_interrupted, progress

    def fit(self, X: Any, y: Array, sample_weight: Array) -> Self:
        """Fit to inputs X (N, D), an array or CSR, and labels y (N,)."""
        C, penalty = penalty_of("deprecated", self.C, self.l1_ratio)
        deadline = self._deadline()
        self.classes_, indices = class_indices(y, None)
        targets = target_mass(indices, self.classes_, sample_weight, self.class_weight, 0.0)
        rows = TrainingRows(X, y, sample_weight, as_source(X, targets))
        self._fit_rows(rows, C, penalty, deadline)
        self.n_features_in_ = X.shape[1]
        return self

    @cached_property
    def regression(self) -> SoftmaxRegression:
        """The same fit as scikit-learn's kind of estimator."""
        from pminusy.estimators.softmax_regression import SoftmaxRegression

        fitted = {name: value for name, value in vars(self).items() if name.endswith("_")}
        given = {name: value for name, value in vars(self).items() if name not in fitted}
        estimator = SoftmaxRegression(**given)
        estimator.__dict__.update(fitted)
        return estimator
