"""A table read and understood: its columns hold values, and its target is settled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pminusy.tables.columns.marks import mark_notes
from pminusy.tables.columns.recognise import recognise
from pminusy.tables.design import refuse_infinite
from pminusy.tables.files import is_text, read_table, refuse_sheet
from pminusy.tables.labels import settled_labels
from pminusy.tables.reading import Reading, kinds_of, names_in

if TYPE_CHECKING:
    import polars as pl

    from pminusy.tables.columns.recognise import RecognisedColumn

__all__ = ["Understood", "understood"]


@dataclass(frozen=True, slots=True, eq=False)
class Understood:
    """A table for training.

    Attributes
    ----------
    frame
        Its columns hold numbers, dates or categories.
    columns
        How those were read that were text, and what the user said they are.
    drop
        Names of columns to leave out.
    literal_target
        Labels that say NA are classes.
    notes
        What is to be said of the target, and of marks that the user named.
    """

    frame: pl.DataFrame
    columns: Mapping[str, RecognisedColumn]
    drop: tuple[Any, ...]
    literal_target: bool
    notes: tuple[str, ...]


def understood(
    table: Any,
    target: str,
    *,
    weight: str | None,
    groups: str | None,
    time: str | None,
    drop: tuple[Any, ...],
    as_: Any,
    reading: Reading,
) -> Understood:
    """Read a table for training.

    Raises
    ------
    InputError
        As `read_table`; a column that is not what it is said to be; infinite numbers.
    """
    refuse_sheet(table, reading)
    literal = (target,) if isinstance(target, str) else ()
    frame = read_table(table, reading=reading, text=names_in(as_), literal=literal)
    kinds = kinds_of(as_, frame.columns)
    drop = divided(drop, frame.columns)
    from_text = is_text(table)
    label = kinds.pop(target, "")
    skip = [name for name in (target, weight, groups, *drop) if name != time]
    found = recognise(frame, reading=reading, kinds=kinds, skip=skip, from_text=from_text)
    labels = settled_labels(found.frame, target, kind=label, from_text=from_text)
    refuse_infinite(labels.frame, skip=skip)
    notes = (*mark_notes(frame, reading.missing, target), *labels.notes)
    return Understood(labels.frame, found.columns, drop, bool(label), notes)


def divided(drop: tuple[Any, ...], names: list[str]) -> tuple[Any, ...]:
    """Take "a,b" as two names, unless a column has just that name.

    >>> divided(("a,b", "c,d"), ["a", "b", "c,d"])
    ('a', 'b', 'c,d')
    """
    present = set(names)
    out: list[Any] = []
    for name in drop:
        several = isinstance(name, str) and name not in present and "," in name
        out += [part.strip() for part in name.split(",")] if several else [name]
    return tuple(dict.fromkeys(out)) if all(isinstance(name, str) for name in out) else tuple(out)
