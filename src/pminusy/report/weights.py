"""The class × feature weights as a table that fits a page: the largest where there are many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Grid", "grid", "largest"]

Array = NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Some entries of a (K, D) array: features down, classes across.

    `values` and `depths` have shape (features, classes); a depth is |value| over the largest of
    the whole array, the strength of a cell's colour.
    """

    features: list[int]
    classes: list[int]
    values: list[list[float]]
    depths: list[list[float]]


def grid(
    A: Array, features: int, classes: int, keep: tuple[int, ...] = (), *, by_size: bool = False
) -> Grid:
    """The part of A (K, D) with the largest absolute entries, in the order of the table.

    Parameters
    ----------
    A
        Weights or their gradient, shape (K, D).
    features, classes
        How many of each to show at most.
    keep
        Classes to show in any case.
    by_size
        Whether features come by their largest entry instead.
    """
    size = np.abs(A.astype(np.float64))
    d = largest(size.max(axis=0, initial=0.0), features)
    d = d if by_size else sorted(d)
    k = sorted(largest(size.max(axis=1, initial=0.0), classes, keep))
    top = size.max(initial=0.0) or 1.0
    part = A[np.ix_(k, d)].T.astype(np.float64)
    return Grid(d, k, part.tolist(), (np.abs(part) / top).tolist())


def largest(size: Array, limit: int, keep: tuple[int, ...] = ()) -> list[int]:
    """Indices of the `limit` largest entries, largest first; `keep` leads, whatever its size."""
    order = np.argsort(-size, kind="stable").tolist()
    return [*keep, *(i for i in order if i not in keep)][:limit]
