"""CSV as text: encoding, separator, header; then each column typed over all its rows."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Collection
from typing import Any, NamedTuple

import polars as pl

from pminusy.errors import InputError
from pminusy.tables.checks import refuse_repeated
from pminusy.tables.wording import first_line

__all__ = ["MISSING", "read_csv"]

# Cells that say there is no value: the list pandas users know.
MISSING = (
    "", "NA", "N/A", "n/a", "<NA>", "#N/A", "#N/A N/A", "#NA", "NaN", "-NaN", "nan", "-nan",
    "1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN", "NULL", "null", "None",
)  # fmt: skip

_SEPARATORS = {".csv": ",;\t|", ".tsv": "\t,;|", ".txt": "\t,;|"}  # in the order they are tried
_SAMPLE = 1 << 16  # bytes looked at to find the separator
_SAMPLE_LINES = 50


class _Layout(NamedTuple):
    separator: str
    end_of_line: str
    blank: int  # bytes of blank lines before the header


def read_csv(what: str, stream: io.FileIO, suffix: str, text: Collection[str]) -> pl.DataFrame:
    """Read delimited text with a header.

    Every column becomes the narrowest of whole numbers, numbers, booleans and text that holds all
    its values, except those named in `text`. A row with fewer cells than the header has its last
    values missing; rows at the end without any value are dropped.

    Raises
    ------
    InputError
        Not UTF-8 text; rows with more cells than the header; quotes that do not close; two columns
        of one name.
    """
    layout = _layout(what, stream, suffix)
    # The header is read apart: a column may well be called "NA".
    names = [name or "" for name in _cells(what, stream, layout, n_rows=1).row(0)]
    refuse_repeated(what, names)
    table = _cells(what, stream, layout, null_values=list(MISSING))
    body = _without_empty_end(table.slice(1))
    comma_decimal = layout.separator == ";"
    columns = {
        name: column if name in text else _typed(column, comma_decimal)
        for column, name in zip(body.get_columns(), names, strict=True)
    }
    return pl.DataFrame(columns)


def _layout(what: str, stream: io.FileIO, suffix: str) -> _Layout:
    sample = stream.read(_SAMPLE)
    if sample.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError(what, "UTF-8 text", "UTF-16 text", "save it as UTF-8 CSV")
    if b"\0" in sample:
        raise InputError(
            what, "a table as text", "binary data", "check that this is the right file"
        )
    characters = sample.decode("utf-8-sig", errors="replace")
    end_of_line = "\r" if "\r" in characters and "\n" not in characters else "\n"
    lines = characters.split(end_of_line)
    header = next((i for i, line in enumerate(lines) if line.strip()), None)
    if header is None:
        raise InputError(what, "a table", "nothing but blank lines")
    separator = _separator([f"{line}\n" for line in lines[header:]], _SEPARATORS[suffix])
    return _Layout(separator, end_of_line, _size(lines[:header], sample))


def _size(blank_lines: list[str], sample: bytes) -> int:
    if not blank_lines:
        return 0
    mark = len(codecs.BOM_UTF8) if sample.startswith(codecs.BOM_UTF8) else 0
    return mark + sum(len(line.encode()) + 1 for line in blank_lines)


def _separator(lines: list[str], candidates: str) -> str:
    """Find the first separator that cuts every line into as many cells as the header, above one."""
    for candidate in candidates:
        try:
            rows = csv.reader(lines, delimiter=candidate)
            widths = {len(row) for row, _ in zip(rows, range(_SAMPLE_LINES), strict=False) if row}
        except csv.Error:
            continue
        if len(widths) == 1 and widths != {1}:
            return candidate
    return max(candidates, key=lines[0].count)  # the reader will say what is wrong


def _cells(what: str, stream: io.FileIO, layout: _Layout, **options: Any) -> pl.DataFrame:
    """Read all cells as text, the header as the first row."""
    stream.seek(0)
    # Versions of Polars differ about blank lines and about streams that do not stand at 0.
    source = io.BytesIO(stream.read()[layout.blank :]) if layout.blank else stream
    try:
        return pl.read_csv(
            source,
            has_header=False,
            infer_schema=False,
            separator=layout.separator,
            eol_char=layout.end_of_line,
            **options,
        )
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise _unreadable(what, error) from None


def _unreadable(what: str, error: BaseException) -> InputError:
    message = str(error)
    if "utf-8" in message or "utf8" in message:
        remedy = "save it as UTF-8, for example with iconv -f latin1 -t utf-8"
        return InputError(what, "UTF-8 text", "bytes that are not UTF-8", remedy)
    if "more fields" in message:
        remedy = "put quotes around cells that hold the separator"
        return InputError(what, "rows no longer than the header", "a longer row", remedy)
    if "could not parse" in message:
        got = "a quoted cell that does not end with its quote"
        remedy = "close every quote that is opened, and double those inside a quoted cell"
        return InputError(what, "a table as text", got, remedy)
    return InputError(what, "a table as text", first_line(error), "check that the file is whole")


def _without_empty_end(table: pl.DataFrame) -> pl.DataFrame:
    """Drop the rows after the last one that holds a value: blank lines, or a spreadsheet's rim."""
    if table.width < 2:
        return table
    held = table.select(pl.any_horizontal(pl.all().is_not_null())).to_series()
    last = held.arg_true().max()
    return table.head(0 if last is None else int(str(last)) + 1)


def _typed(cells: pl.Series, comma_decimal: bool) -> pl.Series:
    """Give a column of cells the narrowest type that holds every value."""
    if cells.null_count() == len(cells):
        return cells
    text = cells.str.strip_chars()
    text = text.set(text.is_in(MISSING).fill_null(False), None)
    for attempt in (pl.Int64, pl.Float64):
        numbers = text.cast(attempt, strict=False)
        if numbers.null_count() == text.null_count():
            return numbers
    if comma_decimal:
        numbers = text.str.replace(",", ".", literal=True).cast(pl.Float64, strict=False)
        if numbers.null_count() == text.null_count():
            return numbers
    lower = text.str.to_lowercase()
    if lower.is_in(["true", "false"]).all():
        return lower == "true"
    return cells
