"""Tables in from files and data frames, and out again.

CSV is read as text first and typed column by column over all its rows, so a column that turns from
numbers to words after ten thousand rows is a text column and never a crash.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import polars as pl

from pminusy.errors import InputError
from pminusy.files import check_writable, write_atomically
from pminusy.tables.file_names import is_several, refuse_other_columns, table_files
from pminusy.tables.formats.byte_streams import PACKED, saved, unpacked
from pminusy.tables.formats.columnar import read_feather, read_parquet
from pminusy.tables.formats.csv_text import read_csv
from pminusy.tables.formats.excel import EXCEL, read_excel
from pminusy.tables.formats.json_lines import read_json_lines
from pminusy.tables.formats.pandas_frames import from_pandas
from pminusy.tables.reading import AS_THE_FILE_SAYS, Reading
from pminusy.tables.wording import first_line, shown

__all__ = [
    "TABLE_SUFFIXES",
    "check_table_path",
    "is_standard",
    "is_text",
    "read_table",
    "refuse_sheet",
    "write_table",
]

StrPath = str | os.PathLike[str]

_SUFFIXES = ".csv, .tsv, .txt, .jsonl, .xlsx, .xls, .ods, .parquet, .feather, .arrow or .ipc"
_REMEDIES = {
    ".zip": "unpack it first",
    ".bz2": "unpack it first",
    ".xz": "unpack it first",
}


def read_table(
    source: Any,
    *,
    text: Collection[str] = (),
    literal: Collection[str] = (),
    reading: Reading = AS_THE_FILE_SAYS,
) -> pl.DataFrame:
    """Read a table: a file by its suffix, or a data frame.

    Parameters
    ----------
    source
        Path of a CSV (`.csv`, `.tsv`, `.txt`; comma, semicolon, tab or bar), of JSON lines
        (`.jsonl`, `.ndjson`), of a Parquet or Feather file, of an Excel or OpenDocument file
        (`.xlsx`, `.xlsm`, `.xlsb`, `.xls`, `.ods`), of text packed as `.gz` or `.zst`; "-"
        for standard input; or a Polars or pandas data frame (its index is not a column).
    text
        Columns of a CSV to leave as text, whatever they look like: those a model knows as text.
    literal
        Columns of a CSV to leave as text of which only empty cells are missing.
    reading
        What the file does not say of itself.

    Returns
    -------
    polars.DataFrame
        At least one row and one column, names all different. CSV cells that are empty or say NA,
        NaN, null and the like are missing.

    Raises
    ------
    InputError
        Nothing there, not a table, no rows, two columns of one name.

    Examples
    --------
    >>> read_table(pl.DataFrame({"a": [1, 2]})).shape
    (2, 1)
    """
    if is_several(source):
        what, how = (
            f"table {os.fspath(source)!r}",
            _How(frozenset(text), frozenset(literal), reading),
        )
        frame = _read_files(table_files(source), how)
    elif isinstance(source, str | os.PathLike):
        what = "standard input" if is_standard(source) else f"table {os.fspath(source)!r}"
        frame = _read_file(Path(source), _How(frozenset(text), frozenset(literal), reading))
    else:
        what, frame = "table", _from_frame(source)
    if frame.width == 0:
        raise InputError(what, "at least one column", "an empty table")
    if frame.height == 0:
        raise InputError(what, "at least one row of values", "only a header")
    return frame


def is_standard(path: object) -> bool:
    """Tell whether a path stands for standard input or output."""
    return isinstance(path, str | os.PathLike) and os.fspath(path) == "-"


def is_text(source: object) -> bool:
    """Tell whether a table is a file whose cells people type: delimited text, or a sheet."""
    if not isinstance(source, str | os.PathLike):
        return False
    path = table_files(source)[0] if is_several(source) else Path(source)
    suffix = path.with_suffix("").suffix if path.suffix.lower() in PACKED else path.suffix
    return is_standard(source) or suffix.lower() in _TEXTS


_TEXTS = (".csv", ".tsv", ".txt", *EXCEL)


def refuse_sheet(source: object, reading: Reading) -> None:
    """Refuse the name of a sheet beside what has none.

    Raises
    ------
    InputError
        A file that is no Excel file by its name, or a data frame.
    """
    if reading.sheet is None or is_standard(source):
        return
    suffixes = Path(source).suffixes if isinstance(source, str | os.PathLike) else []
    if not {suffix.lower() for suffix in suffixes} & set(EXCEL):
        got = f"{os.fspath(source)!r}" if isinstance(source, str | os.PathLike) else "a data frame"
        raise InputError("sheet", f"a file named {' or '.join(EXCEL)}", got)


class _How(NamedTuple):
    text: frozenset[str]
    literal: frozenset[str]
    reading: Reading


def _read_file(path: Path, how: _How) -> pl.DataFrame:
    what = f"table {str(path)!r}"
    if is_standard(path):
        return _read_standard_input(how)
    try:
        _check_file(what, path)
        # Unbuffered: Polars reads from where the system says the file is, not from where Python is.
        with path.open("rb", buffering=0) as stream:
            suffix = path.suffix.lower()
            if suffix in PACKED:
                inner = path.with_suffix("").suffix.lower()
                with unpacked(what, stream, suffix) as plain:
                    return _read_stream(what, plain, inner or ".csv", how)
            return _read_stream(what, stream, suffix, how)
    except OSError as error:
        got = error.strerror or type(error).__name__
        raise InputError(what, "a file that can be read", got) from None


def _read_files(paths: list[Path], how: _How) -> pl.DataFrame:
    """Files one below the other; all must have the columns of the first, and their types."""
    frames = [_read_file(path, how) for path in paths]
    first = frames[0].schema
    for path, frame in zip(paths, frames, strict=True):
        what = f"table {str(path)!r}"
        refuse_other_columns(what, frame.schema, str(paths[0]), first, numbers_alike=True)
    return pl.concat(frames, how="vertical_relaxed")


def _read_stream(what: str, stream: io.FileIO, suffix: str, how: _How) -> pl.DataFrame:
    match suffix:
        case ".csv" | ".tsv" | ".txt":
            text, literal, reading = how
            return read_csv(what, stream, suffix, text, reading=reading, literal=literal)
        case ".jsonl" | ".ndjson":
            return read_json_lines(what, stream)
        case _ if suffix in EXCEL:
            return read_excel(what, stream, how.reading, how.text, how.literal)
        case ".parquet" | ".pq":
            return read_parquet(what, stream)
        case ".feather" | ".arrow" | ".ipc":
            return read_feather(what, stream)
        case _:
            remedy = _REMEDIES.get(suffix, "convert it to one of these")
            got = shown(suffix) if suffix else "a name without a suffix"
            raise InputError(what, f"a file named {_SUFFIXES}", got, remedy)


def _read_standard_input(how: _How) -> pl.DataFrame:
    """Read standard input to its end: JSON lines, Parquet, Feather or delimited text."""
    what = "standard input"
    with saved(iter(lambda: sys.stdin.buffer.read(1 << 20), b"")) as stream:
        start = stream.read(6)
        stream.seek(0)
        if not start.strip():
            raise InputError(what, "a table", "nothing: it ended before the first row")
        suffix = next((s for magic, s in _STARTS if start.startswith(magic)), ".csv")
        if suffix in PACKED:
            with unpacked(what, stream, suffix) as plain:
                return _read_stream(what, plain, ".csv", how)
        return _read_stream(what, stream, suffix, how)


_STARTS = (
    (b"PAR1", ".parquet"), (b"ARROW1", ".arrow"), (b'{"', ".jsonl"), (b"\x1f\x8b", ".gz"),
    (b"\x28\xb5\x2f\xfd", ".zst"), (b"PK\x03\x04", ".xlsx"), (b"\xd0\xcf\x11\xe0", ".xls"),
)  # fmt: skip


def _check_file(what: str, path: Path) -> None:
    if "\0" in str(path):
        raise InputError("table", "a file name", repr(str(path)))
    if path.is_dir():
        raise InputError(what, "a file", "a folder", "name a file in it")
    if not path.exists():
        raise InputError(what, "a file that exists", "nothing there", "check the name")
    if not path.is_file():
        raise InputError(what, "an ordinary file", "a device or pipe", "save it to a file first")
    if path.stat().st_size == 0:
        raise InputError(what, "a table", "an empty file")


def _from_frame(source: Any) -> pl.DataFrame:
    if isinstance(source, pl.DataFrame):
        return source
    if isinstance(source, pl.LazyFrame):
        return source.collect()
    pandas = sys.modules.get("pandas")  # whoever hands over a frame has imported it
    if pandas is not None and isinstance(source, pandas.DataFrame):
        return from_pandas(source)
    expected = "the path of a file, or a Polars or pandas data frame"
    raise InputError("table", expected, type(source).__name__, "polars.DataFrame(…) makes one")


def write_table(frame: pl.DataFrame, path: StrPath) -> None:
    """Write a table as CSV, Parquet or Feather, by suffix; whole or not at all.

    Text in a CSV that a spreadsheet would run as a formula is written with a leading apostrophe.

    Parameters
    ----------
    frame
        The table.
    path
        Where to; a file there is replaced.

    Raises
    ------
    InputError
        A suffix we do not write, a column CSV cannot hold, a place that cannot be written.

    Examples
    --------
    >>> write_table(pl.DataFrame({"a": [1]}), "table.docx")
    Traceback (most recent call last):
        ...
    pminusy.errors.InputError: output file 'table.docx': expected a file named .csv, .tsv, \
.parquet, .feather, .arrow or .ipc, got '.docx'; choose one of these
    """
    write = _writer(path)
    try:
        write_atomically(path, lambda stream: write(frame, stream))
    except pl.exceptions.PolarsError as error:
        what = f"output file {os.fspath(path)!r}"
        words = str(error).split("IO error: ")  # a full disk, wrapped by the Parquet writer
        got = words[1].split(" (os error")[0] if len(words) > 1 else first_line(error)
        raise InputError(what, "a table that can be written", got) from None


def check_table_path(path: StrPath, *, inputs: Iterable[StrPath] = ()) -> Path:
    """Refuse, before the work, an output table that could not be written after it.

    Raises
    ------
    InputError
        A suffix `write_table` does not know, and as `pminusy.files.check_writable`.
    """
    _writer(path)
    return check_writable(path, inputs=inputs)


TABLE_SUFFIXES = (".csv", ".tsv", ".parquet", ".pq", ".feather", ".arrow", ".ipc")
"""How files are named that `write_table` writes."""


def _writer(path: StrPath) -> Callable[[pl.DataFrame, BinaryIO], object]:
    match Path(path).suffix.lower():
        case ".csv":
            return lambda frame, stream: without_formulas(frame).write_csv(stream)
        case ".tsv":
            return lambda frame, stream: without_formulas(frame).write_csv(stream, separator="\t")
        case ".parquet" | ".pq":
            return lambda frame, stream: frame.write_parquet(stream)
        case ".feather" | ".arrow" | ".ipc":
            return lambda frame, stream: frame.write_ipc(stream)
        case suffix:
            expected = "a file named .csv, .tsv, .parquet, .feather, .arrow or .ipc"
            what = f"output file {os.fspath(path)!r}"
            raise InputError(what, expected, shown(suffix), "choose one of these")


# What a spreadsheet may run: a cell that begins with one of these and is not simply a number.
_FORMULA = r"^[=+\-@\t\r\n＝＋－＠]"
_NUMBER = r"^[+-]?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?$"


def without_formulas(frame: pl.DataFrame) -> pl.DataFrame:
    """Put an apostrophe before text, in cells and names, that a spreadsheet would run."""
    names = pl.Series(frame.columns, dtype=pl.String)
    safe = _harmless(names).to_list()
    texts = (pl.String, pl.Categorical, pl.Enum)
    cells = [
        _harmless(column.cast(pl.String))
        for column in frame.get_columns()
        if isinstance(column.dtype, texts)
    ]
    return frame.with_columns(cells).rename(dict(zip(frame.columns, safe, strict=True)))


def _harmless(text: pl.Series) -> pl.Series:
    formula = text.str.contains(_FORMULA) & ~text.str.contains(_NUMBER)
    quoted = ("'" + text).alias(text.name)
    return quoted.zip_with(formula.fill_null(False), text)
