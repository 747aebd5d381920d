"""Rows that are kept of many blocks, a few of each."""

from __future__ import annotations

import polars as pl

__all__ = ["Pieces"]

_TOGETHER = 64  # small frames that become one: each takes hundreds of bytes a column by itself


class Pieces:
    """Frames of the same columns, one after the other; many small ones take little more memory."""

    def __init__(self) -> None:
        self.rows = 0
        self._large: list[pl.DataFrame] = []
        self._small: list[pl.DataFrame] = []

    def add(self, frame: pl.DataFrame) -> None:
        """Keep all rows of a frame."""
        self.rows += frame.height
        self._small.append(frame)
        if len(self._small) == _TOGETHER:
            self._large.append(pl.concat(self._small, rechunk=True))
            self._small = []

    def joined(self, *, rechunk: bool = False) -> pl.DataFrame:
        """All rows."""
        return pl.concat([*self._large, *self._small], rechunk=rechunk)
