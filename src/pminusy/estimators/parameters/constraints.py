"""What each parameter may be, in scikit-learn's terms."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

from sklearn.utils._param_validation import Interval, StrOptions

from pminusy.estimators.parameters.problem import SOLVER_NAMES

__all__ = ["SOFTMAX_REGRESSION", "SOFTMAX_REGRESSION_CV"]

_SHARED: dict[str, list[Any]] = {
    "fit_intercept": ["boolean"],
    "class_weight": [dict, StrOptions({"balanced"}), None],
    "label_smoothing": [Interval(Real, 0, 1, closed="both")],
    "solver": [StrOptions(set(SOLVER_NAMES))],
    "tol": [Interval(Real, 0, None, closed="left")],
    "gap": [Interval(Real, 0, None, closed="neither"), None],
    "max_iter": [Interval(Integral, 0, None, closed="left")],
    "time_limit": [Interval(Real, 0, None, closed="left"), None],
    "keep_interrupted": ["boolean"],
    "workspace": [Interval(Real, 0, None, closed="left")],
    "progress": [callable, None],
    "dual": ["boolean"],
    "intercept_scaling": [Interval(Real, 0, None, closed="neither")],
    "random_state": ["random_state"],
    "n_jobs": [None, Integral],
    "verbose": ["verbose"],
}

SOFTMAX_REGRESSION: dict[str, list[Any]] = {
    **_SHARED,
    "C": [Interval(Real, 0, None, closed="right")],
    "l1_ratio": [Interval(Real, 0, 1, closed="both"), None],
    "penalty": [StrOptions({"l1", "l2", "elasticnet", "none", "deprecated"}), None],
    "warm_start": ["boolean"],
    "learning_rate": [Interval(Real, 0, None, closed="neither")],
    "batch_size": [Interval(Integral, 1, None, closed="left")],
}

SOFTMAX_REGRESSION_CV: dict[str, list[Any]] = {
    **_SHARED,
    "Cs": [Interval(Integral, 1, None, closed="left"), "array-like"],
    "l1_ratios": ["array-like", None],
    "penalty": [StrOptions({"l1", "l2", "elasticnet", "deprecated"})],
    "cv": ["cv_object"],
    "scoring": [str, callable, None],
    "refit": ["boolean"],
    "use_legacy_attributes": ["boolean"],
    "store_coefs_paths": ["boolean"],
}
