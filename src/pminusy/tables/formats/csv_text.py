"""CSV as text: encoding, separator, header; then each column typed over all its rows."""

from __future__ import annotations

import codecs
import csv
import io
import mmap
import re
from collections import Counter
from collections.abc import Collection, Sequence
from contextlib import ExitStack, suppress
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from pminusy.errors import InputError
from pminusy.tables.checks import refuse_repeated
from pminusy.tables.columns.batches import along, batches, by_column, divided
from pminusy.tables.formats.byte_streams import decoded, without_comments
from pminusy.tables.formats.csv_rows import COMMENT, is_plain, refuse_encoding, rewritten
from pminusy.tables.formats.memory import refuse_too_large
from pminusy.tables.reading import AS_THE_FILE_SAYS, Reading
from pminusy.tables.wording import first_line, is_numeric, listed

__all__ = ["MISSING", "CsvLayout", "csv_layout", "read_csv", "typed_columns"]

# Cells that mean a missing value: the defaults of pandas.
MISSING = (
    "", "NA", "N/A", "n/a", "<NA>", "#N/A", "#N/A N/A", "#NA", "NaN", "-NaN", "nan", "-nan",
    "1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN", "NULL", "null", "None",
)  # fmt: skip

_SEPARATORS = {".csv": ",;\t|", ".tsv": "\t,;|", ".txt": "\t,;|"}  # in the order they are tried
_SAMPLE = 1 << 16  # bytes looked at to find the separator
_SAMPLE_LINES = 50
_MANY_BYTES = 1 << 20  # looked at to estimate the number of cells
_SAYS_SEPARATOR = re.compile(r'"?sep=([^\w"\s]|\t)"?\s*', re.ASCII | re.IGNORECASE)  # Excel's own

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")  # with its end

# First bytes of binary formats: such a file is no text, whatever its suffix.
_PACKED = ("a compressed file", "unpack it first")
_MAGICS = {
    b"\x1f\x8b": _PACKED,
    b"BZh": _PACKED,
    b"\xfd7zXZ": _PACKED,
    b"\x28\xb5\x2f\xfd": _PACKED,
    b"PK\x03\x04": ("a zip archive or an Excel sheet", "unpack it, or name it .xlsx"),
    b"\xd0\xcf\x11\xe0": ("an Excel sheet", "name it .xls"),
    b"PAR1": ("a Parquet file", "name it .parquet"),
    b"ARROW1": ("a Feather file", "name it .feather"),
}
_WEB = ("a web page or XML", "fetch the file itself, or save its table as CSV")
_JSON = ("JSON", "make a CSV of it, with pandas.read_json(…).to_csv(…) say")
_LANGUAGES = {
    b"<!doctype": _WEB,
    b"<html": _WEB,
    b"<?xml": _WEB,
    b"[{": _JSON,
    b'{"': _JSON,
    b"@relation": ("an ARFF file", "save it as CSV"),
}
_ZLIB = (b"x\x01", b"x^")  # how text may begin and Polars still take it for compressed

_ATTEMPTS = (pl.Int64, pl.Float64)
_LEADING_ZERO = r"^\s*0[0-9]"
_WORD = re.compile(r"[^\W\d][^\d.,]*")  # of letters and marks, without a digit
_NO_WORDS = ("true", "false", "inf", "infinity", *(token.lower() for token in MISSING))


class CsvLayout(NamedTuple):
    """How a file of delimited text begins."""

    separator: str
    start: int  # of the header, in bytes
    line: int  # of the header, from 1
    header: bool = True


def read_csv(
    what: str,
    stream: io.FileIO,
    suffix: str,
    text: Collection[str],
    *,
    reading: Reading = AS_THE_FILE_SAYS,
    literal: Collection[str] = (),
) -> pl.DataFrame:
    """Read delimited text with a header.

    Every column becomes the narrowest of whole numbers, numbers, booleans and text that holds all
    its values, except those named in `text`. A row with fewer cells than the header has its last
    values missing; blank lines, and rows at the end without any value, are left out. So are columns
    that have neither a name nor a value, as spreadsheets leave them. A first line `sep=;` names the
    separator. Columns named in `literal` are text too, and only their empty cells are missing.

    Raises
    ------
    InputError
        Not UTF-8 text; rows with more cells than the header; quotes that do not close; two columns
        of one name; columns without one.
    """
    with ExitStack() as opened:
        if reading.encoding is not None:
            stream = opened.enter_context(decoded(what, stream, reading.encoding))
        if reading.comment is not None:
            stream = opened.enter_context(without_comments(what, stream, reading.comment))
        return _read_plain(what, stream, suffix, frozenset(text), reading, frozenset(literal))


def _read_plain(
    what: str,
    stream: io.FileIO,
    suffix: str,
    text: frozenset[str],
    reading: Reading,
    literal: frozenset[str],
) -> pl.DataFrame:
    layout = csv_layout(what, stream, suffix, reading)
    with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        refuse_too_large(what, len(mapped), _cells(mapped, layout.separator))
        data = memoryview(mapped)
        try:
            names, body = _names_and_cells(what, stream, data, layout, literal)
        finally:
            data.release()
    body = _without_empty_end(body)
    names, columns = _without_unnamed(what, layout.line, names, body.get_columns())
    known = text | literal
    open_ = [i for i, name in enumerate(names) if name not in known]
    typed = typed_columns(
        [columns[i] for i in open_],
        comma_decimal=layout.separator == ";" and reading.decimal is None,
        whole_only=reading.decimal == "," or reading.thousands is not None,
    )
    for i, column in zip(open_, typed, strict=True):
        columns[i] = column
    table = pl.DataFrame(columns)
    table.columns = names  # afterwards: the constructor does not leave a name empty
    return table


def csv_layout(what: str, stream: io.FileIO, suffix: str, reading: Reading) -> CsvLayout:
    """Find the separator and the header in the first bytes of a file."""
    stream.seek(0)
    sample = stream.read(_SAMPLE)
    _refuse_other_files(what, sample)
    characters = sample.decode("utf-8-sig", errors="replace")
    lines = _LINE.findall(characters)
    if len(sample) == _SAMPLE and len(lines) > 1:
        del lines[-1]  # it may be cut
    skipped = _header(lines, 0)
    separator = _SAYS_SEPARATOR.fullmatch(lines[skipped]) if skipped < len(lines) else None
    if separator:
        skipped = _header(lines, skipped + 1)
    if skipped == len(lines):
        got = "nothing but blank lines" if separator is None else "only a separator"
        raise InputError(what, "a table", got)
    mark = len(codecs.BOM_UTF8) if sample.startswith(codecs.BOM_UTF8) else 0
    start = mark + len("".join(lines[:skipped]).encode())
    if reading.sep is not None:
        found = reading.sep
    else:
        candidates = _SEPARATORS[suffix]
        if not reading.header:  # a first row has decimal commas, too: the most cells count
            candidates = "".join(sorted(candidates, key=lambda c: -lines[skipped].count(c)))
        found = separator[1] if separator else _separator(lines[skipped:], candidates)
    return CsvLayout(found, start, skipped + 1, reading.header)


def _header(lines: list[str], start: int) -> int:
    """Find the first line that is not blank."""
    return next((i for i in range(start, len(lines)) if lines[i].strip()), len(lines))


def _refuse_other_files(what: str, sample: bytes) -> None:
    """Refuse a file that begins as a binary format."""
    if sample.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError(
            what, "UTF-8 text", "UTF-16 text", "say --encoding utf-16, or save it as UTF-8"
        )
    for magic, (got, remedy) in _MAGICS.items():
        if sample.startswith(magic):
            raise InputError(what, "a table as text", got, remedy)
    start = sample.removeprefix(codecs.BOM_UTF8).lstrip()[:20].lower()
    for beginning, (got, remedy) in _LANGUAGES.items():
        if start.startswith(beginning):
            raise InputError(what, "a table as text", got, remedy)
    if 4 * max(sample[::2].count(0), sample[1::2].count(0)) > len(sample):
        raise InputError(
            what, "UTF-8 text", "UTF-16 text", "say --encoding utf-16, or save it as UTF-8"
        )
    if b"\0" in sample:
        raise InputError(
            what, "a table as text", "binary data", "check that this is the right file"
        )


def _separator(lines: list[str], candidates: str) -> str:
    """Find the first separator that cuts every line into as many cells as the header, above one.

    Failing that, the one that cuts the header and most lines alike: the reader will say what is
    wrong with the others.
    """
    alike: dict[str, tuple[bool, int]] = {}
    for candidate in candidates:
        try:
            rows = csv.reader(lines, delimiter=candidate)
            widths = [len(row) for row, _ in zip(rows, range(_SAMPLE_LINES), strict=False) if row]
        except csv.Error:  # a cell longer than `csv` takes
            widths = [lines[0].count(candidate) + 1]
        if len(set(widths)) == 1 and widths[0] > 1:
            return candidate
        above_one = Counter(width for width in widths if width > 1)
        alike[candidate] = (widths[:1] > [1], max(above_one.values(), default=0))
    return max(alike, key=lambda candidate: alike[candidate])


def _cells(mapped: mmap.mmap, separator: str) -> float:
    """Estimate the number of cells from the first megabyte."""
    sample = mapped[:_MANY_BYTES]
    separators = sample.count(separator.encode()) + sample.count(b"\n")
    return separators * len(mapped) / len(sample)


def _names_and_cells(
    what: str, stream: io.FileIO, data: memoryview, layout: CsvLayout, literal: frozenset[str]
) -> tuple[list[str], pl.DataFrame]:
    """Names of the columns, and all cells as text."""
    separator, body = layout.separator, data[layout.start :]
    try:
        if is_plain(body, separator):
            with suppress(*_ERRORS):  # the rows themselves will say what is wrong, and where
                names, cells = _read(_source(stream, data, layout), layout, literal)
                if not _has_comments(cells):
                    return names, cells
        body_again = rewritten(what, body, separator, layout.line)
        try:
            return _read(io.BytesIO(body_again), layout, literal)
        except _ERRORS as error:
            refuse_encoding(what, body, layout.line)
            remedy = "check that the file is whole"
            raise InputError(what, "a table as text", first_line(error), remedy) from None
    finally:
        body.release()


_ERRORS = (pl.exceptions.PolarsError, pl.exceptions.PanicException)


def _source(stream: io.FileIO, data: memoryview, layout: CsvLayout) -> io.FileIO | io.BytesIO:
    """What Polars is to read: the file itself if it can, which takes no memory."""
    mark = codecs.BOM_UTF8 if bytes(data[:3]) == codecs.BOM_UTF8 else b""
    start = bytes(data[layout.start : layout.start + 2])
    if layout.start == len(mark) and start not in _ZLIB:
        stream.seek(0)
        return stream
    # Behind a mark nothing is taken for compressed.
    return io.BytesIO(codecs.BOM_UTF8 + data[layout.start :])


def _read(
    source: io.FileIO | io.BytesIO, layout: CsvLayout, literal: frozenset[str]
) -> tuple[list[str], pl.DataFrame]:
    options: dict[str, Any] = {"has_header": False, "infer_schema": False}
    options["separator"] = layout.separator
    # The header is read apart: a column may well be called "NA".
    first = pl.read_csv(source, n_rows=1, **options).row(0)
    source.seek(0)
    cells = pl.read_csv(source, null_values=list(MISSING), **options)
    if not layout.header:
        return [f"column_{i + 1}" for i in range(cells.width)], cells
    names = [name or "" for name in first]
    as_written = [i for i, name in enumerate(names) if name in literal]
    if as_written:
        source.seek(0)
        apart = pl.read_csv(source, columns=as_written, **options)
        cells = cells.with_columns(column.replace("", None) for column in apart.get_columns())
    return names, cells.slice(1)


def _has_comments(cells: pl.DataFrame) -> bool:
    """Tell whether there are rows of one cell that begins as comments do."""
    if cells.width < 2:
        return False
    first = cells.to_series(0).str.contains(COMMENT).fill_null(False)
    rows = first.arg_true().head(1000).to_list()
    return any(all(cell is None for cell in cells.row(row)[1:]) for row in rows)


def _without_empty_end(table: pl.DataFrame) -> pl.DataFrame:
    """Drop the empty rows at the end that a spreadsheet leaves."""
    if table.width < 2 or table.is_empty() or any(cell is not None for cell in table.row(-1)):
        return table
    present = (column.is_not_null().to_numpy() for column in table.get_columns())
    last = max(int(rows.nonzero()[0].max(initial=-1)) for rows in present)
    return table.head(last + 1)


def _without_unnamed(
    what: str, line: int, names: list[str], columns: list[pl.Series]
) -> tuple[list[str], list[pl.Series]]:
    """Leave out columns without a name and a value; refuse other names that are not different."""
    kept = [i for i, name in enumerate(names) if name or columns[i].null_count() < len(columns[i])]
    names, columns = [names[i] for i in kept], [columns[i] for i in kept]
    header = f"line {line:,}: {listed(names)}"
    if names.count("") > 1:
        got = f"{names.count('')} columns without one in {header}"
        remedy = "name them; if names stand further down, delete the lines above"
        raise InputError(what, "a name for each column", got, remedy)
    if len(set(names)) < len(names) and 2 * sum(map(is_numeric, names)) > len(names):
        raise InputError(what, "names of columns", f"numbers in {header}", "add a line of names")
    refuse_repeated(what, names)
    return names, columns


def typed_columns(
    columns: Sequence[pl.Series], *, comma_decimal: bool = False, whole_only: bool = False
) -> list[pl.Series]:
    """Give columns of cells the narrowest type that holds every value.

    Whole numbers with leading zeros stay text: they are codes. With `whole_only` so do all others
    that are not whole, because their signs are to be read otherwise than Python does.
    """
    typed: list[pl.Series] = []
    for batch in batches(columns):
        found = list(batch)
        left = [i for i, cells in enumerate(batch) if cells.null_count() < len(cells)]
        for attempt in _ATTEMPTS[:1] if whole_only else _ATTEMPTS:
            left = _read_as(attempt, found, left)
        for i in left:
            if not _begins_with_words(found[i]):
                found[i] = _typed_with_blanks(found[i], comma_decimal, whole_only)
        typed += found
    return typed


def _read_as(dtype: Any, found: list[pl.Series], left: list[int]) -> list[int]:
    """Read those of the columns that all are numbers of a type; which are not."""
    if not left:
        return []
    some = [found[i] for i in left]
    cells = along(some)
    numbers = cells.cast(dtype, strict=False)
    other = by_column(numbers.is_null() & cells.is_not_null(), len(some))
    codes = ~other
    if dtype == pl.Int64 and codes.any():
        codes &= by_column(cells.str.contains(_LEADING_ZERO), len(some))
    read = np.flatnonzero(~other & ~codes if dtype == pl.Int64 else ~other)
    if read.size:
        chosen = [some[k] for k in read]
        kept = numbers if read.size == len(some) else along(chosen).cast(dtype)
        for k, column in zip(read, divided(kept, chosen), strict=True):
            found[left[k]] = column
    return [left[k] for k in np.flatnonzero(other)]


def _typed_with_blanks(cells: pl.Series, comma_decimal: bool, whole_only: bool) -> pl.Series:
    """A column with blanks around some cells, decimal commas, or booleans."""
    text = cells.str.strip_chars()
    text = text.set(text.is_in(MISSING).fill_null(False), None)
    numbers = _numbers(text, whole_only)
    if numbers is None and comma_decimal:
        numbers = _numbers(text.str.replace(",", ".", literal=True))
    if numbers is not None:
        return text if numbers.dtype == pl.Int64 and _has_leading_zero(text) else numbers
    lower = text.str.to_lowercase()
    if lower.is_in(["true", "false"]).all():
        return lower == "true"
    return cells


def _has_leading_zero(cells: pl.Series) -> bool:
    return bool(cells.str.contains(_LEADING_ZERO).any())


def _numbers(text: pl.Series, whole_only: bool = False) -> pl.Series | None:
    """Return cells as numbers, if all that are there are."""
    for attempt in _ATTEMPTS[:1] if whole_only else _ATTEMPTS:
        numbers = text.cast(attempt, strict=False)
        if numbers.null_count() == text.null_count():
            return numbers
    return None


def _begins_with_words(cells: pl.Series) -> bool:
    """Tell whether a word is among the first cells: a table may have 100,000 columns of words."""
    first = next((cell for cell in cells.head(20).to_list() if cell is not None), "")
    word = first.strip().lower()
    return bool(_WORD.fullmatch(word)) and word not in _NO_WORDS
