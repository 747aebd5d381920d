"""Rows of X, an array or a sparse matrix: some at a time, and refused where they are not finite."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from pminusy.errors import InputError

__all__ = ["MEMORY", "is_sparse", "require_finite", "row_chunks"]

MEMORY = 1 << 30  # bytes for rows that are not in memory already, by default


def is_sparse(X: Any) -> bool:
    """Whether X is a sparse matrix or array (a check that says nothing to the type checker)."""
    sparse = sys.modules.get("scipy.sparse")  # whoever has such a matrix has imported it
    return sparse is not None and bool(sparse.issparse(X))


def row_chunks(N: int, bytes_a_row: int, workspace: int) -> Iterator[slice]:
    """Slices of N rows that fit the workspace."""
    count = max(64, workspace // bytes_a_row)
    for first in range(0, N, count):
        yield slice(first, min(first + count, N))


def require_finite(X: Any, before: int = 0) -> None:
    """Refuse NaN and infinity, and say where the first is; `before` is the number of row 0."""
    if is_sparse(X):
        bad = np.flatnonzero(~np.isfinite(X.data))
        if bad.size:
            row = int(np.searchsorted(X.indptr, bad[0], side="right")) - 1
            _refuse(X.data[bad[0]], before + row, int(X.indices[bad[0]]))
        return
    if not np.issubdtype(X.dtype, np.floating):
        return
    for rows in row_chunks(X.shape[0], X.shape[1] + 1, 8 << 20):
        finite = np.isfinite(X[rows])
        if not finite.all():
            row, column = np.argwhere(~finite)[0]
            _refuse(X[rows][row, column], before + rows.start + int(row), int(column))


def _refuse(value: Any, row: int, column: int) -> None:
    name = "NaN" if np.isnan(value) else ("inf" if value > 0 else "-inf")
    raise InputError(
        "X",
        "finite numbers",
        f"{name} in row {row}, column {column}",
        "drop such rows or fill them in (sklearn.impute); NaN and inf have no logit",
    )
