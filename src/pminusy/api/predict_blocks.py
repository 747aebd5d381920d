"""Predictions of a table that is read, and written, block by block."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import polars as pl
from polars.io.plugins import register_io_source

from pminusy.api.fit.streamed import bytes_of, room_of
from pminusy.errors import InputError
from pminusy.files import write_atomically
from pminusy.tables.file_names import is_several, table_files
from pminusy.tables.files import check_table_path, without_formulas
from pminusy.tables.joining import beside
from pminusy.tables.reading import Reading
from pminusy.tables.streaming.notes import NoteSums
from pminusy.tables.streaming.sources import TableBlocks, missing_marks, table_blocks
from pminusy.tables.wording import first_line

if TYPE_CHECKING:
    from pminusy.api.table_model import TableModel

__all__ = ["WrittenPredictions", "predict_blocks"]

_SUFFIXES = {".csv": ".csv", ".tsv": ".tsv", ".txt": ".tsv"}  # of predictions, by the table's


class WrittenPredictions(NamedTuple):
    """What was written, and what is to be said of the rows."""

    rows: int
    files: tuple[Path, ...]
    notes: tuple[str, ...]


def predict_blocks(
    model: TableModel,
    table: Any,
    output: str | os.PathLike[str],
    *,
    keep_columns: str | Sequence[str] = (),
    memory: int | str = "1GiB",
    reading: Reading | None = None,
    inputs: Sequence[str | os.PathLike[str]] = (),
    progress: Callable[[int, int], None] | None = None,
) -> WrittenPredictions:
    """Write class and probabilities of each row, in the order of the table.

    Parameters
    ----------
    model
        The model.
    table
        A folder, a glob, a file (Parquet, Feather, CSV) or a Polars LazyFrame.
    output
        A file, CSV, Parquet or Feather by its name, whole or not at all; or, where several files
        go in, a folder that is there: a file for each goes there under the same name, Parquet for
        a table of columns, CSV for text.
    keep_columns
        Columns of the table to write before the predictions: names, "a,b", or "all".
    memory
        Bytes the process may take; a block of rows is worked on at a time.
    reading
        How files are read, where that is not as in training.
    inputs
        Files that must survive, beside those of the table.
    progress
        Called with the number of rows that are done, and of all, after each block.

    Raises
    ------
    InputError
        As `TableModel.predict`, and `fit_table` with memory; a place that cannot be written.
    """
    room_of(bytes_of(memory))
    how = model.schema.reading if reading is None else reading
    notes = NoteSums()
    into = Path(output)
    if into.is_dir():
        if not is_several(table):
            got = "a folder, and one table"
            raise InputError(f"output file {str(into)!r}", "a file", got, "name a file in it")
        pairs = [(path, into / (path.name.split(".")[0] + _suffix(path))) for path in
                 table_files(table)]  # fmt: skip
        _refuse_same([place for _, place in pairs])
    else:
        pairs = [(table, into)]
    given = table_files(table) if isinstance(table, str | os.PathLike) else []
    for _, place in pairs:
        check_table_path(place, inputs=(*inputs, *given))
    tables = [(table_blocks(part, how), place) for part, place in pairs]
    watch = _counter(progress, tables)
    work = _Work(model, keep_columns, notes, watch)
    rows = sum(work.write(blocks, place) for blocks, place in tables)
    if not rows:
        raise InputError("table", "at least one row of values", "only a header")
    return WrittenPredictions(rows, tuple(place for _, place in pairs), notes.sentences())


def _counter(
    progress: Callable[[int, int], None] | None, tables: list[tuple[TableBlocks, Path]]
) -> Callable[[int], None]:
    """What is told the rows of each block, and says how many are done of all of them."""
    if progress is None:
        return lambda rows: None
    every, done = sum(blocks.rows() for blocks, _ in tables), 0

    def count_rows(rows: int) -> None:
        nonlocal done
        done += rows
        progress(done, every)

    return count_rows


def _suffix(path: Path) -> str:
    plain = path.with_suffix("") if path.suffix.lower() in (".gz", ".zst") else path
    return _SUFFIXES.get(plain.suffix.lower(), ".parquet")


def _refuse_same(places: list[Path]) -> None:
    twice = [place for place, n in Counter(places).items() if n > 1]
    if twice:
        got = f"two that are written to {twice[0].name!r}"
        raise InputError("table", "files of different names before the suffix", got)


class _Work(NamedTuple):
    """How blocks become predictions."""

    model: TableModel
    keep: str | Sequence[str]
    notes: NoteSums
    progress: Callable[[int], None]  # told the rows of every block

    def write(self, blocks: TableBlocks, place: Path) -> int:
        """Write the predictions of a table; returns how many."""
        rows = 0

        def counted() -> Iterator[pl.DataFrame]:
            nonlocal rows
            for frame in self._predicted(blocks):
                rows += frame.height
                yield frame

        write_atomically(place, lambda stream: _write(counted(), stream, place))
        return rows

    def _predicted(self, blocks: TableBlocks) -> Iterator[pl.DataFrame]:
        for block in blocks.blocks():
            if not block.height:
                continue
            cells = missing_marks(block, self.model.schema.target) if blocks.from_text else block
            predictions, notes = self.model.predictions(cells)
            self.notes.add(notes)
            self.progress(block.height)
            yield beside(block, predictions, self.keep) if self.keep else predictions


def _write(frames: Iterator[pl.DataFrame], stream: BinaryIO, place: Path) -> None:
    suffix = place.suffix.lower()
    if suffix in (".csv", ".tsv"):
        header = True
        for frame in frames:
            separator = "\t" if suffix == ".tsv" else ","
            without_formulas(frame).write_csv(stream, separator=separator, include_header=header)
            header = False
        return
    first = next(frames, None)
    if first is None:
        return

    def source(
        with_columns: Any, predicate: Any, n_rows: Any, batch_size: Any
    ) -> Iterator[pl.DataFrame]:
        yield first
        yield from frames

    lazy = register_io_source(source, schema=first.schema)
    try:
        if suffix in (".parquet", ".pq"):
            lazy.sink_parquet(stream, maintain_order=True)
        else:
            lazy.sink_ipc(stream, maintain_order=True)
    except pl.exceptions.PolarsError as error:
        what, expected = f"output file {str(place)!r}", "a file that can be written"
        raise InputError(what, expected, first_line(error), "choose another place") from None
