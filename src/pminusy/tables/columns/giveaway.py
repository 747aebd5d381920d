"""Columns that tell the target alone: copies of it, or what is known only when it is."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pminusy.tables.columns.dates import days_of
from pminusy.tables.wording import shown, word

__all__ = ["giveaways", "told_by_numbers", "told_by_values"]

_SHARE = 0.99  # of rows that a column has to tell
_FEWEST_ROWS = 50  # with fewer a column may do so by chance
_MOST_COLUMNS = 2_000  # among so many one may do so by chance
_RANDOM_ORDER = 0  # seed of the order of rows whose numbers are equal

Labels = NDArray[np.intp]


def giveaways(columns: list[pl.Series], y: Labels, target: str) -> tuple[str, ...]:
    """Name the columns that tell the class of nearly every row alone, a sentence each.

    Parameters
    ----------
    columns
        Those used, of the training rows.
    y
        Classes (N,) of these rows, as indices.
    target
        Name of the target.
    """
    if y.size < _FEWEST_ROWS or len(columns) > _MOST_COLUMNS:
        return ()
    notes = []
    for column in columns:
        share = _told(column, y)
        if share >= _SHARE:
            notes.append(
                f"{shown(column.name)} alone tells {shown(target)} in {100 * share:.4g} % of the "
                f"training rows: if it is a copy, or known only afterwards, "
                f"--drop {word(column.name)}"
            )
    return tuple(notes)


def _told(column: pl.Series, y: Labels) -> float:
    dtype = column.dtype
    if dtype.is_temporal() and dtype != pl.Duration:
        return told_by_numbers(days_of(column), y)
    if dtype.is_numeric() and column.n_unique() > 2 * np.sqrt(y.size):
        return told_by_numbers(column.cast(pl.Float64).to_numpy(), y)
    codes = column.cast(pl.String, strict=False).rank("dense").fill_null(0).to_numpy()
    return told_by_values(codes.astype(np.intp), y)


def told_by_values(codes: Labels, y: Labels) -> float:
    """Share of rows whose class is the most frequent of the other rows with their value.

    >>> told_by_values(np.array([0, 0, 1, 1, 1]), np.array([0, 0, 1, 1, 0]))
    0.8
    """
    K = int(y.max()) + 1
    table = np.bincount(codes * K + y, minlength=(int(codes.max()) + 1) * K).reshape(-1, K)
    best = table.max(axis=1)
    second = np.partition(table, K - 2, axis=1)[:, K - 2] if K > 1 else np.zeros_like(best)
    # A row of the most frequent class follows from the others of its value, if they are more.
    right = np.where(best - 1 >= np.maximum(second, 1), best, 0)
    return float(right.sum() / y.size)


def told_by_numbers(values: NDArray[np.float64], y: Labels) -> float:
    """Share of rows told by where their number lies: 1 where each class is one interval.

    Every change of class along the sorted numbers beyond K − 1 counts as a row that is not told.
    """
    order = np.random.default_rng(_RANDOM_ORDER).permutation(y.size)
    order = order[np.argsort(values[order], kind="stable")]
    along = y[order]
    changes = int((along[1:] != along[:-1]).sum())
    return 1.0 - (changes - (np.unique(y).size - 1)) / y.size
