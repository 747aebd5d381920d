"""How the columns of a table differ from those a model was trained on."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pminusy.tables.columns.words import WordsColumn, word_features
from pminusy.tables.kinds import as_text
from pminusy.tables.schema import CategoryColumn, Column, NumberColumn, Schema

__all__ = ["Drift", "drifts"]


class Drift(NamedTuple):
    """A column beside training; None where that does not apply or is not known.

    Attributes
    ----------
    name, taken
        The column, and what it was taken for.
    missing_before, missing
        Share of cells without a value, at training and here.
    unseen
        Share of the cells with a value whose category training did not have (or only among the
        rare), or that have none of its words.
    mean, spread
        Of a number or date here, in standard deviations of training from its mean: 0 and 1 there.
    """

    name: str
    taken: str
    missing_before: float | None
    missing: float
    unseen: float | None
    mean: float | None
    spread: float | None

    @property
    def size(self) -> float:
        """How large the difference is, to put the largest first."""
        gone = 0.0 if self.missing_before is None else abs(self.missing - self.missing_before)
        moved = 0.0 if self.mean is None else abs(self.mean)
        return max(4 * gone, 4 * (self.unseen or 0.0), moved)


def drifts(frame: pl.DataFrame, X: Any, schema: Schema, rows_before: int | None) -> list[Drift]:
    """Each column the model uses, largest difference first.

    Parameters
    ----------
    frame, X
        The rows, and their features (N, D).
    schema
        What training learned.
    rows_before
        How many rows that was from; None where nobody says.
    """
    missing_before = {f.name: f.missing / rows_before for f in schema.findings if rows_before}
    columns = X if isinstance(X, np.ndarray) else X.tocsc()
    found, first = [], 0
    for column in schema.columns:
        cells = frame[column.name]
        mean, spread = _moments(columns, first, column)
        found.append(
            Drift(
                column.name,
                _TAKEN.get(type(column), "date"),
                missing_before.get(column.name),
                cells.null_count() / max(len(cells), 1),
                _unseen(cells, column),
                mean,
                spread,
            )
        )
        first += len(column.feature_names)
    return sorted(found, key=lambda each: -each.size)


_TAKEN: dict[type, str] = {NumberColumn: "number", CategoryColumn: "category", WordsColumn: "words"}


def _moments(X: Any, j: int, column: Column) -> tuple[float | None, float | None]:
    if isinstance(column, CategoryColumn | WordsColumn):
        return None, None
    if isinstance(column, NumberColumn) and not column.varies:
        return None, None
    values: NDArray[Any] = X[:, j] if isinstance(X, np.ndarray) else X[:, [j]].toarray()[:, 0]
    return float(values.mean()), float(values.std())


def _unseen(cells: pl.Series, column: Column) -> float | None:
    present = len(cells) - cells.null_count()
    if present == 0:
        return None
    match column:
        case CategoryColumn():
            text = as_text(cells).str.strip_chars()
            known = pl.Series([c.strip() for c in column.categories])
            if column.dtype == "Boolean":
                text = text.str.to_lowercase()
            return float((text.is_not_null() & ~text.is_in(known.implode())).sum() / present)
        case WordsColumn():
            values, _ = word_features(as_text(cells), column)
            having = int(values[: len(column.words)].any(axis=0).sum())
            return 1 - having / present
        case _:
            return None
