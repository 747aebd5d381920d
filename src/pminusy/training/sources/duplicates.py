"""Equal rows of a dense X with equal labels, found by fingerprints and checked entry by entry.

Tables of few distinct values repeat themselves: a log of half a million connections had 145,587
different rows. A fit of the rest, weighted, is the same fit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pminusy.kernels.runtime import threads
from pminusy.training.implementation import implementation

__all__ = ["merge_rows"]

_SMALLEST = 20_000  # rows: below, a fit is over before rows are compared
_SAMPLE = 4096
_WORTH = 0.6  # merged only if at most this share of the rows is left
_CHUNK = 8192


def merge_rows(
    X: NDArray[Any], labels: NDArray[Any]
) -> tuple[NDArray[np.int64], NDArray[np.intp]] | None:
    """Rows to keep, and for each row which of those it equals; None where too few are equal.

    A sample says whether it is worth looking at all rows. Rows with the same fingerprint that
    differ all the same are kept apart.
    """
    N = X.shape[0]
    if N < _SMALLEST or X.shape[1] == 0:
        return None
    # A row of the sample meets its likes with a chance of only _SAMPLE / N each: few meetings are
    # a sign already. A run of neighbours, often equal in logs, is looked at as well.
    some = np.concatenate([np.arange(_SAMPLE) * N // _SAMPLE, np.arange(_SAMPLE)])
    if np.unique(_fingerprints(X[some], labels[some])).size > 0.95 * np.unique(some).size:
        return None
    marks = _fingerprints(X, labels)
    _, first, group = np.unique(marks, return_index=True, return_inverse=True)
    if first.size > _WORTH * N:
        return None
    same = _equal(X, first[group], np.arange(N)) & (labels == labels[first[group]])
    apart = np.flatnonzero(~same)
    if first.size + apart.size > _WORTH * N:
        return None
    group[apart] = first.size + np.arange(apart.size)
    return np.concatenate([first, apart]).astype(np.int64), group


def _fingerprints(X: NDArray[Any], labels: NDArray[Any]) -> NDArray[np.uint64]:
    passes = implementation("passes", X.size)
    bits = X.view(np.dtype(f"u{X.dtype.itemsize}"))
    random = np.random.default_rng(0)
    factors = random.integers(1, 2**63, X.shape[1] + 1, np.uint64) * np.uint64(2) + np.uint64(1)
    out = np.empty(X.shape[0], np.uint64)

    def work(part: int) -> None:
        rows = slice(part * _CHUNK, (part + 1) * _CHUNK)
        passes.fingerprints(bits[rows], factors, out[rows])

    threads.run(work, -(-X.shape[0] // _CHUNK))
    return np.asarray(out + labels.astype(np.uint64) * factors[-1])


def _equal(X: NDArray[Any], a: NDArray[np.intp], b: NDArray[np.intp]) -> NDArray[np.bool_]:
    passes = implementation("passes", X.size)
    out = np.empty(a.size, np.bool_)

    def work(part: int) -> None:
        rows = slice(part * _CHUNK, (part + 1) * _CHUNK)
        passes.equal_rows(X, a[rows], b[rows], out[rows])

    threads.run(work, -(-a.size // _CHUNK))
    return out
