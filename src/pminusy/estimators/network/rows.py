"""What a network is trained on, checked: inputs, targets, weights, and rows held out."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split
from sklearn.utils import column_or_1d
from sklearn.utils.validation import _check_n_features, _check_sample_weight, validate_data

from pminusy.errors import InputError
from pminusy.estimators.parameters.problem import (
    class_indices,
    has_columns,
    soft_targets,
    target_mass,
)
from pminusy.estimators.rows import require_finite, row_chunks
from pminusy.estimators.streams.blocks import (
    Blocks,
    LazyRows,
    in_memory,
    is_lazy,
    refuse_distributed,
    size_of,
)
from pminusy.estimators.streams.reading import read_inputs
from pminusy.training.checkpoints import fingerprint
from pminusy.training.network.data import Rows, rows_of
from pminusy.training.network.visits import HeldRows

__all__ = [
    "CheckedRows",
    "HeldOut",
    "checked_rows",
    "held_out",
    "lazy_rows",
    "read_rows",
    "require_fraction",
    "require_same_classes",
    "require_validation",
    "split",
]

Array = NDArray[Any]


_TYPES = (np.float64, np.float32)  # that a network is trained in
_READ = 8 << 20  # bytes


class CheckedRows(NamedTuple):
    """Rows of a fit: as kernels take them, and what each counts in the mean loss."""

    X: Any  # (N, D), NumPy's or CSR
    indices: Array  # class indices (N,) or soft targets (N, K)
    weight: Array | None  # (N,), as the user gave it
    rows: Rows
    counted: Array  # (N,) float64: ω, times the label's class weight
    classes: Array

    @property
    def aside(self) -> frozenset[str]:
        """Parameters that the bits of a network do not depend on, for rows like these."""
        return frozenset({"memory"})

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and of features."""
        N, D = self.X.shape
        return N, D

    @property
    def dtype(self) -> Any:
        """Of the inputs, and so of training."""
        return self.X.dtype

    @property
    def sparse(self) -> bool:
        """Whether X is sparse."""
        return not isinstance(self.X, np.ndarray)

    def digest(self) -> str:
        """Tells these rows from others."""
        return fingerprint(self.X, self.indices, self.weight)

    def visits(
        self, estimator: Any, random: np.random.RandomState, *, apart: bool
    ) -> tuple[HeldRows, HeldOut | None]:
        """What gives the rows of each epoch, and rows held out if they are asked for."""
        order, held = np.arange(self.shape[0]), None
        if apart:
            order, held = split(self, estimator.validation_fraction, random)
        return HeldRows(self.rows, self.counted, order), held


class HeldOut(NamedTuple):
    """Rows that a network is scored on after every epoch."""

    X: Any  # (n, D), NumPy's, CSR or `LazyRows`
    indices: Array  # class indices (n,) or soft targets (n, K)
    weight: Array | None

    def digest(self) -> str:
        """Tells these rows from others."""
        if not isinstance(self.X, LazyRows):
            return fingerprint(self.X, self.indices, self.weight)
        parts = (fingerprint(self.X[rows]) for rows in row_chunks(*self.X.shape, _READ))
        return fingerprint(np.array(list(parts)), self.indices, self.weight)


def checked_rows(
    estimator: Any, X: Any, y: Any, sample_weight: Any, classes: Array | None, *, reset: bool
) -> CheckedRows:
    """Check everything; classes are those of y unless they are known."""
    inputs, target, soft = _validated(estimator, X, y, reset=reset)
    if soft:
        indices, found = soft_targets(target), np.arange(target.shape[1])
        if classes is not None and len(classes) != len(found):
            raise InputError("y", f"{len(classes)} columns", f"{len(found)}")
        found = found if classes is None else classes
    else:
        found, indices = class_indices(target, classes)
    if len(found) < 2:
        raise InputError("y", "at least 2 classes", f"1 class ({found[:1].tolist()[0]!r})")
    weight = None
    if sample_weight is not None:
        weight = _check_sample_weight(sample_weight, inputs, ensure_non_negative=True)
    targets = target_mass(indices, found, weight, estimator.class_weight, estimator.label_smoothing)
    counted = targets.omega
    if not soft:
        counted = counted * (targets.own + targets.spread * len(found))[indices]
    if not counted.sum() > 0:
        raise InputError("sample_weight", "a positive sum", "only zeros")
    rows = rows_of(inputs, targets, inputs.dtype)
    return CheckedRows(inputs, indices, weight, rows, counted, found)


def require_same_classes(y: Any, known: Array) -> None:
    """Refuse labels that are not those of the fit that is gone on with."""
    if has_columns(y):
        return
    found = np.unique(np.asarray(y))
    if not np.array_equal(found, known):
        raise InputError(
            "y",
            f"with warm_start the same classes as in the previous call to fit, {known}",
            f"{found}",
            "set warm_start=False",
        )


def held_out(estimator: Any, eval_set: Any, classes: Array) -> HeldOut:
    """Check rows that the user holds out."""
    expected = "one pair (X, y), or (X, y, sample_weight)"
    if not isinstance(eval_set, tuple | list):
        raise InputError("eval_set", expected, f"a {type(eval_set).__name__}")
    pairs = sum(isinstance(part, tuple) and np.ndim(part[0]) == 2 for part in eval_set)
    if pairs or len(eval_set) not in (2, 3):
        got = f"a {type(eval_set).__name__} of {len(eval_set)}" + " pairs" * (pairs > 0)
        raise InputError("eval_set", expected, got)
    X, y, *rest = eval_set
    if isinstance(X, Blocks):
        raise InputError(
            "eval_set X", "an array or a memmap", "Blocks", "give np.memmap, or arrays of some rows"
        )
    if estimator.solver == "lbfgs":
        raise InputError(
            "eval_set", "None with solver='lbfgs', which has no epochs to score", "a pair",
            "use solver='adam' or 'sgd', or score the network when it is fitted",
        )  # fmt: skip
    try:
        read = lazy_rows(estimator, X)
        inputs, target, soft = (
            _validated(estimator, in_memory(X), y, reset=False)
            if read is None
            else (read, _beside(read, y), has_columns(y))
        )
        indices = soft_targets(target) if soft else class_indices(target, classes)[1]
    except InputError as error:
        name, expected, got, *remedy = error.args
        if expected == "labels among `classes`":
            expected, remedy = "labels that y of fit has", ["leave such rows out"]
        raise InputError(f"eval_set {name}", expected, got, *remedy) from None
    except ValueError as error:
        raise InputError("eval_set", "rows like those of fit", str(error)) from None
    if soft and indices.shape[1] != len(classes):
        raise InputError("eval_set y", f"{len(classes)} columns", f"{indices.shape[1]}")
    weight = None
    if rest and rest[0] is not None:
        try:
            weight = _check_sample_weight(rest[0], inputs, ensure_non_negative=True)
        except ValueError as error:
            expected = f"{inputs.shape[0]} finite weights from 0, not all of them 0"
            raise InputError("eval_set sample_weight", expected, str(error)) from None
    return HeldOut(inputs, indices, weight)


def split(
    checked: CheckedRows, fraction: float, random: np.random.RandomState
) -> tuple[Array, HeldOut]:
    """Rows to train on and rows held out, drawn as scikit-learn does: by class if there are two."""
    stratify = checked.indices if len(checked.classes) == 2 and checked.indices.ndim == 1 else None
    require_fraction(fraction)
    try:
        train, held = train_test_split(
            np.arange(checked.X.shape[0]), random_state=random, test_size=fraction,
            stratify=stratify,
        )  # fmt: skip
    except ValueError as error:
        raise InputError(
            "validation_fraction",
            "rows of every class held out, and others to train on",
            f"{fraction:g} of {checked.X.shape[0]} rows: {error}",
            "give more rows, another validation_fraction or eval_set",
        ) from None
    weight = None if checked.weight is None else checked.weight[held]
    require_validation(held.size, weight)
    return train, HeldOut(checked.X[held], checked.indices[held], weight)


def require_fraction(fraction: float) -> None:
    """Refuse to hold out no rows where they decide when to stop."""
    if fraction == 0:
        raise InputError(
            "validation_fraction", "more than 0 with early_stopping", "0",
            "raise it or pass eval_set",
        )  # fmt: skip


def require_validation(rows: int, weight: Array | None) -> None:
    """Refuse rows held out that are too few, or count nothing."""
    if rows < 2:
        raise InputError(
            "validation_fraction",
            "at least 2 rows held out",
            f"{rows}: the validation set is too small",
            "increase validation_fraction or pass eval_set",
        )
    if weight is not None and not weight.sum() > 0:
        raise InputError(
            "sample_weight",
            "a positive sum over the rows held out",
            f"only zeros in all {rows} of them",
            "leave out rows of weight 0, raise validation_fraction or pass eval_set",
        )


def _validated(estimator: Any, X: Any, y: Any, *, reset: bool) -> tuple[Any, Array, bool]:
    soft = has_columns(y)
    inputs, target = validate_data(
        estimator, X, y, accept_sparse="csr", dtype=(np.float64, np.float32),
        ensure_all_finite=False, multi_output=True, reset=reset,
    )  # fmt: skip
    require_finite(inputs)
    if not soft and target.ndim == 2:
        target = column_or_1d(target, warn=True)
    return inputs, target, soft


def lazy_rows(estimator: Any, X: Any) -> LazyRows | None:
    """X by slices, where it is not in memory and `memory` has no room for it as well."""
    refuse_distributed(X)
    if not is_lazy(X) or size_of(X) <= estimator.memory // 4:
        return None
    _check_n_features(estimator, X, reset=False)
    return LazyRows(X, read_rows)


def read_rows(X: Any, before: int) -> Any:
    """Rows that were read, of which `before` is the number of the first."""
    inputs = read_inputs(X, "X", _TYPES)
    require_finite(inputs, before)
    return inputs


def _beside(X: LazyRows, y: Any) -> Array:
    """Labels or soft targets, as many as X has rows."""
    target = np.asarray(y)
    if target.ndim == 2 and target.shape[1] == 1:
        target = target[:, 0]
    if target.ndim == 0 or target.shape[0] != X.shape[0]:
        raise InputError("y", f"{X.shape[0]} rows, as X has", str(target.shape))
    return target
