"""From a training table to its schema: which columns are used, how, and why others are not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from pminusy.errors import InputError
from pminusy.tables.checks import refuse_long, refuse_many
from pminusy.tables.columns.date_column import DateColumn
from pminusy.tables.columns.finding import ColumnFinding, Taken
from pminusy.tables.columns.learned import NOTHING_SAID, CategoryLimits, learn_columns
from pminusy.tables.columns.recognise import RecognisedColumn
from pminusy.tables.columns.words import WordsColumn
from pminusy.tables.schema import (
    CategoryColumn,
    Column,
    LeftOut,
    NumberColumn,
    Schema,
)
from pminusy.tables.target import learn_classes
from pminusy.tables.wording import closest, count, shown

__all__ = ["column_finding", "learn_schema"]


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
        categories: their words are features where enough of them come again, else it is left out.

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
    there = frame.get_columns()
    used = [c for c in there if c.name not in roles and c.name not in dropped]
    limits = CategoryLimits(max_categories, max_distinct_share, reference)
    learned = dict(zip((c.name for c in used), learn_columns(used, how, limits), strict=True)) | {
        name: LeftOut(name, "dropped as asked", "dropped as asked") for name in dropped
    }
    findings: list[ColumnFinding] = []
    for column in there:
        name, missing = column.name, column.null_count()
        if name in roles:
            findings.append(ColumnFinding(name, roles[name], "", missing))
            continue
        findings.append(column_finding(learned[name], how.get(name, NOTHING_SAID), missing))
    in_order = [learned[c.name] for c in there if c.name not in roles]
    columns = tuple(column for column in in_order if not isinstance(column, LeftOut))
    left_out = tuple(column for column in in_order if isinstance(column, LeftOut))
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


def column_finding(found: Column | LeftOut, known: RecognisedColumn, missing: int) -> ColumnFinding:
    """What a column was taken for and why; so many training rows have no value."""
    return ColumnFinding(found.name, _taken(found), _why(found, known), missing)


def _taken(found: Column | LeftOut) -> Taken:
    match found:
        case NumberColumn():
            return "number"
        case CategoryColumn():
            return "category"
        case DateColumn():
            return "date"
        case WordsColumn():
            return "words"
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
        case WordsColumn():
            return f"names or text: {count(len(found.words), 'word')} of 3 or more training rows"
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
