"""The rows of blocks, checked: of one kind, finite, with as many targets and weights as inputs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.utils.validation import _get_feature_names

from pminusy.errors import InputError
from pminusy.estimators.parameters.problem import soft_targets
from pminusy.estimators.rows import is_sparse, require_finite
from pminusy.estimators.streams.blocks import Blocks
from pminusy.training.sources.row_blocks import RowBlock

__all__ = [
    "TYPES",
    "BlockReader",
    "read_block",
    "read_inputs",
    "require_alike",
    "require_finite_rows",
]

Array = NDArray[Any]

TYPES = (np.float64, np.float32, np.uint8)  # as estimators take arrays; others become the first


class BlockReader:
    """Checked blocks of `Blocks`; what the first of them is like, all must be.

    Parameters
    ----------
    blocks
        What the user has given.
    types
        Of inputs that stay as they are; others become float64.
    """

    def __init__(self, blocks: Blocks, types: tuple[Any, ...] = TYPES) -> None:
        self._blocks, self._types = blocks, types
        self.names: Array | None = None  # of the columns, where X is a frame
        self._first: RowBlock | None = None

    def read(self, *, finite: bool) -> Iterator[RowBlock]:
        """One visit; `finite` looks for NaN and infinity, which need not be done again."""
        rows = 0
        for number, given in enumerate(self._blocks):
            block = self.block(given, number)
            if finite:
                require_finite_rows(block, f"block {number}", rows)
            rows += block.rows
            yield block

    def block(self, given: Any, number: int) -> RowBlock:
        """One block, checked but for NaN and infinity."""
        where = f"block {number}"
        block, names = read_block(given, where, self._types)
        if self._first is None:
            self._first, self.names = block.part(slice(0, 0)), names
        require_alike(self._first, self.names, block, names, where, "the first block")
        return block


def read_block(
    given: Any, where: str, types: tuple[Any, ...] = TYPES
) -> tuple[RowBlock, Array | None]:
    """A block (X, y) or (X, y, weight), checked, and the names of its columns."""
    if not isinstance(given, tuple | list) or len(given) not in (2, 3):
        raise InputError(where, "(X, y) or (X, y, weight)", _what(given))
    X, y, *weight = given
    names = _get_feature_names(X)
    block = RowBlock(
        read_inputs(X, f"X of {where}", types),
        _targets(y, where),
        np.array(weight[0], np.float64) if weight and weight[0] is not None else None,
    )
    n = block.rows
    for name, array in (("y", block.y), ("weight", block.weight)):
        if array is not None and (not array.ndim or array.shape[0] != n):
            raise InputError(f"{name} of {where}", f"{n} rows, as X has", str(array.shape))
    return block, names


def require_finite_rows(block: RowBlock, where: str, before: int = 0) -> None:
    """Refuse NaN and infinity in X and in weights; `before` is the number of row 0."""
    try:
        require_finite(block.X, before)
        _require_weights(block.weight, before)
    except InputError as error:
        raise _of(error, where) from None


def require_alike(
    first: RowBlock,
    first_names: Array | None,
    block: RowBlock,
    names: Array | None,
    where: str,
    whose: str,
) -> None:
    """Refuse a block of other columns, names, kinds or types than the first one."""
    checks = (
        (f"X of {where}", f"{first.X.shape[1]} columns", str(block.X.shape[1]),
         first.X.shape[1] == block.X.shape[1]),
        (f"X of {where}", f"names {_listed(first_names)}", _listed(names),
         _listed(first_names) == _listed(names)),
        (f"X of {where}", f"{_kind(first.X)}", _kind(block.X),
         _kind(first.X) == _kind(block.X)),
        (f"X of {where}", f"{first.X.dtype}", str(block.X.dtype),
         first.X.dtype == block.X.dtype),
        (f"y of {where}", _columns(first.y), _columns(block.y),
         _columns(first.y) == _columns(block.y)),
        (f"y of {where}", _labels(first.y), _labels(block.y),
         _labels(first.y) == _labels(block.y) or not block.rows),
        (f"{where}", _weights(first), _weights(block), _weights(first) == _weights(block)),
    )  # fmt: skip
    for what, expected, got, alike in checks:
        if not alike:
            raise InputError(what, f"{expected}, as {whose} has", got)


def read_inputs(X: Any, what: str, types: tuple[Any, ...] = TYPES) -> Any:
    """Inputs (n, D) as kernels take them: an array, or CSR, of one of the types."""
    if not is_sparse(X):
        X = np.asarray(X)
    elif not isinstance(X, sp.csr_array | sp.csr_matrix):
        X = sp.csr_array(X)
    if X.ndim != 2:
        raise InputError(what, "two dimensions (rows, features)", str(X.shape))
    if X.dtype.type in types:
        return X if is_sparse(X) else np.ascontiguousarray(X)
    if X.dtype.kind == "c":
        raise InputError(what, "real numbers", str(X.dtype))
    try:
        return X.astype(np.float64)
    except (TypeError, ValueError):
        raise InputError(what, "numbers", f"{X.dtype} values") from None


def _targets(y: Any, where: str) -> Array:
    if y is None or is_sparse(y):
        raise InputError(f"y of {where}", "labels (n,) or soft targets (n, K)", _what(y))
    y = np.asarray(y)
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim not in (1, 2):
        raise InputError(f"y of {where}", "labels (n,) or soft targets (n, K)", str(y.shape))
    if y.ndim == 1:
        return np.asarray(y)
    try:
        return np.asarray(soft_targets(y), np.float64)
    except InputError as error:
        raise _of(error, where) from None


def _require_weights(weight: Array | None, before: int) -> None:
    if weight is None:
        return
    bad = ~(np.isfinite(weight) & (weight >= 0))
    if weight.ndim != 1 or bad.any():
        row = int(bad.reshape(weight.shape[0], -1).any(axis=1).argmax()) if bad.any() else 0
        raise InputError(
            "weight", "finite numbers from 0 (n,)", f"{weight[row]} in row {before + row}"
        )


def _of(error: InputError, where: str) -> InputError:
    return InputError(f"{error.what} of {where}", error.expected, error.got, error.remedy)


def _what(given: Any) -> str:
    if isinstance(given, tuple | list):
        return f"{len(given)} parts"
    return "None" if given is None else type(given).__name__


def _kind(X: Any) -> str:
    return "a sparse X" if is_sparse(X) else "a dense X"


def _columns(y: Array) -> str:
    return "labels (n,)" if y.ndim == 1 else f"soft targets of {y.shape[1]} columns"


def _labels(y: Array) -> str:
    if y.ndim == 2:
        return "numbers"
    return {"U": "labels of text", "S": "labels of bytes", "O": "labels that are objects"}.get(
        y.dtype.kind, "numbers"
    )


def _weights(block: RowBlock) -> str:
    return "no weights" if block.weight is None else "weights"


def _listed(names: Array | None) -> str:
    return "none" if names is None else ", ".join(map(str, names))
