"""Points of the plane that the page opens with, each with its class, as the lines that it reads."""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from pminusy.errors import InputError
from pminusy.present.sanitise import cleaned, visible

__all__ = ["MOST_POINTS", "points_text"]

MOST_POINTS = 2000
_MOST_CLASSES = 10
_LONGEST_NAME = 40
_LARGEST = 1e12
_LARGEST_FILE = 200_000
_EXPECTED = "rows of two numbers and a class"


def points_text(points: Any) -> str:
    """Lines "number, number, class" of points.

    Parameters
    ----------
    points
        A CSV file of three columns, or rows (number, number, class).

    Raises
    ------
    InputError
        They are no such rows, too many or too few, or of too many classes or one.
    """
    rows = _of_file(points) if isinstance(points, str | os.PathLike) else _of_rows(points)
    if not 2 <= len(rows) <= MOST_POINTS:
        raise InputError("points", f"2 to {MOST_POINTS:,} rows", f"{len(rows):,}")
    classes = {row[2] for row in rows}
    if not 2 <= len(classes) <= _MOST_CLASSES:
        raise InputError("points", f"2 to {_MOST_CLASSES} classes", str(len(classes)))
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


_Row = tuple[float, float, str]


def _of_file(path: str | os.PathLike[str]) -> list[_Row]:
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        got = getattr(error, "strerror", None) or "no text in UTF-8"
        raise InputError("points", f"a CSV file, not {visible(str(path))!r}", got) from None
    if len(text) > _LARGEST_FILE:
        got = f"{len(text):,} characters"
        raise InputError("points", f"a file of at most {_LARGEST_FILE:,} characters", got)
    by = next((mark for mark in "\t;" if mark in text.partition("\n")[0]), ",")
    rows = [
        row for row in csv.reader(io.StringIO(text), delimiter=by, skipinitialspace=True) if row
    ]
    if by != ",":
        rows = [[*(cell.replace(",", ".") for cell in row[:2]), *row[2:]] for row in rows]
    if rows and not any(_is_number(cell) for cell in rows[0][:2]):
        rows = rows[1:]  # a heading
    return _of_rows(rows)


def _is_number(cell: Any) -> bool:
    try:
        return math.isfinite(float(cell))
    except (TypeError, ValueError):
        return False


def _of_rows(rows: Iterable[Sequence[Any]]) -> list[_Row]:
    try:
        listed = [tuple(row) for row in rows]
    except TypeError:
        raise InputError("points", _EXPECTED, type(rows).__name__) from None
    return [_row(row, number) for number, row in enumerate(listed)]


def _row(row: tuple[Any, ...], number: int) -> _Row:
    where = f"points[{number}]"
    if len(row) != len(("x", "y", "class")):
        raise InputError(where, "two numbers and a class", f"{len(row)} entries")
    for value in row[:2]:
        if not _is_number(value) or abs(float(value)) > _LARGEST:
            raise InputError(where, "two numbers and a class", repr(value)[:40])
    name = cleaned(str(row[2])).strip()
    if not name or len(name) > _LONGEST_NAME:
        raise InputError(where, f"a class of 1 to {_LONGEST_NAME} characters", repr(name)[:40])
    return float(row[0]), float(row[1]), name
