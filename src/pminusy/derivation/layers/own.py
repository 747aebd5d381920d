"""Layers whose weights come from a file: "linear,relu,batchnorm:test,linear@out".

Words are those of `description`; linear, conv, batchnorm and embedding take their sizes from their
arrays: `conv/2+1` has a stride and a padding alone. Arrays have torch's names, "0.weight",
"1.running_mean"; what stands before the last point is a layer, and layers are taken in the order
of those names (2 before 10), or as `word@name` says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from pminusy.derivation.layers.description import LayerSpec, parse_layers
from pminusy.derivation.layers.run import run
from pminusy.errors import InputError

__all__ = ["layers_of_arrays", "with_masks"]

_EPS = 1e-5
_LETTERS = {
    "linear": {"weight": "W", "bias": "b"},
    "conv": {"weight": "W", "bias": "b"},
    "batchnorm": {
        "weight": "gamma", "bias": "beta", "running_mean": "mu", "running_var": "var",
    },
    "embedding": {"weight": "E"},
}  # fmt: skip
_UNUSED = ("num_batches_tracked",)
_WINDOWS = re.compile(r"(/(?P<stride>\d+(x\d+)?))?(\+(?P<padding>\d+(x\d+)?))?")


def layers_of_arrays(
    words: str, arrays: Mapping[str, Any], positions: tuple[int, ...] = ()
) -> list[LayerSpec]:
    """Layers in the order of the words, each with its arrays; `positions` are those of codes.

    Raises
    ------
    InputError
        A word that is no layer, arrays that are missing, left over or not finite.
    """
    groups = _groups(arrays)
    found: list[LayerSpec] = []
    for text in (part.strip() for part in words.split(",")):
        word, at, name = text.partition("@")
        kind = re.split(r"[:/+]", word)[0]
        if kind not in _LETTERS:
            found.extend(parse_layers(word))
            continue
        if not at:
            name = next(iter(groups), "")
        if name not in groups:
            raise InputError(f"network-layers, {text}", "arrays for it in the file", _left(groups))
        found.append(_spec(text, kind, word[len(kind) :], groups.pop(name), positions))
    if groups:
        raise InputError("network-layers", "a layer for all arrays of the file", _left(groups))
    return found


def _left(groups: Mapping[str, Any]) -> str:
    return f"{', '.join(groups)} left over" if groups else "none left"


def _groups(arrays: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Arrays by layer, layers in the order of their names."""
    groups: dict[str, dict[str, Any]] = {}
    for key in sorted(arrays, key=_natural):
        name, _, part = key.rpartition(".")
        if part in _UNUSED:
            continue
        array = np.asarray(arrays[key], dtype=np.float64)
        if not np.isfinite(array).all():
            raise InputError(key, "finite numbers", "NaN or infinity")
        groups.setdefault(name, {})[part] = array
    return groups


def _natural(key: str) -> list[tuple[int, str]]:
    return [(int(part or 0) if part.isdigit() else 0, part) for part in re.split(r"(\d+)", key)]


def _spec(
    text: str, kind: str, rest: str, arrays: dict[str, Any], positions: tuple[int, ...]
) -> LayerSpec:
    letters = _LETTERS[kind]
    unknown = [name for name in arrays if name not in letters]
    if unknown:
        expected = f"{', '.join(letters)} for {text}"
        raise InputError("network", expected, unknown[0])
    given = {letters[name]: array for name, array in arrays.items()}
    if kind == "batchnorm":
        return _batch_norm(text, rest, given)
    if letters["weight"] not in given:
        raise InputError("network", f"a weight for {text}", ", ".join(arrays))
    axes = {"linear": (2,), "embedding": (2,), "conv": (3, 4)}[kind]
    if given[letters["weight"]].ndim not in axes:
        shape = given[letters["weight"]].shape
        raise InputError(f"weight of {text}", f"{axes[0]} axes", f"shape {shape}")
    windows = _WINDOWS.fullmatch(rest if kind == "conv" else "")
    if windows is None or (kind != "conv" and rest):
        raise InputError("network-layers", f"{kind}, its sizes being those of its weight", text)
    return LayerSpec(
        text, kind, positions if kind == "embedding" else (), _sizes(windows["stride"]),
        _sizes(windows["padding"]), given=given,
    )  # fmt: skip


def _sizes(text: str | None) -> tuple[int, ...]:
    return tuple(map(int, text.split("x"))) if text else ()


def _batch_norm(text: str, rest: str, given: dict[str, Any]) -> LayerSpec:
    if rest not in ("", ":test"):
        raise InputError("network-layers", "batchnorm or batchnorm:test", text)
    test = rest == ":test"
    if test and not {"mu", "var"} <= given.keys():
        raise InputError("network", f"running_mean and running_var for {text}", "none")
    kept = {key: array for key, array in given.items() if test or key not in ("mu", "var")}
    return LayerSpec(text, "batchnorm", test=test, given={**kept, "eps": _EPS})


def with_masks(specs: list[LayerSpec], x: Any, seed: int) -> list[LayerSpec]:
    """The same, each dropout with the mask that the seed draws for this input."""
    masks = {each.place: each.values["mask"] for each in run(specs, x, seed)
             if each.form.kind == "dropout"}  # fmt: skip
    return [
        replace(spec, given={"mask": masks[place]}) if place in masks else spec
        for place, spec in enumerate(specs)
    ]
