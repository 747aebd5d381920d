"""pandas frames to Polars, column by column, so that an error can name its column."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl

from pminusy.errors import InputError
from pminusy.tables.checks import refuse_repeated
from pminusy.tables.wording import shown

__all__ = ["from_pandas"]


def from_pandas(frame: Any) -> pl.DataFrame:
    """Convert a pandas frame; its index is left behind, NaN and None are missing.

    Raises
    ------
    InputError
        Column names that are tuples or occur twice; a column of objects of several types, or of a
        type no table file could hold.
    """
    if frame.columns.nlevels > 1:
        remedy = "join them, for example with '_'.join"
        raise InputError("table", "column names of one level", "names of several levels", remedy)
    names = [str(name) for name in frame.columns]
    refuse_repeated("table", names)
    return pl.DataFrame({name: _column(name, frame.iloc[:, i]) for i, name in enumerate(names)})


def _column(name: str, column: Any) -> pl.Series:
    if str(column.dtype).startswith("Sparse"):
        column = column.sparse.to_dense()
    if str(column.dtype) == "category" and column.cat.categories.dtype.kind in "iuf":
        # Declared categories stay categories, even if numbers.
        column = column.cat.rename_categories([str(value) for value in column.cat.categories])
    elif column.dtype == object:
        _refuse_mixed(name, column)
    try:
        return pl.Series(name, pl.from_pandas(column))
    except ImportError:
        remedy = "pip install pyarrow, or pass a Polars frame"
        raise InputError("table", "pyarrow, to read a pandas frame", "none", remedy) from None
    except Exception as error:  # pyarrow and Polars raise a dozen unrelated types here
        got = f"{column.dtype} values that cannot be converted ({type(error).__name__})"
        remedy = "convert the column with .astype first, or leave it out"
        raise InputError(
            f"column {shown(name)}", "numbers, text or booleans", got, remedy
        ) from None


def _refuse_mixed(name: str, column: Any) -> None:
    """Refuse a column of objects that are not of one kind."""
    examples: dict[str, object] = {}
    for value in column[column.notna()]:
        examples.setdefault(_kind(value), value)
    if len(examples) > 1:
        got = " and ".join(f"{kind} ({shown(value)})" for kind, value in examples.items())
        remedy = "make them one with .astype(str) or pandas.to_numeric"
        raise InputError(f"column {shown(name)}", "values of one type", got, remedy)


def _kind(value: object) -> str:
    """Name what a value is; whole and broken numbers are one kind, truth is another."""
    match value:
        case bool() | np.bool_():
            return "booleans"
        case int() | float() | Decimal() | np.number():
            return "numbers"
        case str():
            return "text"
        case _:
            return type(value).__name__
