"""LAPACK's Cholesky factor, solves and inverse, as SciPy wraps them, without the rest of SciPy.

`scipy.linalg` imports so much else that this would take most of the time of a small fit.
"""

from __future__ import annotations

from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader, FileFinder
from importlib.util import module_from_spec
from pathlib import Path
from typing import Any

import scipy

__all__ = ["dpotrf", "dpotri", "dpotrs", "dtrtrs"]


def _wrapped() -> Any:
    """SciPy's compiled module of LAPACK; through `scipy.linalg` if it is not where it was."""
    folder = Path(scipy.__file__).with_name("linalg")
    spec = FileFinder(str(folder), (ExtensionFileLoader, EXTENSION_SUFFIXES)).find_spec("_flapack")
    if spec is None or spec.loader is None:
        return scipy.linalg.lapack
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_LAPACK = _wrapped()
dpotrf, dpotri, dpotrs = _LAPACK.dpotrf, _LAPACK.dpotri, _LAPACK.dpotrs
dtrtrs = _LAPACK.dtrtrs
