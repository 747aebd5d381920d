"""Which implementation a part of training runs on: `kernels.dispatch` decides, as for the head.

Each part has two modules with the same functions: a specification in NumPy and a compiled twin,
which is loaded only where it is chosen.
"""

from __future__ import annotations

import importlib
from types import ModuleType

from pminusy.kernels import dispatch

__all__ = ["implementation"]

_MODULES = {
    "passes": ("passes.specification", "passes.compiled.passes"),
    "non_negligible": ("passes.non_negligible", "passes.compiled.non_negligible"),
    "dual": ("dual.specification", "dual.compiled"),
    "lasso": ("solvers.l1.coordinate_descent", "solvers.l1.compiled_coordinate_descent"),
}


def implementation(part: str, multiplications: int, small: int = 0) -> ModuleType:
    """The module for a part of training: "passes", "non_negligible", "dual" or "lasso".

    With fewer than `small` multiplications, loading what is compiled would cost more.
    """
    chosen = dispatch.decide(multiplications, small, lambda: f"{multiplications:,} multiplications")
    specification, compiled = _MODULES[part]
    return importlib.import_module(
        f"pminusy.training.{specification if chosen.name == 'core' else compiled}"
    )
