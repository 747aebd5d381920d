"""Parquet and Feather: files that bring the types of their columns along."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import FileIO

import polars as pl

from pminusy.errors import InputError
from pminusy.tables.formats.memory import refuse_too_large
from pminusy.tables.wording import first_line

__all__ = ["read_feather", "read_parquet"]

_ASKED_FROM = 1 << 20  # bytes: compression makes small files of large tables
_SUFFIX = "give it the suffix of what it is"
_ERRORS = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError)

# What Polars says of types it does not have.
_UNKNOWN_TYPES = ("precision must be", "support", "not implemented", "could not import from")
_METADATA = b'{"index_columns"'  # how pandas' description of a frame begins


def read_parquet(what: str, stream: FileIO) -> pl.DataFrame:
    """Read a Parquet file.

    Raises
    ------
    InputError
        Another kind of file; one that is cut off; names or types that Polars does not take.
    """
    if _starts(stream, b"PAR1"):
        return _read(what, "Parquet", pl.read_parquet, stream, b"PAR1")
    raise InputError(what, "a Parquet file", "something else", _SUFFIX)


def read_feather(what: str, stream: FileIO) -> pl.DataFrame:
    """Read a Feather file, or an Arrow stream.

    Raises
    ------
    InputError
        As `read_parquet`.
    """
    if _starts(stream, b"ARROW1"):
        return _read(what, "Feather", pl.read_ipc, stream, b"ARROW1")
    if _starts(stream, b"\xff\xff\xff\xff"):
        return _read(what, "Arrow stream", pl.read_ipc_stream, stream, b"")
    got, remedy = "something else", _SUFFIX
    if _starts(stream, b"FEA1"):
        got, remedy = "Feather of version 1", "write it again with a current pyarrow"
    raise InputError(what, "a Feather file", got, remedy)


def _starts(stream: FileIO, magic: bytes) -> bool:
    stream.seek(0)
    start = stream.read(len(magic))
    stream.seek(0)
    return start == magic


def _read(
    what: str, kind: str, read: Callable[..., pl.DataFrame], stream: FileIO, end: bytes
) -> pl.DataFrame:
    try:
        with _panics_unprinted():
            _refuse_too_large(what, stream)
            frame = read(stream)
    except InputError:
        raise
    except _ERRORS as error:
        raise _unreadable(what, kind, error, whole=_ends(stream, end)) from None
    categories = _numeric_categories(_footer(stream, end))
    return frame.with_columns(
        _as_categories(column)
        for column in frame.get_columns()
        if column.name in categories and column.dtype.is_numeric()
    )


def _refuse_too_large(what: str, stream: FileIO) -> None:
    size = os.fstat(stream.fileno()).st_size
    scans: dict[bytes, Callable[..., pl.LazyFrame]]
    scans = {b"PAR1": pl.scan_parquet, b"ARRO": pl.scan_ipc}
    scan = scans.get(stream.read(4))
    stream.seek(0)
    if scan is None or size < _ASKED_FROM:
        refuse_too_large(what, size, 0)
        return
    lazy = scan(stream)
    rows = lazy.select(pl.len()).collect().item()
    refuse_too_large(what, size, rows * lazy.collect_schema().len())
    stream.seek(0)


def _unreadable(what: str, kind: str, error: BaseException, *, whole: bool) -> InputError:
    """Build the error about a file, by what Polars says of it and by whether it has its end."""
    message = str(error)
    got = first_line(error)
    if "more than one occurrence" in message or "duplicate" in message:
        remedy = "rename or remove one of them"
        return InputError(what, "column names all different", got, remedy)
    if not whole:
        return InputError(what, f"{kind} data", got, "the file is damaged: copy it again")
    if "dictionary key must fit" in message:  # pandas numbers a missing cell −1
        got = "missing cells in a column of categories, as pandas writes them to Feather"
        return InputError(what, "cells that Polars reads", got, "save the frame as Parquet")
    if any(words in message for words in _UNKNOWN_TYPES):
        if isinstance(error, pl.exceptions.PanicException):
            got = "one that Polars does not have"
        remedy = "write the file again with that column as float64 or text, or without it"
        return InputError(what, "types of columns that Polars has", got, remedy)
    if isinstance(error, pl.exceptions.PanicException):
        got = "data that Polars cannot read"
    remedy = (
        "copy it again if it is damaged; else write it again, with names of columns all different "
        "and columns of numbers or text"
    )
    return InputError(what, f"{kind} data", got, remedy)


def _ends(stream: FileIO, magic: bytes) -> bool:
    if stream.seek(0, os.SEEK_END) < 2 * len(magic):
        return False
    stream.seek(-len(magic), os.SEEK_END)
    return stream.read() == magic


@contextmanager
def _panics_unprinted() -> Iterator[None]:
    """Keep what compiled code prints about its own failure from standard error; pass on the rest.

    Polars prints a page about every panic, which we catch and say in one line.
    """
    try:
        before = os.dup(2)
    except OSError:  # there is no standard error
        yield
        return
    with tempfile.TemporaryFile() as printed:
        os.dup2(printed.fileno(), 2)
        try:
            yield
        except _ERRORS:
            printed.truncate(0)
            raise
        finally:
            os.dup2(before, 2)
            printed.seek(0)
            rest = printed.read()
            with suppress(OSError):
                os.write(before, rest)
            os.close(before)


def _footer(stream: FileIO, magic: bytes) -> bytes:
    """The end of a file, where both formats describe what is in it: its length, then the magic."""
    tail = len(magic) + 4
    size = stream.seek(0, os.SEEK_END)
    if not magic or size < tail:
        return b""
    stream.seek(size - tail)
    length = int.from_bytes(stream.read(4), "little")
    if length > size - tail:
        return b""
    stream.seek(size - tail - length)
    return stream.read(length)


def _numeric_categories(footer: bytes) -> frozenset[str]:
    """Names of the columns that were categories in the pandas frame a file was written from.

    Arrow keeps categories of numbers as numbers, and so does Polars.
    """
    start = footer.rfind(_METADATA)
    if start < 0:
        return frozenset()
    try:
        text = footer[start:].decode("utf-8", errors="replace")
        described, _ = json.JSONDecoder().raw_decode(text)
        columns = described["columns"]
        return frozenset(
            str(column["name"]) for column in columns if column["pandas_type"] == "categorical"
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        return frozenset()


def _as_categories(column: pl.Series) -> pl.Series:
    """Numbers as categories, named as pandas names them."""
    values = column.unique()
    names = pl.Series([None if value is None else str(value) for value in values.to_list()])
    return column.replace_strict(values, names, return_dtype=pl.String).cast(pl.Categorical)
