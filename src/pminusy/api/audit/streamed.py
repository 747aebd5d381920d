"""What is audited without being in memory: tables read block by block, large arrays, blocks."""

from __future__ import annotations

import os
import weakref
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pminusy.api.audit.labelled import Labelled, name_of, of_arrays
from pminusy.api.fit.streamed import room_of
from pminusy.api.fit.understood import divided
from pminusy.errors import InputError
from pminusy.tables.reading import Reading, kinds_of
from pminusy.tables.streaming.choosing import RowChoice
from pminusy.tables.streaming.learned import LearnedTable, learn_table
from pminusy.tables.streaming.sources import table_blocks
from pminusy.tables.streaming.store import RowStore, bytes_a_row, make_folder
from pminusy.tables.wording import count, shown

if TYPE_CHECKING:
    import polars as pl

    from pminusy.estimators.streams.blocks import Blocks

__all__ = ["of_streamed_arrays", "of_streamed_table"]

Array = NDArray[Any]

_SAMPLE, _HELD = 16, 8  # shares of the bytes for the sample of a table, and for an array
_NO_PAIRS = "near-duplicates are not looked for in a table that is read block by block"


def of_streamed_table(
    table: Any,
    target: str,
    *,
    memory: int,
    workdir: Any,
    drop: Sequence[str],
    as_: Any,
    reading: Reading,
) -> Labelled:
    """Labelled rows of a table that is never whole in memory; their features are in a folder."""
    room = room_of(memory)
    blocks = table_blocks(table, reading)
    kinds = kinds_of(as_, blocks.names)
    label = kinds.pop(target, "")
    if label not in ("", "category"):
        raise InputError(f"as {shown(target)}", "category, for the target", shown(label))
    names = (drop,) if isinstance(drop, str) else tuple(drop)
    choice = RowChoice(target, None, 0.0, 0, bool(label), blocks.from_text)
    learned = learn_table(
        blocks, choice, room=room // _SAMPLE, reading=reading, kinds=kinds,
        drop=divided(names, blocks.names), reference=False,
    )  # fmt: skip
    schema = learned.schema
    folder = make_folder(workdir, learned.train * bytes_a_row(schema, learned.single))
    store = RowStore(folder, schema, learned.single)
    index: list[Array] = []
    try:
        for rows in learned.divided():
            store.write(rows.train)
            index.append(rows.train_index)
    finally:
        store.close()
    stored = store.finished()
    unlabelled = count(learned.unlabelled, "row")
    return Labelled(
        np.concatenate(index),
        stored,
        stored.labels()[0 : learned.train].astype(np.int32),
        schema.classes,
        schema.feature_names,
        notes=(
            *learned.notes,
            *[f"{unlabelled} without a label left out"] * (learned.unlabelled > 0),
            *schema.notes,
            _NO_PAIRS,
        ),
        name=name_of(table),
        target=target,
        from_columns=True,
        fetch=lambda places: _fetched(learned, places),
    )


def _fetched(learned: LearnedTable, places: Array) -> pl.DataFrame:
    """Rows by their places among those with a label: one pass over the table."""
    import polars as pl

    order = np.argsort(places, kind="stable")
    ascending, found, first = places[order], [learned.sample.clear()], 0
    for rows in learned.divided():
        last = first + rows.train.height
        here = ascending[np.searchsorted(ascending, first) : np.searchsorted(ascending, last)]
        found.append(rows.train[here - first])
        first = last
    return pl.concat(found)[np.argsort(order, kind="stable")]


def of_streamed_arrays(X: Any, y: Any, groups: Any, *, memory: int, workdir: Any) -> Labelled:
    """Labelled rows of an array in a file, or of blocks, which are written to one first."""
    from pminusy.estimators.streams.blocks import Blocks, is_lazy

    room = room_of(memory)
    if isinstance(X, Blocks):
        if y is not None:
            raise InputError("y", "none beside Blocks", "labels", "let the blocks have them")
        X, y = _written(X, workdir)
    elif workdir is not None:
        raise InputError("workdir", "a table, or Blocks, beside it", "an array")
    elif not isinstance(X, str | os.PathLike) and not is_lazy(X):
        expected = "an .npy file, np.memmap or Blocks, beside memory"
        raise InputError("X", expected, "an array in memory", "leave memory out")
    elif not isinstance(X, str | os.PathLike | np.ndarray):
        raise InputError("X", "an .npy file, np.memmap or Blocks, beside memory", type(X).__name__)
    labelled = of_arrays(X, y, groups, most=room // _HELD)
    return replace(labelled, y=labelled.y.astype(np.int32))


def _written(blocks: Blocks, workdir: Any) -> tuple[Array, Array]:
    """Features of all blocks, in a file that is removed once nobody reads it, and the labels."""
    folder = make_folder(workdir, 0)
    path, labels, columns = folder / "X", list[Array](), 0
    dtype: np.dtype[Any] = np.dtype(np.float64)
    try:
        with path.open("wb") as file:
            for number, block in enumerate(blocks):
                if not isinstance(block, tuple | list) or len(block) != 2:
                    raise InputError("blocks", "(X, y) each, without weights", "another block")
                x, y = _dense(block[0], number), np.asarray(block[1])
                if y.shape != (x.shape[0],):
                    got = f"shape {y.shape} for {x.shape[0]:,} rows in block {number}"
                    raise InputError("y", "a label for each row of a block", got)
                if labels and x.shape[1] != columns:
                    got = f"{x.shape[1]} in block {number}"
                    raise InputError("X", f"{columns} features in every block", got)
                if not labels:
                    columns = x.shape[1]
                    dtype = np.dtype(np.float32 if x.dtype == np.float32 else np.float64)
                labels.append(y)
                x.astype(dtype).tofile(file)
        rows = sum(part.size for part in labels)
        if not rows:
            raise InputError("X", "blocks with rows", "none: all blocks are empty")
        X = np.memmap(path, dtype, "r", shape=(rows, columns))
    except BaseException as error:
        _remove(folder)
        if isinstance(error, OSError):
            got = error.strerror or str(error)
            raise InputError(f"workdir {str(folder.parent)!r}", "room", got) from None
        raise
    weakref.finalize(X, _remove, folder)
    return X, np.concatenate(labels)


def _dense(X: Any, number: int) -> Array:
    try:
        x = np.asarray(X)
        x = x if x.dtype == np.float32 else x.astype(np.float64)
    except (TypeError, ValueError):
        x = np.empty(0)
    if x.ndim != 2:
        raise InputError("X", "numbers (n, D), dense, in each block", f"others in block {number}")
    return x


def _remove(folder: Path) -> None:
    with suppress(OSError):
        (folder / "X").unlink(missing_ok=True)
        folder.rmdir()
