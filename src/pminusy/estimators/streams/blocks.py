"""What a fit may be given besides arrays in memory: blocks, and arrays that are read by slices."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from pminusy.errors import InputError
from pminusy.estimators.rows import is_sparse
from pminusy.estimators.streams.pages import forget_pages

__all__ = [
    "Blocks",
    "LazyRows",
    "SlicedBlocks",
    "blocks_of",
    "held_whole",
    "in_memory",
    "is_distributed",
    "is_lazy",
    "refuse_beside",
    "refuse_distributed",
    "set_names",
    "size_of",
]

# bytes of an array that are read at once, and their share of the memory
_SLAB, _SMALLEST_SLAB, _SLABS = 8 << 20, 256 << 10, 32


class Blocks:
    """Rows that are read block by block, as often as a fit visits them.

    Parameters
    ----------
    factory
        A function without arguments that returns a fresh iterator each time: of `(X, y)` or
        `(X, y, weight)`, with X (n, D) dense, sparse or a frame, y labels (n,) or soft targets
        (n, K), and weights (n,). Blocks may have any number of rows, none among them. It must give
        the same rows, in the same order, each time; that is checked. It is called, and its
        iterator used, on a thread that reads ahead of the arithmetic. For predictions the blocks
        may be X alone.

    Examples
    --------
    >>> import numpy as np
    >>> import pminusy as pmy
    >>> def files():
    ...     for seed in range(3):  # for each file: read it, make arrays
    ...         X = np.random.default_rng(seed).normal(size=(100, 2))
    ...         yield X, (X.sum(axis=1) > 0).astype(int)
    >>> clf = pmy.SoftmaxRegression().fit(pmy.Blocks(files))
    >>> clf.predict([[1.0, 1.0], [-1.0, -1.0]])
    array([1, 0])
    """

    def __init__(self, factory: Callable[[], Iterable[Any]]) -> None:
        if not callable(factory):
            raise InputError(
                "factory",
                "a function that returns a fresh iterator of (X, y) each time it is called",
                type(factory).__name__,
                "for a list of blocks: Blocks(lambda: iter(blocks))",
            )
        self.factory = factory

    def __iter__(self) -> Iterator[Any]:
        blocks = self.factory()
        if not isinstance(blocks, Iterable):
            raise InputError(
                "factory", "a function that returns an iterator", type(blocks).__name__
            )
        return iter(blocks)


class SlicedBlocks(Blocks):
    """Arrays that are read by slices, as blocks; any rows of them can be read at any time.

    Parameters
    ----------
    X, y, weight
        Inputs (N, D), targets (N,) or (N, K), weights (N,) or None.
    step
        Rows of a block.
    """

    def __init__(self, X: Any, y: Any, weight: Any, step: int) -> None:
        super().__init__(self._in_order)
        self._X, self._y, self._weight, self._step = X, y, weight, step

    def part(self, rows: slice) -> tuple[Any, ...]:
        """Some rows, in memory."""
        block = read_rows(self._X, rows), np.asarray(self._y[rows])
        return block if self._weight is None else (*block, np.asarray(self._weight[rows]))

    def forget(self, rows: slice) -> None:
        """Rows that were read are no longer needed."""
        for array in (self._X, self._y, self._weight):
            forget_pages(array, rows)

    def _in_order(self) -> Iterator[tuple[Any, ...]]:
        for first in range(0, self._X.shape[0], self._step):
            rows = slice(first, min(first + self._step, self._X.shape[0]))
            yield self.part(rows)
            self.forget(rows)  # whoever asks for the next block has copied this


class LazyRows:
    """An array that is read by slices of rows, as an estimator's checked input.

    Parameters
    ----------
    X
        Anything with `shape` (N, D), a NumPy `dtype` and slices.
    check
        What is done to a slice once it is read.
    """

    def __init__(self, X: Any, check: Callable[[Any, int], Any]) -> None:
        self._X, self._check, self._last = X, check, slice(0, 0)
        self.shape = (int(X.shape[0]), int(X.shape[1]))
        self.dtype = check(read_rows(X, slice(0, 0)), 0).dtype

    def __getitem__(self, rows: slice) -> Any:
        """Some rows, read and checked; with those before, nobody is working any more."""
        forget_pages(self._X, self._last)
        self._last = rows
        return self._check(read_rows(self._X, rows), rows.start)


def is_distributed(X: Any) -> bool:
    """Whether X is one of Dask's collections."""
    return type(X).__module__.partition(".")[0] == "dask"


def refuse_distributed(X: Any) -> None:
    """Refuse Dask's collections, where only `fit` of `SoftmaxRegression` works on partitions."""
    if is_distributed(X):
        remedy = "X.compute() where it fits in memory, or SoftmaxRegression.fit, which takes it"
        raise InputError("X", "rows of this machine", f"Dask's {type(X).__name__}", remedy)


def is_lazy(X: Any) -> bool:
    """Whether X is on disk or elsewhere, and read by slices: np.memmap, zarr, h5py and their like.

    Also a sparse matrix of SciPy's whose entries are in a memmap.
    """
    if is_sparse(X):
        return any(_is_mapped(getattr(X, name, None)) for name in ("data", "indices"))
    if isinstance(X, np.ndarray):
        return _is_mapped(X)
    lazy = isinstance(getattr(X, "dtype", None), np.dtype) and hasattr(X, "__getitem__")
    # pandas has arrays in memory behind the same interface, torch and others their own types
    return lazy and len(getattr(X, "shape", ())) == 2 and not hasattr(X, "__dlpack__")


def _is_mapped(array: Any) -> bool:
    while isinstance(array, np.ndarray):
        if isinstance(array, np.memmap):
            return True
        array = array.base
    return False


def size_of(X: Any) -> int:
    """Bytes of X, were it in memory."""
    if is_sparse(X):
        return int(X.data.nbytes + X.indices.nbytes + X.indptr.nbytes)
    return int(X.shape[0]) * int(X.shape[1]) * int(X.dtype.itemsize)


def held_whole(memory: float, workspace: float) -> float:
    """Bytes of rows r up to which all are held: 1.5 r + 3 min(workspace, 2 r) ≤ memory.

    Beside them are targets and weights, a look for equal rows, and logits in two precisions.
    """
    return max(memory / 7.5, (memory - 3 * workspace) / 1.5)


def blocks_of(
    X: Any, y: Any, sample_weight: Any, most: float, memory: float = np.inf
) -> Blocks | None:
    """X as blocks; None where it is an array in memory, or one of at most `most` bytes.

    Of `memory` they are a small part, unless X is stored in chunks that are larger.
    """
    refuse_distributed(X)
    if isinstance(X, Blocks):
        refuse_beside(X, y=y, sample_weight=sample_weight)
        return X
    if not is_lazy(X) or size_of(X) <= most:
        return None
    targets, weight = _beside(y, X, "y"), _beside(sample_weight, X, "sample_weight")
    if targets is None:
        return None  # refused where all arrays are
    step = _slab(X, max(_SMALLEST_SLAB, min(_SLAB, memory / _SLABS)))
    return SlicedBlocks(X, targets, weight, step)


def refuse_beside(X: Blocks, **given: Any) -> None:
    """Refuse what belongs into the blocks."""
    for name, value in given.items():
        if value is not None:
            raise InputError(
                name, "None beside Blocks", type(value).__name__, "let the blocks have it"
            )


def read_rows(X: Any, rows: slice) -> Any:
    """Some rows, in memory."""
    part = X[rows]
    return part if is_sparse(part) else np.asarray(part)


def _beside(array: Any, X: Any, name: str) -> Any:
    """Targets or weights that are sliced beside X; as long as X."""
    if array is None:
        return None
    sliced = isinstance(getattr(array, "dtype", None), np.dtype) and not hasattr(array, "iloc")
    array = array if sliced else np.asarray(array)
    if array.shape[0] != X.shape[0]:
        raise InputError(name, f"{X.shape[0]} rows, as X has", str(array.shape[0]))
    return array


def _slab(X: Any, most: float) -> int:
    """Rows read at once, of so many bytes: whole chunks, where the array is stored in chunks."""
    rows = max(1, int(most) // max(1, size_of(X) // max(1, X.shape[0])))
    chunks = getattr(X, "chunks", None)
    chunk = chunks[0] if isinstance(chunks, tuple) and chunks else 1
    return int(max(1, rows // chunk) * chunk) if isinstance(chunk, int) else int(rows)


def in_memory(X: Any) -> Any:
    """An array that is read by slices, read whole; memmaps and everything else as they are."""
    refuse_distributed(X)
    if not is_lazy(X) or is_sparse(X) or isinstance(X, np.ndarray):
        return X
    return read_rows(X, slice(None))


def set_names(estimator: Any, names: Any, *, reset: bool) -> None:
    """Keep the names of columns, as scikit-learn does, or compare them with those kept."""
    known = getattr(estimator, "feature_names_in_", None)
    if reset and names is not None:
        estimator.feature_names_in_ = names
    elif reset and known is not None:
        del estimator.feature_names_in_
    elif names is not None and known is not None and list(names) != list(known):
        expected = f"the columns of fit ({', '.join(map(str, known))})"
        raise InputError("X", expected, ", ".join(map(str, names)))
