"""From what a user passes to what a solver takes: targets, penalty, solver name."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.class_weight import compute_class_weight

from pminusy.core.passes import Csr, Targets
from pminusy.errors import InputError
from pminusy.learn.fitting import SOLVERS
from pminusy.learn.linear_classifier import is_sparse
from pminusy.learn.sources import ArraySource, make_targets

__all__ = [
    "Penalty",
    "as_source",
    "penalty_of",
    "require_count",
    "require_number",
    "resolve_solver",
    "soft_targets",
    "target_mass",
]

Array = NDArray[Any]

# scikit-learn's names for what ours do; None where ours has one of its own choosing
_ALIASES = {"newton-cholesky": "newton", "saga": None, "sag": None, "auto": None}
_INDICES = np.iinfo(np.int32).max


class Penalty(NamedTuple):
    """Strengths beside C: of ½ ‖W‖² and of ‖W‖₁."""

    ridge: float
    lasso: float


def require_number(
    name: str, value: Any, *, positive: bool = True, upper: float = math.inf
) -> None:
    """Refuse what is not a number above 0 (or from 0), and at most `upper`."""
    wanted = "a number above 0" if positive else "a number from 0"
    if upper < math.inf:
        wanted += f" to {upper:g}"
    valid = not isinstance(value, bool) and isinstance(value, Real) and not math.isnan(value)
    if not valid or value < 0 or (positive and value == 0) or value > upper:
        raise InputError(name, wanted, repr(value))


def require_count(name: str, value: Any) -> None:
    """Refuse what is not a whole number from 0."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 0:
        raise InputError(name, "a whole number from 0", repr(value))


def penalty_of(penalty: Any, C: Any, l1_ratio: Any) -> tuple[float, Penalty]:
    """C and the penalty, from scikit-learn's parameters, `penalty` by its older name included."""
    require_number("C", C)
    l1_ratio = 0.0 if l1_ratio is None else l1_ratio
    require_number("l1_ratio", l1_ratio, positive=False, upper=1.0)
    ratio = float(l1_ratio)
    if penalty is None or penalty == "none":
        return math.inf, Penalty(1.0, 0.0)
    if penalty not in ("deprecated", "l1", "l2", "elasticnet"):
        expected = '"l2", "l1", "elasticnet" or None'
        raise InputError("penalty", expected, repr(penalty), "or leave it out and set l1_ratio")
    ratio = {"l1": 1.0, "l2": 0.0}.get(penalty, ratio)
    return float(C), Penalty(1.0 - ratio, ratio)


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
        names = ", ".join(f'"{n}"' for n in (*SOLVERS, *_ALIASES))
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


def soft_targets(y: Array) -> Array:
    """Soft targets (N, K), checked."""
    if not np.issubdtype(y.dtype, np.number) or np.iscomplexobj(y):
        raise InputError("y", "soft targets (N, K) of numbers", f"{y.dtype} values")
    Y: Array = y.astype(np.float32 if y.dtype == np.float32 else np.float64, copy=False)
    _require_rows("finite numbers", ~np.isfinite(Y).all(axis=1))
    _require_rows("numbers from 0", (Y < 0).any(axis=1))
    _require_rows("rows that sum to a positive number", ~(Y.sum(axis=1) > 0))
    return np.ascontiguousarray(Y)


def _require_rows(expected: str, bad: Any) -> None:
    if bad.any():
        raise InputError("y", f"soft targets: {expected}", f"otherwise in row {int(bad.argmax())}")


def target_mass(
    y: Array,
    classes: Array,
    weight: Array | None,
    class_weight: Any,
    label_smoothing: float,
) -> Targets:
    """Target mass of class indices y (N,) or soft targets y (N, K)."""
    K = len(classes)
    per_class = None
    if class_weight is not None:
        per_class = _class_weights(y, classes, weight, class_weight)
    return make_targets(
        y, K, sample_weight=weight, class_weight=per_class, label_smoothing=label_smoothing
    )


def _class_weights(y: Array, classes: Array, weight: Array | None, class_weight: Any) -> Array:
    if isinstance(class_weight, str) and class_weight == "balanced":
        if y.ndim == 2:
            mass = y.sum(axis=0) if weight is None else weight @ y
        else:
            mass = np.bincount(y, weight, len(classes))
        with np.errstate(divide="ignore"):  # a class without mass needs no weight
            return np.where(mass > 0, mass.sum() / (len(classes) * mass), 0.0)
    labels = classes[y] if y.ndim == 1 else classes
    return np.asarray(compute_class_weight(class_weight, classes=classes, y=labels))


def as_source(X: Any, targets: Targets) -> ArraySource:
    """X as a source: nothing is copied unless its layout has to change."""
    if not is_sparse(X):
        return ArraySource(X, X.shape[1], targets)
    indices, indptr = X.indices, X.indptr
    if indptr[-1] <= _INDICES and indices.dtype != np.int32:
        indices, indptr = indices.astype(np.int32), indptr.astype(np.int32)
    return ArraySource(Csr(X.data, indices, indptr), X.shape[1], targets)
