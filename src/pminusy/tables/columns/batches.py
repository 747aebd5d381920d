"""Many columns at a time: a table may have 100,000, and each call of Polars takes time.

Columns of one kind are put one after the other into a long series, or into the rows of a matrix.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

__all__ = [
    "along",
    "batches",
    "by_column",
    "divided",
    "number_matrix",
    "value_codes",
    "value_counts",
]

_CELLS = 1 << 20  # of a batch: what is made of one stays small beside a large table


def batches(columns: Sequence[pl.Series]) -> Iterator[Sequence[pl.Series]]:
    """Columns of one length, as many at a time as have about a million cells."""
    rows = len(columns[0]) if columns else 0
    width = max(1, _CELLS // max(rows, 1))
    for first in range(0, len(columns), width):
        yield columns[first : first + width]


def along(columns: Sequence[pl.Series]) -> pl.Series:
    """Columns of one type, one after the other."""
    return columns[0] if len(columns) == 1 else pl.concat(columns, rechunk=True)


def by_column(cells: pl.Series, columns: int) -> Any:
    """Which of the columns of a long series of booleans have a true one (C,); null is not."""
    return cells.fill_null(False).to_numpy().reshape(columns, -1).any(axis=1)


def divided(cells: pl.Series, columns: Sequence[pl.Series]) -> list[pl.Series]:
    """A long series as columns again, with the names of those it was made from."""
    if len(columns) == 1:
        return [cells.alias(columns[0].name)]
    rows = len(columns[0])
    return [cells.slice(i * rows, rows).alias(c.name) for i, c in enumerate(columns)]


def number_matrix(columns: Sequence[pl.Series]) -> NDArray[np.float64]:
    """Columns of numbers as a matrix (C, N) in C order, a row each; NaN where there is none.

    >>> number_matrix([pl.Series("a", [1, None]), pl.Series("b", [0.5, 2.0])])
    array([[1. , nan],
           [0.5, 2. ]])
    """
    out = np.empty((len(columns), len(columns[0]) if columns else 0))
    kinds: dict[pl.DataType, list[int]] = {}
    for i, column in enumerate(columns):
        kinds.setdefault(column.dtype, []).append(i)
    for where in kinds.values():
        cells = along([columns[i] for i in where])
        out[where] = cells.cast(pl.Float64).to_numpy().reshape(len(where), -1)
    return out


def value_counts(columns: Sequence[pl.Series]) -> Iterator[pl.DataFrame]:
    """For each of some columns of text its values, without null, and their `count`."""
    if len(columns) == 1:
        yield columns[0].drop_nulls().alias("value").value_counts()
        return
    rows = len(columns[0])
    which = np.repeat(np.arange(len(columns), dtype=np.uint32), rows)
    cells = pl.DataFrame({"column": which, "value": along(columns)}).drop_nulls("value")
    counts = cells.group_by("column", "value").agg(pl.len().alias("count")).sort("column", "value")
    sizes = np.bincount(counts["column"].to_numpy(), minlength=len(columns))
    rest = counts.select("value", "count")
    first = 0
    for size in sizes.tolist():
        yield rest.slice(first, size)
        first += size


def value_codes(columns: Sequence[pl.Series], known: Sequence[Sequence[str]]) -> NDArray[np.int64]:
    """Which of the known values of its column each cell of text is (C, N); −1 for none."""
    if len(columns) == 1:
        codes = columns[0].cast(pl.Enum(known[0]), strict=False).to_physical()
        return codes.cast(pl.Int64).fill_null(-1).to_numpy()[None]
    sizes = [len(values) for values in known]
    keys = pl.DataFrame(
        {
            "column": np.repeat(np.arange(len(columns), dtype=np.uint32), sizes),
            "value": pl.Series([value for values in known for value in values], dtype=pl.String),
            "code": np.concatenate([np.arange(size) for size in sizes]),
        }
    )
    which = np.repeat(np.arange(len(columns), dtype=np.uint32), len(columns[0]))
    cells = pl.DataFrame({"column": which, "value": along(columns)})
    found = cells.join(keys, on=["column", "value"], how="left", maintain_order="left")
    return found["code"].fill_null(-1).to_numpy().reshape(len(columns), -1)
