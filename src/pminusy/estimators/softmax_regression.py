"""Softmax regression with scikit-learn's interface; the work is underneath."""

from __future__ import annotations

import math
import warnings
from os import PathLike
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import _fit_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import (
    _check_n_features,
    _check_sample_weight,
    check_is_fitted,
    validate_data,
)

from pminusy.errors import InputError
from pminusy.estimators.callbacks import CallbackSupport, fit_task
from pminusy.estimators.inference import Summary, infer
from pminusy.estimators.linear_classifier import LinearClassifier
from pminusy.estimators.namespaces import namespace_of, returned, to_numpy
from pminusy.estimators.outcome import SEPARABLE
from pminusy.estimators.parameters.checked import CheckedParameters
from pminusy.estimators.parameters.checks import require_count, require_number
from pminusy.estimators.parameters.constraints import SOFTMAX_REGRESSION
from pminusy.estimators.parameters.penalties import (
    Penalty,
    PenaltyName,
    penalty_of,
    warn_of_contradictions,
)
from pminusy.estimators.parameters.problem import (
    as_source,
    class_indices,
    has_columns,
    is_plain,
    resolve_solver,
    soft_targets,
    target_mass,
)
from pminusy.estimators.rows import MEMORY, require_finite
from pminusy.estimators.softmax_fit import (
    Parameters,
    SoftmaxFit,
    TrainingRows,
    fitted_parameters,
)
from pminusy.estimators.streams.blocks import (
    Blocks,
    blocks_of,
    held_whole,
    in_memory,
    is_distributed,
    set_names,
)
from pminusy.estimators.streams.rows import FirstVisit
from pminusy.extras import needing_extra
from pminusy.training.checkpoints import SECONDS
from pminusy.training.objective import WORKSPACE, Objective
from pminusy.training.scaling import choose_coordinates
from pminusy.training.solvers.solution import ProgressCallback
from pminusy.training.solvers.stochastic import AveragedAdam
from pminusy.training.sources.arrays import ArraySource
from pminusy.training.sources.blocks import BlockSource

if TYPE_CHECKING:
    from pminusy.estimators.distributed.learned import PartitionVisit

__all__ = ["Parameters", "SoftmaxRegression"]

Array = NDArray[Any]


def _steps_possible(self: SoftmaxRegression) -> bool:
    """Whether `partial_fit` can do the penalty; what cannot be at all is said when it is called."""
    try:
        C, penalty = penalty_of(vars(self)["penalty"], self.C, self.l1_ratio)
    except InputError:
        return True
    if penalty.lasso > 0 and not math.isinf(C):
        raise AttributeError(f"partial_fit cannot do L1 (l1_ratio={self.l1_ratio}): use fit")
    return True


class SoftmaxRegression(
    CheckedParameters, PenaltyName, CallbackSupport, SoftmaxFit, LinearClassifier
):
    """Multinomial logistic regression: minimises C Σ_i ω_i L_i + (1 − ρ)/2 ‖W‖² + ρ ‖W‖₁.

    scikit-learn's `LogisticRegression`, the same optimum, with a certificate. ρ is `l1_ratio`; the
    bias is not penalised. Two classes have one row of weights, as there. float32 X gives float32
    `coef_` and predictions; `parameters_`, which the certificate is about, stay float64. Where
    scikit-learn's `array_api_dispatch` is on, tensors give tensors on their device (the work is
    done on the CPU). Its callbacks (`set_callbacks`, from version 1.9) see every iteration.

    Parameters
    ----------
    C
        Inverse strength of the penalty, above 0; `inf` for none.
    l1_ratio
        ρ from 0 (ridge) to 1 (lasso).
    fit_intercept
        Whether there is a bias.
    class_weight
        None, "balanced", or a weight for each label.
    label_smoothing
        ε in [0, 1]: this share of each row's mass is spread evenly over the classes.
    solver
        "auto", "newton", "lbfgs", "newton-cg", "dual" (for sparse X with a ridge penalty) or
        "proximal" (the only one for ρ > 0); scikit-learn's "newton-cholesky", "sag" and "saga" are
        understood.
    tol
        Converged when no entry of the gradient of the mean objective is larger.
    gap
        If given, instead: converged when the objective is within this share of its minimum, as
        far as `gap_` says. Needs a ridge penalty.
    max_iter
        Largest number of iterations.
    time_limit
        Seconds after which `fit` ends with the best parameters so far; None for no limit.
    warm_start
        Begin at the parameters of the last `fit`.
    workspace
        Bytes used beyond X and the parameters, for kept logits and for prediction.
    memory
        Bytes that the rows of a fit may take, with all that is made of them, where X is not an
        array in memory: `Blocks`, np.memmap, zarr … What it does not hold is read anew on every
        visit. The parameters and their Hessian come on top. Below 32 MiB it may be passed by some
        MiB, and a warning says so where the rows take more than 32.
    checkpoint
        A file that the parameters are written to after an iteration, and at the end. If it is there
        `fit` goes on from it; one of other data or options is refused. Not in `partial_fit`.
    checkpoint_seconds
        Between two writes, at least.
    restart
        Whether a checkpoint that is there is replaced, and not gone on from.
    keep_interrupted
        Whether an interrupt (Ctrl-C) leaves the best parameters so far instead of being raised.
    learning_rate, batch_size
        Of `partial_fit`: the first step size, in standard deviations of the first batch's
        features, and rows a step.
    progress
        Called with a `Progress` after every iteration.
    penalty, dual, intercept_scaling, random_state, n_jobs, verbose
        Accepted so that code for `LogisticRegression` runs: `penalty` by its older names, which
        count where `l1_ratio` or `C` says something else (a warning says so); `dual=True` is
        refused; the others change nothing here.

    Attributes
    ----------
    coef_, intercept_
        Weights (K, D) and bias (K,); (1, D) and (1,) for two classes.
    parameters_
        The same with one row a class, for two classes too.
    classes_
        Labels (K,), sorted; 0 … K − 1 for soft targets.
    n_iter_
        Iterations taken, as an array of one.
    objective_, optimality_, gap_
        Certificate, in float64 arithmetic: mean objective; largest entry of its gradient (of its
        least subgradient with L1); relative distance from the minimum, a bound by duality for the
        weights and a quadratic estimate for the bias (NaN without ridge).
    converged_
        Whether the certificate is what was asked for, of an optimum that exists.
    warnings_
        What the fit has to say, a sentence each: no optimum exists, iterations or time ran out …
        Each is also raised once as a `ConvergenceWarning`.
    end_
        Why the fit ended: "reached" (what was asked for), "iterations", "time", "interrupt" or
        "rounding".
    solver_, history_, n_passes_
        The solver used, a `Progress` for each iteration, visits to X.

    Examples
    --------
    >>> clf = SoftmaxRegression().fit([[-1.0], [0.0], [1.0]], ["low", "middle", "high"])
    >>> clf.predict([[2.0]])
    array(['high'], dtype='<U6')
    """

    classes_: Array
    parameters_: Parameters
    _parameter_constraints = SOFTMAX_REGRESSION

    def __init__(
        self,
        C: float = 1.0,
        *,
        l1_ratio: float | None = 0.0,
        fit_intercept: bool = True,
        class_weight: Any = None,
        label_smoothing: float = 0.0,
        solver: str = "auto",
        tol: float = 1e-6,
        gap: float | None = None,
        max_iter: int = 1000,
        time_limit: float | None = None,
        warm_start: bool = False,
        workspace: int = WORKSPACE,
        memory: int = MEMORY,
        checkpoint: str | PathLike[str] | None = None,
        checkpoint_seconds: float = SECONDS,
        restart: bool = False,
        keep_interrupted: bool = False,
        learning_rate: float = 0.05,
        batch_size: int = 256,
        progress: ProgressCallback | None = None,
        penalty: Any = "deprecated",
        dual: bool = False,
        intercept_scaling: float = 1,
        random_state: Any = None,
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        self.C = C
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.class_weight = class_weight
        self.label_smoothing = label_smoothing
        self.solver = solver
        self.tol = tol
        self.gap = gap
        self.max_iter = max_iter
        self.time_limit = time_limit
        self.warm_start = warm_start
        self.workspace = workspace
        self.memory = memory
        self.checkpoint = checkpoint
        self.checkpoint_seconds = checkpoint_seconds
        self.restart = restart
        self.keep_interrupted = keep_interrupted
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.progress = progress
        self.penalty = penalty
        self.dual = dual
        self.intercept_scaling = intercept_scaling
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def fit(
        self,
        X: ArrayLike | Blocks,
        y: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Fit to inputs X (N, D) and labels y (N,) or soft targets y (N, K), rows that sum to 1.

        X may also be `Blocks`, which have y and the weights in them, or an array that is read by
        slices: np.memmap, zarr, h5py and their like. What `memory` does not hold is read once to
        learn labels and spreads, and anew on each of the solver's visits, which `n_passes_` counts;
        the fit has the same certificate.

        Of Dask's arrays and dataframes (extra `dask`) the partitions stay where they are, and each
        visit goes to them, by the active client or on threads.
        """
        if hasattr(self, "_adam"):
            del self._adam
        C, penalty = self._checked_parameters()
        warn_of_contradictions(vars(self)["penalty"], self.C, self.l1_ratio)
        space, deadline = namespace_of(X), self._deadline()
        rows = self._rows(X, y, sample_weight)
        task = fit_task(self, rows.X, rows.y, rows.weight, max(self.max_iter, 1), "iteration")
        self._fit_rows(rows, C, penalty, deadline, task, space)
        self._warn()
        if task is not None:
            task.finish(lambda: fitted_parameters(*self.parameters_, rows.dtype))
        return self

    @available_if(_steps_possible)  # type: ignore[untyped-decorator]
    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def partial_fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Take steps on the rows given, a mini-batch at a time (Adam, with averaging).

        After `fit`, goes on from there.
        The first call needs all `classes`. C is in proportion to the rows seen so far.
        """
        C, penalty = self._check_parameters()
        space = namespace_of(X)
        first = not hasattr(self, "classes_")
        if first and classes is None:
            raise InputError("classes", "all labels in the first call of partial_fit", "None")
        named: Any = None if classes is None else np.unique(np.asarray(to_numpy(classes)))
        known = named if first else to_numpy(self.classes_)
        if not first and named is not None and not np.array_equal(named, known):
            raise InputError("classes", "those of the first call", repr(named.tolist()))
        if isinstance(X, Blocks):
            raise InputError("X", "rows of one batch", "Blocks", "use fit, or loop over the blocks")
        rows = self._rows_of_arrays(in_memory(X), y, sample_weight, known, reset=first)
        source = rows.source
        assert isinstance(source, ArraySource)
        if first:
            self.classes_ = returned(known, namespace_of(y))
        if not hasattr(self, "_adam"):
            self._begin(source)
        self._rows_seen += source.total_mass
        C = C / 2 if source.classes == 2 else C
        ridge = penalty.ridge / (C * self._rows_seen)
        batches = max(1, -(-source.rows // self.batch_size))
        for offset in range(batches):
            batch = source.sample(batches, offset)
            objective = Objective(batch, ridge, self._coordinates, workspace=0)
            if objective.mass > 0:
                self._adam.step(objective.evaluate(self._adam.vector).gradient)
        parameters = self._coordinates.to_parameters(self._adam.average)
        self._set_parameters(*parameters, rows.dtype, space)
        before = int(getattr(self, "n_iter_", [0])[0])
        self.n_iter_ = returned(np.array([before + 1], np.int32), space)
        return self

    def summary(
        self,
        X: ArrayLike | Blocks,
        y: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        *,
        confidence: float = 0.95,
    ) -> Summary:
        """Standard errors, z, p-values, intervals and information criteria, from the rows of `fit`.

        Against the first class. Refused for L1 (its estimates have no such errors), and where
        `warnings_` says that there is no optimum.
        """
        check_is_fitted(self, "coef_")
        require_number("confidence", confidence, upper=1.0)
        C, penalty = self._check_parameters()
        if penalty.lasso > 0 and not math.isinf(C):
            raise InputError("summary", "a model without L1 penalty", f"l1_ratio={self.l1_ratio}")
        said = getattr(self, "warnings_", ())
        if SEPARABLE in said:
            expected = "a fit that has an optimum"
            got = "no optimum: with C=inf some rows can be told apart without error"
            raise InputError("summary", expected, got, "set C to a finite number")
        classes = to_numpy(self.classes_)
        source = self._rows(X, y, sample_weight, classes, reset=False).source
        soft = source.soft
        W, b = self.parameters_
        ridge = penalty.ridge / (C / 2 if len(classes) == 2 else C)
        names = getattr(self, "feature_names_in_", None)
        names = [f"x{j}" for j in range(W.shape[1])] if names is None else names
        return infer(
            source,
            W,
            b if self.fit_intercept else None,
            ridge=ridge,
            classes=np.arange(W.shape[0]) if soft else classes,
            features=tuple(str(name) for name in names),
            confidence=confidence,
            notes=said,
        )

    def _begin(self, source: ArraySource) -> None:
        self._coordinates = choose_coordinates(source, fit_intercept=self.fit_intercept)
        start = np.zeros(self._coordinates.size)
        if hasattr(self, "coef_"):  # after fit: go on from there
            start = self._coordinates.from_parameters(*self._last_parameters())
        self._adam = AveragedAdam(start, self.learning_rate)
        self._rows_seen = 0.0

    def _check_parameters(self) -> tuple[float, Penalty]:
        C, penalty = penalty_of(vars(self)["penalty"], self.C, self.l1_ratio)
        require_number("tol", self.tol, positive=False)
        require_number("label_smoothing", self.label_smoothing, positive=False, upper=1.0)
        require_number("learning_rate", self.learning_rate)
        require_number("workspace", self.workspace, positive=False)
        require_number("memory", self.memory)
        require_count("max_iter", self.max_iter)
        if self.time_limit is not None:
            require_number("time_limit", self.time_limit, positive=False)
        require_count("batch_size", self.batch_size, 1)
        resolve_solver(self.solver, penalty, C)
        if self.gap is not None:
            require_number("gap", self.gap)
            if math.isinf(C) or penalty.ridge == 0 or penalty.lasso > 0:
                raise InputError(
                    "gap", "None without a pure ridge penalty", repr(self.gap), "use tol instead"
                )
        if self.dual:
            raise InputError("dual", "False", repr(self.dual), "the dual problem is liblinear's")
        return C, penalty

    def _rows(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        classes: Array | None = None,
        *,
        reset: bool = True,
        keep_targets: bool = False,
    ) -> TrainingRows:
        """Checked rows, of arrays or of whatever is read block by block.

        With `keep_targets`, labels and weights of all rows are in memory in any case.
        """
        memory, workspace = self.memory, self.workspace
        if is_distributed(X) and not keep_targets:
            return self._rows_of_partitions(X, y, sample_weight, classes, reset=reset)
        blocks = blocks_of(X, y, sample_weight, held_whole(memory, workspace), memory)
        if blocks is None:
            return self._rows_of_arrays(in_memory(X), y, sample_weight, classes, reset=reset)
        visit = FirstVisit(blocks, memory, workspace, classes, keep_targets=keep_targets)
        if visit.in_memory:
            rows = self._rows_of_arrays(*visit.arrays(), classes, reset=reset)
        else:
            rows = self._rows_of_blocks(X, y, sample_weight, visit, classes, reset=reset)
            if keep_targets and not visit.soft:
                kept, weight = visit.targets()
                rows = rows._replace(X=_placeholder(visit.rows), y=kept, weight=weight)
        set_names(self, visit.names, reset=reset)
        return rows

    def _rows_of_partitions(
        self, X: Any, y: Any, sample_weight: Any, classes: Array | None, *, reset: bool
    ) -> TrainingRows:
        with needing_extra():
            from pminusy.estimators.distributed.learned import PartitionVisit
        visit = PartitionVisit(X, y, sample_weight, self.memory, classes)
        rows = self._rows_of_blocks(X, y, sample_weight, visit, classes, reset=reset)
        set_names(self, visit.names, reset=reset)
        return rows

    def _rows_of_blocks(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        visit: FirstVisit | PartitionVisit,
        classes: Array | None,
        *,
        reset: bool,
    ) -> TrainingRows:
        _check_n_features(self, np.empty((0, visit.features)), reset=reset)
        if classes is None:
            self.classes_ = visit.classes
        _require_classes(visit.classes)
        source = visit.source(self.class_weight, self.label_smoothing)
        _require_mass(source)
        return TrainingRows(X, y, sample_weight, source)

    def _rows_of_arrays(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        classes: Array | None = None,
        *,
        reset: bool = True,
    ) -> TrainingRows:
        soft = False
        if reset and is_plain(X, y):
            inputs, target = X, y
            self._take_unnamed(X.shape[1])
        else:
            soft = has_columns(y)
            inputs, target = validate_data(
                self,
                to_numpy(X),
                to_numpy(y),
                accept_sparse="csr",
                dtype=[np.float64, np.float32, np.uint8],
                order="C",
                ensure_all_finite=False,
                multi_output=soft,
                reset=reset,
            )
        require_finite(inputs)
        if soft:
            indices, found = soft_targets(target), np.arange(target.shape[1])
            if classes is not None and len(classes) != len(found):
                raise InputError("y", f"{len(classes)} columns", f"{len(found)}")
        else:
            found, indices = class_indices(target, classes)
        if classes is None:
            self.classes_ = returned(found, namespace_of(y))
        _require_classes(found)
        weight = None
        if sample_weight is not None:
            given = to_numpy(sample_weight)
            weight = _check_sample_weight(given, inputs, ensure_non_negative=True)
        targets = target_mass(indices, found, weight, self.class_weight, self.label_smoothing)
        source = as_source(inputs, targets)
        _require_mass(source)
        return TrainingRows(inputs, target, weight, source)

    def _take_unnamed(self, features: int) -> None:
        """What `validate_data` notes of features without names."""
        self.n_features_in_ = features
        if hasattr(self, "feature_names_in_"):
            del self.feature_names_in_

    def _warn(self) -> None:
        """Raise every sentence once; scikit-learn's wrapper of `fit` is one more step up."""
        for message in self.warnings_:
            warnings.warn(message, ConvergenceWarning, stacklevel=4)


def _placeholder(rows: int) -> Array:
    """What has as many rows as X, and takes no room: splitters ask for no more."""
    return np.broadcast_to(np.zeros((1, 1)), (rows, 1))


def _require_classes(found: Array) -> None:
    if len(found) < 2:
        raise InputError("y", "at least 2 classes", f"1 class ({found[:1].tolist()[0]!r})")


def _require_mass(source: ArraySource | BlockSource) -> None:
    if not source.total_mass > 0:
        raise InputError("sample_weight", "a positive sum", "only zeros")
