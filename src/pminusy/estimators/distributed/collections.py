"""Which of Dask's collections may be given, and how they become partitions of (X, y, weight)."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from pminusy.errors import InputError
from pminusy.estimators.streams.blocks import is_distributed
from pminusy.extras import needing_extra

__all__ = ["Partitioned", "is_array", "is_frame", "one_block_of_columns", "partitioned"]

_ALIKE = "partition both alike, by rechunk or repartition"


class Partitioned(NamedTuple):
    """Delayed parts, one a partition: of X, of y, and of the weights, or None for each."""

    X: list[Any]
    y: list[Any]
    weight: list[Any]


def is_array(X: Any) -> bool:
    """Whether X is a Dask array."""
    return is_distributed(X) and _has_dimensions(X) and hasattr(X, "map_blocks")


def is_frame(X: Any) -> bool:
    """Whether X is a Dask dataframe or a series."""
    return is_distributed(X) and _has_dimensions(X) and hasattr(X, "map_partitions")


def _has_dimensions(X: Any) -> bool:
    """False for what Dask knows nothing of, whose every attribute is yet another unknown."""
    return isinstance(getattr(X, "ndim", None), int)


def partitioned(X: Any, y: Any, weight: Any) -> Partitioned:
    """Collections cut into partitions, those of y and of the weights beside those of X."""
    _require_table(X)
    if y is None:
        raise InputError("y", "labels or soft targets beside a Dask collection", "None")
    if is_array(X):
        X = one_block_of_columns(X)
    parts = _delayed(X)
    if not parts:
        raise InputError("X", "partitions with rows", "none: there are no partitions")
    if weight is None:
        return Partitioned(parts, _beside(y, "y", X, len(parts)), [None] * len(parts))
    weights = _beside(weight, "sample_weight", X, len(parts))
    return Partitioned(parts, _beside(y, "y", X, len(parts)), weights)


def one_block_of_columns(X: Any) -> Any:
    """A Dask array whose blocks have all columns; the number of rows need not be known."""
    return X.rechunk({1: -1}) if X.ndim == 2 and X.numblocks[1] > 1 else X


def _require_table(X: Any) -> None:
    if not (is_array(X) or is_frame(X)) or X.ndim != 2:
        got = f"Dask's {type(X).__name__}"
        if _has_dimensions(X):
            got += f" of {X.ndim} dimension" + "s" * (X.ndim != 1)
        raise InputError("X", "a Dask array (N, D) or dataframe", got)


def _delayed(collection: Any) -> list[Any]:
    return list(np.ravel(np.array(collection.to_delayed(), dtype=object)))


def _beside(values: Any, name: str, X: Any, count: int) -> list[Any]:
    """Parts of y or of weights, as many as X has, and of as many rows where that is known."""
    rows = X.chunks[0] if is_array(X) else ()
    known = bool(rows) and not np.isnan(rows).any()
    if not is_distributed(values):
        if not known:
            raise InputError(
                name, "a Dask collection beside an X whose rows per partition are not known",
                type(values).__name__, "or compute_chunk_sizes() of X, a Dask array, first",
            )  # fmt: skip
        values = _in_blocks(np.asarray(values), name, rows)
    elif is_array(values):
        values = one_block_of_columns(values)
        if known and not np.isnan(values.chunks[0]).any() and sum(values.chunks[0]) == sum(rows):
            values = values.rechunk({0: rows})
    elif not is_frame(values):
        raise InputError(name, "a Dask array or series", f"Dask's {type(values).__name__}")
    parts = _delayed(values)
    if len(parts) != count:
        raise InputError(name, f"{count} partitions, as X has", str(len(parts)), _ALIKE)
    return parts


def _in_blocks(values: Any, name: str, rows: tuple[int, ...]) -> Any:
    """An array in memory, in blocks of so many rows."""
    if values.ndim not in (1, 2) or values.shape[0] != sum(rows):
        raise InputError(name, f"{sum(rows)} rows, as X has", str(values.shape))
    with needing_extra():
        import dask.array as da
    return da.from_array(values, chunks=(rows, *values.shape[1:]))
