"""Σ_i w_i (diag(p_i) − p_i p_iᵀ) ⊗ x_i x_iᵀ: the Hessian of rows, all classes coupled.

Two ways to the blocks of different classes, symmetric in the classes and in the features:

    pairs     entry (k d, l e) is −Σ_i [w p_k p_l]_i [x_d x_e]_i: one matrix product of the
              K (K − 1) / 2 pairs of classes with the E (E + 1) / 2 pairs of features
    columns   −AᵀA with rows √w p ⊗ x

Pairs take half the multiplications; columns do without a long row of pairs where E is large.
The block of a class with itself is less the sum of the others in its row: 1 − p_k, where p_k is
nearly 1, would be rounding alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from pminusy.kernels.runtime import threads
from pminusy.training.passes.specification import TILE

__all__ = ["RowsOf", "coupled_hessian", "hessian_sums", "unfolded"]

Array = NDArray[Any]

_MOST_FEATURES = 160  # up to which pairs are formed: 12,880 of them
_LEAST_ROWS = 256  # a thread
_CHUNK = 4 << 20  # bytes of pairs, or columns, at a time


class RowsOf(Protocol):
    """Gives the rows from one number to another, columns of (E, m), (K, m) and (m,)."""

    def __call__(self, first: int, last: int) -> tuple[Array, Array, Array]:
        """x, p and w."""


def coupled_hessian(runs: Iterable[tuple[RowsOf, int]], K: int, E: int) -> Array:
    """The matrix (K E, K E) in float64, class after class; Σ_k p_k = 1.

    Parameters
    ----------
    runs
        Runs of rows: for each a function that gives parts of it that begin at multiples of 64, and
        how many rows there are. The type of x is the type of the arithmetic; sums of many rows are
        float64.
    K, E
        Numbers of classes and of features.
    """
    return unfolded(hessian_sums(runs, K, E), K, E)


def hessian_sums(runs: Iterable[tuple[RowsOf, int]], K: int, E: int) -> Array:
    """What rows add to the matrix, each entry once; sums of several sets of rows add up."""
    way = _by_pairs if E <= _MOST_FEATURES else _by_columns
    total: Any = None
    for take, rows in runs:
        sums = _over_threads(way, take, rows, K, E)
        total = sums if total is None else np.add(total, sums, out=total)
    return np.asarray(total)


def unfolded(total: Array, K: int, E: int) -> Array:
    """The matrix (K E, K E) of the sums of all rows."""
    H = _unfold(total, K, E) if E <= _MOST_FEATURES else total
    for k in range(K):
        H[k, :, k, :] = 0.0
        H[k, :, k, :] = -H[k].sum(axis=1)
    return np.asarray(H.reshape(K * E, K * E))


def _over_threads(way: Any, take: RowsOf, rows: int, K: int, E: int) -> Array:
    """Sums of one run of rows, a share a thread."""
    parts = min(threads.get_num_threads(), max(1, rows // _LEAST_ROWS))
    tiles = -(-rows // TILE)
    sums: list[Any] = [None] * parts

    def work(part: int) -> None:
        first, last = (TILE * (tiles * i // parts) for i in (part, part + 1))
        sums[part] = way(take, first, min(last, rows), K, E)

    threads.run(work, parts)
    return np.asarray(sum(sums[1:], start=sums[0]))


def _by_pairs(take: RowsOf, first: int, last: int, K: int, E: int) -> Array:
    """(K (K − 1) / 2, E (E + 1) / 2): pairs of classes by pairs of features."""
    classes, features = _Pairs.of(K - 1), _Pairs.of(E)  # (k, l) of the first: classes k and l + 1
    out = np.zeros((classes.number, features.number))
    most = _chunk(classes.number + features.number)
    P = Q = np.empty((0, 0))
    for start in range(first, last, most):
        x, p, w = take(start, min(start + most, last))
        m = w.size
        if not P.size:
            P, Q = (np.empty((pairs.number, m), x.dtype) for pairs in (classes, features))
        for d in range(E):
            np.multiply(x[d], x[d:], out=Q[features.start[d] : features.start[d + 1], :m])
        for k in range(K - 1):
            here = P[classes.start[k] : classes.start[k + 1], :m]
            np.multiply(-w * p[k], p[k + 1 :], out=here)
        out += P[:, :m] @ Q[:, :m].T
    return out


def _by_columns(take: RowsOf, first: int, last: int, K: int, E: int) -> Array:
    H = np.zeros((K * E, K * E))
    most = _chunk(K * E)
    for start in range(first, last, most):
        x, p, w = take(start, min(start + most, last))
        x = x * np.sqrt(w)
        A = (p[:, None, :] * x).reshape(K * E, -1)
        H -= A @ A.T
    return H.reshape(K, E, K, E)


def _chunk(columns: int) -> int:
    """Rows at a time, whole tiles."""
    return TILE * max(1, _CHUNK // (8 * TILE * columns))


class _Pairs(NamedTuple):
    """Pairs (i, j) with i ≤ j < size, in the order of their rows."""

    start: Array  # (size + 1,): where the pairs of each i begin
    number: int

    @classmethod
    def of(cls, size: int) -> _Pairs:
        start = np.concatenate([[0], np.cumsum(size - np.arange(size))])
        return cls(start, int(start[-1]))


def _unfold(pairs: Array, K: int, E: int) -> Array:
    """Blocks (K, E, K, E) of different classes from one entry a pair."""
    at = np.empty((E, E), np.intp)
    upper = np.triu_indices(E)
    at[upper] = at[upper[::-1]] = np.arange(pairs.shape[1])
    H = np.empty((K, E, K, E))
    row = 0
    for k in range(K):
        for m in range(k + 1, K):
            H[k, :, m, :] = H[m, :, k, :] = pairs[row][at]
            row += 1
    return H
