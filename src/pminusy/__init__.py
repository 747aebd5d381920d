"""The softmax cross-entropy head, whole: explained, checked, trained and fused.

Everything here turns on one line, ∂L/∂z = p − y. Names are imported when they are first used, so
`import pminusy` costs little more than NumPy.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from pminusy.errors import InputError, TableWarning
from pminusy.extras import missing_extra

if TYPE_CHECKING:
    from pminusy.api.array_functions import (
        cross_entropy,
        cross_entropy_grad,
        cross_entropy_hvp,
        cross_entropy_outputs,
        linear_cross_entropy,
        linear_cross_entropy_grad,
        linear_cross_entropy_hvp,
        linear_cross_entropy_outputs,
        log_softmax,
        logsumexp,
        softmax,
        softmax_jacobian,
    )
    from pminusy.api.audit import audit
    from pminusy.api.check import check
    from pminusy.api.explain import explain
    from pminusy.api.fit_table import fit_table
    from pminusy.api.onnx.converter import register_with_skl2onnx
    from pminusy.api.play import play
    from pminusy.api.quiz import quiz
    from pminusy.api.table_model import TableModel, load
    from pminusy.api.warm_up import warm_up
    from pminusy.estimators.calibration import reliability, temperature_scaling
    from pminusy.estimators.softmax_network import SoftmaxNetwork
    from pminusy.estimators.softmax_regression import SoftmaxRegression
    from pminusy.estimators.softmax_regression_cv import SoftmaxRegressionCV
    from pminusy.estimators.streams.blocks import Blocks
    from pminusy.kernels.dispatch import why
    from pminusy.kernels.runtime.threads import get_num_threads, set_num_threads
    from pminusy.mislabelled.quality import label_quality

__version__ = "0.1.0"

_HOMES = {
    "pminusy.api.audit": ("audit",),
    "pminusy.mislabelled.quality": ("label_quality",),
    "pminusy.api.check": ("check",),
    "pminusy.api.explain": ("explain",),
    "pminusy.api.fit_table": ("fit_table",),
    "pminusy.api.onnx.converter": ("register_with_skl2onnx",),
    "pminusy.api.play": ("play",),
    "pminusy.api.quiz": ("quiz",),
    "pminusy.api.table_model": ("TableModel", "load"),
    "pminusy.api.warm_up": ("warm_up",),
    "pminusy.kernels.dispatch": ("why",),
    "pminusy.estimators.calibration": ("reliability", "temperature_scaling"),
    "pminusy.estimators.softmax_network": ("SoftmaxNetwork",),
    "pminusy.estimators.softmax_regression": ("SoftmaxRegression",),
    "pminusy.estimators.softmax_regression_cv": ("SoftmaxRegressionCV",),
    "pminusy.estimators.streams.blocks": ("Blocks",),
    "pminusy.kernels.runtime.threads": ("get_num_threads", "set_num_threads"),
    "pminusy.api.array_functions": (
        "cross_entropy",
        "cross_entropy_grad",
        "cross_entropy_hvp",
        "cross_entropy_outputs",
        "linear_cross_entropy",
        "linear_cross_entropy_grad",
        "linear_cross_entropy_hvp",
        "linear_cross_entropy_outputs",
        "log_softmax",
        "logsumexp",
        "softmax",
        "softmax_jacobian",
    ),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Blocks",
    "InputError",
    "SoftmaxNetwork",
    "SoftmaxRegression",
    "SoftmaxRegressionCV",
    "TableModel",
    "TableWarning",
    "audit",
    "check",
    "cross_entropy",
    "cross_entropy_grad",
    "cross_entropy_hvp",
    "cross_entropy_outputs",
    "explain",
    "fit_table",
    "get_num_threads",
    "label_quality",
    "linear_cross_entropy",
    "linear_cross_entropy_grad",
    "linear_cross_entropy_hvp",
    "linear_cross_entropy_outputs",
    "load",
    "log_softmax",
    "logsumexp",
    "play",
    "quiz",
    "register_with_skl2onnx",
    "reliability",
    "set_num_threads",
    "softmax",
    "softmax_jacobian",
    "temperature_scaling",
    "warm_up",
    "why",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'pminusy' has no attribute {name!r}")
    try:
        value = getattr(importlib.import_module(_HOME_OF[name]), name)
    except ModuleNotFoundError as error:
        advice = missing_extra(error)
        if advice is None:
            raise
        raise advice from None
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
