"""What is audited: rows with labels, of a table or of arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pminusy.errors import InputError
from pminusy.tables.wording import count

if TYPE_CHECKING:
    import polars as pl

    from pminusy.tables.reading import Reading

__all__ = ["Labelled", "of_arrays", "of_table"]

Array = NDArray[Any]

_BLOCK = 1 << 22  # numbers looked at together
_READ = 1 << 28  # bytes of a memmap that is simply read


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """Rows with labels: what is audited, wherever it came from.

    Attributes
    ----------
    rows
        Places (N,) in the table or in the arrays, from 0.
    X, y
        Features (N, D) and indices of classes (N,).
    classes
        The labels as text.
    features
        Names of the features.
    frame
        The rows as the table has them; None for arrays.
    groups
        Numbers (N,) of the groups of rows; None without.
    notes
        What was said of columns and of rows left out.
    name, target
        Of the table, and of its column of labels; "" for arrays.
    from_columns
        Whether features were made from columns of the table.
    fetch
        Reads rows, by their places, of a table that is read block by block; None otherwise.
    """

    rows: Array
    X: Any
    y: Array
    classes: tuple[str, ...]
    features: tuple[str, ...]
    frame: pl.DataFrame | None = None
    groups: Array | None = None
    notes: tuple[str, ...] = ()
    name: str = "labels"
    target: str = ""
    from_columns: bool = False
    fetch: Callable[[Array], pl.DataFrame] | None = None

    @property
    def streamed(self) -> bool:
        """Whether rows are read block by block."""
        return self.fetch is not None

    def shown(self, places: Array) -> pl.DataFrame | None:
        """Some rows as the table has them, in this order; None for arrays."""
        if self.fetch is not None:
            return self.fetch(places)
        return None if self.frame is None else self.frame[places]

    def row(self, place: int) -> Array:
        """Features (D,) of a row, dense."""
        row = self.X[place : place + 1]
        dense: Array = np.asarray(row.toarray() if hasattr(row, "toarray") else row)
        return dense.ravel()

    def label_of(self, row: int) -> int:
        """Index of the class of a row by its place in what was given."""
        return int(self.y[np.searchsorted(self.rows, row)])


def of_table(
    table: Any,
    target: str,
    embeddings: Any,
    groups: Any,
    drop: Sequence[str],
    as_: Any,
    reading: Reading,
) -> Labelled:
    """Labelled rows of a table, with the features that a fit would have, or with given ones."""
    from pminusy.api.fit.understood import understood
    from pminusy.tables.design import design_matrix
    from pminusy.tables.learning import learn_schema
    from pminusy.tables.schema import Schema
    from pminusy.tables.target import encode_target, group_numbers, learn_classes, select_rows

    names = (drop,) if isinstance(drop, str) else tuple(drop)
    whole = understood(
        table, target, weight=None, groups=groups, time=None, drop=names, as_=as_, reading=reading
    )
    rows = select_rows(whole.frame, target, None)
    if embeddings is None:
        schema = learn_schema(
            rows.frame, target, drop=whole.drop, groups=groups, recognised=whole.columns
        )
    else:  # other columns may be anything, or not there
        classes = learn_classes(rows.frame, target)
        schema = Schema((), (), target, classes.names, classes.dtype, None)
    unlabelled = count(rows.unlabelled, "row")
    said = (*whole.notes, *[f"{unlabelled} without a label left out"] * (rows.unlabelled > 0))
    if embeddings is None:
        X, notes = design_matrix(rows.frame, schema)
        features, said = schema.feature_names, (*said, *schema.notes, *notes)
    else:
        X = _features(embeddings, _READ)
        if X.shape[0] != whole.frame.height:
            got = f"{X.shape[0]:,} for {count(whole.frame.height, 'row')}"
            raise InputError("embeddings", "a row for each row of the table", got)
        X, features = _chosen(X, rows.index), _numbered(X.shape[1])
    numbers = None if groups is None else group_numbers(rows.frame, groups)
    y = encode_target(rows.frame, schema)
    return Labelled(
        rows.index, X, y, schema.classes, features, rows.frame, numbers, said,
        name=name_of(table), target=target, from_columns=embeddings is None,
    )  # fmt: skip


def name_of(table: Any) -> str:
    """The name of a table's file; "table" of a frame."""
    return Path(table).name if isinstance(table, str | PathLike) else "table"


def of_arrays(X: Any, y: Any, groups: Any, most: int | None = None) -> Labelled:
    """Labelled rows of arrays, or of .npy files, of which so many bytes are simply read."""
    if y is None:
        remedy = "give y, or target for a table"
        raise InputError("audit", "labels beside the features", "none", remedy)
    features = _features(X, _READ if most is None else most)
    labels = _loaded("labels", Path(y)) if isinstance(y, str | PathLike) else np.asarray(y)
    if labels.shape != (features.shape[0],):
        got = f"shape {labels.shape} for {features.shape[0]:,} rows"
        raise InputError("y", "a label for each row of X", got)
    if labels.dtype.kind == "f" and not np.isfinite(labels).all():
        raise InputError("y", "labels", "NaN or infinity", "leave such rows out")
    if labels.dtype.kind == "O" or isinstance(y, list | tuple):
        _refuse_missing(y)  # NumPy makes the text "nan" of a NaN among texts
    named = labels.astype(str) if labels.dtype.kind == "O" else labels
    classes, indices = np.unique(named, return_inverse=True)
    numbers = None if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    if numbers is not None and numbers.shape != labels.shape:
        raise InputError("groups", "a group for each row", f"shape {numbers.shape}")
    return Labelled(
        np.arange(labels.size),
        features,
        indices.ravel(),
        tuple(str(name) for name in classes),
        _numbered(features.shape[1]),
        groups=numbers,
        name=name_of(X) if isinstance(X, str | PathLike) else "labels",
    )


def _refuse_missing(labels: Any) -> None:
    for row, label in enumerate(labels):
        if label is None or type(label).__name__ in ("NAType", "NaTType") or label != label:
            raise InputError("y", "labels", f"{label} in row {row}", "leave such rows out")


def _numbered(D: int) -> tuple[str, ...]:
    return tuple(f"x{d}" for d in range(D))


def _features(X: Any, most: int) -> Any:
    """Features (N, D) as finite numbers: dense or as sparse rows, or a large memmap as it is."""
    import scipy.sparse as sp

    from pminusy.estimators.streams.blocks import is_lazy

    if isinstance(X, str | PathLike):
        X = _loaded("embeddings", Path(X))
    if sp.issparse(X):
        X = sp.csr_array(X)
        finite = bool(np.isfinite(X.data).all())
    else:
        lazy = isinstance(X, np.ndarray) and is_lazy(X)
        X = _dense(X.copy() if lazy and X.nbytes <= most else X, mapped=lazy and X.nbytes > most)
        finite = _finite(X)
    if not finite:
        remedy = "fill them in, or leave rows out"
        raise InputError("X", "finite numbers", "NaN or infinity", remedy)
    return X


def _chosen(X: Any, rows: Array) -> Any:
    """Some rows of embeddings; of those that stay in their file all or none."""
    if rows.size == X.shape[0]:
        return X
    if isinstance(X, np.memmap):
        without = count(X.shape[0] - rows.size, "row")
        expected = f"a label for each row of a file above {_READ >> 20} MiB, which is not copied"
        remedy = "leave those rows out of both files"
        raise InputError("embeddings", expected, f"{without} without one", remedy)
    return X[rows]


def _dense(X: Any, *, mapped: bool) -> Array:
    """Numbers (N, D): what is read by slices keeps its type, the rest becomes float64 or 32."""
    try:
        X = X if mapped else np.array(X, copy=None)
        if X.dtype.kind not in "fiub":
            X = X.astype(np.float64)
    except (TypeError, ValueError):
        raise InputError("X", "numbers (N, D)", "something else") from None
    if X.ndim != 2 or 0 in X.shape:
        raise InputError("X", "shape (N, D), neither of them 0", f"shape {X.shape}")
    if mapped:
        return np.asarray(X) if X.dtype.kind == "b" else X
    return np.array(X, X.dtype if X.dtype in (np.float32, np.float64) else np.float64, copy=None)


def _finite(X: Array) -> bool:
    """Whether all numbers are finite; blocks of rows at a time, for X may be a file."""
    step = max(1, _BLOCK // max(1, X[:1].size))
    return all(np.isfinite(X[first : first + step]).all() for first in range(0, len(X), step))


def _loaded(kind: str, path: Path) -> Array:
    """An array of a file, mapped into memory rather than read."""
    what = f"{kind} {str(path)!r}"
    try:
        found = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise InputError(what, "a file that exists", "nothing there", "check the name") from None
    except (OSError, ValueError, EOFError) as error:
        objects = "Object" in str(error) or "dtype" in str(error)
        remedy = "save array.astype(str), or numbers" if objects else ""
        got = "Python objects" if objects else "something else"
        raise InputError(what, "an array written by numpy.save", got, remedy) from None
    if not isinstance(found, np.ndarray):
        raise InputError(what, "one array (.npy)", "several arrays (.npz)", "save it by numpy.save")
    return found
