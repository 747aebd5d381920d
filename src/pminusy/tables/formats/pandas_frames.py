"""pandas frames to Polars, column by column, so that an error can name its column.

Through NumPy: pyarrow, which Polars and pandas would use between them, need not be there.
"""

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
    return pl.DataFrame(
        {
            name: _column(name, column)
            for name, (_, column) in zip(names, frame.items(), strict=True)
        }
    )


def _column(name: str, column: Any) -> pl.Series:
    try:
        return _converted(column).alias(name)
    except InputError as error:
        raise InputError(f"column {shown(name)}", *error.args[1:]) from None
    except Exception as error:  # NumPy, Polars and extension types raise a dozen unrelated types
        got = f"{column.dtype} values that cannot be converted ({type(error).__name__})"
        remedy = "convert the column with .astype first, or leave it out"
        raise InputError(
            f"column {shown(name)}", "numbers, text or booleans", got, remedy
        ) from None


def _converted(column: Any) -> pl.Series:
    """Convert by the kind of the column's type; whatever else there is goes value by value."""
    dtype = column.dtype
    if str(dtype).startswith("Sparse"):
        return _converted(column.sparse.to_dense())
    if str(dtype) == "category":
        return _categories(column)
    if isinstance(dtype, np.dtype) and dtype.kind in "biufMm":
        return _numbers(column.to_numpy())
    if getattr(dtype, "numpy_dtype", None) is not None and getattr(dtype, "kind", "O") in "biuf":
        return _masked(column)
    if str(dtype).startswith("datetime64"):  # with a time zone
        return pl.Series(column.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy())
    return _objects(column)


def _numbers(values: np.ndarray[Any, Any]) -> pl.Series:
    if values.dtype.kind == "f" and values.dtype.itemsize not in (4, 8):
        values = values.astype(np.float64)  # half and extended precision
    if values.dtype.kind in "Mm" and np.datetime_data(values.dtype)[0] not in ("ms", "us", "ns"):
        values = values.astype(f"{values.dtype.kind}8[us]")  # Polars has no other units
    return pl.Series(np.ascontiguousarray(values), nan_to_null=True)


def _masked(column: Any) -> pl.Series:
    """Convert a nullable type: its values, and where there are none."""
    missing = column.isna().to_numpy()
    dtype = column.dtype.numpy_dtype
    values = column.to_numpy(dtype=dtype, na_value=dtype.type(0))
    return _with_missing(_numbers(values), missing)


def _with_missing(series: pl.Series, missing: np.ndarray[Any, Any]) -> pl.Series:
    if not missing.any():
        return series
    return series.zip_with(pl.Series(~missing), pl.Series([None], dtype=series.dtype))


def _categories(column: Any) -> pl.Series:
    """Convert declared categories: they stay categories even if numbers; booleans are booleans."""
    values = column.cat.categories
    if values.dtype.kind in "iuf":
        names = pl.Series([str(value) for value in values], dtype=pl.String)
    else:
        names = _converted(values.to_series())
    if names.dtype == pl.String:
        names = names.cast(pl.Categorical)
    codes = column.cat.codes.to_numpy().astype(np.int64)
    return names.gather(pl.Series(codes).set(pl.Series(codes < 0), None))


def _objects(column: Any) -> pl.Series:
    """Convert value by value: text, and whatever of one kind an object column holds."""
    missing = column.isna().to_numpy()
    values = [None if m else v for v, m in zip(column.astype(object), missing, strict=True)]
    kinds = _kinds(values)
    if len(kinds) > 1:
        got = " and ".join(f"{kind} ({shown(value)})" for kind, value in kinds.items())
        remedy = "make them one with .astype(str) or pandas.to_numeric"
        raise InputError("", "values of one type", got, remedy)
    match next(iter(kinds), None):
        case "numbers":
            return _plain_numbers(values)
        case "booleans":
            return pl.Series([None if v is None else bool(v) for v in values], dtype=pl.Boolean)
        case "text":
            return pl.Series([None if v is None else str(v) for v in values], dtype=pl.String)
        case None:
            return pl.Series(values, dtype=pl.Null)
        case kind:
            series = pl.Series(values, strict=True)
            if series.dtype == pl.Object:
                raise TypeError(kind)
            return series


def _plain_numbers(values: list[Any]) -> pl.Series:
    """Python's numbers: whole ones as integers where they fit, else float64."""
    present = [value for value in values if value is not None]
    if all(isinstance(value, int | np.integer) for value in present):
        for dtype, lowest, end in ((pl.Int64, -(2**63), 2**63), (pl.UInt64, 0, 2**64)):
            if lowest <= min(present) and max(present) < end:
                whole = [None if value is None else int(value) for value in values]
                return pl.Series(whole, dtype=dtype)
    broken = [None if value is None else float(value) for value in values]
    return pl.Series(broken, dtype=pl.Float64).fill_nan(None)


def _kinds(values: list[Any]) -> dict[str, object]:
    """The kinds of values there are, each with its first."""
    kinds: dict[str, object] = {}
    for value in values:
        if value is not None:
            kinds.setdefault(_kind(value), value)
    return kinds


def _kind(value: object) -> str:
    """Name the kind of a value: integers and floats are one kind, booleans another."""
    match value:
        case bool() | np.bool_():
            return "booleans"
        case int() | float() | Decimal() | np.integer() | np.floating():
            return "numbers"
        case str():
            return "text"
        case _:
            return type(value).__name__
