"""What a fitted linear softmax model does with new rows, in a bounded workspace."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from pminusy import ops
from pminusy.errors import InputError
from pminusy.learn.objective import WORKSPACE

__all__ = ["LinearClassifier", "TopClasses", "require_finite", "row_chunks"]


class TopClasses(NamedTuple):
    """The most probable classes of every row, best first."""

    classes: NDArray[Any]  # (N, k)
    probabilities: NDArray[np.float64]  # (N, k)


class LinearClassifier(ClassifierMixin, BaseEstimator):
    """Prediction from `coef_`, `intercept_`, `classes_`, `workspace` bytes of logits at a time."""

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def decision_function(self, X: ArrayLike) -> NDArray[Any]:
        """Logits (N, K); for two classes the logit (N,) of the second against the first."""
        inputs = self._inputs(X)
        z = self._stream(inputs, lambda z: z)
        return np.asarray(z[:, 0] if z.shape[1] == 1 else z)

    def predict_log_proba(self, X: ArrayLike) -> NDArray[Any]:
        """Logarithms of the probabilities (N, K)."""
        return self._stream(self._inputs(X), lambda z: ops.log_softmax(_two_columns(z)))

    def predict_proba(self, X: ArrayLike, top_k: int | None = None) -> Any:
        """Probabilities (N, K) of the classes; with `top_k` only the largest, as `TopClasses`."""
        inputs = self._inputs(X)
        if top_k is None:
            return self._stream(inputs, lambda z: ops.softmax(_two_columns(z)))
        K = len(self.classes_)
        if isinstance(top_k, bool) or not isinstance(top_k, int | np.integer) or top_k < 1:
            raise InputError("top_k", "a whole number above 0", repr(top_k))
        k = min(int(top_k), K)

        def best(z: NDArray[Any]) -> NDArray[Any]:
            p = ops.softmax(_two_columns(z))
            order = np.argsort(-p, axis=1, kind="stable")[:, :k]
            return np.concatenate([order, np.take_along_axis(p, order, axis=1)], axis=1)

        found = self._stream(inputs, best)
        return TopClasses(self.classes_[found[:, :k].astype(np.intp)], found[:, k:])

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Most probable class (N,) of each row."""
        best = self._stream(
            self._inputs(X), lambda z: _two_columns(z).argmax(axis=1)[:, None], dtype=np.intp
        )
        return np.asarray(self.classes_[best[:, 0]])

    def _inputs(self, X: ArrayLike) -> Any:
        check_is_fitted(self, "coef_")
        inputs = validate_data(
            self,
            X,
            accept_sparse="csr",
            dtype=[np.float64, np.float32, np.uint8],
            ensure_all_finite=False,
            reset=False,
        )
        require_finite(inputs)
        return inputs

    def _stream(
        self,
        X: Any,
        result: Callable[[NDArray[Any]], NDArray[Any]],
        dtype: Any = np.float64,
    ) -> NDArray[Any]:
        """`result` of the logits, some rows at a time."""
        out: NDArray[Any] | None = None
        K, D = self.coef_.shape
        workspace = getattr(self, "workspace", WORKSPACE)
        for rows in row_chunks(X.shape[0], 8 * (6 * max(K, 2) + D), workspace):
            part = X[rows] if is_sparse(X) else X[rows].astype(np.float64, copy=False)
            z = np.asarray(part @ self.coef_.T) + self.intercept_
            found = result(z)
            if out is None:
                out = np.empty((X.shape[0], found.shape[1]), dtype)
            out[rows] = found
        assert out is not None
        return out


def is_sparse(X: Any) -> bool:
    """Whether X is a sparse matrix or array (a check that says nothing to the type checker)."""
    return bool(sp.issparse(X))


def row_chunks(N: int, bytes_a_row: int, workspace: int) -> Iterator[slice]:
    """Slices of N rows that fit the workspace."""
    count = max(64, workspace // bytes_a_row)
    for first in range(0, N, count):
        yield slice(first, min(first + count, N))


def require_finite(X: Any) -> None:
    """Refuse NaN and infinity, and say where the first is."""
    if is_sparse(X):
        bad = np.flatnonzero(~np.isfinite(X.data))
        if bad.size:
            row = int(np.searchsorted(X.indptr, bad[0], side="right")) - 1
            _refuse(X.data[bad[0]], row, int(X.indices[bad[0]]))
        return
    if not np.issubdtype(X.dtype, np.floating):
        return
    for rows in row_chunks(X.shape[0], X.shape[1] + 1, 8 << 20):
        finite = np.isfinite(X[rows])
        if not finite.all():
            row, column = np.argwhere(~finite)[0]
            _refuse(X[rows][row, column], rows.start + int(row), int(column))


def _refuse(value: Any, row: int, column: int) -> None:
    name = "NaN" if np.isnan(value) else ("inf" if value > 0 else "-inf")
    raise InputError(
        "X",
        "finite numbers",
        f"{name} in row {row}, column {column}",
        "drop such rows or fill them in (sklearn.impute); NaN and inf have no logit",
    )


def _two_columns(z: NDArray[Any]) -> NDArray[Any]:
    return z if z.shape[1] > 1 else np.concatenate([np.zeros_like(z), z], axis=1)
