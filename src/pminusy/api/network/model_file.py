"""Hidden layers as arrays and JSON of a model file.

`hidden.L.weight` (out, in) and `hidden.L.bias` of layer L from 1, `norm.L.gamma`, `.beta`, `.mean`
and `.variance` where level L is normalised; the JSON has the activation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pminusy.errors import InputError

if TYPE_CHECKING:
    from pminusy.training.network.hidden import HiddenLayers

__all__ = ["decoded", "encoded"]

Array = NDArray[Any]

_NORM = ("gamma", "beta", "mean", "variance")


def encoded(hidden: HiddenLayers) -> tuple[dict[str, Array], dict[str, Any]]:
    """Arrays by name, and what the metadata says of them."""
    arrays: dict[str, Array] = {}
    for level, (W, b) in enumerate(zip(hidden.coefs, hidden.intercepts, strict=True), start=1):
        arrays[f"hidden.{level}.weight"] = np.ascontiguousarray(W.T)
        arrays[f"hidden.{level}.bias"] = b
    for norm in hidden.norms:
        arrays |= {f"norm.{norm.level}.{name}": getattr(norm, name) for name in _NORM}
    return arrays, {"activation": hidden.activation, "layers": len(hidden.coefs)}


def decoded(what: str, arrays: dict[str, Array], about: object, features: int) -> Any:
    """The `HiddenLayers` of a file for so many features; None where the metadata names none.

    Raises
    ------
    InputError
        Layers that are missing or do not fit each other.
    """
    if about is None:
        return None
    from pminusy.training.network.hidden import HiddenLayers, LevelNorm
    from pminusy.training.network.layout import ACTIVATIONS

    activation, count = _described(what, about, ACTIVATIONS, len(arrays))
    coefs: list[Array] = []
    intercepts: list[Array] = []
    norms: list[LevelNorm] = []
    inputs = features
    for level in range(1, count + 1):
        W = arrays.get(f"hidden.{level}.weight")
        if W is None or W.ndim != 2 or W.shape[1] != inputs:
            raise _unfit(what, f"hidden.{level}.weight", f"(units, {inputs})", W)
        inputs = W.shape[0]
        coefs.append(np.ascontiguousarray(W.T.astype(np.float64)))
        intercepts.append(_vector(what, arrays, f"hidden.{level}.bias", inputs))
        if f"norm.{level}.gamma" in arrays:
            parts = (_vector(what, arrays, f"norm.{level}.{name}", inputs) for name in _NORM)
            norms.append(LevelNorm(level, *parts))
            if (norms[-1].variance < 0).any():
                name = f"{what}: norm.{level}.variance"
                raise InputError(name, "variances ≥ 0", "others", "fit it again")
    return HiddenLayers(tuple(coefs), tuple(intercepts), activation, tuple(norms))


def _described(
    what: str, about: object, activations: tuple[str, ...], most: int
) -> tuple[str, int]:
    known = isinstance(about, dict) and about.get("activation") in activations
    count = about.get("layers") if isinstance(about, dict) else None
    if not known or type(count) is not int or not 0 < count <= most:
        expected = "an activation and a number of hidden layers"
        raise InputError(f"{what}: network", expected, "something else", "fit it again")
    assert isinstance(about, dict)
    return str(about["activation"]), count


def _vector(what: str, arrays: dict[str, Array], name: str, units: int) -> Array:
    found = arrays.get(name)
    if found is None or found.shape != (units,):
        raise _unfit(what, name, f"({units},)", found)
    return found.astype(np.float64)


def _unfit(what: str, name: str, shape: str, found: Array | None) -> InputError:
    got = "nothing" if found is None else str(found.shape)
    return InputError(f"{what}: {name}", f"shape {shape}", got, "fit it again")
