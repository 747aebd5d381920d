"""The design matrix of a table under a schema, and one row of it in words."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

import polars as pl

from pminusy.errors import InputError
from pminusy.tables.columns.features import category_codes, date_features, number_features
from pminusy.tables.columns.recognise import without_marks
from pminusy.tables.columns.rows import DenseFeatures, SparseFeatures
from pminusy.tables.kinds import as_numbers, is_number
from pminusy.tables.learning import learn_schema
from pminusy.tables.schema import CategoryColumn, Column, NumberColumn, Schema
from pminusy.tables.target import encode_target, select_rows
from pminusy.tables.wording import columns_there, listed

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
_LARGE = 64 << 20  # bytes of a dense matrix; a smaller one is never sparse
_SPARSE = 5  # times fewer entries than features make it worth while


class Design(NamedTuple):
    """A table as numbers, sparse where most of a large one are 0, and notes about it."""

    X: Any
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
        `X` (N, D), float64, finite: C-contiguous, or a sparse array of rows (CSR) where it would
        have more than 64 MiB and four fifths of it be 0; `notes`, plain sentences about columns
        that are not used, categories never seen and values that had to be imputed.

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
    N, D = frame.height, len(schema.feature_names)
    notes = _unused(frame, schema)
    by_name = {series.name: series for series in frame.get_columns()}
    sparse = _is_sparse(N, D, schema)
    matrix: DenseFeatures | SparseFeatures = SparseFeatures(N, D) if sparse else DenseFeatures(N, D)
    first = 0
    for column in schema.columns:
        notes += _place(matrix, first, by_name[column.name], column)
        first += len(column.feature_names)
    return Design(matrix.finished(), tuple(notes))


def _place(
    matrix: DenseFeatures | SparseFeatures, first: int, series: pl.Series, column: Column
) -> list[str]:
    """Put the features of a column where they belong; return what is to be said of it."""
    if isinstance(column, CategoryColumn):
        codes, notes = category_codes(series, column)
        matrix.put_ones(first, codes)
        return notes
    values, notes = (
        number_features(series, column)
        if isinstance(column, NumberColumn)
        else date_features(series, column)
    )
    for j, feature in enumerate(values):
        matrix.put(first + j, feature)
    return notes


def _is_sparse(N: int, D: int, schema: Schema) -> bool:
    """Tell whether categories are so many that zeros would take most of a large memory."""
    if 8 * N * D < _LARGE:
        return False
    entries = sum(
        1 if isinstance(column, CategoryColumn) else len(column.feature_names)
        for column in schema.columns
    )
    return _SPARSE * entries < D


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
