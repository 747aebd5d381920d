"""The design matrix of training rows in a folder: written once, read by slices of rows.

A row is kept as it was before it was standardised and spread out: numbers as they are in the table,
in float32 where that holds them all, a category as the number of its feature. A slice is made into
features as it is read, bit for bit those of `design_matrix`.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pminusy.errors import InputError
from pminusy.tables.columns.batches import number_matrix
from pminusy.tables.columns.date_column import DateColumn
from pminusy.tables.columns.features import (
    category_codes,
    date_features,
    read_numbers,
    words_features,
)
from pminusy.tables.columns.rows import DenseFeatures, SparseFeatures
from pminusy.tables.columns.words import WordsColumn
from pminusy.tables.design import refuse_infinite, worth_sparse
from pminusy.tables.kinds import refuse_beyond
from pminusy.tables.schema import CategoryColumn, Column, NumberColumn, Schema
from pminusy.tables.target import encode_target, row_weights

__all__ = ["RowStore", "StoredRows", "bytes_a_row", "make_folder", "no_room"]

Array = NDArray[Any]

_PREFIX = ".pminusy-rows-"
_SPARE = 16 << 20  # bytes of a disk that are left


class _Part(NamedTuple):
    """One file of rows of numbers of one type."""

    name: str
    dtype: np.dtype[Any]
    width: int

    @property
    def row(self) -> int:
        return self.dtype.itemsize * self.width


class _Layout:
    """Which columns are in which file."""

    def __init__(self, schema: Schema, single: frozenset[str]) -> None:
        columns = schema.columns
        widths = [len(c.feature_names) for c in columns]
        self.first = dict(
            zip((c.name for c in columns), np.cumsum([0, *widths[:-1]]).tolist(), strict=True)
        )
        numbers = [c for c in columns if isinstance(c, NumberColumn)]
        self.singles = [c for c in numbers if c.name in single]
        self.doubles = [c for c in numbers if c.name not in single]
        self.categories = [c for c in columns if isinstance(c, CategoryColumn)]
        self.others: list[Column] = [c for c in columns if isinstance(c, DateColumn | WordsColumn)]
        most = max((len(c.feature_names) for c in self.categories), default=0)
        self.parts = (
            _Part("singles", np.dtype(np.float32), len(self.singles)),
            _Part("doubles", np.dtype(np.float64), len(self.doubles)),
            # a code counts from 1; 0 is for no feature
            _Part("codes", np.dtype(np.uint8 if most < 256 else np.uint32), len(self.categories)),
            _Part("others", np.dtype(np.float64), sum(len(c.feature_names) for c in self.others)),
            _Part("labels", np.dtype(np.uint8 if len(schema.classes) < 256 else np.int32), 1),
            _Part("weights", np.dtype(np.float64), int(schema.weight is not None)),
        )


def bytes_a_row(schema: Schema, single: frozenset[str]) -> int:
    """Bytes of a stored row."""
    return sum(part.row for part in _Layout(schema, single).parts)


def make_folder(workdir: str | os.PathLike[str] | None, needed: int) -> Path:
    """A new folder for rows, of which there is room for `needed` bytes.

    What earlier processes left in `workdir` because they were killed is removed.

    Raises
    ------
    InputError
        No such folder, one that cannot be written, or too little room.
    """
    parent = Path(tempfile.gettempdir() if workdir is None else workdir)
    what = f"workdir {str(parent)!r}"
    if not parent.is_dir():
        got = "a file" if parent.exists() else "none of that name"
        raise InputError(what, "a folder that exists", got, "create it first")
    _remove_left(parent)
    free = shutil.disk_usage(parent).free
    if needed + _SPARE > free:
        got = f"{free:,} that are free"
        raise InputError(what, f"room for {needed + _SPARE:,} bytes", got, "name another --workdir")
    try:
        return Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=parent))
    except OSError as error:
        got = error.strerror or type(error).__name__
        raise InputError(what, "a folder that can be written", got) from None


def _remove_left(parent: Path) -> None:
    """Remove folders of processes that are no more."""
    with suppress(OSError):
        for path in parent.glob(f"{_PREFIX}*"):
            number = path.name.removeprefix(_PREFIX).partition("-")[0]
            try:
                os.kill(int(number), 0)
            except ProcessLookupError:
                shutil.rmtree(path, ignore_errors=True)
            except (OSError, ValueError):
                continue


def no_room(folder: Path, error: OSError) -> InputError:
    """The error of a folder of `make_folder` in which nothing more could be written."""
    got = error.strerror or "a full disk, or a limit on files"  # NumPy says numbers
    return InputError(f"workdir {str(folder.parent)!r}", "room for files", got)


class RowStore:
    """Rows as they are written.

    Parameters
    ----------
    folder
        Of `make_folder`; it is removed once neither this nor what `finished` returns is used.
    schema
        Of the rows.
    single
        Columns of numbers that float32 holds.
    """

    def __init__(self, folder: Path, schema: Schema, single: frozenset[str]) -> None:
        self._folder, self._schema = _Folder(folder), schema
        self._layout = _Layout(schema, single)
        self._rows, self._open = 0, ExitStack()
        self._weight_of_class = np.zeros(len(schema.classes))
        self._files: dict[str, BinaryIO] = {
            part.name: self._open.enter_context((folder / part.name).open("wb"))
            for part in self._layout.parts
        }

    def write(self, frame: pl.DataFrame) -> None:
        """Write some more rows.

        Raises
        ------
        InputError
            Columns that cannot be read; no room.
        """
        if not frame.height:
            return
        schema, layout = self._schema, self._layout
        by_name = {series.name: series for series in frame.get_columns()}
        refuse_infinite(frame.select(c.name for c in schema.columns))
        labels = encode_target(frame, schema)
        weights = row_weights(frame, schema.weight) if schema.weight else np.ones(labels.size)
        self._weight_of_class += np.bincount(labels, weights, len(schema.classes))
        found = {
            "singles": _numbers(layout.singles, by_name),
            "doubles": _numbers(layout.doubles, by_name),
            "codes": _codes(layout.categories, by_name),
            "others": _others(layout.others, by_name),
            "labels": labels,
            "weights": weights,
        }
        try:
            for part in layout.parts:
                if part.width:
                    np.ascontiguousarray(found[part.name], part.dtype).tofile(
                        self._files[part.name]
                    )
        except OSError as error:
            raise no_room(self._folder.path, error) from None
        self._rows += frame.height

    def finished(self) -> StoredRows:
        """The rows, to be read."""
        self.close()
        return StoredRows(
            self._folder, self._schema, self._layout, self._rows, self._weight_of_class
        )

    def close(self) -> None:
        """Write what is not written yet."""
        self._open.close()


def _numbers(columns: Sequence[NumberColumn], by_name: dict[str, pl.Series]) -> Array:
    read = [read_numbers(by_name[column.name], column) for column in columns]
    values = number_matrix(read)
    refuse_beyond(values, read)
    return values.T


def _codes(columns: Sequence[CategoryColumn], by_name: dict[str, pl.Series]) -> Array:
    if not columns:
        return np.empty((0, 0))
    found = category_codes([by_name[column.name] for column in columns], columns)
    return np.stack([one.codes for one in found], axis=1) + 1


def _others(columns: Sequence[Column], by_name: dict[str, pl.Series]) -> Array:
    values: list[Array] = []
    for column in columns:
        series = by_name[column.name]
        if isinstance(column, DateColumn):
            values += date_features(series, column).values
        elif isinstance(column, WordsColumn):
            values += words_features(series, column).values
    return np.stack(values, axis=1) if values else np.empty((0, 0))


class StoredRows:
    """The design matrix (N, D) of stored rows, float64: slices are read, dense or CSR."""

    def __init__(
        self, folder: _Folder, schema: Schema, layout: _Layout, rows: int, weight_of_class: Array
    ) -> None:
        self.shape, self.dtype = (rows, len(schema.feature_names)), np.dtype(np.float64)
        self.sparse = worth_sparse(*self.shape, schema)
        self.weight_of_class = weight_of_class
        self._folder, self._layout = folder, layout

    def __getitem__(self, rows: slice) -> Any:
        """Features of some rows."""
        first, last, _ = rows.indices(self.shape[0])
        n, D = max(last - first, 0), self.shape[1]
        out: DenseFeatures | SparseFeatures
        out = SparseFeatures(n, D) if self.sparse else DenseFeatures(n, D)
        singles, doubles, codes, others = (
            self._read(part, first, n) for part in self._layout.parts[:4]
        )
        for columns, values in (
            (self._layout.singles, singles), (self._layout.doubles, doubles)
        ):  # fmt: skip
            self._put_numbers(out, columns, values)
        for j, column in enumerate(self._layout.categories):
            out.put_ones(self._layout.first[column.name], codes[:, j].astype(np.int64) - 1)
        for j, at in enumerate(self._places_of_others()):
            out.put(at, others[:, j])
        return out.finished()

    @property
    def folder(self) -> Path:
        """Where they are; removed with the last that reads them in the process that wrote them."""
        return self._folder.path

    def labels(self) -> StoredColumn:
        """Class indices (N,)."""
        return StoredColumn(self, self._layout.parts[4])

    def weights(self) -> StoredColumn | None:
        """Row weights (N,); None where all are 1."""
        part = self._layout.parts[5]
        return StoredColumn(self, part) if part.width else None

    def _put_numbers(
        self, out: DenseFeatures | SparseFeatures, columns: Sequence[NumberColumn], values: Array
    ) -> None:
        for j, column in enumerate(columns):
            x = values[:, j].astype(np.float64)
            at = self._layout.first[column.name]
            missing = np.isnan(x) if column.indicator else None
            if missing is not None:
                x[missing] = column.median
            if column.varies:
                out.put(at, (x - column.mean) / column.scale)
            if missing is not None:
                out.put(at + int(column.varies), missing.astype(np.float64))

    def _places_of_others(self) -> Iterator[int]:
        for column in self._layout.others:
            first = self._layout.first[column.name]
            yield from range(first, first + len(column.feature_names))

    def _read(self, part: _Part, first: int, rows: int) -> Array:
        if not part.width or not rows:
            return np.empty((rows, part.width), part.dtype)
        path, count = self._folder.path / part.name, rows * part.width
        values = np.fromfile(path, part.dtype, count, offset=first * part.row)
        return values.reshape(rows, part.width)


class StoredColumn:
    """Labels or weights of stored rows (N,): slices are read, other places taken from all."""

    def __init__(self, rows: StoredRows, part: _Part) -> None:
        self._rows, self._part = rows, part
        self.features = rows.shape[1]
        self.shape, self.dtype = (rows.shape[0],), part.dtype
        self.size, self.ndim = rows.shape[0], 1

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, rows: Any) -> Array:
        """Those of some rows, by all that NumPy takes: scoring asks for a fold's."""
        if not isinstance(rows, slice):
            chosen: Array = np.asarray(self)[rows]
            return chosen
        first, last, _ = rows.indices(self.size)
        return self._rows._read(self._part, first, max(last - first, 0))[:, 0]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return self[0 : self.size].astype(self.dtype if dtype is None else dtype)


class _Folder:
    """A folder that is removed with the last that reads it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        weakref.finalize(self, shutil.rmtree, str(path), ignore_errors=True)
