"""What a fitted linear softmax model does with new rows, in a bounded workspace."""

from __future__ import annotations

from collections.abc import Callable
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.linear_model._base import LinearClassifierMixin, SparseCoefMixin
from sklearn.utils.validation import _check_n_features, check_is_fitted, validate_data

from pminusy import ops
from pminusy.core.softmax import plain_softmax
from pminusy.errors import InputError
from pminusy.estimators.namespaces import (
    Namespace,
    require_same_namespace,
    returned,
    to_numpy,
)
from pminusy.estimators.rows import MEMORY, is_sparse, require_finite, row_chunks
from pminusy.estimators.streams.blocks import (
    Blocks,
    LazyRows,
    in_memory,
    is_distributed,
    is_lazy,
    refuse_beside,
    refuse_distributed,
    size_of,
)
from pminusy.estimators.streams.reading import read_inputs
from pminusy.estimators.streams.scoring import accuracy_of_blocks
from pminusy.extras import needing_extra
from pminusy.training.objective import WORKSPACE

if TYPE_CHECKING:
    from pminusy.estimators.distributed.predictions import Method

__all__ = ["LinearClassifier", "TopClasses"]

_FEW_LOGITS, _FEW_ROWS = 1024, 1 << 16  # up to which kernels, on threads, are not quicker


class TopClasses(NamedTuple):
    """The most probable classes of every row, best first."""

    classes: NDArray[Any]  # (N, k)
    probabilities: NDArray[np.float64]  # (N, k)


class LinearClassifier(LinearClassifierMixin, SparseCoefMixin, BaseEstimator):
    """Prediction from `coef_`, `intercept_`, `classes_`, `workspace` bytes of logits at a time.

    Logits are computed in float64 and returned in float32 where X and the parameters are.
    """

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.array_api_support = True
        return tags

    def decision_function(self, X: ArrayLike | Blocks) -> Any:
        """Logits (N, K); for two classes the logit (N,) of the second against the first."""
        if is_distributed(X):
            return self._lazily("decision_function", X)
        inputs, space = self._inputs(X)
        z = self._stream(inputs, lambda z: z)
        return returned(np.asarray(z[:, 0] if z.shape[1] == 1 else z), space)

    def predict_log_proba(self, X: ArrayLike | Blocks) -> Any:
        """Logarithms of the probabilities (N, K)."""
        if is_distributed(X):
            return self._lazily("predict_log_proba", X)
        inputs, space = self._inputs(X)
        return returned(self._stream(inputs, lambda z: ops.log_softmax(_two_columns(z))), space)

    def predict_proba(self, X: ArrayLike | Blocks, top_k: int | None = None) -> Any:
        """Probabilities (N, K) of the classes; with `top_k` only the largest, as `TopClasses`."""
        if is_distributed(X):
            if top_k is not None:
                raise InputError("top_k", "None beside a Dask collection", repr(top_k))
            return self._lazily("predict_proba", X)
        inputs, space = self._inputs(X)
        if top_k is None:
            return returned(self._stream(inputs, _probabilities), space)
        classes = to_numpy(self.classes_)
        if isinstance(top_k, bool) or not isinstance(top_k, int | np.integer) or top_k < 1:
            raise InputError("top_k", "a whole number above 0", repr(top_k))
        k = min(int(top_k), len(classes))

        def best(z: NDArray[Any]) -> NDArray[Any]:
            p = _probabilities(z)
            order = np.argsort(-p, axis=1, kind="stable")[:, :k]
            return np.concatenate([order, np.take_along_axis(p, order, axis=1)], axis=1)

        found = self._stream(inputs, best, dtype=np.float64)
        labels = classes[found[:, :k].astype(np.intp)]
        return TopClasses(returned(labels, space), returned(found[:, k:], space))

    def predict(self, X: ArrayLike | Blocks) -> Any:
        """Most probable class (N,) of each row."""
        if is_distributed(X):
            return self._lazily("predict", X)
        inputs, space = self._inputs(X)
        return returned(np.asarray(self._labels(inputs)), space)

    def to_onnx(
        self,
        path: str | PathLike[str],
        *,
        dtype: Literal["float64", "float32"] = "float64",
        opset: int | None = None,
    ) -> None:
        """Write the classifier as ONNX: input `X` (N, D), outputs `label` and `probabilities`.

        Parameters
        ----------
        path
            The file, .onnx.
        dtype
            Type of the numbers that go in and come out; arithmetic is in float64.
        opset
            Version of ONNX's operators, 13 or later; 17 where not given.

        Raises
        ------
        InputError
            Another suffix, an unknown type or version; classes that are no text, numbers or truth
            values; more than 2 GB; a place that cannot be written; onnx is not installed.

        Examples
        --------
        >>> import pminusy as pmy
        >>> clf = pmy.SoftmaxRegression().fit([[0.0], [1.0]], ["a", "b"])
        >>> clf.to_onnx("model.onnx")  # doctest: +SKIP

        References
        ----------
        onnx.ai. In a Pipeline: `pminusy.register_with_skl2onnx` and skl2onnx.
        """
        check_is_fitted(self, "coef_")
        with needing_extra():
            from pminusy.exchange.linear import write_linear
        coef, intercept, classes = map(to_numpy, (self.coef_, self.intercept_, self.classes_))
        write_linear(path, coef, intercept, classes, dtype, opset)

    def score(
        self,
        X: ArrayLike | Blocks,
        y: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> float:
        """Share of the rows, or of their weight, that is predicted right.

        `Blocks` have y, and the weights, in them.
        """
        if is_distributed(X):
            with needing_extra():
                from pminusy.estimators.distributed.predictions import score
            return score(self, X, y, sample_weight)
        if not isinstance(X, Blocks):
            return float(super().score(X, y, sample_weight))
        refuse_beside(X, y=y, sample_weight=sample_weight)
        return accuracy_of_blocks(self.predict, X)

    def _lazily(self, method: Method, X: Any) -> Any:
        """Answers for a Dask collection, as one of its kind."""
        with needing_extra():
            from pminusy.estimators.distributed.predictions import predicted
        return predicted(self, method, X)

    def _labels(self, inputs: Any) -> Any:
        """Most probable class (N,) of checked rows."""
        best = self._stream(
            inputs, lambda z: _two_columns(z).argmax(axis=1)[:, None], dtype=np.intp
        )
        return to_numpy(self.classes_)[best[:, 0]]

    def _inputs(self, X: ArrayLike | Blocks) -> tuple[Any, Namespace | None]:
        check_is_fitted(self, "coef_")
        if isinstance(X, Blocks):
            return X, None
        refuse_distributed(X)
        if is_lazy(X) and size_of(X) > getattr(self, "memory", MEMORY) // 4:
            _check_n_features(self, X, reset=False)
            return LazyRows(X, _checked), None
        X = in_memory(X)
        space = require_same_namespace(X, self.coef_)
        inputs = validate_data(
            self,
            X if space is None else to_numpy(X),
            accept_sparse="csr",
            dtype=[np.float64, np.float32, np.uint8],
            ensure_all_finite=False,
            reset=False,
        )
        require_finite(inputs)
        return inputs, space

    def _stream(
        self, X: Any, result: Callable[[NDArray[Any]], NDArray[Any]], dtype: Any = None
    ) -> NDArray[Any]:
        """`result` of the logits, some rows at a time."""
        if isinstance(X, Blocks):
            return self._stream_blocks(X, result, dtype)
        coef, intercept = to_numpy(self.coef_), np.asarray(to_numpy(self.intercept_))
        coef = coef if is_sparse(coef) else np.asarray(coef)
        if dtype is None:
            dtype = np.result_type(X.dtype, coef.dtype)
        K, D = coef.shape
        workspace = getattr(self, "workspace", WORKSPACE)
        if isinstance(X, LazyRows):  # which are read beside it, and converted
            workspace = min(workspace, int(getattr(self, "memory", MEMORY)) // 8)
        out: NDArray[Any] | None = None
        for rows in row_chunks(X.shape[0], 8 * (6 * max(K, 2) + D), workspace):
            part = X[rows]
            part = part if is_sparse(part) else part.astype(np.float64, copy=False)
            product = part @ coef.T
            z = np.asarray(product.toarray() if is_sparse(product) else product) + intercept
            found = result(z)
            if out is None:
                out = np.empty((X.shape[0], found.shape[1]), dtype)
            out[rows] = found
        assert out is not None
        return out

    def _stream_blocks(
        self, X: Blocks, result: Callable[[NDArray[Any]], NDArray[Any]], dtype: Any
    ) -> NDArray[Any]:
        """`result` of the logits of all blocks; targets and weights beside X are not looked at."""
        found, rows = [], 0
        for given in X:
            part = _checked(given[0] if isinstance(given, tuple | list) else given, rows)
            _check_n_features(self, part, reset=False)
            rows += part.shape[0]
            if part.shape[0]:
                found.append(self._stream(part, result, dtype))
        if not found:
            raise InputError("X", "blocks with rows", "none: all blocks are empty")
        return np.concatenate(found)


def _checked(X: Any, before: int) -> Any:
    """Rows that were read, of which `before` is the number of the first."""
    inputs = read_inputs(X, "X")
    require_finite(inputs, before)
    return inputs


def _probabilities(z: NDArray[Any]) -> NDArray[Any]:
    """Probabilities (n, K) of logits (n, K), or (n, 1) for two classes.

    A few rows by plain float64, which is far quicker for them than pairs of float64: p is within
    some units in the last place, as the logits are.
    """
    if z.size > (_FEW_LOGITS if z.shape[1] > 1 else _FEW_ROWS) or not np.isfinite(z).all():
        return ops.softmax(_two_columns(z))
    if z.shape[1] > 1:
        return plain_softmax(z)[1]
    e = np.exp(-np.abs(z[:, 0]))
    likelier = 1.0 / (1.0 + e)
    second = (z[:, 0] > 0).astype(np.intp)
    p = np.empty((z.shape[0], 2))
    rows = np.arange(z.shape[0])
    p[rows, second], p[rows, 1 - second] = likelier, e * likelier
    return p


def _two_columns(z: NDArray[Any]) -> NDArray[Any]:
    return z if z.shape[1] > 1 else np.concatenate([np.zeros_like(z), z], axis=1)
