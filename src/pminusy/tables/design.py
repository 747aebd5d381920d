"""The design matrix of a table under a schema, and one row of it in words."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import accumulate
from typing import Any, NamedTuple

import polars as pl

from pminusy.errors import InputError
from pminusy.tables.columns.batches import batches, number_matrix
from pminusy.tables.columns.date_column import DateColumn
from pminusy.tables.columns.features import (
    Codes,
    Features,
    category_codes,
    date_features,
    number_features,
    words_features,
)
from pminusy.tables.columns.recognise import without_marks
from pminusy.tables.columns.rows import DenseFeatures, SparseFeatures
from pminusy.tables.kinds import is_number, refuse_beyond
from pminusy.tables.learning import learn_schema
from pminusy.tables.schema import CategoryColumn, Column, NumberColumn, Schema, WordsColumn
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
    "worth_sparse",
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
    sparse = worth_sparse(N, D, schema)
    matrix: DenseFeatures | SparseFeatures = SparseFeatures(N, D) if sparse else DenseFeatures(N, D)
    said: dict[str, list[str]] = {}
    firsts = dict(zip((c.name for c in schema.columns), _firsts(schema.columns), strict=True))
    for column, found in _features(schema.columns, by_name):
        _place(matrix, firsts[column.name], found)
        said[column.name] = found.notes
    notes += [note for column in schema.columns for note in said[column.name]]
    return Design(matrix.finished(), tuple(notes))


def _firsts(columns: Sequence[Column]) -> Iterator[int]:
    """The first feature of each column."""
    return accumulate((len(column.feature_names) for column in columns[:-1]), initial=0)


def _features(
    columns: Sequence[Column], by_name: Mapping[str, pl.Series]
) -> Iterator[tuple[Column, Features | Codes]]:
    """Each column with its features: one kind after the other, many columns at a time."""
    kinds: tuple[tuple[type, Callable[..., Iterable[Features | Codes]]], ...] = (
        (NumberColumn, number_features),
        (CategoryColumn, category_codes),
        (DateColumn, partial(map, date_features)),
        (WordsColumn, partial(map, words_features)),
    )
    for kind, features in kinds:
        left = [column for column in columns if isinstance(column, kind)]
        for batch in batches([by_name[column.name] for column in left]):
            known, left = left[: len(batch)], left[len(batch) :]
            yield from zip(known, features(batch, known), strict=True)


def _place(matrix: DenseFeatures | SparseFeatures, first: int, found: Features | Codes) -> None:
    """Put the features of a column where they belong."""
    if isinstance(found, Codes):
        matrix.put_ones(first, found.codes)
        return
    for j, feature in enumerate(found.values):
        matrix.put(first + j, feature)


def worth_sparse(N: int, D: int, schema: Schema) -> bool:
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
    skipped = {name for name in skip if isinstance(name, str)}
    columns = [c for c in frame.get_columns() if c.name not in skipped and is_number(c)]
    for batch in batches(columns):
        refuse_beyond(number_matrix(batch), batch)


def cells(frame: pl.DataFrame, row: int) -> dict[str, str]:
    """Return the cells of one row (from 0) by column, as text, cut where long.

    >>> cells(pl.DataFrame({"mass": [1.5, None], "y": ["a", "b"]}), 1)
    {'mass': '(missing)', 'y': 'b'}
    """
    return dict(zip(frame.columns, map(_cell, frame.row(row)), strict=True))


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
