"""The target column: its labelled rows, its classes, labels as class indices and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pminusy.errors import InputError
from pminusy.tables.checks import refuse_long, refuse_many
from pminusy.tables.columns.dates import days_of
from pminusy.tables.kinds import as_numbers, is_category, is_number, natural_order, type_name
from pminusy.tables.schema import Schema, TargetType
from pminusy.tables.wording import closest, count, listed, shown, word

__all__ = [
    "SelectedRows",
    "TargetClasses",
    "check_weights",
    "decode_labels",
    "encode_target",
    "group_numbers",
    "learn_classes",
    "named_column",
    "row_times",
    "row_weights",
    "select_rows",
    "unseen_labels",
]

# Above these a column of labels is a measurement or a name, not a class.
_MOST_NUMBERS = 20  # distinct numbers, unless they are whole and each has 10 rows
_MOST_CODES = 100  # the same for whole numbers without a gap: they are more likely codes
_MOST_TEXTS = 20  # distinct texts, unless each has 2 rows


class TargetClasses(NamedTuple):
    """Labels of a column as text, in natural order, and the type they are given back in."""

    names: tuple[str, ...]
    dtype: TargetType


@dataclass(frozen=True, slots=True, eq=False)
class SelectedRows:
    """The rows of a table that can be learned from, and how many cannot."""

    frame: pl.DataFrame
    index: NDArray[np.intp]  # (n,) which rows of the table, from 0
    unlabelled: int
    weightless: int  # labelled, with a weight of 0


def select_rows(frame: pl.DataFrame, target: str, weight: str | None = None) -> SelectedRows:
    """Keep the rows with a label and a weight above 0; refuse a column that has no classes.

    Parameters
    ----------
    frame
        The table.
    target, weight
        Names of the column to be predicted and of the row weights.

    Returns
    -------
    SelectedRows
        The rows kept, and counts of the others. A row of weight 0 says nothing, so it is left out
        before rows are divided: a class or a part of nothing but such rows could not be scored.

    Raises
    ------
    InputError
        A column that is not there; labels all missing, all the same, or not classes but
        measurements or names; weights that are not finite numbers ≥ 0, at least one above 0.

    Examples
    --------
    >>> rows = select_rows(pl.DataFrame({"y": ["a", None, "b", "b"]}), "y")
    >>> rows.index, rows.unlabelled
    (array([0, 2, 3]), 1)
    """
    labels = _labels(named_column(frame, "target", target))
    labelled = labels.is_not_null().to_numpy()
    if not labelled.any():
        raise InputError(f"target {shown(target)}", "a label in some rows", "none in any row")
    kept = labelled
    if weight is not None:
        check_weights(frame, target, weight, labelled)
        kept = labelled & (frame[weight].cast(pl.Float64).to_numpy() > 0)
    index = np.flatnonzero(kept)
    _refuse_measurements(frame[target].gather(index), labels.gather(index))
    unlabelled = frame.height - int(labelled.sum())
    rows = frame if index.size == frame.height else frame[index]  # no copy where all are kept
    return SelectedRows(rows, index, unlabelled, int(labelled.sum()) - index.size)


def group_numbers(frame: pl.DataFrame, groups: str) -> NDArray[np.intp]:
    """Number the groups of rows (N,); a row without one is a group of its own.

    Raises
    ------
    InputError
        No such column; a single group.
    """
    column = named_column(frame, "groups", groups)
    ranks = column.cast(pl.String).rank("dense").cast(pl.Int64)
    alone = pl.Series(np.arange(frame.height)) + int(ranks.max() or 0) + 1  # type: ignore[arg-type]
    numbers = ranks.fill_null(0).to_numpy()
    numbers = np.where(ranks.is_null().to_numpy(), alone.to_numpy(), numbers).astype(np.intp)
    if np.unique(numbers).size < 2:
        got = f"only {listed(column.unique().cast(pl.String).to_list())}"
        raise InputError(f"groups {shown(groups)}", "at least two groups", got)
    return numbers


def row_times(frame: pl.DataFrame, time: str) -> NDArray[np.float64]:
    """Return where rows (N,) are in time, by a column of dates, in days, or of numbers.

    Raises
    ------
    InputError
        No such column; a column of something else; rows without a value; one time for all.
    """
    column, what = named_column(frame, "time", time), f"time {shown(time)}"
    if column.dtype.is_temporal() and column.dtype != pl.Duration:
        times = days_of(column)
    elif is_number(column):
        times = as_numbers(column)
    else:
        got = f"values of type {type_name(column)}"
        if len(column.drop_nulls()):
            got += f" such as {shown(column.drop_nulls()[0])}"
        remedy = f"--as {word(time)}=date says that it holds dates"
        raise InputError(what, "a column of dates or numbers", got, remedy)
    missing = np.isnan(times)
    if missing.any():
        got = f"{count(int(missing.sum()), 'row')} without one"
        raise InputError(what, "a time in every row", got, "fill them in, or leave them out")
    if times.min() == times.max():
        raise InputError(what, "at least two times", _only([str(column[0])]))
    return times


def learn_classes(frame: pl.DataFrame, target: str) -> TargetClasses:
    """Return the classes of a target column, missing values aside."""
    column = named_column(frame, "target", target)
    names = _labels(column).drop_nulls().unique().to_list()
    if len(names) < 2:
        raise InputError(f"target {shown(target)}", "at least two classes", _only(names))
    refuse_many(f"target {shown(target)}", "classes", len(names))
    refuse_long(f"target {shown(target)}", "labels", names, "shorten it")
    if not is_number(column):
        dtype: TargetType = "Boolean" if column.dtype == pl.Boolean else "String"
        return TargetClasses(tuple(natural_order(names)), dtype)
    if column.dtype.is_integer():
        names = sorted(names, key=int)
        return TargetClasses(tuple(names), _integer_type(int(names[0]), int(names[-1])))
    return TargetClasses(tuple(sorted(names, key=float)), "Float64")


def _integer_type(lowest: int, highest: int) -> TargetType:
    if lowest >= -(2**63) and highest < 2**63:
        return "Int64"
    return "UInt64" if lowest >= 0 and highest < 2**64 else "String"


def encode_target(frame: pl.DataFrame, schema: Schema) -> NDArray[np.intp]:
    """Return the class of each row (N,), as its index in `schema.classes`; −1 where it has none.

    A row has none where the label is missing or was not seen at training; see `unseen_labels`.
    """
    labels = _labels_under(frame, schema)
    codes = labels.cast(pl.Enum(schema.classes), strict=False).to_physical()
    return codes.cast(pl.Int64).fill_null(-1).to_numpy().astype(np.intp)


def unseen_labels(frame: pl.DataFrame, schema: Schema) -> dict[str, int]:
    """Return the labels that are no class of the model, with the number of their rows."""
    labels = _labels_under(frame, schema).drop_nulls()
    unseen = labels.filter(~labels.is_in(list(schema.classes))).alias("label")
    counts = dict(unseen.value_counts().iter_rows())
    return {label: counts[label] for label in natural_order(counts)}


def decode_labels(classes: NDArray[np.intp], schema: Schema) -> pl.Series:
    """Return class indices (N,) as labels, named and typed as the target column was."""
    names = pl.Series(schema.target, schema.classes, dtype=pl.String)
    match schema.target_dtype:
        case "Boolean":
            labels = names == "true"
        case "Int64" | "UInt64" | "Float64" as dtype:
            labels = names.cast(getattr(pl, dtype))
        case _:
            labels = names
    return labels.gather(classes)


def row_weights(frame: pl.DataFrame, weight: str) -> NDArray[np.float64]:
    """Return the weights of the rows (N,), checked by `select_rows`."""
    return as_numbers(named_column(frame, "weight", weight))


def named_column(frame: pl.DataFrame, role: str, name: object) -> pl.Series:
    """The column of that name; the error says what it was to be: `role`."""
    if not isinstance(name, str):
        raise InputError(
            role, "the name of a column, as text", f"{type(name).__name__} {shown(name)}"
        )
    if name not in frame.columns:
        remedy = closest(name, frame.columns)
        raise InputError(
            f"{role} {shown(name)}", "a column of the table", "none of that name", remedy
        )
    return frame[name]


def _labels(column: pl.Series) -> pl.Series:
    """Return labels as text: whole numbers without a point, so that 1, 1.0 and "1" are one."""
    if is_category(column) or column.dtype.is_integer():
        return column.cast(pl.String)
    if is_number(column):
        numbers = pl.Series(column.name, as_numbers(column)).fill_nan(None)
        whole = (numbers.round(0) == numbers) & (numbers.abs() < 2**53)
        return (
            numbers.cast(pl.Int64, strict=False)
            .cast(pl.String)
            .zip_with(whole.fill_null(False), numbers.cast(pl.String))
        )
    if column.dtype == pl.Null:
        return column.cast(pl.String)
    expected, got = (
        "classes: text, booleans or whole numbers",
        f"values of type {type_name(column)}",
    )
    raise InputError(f"target {shown(column.name)}", expected, got)


def _labels_under(frame: pl.DataFrame, schema: Schema) -> pl.Series:
    """Return labels as text, spelled as the classes are: an unseen label may have changed the type.

    A CSV whose labels were 1, 2 and 3 is read as text once one of them says "unknown".
    """
    column = named_column(frame, "target", schema.target)
    labels = _labels(column)
    if column.dtype != pl.String:
        return labels
    if schema.target_dtype == "String":
        bare, known = labels.str.strip_chars(), list(schema.classes)
        other = (~labels.is_in(known) & bare.is_in(known)).fill_null(False)
        return bare.zip_with(other, labels)
    if schema.target_dtype == "Boolean":
        return labels.str.strip_chars().str.to_lowercase()
    numbers = _labels(labels.str.strip_chars().cast(pl.Float64, strict=False))
    return numbers.zip_with(numbers.is_not_null(), labels)


def _refuse_measurements(column: pl.Series, labels: pl.Series) -> None:
    """Refuse labels that cannot be classes."""
    what, rows, distinct = f"target {shown(column.name)}", len(labels), labels.n_unique()
    if distinct < 2:
        raise InputError(what, "at least two classes", _only(labels.unique().to_list()))
    values = f"{count(distinct, 'distinct value')} in {count(rows, 'row')}"
    if is_number(column) and _is_measurement(column.drop_nulls(), distinct, rows):
        remedy = "predicting a number is regression: group it into classes first"
        raise InputError(what, "classes", values, remedy)
    if distinct == rows or (distinct > _MOST_TEXTS and distinct * 2 > rows):
        remedy = "a name or an identifier cannot be learned: choose another target"
        raise InputError(what, "classes with several rows each", values, remedy)


def _is_measurement(column: pl.Series, distinct: int, rows: int) -> bool:
    numbers = as_numbers(column)
    numbers = numbers[~np.isnan(numbers)]
    if (numbers != np.rint(numbers)).any():
        return distinct > _MOST_NUMBERS
    without_gap = numbers.max() - numbers.min() + 1 == distinct
    return distinct > (_MOST_CODES if without_gap else _MOST_NUMBERS) and distinct * 10 > rows


def _only(labels: list[str]) -> str:
    return f"only {listed(labels)}" if labels else "none"


def check_weights(
    frame: pl.DataFrame, target: str, weight: str, labelled: NDArray[np.bool_]
) -> None:
    """Refuse weights, of the labelled rows, that are not finite, negative, or all 0."""
    values = checked_weights(frame, target, weight, labelled)
    if not (values[labelled] > 0).any():
        got = "0 in every row"
        raise InputError(f"weight {shown(weight)}", "at least one weight above 0", got)


def checked_weights(
    frame: pl.DataFrame, target: str, weight: str, labelled: NDArray[np.bool_], *, before: int = 0
) -> NDArray[np.float64]:
    """Weights (N,), refused where those of labelled rows are not finite, or negative.

    `before` is the number of rows before these.
    """
    what, column = f"weight {shown(weight)}", named_column(frame, "weight", weight)
    if weight == target:
        raise InputError(what, "a column other than the target", "the target")
    if not is_number(column):
        raise InputError(what, "a column of numbers", f"values of type {type_name(column)}")
    values = column.cast(pl.Float64).to_numpy()
    bad = ~((values >= 0) & np.isfinite(values)) & labelled
    if bad.any():
        row = int(bad.argmax())
        got = "no value" if np.isnan(values[row]) else f"{values[row]:g}"
        raise InputError(what, "finite weights ≥ 0", f"{got} in row {before + row + 1:,}")
    return values
