"""What is said of cells that a user calls missing."""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from pminusy.tables.columns.recognise import without_marks
from pminusy.tables.wording import count, listed, shown

__all__ = ["mark_notes"]


def mark_notes(frame: pl.DataFrame, marks: Collection[str], target: str) -> tuple[str, ...]:
    """Say which marks no cell has, which are a label, and which lie among the values of a column.

    Examples
    --------
    >>> mark_notes(pl.DataFrame({"x": [-5, -1, 7], "y": ["a", "b", "a"]}), ["-1"], "y")
    ("'x': 1 cell taken as missing as asked ('-1') lies among its values, from -5 to 7",)
    """
    notes = []
    for mark in marks:
        left = without_marks(frame, [mark])
        found = False
        for before, after in zip(frame.get_columns(), left.get_columns(), strict=True):
            cells = after.null_count() - before.null_count()
            found |= cells > 0
            if cells and before.name == target:
                rows = count(cells, "row")
                notes.append(
                    f"target {shown(target)}: {shown(mark)}, taken as missing as asked, is the "
                    f"label of {rows}, which are left out"
                )
            elif cells and _inside(after, mark):
                lie = "lies" if cells == 1 else "lie"
                span = f"from {shown(after.min())} to {shown(after.max())}"
                notes.append(
                    f"{shown(before.name)}: {count(cells, 'cell')} taken as missing as asked "
                    f"({shown(mark)}) {lie} among its values, {span}"
                )
        if not found:
            notes.append(f"no cell says {listed([mark])}, which was to be taken as missing")
    return tuple(notes)


def _inside(rest: pl.Series, mark: str) -> bool:
    """Tell whether a number lies between the smallest and the largest of the others."""
    if not rest.dtype.is_numeric() or rest.null_count() == len(rest):
        return False
    low, high = rest.min(), rest.max()
    return bool(low < float(mark) < high)  # type: ignore[operator]  # it was found as a number
