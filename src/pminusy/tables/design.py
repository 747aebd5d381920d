"""The design matrix of a table under a schema, and one row of it in words."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pminusy.errors import InputError
from pminusy.tables.columns.dates import date_parts, parse_dates, parse_whole_dates
from pminusy.tables.columns.numerals import PLAIN, is_common_mark, parse_numbers
from pminusy.tables.columns.recognise import as_categories, without_marks
from pminusy.tables.kinds import as_numbers, as_text, is_category, is_number, type_name
from pminusy.tables.learning import learn_schema
from pminusy.tables.schema import OTHER, CategoryColumn, DateColumn, NumberColumn, Schema
from pminusy.tables.target import encode_target, select_rows
from pminusy.tables.wording import columns_there, count, is_numeric, listed, shown

__all__ = [
    "Design",
    "cells",
    "design_matrix",
    "encode_target",
    "learn_schema",
    "refuse_infinite",
    "select_rows",
]

_LONGEST_CELL = 200  # characters of a cell that are shown

Matrix = NDArray[np.float64]


class Design(NamedTuple):
    """A table as numbers, and notes about it."""

    X: Matrix
    notes: tuple[str, ...]


def design_matrix(frame: pl.DataFrame, schema: Schema) -> Design:
    """Return the features of every row, in the order of `schema.feature_names`.

    Columns are found by name, so their order does not matter.

    Parameters
    ----------
    frame
        The table; target and weights may be lacking.
    schema
        What training learned about its columns.

    Returns
    -------
    Design
        `X` (N, D), float64, C-contiguous, finite; `notes`, plain sentences about columns that are
        not used, categories never seen and values that had to be imputed.

    Raises
    ------
    InputError
        Columns that are lacking, or of another type than at training; infinite numbers.

    Examples
    --------
    >>> table = pl.DataFrame({"mass": [1.0, 3.0], "y": ["a", "b"]})
    >>> design_matrix(table, learn_schema(table, "y")).X
    array([[-1.],
           [ 1.]])
    """
    _refuse_lacking(frame, schema)
    frame = without_marks(frame, schema.reading.missing)
    X = np.zeros((frame.height, len(schema.feature_names)))
    notes = _unused(frame, schema)
    by_name = {series.name: series for series in frame.get_columns()}
    first = 0
    for column in schema.columns:
        block = X[:, first : first + len(column.feature_names)]
        match column:
            case NumberColumn():
                notes += _fill_numbers(block, by_name[column.name], column)
            case DateColumn():
                notes += _fill_dates(block, by_name[column.name], column)
            case CategoryColumn():
                notes += _fill_categories(block, by_name[column.name], column)
        first += block.shape[1]
    return Design(X, tuple(notes))


def refuse_infinite(frame: pl.DataFrame, *, skip: Collection[object] = ()) -> None:
    """Refuse infinite numbers while rows still have the numbers they have in the table.

    Call it before rows are dropped or split: `learn_schema` can only count the rows it is given.

    Raises
    ------
    InputError
        An infinite number in a column not named in `skip`, with the first such row.
    """
    for column in frame.get_columns():
        if column.name not in skip and is_number(column):
            as_numbers(column)


def cells(frame: pl.DataFrame, row: int) -> dict[str, str]:
    """Return the cells of one row (from 0) by column, as text, cut where long.

    >>> cells(pl.DataFrame({"mass": [1.5, None], "y": ["a", "b"]}), 1)
    {'mass': '(missing)', 'y': 'b'}
    """
    return {column.name: _cell(column[row]) for column in frame.get_columns()}


def _cell(value: object) -> str:
    match value:
        case None:
            return "(missing)"
        case bool():
            return "true" if value else "false"
        case float():
            return "(missing)" if value != value else f"{value:.15g}"
        case _:
            text = str(value)
            return text if len(text) <= _LONGEST_CELL else f"{text[: _LONGEST_CELL - 1]}…"


def _refuse_lacking(frame: pl.DataFrame, schema: Schema) -> None:
    present = set(frame.columns)  # asked for once: Polars makes a list of all names each time
    lacking = [c.name for c in schema.columns if c.name not in present]
    if lacking:
        got = f"no {listed(lacking)}"
        remedy = columns_there(frame.columns) if frame.columns else ""
        raise InputError("table", "the columns the model was trained on", got, remedy)


def _unused(frame: pl.DataFrame, schema: Schema) -> list[str]:
    known = {c.name for c in (*schema.columns, *schema.left_out)} | {schema.target, schema.weight}
    extra = [name for name in frame.columns if name not in known]
    if not extra:
        return []
    columns, are = ("column", "is") if len(extra) == 1 else ("columns", "are")
    return [f"{columns} {listed(extra)} {are} not used by the model"]


def _fill_numbers(block: Matrix, series: pl.Series, column: NumberColumn) -> list[str]:
    """Fill one or two features of a column of numbers, in place."""
    values = as_numbers(_numbers(series, column))
    missing = np.isnan(values)
    if column.varies:
        block[:, 0] = _standardised(np.where(missing, column.median, values), column)
    if column.indicator:
        block[:, -1] = missing
    elif missing.any():
        rows, name = count(int(missing.sum()), "row"), shown(column.name)
        return [
            f"{rows} without {name}: the median of the training rows, {column.median:g}, is used"
        ]
    return []


def _standardised(values: Matrix, column: NumberColumn) -> Matrix:
    """Return (x − mean) / scale; refuse a value so far from training that it would be infinite."""
    with np.errstate(over="ignore"):
        standard = (values - column.mean) / column.scale
    if not np.isfinite(standard).all():
        row = int((~np.isfinite(standard)).argmax())
        expected = f"numbers comparable to training (mean {column.mean:g}, spread {column.scale:g})"
        got = f"{values[row]:g} in row {row + 1:,}"
        raise InputError(f"column {shown(column.name)}", expected, got, "correct it")
    return standard


def _numbers(series: pl.Series, column: NumberColumn) -> pl.Series:
    """Read a column that held numbers at training; refuse what is neither a number nor a mark."""
    if is_number(series) or series.null_count() == len(series):
        return series.cast(pl.Float64, strict=False)
    if series.dtype == pl.Duration:
        return (series.dt.total_microseconds() / 1e6).alias(series.name)
    if series.dtype == pl.String:
        numbers = parse_numbers(series, column.numerals or PLAIN)
        _refuse_unread(series, numbers, column.marks, "numbers")
        return numbers
    bad = series.is_not_null()
    row = int(bad.arg_true()[0])
    got = f"{_kind(series)} such as {shown(series[row])} in row {row + 1:,}"
    raise InputError(f"column {shown(series.name)}", "numbers, as at training", got)


def _refuse_unread(text: pl.Series, values: pl.Series, marks: Collection[str], what: str) -> None:
    """Refuse cells that could not be read, and are no marks for a missing value either."""
    unread = text.is_not_null() & values.is_null()
    if not unread.any():
        return
    bad = unread & ~is_common_mark(text) & ~text.is_in(list(marks))
    if bad.any():
        row = int(bad.arg_true()[0])
        got = f"text such as {shown(text[row])} in row {row + 1:,}"
        remedy = "correct it or leave the cell empty"
        raise InputError(f"column {shown(text.name)}", f"{what}, as at training", got, remedy)


def _fill_dates(block: Matrix, series: pl.Series, column: DateColumn) -> list[str]:
    """Fill the features of a column of dates, in place: 0, the mean, where there is none."""
    dates = _dates(series, column)
    missing = dates.is_null().to_numpy()
    values = date_parts(dates, column.origin)
    for j, part in enumerate(column.parts):
        block[:, j] = np.where(missing, 0.0, (values[part.part] - part.mean) / part.scale)
    if column.indicator:
        block[:, -1] = missing
    elif missing.any():
        rows, name = count(int(missing.sum()), "row"), shown(column.name)
        return [f"{rows} without {name}: the mean of the training rows is used"]
    return []


def _dates(series: pl.Series, column: DateColumn) -> pl.Series:
    """Read a column that held dates at training."""
    if series.dtype.is_temporal() and series.dtype != pl.Duration:
        return series
    if series.null_count() == len(series):
        return series.cast(pl.Datetime("us"), strict=False)
    if series.dtype.is_integer() or series.dtype == pl.String:
        text = series.cast(pl.String)
        whole = parse_whole_dates(text.str.strip_chars().cast(pl.Int64, strict=False))
        dates = parse_dates(text, "mdy" if column.order == "ymd" else column.order)
        dates = whole.zip_with(whole.is_not_null(), dates)
        _refuse_unread(text, dates, column.marks, "dates")
        return dates
    row = int(series.is_not_null().arg_true()[0])
    got = f"{_kind(series)} such as {shown(series[row])} in row {row + 1:,}"
    raise InputError(f"column {shown(series.name)}", "dates, as at training", got)


def _kind(series: pl.Series) -> str:
    if series.dtype == pl.Boolean:
        return "booleans"
    return "text" if is_category(series) else f"values of type {type_name(series)}"


def _fill_categories(block: Matrix, series: pl.Series, column: CategoryColumn) -> list[str]:
    """Fill the features of a category column, in place: at most one 1 in each row."""
    text = _texts(series, column)
    known = text.cast(pl.Enum(column.categories), strict=False).to_physical().cast(pl.Int64)
    codes = known.fill_null(-1).to_numpy()
    missing = text.is_null().to_numpy()
    unseen = (codes < 0) & ~missing
    K = len(column.categories)
    notes = []
    if column.pooled:
        codes = np.where(unseen, K, codes)
    if column.reference:  # the first has no feature; −1 is none
        codes = codes - (codes >= 0)
    if column.has_missing:
        codes = np.where(missing, block.shape[1] - 1, codes)
    elif missing.any():
        rows, name = count(int(missing.sum()), "row"), shown(column.name)
        notes.append(
            f"{rows} without {name}, which training always had: taken as none of its values"
        )
    rows_known = np.flatnonzero(codes >= 0)
    block[rows_known, codes[rows_known]] = 1.0
    return notes + _unseen_note(text, unseen, column)


def _texts(series: pl.Series, column: CategoryColumn) -> pl.Series:
    """Return a category column as text; refuse what cannot be the category it was at training."""
    empty = series.null_count() == len(series)
    was_boolean = column.dtype == "Boolean"
    alike = series.dtype == pl.Boolean if was_boolean else series.dtype.is_integer()
    if empty or alike or (is_category(series) and series.dtype != pl.Boolean):
        text = as_text(series)
        if was_boolean:
            return text.str.strip_chars().str.to_lowercase()
        return _stripped(text, column.categories)
    if is_number(series) and any(map(is_numeric, column.categories)):
        return as_categories(series)
    expected = "booleans" if was_boolean else "text"
    got = f"{_kind(series)} such as {shown(series.drop_nulls()[0])}"
    raise InputError(f"column {shown(series.name)}", f"{expected}, as at training", got)


def _stripped(text: pl.Series, known: Collection[str]) -> pl.Series:
    """Take a value with blanks around it for the one without, where only that is known."""
    bare = text.str.strip_chars()
    if text.equals(bare):
        return text
    other = ~text.is_in(list(known)) & bare.is_in(list(known))
    return bare.zip_with(other.fill_null(False), text)


def _unseen_note(text: pl.Series, unseen: NDArray[np.bool_], column: CategoryColumn) -> list[str]:
    """Say which values have no feature; pooled ones, not kept by name, are among them."""
    if not unseen.any():
        return []
    kind = "a rare or unseen value" if column.pooled else "an unseen value"
    taken = OTHER if column.pooled else "none of its values"
    rows = int(unseen.sum())
    have = "has" if rows == 1 else "have"
    values = listed(text.filter(pl.Series(unseen)).unique(maintain_order=True))
    return [
        f"{count(rows, 'row')} {have} {kind} of {shown(column.name)} ({values}): taken as {taken}"
    ]
