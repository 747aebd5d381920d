"""What training learns of columns: many numbers, or many columns of text, at a time."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pminusy.tables.checks import refuse_long
from pminusy.tables.columns.batches import batches, number_matrix, value_counts
from pminusy.tables.columns.date_column import DateColumn, DatePart
from pminusy.tables.columns.dates import date_parts, days_of, visible_parts
from pminusy.tables.columns.recognise import RecognisedColumn
from pminusy.tables.columns.words import WordsColumn, learn_words
from pminusy.tables.kinds import (
    as_text,
    is_number,
    natural_order,
    refuse_beyond,
    refuse_nested,
    type_name,
)
from pminusy.tables.schema import OTHER, CategoryColumn, Column, LeftOut, NumberColumn
from pminusy.tables.wording import count, shown, word

__all__ = ["NOTHING_SAID", "CategoryLimits", "learn_category", "learn_columns"]

Array = NDArray[np.float64]

NOTHING_SAID = RecognisedColumn()

_FEWEST_COUNTED = 30  # rows: fewer may count up by chance
_ROUNDING = 1e-9  # spread of a sine that is the same in every row
_FEW = 10  # a text column with no more distinct values than this is never "mostly distinct"

# Names under which tables number their rows.
_ROW_NUMBER = re.compile(
    r"#|id|idx|index|row|nr|row[ _.]?(id|nr|no|num|number|names?|index)|unnamed: [0-9]+|"
    r".*[ _.-]id|"
)
_CAMEL_ID = re.compile(r".*[a-z]I[dD]")

_NO_VALUES, _EMPTY = "it has no values", "they have no values"
_CONSTANT = "they are the same in every training row"
_IDENTIFIES = "they identify the rows: whole numbers, no two the same (--as NAME=number keeps one)"


class CategoryLimits(NamedTuple):
    """How many values of a category column have a feature; see `learn_schema`."""

    most: int
    distinct_share: float
    reference: bool


def learn_columns(
    columns: Sequence[pl.Series], recognised: Mapping[str, RecognisedColumn], limits: CategoryLimits
) -> list[Column | LeftOut]:
    """What each of some columns is to the model, in their order.

    Raises
    ------
    InputError
        Lists and the like; infinite numbers.
    """
    found: dict[str, Column | LeftOut] = {}
    numbers: list[pl.Series] = []
    texts: list[pl.Series] = []
    for column in columns:
        known = recognised.get(column.name, NOTHING_SAID)
        if known.left_out:
            found[column.name] = LeftOut(column.name, known.left_out)
        elif column.null_count() == len(column):
            found[column.name] = LeftOut(column.name, _NO_VALUES, _EMPTY)
        elif column.dtype == pl.Duration:
            numbers.append((column.dt.total_microseconds() / 1e6).alias(column.name))
        elif column.dtype.is_temporal():
            found[column.name] = _learn_dates(column, known)
        else:
            refuse_nested(column)
            (numbers if is_number(column) else texts).append(column)
    for batch in batches(numbers):
        found.update((c.name, c) for c in _learn_numbers(batch, recognised))
    for batch in batches(texts):
        found.update((c.name, c) for c in _learn_categories(batch, recognised, limits))
    return [found[column.name] for column in columns]


def _learn_numbers(
    columns: Sequence[pl.Series], recognised: Mapping[str, RecognisedColumn]
) -> Iterator[NumberColumn | LeftOut]:
    values = number_matrix(columns)
    refuse_beyond(values, columns)
    missing = np.isnan(values)
    present = values.shape[1] - missing.sum(axis=1)
    medians = _medians(values, present)
    counting = _count_rows(values)
    means, scales = _moments(np.where(missing, medians[:, None], values))
    for i, column in enumerate(columns):
        known = recognised.get(column.name, NOTHING_SAID)
        if present[i] == 0:
            yield LeftOut(column.name, _NO_VALUES, _EMPTY)
            continue
        indicator = bool(present[i] < values.shape[1])
        if not indicator and not known.kind and column.dtype.is_integer():
            if _named_identifier(column):
                reason = "it identifies the rows: whole numbers, no two the same"
                yield LeftOut(column.name, reason, _IDENTIFIES)
                continue
            if counting[i]:
                reason = f"it counts the rows (--as {word(column.name)}=number keeps it)"
                yield LeftOut(column.name, reason)
                continue
        median, mean, scale = float(medians[i]), float(means[i]), float(scales[i])
        if scale == 0 and not indicator:
            yield LeftOut(column.name, f"it is {median:g} in every training row", _CONSTANT)
            continue
        dtype = "String" if known.numerals is not None else type_name(column)
        yield NumberColumn(
            column.name, dtype, median, mean, scale, indicator, known.numerals, known.marks
        )


def _medians(values: Array, present: NDArray[np.integer]) -> Array:
    """Medians (C,) of the first `present` (C,) numbers of each row of values (C, N), sorted."""
    along = np.sort(values, axis=1)  # NaN comes last
    each = np.arange(present.size)
    last = np.maximum(present - 1, 0)
    middle: Array = (along[each, last // 2] + along[each, (last + 1) // 2]) / 2
    return middle


def _learn_dates(column: pl.Series, known: RecognisedColumn) -> DateColumn | LeftOut:
    days = days_of(column)
    missing = np.isnan(days)
    origin = float(np.floor(np.nanmin(days)))
    values = date_parts(column, origin)
    parts = []
    for part in visible_parts(days):
        mean, scale = (float(m[0]) for m in _moments(values[part][None, ~missing]))
        if scale > _ROUNDING:
            parts.append(DatePart(part, mean, scale))
    indicator = bool(missing.any())
    if not parts and not indicator:
        first = column.drop_nulls()[0]
        return LeftOut(column.name, f"it is {first} in every training row", _CONSTANT)
    order = known.order or "ymd"
    return DateColumn(
        column.name, type_name(column), order, origin, tuple(parts), indicator, known.marks
    )


def _moments(values: Array) -> tuple[Array, Array]:
    """Mean and population standard deviation (C,) of each row (C, N); exactly 0 for equal values.

    Without overflow; NaN for rows of NaN.
    """
    equal = values.min(axis=1) == values.max(axis=1)
    means = np.where(equal, values[:, 0], values.mean(axis=1))
    deviations = values - means[:, None]
    largest = np.abs(deviations).max(axis=1)
    deviations /= np.where(equal, 1.0, largest)[:, None]
    np.square(deviations, out=deviations)
    return means, np.where(equal, 0.0, largest * np.sqrt(deviations.mean(axis=1)))


def _named_identifier(column: pl.Series) -> bool:
    """Tell whether a column of whole numbers is named as an identifier, and no two are the same."""
    name = column.name.strip()
    named = _ROW_NUMBER.fullmatch(name.lower()) or _CAMEL_ID.fullmatch(name)
    return bool(named) and column.n_unique() == len(column)


def _count_rows(values: Array) -> NDArray[np.bool_]:
    """Which columns (C,) only count the rows, if whole: each larger than the last, hardly a gap.

    The rows of training are some of the table's, in its order: most numbers are still there.
    """
    if values.shape[1] < _FEWEST_COUNTED:
        return np.zeros(values.shape[0], dtype=bool)
    rising = np.diff(values, axis=1).min(axis=1) >= 1
    counting: NDArray[np.bool_] = rising & (values[:, -1] - values[:, 0] < 2 * values.shape[1])
    return counting


def _learn_categories(
    columns: Sequence[pl.Series],
    recognised: Mapping[str, RecognisedColumn],
    limits: CategoryLimits,
) -> Iterator[CategoryColumn | WordsColumn | LeftOut]:
    texts = [c if c.dtype == pl.String else as_text(c) for c in columns]
    for column, text, counts in zip(columns, texts, value_counts(texts), strict=True):
        kind = recognised.get(column.name, NOTHING_SAID).kind
        if kind == "words":
            words = learn_words(text, type_name(column), asked=True)
            yield words or LeftOut(column.name, "no word of it is in 3 training rows")
            continue
        yield _learn_category(column, counts, limits, forced=kind == "category")


def _learn_category(
    column: pl.Series, counts: pl.DataFrame, limits: CategoryLimits, *, forced: bool
) -> CategoryColumn | WordsColumn | LeftOut:
    distinct, missing = counts.height, column.null_count()
    present = len(column) - missing
    share = 1.0 if forced else limits.distinct_share
    if column.dtype == pl.String and distinct > max(_FEW, share * present):
        words = learn_words(column, type_name(column))
        if words is not None:
            return words
    return learn_category(
        column.name, type_name(column), counts, present, missing, limits, forced=forced
    )


def learn_category(
    name: str,
    dtype: str,
    counts: pl.DataFrame,
    present: int,
    missing: int,
    limits: CategoryLimits,
    *,
    forced: bool,
) -> CategoryColumn | LeftOut:
    """A column of categories from how often each `value` occurs, its `count`."""
    distinct = counts.height
    if distinct == 1 and not missing:
        only = counts["value"][0]
        only = only == "true" if dtype == "Boolean" else only
        reason = f"it is {shown(only)} in every training row"
        return LeftOut(name, reason, _CONSTANT)
    share = 1.0 if forced else limits.distinct_share
    if dtype == "String" and distinct > max(_FEW, share * present):
        several = f"{distinct:,} different values in {count(present, 'row')}"
        reason = f"it looks like names, not categories ({several})"
        return LeftOut(name, reason, "they look like names, not categories")
    kept = _most_frequent(counts, limits.most)
    remedy = f"shorten it, or leave the column out with --drop {word(name)}"
    refuse_long(f"column {shown(name)}", "categories", kept, remedy)
    return CategoryColumn(
        name, dtype, tuple(kept), distinct - len(kept), missing > 0, limits.reference
    )


def _most_frequent(counts: pl.DataFrame, most: int) -> list[str]:
    """Return the values that get a feature of their own, in natural order."""
    if counts.height > most:
        # A value spelled like the pooled ones joins them; of equally frequent ones the first stays.
        named = counts.filter(pl.col("value") != OTHER)
        counts = named.sort("count", "value", descending=[True, False]).head(most)
    return natural_order(counts["value"].to_list())
