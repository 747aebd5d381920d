"""Matrix products on our own threads, one BLAS thread in each, and sums of such products.

A product is cut into blocks of its result. That beats the threads BLAS has itself: thin tiles are
spread as well as square ones, no thread spins idle beside the passes over the head, and a block is
still in cache when it is added to a sum. X may be a CSR matrix of SciPy's.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pminusy.kernels.runtime import threads
from pminusy.kernels.runtime.memory import empty

__all__ = ["WeightSum", "heard", "is_sparse", "layer", "multiply", "ready"]

Array = NDArray[Any]

_SIDE = 1024  # of a block: of 512, BLAS spends an eighth of its time on packing operands again
_ROUND = 16  # blocks end at whole vectors
_PART = 2**21  # bytes of dL_dW that a thread makes before it adds them


def is_sparse(X: Any) -> bool:
    """Whether X is a matrix of SciPy's."""
    return not isinstance(X, np.ndarray)


def ready(array: Any) -> Any:
    """The matrix itself, or a copy where BLAS would have to make one for every block."""
    if is_sparse(array) or array.flags.c_contiguous or array.flags.f_contiguous:
        return array
    rows, columns = array.strides
    size = array.itemsize
    direct = (columns == size and rows >= size * array.shape[1] and rows % size == 0) or (
        rows == size and columns >= size * array.shape[0] and columns % size == 0
    )
    return array if direct and array.flags.aligned else array.copy()


def layer(X: Any, W: Array, out: Array) -> Array:
    """X Wᵀ (n, K), into `out`."""
    if not is_sparse(X):
        return multiply(X, W.T, out)
    columns = max(1, _PART // (W.shape[1] * W.itemsize or 1))

    def run(i: int) -> None:
        some = slice(i * columns, (i + 1) * columns)
        out[:, some] = X @ W[some].T

    threads.run(run, -(-W.shape[0] // columns))
    return out


def multiply(a: Array, b: Array, out: Array) -> Array:
    """Product of a and b, into `out`."""
    rows, columns = _block(*out.shape)
    down, across = -(-out.shape[0] // rows), -(-out.shape[1] // columns)

    def run(i: int) -> None:
        r = slice(i % down * rows, (i % down + 1) * rows)
        c = slice(i // down * columns, (i // down + 1) * columns)
        np.matmul(a[r], b[:, c], out=out[r, c])

    threads.run(run, down * across)
    return out


def _block(m: int, n: int) -> tuple[int, int]:
    """Sides of the blocks that a result (m, n) is cut into: a fair share for every thread."""
    rows, columns = _even(m, _SIDE), _even(n, _SIDE)
    helpers = threads.get_num_threads()
    while (count := -(-m // rows) * -(-n // columns)) < 4 * helpers and count % helpers:
        if max(rows, columns) <= _ROUND:
            break
        if rows > columns:
            rows = _even(m, rows // 2)
        else:
            columns = _even(n, columns // 2)
    return rows, columns


def _even(n: int, most: int) -> int:
    """A step of about `most` that cuts n into equal parts."""
    parts = max(1, -(-n // most))
    step = -(-n // parts)
    return max(1, min(n, -(-step // _ROUND) * _ROUND))


class WeightSum:
    """dL_dW = Σ dL_dzᵀ X over tiles of rows, blocks of classes at a time.

    In float32 what every addition rounds off is kept in a byte beside the sum, so the error does
    not grow with the number of tiles; unless there is no memory for that (`memory`, in bytes).
    """

    def __init__(self, head: ModuleType, shape: tuple[int, int], dtype: Any, memory: int) -> None:
        self._head = head
        self._sum = empty(shape, dtype)
        careful = self._sum.dtype == np.float32 and self._sum.size <= memory
        self._low = np.zeros(shape, np.int8) if careful else None
        part = min(_PART, memory // (4 * threads.get_num_threads()))
        self._classes = max(1, min(_SIDE, part // (shape[1] * self._sum.itemsize or 1)))
        self._free: list[Array] = []
        self._first = True

    @property
    def memory(self) -> int:
        """Bytes beside the result."""
        part: int = self._classes * self._sum.shape[1] * self._sum.itemsize
        return threads.get_num_threads() * part + (0 if self._low is None else self._low.size)

    def add(self, dL_dz: Array, X: Any) -> None:
        """Add the share of a tile."""
        dL_dz, X = heard(dL_dz, X)
        size, count = self._classes, -(-self._sum.shape[0] // self._classes)
        threads.run(lambda i: self._add(slice(i * size, (i + 1) * size), dL_dz, X), count)
        self._first = False

    def _add(self, some: slice, dL_dz: Array, X: Any) -> None:
        total = self._sum[some]
        if self._first and not is_sparse(X):
            np.matmul(dL_dz[:, some].T, X, out=total)
            return
        memory = self._free.pop() if self._free else np.empty_like(self._sum[: self._classes])
        part = memory[: total.shape[0]]
        if is_sparse(X):
            part[...] = (X.T @ dL_dz[:, some]).T
        else:
            np.matmul(dL_dz[:, some].T, X, out=part)
        if self._first:
            total[...] = part
        elif self._low is None:
            total += part
        else:
            self._head.add_carefully(total, self._low[some], part)
        self._free.append(memory)

    def result(self) -> Array:
        """The sum."""
        if self._first:  # no rows
            self._sum[...] = 0.0
        return self._sum


def heard(dL_dz: Array, X: Any) -> tuple[Array, Any]:
    """Both without the rows where dL_dz is 0, if X is not finite: those add not even 0 · NaN."""
    with np.errstate(over="ignore", invalid="ignore"):
        finite = np.isfinite(X.sum())
    if finite:
        return dL_dz, X
    rows = dL_dz.any(axis=1)  # NaN included
    return dL_dz[rows], X[rows]
