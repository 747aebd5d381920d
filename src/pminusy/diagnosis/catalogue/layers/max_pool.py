"""Max pooling: its steps, its mistakes, and the inputs it is tried on."""

# ruff: noqa: E501  # a table of sentences: one to a line
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from pminusy.core import layers
from pminusy.diagnosis.catalogue.exercise import Ties, layer
from pminusy.diagnosis.catalogue.mistake import Mistake
from pminusy.diagnosis.catalogue.probes import Inputs, Probe, small_numbers
from pminusy.diagnosis.catalogue.recipe import Recipe, Record, Step

__all__ = ["MAX_POOL"]


def _windows(t: Record) -> Any:
    size, stride = t["size"], t["stride"]
    return sliding_window_view(t["X"], (size, size), axis=(2, 3))[:, :, ::stride, ::stride]


def _assigned(t: Record) -> Any:
    """`dx[window] = …`: the last window to touch an entry decides."""
    dX, size, stride = np.zeros_like(t["X"]), t["size"], t["stride"]
    for n, c, r, q in np.ndindex(*t["g"].shape):
        rows = slice(r * stride, r * stride + size)
        columns = slice(q * stride, q * stride + size)
        window = t["X"][n, c, rows, columns]
        dX[n, c, rows, columns] = t["g"][n, c, r, q] * (window == window.max())
    return dX


def _spread(t: Record) -> Any:
    dX, size, stride = np.zeros_like(t["X"]), t["size"], t["stride"]
    for n, c, r, q in np.ndindex(*t["g"].shape):
        rows = slice(r * stride, r * stride + size)
        dX[n, c, rows, q * stride : q * stride + size] += t["g"][n, c, r, q] / size**2
    return dX


def _entry_assigned(t: Record) -> Any:
    """`dx[arg-max] = g`: where windows share a maximum, only the last one counts."""
    places = _cache(t).places
    dX = np.zeros(t["X"].size)
    dX[places.ravel()] = t["g"].ravel()
    return dX.reshape(t["X"].shape)


def _pooled(t: Record) -> Any:
    return layers.max_pool(t["X"], t["size"], t["stride"])[0]


def _cache(t: Record) -> Any:
    return layers.max_pool(t["X"], t["size"], t["stride"])[1]


def _mask(t: Record) -> Any:
    return layers.max_pool_backward(np.ones_like(t["g"]), _cache(t))


def _largest(t: Record) -> Any:
    dX = np.zeros_like(t["X"])
    for n, c in np.ndindex(*t["X"].shape[:2]):
        place = np.unravel_index(t["X"][n, c].argmax(), t["X"][n, c].shape)
        dX[n, c][place] = t["g"][n, c].sum()
    return dX


_RECIPE = Recipe((
    Step("out", lambda t: _pooled(t), "maximum of each window", "where the output is computed"),
    Step("dL_dX", lambda t: layers.max_pool_backward(t["g"], _cache(t)),
         "g to the arg-max of its window; windows that overlap add up", "where the gradient of the inputs is computed"),
))  # fmt: skip

_MISTAKES = (
    Mistake(
        "max_pool.assigned", "dL_dX", _assigned, "dx[window] = …",
        "The windows' gradients are assigned, so overlapping windows overwrite each other: add them.",
        "Not every window counts.",
    ),
    Mistake(
        "max_pool.entry_assigned", "dL_dX", _entry_assigned, "dx[arg-max] = g",
        "Where overlapping windows share a maximum only the last gradient is left: add them.",
        "Not every window counts.",
    ),
    Mistake(
        "max_pool.spread", "dL_dX", _spread, "g / size², to every entry",
        "The gradient is spread over the window; it goes to the maximum alone.",
        "It is another pooling's gradient.",
    ),
    Mistake(
        "max_pool.average", "out", lambda t: _windows(t).mean((-1, -2)), "mean of each window",
        "The mean is taken, not the maximum.", "It is another function.",
    ),
    Mistake(
        "max_pool.starts_at_zero", "out", lambda t: np.maximum(_pooled(t), 0),
        "max(0, maximum of each window)",
        "The maximum starts at 0, so a window of negative numbers gives 0: start at its first entry.",
        "Negative windows are lost.",
    ),
    Mistake(
        "max_pool.gradient_of_largest", "dL_dX", _largest, "g to the largest entry of all",
        "The gradient goes to the largest entry of the image, not of the window.",
        "The maximum runs over too much.",
    ),
    Mistake(
        "max_pool.gradient_missing", "dL_dX", _mask, "1 at the arg-max",
        "The upstream gradient is missing: only the mask is returned.", "A factor is missing.",
    ),
    Mistake(
        "max_pool.minimum", "out", lambda t: _windows(t).min((-1, -2)), "minimum of each window",
        "The minimum is taken, not the maximum.", "It is another function.",
    ),
)  # fmt: skip


def _probe(rng: Any, name: str, size: int, stride: int, shape: tuple[int, int]) -> Probe:
    X = rng.permutation(2 * 3 * shape[0] * shape[1]).reshape(2, 3, *shape) / 7.0
    X -= 1.2 * X.mean()  # windows of negative numbers alone are among them
    out = [(side - size) // stride + 1 for side in shape]
    inputs = {"X": X, "size": size, "stride": stride, "g": rng.normal(size=(2, 3, *out))}
    return Probe(name, inputs)


def _ordinary() -> list[Probe]:
    rng = np.random.default_rng(3)
    return [
        _probe(rng, "windows side by side", 2, 2, (4, 6)),
        _probe(rng, "overlapping windows", 3, 1, (5, 6)),
        _probe(rng, "overlap, stride 2", 3, 2, (7, 5)),
    ]


def _small() -> Iterator[Inputs]:
    for height, width, size, stride in ((2, 2, 2, 1), (2, 3, 2, 1), (2, 4, 2, 2), (3, 3, 2, 1)):
        X = (np.arange(height * width) * 5 % 7 * 1.0).reshape(1, 1, height, width)
        out = [(side - size) // stride + 1 for side in (height, width)]
        yield {"X": X, "size": size, "stride": stride, "g": small_numbers(1, 1, *out)}


def _two_maxima() -> Ties:
    """Two windows side by side; the first has three maxima."""
    X = np.array([[2.0, 2.0, 1.0, 0.0], [1.0, 2.0, -3.0, -3.0]])
    upstream = np.array([3.0, 5.0])
    inputs = {
        "X": X.reshape(1, 1, 2, 4), "size": 2, "stride": 2, "g": upstream.reshape(1, 1, 1, 2),
    }  # fmt: skip
    every = np.repeat([2.0, 1.0], 2) == X
    weights = {
        "on ties the first maximum gets the gradient": [[1, 0, 1, 0], [0, 0, 0, 0]],
        "on ties the last maximum gets the gradient": [[0, 0, 1, 0], [0, 1, 0, 0]],
        "on ties every maximum gets the whole gradient": every,
        "on ties the maxima share the gradient": every / np.repeat([3.0, 1.0], 2),
    }  # fmt: skip
    choices = {
        said: (np.array(w) * np.repeat(upstream, 2)).reshape(1, 1, 2, 4)
        for said, w in weights.items()
    }
    return Ties("max_pool.ties", "where a window has two maxima", inputs, choices)


MAX_POOL = layer(
    "max pool", _RECIPE, _MISTAKES, functions="max_?pool(ing)?|pool",
    arguments=("X", "settings"),
    settings={"pool_height": "size", "pool_width": "size", "stride": "stride"},
    ordinary=_ordinary, small=_small, derivation="maxpool",
    lines={"out": "forward", "dL_dX": "da"}, ties=_two_maxima(),
)  # fmt: skip
