"""The features of one column of a table under a schema, and what is to be said of its cells."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pminusy.errors import InputError
from pminusy.tables.columns.batches import (
    along,
    batches,
    by_column,
    number_matrix,
    value_codes,
)
from pminusy.tables.columns.dates import date_parts, parse_dates, parse_whole_dates
from pminusy.tables.columns.numerals import PLAIN, is_common_mark, parse_numbers
from pminusy.tables.columns.recognise import BLANKS, as_categories
from pminusy.tables.columns.words import WordsColumn, word_features
from pminusy.tables.kinds import as_text, is_category, is_number, refuse_beyond, type_name
from pminusy.tables.schema import OTHER, CategoryColumn, DateColumn, NumberColumn
from pminusy.tables.wording import count, is_numeric, listed, shown

__all__ = [
    "Codes",
    "Features",
    "category_codes",
    "date_features",
    "number_features",
    "read_dates",
    "read_numbers",
    "words_features",
]

Matrix = NDArray[np.float64]


class Features(NamedTuple):
    """Values of the features of a column, each (N,), and notes."""

    values: list[Matrix]
    notes: list[str]


class Codes(NamedTuple):
    """Which feature of a column is 1 in each row (N,), −1 for none, and notes."""

    codes: NDArray[np.int64]
    notes: list[str]


def number_features(
    series: Sequence[pl.Series], columns: Sequence[NumberColumn]
) -> Iterator[Features]:
    """One or two features of each of some columns of numbers."""
    read = [read_numbers(one, column) for one, column in zip(series, columns, strict=True)]
    values = number_matrix(read)
    refuse_beyond(values, read)
    missing = np.isnan(values)
    numbers_missing = missing.sum(axis=1).tolist()
    medians, means, scales = (
        np.array([getattr(column, name) for column in columns])[:, None]
        for name in ("median", "mean", "scale")
    )
    standard = _standardised(np.where(missing, medians, values), means, scales, columns)
    for i, column in enumerate(columns):
        found = [standard[i]] if column.varies else []
        notes = []
        if column.indicator:
            found.append(missing[i].astype(np.float64))
        elif numbers_missing[i]:
            rows, name = count(numbers_missing[i], "row"), shown(column.name)
            median = f"the median of the training rows, {column.median:g}, is used"
            notes = [f"{rows} without {name}: {median}"]
        yield Features(found, notes)


def _standardised(
    values: Matrix, means: Matrix, scales: Matrix, columns: Sequence[NumberColumn]
) -> Matrix:
    """Return (x − mean) / scale; refuse a value so far from training that it would be infinite."""
    with np.errstate(over="ignore"):
        standard = (values - means) / np.where(scales > 0, scales, np.inf)
    finite = np.isfinite(standard)
    if not finite.all():
        i, row = (int(k) for k in np.argwhere(~finite)[0])
        column = columns[i]
        expected = f"numbers comparable to training (mean {column.mean:g}, spread {column.scale:g})"
        got = f"{values[i, row]:g} in row {row + 1:,}"
        raise InputError(f"column {shown(column.name)}", expected, got, "correct it")
    return standard


def read_numbers(series: pl.Series, column: NumberColumn) -> pl.Series:
    """Read a column that held numbers at training; refuse what is neither a number nor a mark."""
    if is_number(series):
        return series
    if series.null_count() == len(series):
        return series.cast(pl.Float64, strict=False)
    if series.dtype == pl.Duration:
        return (series.dt.total_microseconds() / 1e6).alias(series.name)
    if series.dtype == pl.String:
        numbers = parse_numbers(series, column.numerals or PLAIN)
        _refuse_unread(series, numbers, column.marks, "numbers")
        return numbers
    bad = series.is_not_null()
    row = int(bad.arg_true()[0])
    got = f"{_kind(series)} such as {shown(series[row])} in row {row + 1:,}"
    raise InputError(f"column {shown(series.name)}", "numbers, as at training", got)


def _refuse_unread(text: pl.Series, values: pl.Series, marks: Collection[str], what: str) -> None:
    """Refuse cells that could not be read, and are no marks for a missing value either."""
    unread = text.is_not_null() & values.is_null()
    if not unread.any():
        return
    bad = unread & ~is_common_mark(text) & ~text.is_in(list(marks))
    if bad.any():
        row = int(bad.arg_true()[0])
        got = f"text such as {shown(text[row])} in row {row + 1:,}"
        remedy = "correct it or leave the cell empty"
        raise InputError(f"column {shown(text.name)}", f"{what}, as at training", got, remedy)


def date_features(series: pl.Series, column: DateColumn) -> Features:
    """The features of a column of dates: 0, the mean, where there is none."""
    dates = read_dates(series, column)
    missing = dates.is_null().to_numpy()
    values = date_parts(dates, column.origin)
    found = [
        np.where(missing, 0.0, (values[part.part] - part.mean) / part.scale)
        for part in column.parts
    ]
    if column.indicator:
        found.append(missing.astype(np.float64))
    elif missing.any():
        rows, name = count(int(missing.sum()), "row"), shown(column.name)
        return Features(found, [f"{rows} without {name}: the mean of the training rows is used"])
    return Features(found, [])


def words_features(series: pl.Series, column: WordsColumn) -> Features:
    """The features of a column of words; any cell has words, if only some that are not known."""
    values, missing = word_features(as_categories(series), column)
    if not missing:
        return Features(list(values), [])
    rows, name = count(missing, "row"), shown(column.name)
    return Features(list(values), [f"{rows} without {name}: taken as without its words"])


def read_dates(series: pl.Series, column: DateColumn) -> pl.Series:
    """Read a column that held dates at training."""
    if series.dtype.is_temporal() and series.dtype != pl.Duration:
        return series
    if series.null_count() == len(series):
        return series.cast(pl.Datetime("us"), strict=False)
    if series.dtype.is_integer() or series.dtype == pl.String:
        text = series.cast(pl.String)
        whole = parse_whole_dates(text.str.strip_chars().cast(pl.Int64, strict=False))
        dates = parse_dates(text, "mdy" if column.order == "ymd" else column.order)
        dates = whole.zip_with(whole.is_not_null(), dates)
        _refuse_unread(text, dates, column.marks, "dates")
        return dates
    row = int(series.is_not_null().arg_true()[0])
    got = f"{_kind(series)} such as {shown(series[row])} in row {row + 1:,}"
    raise InputError(f"column {shown(series.name)}", "dates, as at training", got)


def _kind(series: pl.Series) -> str:
    if series.dtype == pl.Boolean:
        return "booleans"
    return "text" if is_category(series) else f"values of type {type_name(series)}"


def category_codes(
    series: Sequence[pl.Series], columns: Sequence[CategoryColumn]
) -> Iterator[Codes]:
    """Which feature of each of some category columns is 1 in each row, −1 for none."""
    blanks = _with_blanks(series)
    texts = [
        _texts(one, column, blanks=one.name in blanks)
        for one, column in zip(series, columns, strict=True)
    ]
    known = value_codes(texts, [column.categories for column in columns])
    missing = along(texts).is_null().to_numpy().reshape(known.shape)
    unseen = (known < 0) & ~missing
    some_missing: Any = missing.any(axis=1)
    some_unseen: Any = unseen.any(axis=1)
    for i, column in enumerate(columns):
        codes, notes = known[i], []
        if some_missing[i] and not column.has_missing:
            notes.append(_missing_note(int(missing[i].sum()), column))
        if some_unseen[i]:
            notes.append(_unseen_note(texts[i], unseen[i], column))
        if column.pooled and some_unseen[i]:
            codes = np.where(unseen[i], len(column.categories), codes)
        if column.reference:  # the first has no feature
            codes = codes - (codes >= 0)
        if column.has_missing and some_missing[i]:
            codes = np.where(missing[i], len(column.feature_names) - 1, codes)
        yield Codes(codes, notes)


def _with_blanks(series: Sequence[pl.Series]) -> set[str]:
    """Columns of text in which a cell begins or ends with a blank."""
    names: set[str] = set()
    for batch in batches([one for one in series if one.dtype == pl.String]):
        there = by_column(along(batch).str.contains(BLANKS), len(batch))
        names |= {one.name for one, found in zip(batch, there, strict=True) if found}
    return names


def _missing_note(rows: int, column: CategoryColumn) -> str:
    without = f"{count(rows, 'row')} without {shown(column.name)}"
    return f"{without}, which training always had: taken as none of its values"


def _texts(series: pl.Series, column: CategoryColumn, *, blanks: bool) -> pl.Series:
    """Return a category column as text; refuse what cannot be the category it was at training."""
    if series.dtype == pl.String and column.dtype != "Boolean":
        return _stripped(series, column.categories) if blanks else series
    empty = series.null_count() == len(series)
    was_boolean = column.dtype == "Boolean"
    alike = series.dtype == pl.Boolean if was_boolean else series.dtype.is_integer()
    if empty or alike or (is_category(series) and series.dtype != pl.Boolean):
        text = as_text(series)
        if was_boolean:
            return text.str.strip_chars().str.to_lowercase()
        return _stripped(text, column.categories)
    if is_number(series) and any(map(is_numeric, column.categories)):
        return as_categories(series)
    expected = "booleans" if was_boolean else "text"
    got = f"{_kind(series)} such as {shown(series.drop_nulls()[0])}"
    raise InputError(f"column {shown(series.name)}", f"{expected}, as at training", got)


def _stripped(text: pl.Series, known: Collection[str]) -> pl.Series:
    """Take a value with blanks around it for the one without, where only that is known."""
    bare = text.str.strip_chars()
    other = ~text.is_in(list(known)) & bare.is_in(list(known))
    return bare.zip_with(other.fill_null(False), text)


def _unseen_note(text: pl.Series, unseen: NDArray[np.bool_], column: CategoryColumn) -> str:
    """Say which values have no feature; pooled ones, not kept by name, are among them."""
    kind = "a rare or unseen value" if column.pooled else "an unseen value"
    taken = OTHER if column.pooled else "none of its values"
    rows = int(unseen.sum())
    have = "has" if rows == 1 else "have"
    values = listed(text.filter(pl.Series(unseen)).unique(maintain_order=True))
    return (
        f"{count(rows, 'row')} {have} {kind} of {shown(column.name)} ({values}): taken as {taken}"
    )
