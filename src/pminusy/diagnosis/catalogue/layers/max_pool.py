"""Mistakes in max pooling."""

# ruff: noqa: E501  # a table of sentences: one to a line
from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from pminusy.core import layers
from pminusy.diagnosis.catalogue.mistake import Mistake
from pminusy.diagnosis.catalogue.recipe import Record

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
    places = layers.max_pool(t["X"], t["size"], t["stride"])[1].places
    dX = np.zeros(t["X"].size)
    dX[places.ravel()] = t["g"].ravel()
    return dX.reshape(t["X"].shape)


def _pooled(t: Record) -> Any:
    return layers.max_pool(t["X"], t["size"], t["stride"])[0]


def _mask(t: Record) -> Any:
    cache = layers.max_pool(t["X"], t["size"], t["stride"])[1]
    return layers.max_pool_backward(np.ones_like(t["g"]), cache)


def _largest(t: Record) -> Any:
    dX = np.zeros_like(t["X"])
    for n, c in np.ndindex(*t["X"].shape[:2]):
        place = np.unravel_index(t["X"][n, c].argmax(), t["X"][n, c].shape)
        dX[n, c][place] = t["g"][n, c].sum()
    return dX


MAX_POOL = (
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
