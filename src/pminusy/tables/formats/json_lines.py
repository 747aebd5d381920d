"""JSON lines: an object a row, whose names are the columns."""

from __future__ import annotations

import io
import json

import polars as pl

from pminusy.errors import InputError
from pminusy.tables.checks import refuse_repeated
from pminusy.tables.formats.memory import refuse_too_large
from pminusy.tables.wording import shown

__all__ = ["read_json_lines"]


def read_json_lines(what: str, stream: io.FileIO) -> pl.DataFrame:
    """Read JSON lines; a name that a row lacks is a missing value.

    Raises
    ------
    InputError
        A line that is no object, with its number; values that make no column.
    """
    data = stream.readall()
    refuse_too_large(what, len(data), 0)
    rows = [
        _row(what, number, line) for number, line in enumerate(data.splitlines(), 1) if line.strip()
    ]
    names = list(dict.fromkeys(name for row in rows for name in row))
    refuse_repeated(what, names)
    columns = []
    for name in names:
        values = [row.get(name) for row in rows]
        try:
            columns.append(pl.Series(name, values, strict=True))
        except (TypeError, pl.exceptions.PolarsError):
            columns.append(_mixed(name, values))
    return pl.DataFrame(columns)


def _row(what: str, number: int, line: bytes) -> dict[str, object]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        row = None
    if not isinstance(row, dict):
        got = f"{shown(line.decode('utf-8', errors='replace'))} in line {number:,}"
        remedy = 'write one object a line: {"a": 1, "b": "x"}'
        raise InputError(what, "JSON lines, an object each", got, remedy)
    return row


def _mixed(name: str, values: list[object]) -> pl.Series:
    """Values of several types: numbers of both kinds as numbers, all else as text."""
    if all((isinstance(v, int | float) and not isinstance(v, bool)) or v is None for v in values):
        return pl.Series(name, [None if v is None else float(v) for v in values])  # type: ignore[arg-type]
    return pl.Series(
        name, [v if v is None or isinstance(v, str) else json.dumps(v) for v in values]
    )
