"""The linear layer against the formulas written with loops."""

import numpy as np
import pytest

from pminusy.core import linear

RANDOM = np.random.default_rng(8)
N, D, K = 5, 3, 4
X, W, b = RANDOM.normal(size=(N, D)), RANDOM.normal(size=(K, D)), RANDOM.normal(size=K)
G = RANDOM.normal(size=(N, K))


def test_forward():
    expected = [[sum(W[k, d] * X[i, d] for d in range(D)) for k in range(K)] for i in range(N)]
    np.testing.assert_allclose(linear.forward(X, W, None), expected, rtol=1e-14)
    np.testing.assert_allclose(linear.forward(X, W, b), np.array(expected) + b, rtol=1e-14)


def test_gradients():
    dL_dW = [[sum(G[i, k] * X[i, d] for i in range(N)) for d in range(D)] for k in range(K)]
    dL_dX = [[sum(G[i, k] * W[k, d] for k in range(K)) for d in range(D)] for i in range(N)]
    dL_db = [sum(G[i, k] for i in range(N)) for k in range(K)]
    np.testing.assert_allclose(linear.weight_gradient(G, X), dL_dW, rtol=1e-13)
    np.testing.assert_allclose(linear.input_gradient(G, W), dL_dX, rtol=1e-13)
    np.testing.assert_allclose(linear.bias_gradient(G), dL_db, rtol=1e-13)


def test_bias_gradient_does_not_lose_small_rows_beside_large_ones():
    g = np.array([[1e20, 1.0], [1.0, 1.0], [-1e20, 1.0]], dtype=np.float32)
    got = linear.bias_gradient(g)
    assert got.tolist() == [1.0, 3.0]
    assert got.dtype == np.float32


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_row_without_gradient_adds_nothing_whatever_its_inputs(value):
    silent, broken = G.copy(), X.copy()
    silent[2], broken[2] = 0.0, value
    expected = np.delete(silent, 2, axis=0).T @ np.delete(X, 2, axis=0)
    np.testing.assert_allclose(linear.weight_gradient(silent, broken), expected, rtol=1e-13)


def test_a_row_with_gradient_and_nan_inputs_is_not_hidden():
    broken = X.copy()
    broken[2, 0] = np.nan
    dL_dW = linear.weight_gradient(G, broken)
    assert np.isnan(dL_dW[:, 0]).all()
    assert np.isfinite(dL_dW[:, 1:]).all()
    wrong = G.copy()
    wrong[1, 3] = np.nan
    assert np.isnan(linear.weight_gradient(wrong, X)[3]).all()
