"""Rows that a fitted network is asked about, checked: all at once, or as they are read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.utils.validation import _check_n_features, validate_data

from pminusy.errors import InputError
from pminusy.estimators.network.rows import lazy_rows, read_rows
from pminusy.estimators.rows import require_finite, row_chunks
from pminusy.estimators.streams.blocks import Blocks, in_memory

__all__ = ["input_parts"]

_READ = 8 << 20  # bytes


def input_parts(estimator: Any, X: Any) -> Iterator[Any]:
    """Checked inputs (n, D), in order; one part where X is in memory."""
    if isinstance(X, Blocks):
        yield from _of_blocks(estimator, X)
        return
    read = lazy_rows(estimator, X)
    if read is not None:
        a_row = read.dtype.itemsize * (1 + read.shape[1])
        for rows in row_chunks(read.shape[0], a_row, _READ):
            yield read[rows]
        return
    inputs = validate_data(
        estimator, in_memory(X), accept_sparse="csr", dtype=(np.float64, np.float32),
        ensure_all_finite=False, reset=False,
    )  # fmt: skip
    require_finite(inputs)
    yield inputs


def _of_blocks(estimator: Any, blocks: Blocks) -> Iterator[Any]:
    """Inputs of blocks; targets and weights beside X are not looked at."""
    rows = 0
    for given in blocks:
        part = read_rows(given[0] if isinstance(given, tuple | list) else given, rows)
        _check_n_features(estimator, part, reset=False)
        rows += part.shape[0]
        if part.shape[0]:
            yield part
    if not rows:
        raise InputError("X", "blocks with rows", "none: all blocks are empty")
