"""Rows in partitions of any size, and fits of them beside those in memory."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import scipy.sparse as sp

import pminusy as pmy

N, D, K = 600, 5, 3

# Options of a fit, and what its rows are like
VARIANTS: tuple[tuple[dict[str, Any], frozenset[str]], ...] = (
    ({}, frozenset()),
    ({"solver": "lbfgs", "tol": 1e-9}, frozenset({"weights"})),
    ({"class_weight": "balanced"}, frozenset({"text", "frame"})),
    ({"l1_ratio": 0.5, "C": 0.3}, frozenset({"frame", "weights"})),
    ({"solver": "newton-cg", "tol": 1e-9}, frozenset({"sparse"})),
    ({"label_smoothing": 0.1, "C": 10.0}, frozenset({"soft"})),
    ({"fit_intercept": False}, frozenset({"two classes", "unknown"})),
    ({"C": 0.01}, frozenset({"float32", "unknown", "text"})),
    ({"solver": "newton", "class_weight": "balanced"}, frozenset({"sparse", "weights", "text"})),
)


def rows(seed: int, kinds: frozenset[str]) -> tuple[Any, Any, Any]:
    """X, y and weights in memory; rows are sorted by label, so partitions miss classes."""
    random = np.random.default_rng(seed)
    classes = 2 if "two classes" in kinds else K
    X = random.normal(size=(N, D)) * [1.0, 3.0, 0.2, 1.0, 10.0]
    y = (X @ random.normal(size=(D, classes)) + random.gumbel(size=(N, classes))).argmax(axis=1)
    order = np.argsort(y, kind="stable")
    X, y = X[order], y[order]
    if "sparse" in kinds:
        X = np.where(random.random(X.shape) < 0.5, X, 0.0)
    if "float32" in kinds:
        X = X.astype(np.float32)
    weight = random.exponential(size=N) if "weights" in kinds else None
    if "soft" in kinds:
        return X, random.dirichlet(np.ones(classes), size=N), weight
    return X, np.array(["ash", "birch", "cedar"])[y] if "text" in kinds else y, weight


def cuts(seed: int) -> tuple[int, ...]:
    """Sizes of partitions: of none, one and many rows."""
    random = np.random.default_rng(seed)
    at = np.sort(random.integers(0, N + 1, size=random.integers(0, 24)))
    at = np.sort(np.concatenate([[0, N], at, at[:2], np.minimum(at[2:4] + 1, N)]))
    return tuple(int(last - first) for first, last in pairwise(at))


def in_partitions(X: Any, sizes: tuple[int, ...], kinds: frozenset[str] = frozenset()) -> Any:
    """An array, or what its kind is, as a Dask collection of such partitions."""
    import dask.array as da
    import dask.dataframe as dd
    import pandas as pd
    from dask import delayed

    if X is None:
        return None
    edges = np.cumsum([0, *sizes])
    if "frame" in kinds:
        columns = [f"size {j}" for j in range(X.shape[1])] if X.ndim == 2 else None
        make = pd.DataFrame if X.ndim == 2 else pd.Series
        options = {"columns": columns} if X.ndim == 2 else {"name": "y"}
        parts = [make(X[a:b], index=pd.RangeIndex(a, b), **options) for a, b in pairwise(edges)]
        return dd.from_delayed([delayed(part) for part in parts], meta=parts[0].iloc[:0])
    collection = da.from_array(X, chunks=(sizes, *((n - 1, 1) for n in X.shape[1:])))
    if "sparse" in kinds and X.ndim == 2:
        return collection.rechunk({1: -1}).map_blocks(sp.csr_array)
    if "unknown" in kinds:
        collection = collection.map_blocks(np.array, dtype=X.dtype)
        collection._chunks = ((np.nan,) * len(sizes), *collection.chunks[1:])
    return collection


def in_memory(seed: int, variant: int) -> Any:
    """The fit that has all rows before it."""
    options, kinds = VARIANTS[variant]
    X, y, weight = rows(seed, kinds)
    given = sp.csr_array(X) if "sparse" in kinds else X
    return pmy.SoftmaxRegression(**options).fit(given, y, weight)


def fitted(seed: int, variant: int, sizes: tuple[int, ...], **more: Any) -> Any:
    """The same fit of partitions."""
    options, kinds = VARIANTS[variant]
    collections = (in_partitions(part, sizes, kinds) for part in rows(seed, kinds))
    return pmy.SoftmaxRegression(**options, **more).fit(*collections)


def assert_same_answer(found: Any, expected: Any) -> None:
    """The same certificate, and the answer that both certificates allow."""
    assert found.converged_
    assert expected.converged_
    assert list(found.classes_) == list(expected.classes_)
    np.testing.assert_allclose(found.objective_, expected.objective_, rtol=1e-9)
    assert found.optimality_ <= found.tol
    if found.l1_ratio == 0:
        assert found.gap_ <= 1e-9
    tolerance = 1e-4 if found.coef_.dtype == np.float32 else 1e-5
    np.testing.assert_allclose(found.coef_, expected.coef_, rtol=0, atol=tolerance)
    np.testing.assert_allclose(found.intercept_, expected.intercept_, rtol=0, atol=tolerance)
