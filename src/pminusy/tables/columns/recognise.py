"""Which columns of text hold numbers, dates, codes or words; and what a user says they hold.

A column is numbers (or dates) where nine tenths of its cells are, without those that hold a mark
for a missing value; the cells that are not are missing then, and counted. All else stays as it is.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from pminusy.errors import InputError
from pminusy.tables.columns.batches import along, batches, by_column, number_matrix
from pminusy.tables.columns.dates import (
    EARLIEST,
    LATEST,
    ORDERS,
    Ordered,
    ordered,
    parse_dates,
    parse_whole_dates,
)
from pminusy.tables.columns.finding import taken_as_missing
from pminusy.tables.columns.numerals import (
    CANDIDATES,
    COMMON_MARKS,
    LONGEST,
    PLAIN,
    Numerals,
    is_common_mark,
    parse_numbers,
)
from pminusy.tables.reading import AS_THE_FILE_SAYS, Reading
from pminusy.tables.wording import count, listed, shown, word

__all__ = [
    "BLANKS",
    "Recognised",
    "RecognisedColumn",
    "as_categories",
    "bare_texts",
    "recognise",
    "without_marks",
]

_LARGEST_SHARE_OF_WORDS = 0.1  # of the cells of a column of numbers, marks aside
_FEWEST_NUMBERS = 2  # different ones
_CODES = 10  # so few different whole numbers beside words are codes, as 0, 1, 2 and "3+"
_MOST_MARKS = 1000  # remembered in a model
_HEAD = 200  # cells looked at first, for what dates have between their parts
# How a cell begins that may be a number, a code or a date; hardly a column of words has one.
_LIKELY = r"^[\s(+−-]*[$€£¥₹]?\s*[+-]?[.,]?[0-9]|^\s*[A-Za-z]{3,9}\.?[ -]+[0-9]"
BLANKS = r"^\s|\s$"  # a cell that begins or ends with one
_SIGN_INSIDE = r"[0-9][,. '’_\u00a0\u2009\u202f][0-9]"

# Columns of whole numbers that are codes of places, by their names.
_PLACES = re.compile(r"(zip|zip[ _.-]?codes?|post(al)?[ _.-]?codes?|postcode|plz|fips)", re.I)


@dataclass(frozen=True)
class RecognisedColumn:
    """How a column of text is read, and what is said of it.

    Parameters
    ----------
    numerals
        How its numbers are written, or None where they need no reading.
    order
        Of day and month in dates; "" for other columns.
    marks
        Cells that were taken as missing, beside the common ones.
    kind
        What the user says it is, or "".
    why
        What it was taken for and why, with counts.
    note
        Whether that is always said, not only where the whole report is asked for.
    left_out
        Why it cannot be used; "" where it can.
    """

    numerals: Numerals | None = None
    order: str = ""
    marks: tuple[str, ...] = ()
    kind: str = ""
    why: str = ""
    note: bool = False
    left_out: str = ""


@dataclass(frozen=True)
class Recognised:
    """A table whose columns hold values, and how those were read that were text."""

    frame: pl.DataFrame
    columns: Mapping[str, RecognisedColumn] = field(default_factory=dict)


class _Cells(NamedTuple):
    """The different cells of a column, and how often each occurs."""

    values: pl.Series
    counts: pl.Series

    def marked(self, here: pl.Series) -> Counter[str]:
        chosen = self.values.filter(here).to_list(), self.counts.filter(here).to_list()
        return Counter(dict(zip(*chosen, strict=True)))

    def rows(self, here: pl.Series) -> int:
        return int(self.counts.filter(here).sum())


def recognise(
    frame: pl.DataFrame,
    *,
    reading: Reading = AS_THE_FILE_SAYS,
    kinds: Mapping[str, str] | None = None,
    skip: Collection[object] = (),
    from_text: bool = False,
) -> Recognised:
    """Read the columns of text that hold numbers or dates, and those a user says what they hold.

    Parameters
    ----------
    frame
        The table.
    reading
        Signs of numbers, where they are given, and what is missing.
    kinds
        What columns are said to be.
    skip
        Columns to leave alone: the target, those dropped.
    from_text
        The table is a file of text, where blanks around a cell mean nothing.

    Raises
    ------
    InputError
        A column that cannot be what it is said to be.

    Examples
    --------
    >>> table = pl.DataFrame({"x": ["1", "2.5", "?", "4"] * 5})
    >>> found = recognise(table)
    >>> found.frame["x"].null_count(), found.columns["x"].why
    (5, "15 of 20 cells are numbers; '?' taken as missing (5)")
    """
    frame = without_marks(frame, reading.missing)
    kinds = kinds or {}
    columns: dict[str, RecognisedColumn] = {}
    read: list[pl.Series] = []
    there = [c for c in frame.get_columns() if c.name in kinds or c.name not in skip]
    looked_at = _promising(there) | kinds.keys()
    for column in there:
        kind = kinds.get(column.name, "")
        if column.name not in looked_at:
            continue
        found = _forced(column, kind, reading) if kind else _found(column, reading)
        if found is None and column.dtype == pl.String:
            found = _without_blanks(column, from_text)
        if found is not None:
            columns[column.name] = found[1]
            if found[0] is not column:
                read.append(found[0])
    return Recognised(frame.with_columns(read) if read else frame, columns)


def _promising(columns: Sequence[pl.Series]) -> set[str]:
    """Columns of text and of whole numbers in which there may be something to find.

    All others of what may be 100,000 columns are done with here, many at a time.
    """
    names: set[str] = set()
    for batch in batches([c for c in columns if c.dtype == pl.String]):
        likely = along(batch).str.contains(f"{_LIKELY}|{BLANKS}")
        there = by_column(likely, len(batch))
        names |= {column.name for column, found in zip(batch, there, strict=True) if found}
    for batch in batches([c for c in columns if c.dtype.is_integer()]):
        values = number_matrix(batch)
        low, high = np.fmin.reduce(values, axis=1), np.fmax.reduce(values, axis=1)
        dates = (low >= EARLIEST) & (high <= LATEST)
        names |= {c.name for c, d in zip(batch, dates, strict=True) if d or _is_place(c)}
    return names


def _is_place(column: pl.Series) -> bool:
    return _PLACES.fullmatch(column.name.strip()) is not None


def _without_blanks(
    column: pl.Series, from_text: bool
) -> tuple[pl.Series, RecognisedColumn] | None:
    """A column of words without the blanks around them, where two values differ by those alone."""
    bare, merged = bare_texts(column)
    if merged:
        return bare, RecognisedColumn(why=f"blanks around values dropped: {merged}", note=True)
    return (bare, RecognisedColumn()) if from_text and not bare.equals(column) else None


def bare_texts(column: pl.Series) -> tuple[pl.Series, str]:
    """Drop blanks around text; say which values that makes the same, or nothing."""
    if not column.str.contains(BLANKS).any():
        return column, ""
    bare = column.str.strip_chars()
    both = pl.DataFrame({"bare": bare, "full": column}).unique().drop_nulls()
    repeated = both.filter(pl.col("bare").is_duplicated() & (pl.col("bare") != pl.col("full")))
    repeated = repeated.sort("full")
    pairs = [f"{shown(full)} is {shown(name)}" for name, full in repeated.head(3).iter_rows()]
    return bare, ", ".join(pairs)


def without_marks(frame: pl.DataFrame, marks: Collection[str]) -> pl.DataFrame:
    """Take some cells as missing, wherever they stand."""
    if not marks:
        return frame
    numbers = [value for value in map(_number, marks) if value is not None]
    changed = []
    for column in frame.get_columns():
        if column.dtype == pl.String:
            here = column.is_in(list(marks)) | column.str.strip_chars().is_in(list(marks))
        elif column.dtype.is_numeric() and numbers:
            here = column.cast(pl.Float64).is_in(numbers)
        else:
            continue
        if here.any():
            nothing = pl.Series([None], dtype=column.dtype)
            changed.append(nothing.new_from_index(0, len(column)).alias(column.name).zip_with(
                here.fill_null(False), column))  # fmt: skip
    return frame.with_columns(changed)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _found(column: pl.Series, reading: Reading) -> tuple[pl.Series, RecognisedColumn] | None:
    """What a column holds that nothing is said about; None where there is nothing to add."""
    if column.dtype.is_integer():
        return _codes_or_dates(column)
    if column.dtype != pl.String or column.null_count() == len(column):
        return None
    if not column.str.contains(_LIKELY).any():
        return None
    if (column.str.len_bytes() > LONGEST).mean() > _LARGEST_SHARE_OF_WORDS:  # type: ignore[operator]
        return None
    cells = _cells(column)
    if _has_leading_zeros(cells.values):
        first = next(value for value in cells.values if value.strip().startswith("0"))
        why = f"whole numbers with leading zeros, such as {shown(first)}, are codes"
        return column, RecognisedColumn(why=why, note=True)
    return _numbers(column, cells, reading) or _dates(column, cells)


def _cells(column: pl.Series) -> _Cells:
    counts = column.drop_nulls().alias("value").value_counts(name="rows").sort("value")
    return _Cells(counts["value"], counts["rows"])


def _has_leading_zeros(values: pl.Series) -> bool:
    """Tell whether all cells are digits and some begin with a 0 that means nothing in a number."""
    text = values.str.strip_chars()
    first = text.str.contains(r"^0[0-9]+$")
    return bool(first.any()) and bool((text.str.contains(r"^[0-9]+$") | is_common_mark(text)).all())


def _numbers(
    column: pl.Series, cells: _Cells, reading: Reading
) -> tuple[pl.Series, RecognisedColumn] | None:
    numerals, numbers = _best_numerals(cells, reading)
    here = numbers.is_not_null()
    marks = ~here & is_common_mark(cells.values)
    words = ~here & ~marks
    if int(numbers.n_unique()) - int((~here).any()) < _FEWEST_NUMBERS:
        return None
    n, w = cells.rows(here), cells.rows(words)
    if w > _LARGEST_SHARE_OF_WORDS * (n + w):
        return None
    whole = numbers.drop_nulls()
    if w and whole.n_unique() <= _CODES and bool((whole.round(0) == whole).all()):
        return None
    parsed = parse_numbers(column, numerals)
    why = _of_cells(n, column, "numbers", numerals)
    return _read(column, parsed, cells, ~here, why, numerals=numerals)


def _best_numerals(cells: _Cells, reading: Reading) -> tuple[Numerals, pl.Series]:
    """How most cells are written, of what the user leaves open."""
    signs = cells.values.str.contains(_SIGN_INSIDE).any()
    allowed = [
        numerals
        for numerals in (CANDIDATES if signs else CANDIDATES[:1])
        if (not signs or reading.decimal in (None, numerals.decimal))
        and (reading.thousands is None or numerals.thousands in ("", reading.thousands))
    ]
    if reading.thousands is not None and signs:
        allowed.sort(key=lambda numerals: numerals.thousands == "")
    best, most, numbers = PLAIN, -1, pl.Series([], dtype=pl.Float64)
    for numerals in allowed:
        found = parse_numbers(cells.values, numerals)
        n = cells.rows(found.is_not_null())
        if n > most:
            best, most, numbers = numerals, n, found
        if n == int(cells.counts.sum()):
            break
    return best, numbers


def _of_cells(n: int, column: pl.Series, what: str, numerals: Numerals | None = None) -> str:
    present = len(column) - column.null_count()
    how = ""
    if numerals is not None and numerals.thousands:
        how = f", with {_SIGNS[numerals.thousands]} between thousands"
    if numerals is not None and numerals.decimal == ",":
        how += ", with a decimal comma"
    return f"{n:,} of {count(present, 'cell')} are {what}{how}"


_SIGNS = {
    ",": "a comma",
    ".": "a point",
    " ": "a blank",
    "'": "an apostrophe",
    "_": "an underscore",
}


def _dates(column: pl.Series, cells: _Cells) -> tuple[pl.Series, RecognisedColumn] | None:
    if not cells.values.head(_HEAD).str.contains(_LIKE_A_DATE).any():
        return None
    found = ordered(cells.values)
    here = found.dates.is_not_null()
    marks = ~(here | found.only_other) & is_common_mark(cells.values)
    n, w = cells.rows(here), cells.rows(~(here | found.only_other | marks))
    if not n or w > _LARGEST_SHARE_OF_WORDS * (n + w):
        return None
    if found.contradicted:
        reason = f"its dates have two orders of day and month, such as {_two_orders(cells, found)}"
        return column, RecognisedColumn(left_out=reason)
    why = _of_cells(n, column, "dates")
    if found.only_this.any():
        why += f", {'month' if found.order == ORDERS[0] else 'day'} first"
    if found.unsure:
        why += f", taken as month before day (--as {word(column.name)}=dmy if the day comes first)"
    parsed = parse_dates(column, found.order)
    return _read(column, parsed, cells, ~here, why, order=found.order, note=found.unsure)


_LIKE_A_DATE = r"[0-9][-/. :,]+[A-Za-z0-9]|[A-Za-z] [0-9]"


def _two_orders(cells: _Cells, found: Ordered) -> str:
    only = (found.only_this, found.only_other)
    return listed(cells.values.filter(here).to_list()[0] for here in only)


def _read(
    column: pl.Series,
    parsed: pl.Series,
    cells: _Cells,
    not_read: pl.Series,
    why: str,
    *,
    note: bool = False,
    **how: Any,
) -> tuple[pl.Series, RecognisedColumn]:
    """A column that was read, and what became of the other cells."""
    marks = cells.marked(not_read)
    missing = taken_as_missing(marks, sum(marks.values()))
    own = tuple(m for m in marks if m.strip().lower() not in COMMON_MARKS)[:_MOST_MARKS]
    said = f"{why}; {missing}" if missing else why
    found = RecognisedColumn(marks=own, why=said, note=note or bool(marks), **how)
    return parsed.alias(column.name), found


def _codes_or_dates(column: pl.Series) -> tuple[pl.Series, RecognisedColumn] | None:
    """Whole numbers that are codes of places by their name, or dates written as 20200131."""
    if _is_place(column):
        why = (
            f"codes of places, by its name: --as {column.name}=number where they measure something"
        )
        return as_categories(column), RecognisedColumn(why=why, note=True, kind="category")
    low, high = column.min(), column.max()
    if low is None or not (low >= EARLIEST and high <= LATEST):  # type: ignore[operator]
        return None
    dates = parse_whole_dates(column)
    if dates.null_count() > column.null_count() or column.n_unique() < 3:
        return None
    why = "whole numbers that are dates, such as " + str(column.drop_nulls()[0])
    return dates, RecognisedColumn(order="ymd", why=why, note=True)


def as_categories(column: pl.Series) -> pl.Series:
    """Return a column as text, whole numbers without a point."""
    if column.dtype.is_float():
        whole = (column.round(0) == column).fill_null(True)
        if whole.all() and not (column.abs() >= 2**53).any():
            return column.cast(pl.Int64).cast(pl.String)
    return column.cast(pl.String)


def _forced(column: pl.Series, kind: str, reading: Reading) -> tuple[pl.Series, RecognisedColumn]:
    """A column as the user says it is."""
    if kind == "category":
        return as_categories(column), RecognisedColumn(kind=kind, why="as asked")
    if kind == "words":
        return as_categories(column), RecognisedColumn(kind=kind)
    if kind == "number":
        return _forced_number(column, reading)
    return _forced_date(column, kind)


def _forced_number(column: pl.Series, reading: Reading) -> tuple[pl.Series, RecognisedColumn]:
    if column.dtype.is_numeric() or column.dtype == pl.Boolean:
        return column.cast(pl.Float64) if column.dtype == pl.Boolean else column, RecognisedColumn(
            kind="number", why="as asked"
        )
    text = column.cast(pl.String)
    cells = _cells(text)
    numerals, numbers = _best_numerals(cells, reading)
    n = cells.rows(numbers.is_not_null())
    _refuse_fewer_than_half(column, "numbers", n, cells, numbers.is_null())
    why = _of_cells(n, column, "numbers", numerals) + ", as asked"
    parsed = parse_numbers(text, numerals)
    return _read(column, parsed, cells, numbers.is_null(), why, numerals=numerals, kind="number")


def _forced_date(column: pl.Series, kind: str) -> tuple[pl.Series, RecognisedColumn]:
    if column.dtype.is_temporal():
        return column, RecognisedColumn(kind=kind, order="ymd", why="as asked")
    if column.dtype.is_integer():
        return _forced_whole_date(column, kind)
    text = column.cast(pl.String)
    cells = _cells(text)
    order, dates = kind, pl.Series(dtype=pl.Datetime)
    if kind == "date":
        found = ordered(cells.values)
        order, dates = found.order, found.dates
        if found.contradicted:
            remedy = "say dmy or mdy in place of date: those of the other order are missing then"
            got = _two_orders(cells, found)
            what = f"as {shown(column.name)}=date"
            raise InputError(what, "dates of one order of day and month", got, remedy)
    else:
        dates = parse_dates(cells.values, kind)
    n = cells.rows(dates.is_not_null())
    _refuse_fewer_than_half(column, "dates", n, cells, dates.is_null())
    why = _of_cells(n, column, "dates") + ", as asked"
    parsed = parse_dates(text, order)
    return _read(column, parsed, cells, dates.is_null(), why, order=order, kind=kind)


def _forced_whole_date(column: pl.Series, kind: str) -> tuple[pl.Series, RecognisedColumn]:
    dates = parse_whole_dates(column)
    if dates.null_count() > column.null_count():
        bad = column.filter(dates.is_null() & column.is_not_null())[0]
        expected = "dates, or whole numbers such as 20200131"
        raise InputError(f"as {shown(column.name)}={kind}", expected, shown(bad))
    return dates, RecognisedColumn(kind=kind, order="ymd", why="as asked")


def _refuse_fewer_than_half(
    column: pl.Series, what: str, n: int, cells: _Cells, bad: pl.Series
) -> None:
    total = int(cells.counts.sum())
    marks = cells.rows(bad & is_common_mark(cells.values))
    if 2 * n < total - marks or n == 0:
        first = cells.values.filter(bad).to_list()[:1]
        got = f"{n:,} of {count(total, 'cell')}"
        got += f"; others are like {listed(first)}" if first else ""
        raise InputError(f"as {shown(column.name)}", f"{what} in most cells", got)
