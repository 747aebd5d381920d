"""Predictions of Dask's collections: lazy, and of the kind that came in."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from pminusy.errors import InputError
from pminusy.estimators.distributed.collections import (
    is_array,
    is_frame,
    one_block_of_columns,
    partitioned,
)
from pminusy.estimators.distributed.source import computed, task
from pminusy.estimators.distributed.workers import require_same_version
from pminusy.estimators.softmax_regression import SoftmaxRegression
from pminusy.estimators.streams.reading import read_block

__all__ = ["Method", "predicted", "score"]

Array = NDArray[Any]
Method = Literal["predict", "predict_proba", "predict_log_proba", "decision_function"]


def predicted(model: Any, method: Method, X: Any) -> Any:
    """The answers of a fitted model as a collection like X.

    An array gives an array; a dataframe gives a series, or a dataframe with a column a class, with
    its index. Nothing is computed yet.
    """
    model = _bare(model)
    if is_frame(X) and X.ndim == 2:
        return X.map_partitions(_of_frame, model, method, meta=_of_frame(X._meta, model, method))
    if not is_array(X) or X.ndim != 2:
        raise InputError("X", "a Dask array (N, D) or dataframe", f"Dask's {type(X).__name__}")
    _require_features(model, X.shape[1])
    X = one_block_of_columns(X)
    meta = _like(model, method, _dtype_of(X))
    if meta.ndim == 1:
        return X.map_blocks(_of_block, model, method, dtype=meta.dtype, drop_axis=1, meta=meta)
    chunks = X.chunks[0], (meta.shape[1],)
    return X.map_blocks(_of_block, model, method, dtype=meta.dtype, chunks=chunks, meta=meta)


def score(model: Any, X: Any, y: Any, sample_weight: Any) -> float:
    """Share of the rows, or of their weight, that is predicted right; computed at once."""
    model = _bare(model)
    given = partitioned(X, y, sample_weight)
    require_same_version()
    sent = task(_itself, model)
    parts = zip(given.X, given.y, given.weight, strict=True)
    found = computed(*(task(_right, i, sent, *part) for i, part in enumerate(parts)))
    right, total = np.sum(found, axis=0)
    if not total > 0:
        raise InputError("X", "rows of some weight", "none")
    return float(right / total)


def _bare(fitted: Any) -> SoftmaxRegression:
    """What predicts, and nothing else: to be sent away, and left alone by a later fit."""
    check_is_fitted(fitted, "coef_")
    model = SoftmaxRegression()
    for name in ("coef_", "intercept_", "classes_", "n_features_in_", "feature_names_in_"):
        if hasattr(fitted, name):
            setattr(model, name, getattr(fitted, name))
    return model


def _of_block(X: Any, model: Any, method: Method) -> Array:
    if not X.shape[0]:
        return _like(model, method, X.dtype)
    return np.asarray(getattr(model, method)(X))


def _of_frame(X: Any, model: Any, method: Method) -> Any:
    import pandas as pd  # Dask's frames are made of its

    found = getattr(model, method)(X) if len(X) else None
    if found is None:
        _require_names(model, X)
        found = _like(model, method, np.result_type(np.float32, *_numpy_types(X)))
    if found.ndim == 1:
        return pd.Series(found, index=X.index)
    return pd.DataFrame(found, index=X.index, columns=list(model.classes_))


def _numpy_types(X: Any) -> list[Any]:
    """Types of the columns; float64 for those that NumPy does not know."""
    known = [isinstance(kind, np.dtype) and kind.kind in "fiub" for kind in X.dtypes]
    return [kind if ours else np.float64 for kind, ours in zip(X.dtypes, known, strict=True)]


def _require_names(model: Any, X: Any) -> None:
    known = getattr(model, "feature_names_in_", None)
    if known is not None and list(known) != list(X.columns):
        expected = f"the columns of fit ({', '.join(map(str, known))})"
        raise InputError("X", expected, ", ".join(map(str, X.columns)))
    _require_features(model, X.shape[1])


def _require_features(model: Any, features: float) -> None:
    if not np.isnan(features) and features != model.n_features_in_:
        raise InputError("X", f"{model.n_features_in_} columns, as in fit", f"{features}")


def _dtype_of(X: Any) -> Any:
    return np.float32 if X.dtype == np.float32 else np.float64


def _like(model: Any, method: Method, dtype: Any) -> Array:
    """No rows of an answer: its type and its columns."""
    if method == "predict":
        return np.asarray(model.classes_)[:0]
    K, kind = len(model.classes_), np.result_type(_answer_type(dtype), model.coef_.dtype)
    columns = () if method == "decision_function" and K == 2 else (K,)
    return np.zeros((0, *columns), kind)


def _answer_type(dtype: Any) -> Any:
    dtype = np.dtype(dtype)
    return dtype if dtype in (np.float32, np.float64, np.uint8) else np.float64


def _itself(model: Any) -> Any:
    return model


def _right(number: int, model: Any, X: Any, y: Any, weight: Any) -> tuple[float, float]:
    """Weight of the rows of a partition that are predicted right, and of all of them."""
    where = f"partition {number}"
    rows, _ = read_block((X, y, weight), where)
    if rows.y.ndim == 2:
        raise InputError("y", "labels (n,) for a score", "soft targets")
    if not rows.rows:
        return 0.0, 0.0
    weights = np.ones(rows.rows) if rows.weight is None else rows.weight
    return float(weights @ (model.predict(X) == rows.y)), float(weights.sum())
