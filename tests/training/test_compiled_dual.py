"""Compiled dual ascent against its specification, and the specification against its purpose."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.special import log_softmax, softmax

from pminusy.training.dual import compiled as fit_dual
from pminusy.training.dual import specification as dual
from pminusy.training.passes.specification import PADDING, Csr, RowSubset, RowTargets

D = 30
ROWS = {
    "all rows": RowSubset(0, 1, 120),
    "every third": RowSubset(1, 3, 40),
    "some": RowSubset(1, 2, 50, np.random.default_rng(0).permutation(120)),
}


def _data(kind, dtype, K):
    random = np.random.default_rng(5)
    X = sp.random(120, D, 0.2, "csr", dtype, random)
    omega = random.random(120)
    omega[::7] = 0
    own, spread = random.random(K), random.random(K) * (0.1 if kind == "smoothed" else 0)
    soft = random.random((120, K)) if kind == "soft" else np.empty((0, 0))
    y = RowTargets(random.integers(0, K, 120).astype(np.int32), soft, omega, own, spread)
    return Csr(X.data, X.indices, X.indptr), y, random.normal(size=K).astype(dtype)


def _epochs(module, X, y, b, rows, columns, count=3):
    """W, the bias, t and p̂ after some epochs, and the gap each found."""
    T, P = (np.zeros((rows.number, columns), b.dtype) for _ in range(2))
    W, moved = np.zeros((D, columns), b.dtype), np.zeros_like(b)
    gaps = []
    for epoch in range(count):
        order = np.random.default_rng(epoch).permutation(rows.number)
        first = epoch == 0
        args = (X, y, W, b, (0.8, 0.3), rows, order, T, P, moved)
        gaps.append(module.ascend(*args, first=first))
    return W[:, : b.size], moved, T[:, : b.size], P[:, : b.size], np.array(gaps)


@pytest.mark.parametrize("rows", ROWS.values(), ids=ROWS)
@pytest.mark.parametrize("kind", ["labels", "smoothed", "soft"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("K", [2, 7, 40])
def test_compiled_ascent_is_the_specification(K, dtype, kind, rows):
    X, y, b = _data(kind, dtype, K)
    exact = _epochs(dual, X, y, b.astype(float), rows, K)
    fast = _epochs(fit_dual, X, y, b, rows, -(-K // PADDING) * PADDING)
    for expected, found in zip(exact, fast, strict=True):
        assert np.abs(expected).max() > 0
        error = np.abs(found - expected).max()
        assert error <= 100 * np.finfo(dtype).eps * np.abs(expected).max()


def test_ascent_ends_where_the_gradient_is_zero_and_says_how_far_it_is():
    X, y, b = _data("smoothed", np.float64, 5)
    rows, (s, beta) = ROWS["all rows"], (0.8, 0.3)
    dense = sp.csr_matrix(tuple(X), shape=(120, D)).toarray()
    q = y.omega[:, None] * (y.own * np.eye(5)[y.labels] + y.spread)

    def primal(W, moved):
        loss = -np.sum(q * log_softmax(dense @ W + b + moved, axis=1))
        return loss + np.sum(W**2) / (2 * s) + np.sum(moved**2) / (2 * beta)

    least = primal(*_epochs(dual, X, y, b, rows, 5, count=60)[:2])
    before = _epochs(dual, X, y, b, rows, 5, count=4)
    after = _epochs(dual, X, y, b, rows, 5, count=5)
    distance = primal(*before[:2]) - least
    assert distance > 1e-8
    assert 0.2 * distance < after[-1][-1] < 5 * distance
    W, moved, *_ = _epochs(dual, X, y, b, rows, 5, count=60)
    residual = q.sum(axis=1, keepdims=True) * softmax(dense @ W + b + moved, axis=1) - q
    np.testing.assert_allclose(dense.T @ residual + W / s, 0, atol=1e-12)
    np.testing.assert_allclose(residual.sum(axis=0) + moved / beta, 0, atol=1e-12)
