"""Which coordinates a solver works in: centred features of size one where X is dense."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pminusy.errors import InputError
from pminusy.training.coordinates import Coordinates
from pminusy.training.passes.caller import Passes
from pminusy.training.sources.protocol import Source

__all__ = ["choose_coordinates"]

Array = NDArray[Any]
_LARGEST = 1e150  # size of a feature, in the quadratic mean
_CANCELLED = 1e-4  # share of the mean square below which the variance is taken about the mean
_SMALL = 1 << 18  # numbers that are squared at once


def choose_coordinates(source: Source, *, fit_intercept: bool) -> Coordinates:
    """Centred, scaled coordinates for dense features; sparse ones are left alone."""
    D = source.features
    scale, centre = np.ones(D), np.zeros(D)
    if not source.sparse:
        if source.moments is not None:
            mean, variance = source.moments
            _refuse_huge(variance + mean**2)
            centre, square = mean, variance if fit_intercept else variance + mean**2
        else:
            with np.errstate(over="ignore", invalid="ignore"):
                mean, square = _moments(source)
            _refuse_huge(square)
            if fit_intercept:
                centre = mean
                square = square - mean**2
                far = square < _CANCELLED * mean**2
                if far.any():
                    centre, square = _about_mean(source, centre, square, far)
        usable = square > 1e-28 * np.maximum(mean**2, np.finfo(float).tiny)
        scale = np.where(usable, np.sqrt(np.maximum(square, 0.0)), 1.0)
        scale[~(scale > 1e-150)] = 1.0
    return Coordinates(
        scale, centre, source.classes, fit_intercept=fit_intercept, features_first=source.sparse
    )


def _moments(source: Source) -> tuple[Array, Array]:
    """Weighted means of every feature and of its square."""
    if source.rows * source.features > _SMALL:
        return Passes(source, np.float64, 0).moments()
    (block,) = source.blocks()
    omega = block.targets.omega
    X = np.asarray(block.X, np.float64)
    return omega @ X / omega.sum(), omega @ (X * X) / omega.sum()


def _refuse_huge(square: Array) -> None:
    """Refuse features (D,) whose squares, and those of their gradients, float64 does not hold."""
    if square.size and not square.max() <= _LARGEST**2:
        column = int(np.argmax(~(square <= _LARGEST**2)))
        got = f"larger ones in column {column}"
        raise InputError(
            "X", f"numbers up to about {_LARGEST:g} in size", got, "divide it by a large number"
        )


def _about_mean(source: Source, mean: Array, square: Array, far: Array) -> tuple[Array, Array]:
    """Mean and variance anew for columns so far from 0 that the mean of squares tells nothing."""
    mean, square = mean.copy(), square.copy()
    first, total = mean[far], source.total_mass
    for X, _, S, _ in source.portions():
        mean[far] += (S / total) @ (X[:, far].astype(np.float64) - first)
    square[far] = 0.0
    for X, _, S, _ in source.portions():
        square[far] += (S / total) @ np.square(X[:, far].astype(np.float64) - mean[far])
    return mean, square
