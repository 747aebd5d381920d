"""Rows with the same features, or nearly, and another label."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

__all__ = ["Neighbour", "contradictions", "nearest"]

Array = NDArray[Any]

_BLOCK = 1 << 24  # numbers of a block of distances
_TYPICAL = 200  # rows whose nearest others say what is near


class Neighbour(NamedTuple):
    """The nearest other row of a row.

    Attributes
    ----------
    row
        Its place.
    distance
        Euclidean, of the features.
    near
        Nearer than half of what is usual between a row and its nearest.
    """

    row: int
    distance: float
    near: bool


def contradictions(X: Any, y: Array) -> list[Array]:
    """Groups of rows whose features are equal and whose labels are not; places, ascending."""
    _, first, group = np.unique(_keys(X), return_index=True, return_inverse=True)
    group = group.ravel()
    differs = np.zeros(first.size, bool)
    np.logical_or.at(differs, group, y != y[first[group]])
    order = np.argsort(group, kind="stable")
    bounds = np.searchsorted(group[order], np.flatnonzero(differs), side="left")
    ends = np.searchsorted(group[order], np.flatnonzero(differs), side="right")
    return [np.sort(order[a:b]) for a, b in zip(bounds, ends, strict=True)]


def _keys(X: Any) -> Array:
    """A value for each row that is equal where the rows are."""
    if not sp.issparse(X):
        whole = np.ascontiguousarray(X) + 0.0  # −0.0 is 0.0
        return whole.view(np.dtype((np.void, whole.dtype.itemsize * whole.shape[1])))[:, 0]
    rows = sp.csr_array(X)
    rows.eliminate_zeros()
    rows.sort_indices()
    return np.array([
        hash((rows.indices[a:b].tobytes(), rows.data[a:b].tobytes()))
        for a, b in zip(rows.indptr[:-1], rows.indptr[1:], strict=True)
    ])  # fmt: skip


def nearest(X: Any, rows: Array, seed: int = 0) -> list[Neighbour]:
    """The nearest other row of each of some rows, among all of them."""
    N = X.shape[0]
    if N < 2:
        return []
    sample = np.random.default_rng(seed).choice(N, min(N, _TYPICAL), replace=False)
    usual = float(np.median(_closest(X, sample)[1]))
    places, distances = _closest(X, rows)
    return [
        Neighbour(int(place), float(distance), bool(distance <= usual / 2))
        for place, distance in zip(places, distances, strict=True)
    ]


def _closest(X: Any, rows: Array) -> tuple[Array, Array]:
    """Place and distance of the nearest other row of each of some rows."""
    squares = _squares(X)
    places, distances = np.empty(rows.size, np.intp), np.empty(rows.size)
    step = max(1, _BLOCK // X.shape[0])
    for first in range(0, rows.size, step):
        block = rows[first : first + step]
        product = X[block] @ X.T
        product = product.toarray() if sp.issparse(product) else np.asarray(product)
        apart = squares[block][:, None] + squares - 2 * product
        apart[np.arange(block.size), block] = np.inf
        best = apart.argmin(axis=1)
        places[first : first + step] = best
        distances[first : first + step] = [
            _distance(X, i, j) for i, j in zip(block, best, strict=True)
        ]
    return places, distances


def _squares(X: Any) -> Array:
    if sp.issparse(X):
        return np.asarray(X.multiply(X).sum(axis=1)).ravel()
    return np.asarray(np.einsum("ij,ij->i", X, X))


def _distance(X: Any, i: int, j: int) -> float:
    """Without the cancellation of |a|² + |b|² − 2ab."""
    apart = X[[i]] - X[[j]]
    return float(np.linalg.norm(apart.toarray() if sp.issparse(apart) else apart))
