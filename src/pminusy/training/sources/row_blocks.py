"""Rows as they are read: runs of them, brought to one size, whatever the size they come in.

Sums over rows depend on how rows are grouped, by rounding. So blocks of any size, of one row and of
none among them, are regrouped, and a fit is the same to the last bit for any of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

__all__ = ["RowBlock", "fingerprint", "join", "regroup"]

Array = NDArray[Any]

_FOLD = 509  # words: prime, so that no row length is a divisor and swapped rows are seen


class RowBlock(NamedTuple):
    """Some rows: inputs, targets, weights."""

    X: Any  # (n, D), NumPy's or a CSR array
    y: Array  # (n,) labels or their numbers, or (n, K) soft targets
    weight: Array | None  # (n,)

    @property
    def rows(self) -> int:
        """How many."""
        return int(self.X.shape[0])

    @property
    def nbytes(self) -> int:
        """Bytes of all of it."""
        x = self.X if isinstance(self.X, np.ndarray) else self.X.data
        others = 0 if x is self.X else self.X.indices.nbytes + self.X.indptr.nbytes
        weight = 0 if self.weight is None else self.weight.nbytes
        return int(x.nbytes + others + self.y.nbytes + weight)

    def part(self, rows: slice) -> RowBlock:
        """Some of the rows, copied: whoever made the block may use its memory again."""
        weight = None if self.weight is None else self.weight[rows].copy()
        whole = rows == slice(0, self.rows)  # slices of sparse rows take their time
        X = self.X if whole else self.X[rows]
        return RowBlock(X.copy(), self.y[rows].copy(), weight)


def join(blocks: list[RowBlock]) -> RowBlock:
    """One block of several; the list is emptied on the way, so that little is held twice."""
    if len(blocks) == 1:
        return _small_indices(blocks.pop())
    y = np.concatenate([block.y for block in blocks])
    weight = None
    if blocks[0].weight is not None:
        weight = np.concatenate([w for block in blocks if (w := block.weight) is not None])
    if not isinstance(blocks[0].X, np.ndarray):
        import scipy.sparse as sp  # whoever gives such rows has imported it

        X = sp.vstack([block.X for block in blocks], format="csr")
        blocks.clear()
        return _small_indices(RowBlock(X, y, weight))
    X = np.empty((y.shape[0], blocks[0].X.shape[1]), blocks[0].X.dtype)
    first = 0
    blocks.reverse()
    while blocks:
        part = blocks.pop().X
        X[first : first + part.shape[0]] = part
        first += part.shape[0]
    return RowBlock(X, y, weight)


def _small_indices(block: RowBlock) -> RowBlock:
    """Indices of 32 bits where they suffice, so that the same rows are the same bytes."""
    X = block.X
    if not isinstance(X, np.ndarray) and X.nnz <= np.iinfo(np.int32).max:
        X.indices = X.indices.astype(np.int32, copy=False)
        X.indptr = X.indptr.astype(np.int32, copy=False)
    return block


def regroup(blocks: Iterable[RowBlock], rows: int) -> Iterator[RowBlock]:
    """The same rows in the same order, so many at a time; the last block has what is left."""
    waiting: list[RowBlock] = []
    count = 0
    for block in blocks:
        first = 0
        while first < block.rows:
            taken = min(rows - count, block.rows - first)
            waiting.append(block.part(slice(first, first + taken)))
            first, count = first + taken, count + taken
            if count == rows:
                yield join(waiting)
                count = 0
    if waiting:
        yield join(waiting)


def fingerprint(block: RowBlock) -> int:
    """32 bits of all bytes: other rows, or the same in another order, give others."""
    X = block.X
    parts = [X] if isinstance(X, np.ndarray) else [X.data, X.indices, X.indptr]
    parts += [block.y] if block.weight is None else [block.y, block.weight]
    mark = 0
    for part in parts:
        mark = crc32(_folded(part), mark)
    return mark


def _folded(array: Array) -> bytes:
    """Sums of every 509th word, and what is left over: as quick as reading the array."""
    raw = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    words = raw[: raw.size // 8 * 8].view(np.uint64)
    whole = words[: words.size // _FOLD * _FOLD].reshape(-1, _FOLD)
    return bytes(whole.sum(axis=0, dtype=np.uint64).data) + bytes(raw[whole.nbytes :].data)
