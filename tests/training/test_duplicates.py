"""Equal rows as one row of their added weight: the same fit."""

import numpy as np
import pytest

from pminusy.estimators.softmax_regression import SoftmaxRegression
from pminusy.training.sources.arrays import ArraySource, make_targets
from pminusy.training.sources.duplicates import merge_rows


def _repeated(N=24_000, distinct=900, dtype=np.float32):
    random = np.random.default_rng(0)
    some = random.integers(0, 4, (distinct, 6)).astype(dtype)
    X = some[random.integers(0, distinct, N)]
    y = (X[:, 0] + X[:, 1] + random.integers(0, 3, N)).astype(np.int64) % 3
    return X, y.astype(np.int32)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint8])
def test_groups_are_the_equal_rows(dtype):
    X, y = _repeated(dtype=dtype)
    found = merge_rows(X, y)
    assert found is not None
    kept, group = found
    np.testing.assert_array_equal(X[kept][group], X)
    np.testing.assert_array_equal(y[kept][group], y)
    whole = np.concatenate([X, y[:, None]], axis=1)
    assert kept.size == np.unique(whole, axis=0).shape[0]


def test_rows_of_one_fingerprint_that_differ_stay_apart(monkeypatch):
    X, y = _repeated()
    monkeypatch.setattr(
        "pminusy.training.sources.duplicates._fingerprints",
        lambda X, labels: np.zeros(len(X), np.uint64),
    )
    found = merge_rows(X, y)
    assert found is None or np.array_equal(X[found[0]][found[1]], X)


def test_nothing_is_merged_where_rows_differ():
    random = np.random.default_rng(0)
    X, y = random.normal(size=(24_000, 6)), random.integers(0, 3, 24_000)
    assert merge_rows(X, y) is None
    assert merge_rows(X[:100], y[:100]) is None


def test_a_merged_source_has_the_same_sums():
    X, y = _repeated()
    weight = np.random.default_rng(1).random(len(y))
    source = ArraySource(X, 6, make_targets(y, 3, sample_weight=weight))
    merged = source.merged()
    assert merged.rows < 0.6 * source.rows
    assert merged.total_mass == pytest.approx(source.total_mass)
    rows = np.arange(merged.rows)
    q = merged.mass(rows)
    np.testing.assert_allclose(q.sum(axis=0), source.mass(np.arange(len(y))).sum(axis=0))


def test_the_fit_is_the_same(monkeypatch):
    X, y = _repeated(dtype=np.float64)
    weight = np.random.default_rng(1).random(len(y))
    merged = SoftmaxRegression(tol=1e-10).fit(X, y, weight)
    monkeypatch.setattr("pminusy.training.sources.arrays.merge_rows", lambda *_: None)
    whole = SoftmaxRegression(tol=1e-10).fit(X, y, weight)
    assert merged.objective_ == pytest.approx(whole.objective_, rel=1e-12)
    np.testing.assert_allclose(merged.coef_, whole.coef_, atol=1e-6)
