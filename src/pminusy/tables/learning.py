"""From a training table to its schema: which columns are used, how, and why others are not."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import polars as pl

from pminusy.errors import InputError
from pminusy.tables.checks import refuse_long, refuse_many
from pminusy.tables.kinds import (
    as_numbers,
    as_text,
    is_number,
    natural_order,
    refuse_dates_and_nested,
    type_name,
    word,
)
from pminusy.tables.schema import OTHER, CategoryColumn, LeftOut, NumberColumn, Schema
from pminusy.tables.target import learn_classes
from pminusy.tables.wording import closest, count, shown

__all__ = ["learn_schema"]

_FEW = 10  # a text column with no more distinct values than this is never "mostly distinct"

# Names under which tables number their rows.
_ROW_NUMBER = re.compile(
    r"#|id|idx|index|row|nr|row[ _.]?(id|nr|no|num|number|names?|index)|unnamed: [0-9]+|"
    r".*[ _.-]id|"
)
_CAMEL_ID = re.compile(r".*[a-z]I[dD]")


def learn_schema(
    frame: pl.DataFrame,
    target: str,
    *,
    drop: Sequence[object] = (),
    weight: str | None = None,
    max_categories: int = 50,
    max_distinct_share: float = 0.5,
) -> Schema:
    """Decide what each column is to the model, from the rows it is trained on.

    Parameters
    ----------
    frame
        Training rows, all with a label (see `select_rows`).
    target, weight
        Names of the column to be predicted and of the row weights.
    drop
        Columns to leave out.
    max_categories
        A category column with more values than this keeps the most frequent; the others share one
        feature.
    max_distinct_share
        A text column whose distinct values are more than this share of its values holds names, not
        categories, and is left out.

    Returns
    -------
    Schema
        `schema.notes` says in words what was left out and pooled.

    Raises
    ------
    InputError
        A column that is not there; dates, lists and the like; infinite numbers; nothing left.

    Examples
    --------
    >>> table = pl.DataFrame({"mass": [1.0, 3.0, None], "y": ["a", "b", "b"]})
    >>> learn_schema(table, "y").feature_names
    ('mass', 'mass is missing')
    """
    classes = learn_classes(frame, target)
    refuse_many("table", "columns", frame.width)
    refuse_long("table", "names of columns", frame.columns, "rename or drop it")
    dropped = _checked_drop(frame, target, weight, drop)
    learned = [
        LeftOut(column.name, "dropped as asked")
        if column.name in dropped
        else _learn_column(column, max_categories, max_distinct_share)
        for column in frame.get_columns()
        if column.name not in (target, weight)
    ]
    columns = tuple(column for column in learned if not isinstance(column, LeftOut))
    left_out = tuple(column for column in learned if isinstance(column, LeftOut))
    if not columns:
        reasons = "; ".join(f"{shown(c.name)}: {c.reason}" for c in left_out[:5])
        got = f"none left ({reasons})" if reasons else "only the target"
        raise InputError("table", "at least one column to learn from", got)
    return Schema(columns, left_out, target, classes.names, classes.dtype, weight)


def _checked_drop(
    frame: pl.DataFrame, target: str, weight: str | None, drop: Sequence[object]
) -> frozenset[str]:
    names = (drop,) if isinstance(drop, str) else tuple(drop)
    present = set(frame.columns)
    for name in names:
        if not isinstance(name, str):
            got = f"{type(name).__name__} {shown(name)}"
            raise InputError("drop", "names of columns, as text", got)
        if name not in present:
            remedy = closest(name, frame.columns)
            raise InputError(
                f"drop {shown(name)}", "a column of the table", "none of that name", remedy
            )
        if name in (target, weight):
            role = "target" if name == target else "weight"
            raise InputError(f"drop {shown(name)}", "a column to learn from", f"the {role}")
    return frozenset(map(str, names))


def _learn_column(
    column: pl.Series, max_categories: int, max_distinct_share: float
) -> NumberColumn | CategoryColumn | LeftOut:
    if column.null_count() == len(column):
        return LeftOut(column.name, "it has no values")
    refuse_dates_and_nested(column)
    if is_number(column):
        return _learn_numbers(column)
    return _learn_categories(column, max_categories, max_distinct_share)


def _learn_numbers(column: pl.Series) -> NumberColumn | LeftOut:
    values = as_numbers(column)
    missing = np.isnan(values)
    present = values[~missing]
    if present.size == 0:
        return LeftOut(column.name, "it has no values")
    indicator = bool(missing.any())
    if not indicator and _numbers_rows(column):
        return LeftOut(column.name, "it identifies the rows: whole numbers, no two the same")
    median = float(np.median(present))
    mean, scale = _moments(np.where(missing, median, values))
    if scale == 0 and not indicator:
        return LeftOut(column.name, f"it is {median:g} in every training row")
    return NumberColumn(column.name, type_name(column), median, mean, scale, indicator)


def _moments(values: np.ndarray) -> tuple[float, float]:
    """Mean and population standard deviation, without overflow; exactly 0 for equal values."""
    if values.min() == values.max():
        return float(values[0]), 0.0
    mean = float(values.mean())
    deviations = values - mean
    largest = float(np.abs(deviations).max())
    deviations /= largest
    return mean, largest * float(np.sqrt(np.mean(np.square(deviations))))


def _numbers_rows(column: pl.Series) -> bool:
    """Tell whether a column is an identifier: named as one, whole numbers, no two the same."""
    name = column.name.strip()
    named = _ROW_NUMBER.fullmatch(name.lower()) or _CAMEL_ID.fullmatch(name)
    return bool(named) and column.dtype.is_integer() and column.n_unique() == len(column)


def _learn_categories(
    column: pl.Series, max_categories: int, max_distinct_share: float
) -> CategoryColumn | LeftOut:
    counts = as_text(column).drop_nulls().alias("value").value_counts()
    distinct = counts.height
    has_missing = column.null_count() > 0
    present = len(column) - column.null_count()
    if distinct == 1 and not has_missing:
        return LeftOut(column.name, f"it is {shown(column.drop_nulls()[0])} in every training row")
    if column.dtype == pl.String and distinct > max(_FEW, max_distinct_share * present):
        several = f"{distinct:,} different values in {count(present, 'row')}"
        return LeftOut(column.name, f"it looks like names, not categories ({several})")
    kept = _most_frequent(counts, max_categories)
    remedy = f"shorten it, or leave the column out with --drop {word(column.name)}"
    refuse_long(f"column {shown(column.name)}", "categories", kept, remedy)
    return CategoryColumn(
        column.name, type_name(column), tuple(kept), distinct - len(kept), has_missing
    )


def _most_frequent(counts: pl.DataFrame, most: int) -> list[str]:
    """Return the values that get a feature of their own, in natural order."""
    if counts.height > most:
        # A value spelled like the pooled ones joins them; of equally frequent ones the first stays.
        named = counts.filter(pl.col("value") != OTHER)
        counts = named.sort("count", "value", descending=[True, False]).head(most)
    return natural_order(counts["value"])
