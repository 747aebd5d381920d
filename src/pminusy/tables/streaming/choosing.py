"""Which rows of a table train, which are held out, and which say nothing: block after block.

A row is held out by a hash of its number and of the seed, whatever the blocks are. The first row of
every class trains.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pminusy.errors import InputError
from pminusy.tables.formats.csv_text import MISSING
from pminusy.tables.kinds import is_number
from pminusy.tables.wording import closest, shown

__all__ = ["ChosenRows", "RowChoice", "RowChooser"]

_MOST_LABELS = 10_000


class RowChoice(NamedTuple):
    """What rows of a table are for."""

    target: str
    weight: str | None
    test_size: float
    seed: int
    literal_target: bool  # labels that say NA are classes
    from_text: bool


class ChosenRows(NamedTuple):
    """Some rows: those that train and those held out, and where they were in the table."""

    train: pl.DataFrame
    train_index: NDArray[np.int64]
    held_out: pl.DataFrame
    held_out_index: NDArray[np.int64]


class RowChooser:
    """Divides blocks, in their order; one for each pass over a table."""

    def __init__(self, how: RowChoice) -> None:
        self._how = how
        self.rows = self.unlabelled = self.weightless = 0
        self.labels: Counter[str] = Counter()  # of the rows that are used, as they are spelled

    def divide(self, block: pl.DataFrame) -> ChosenRows:
        """Divide the next block.

        Raises
        ------
        InputError
            No such column; too many labels; weights that are not finite numbers ≥ 0.
        """
        how = self._how
        labels = self._labels(_column(block, "target", how.target))
        used = labels.is_not_null().to_numpy()
        self.unlabelled += int((~used).sum())
        if how.weight is not None:
            positive = self._positive(_column(block, "weight", how.weight), used)
            self.weightless += int((used & ~positive).sum())
            used &= positive
        index = np.flatnonzero(used)
        numbers = index + self.rows
        self.rows += block.height
        block = block if index.size == block.height else block[index]
        held = _held_out(numbers, how) & ~self._first_of_class(labels.gather(index))
        train, rest = np.flatnonzero(~held), np.flatnonzero(held)
        if not rest.size:
            return ChosenRows(block, numbers, block.clear(), numbers[:0])
        return ChosenRows(block[train], numbers[train], block[rest], numbers[rest])

    def _labels(self, column: pl.Series) -> pl.Series:
        labels = column.cast(pl.String).str.strip_chars() if _is_text(column) else column
        if labels.dtype.is_float():
            labels = labels.fill_nan(None)
        if self._how.from_text and not self._how.literal_target:
            return labels.set(labels.is_in(MISSING).fill_null(False), None)
        return labels

    def _positive(self, column: pl.Series, used: NDArray[np.bool_]) -> NDArray[np.bool_]:
        what = f"weight {shown(column.name)}"
        numbers = column.cast(pl.Float64, strict=False)
        if not is_number(column) and not (_is_text(column) and self._how.from_text):
            raise InputError(what, "a column of numbers", f"values of type {column.dtype}")
        values = numbers.to_numpy()
        bad = ~((values >= 0) & np.isfinite(values)) & used
        if bad.any():
            row = int(bad.argmax())
            got = "no value" if column[row] is None else f"{column[row]}"
            raise InputError(what, "finite weights ≥ 0", f"{got} in row {self.rows + row + 1:,}")
        return np.asarray(values > 0)

    def _first_of_class(self, labels: pl.Series) -> NDArray[np.bool_]:
        """Which rows are the first of their class; labels are counted."""
        first = np.zeros(len(labels), np.bool_)
        counts = labels.alias("label").value_counts()
        spelled = dict(zip(counts["label"].to_list(), counts["count"].to_list(), strict=True))
        for label, rows in spelled.items():
            if str(label) not in self.labels:
                first[int((labels == label).arg_max() or 0)] = True
            self.labels[str(label)] += rows
        if len(self.labels) > _MOST_LABELS:
            got = f"more than {_MOST_LABELS:,} different labels"
            raise InputError(f"target {shown(self._how.target)}", "classes", got)
        return first


def _is_text(column: pl.Series) -> bool:
    return column.dtype in (pl.String, pl.Categorical, pl.Enum)


def _column(block: pl.DataFrame, role: str, name: str) -> pl.Series:
    if name not in block.columns:
        what, remedy = f"{role} {shown(name)}", closest(name, block.columns)
        raise InputError(what, "a column of the table", "none of that name", remedy)
    return block[name]


def _held_out(numbers: NDArray[np.int64], how: RowChoice) -> NDArray[np.bool_]:
    """Whether rows are held out, by their numbers.

    Source: the finaliser of SplitMix64; Steele, Lea & Flood 2014, "Fast splittable pseudorandom
    number generators".
    """
    with np.errstate(over="ignore"):
        seed = np.uint64(how.seed % 2**64) * np.uint64(0xD1342543DE82EF95)
        z = numbers.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + seed
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    return np.asarray((z >> np.uint64(11)) * 2.0**-53 < how.test_size)
