"""Excel and OpenDocument sheets: typed cells, which people treat like those of a text file.

Through `fastexcel`, the package that Polars reads sheets with.
"""

from __future__ import annotations

import io
import logging
from typing import Any

import numpy as np
import polars as pl

from pminusy.errors import InputError
from pminusy.extras import needing_extra
from pminusy.tables.checks import refuse_repeated
from pminusy.tables.formats.csv_text import MISSING, typed_columns
from pminusy.tables.formats.memory import refuse_too_large
from pminusy.tables.reading import Reading
from pminusy.tables.wording import count, first_line, listed, shown

__all__ = ["EXCEL", "read_excel"]

EXCEL = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")

_UNPACKED = 10  # times the bytes of a file, which is packed
_LARGEST_WHOLE = 2.0**53


def read_excel(
    what: str, stream: io.FileIO, reading: Reading, known: frozenset[str], literal: frozenset[str]
) -> pl.DataFrame:
    """Read one sheet: its first line that is not empty has the names.

    Numbers, dates and booleans keep their types; whole numbers are integers. Text is read as cells
    of a CSV are: those that say NA are missing, a column of numbers kept as text becomes numbers,
    except columns `known` as text, and those in `literal`, of which only empty cells are missing.
    Rows without any value, and columns without a name and a value, are left out.

    Raises
    ------
    InputError
        No sheet or several where none is named; no Excel file; names that are lacking or repeated.
    """
    with needing_extra():
        import fastexcel
    logging.getLogger("fastexcel").setLevel(logging.ERROR)  # it tells of columns without values
    data = stream.readall()
    refuse_too_large(what, _UNPACKED * len(data), 0)
    try:
        book = fastexcel.read_excel(data)
        sheet = _sheet(what, book.sheet_names, reading.sheet)
        names, cells = _names_and_cells(book, sheet, header=reading.header)
    except fastexcel.FastExcelError as error:
        remedy = "copy it again if it is damaged, or save the sheet as CSV"
        raise InputError(what, "an Excel or OpenDocument file", first_line(error), remedy) from None
    names, columns = _named(f"{what}, sheet {shown(sheet)}", names, cells)
    if not columns:
        raise InputError(f"{what}, sheet {shown(sheet)}", "a table", "an empty sheet")
    frame = pl.DataFrame([column.alias(str(i)) for i, column in enumerate(columns)])
    empty = frame.select(pl.all_horizontal(pl.all().is_null())).to_series().fill_null(False)
    columns = [_typed(c, name, known, literal) for c, name in zip(
        frame.filter(~empty).get_columns(), names, strict=True)]  # fmt: skip
    return pl.DataFrame([column.alias(name) for column, name in zip(columns, names, strict=True)])


def _sheet(what: str, there: list[str], asked: str | None) -> str:
    if asked in there:
        return str(asked)
    sheets = count(len(there), "sheet")
    if asked is not None:
        got = f"{sheets}: {listed(there)}"
        raise InputError(what, f"a sheet {shown(asked)}", got, "say which with --sheet")
    if len(there) != 1:
        remedy = "say which with --sheet"
        raise InputError(what, "one sheet", f"{sheets}: {listed(there)}", remedy)
    return there[0]


def _names_and_cells(book: Any, sheet: str, *, header: bool) -> tuple[list[str], pl.DataFrame]:
    """Names as they are written, "" for none, and the cells below them."""
    if not header:
        cells = book.load_sheet(sheet, header_row=None, schema_sample_rows=None).to_polars()
        return [f"column_{i + 1}" for i in range(cells.width)], cells
    first = book.load_sheet(sheet, header_row=None, n_rows=1, dtypes="string").to_polars()
    if first.height == 0:
        return [], first
    # Its own names for the columns would differ from those written, where one is there twice.
    rest = book.load_sheet(sheet, header_row=0, schema_sample_rows=None).to_polars()
    return [str(name or "").strip() for name in first.row(0)], rest


def _named(what: str, names: list[str], cells: pl.DataFrame) -> tuple[list[str], list[pl.Series]]:
    """Leave out columns without a name and a value; refuse other names that are not different."""
    columns = cells.get_columns()
    kept = [i for i, name in enumerate(names[: len(columns)])
            if name or columns[i].null_count() < cells.height]  # fmt: skip
    names = [names[i] for i in kept]
    if "" in names:
        got = (
            f"{count(names.count(''), 'column')} without one beside {listed(n for n in names if n)}"
        )
        remedy = "name them; if names stand further down, delete the lines above"
        raise InputError(what, "a name for each column", got, remedy)
    refuse_repeated(what, names)
    return names, [columns[i] for i in kept]


def _typed(
    column: pl.Series, name: str, known: frozenset[str], literal: frozenset[str]
) -> pl.Series:
    if column.dtype == pl.Float64:
        return _whole(column)
    if column.dtype != pl.String:
        return column
    if name in literal:
        return column.set((column == "").fill_null(False), None)
    column = column.set(column.is_in(MISSING).fill_null(False), None)
    return column if name in known else typed_columns([column])[0]


def _whole(column: pl.Series) -> pl.Series:
    """Numbers as integers where all are whole: a sheet has no others."""
    values = column.drop_nulls().to_numpy()
    whole = np.isfinite(values).all() and (np.rint(values) == values).all()
    if values.size and whole and np.abs(values).max() < _LARGEST_WHOLE:
        return column.cast(pl.Int64)
    return column
