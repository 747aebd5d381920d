"""Predictions beside columns of the table they are of."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from pminusy.errors import InputError
from pminusy.tables.wording import closest, listed, shown

__all__ = ["beside", "kept_names"]

_ALL = "all"


def beside(
    frame: pl.DataFrame, predictions: pl.DataFrame, keep: str | Sequence[str]
) -> pl.DataFrame:
    """Put columns of a table before its predictions, as the table has them.

    Raises
    ------
    InputError
        A column that is not there, or is called as one of the predictions.
    """
    names = kept_names(keep, frame.columns)
    both = [name for name in names if name in set(predictions.columns)]
    if both:
        remedy = "keep other columns, or rename them"
        expected = "other names than those of the predictions"
        raise InputError("keep columns", expected, listed(both), remedy)
    return frame.select(names).hstack(predictions)


def kept_names(keep: str | Sequence[str], names: Sequence[str]) -> list[str]:
    """Which columns are kept: "a,b" is two unless a column has that name, "all" is every one."""
    present = set(names)
    asked = (keep,) if isinstance(keep, str) else tuple(keep)
    if asked == (_ALL,) and _ALL not in present:
        return list(names)
    kept: dict[str, None] = {}
    for text in asked:
        parts = [text] if text in present or "," not in text else text.split(",")
        for name in map(str.strip, parts):
            if name not in present:
                remedy = closest(name, names)
                raise InputError(
                    f"keep columns {shown(name)}",
                    "a column of the table",
                    "none of that name",
                    remedy,
                )
            kept[name] = None
    return list(kept)
