"""From a training table to its schema: which columns are used, how, and why others are not."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from pminusy.errors import InputError
from pminusy.tables.checks import refuse_long, refuse_many
from pminusy.tables.columns.date_column import DateColumn, DatePart
from pminusy.tables.columns.dates import date_parts, days_of, visible_parts
from pminusy.tables.columns.finding import ColumnFinding, Taken
from pminusy.tables.columns.recognise import RecognisedColumn
from pminusy.tables.kinds import (
    as_numbers,
    as_text,
    is_number,
    natural_order,
    refuse_nested,
    type_name,
)
from pminusy.tables.schema import (
    OTHER,
    CategoryColumn,
    Column,
    LeftOut,
    NumberColumn,
    Schema,
)
from pminusy.tables.target import learn_classes
from pminusy.tables.wording import closest, count, shown, word

__all__ = ["learn_schema"]

_FEWEST_COUNTED = 30  # rows: fewer may count up by chance
_ROUNDING = 1e-9  # spread of a sine that is the same in every row
_FEW = 10  # a text column with no more distinct values than this is never "mostly distinct"

# Names under which tables number their rows.
_ROW_NUMBER = re.compile(
    r"#|id|idx|index|row|nr|row[ _.]?(id|nr|no|num|number|names?|index)|unnamed: [0-9]+|"
    r".*[ _.-]id|"
)
_CAMEL_ID = re.compile(r".*[a-z]I[dD]")


_NOTHING_SAID = RecognisedColumn()


def learn_schema(
    frame: pl.DataFrame,
    target: str,
    *,
    drop: Sequence[object] = (),
    weight: str | None = None,
    groups: str | None = None,
    recognised: Mapping[str, RecognisedColumn] | None = None,
    reference: bool = False,
    max_categories: int = 50,
    max_distinct_share: float = 0.5,
) -> Schema:
    """Decide what each column is to the model, from the rows it is trained on.

    Parameters
    ----------
    frame
        Training rows, all with a label (see `select_rows`).
    target, weight, groups
        Names of the column to be predicted, of the row weights and of groups of rows.
    drop
        Columns to leave out.
    recognised
        How columns of text were read, and what the user said they are.
    reference
        Whether the first value of a category column has no feature, so that without a penalty
        every coefficient is determined.
    max_categories
        A category column with more values than this keeps the most frequent; the others share one
        feature.
    max_distinct_share
        A text column whose distinct values are more than this share of its values holds names, not
        categories, and is left out.

    Returns
    -------
    Schema
        `schema.notes` says in words what was left out and pooled; `str(schema)` what each column
        was taken for.

    Raises
    ------
    InputError
        A column that is not there; lists and the like; infinite numbers; nothing left.

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
    how = recognised or {}
    roles: dict[str | None, Taken] = {target: "target", weight: "weight"}
    roles |= {groups: "groups"} if groups is not None else {}
    learned: list[Column | LeftOut] = []
    findings: list[ColumnFinding] = []
    for column in frame.get_columns():
        name, missing = column.name, column.null_count()
        if name in roles:
            findings.append(ColumnFinding(name, roles[name], "", missing))
            continue
        known = how.get(name, _NOTHING_SAID)
        if name in dropped:
            found: Column | LeftOut = LeftOut(name, "dropped as asked", "dropped as asked")
        else:
            found = _learn_column(column, known, reference, max_categories, max_distinct_share)
        learned.append(found)
        findings.append(ColumnFinding(name, _taken(found), _why(found, known), missing))
    columns = tuple(column for column in learned if not isinstance(column, LeftOut))
    left_out = tuple(column for column in learned if isinstance(column, LeftOut))
    if groups is not None:
        left_out += (LeftOut(groups, "its rows are held out together"),)
    if not columns:
        reasons = "; ".join(f"{shown(c.name)}: {c.reason}" for c in left_out[:5])
        got = f"none left ({reasons})" if reasons else "only the target"
        raise InputError("table", "at least one column to learn from", got)
    told = [
        f"{shown(c.name)}: {how[c.name].why}" for c in columns if c.name in how and how[c.name].note
    ]
    return Schema(
        columns, left_out, target, classes.names, classes.dtype, weight,
        findings=tuple(findings), told=tuple(told),
    )  # fmt: skip


def _taken(found: Column | LeftOut) -> Taken:
    match found:
        case NumberColumn():
            return "number"
        case CategoryColumn():
            return "category"
        case DateColumn():
            return "date"
        case _:
            return "left out"


def _why(found: Column | LeftOut, known: RecognisedColumn) -> str:
    if isinstance(found, LeftOut):
        return found.reason
    if known.why:
        return known.why
    match found:
        case NumberColumn():
            return f"{found.dtype}, median {found.median:g}"
        case CategoryColumn():
            return count(len(found.categories) + found.pooled_values, "value")
        case _:
            return str(found.dtype)


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
    column: pl.Series,
    known: RecognisedColumn,
    reference: bool,
    max_categories: int,
    max_distinct_share: float,
) -> Column | LeftOut:
    if known.left_out:
        return LeftOut(column.name, known.left_out)
    if column.null_count() == len(column):
        return LeftOut(column.name, _NO_VALUES, _EMPTY)
    refuse_nested(column)
    if column.dtype == pl.Duration:
        column = (column.dt.total_microseconds() / 1e6).alias(column.name)
    if column.dtype.is_temporal():
        return _learn_dates(column, known)
    if is_number(column):
        return _learn_numbers(column, known)
    share = 1.0 if known.kind == "category" else max_distinct_share
    found = _learn_categories(column, max_categories, share)
    if reference and isinstance(found, CategoryColumn):
        return replace(found, reference=True)
    return found


_NO_VALUES, _EMPTY = "it has no values", "they have no values"
_CONSTANT = "they are the same in every training row"
_IDENTIFIES = "they identify the rows: whole numbers, no two the same"


def _learn_numbers(column: pl.Series, known: RecognisedColumn) -> NumberColumn | LeftOut:
    values = as_numbers(column)
    missing = np.isnan(values)
    present = values[~missing]
    if present.size == 0:
        return LeftOut(column.name, _NO_VALUES, _EMPTY)
    indicator = bool(missing.any())
    if not indicator and not known.kind:
        if _named_identifier(column):
            reason = "it identifies the rows: whole numbers, no two the same"
            return LeftOut(column.name, reason, _IDENTIFIES)
        if _counts_rows(column, present):
            reason = f"it counts the rows (--as {word(column.name)}=number keeps it)"
            return LeftOut(column.name, reason)
    median = float(np.median(present))
    mean, scale = _moments(np.where(missing, median, values))
    if scale == 0 and not indicator:
        return LeftOut(column.name, f"it is {median:g} in every training row", _CONSTANT)
    dtype = "String" if known.numerals is not None else type_name(column)
    return NumberColumn(
        column.name, dtype, median, mean, scale, indicator, known.numerals, known.marks
    )


def _learn_dates(column: pl.Series, known: RecognisedColumn) -> DateColumn | LeftOut:
    days = days_of(column)
    missing = np.isnan(days)
    origin = float(np.floor(np.nanmin(days)))
    values = date_parts(column, origin)
    parts = []
    for part in visible_parts(days):
        mean, scale = _moments(values[part][~missing])
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


def _moments(values: np.ndarray) -> tuple[float, float]:
    """Mean and population standard deviation, without overflow; exactly 0 for equal values."""
    if values.min() == values.max():
        return float(values[0]), 0.0
    mean = float(values.mean())
    deviations = values - mean
    largest = float(np.abs(deviations).max())
    deviations /= largest
    return mean, largest * float(np.sqrt(np.mean(np.square(deviations))))


def _named_identifier(column: pl.Series) -> bool:
    """Tell whether a column is an identifier: named as one, whole numbers, no two the same."""
    name = column.name.strip()
    named = _ROW_NUMBER.fullmatch(name.lower()) or _CAMEL_ID.fullmatch(name)
    return bool(named) and column.dtype.is_integer() and column.n_unique() == len(column)


def _counts_rows(column: pl.Series, values: np.ndarray) -> bool:
    """Tell whether whole numbers only count the rows: each larger than the last, hardly a gap.

    The rows of training are some of the table's, in its order: most numbers are still there.
    """
    if not column.dtype.is_integer() or values.size < _FEWEST_COUNTED:
        return False
    steps = np.diff(values)
    return bool(steps.min() >= 1 and values[-1] - values[0] < 2 * values.size)


def _learn_categories(
    column: pl.Series, max_categories: int, max_distinct_share: float
) -> CategoryColumn | LeftOut:
    counts = as_text(column).drop_nulls().alias("value").value_counts()
    distinct = counts.height
    has_missing = column.null_count() > 0
    present = len(column) - column.null_count()
    if distinct == 1 and not has_missing:
        reason = f"it is {shown(column.drop_nulls()[0])} in every training row"
        return LeftOut(column.name, reason, _CONSTANT)
    if column.dtype == pl.String and distinct > max(_FEW, max_distinct_share * present):
        several = f"{distinct:,} different values in {count(present, 'row')}"
        reason = f"it looks like names, not categories ({several})"
        return LeftOut(column.name, reason, "they look like names, not categories")
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
