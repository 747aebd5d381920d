"""Rows with the same features, or nearly, and another label."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

__all__ = ["Neighbour", "contradictions", "disagreeing", "nearest"]

Array = NDArray[Any]

_BLOCK = 1 << 22  # numbers of a block of distances, or of rows
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
    """Groups of rows whose features are equal and whose labels are not; places, ascending.

    Rows that are read by slices are taken for equal where two hashes of 64 bits are.
    """
    groups = _groups(_hashes(X), y)
    if not groups or isinstance(X, np.ndarray) or sp.issparse(X):
        again = [_equal(X[part]) for part in groups]  # rows of one hash may differ
    else:
        others = _hashes(X, seed=1)
        again = [others[part] for part in groups]
    return [
        part[members]
        for part, keys in zip(groups, again, strict=True)
        for members in _groups(keys, y[part])
    ]


def _groups(keys: Array, y: Array) -> list[Array]:
    """Places (ascending) of the rows of each key that has several labels."""
    _, first, group = np.unique(keys, return_index=True, return_inverse=True)
    group = group.ravel()
    differs = np.zeros(first.size, bool)
    np.logical_or.at(differs, group, y != y[first[group]])
    order = np.argsort(group, kind="stable")
    bounds = np.searchsorted(group[order], np.flatnonzero(differs), side="left")
    ends = np.searchsorted(group[order], np.flatnonzero(differs), side="right")
    return [np.sort(order[a:b]) for a, b in zip(bounds, ends, strict=True)]


def _hashes(X: Any, seed: int = 0) -> Array:
    """A number for each row that is equal where the rows are; blocks of rows at a time."""
    if sp.issparse(X):
        return np.array([hash(key) for key in _sparse_keys(X)])
    N, D = X.shape
    drawn = np.random.default_rng(seed).integers(0, 1 << 63, D, np.uint64)
    odd = drawn * np.uint64(2) + np.uint64(1)
    found = np.empty(N, np.uint64)
    step = max(1, _BLOCK // (8 * D))
    for first in range(0, N, step):
        part = X[first : first + step]
        dense = np.asarray(part.toarray() if sp.issparse(part) else part, np.float64)
        words = (dense + 0.0).view(np.uint64)  # −0.0 is 0
        words ^= words >> np.uint64(32)  # digits of simple numbers are all in the upper half
        found[first : first + step] = (words * odd).sum(axis=1, dtype=np.uint64)
    return found


def _equal(X: Any) -> Array:
    """A number for each of some rows: the same for equal rows alone."""
    if sp.issparse(X):
        return np.unique(np.array([repr(key) for key in _sparse_keys(X)]), return_inverse=True)[1]
    return np.asarray(np.unique(np.asarray(X) + 0.0, axis=0, return_inverse=True)[1]).ravel()


def _sparse_keys(X: Any) -> list[tuple[bytes, bytes]]:
    rows = sp.csr_array(X, copy=True)
    rows.eliminate_zeros()
    rows.sort_indices()
    return [
        (rows.indices[a:b].tobytes(), rows.data[a:b].tobytes())
        for a, b in zip(rows.indptr[:-1], rows.indptr[1:], strict=True)
    ]


def nearest(X: Any, rows: Array, seed: int = 0) -> list[Neighbour]:
    """The nearest other row of each of some rows, among all of them."""
    if X.shape[0] < 2:
        return []
    near = _usual(X, seed) / 2
    places, distances = _closest(X, rows)
    return [
        Neighbour(int(place), float(distance), bool(distance <= near))
        for place, distance in zip(places, distances, strict=True)
    ]


def disagreeing(X: Any, y: Array, rows: Array, seed: int = 0) -> list[tuple[int, Neighbour]]:
    """Of some rows those that are near a row with another label, each with the nearest such."""
    if rows.size == 0 or np.unique(y).size < 2:
        return []
    near = _usual(X, seed) / 2
    places, distances = _closest(X, rows, y)
    return [
        (int(row), Neighbour(int(place), float(distance), True))
        for row, place, distance in zip(rows, places, distances, strict=True)
        if distance <= near
    ]


def _usual(X: Any, seed: int) -> float:
    """What is usual between a row and its nearest other."""
    N = X.shape[0]
    sample = np.random.default_rng(seed).choice(N, min(N, _TYPICAL), replace=False)
    return float(np.median(_closest(X, sample)[1]))


def _closest(X: Any, rows: Array, y: Array | None = None) -> tuple[Array, Array]:
    """Place and distance of the nearest other row of each of some rows; of another label by `y`."""
    own = X[rows]  # (n, D)
    own = own if sp.issparse(own) else _as_float(own)
    lengths = _squares(own)
    places, least = np.zeros(rows.size, np.intp), np.full(rows.size, np.inf)
    step = max(1, min(_BLOCK // max(1, rows.size), _BLOCK // X.shape[1]))
    for first in range(0, X.shape[0], step):
        block = X[first : first + step]
        block = block if sp.issparse(block) else _as_float(block)
        product: Any = own @ block.T
        product = product.toarray() if sp.issparse(product) else product
        apart = lengths[:, None] + _squares(block) - 2 * product
        inside = np.flatnonzero((rows >= first) & (rows < first + step))
        apart[inside, rows[inside] - first] = np.inf
        if y is not None:
            apart[y[rows][:, None] == y[first : first + step]] = np.inf
        best = apart.argmin(axis=1)
        nearer = apart[np.arange(rows.size), best] < least
        places[nearer] = first + best[nearer]
        least[nearer] = apart[np.flatnonzero(nearer), best[nearer]]
    distances = [_distance(X, int(i), int(j)) for i, j in zip(rows, places, strict=True)]
    return places, np.where(np.isfinite(least), distances, np.inf)


def _as_float(X: Any) -> Array:
    """Rows as numbers to calculate with: half precision and whole numbers as float64."""
    found: Array = np.asarray(X)
    return found if found.dtype in (np.float32, np.float64) else found.astype(np.float64)


def _squares(X: Any) -> Array:
    if sp.issparse(X):
        return np.asarray(X.multiply(X).sum(axis=1)).ravel()
    return np.asarray(np.einsum("ij,ij->i", X, X))


def _distance(X: Any, i: int, j: int) -> float:
    """Without the cancellation of |a|² + |b|² − 2ab."""
    a, b = X[[i]], X[[j]]
    if sp.issparse(a):
        return float(np.linalg.norm((a - b).toarray()))
    return float(np.linalg.norm(_as_float(a) - _as_float(b)))
