"""The data sets of the fit benchmark, scaled one fixed way.

Images / 255; numbers standardised on the training part; categories one-hot; text TF-IDF with
scikit-learn's defaults on counts; seed 0.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp

__all__ = ["PROBLEMS", "Problem", "load"]


class Problem(NamedTuple):
    """Inputs and labels of a training set, float32."""

    name: str
    X: Any
    y: np.ndarray[Any, Any]


def _standardised(X: Any) -> Any:
    X = np.asarray(X, np.float64)
    spread = X.std(axis=0)
    return ((X - X.mean(axis=0)) / np.where(spread > 0, spread, 1)).astype(np.float32)


def _table(data: Any) -> tuple[Any, Any]:
    return _standardised(data["X_train"]), data["y_train"]


def _images(data: Any) -> tuple[Any, Any]:
    X = data["X_train"]
    return (X.reshape(X.shape[0], -1) / np.float32(255)).astype(np.float32), data["y_train"]


def _isolet(data: Any) -> tuple[Any, Any]:
    return _table(data)


def _omniglot(data: Any) -> tuple[Any, Any]:
    kept = data["drawer"] < 15
    X = data["X"][kept]
    X = X.reshape(X.shape[0], -1).astype(np.float32)
    return X / np.float32(255 if X.max() > 1 else 1), data["y"][kept]


def _kdd(data: Any) -> tuple[Any, Any]:
    X, C = data["X"], data["X_cat"]
    parts = [_standardised(X)]
    for j in range(C.shape[1]):
        parts.append((C[:, j : j + 1] == np.unique(C[:, j])).astype(np.float32))
    return np.concatenate(parts, axis=1), data["y"]


def _text(data: Any) -> tuple[Any, Any]:
    from sklearn.feature_extraction.text import TfidfTransformer

    parts = tuple(data[f"X_train_{part}"] for part in ("data", "indices", "indptr"))
    counts = sp.csr_matrix(
        (parts[0].astype(np.float32), parts[1], parts[2]), shape=tuple(data["X_train_shape"])
    )
    X = TfidfTransformer().fit_transform(counts).astype(np.float32)
    X.sort_indices()
    return X, data["y_train"]


PROBLEMS: dict[str, Callable[[Any], tuple[Any, Any]]] = {
    "mnist": _images,
    "isolet": _isolet,
    "letter": _table,
    "shuttle": _table,
    "covertype_sub": _table,
    "kdd99_10pct": _kdd,
    "newsgroups20": _text,
    "clinc150": _text,
    "omniglot": _omniglot,
}


def load(name: str, folder: Path) -> Problem:
    """Read and scale one data set."""
    with np.load(folder / f"{name}.npz") as data:
        X, y = PROBLEMS[name](data)
    return Problem(name, X, np.asarray(y))
