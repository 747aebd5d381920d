"""The target of a table, before rows are chosen: which labels are missing, which the same."""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from pminusy.errors import InputError
from pminusy.tables.columns.recognise import as_categories, bare_texts
from pminusy.tables.formats.csv_text import MISSING, typed_columns
from pminusy.tables.wording import count, listed, shown, word

__all__ = ["Labels", "settled_labels"]


class Labels(NamedTuple):
    """A table with its target settled, and what is to be said of that."""

    frame: pl.DataFrame
    notes: tuple[str, ...]


def settled_labels(
    frame: pl.DataFrame, target: object, *, kind: str = "", from_text: bool = False
) -> Labels:
    """Settle the target: "NA" and the like are missing unless it is said to be a category.

    Parameters
    ----------
    frame
        The table; of a file of text, the target's cells as they stand there.
    target
        Name of the target; one that is not there is left to others to refuse.
    kind
        "category" where the user says so, else "".
    from_text
        The table is a file of text.

    Raises
    ------
    InputError
        The target is said to be something else than a category.
    """
    if not isinstance(target, str) or target not in frame.columns:
        return Labels(frame, ())
    column = frame[target]
    if kind not in ("", "category"):
        raise InputError(f"as {shown(target)}", "category, for the target", shown(kind))
    if kind:
        return Labels(frame.with_columns(as_categories(column)), ())
    if column.dtype != pl.String:
        return Labels(frame, ())
    notes = []
    if from_text:
        marks = column.is_in(MISSING) | column.str.strip_chars().is_in(MISSING)
        spelled = column.filter(marks.fill_null(False))
        nothing = pl.Series([None], dtype=pl.String).new_from_index(0, len(column))
        column = nothing.zip_with(marks.fill_null(False), column).alias(target)
        named = spelled.filter(spelled.str.strip_chars() != "")
        (column,) = typed_columns([column])
        if len(named) and column.dtype == pl.String:
            rows = "1 row says" if len(named) == 1 else f"{len(named):,} rows say"
            spelled_as = listed(named.unique().sort())
            remedy = f"--as {word(target)}=category makes a class of it"
            notes.append(f"target {shown(target)}: {rows} {spelled_as}, taken as missing: {remedy}")
    if column.dtype == pl.String:
        bare, merged = bare_texts(column)
        if merged:
            notes.append(f"target {shown(target)}: blanks around labels dropped: {merged}")
        if merged or from_text:
            column = bare
        notes += _alike(column)
    return Labels(frame.with_columns(column), tuple(notes))


def _alike(column: pl.Series) -> list[str]:
    """Labels that differ only in small and capital letters."""
    labels = column.drop_nulls().unique().sort()
    if len(labels) > 1000:
        return []
    lower = labels.str.to_lowercase()
    same = labels.filter(lower.is_duplicated())
    if not len(same):
        return []
    labels_ = count(len(same), "label")
    return [f"target {shown(column.name)}: {labels_} differ only in capitals: {listed(same)}"]
