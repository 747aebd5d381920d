"""Former place of `pminusy.training` and `pminusy.estimators`: old imports and pickles still load.

Every name taken from here warns (DeprecationWarning) and says where it is now.
"""

from __future__ import annotations

import importlib
import sys
import warnings
from types import ModuleType
from typing import Any

_MOVED = {
    "softmax_regression": "pminusy.estimators.softmax_regression",
    "softmax_regression_cv": "pminusy.estimators.softmax_regression_cv",
    "cross_validation": "pminusy.estimators.cross_validation",
    "calibration": "pminusy.estimators.calibration",
    "inference": "pminusy.estimators.inference",
    "model_file": "pminusy.estimators.model_file",
    "scores": "pminusy.estimators.scores",
    "coordinates": "pminusy.training.coordinates",
    "solvers": "pminusy.training.solvers",
    "solvers.solution": "pminusy.training.solvers.solution",
    "solvers.stochastic": "pminusy.training.solvers.stochastic",
}


class _Moved(ModuleType):
    """A module under its former name."""

    __path__: list[str] = []  # noqa: RUF012  # makes it a package: `solvers` has submodules

    def __init__(self, name: str, now: str) -> None:
        super().__init__(name, f"Former name of `{now}`.")
        self._now = now

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(self._now), name)
        message = f"{self.__name__} has moved: import {name} from {self._now}"
        warnings.warn(message, DeprecationWarning, stacklevel=2)
        return value


for _name, _now in _MOVED.items():
    sys.modules[f"{__name__}.{_name}"] = _Moved(f"{__name__}.{_name}", _now)
