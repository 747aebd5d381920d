"""Groups of rows that come block by block: numbered as they are met."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pminusy.errors import InputError
from pminusy.tables.formats.csv_text import typed_columns
from pminusy.tables.reading import Reading
from pminusy.tables.target import named_column
from pminusy.tables.wording import listed, shown

__all__ = ["ALONE", "GroupNumbers"]

Indices = NDArray[np.int64]

ALONE = -1  # the number of every row without a group: it is one of its own


class GroupNumbers:
    """Groups of a column, numbered from 0 in the order in which they are met.

    Parameters
    ----------
    name
        The column.
    most
        How many groups there is memory for.
    """

    def __init__(self, name: str, most: int) -> None:
        self.name, self._most = name, most
        self._known: dict[str, int] = {}
        self._alone = 0

    def of(self, block: pl.DataFrame) -> Indices:
        """The number of the group of each row (n,).

        Raises
        ------
        InputError
            No such column; more groups than there is memory for.
        """
        cells = named_column(block, "groups", self.name).cast(pl.String)
        self._alone += cells.null_count()
        found = cells.drop_nulls().unique().to_list()
        for cell in found:
            self._known.setdefault(cell, len(self._known))
        if len(self._known) > self._most:
            got, remedy = f"more than {self._most:,}", "raise memory, or leave groups out"
            what = f"groups {shown(self.name)}"
            raise InputError(what, "groups that memory holds the sums of", got, remedy)
        numbers = [self._known[cell] for cell in found]
        codes = cells.replace_strict(found, numbers, default=ALONE, return_dtype=pl.Int64)
        return codes.to_numpy()

    def __len__(self) -> int:
        """How many groups there are, without rows that are alone."""
        return len(self._known)

    def tell_apart(self, asked: str | None) -> bool:
        """Whether there are several; refused where there are not and they were asked for by name.

        Raises
        ------
        InputError
            A single group.
        """
        if asked is None:
            return len(self) + bool(self._alone) > 1
        if len(self) + self._alone < 2:
            got = f"only {listed(self._known or [None])}"
            raise InputError(f"groups {shown(asked)}", "at least two groups", got)
        return True

    def merged(self, reading: Reading) -> Indices:
        """Other numbers (G,) for groups of text: in a column of numbers "1" and "1.0" are one."""
        texts = pl.Series(self.name, [*self._known], dtype=pl.String)
        whole_only = reading.decimal == "," or reading.thousands is not None
        typed = typed_columns([texts], whole_only=whole_only)[0]
        ranks = typed.cast(pl.String).rank("dense").cast(pl.Int64) - 1
        return ranks.fill_null(ALONE).to_numpy()
