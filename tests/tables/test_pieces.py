"""Rows that are kept of many blocks."""

from __future__ import annotations

import polars as pl

from pminusy.tables.streaming.pieces import Pieces


def test_many_small_frames_are_few_pieces_in_their_order() -> None:
    """Each piece takes hundreds of bytes a column, whatever is in it."""
    kept, frames = Pieces(), [pl.DataFrame({"x": range(i % 3)}) for i in range(1000)]
    frames[0] = pl.DataFrame({"x": [7]})
    for frame in frames:
        kept.add(frame)
    joined = kept.joined()
    assert joined["x"].to_list() == [value for frame in frames for value in frame["x"]]
    assert kept.rows == joined.height
    assert joined["x"].n_chunks() <= 1000 // 64 + 64
    assert kept.joined(rechunk=True)["x"].n_chunks() == 1
