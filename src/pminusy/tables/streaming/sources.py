"""Files as blocks of rows: a folder, a glob, one file or a Polars LazyFrame, read by Polars."""

from __future__ import annotations

import gzip
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from pminusy.errors import InputError
from pminusy.tables.checks import refuse_repeated
from pminusy.tables.file_names import DELIMITED, kind_of, refuse_other_columns, table_files
from pminusy.tables.formats.byte_streams import start_of_zstandard
from pminusy.tables.formats.csv_text import MISSING, csv_layout
from pminusy.tables.reading import Reading
from pminusy.tables.wording import first_line, shown

__all__ = ["TableBlocks", "missing_marks", "table_blocks"]

_COLUMNAR = {
    ".parquet": pl.scan_parquet, ".pq": pl.scan_parquet, ".feather": pl.scan_ipc,
    ".arrow": pl.scan_ipc, ".ipc": pl.scan_ipc,
}  # fmt: skip
_BYTES, _MOST_ROWS = 4 << 20, 1 << 16  # of a block
_ERRORS = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError)


Scan = Callable[[list[Path]], Callable[[], pl.LazyFrame]]


class _State(NamedTuple):
    """What shows that a file was written to."""

    size: int
    modified: int


class TableBlocks:
    """A table as blocks of rows, in order, any number of times.

    Parameters
    ----------
    what
        The table in words, for errors.
    scan
        Makes what makes the query of all rows of some files, those of text as text.
    files
        Those that are read; none for a LazyFrame.
    from_text
        Whether its cells are text.
    """

    def __init__(self, what: str, scan: Scan, files: list[Path], *, from_text: bool) -> None:
        self.what, self.from_text, self.files = what, from_text, files
        self._scan_of, self._scan = scan, scan(files)
        try:
            self.schema = dict(self._scan().collect_schema())
        except _ERRORS as error:
            raise _unreadable(what, error) from None
        self._states = [_state(path) for path in files]
        if not self.schema:
            raise InputError(what, "at least one column", "an empty table")

    @property
    def names(self) -> list[str]:
        """Of the columns."""
        return list(self.schema)

    def rows(self) -> int:
        """Number of rows; a pass over files of text, next to nothing over others."""
        self._refuse_changes()
        try:
            found = self._scan().select(pl.len()).collect(engine="streaming")
        except _ERRORS as error:
            raise _unreadable(self.what, error) from None
        return int(found.item())

    def blocks(self) -> Iterator[pl.DataFrame]:
        """All rows; refused where a file is another than at the first pass."""
        rows = max(1, min(_MOST_ROWS, _BYTES // (16 * len(self.schema))))
        self._refuse_changes()
        try:
            yield from self._scan().collect_batches(
                chunk_size=rows, maintain_order=True, lazy=True, engine="streaming"
            )
        except _ERRORS as error:
            self._refuse_changes()
            self._refuse_unreadable()
            raise _unreadable(self.what, error) from None
        self._refuse_changes()

    def _refuse_unreadable(self) -> None:
        """Refuse the file of several that cannot be read, by its name."""
        for path in self.files if len(self.files) > 1 else []:
            try:
                for _ in self._scan_of([path])().collect_batches(engine="streaming"):
                    pass
            except _ERRORS as error:
                raise _unreadable(f"table {str(path)!r}", error) from None

    def _refuse_changes(self) -> None:
        for path, state in zip(self.files, self._states, strict=True):
            if _state(path) != state:
                got = "another size or time of writing than when it was first read"
                remedy = "start again when nothing writes to it"
                raise InputError(f"table {str(path)!r}", "a file that stays as it is", got, remedy)


def table_blocks(table: Any, reading: Reading) -> TableBlocks:
    """A table as blocks.

    Raises
    ------
    InputError
        As `table_files`; a file that cannot be read, or has other columns than the first; options
        of reading that are for tables that are read whole; no such kind of table.
    """
    if not hasattr(pl.LazyFrame, "collect_batches"):
        remedy = "pip install -U polars"
        raise InputError("memory", "Polars 1.34 or later", pl.__version__, remedy)
    if isinstance(table, pl.LazyFrame):
        return TableBlocks("table", lambda _: lambda: table, [], from_text=False)
    if not isinstance(table, str | os.PathLike) or os.fspath(table) == "-":
        expected = "a folder, a glob, a file or a Polars LazyFrame, beside memory"
        got = "standard input" if isinstance(table, str | os.PathLike) else type(table).__name__
        raise InputError("table", expected, got, "leave memory out: it is in memory already")
    for name in ("encoding", "comment", "sheet"):
        if getattr(reading, name) is not None:
            remedy = "write the files as UTF-8 text without comments, or leave memory out"
            raise InputError(name, "none beside memory", shown(getattr(reading, name)), remedy)
    files = table_files(table)
    kind, what = kind_of(files[0]), f"table {os.fspath(table)!r}"
    scan = _of_columns(files, kind) if kind in _COLUMNAR else _of_text(files, kind, reading)
    first = None
    for path in files:
        here = TableBlocks(f"table {str(path)!r}", scan, [path], from_text=False)
        refuse_repeated(here.what, here.names)
        first = first or here
        refuse_other_columns(here.what, here.schema, str(files[0]), first.schema)
    return TableBlocks(what, scan, files, from_text=kind in DELIMITED)


def _of_columns(files: list[Path], kind: str) -> Scan:
    return lambda paths: lambda: _COLUMNAR[kind](paths)  # type: ignore[operator]


def _of_text(files: list[Path], kind: str, reading: Reading) -> Scan:
    """Every cell as text, the marks for missing values too: what they mean is decided later."""
    separator, skipped = _layout(files[0], kind, reading)
    options: dict[str, Any] = {"separator": separator, "has_header": reading.header}
    options |= {"infer_schema": False}
    if not reading.header:  # as tables that are read whole have it, and not Polars
        options["with_column_names"] = lambda names: [f"column_{i + 1}" for i in range(len(names))]
    return lambda paths: lambda: pl.scan_csv(paths, skip_lines=skipped, **options)


def _layout(path: Path, kind: str, reading: Reading) -> tuple[str, int]:
    """The sign between cells, and lines before the header."""
    what = f"table {str(path)!r}"
    if path.suffix.lower() == ".zst":
        with start_of_zstandard(what, path) as start_of_it:
            layout = csv_layout(what, start_of_it, kind, reading)
    elif path.suffix.lower() == ".gz":
        with gzip.open(path) as packed, tempfile.TemporaryFile(buffering=0) as start:
            try:
                start.write(packed.read(1 << 16))
            except (OSError, EOFError):
                raise InputError(what, "a gzip file", "a damaged one") from None
            layout = csv_layout(what, start, kind, reading)
    else:
        with path.open("rb", buffering=0) as stream:
            layout = csv_layout(what, stream, kind, reading)
    return layout.separator, layout.line - 1


def _state(path: Path) -> _State:
    try:
        found = path.stat()
    except OSError:
        raise InputError(f"table {str(path)!r}", "a file that stays", "none any more") from None
    return _State(found.st_size, found.st_mtime_ns)


def _unreadable(what: str, error: BaseException) -> InputError:
    expected = "data that can be read to its end"
    return InputError(what, expected, first_line(error), "if it is damaged, copy it again")


def missing_marks(block: pl.DataFrame, target: str) -> pl.DataFrame:
    """Cells of text that say NA and the like as missing; of the target only empty ones."""
    return block.with_columns(
        pl.when(pl.col(name).is_in(("",) if name == target else MISSING)).then(None)
        .otherwise(pl.col(name)).alias(name)
        for name in block.columns
    )  # fmt: skip
