"""What each parameter may be, in scikit-learn's terms."""

from __future__ import annotations

from numbers import Integral, Real
from os import PathLike
from typing import Any

import numpy as np
from sklearn.utils._param_validation import Interval, Options, StrOptions

from pminusy.estimators.parameters.problem import SOLVER_NAMES
from pminusy.training.network.layout import ACTIVATIONS

__all__ = ["SOFTMAX_NETWORK", "SOFTMAX_REGRESSION", "SOFTMAX_REGRESSION_CV"]

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
    "memory": [Interval(Real, 0, None, closed="neither")],
    "checkpoint": [str, PathLike, None],
    "checkpoint_seconds": [Interval(Real, 0, None, closed="left")],
    "restart": ["boolean"],
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

_POSITIVE = [Interval(Real, 0, None, closed="neither")]
_NOT_NEGATIVE = [Interval(Real, 0, None, closed="left")]
_COUNT = Interval(Integral, 1, None, closed="left")
_BELOW_ONE = [Interval(Real, 0, 1, closed="left")]

SOFTMAX_NETWORK: dict[str, list[Any]] = {
    "hidden_layer_sizes": ["array-like", _COUNT],
    "activation": [StrOptions(set(ACTIVATIONS))],
    "solver": [StrOptions({"lbfgs", "sgd", "adam"})],
    "alpha": _NOT_NEGATIVE,
    "batch_size": [StrOptions({"auto"}), _COUNT],
    "learning_rate": [StrOptions({"constant", "invscaling", "adaptive"})],
    "learning_rate_init": _POSITIVE,
    "power_t": _NOT_NEGATIVE,
    "max_iter": [_COUNT],
    "shuffle": ["boolean"],
    "random_state": ["random_state"],
    "tol": _NOT_NEGATIVE,
    "verbose": ["verbose"],
    "warm_start": ["boolean"],
    "momentum": [Interval(Real, 0, 1, closed="both")],
    "nesterovs_momentum": ["boolean"],
    "early_stopping": ["boolean", StrOptions({"loss"})],
    "validation_fraction": _BELOW_ONE,
    "beta_1": _BELOW_ONE,
    "beta_2": _BELOW_ONE,
    "epsilon": _POSITIVE,
    "n_iter_no_change": [_COUNT, Options(Real, {np.inf})],
    "max_fun": [_COUNT],
    "dropout": _BELOW_ONE,
    "batch_norm": ["boolean", StrOptions({"inputs"})],
    "class_weight": [dict, StrOptions({"balanced"}), None],
    "label_smoothing": [Interval(Real, 0, 1, closed="both")],
    "average_weights": _BELOW_ONE,
    "clip_norm": [*_POSITIVE, None],
    "average_gradients": [_COUNT],
    "progress": [callable, None],
    "checkpoint": [str, PathLike, None],
    "checkpoint_seconds": _NOT_NEGATIVE,
    "restart": ["boolean"],
    "memory": _POSITIVE,
}
