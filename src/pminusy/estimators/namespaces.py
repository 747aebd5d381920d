"""Arrays of other libraries in and out, where scikit-learn's `array_api_dispatch` is on.

Everything is computed by NumPy and our kernels; what users see is in the library, and on the
device, of their X.
"""

from __future__ import annotations

import sys
from typing import Any, NamedTuple

import numpy as np

from pminusy.errors import InputError

__all__ = ["Namespace", "namespace_of", "require_same_namespace", "returned", "to_numpy"]


class Namespace(NamedTuple):
    """A library of arrays, and a device of it."""

    xp: Any
    device: Any

    def __str__(self) -> str:
        return f"{self.xp.__name__} on {self.device}"


def namespace_of(array: Any) -> Namespace | None:
    """Where an array is from; None for NumPy, lists, frames, sparse matrices, or dispatch off."""
    if isinstance(array, np.ndarray | np.generic) or not hasattr(array, "__dlpack__"):
        return None
    sklearn = sys.modules.get("sklearn")  # whoever has switched dispatch on has imported it
    if sklearn is None or not sklearn.get_config()["array_api_dispatch"]:
        return None
    from sklearn.utils._array_api import get_namespace_and_device

    xp, _, device = get_namespace_and_device(array)
    return Namespace(xp, device)


def to_numpy(array: Any) -> Any:
    """An array of another library as NumPy's; everything else as it is."""
    space = namespace_of(array)
    if space is None:
        return array
    from sklearn.utils._array_api import _convert_to_numpy

    plain = array.detach() if hasattr(array, "detach") else array
    return np.asarray(_convert_to_numpy(plain, space.xp))


def returned(array: Any, space: Namespace | None) -> Any:
    """A NumPy array in a namespace; text stays NumPy's."""
    if space is None or array.dtype.kind not in "biufc":
        return array
    return space.xp.asarray(array, device=space.device)


def require_same_namespace(X: Any, fitted: Any) -> Namespace | None:
    """The namespace of X, which must be that of what was fitted."""
    given, known = namespace_of(X), namespace_of(fitted)
    if given != known:
        raise InputError(
            "X",
            f"an array of the namespace and device used during fit ({known or 'NumPy'})",
            f"one of {given or 'NumPy'}",
            "convert X, or fit on arrays of its kind",
        )
    return given
