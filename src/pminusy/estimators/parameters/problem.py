"""From what a user passes to what a solver takes: targets and the name of a solver."""

from __future__ import annotations

import math
from collections.abc import Mapping
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pminusy.errors import InputError
from pminusy.estimators.parameters.penalties import Penalty
from pminusy.estimators.rows import is_sparse
from pminusy.training.fitting import SOLVERS
from pminusy.training.passes.specification import Csr, RowTargets
from pminusy.training.sources.arrays import ArraySource, make_targets

__all__ = [
    "CERTAIN_KINDS",
    "SOLVER_NAMES",
    "as_source",
    "class_indices",
    "class_weights",
    "has_columns",
    "is_plain",
    "resolve_solver",
    "soft_targets",
    "target_mass",
]

Array = NDArray[Any]

# scikit-learn's names for what ours do; None where ours has one of its own choosing
_ALIASES = {"newton-cholesky": "newton", "saga": None, "sag": None, "auto": None}
SOLVER_NAMES = (*SOLVERS, *_ALIASES)
_TYPES = (np.dtype(np.float64), np.dtype(np.float32))  # of the machine's own byte order
_FEW_LABELS = 4  # times as many whole numbers as rows: they are counted, not sorted
CERTAIN_KINDS = "biuUS"  # kinds of arrays whose entries are labels, whatever they are
_INDICES = np.iinfo(np.int32).max
_ROUNDED = 1e-3  # how far from 1 a row of soft targets may sum: float16 probabilities do


def resolve_solver(name: Any, penalty: Penalty, C: float) -> str:
    """Our name of a solver, or "auto"; refused where it cannot do the penalty."""
    if name == "liblinear":
        raise InputError(
            "solver",
            "a solver of the softmax objective",
            "'liblinear', which fits one class against the rest and penalises the intercept",
            'use solver="auto"',
        )
    known = isinstance(name, str) and (name in _ALIASES or name in SOLVERS)
    if not known:
        names = ", ".join(f'"{n}"' for n in SOLVER_NAMES)
        raise InputError("solver", f"one of {names}", repr(name))
    own = _ALIASES.get(name, name) or "auto"
    if penalty.lasso > 0 and not math.isinf(C) and own not in ("auto", "proximal"):
        raise InputError(
            "solver",
            'one that can do an L1 penalty: "auto", "proximal" or "saga"',
            repr(name),
            "or set l1_ratio=0",
        )
    return own


def is_plain(X: Any, y: Any) -> bool:
    """Whether X (N, D) and labels y (N,) are arrays that need no conversion, and no check of kinds.

    What there is to say about others, scikit-learn's `validate_data` says; for small arrays that
    takes longer than a fit.
    """
    return (
        type(X) is np.ndarray
        and type(y) is np.ndarray
        and X.dtype in _TYPES
        and y.dtype.kind in CERTAIN_KINDS
        and X.ndim == 2
        and y.shape == X.shape[:1]
        and X.size > 0
        and X.flags.c_contiguous
    )


def has_columns(y: Any) -> bool:
    """Whether y is (N, K) with K > 1: soft targets, or nothing that can be used."""
    if is_sparse(y):
        raise InputError(
            "y", "labels (N,) or soft targets (N, K)", "a sparse matrix", "pass y.toarray()"
        )
    shape = getattr(y, "shape", None) or np.asarray(y).shape
    return len(shape) == 2 and shape[1] > 1


def soft_targets(y: Array) -> Array:
    """Soft targets (N, K), checked: numbers from 0, and rows that sum to 1.

    Such rows are all that tells soft targets from other matrices: 0s and 1s with several 1s a row
    are several labels a row (multilabel), whole numbers are counts, and both are refused.
    """
    if not (np.issubdtype(y.dtype, np.number) or y.dtype == bool) or np.iscomplexobj(y):
        raise InputError("y", "soft targets (N, K) of numbers", f"{y.dtype} values")
    Y: Array = y.astype(np.float32 if y.dtype == np.float32 else np.float64, copy=False)
    _require_rows("finite numbers", ~np.isfinite(Y).all(axis=1))
    _require_rows("numbers from 0", (Y < 0).any(axis=1))
    sums = Y.sum(axis=1)
    _require_rows("rows that sum to a positive number", ~(sums > 0))
    strange = np.abs(sums - 1.0) > _ROUNDED
    if strange.any():
        row = int(strange.argmax())
        several = bool(np.isin(Y, (0, 1)).all())
        raise InputError(
            "y",
            "labels (N,), or soft targets (N, K): rows that sum to 1",
            f"a sum of {sums[row]:g} in row {row}" + (", several labels a row" * several),
            "for several labels a row use sklearn.multioutput.MultiOutputClassifier"
            if several
            else "divide each row by its sum (and pass the sums as sample_weight if they count)",
        )
    return np.ascontiguousarray(Y)


def _require_rows(expected: str, bad: Any) -> None:
    if bad.any():
        raise InputError("y", f"soft targets: {expected}", f"otherwise in row {int(bad.argmax())}")


def class_indices(y: Array, classes: Array | None) -> tuple[Array, Array]:
    """Labels, and the index of each row's label among them; numbers that are no labels refused."""
    if classes is None:
        try:
            if y.dtype.kind not in CERTAIN_KINDS:
                _refuse_no_labels(y)
            found, indices = _distinct(y)
        except TypeError:
            kinds = sorted({type(label).__name__ for label in y.ravel().tolist()})
            if len(kinds) == 1:
                raise
            raise InputError(
                "y", "labels that can be sorted, all text or all numbers", " and ".join(kinds),
                "drop the rows without a label, or name it",
            ) from None  # fmt: skip
        if y.dtype.kind in CERTAIN_KINDS and 2 * found.size > y.size:
            _refuse_no_labels(y)  # which warns of labels that hardly repeat
        return found, indices
    _refuse_no_labels(y)
    indices = np.searchsorted(classes, y)
    indices = np.minimum(indices, len(classes) - 1)
    strange = classes[indices] != y
    if np.any(strange):
        label = np.asarray(y)[strange.argmax()].item()
        raise InputError("y", "labels among `classes`", f"{label!r}", "name it in the first call")
    return classes, indices


def _refuse_no_labels(y: Array) -> None:
    # Not before it is needed: scikit-learn takes longer to import than a small table to fit.
    from sklearn.utils.multiclass import check_classification_targets

    check_classification_targets(y)


def _distinct(y: Array) -> tuple[Array, Array]:
    """Sorted labels, and the index of each row's among them."""
    if y.dtype.kind not in "iu" or y.ndim != 1:
        return np.unique(y, return_inverse=True)
    least = int(y.min(initial=0))
    if least < 0 or int(y.max(initial=0)) >= _FEW_LABELS * y.size:
        return np.unique(y, return_inverse=True)
    there = np.bincount(y) > 0
    found = np.flatnonzero(there)
    if found.size == there.size:
        return found.astype(y.dtype), y.astype(np.intp)
    return found.astype(y.dtype), (np.cumsum(there) - 1)[y]


def target_mass(
    y: Array,
    classes: Array,
    weight: Array | None,
    class_weight: Any,
    label_smoothing: float,
) -> RowTargets:
    """Target mass of class indices y (N,) or soft targets y (N, K)."""
    K = len(classes)
    per_class = None
    if class_weight is not None:
        if y.ndim == 2:
            mass = y.sum(axis=0) if weight is None else weight @ y
        else:
            mass = np.bincount(y, weight, K)
        per_class = class_weights(mass, classes, class_weight)
    return make_targets(
        y, K, sample_weight=weight, class_weight=per_class, label_smoothing=label_smoothing
    )


def class_weights(mass: Array, classes: Array, class_weight: Any) -> Array:
    """Weights (K,) of the classes, whose rows weigh `mass` (K,) together."""
    if isinstance(class_weight, str) and class_weight == "balanced":
        with np.errstate(divide="ignore"):  # a class without mass needs no weight
            return np.where(mass > 0, mass.sum() / (len(classes) * mass), 0.0)
    _require_weights(class_weight)
    from sklearn.utils.class_weight import compute_class_weight

    return np.asarray(compute_class_weight(class_weight, classes=classes, y=classes))


def _require_weights(class_weight: Any) -> None:
    if not isinstance(class_weight, Mapping):
        expected = '"balanced", or a dict of weights by label'
        raise InputError("class_weight", expected, repr(class_weight))
    for label, weight in class_weight.items():
        valid = isinstance(weight, Real) and 0 <= float(weight) < math.inf  # NaN is not
        if not valid:
            raise InputError(
                "class_weight", "finite numbers from 0", f"{weight!r} for class {label!r}"
            )


def as_source(X: Any, targets: RowTargets) -> ArraySource:
    """X as a source: nothing is copied unless its layout has to change."""
    if not is_sparse(X):
        return ArraySource(X, X.shape[1], targets)
    indices, indptr = X.indices, X.indptr
    if indptr[-1] <= _INDICES and indices.dtype != np.int32:
        indices, indptr = indices.astype(np.int32), indptr.astype(np.int32)
    return ArraySource(Csr(X.data, indices, indptr), X.shape[1], targets)
