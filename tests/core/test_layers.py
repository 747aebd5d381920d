"""The layers before the head: gradients against central differences, and their edges."""

import numpy as np
import pytest

from pminusy.core import layers

RNG = np.random.default_rng(5)


def numerical(function, X, g, h=1e-6):
    """Central differences of Σ g · function(X)."""
    result = np.zeros_like(X)
    for place in np.ndindex(X.shape):
        ahead, behind = X.copy(), X.copy()
        ahead[place] += h
        behind[place] -= h
        result[place] = ((function(ahead) - function(behind)) * g).sum() / (2 * h)
    return result


def close(a, b):
    np.testing.assert_allclose(a, b, rtol=2e-7, atol=2e-8)


def test_linear():
    X, W, b = RNG.standard_normal((4, 3)), RNG.standard_normal((2, 3)), RNG.standard_normal(2)
    g = RNG.standard_normal((4, 2))
    dX, dW, db = layers.linear_backward(g, layers.linear(X, W, b)[1])
    close(dX, numerical(lambda v: layers.linear(v, W, b)[0], X, g))
    close(dW, numerical(lambda v: layers.linear(X, v, b)[0], W, g))
    close(db, numerical(lambda v: layers.linear(X, W, v)[0], b, g))


def test_relu_and_its_kink():
    a = np.array([[-1.0, 0.0, 2.0]])
    out, mask = layers.relu(a)
    assert out.tolist() == [[0, 0, 2]]
    assert layers.relu_backward(np.array([[5.0, np.nan, 7.0]]), mask).tolist() == [[0, 0, 7]]
    assert np.isnan(layers.relu(np.array([np.nan]))[0]).all()


def test_dropout_keeps_the_mean_and_uses_one_mask():
    a = np.ones((1000, 20))
    mask = RNG.random(a.shape) >= 0.3
    out, scale = layers.dropout(a, 0.3, mask)
    assert abs(out.mean() - 1) < 0.02
    assert (layers.dropout_backward(a, scale) == out).all()


def test_batch_norm_trains():
    X, gamma, beta = RNG.standard_normal((6, 3)), RNG.standard_normal(3), RNG.standard_normal(3)
    g = RNG.standard_normal((6, 3))
    out, cache, running = layers.batch_norm(X, gamma, beta)
    close(out.mean(axis=0), beta)
    dX, dgamma, dbeta = layers.batch_norm_backward(g, cache)
    close(dX, numerical(lambda v: layers.batch_norm(v, gamma, beta)[0], X, g))
    close(dgamma, numerical(lambda v: layers.batch_norm(X, v, beta)[0], gamma, g))
    close(dbeta, numerical(lambda v: layers.batch_norm(X, gamma, v)[0], beta, g))
    close(running.mean, 0.1 * X.mean(axis=0))
    close(running.variance, 0.9 + 0.1 * X.var(axis=0, ddof=1))


def test_batch_norm_test_mode_uses_running_statistics():
    X, gamma, beta = RNG.standard_normal((4, 2)), RNG.standard_normal(2), RNG.standard_normal(2)
    running = layers.RunningStatistics(np.array([0.5, -1.0]), np.array([2.0, 0.3]))
    g = RNG.standard_normal((4, 2))
    out, cache = layers.batch_norm_test(X, gamma, beta, running)
    close(out, gamma * (X - running.mean) / np.sqrt(running.variance + 1e-5) + beta)
    grads = layers.batch_norm_backward(g, cache)
    close(grads.dL_dX, numerical(lambda v: layers.batch_norm_test(v, gamma, beta, running)[0], X, g))


def test_batch_norm_of_a_constant_feature_is_finite():
    out, cache, _ = layers.batch_norm(np.ones((3, 1)), np.ones(1), np.zeros(1))
    assert np.isfinite(out).all()
    assert np.isfinite(layers.batch_norm_backward(np.ones((3, 1)), cache).dL_dX).all()


@pytest.mark.parametrize(("size", "stride"), [(2, 2), (3, 1), (2, 1), (2, 3)])
def test_max_pool(size, stride):
    X = RNG.standard_normal((2, 3, 7, 6))
    out, cache = layers.max_pool(X, size, stride)
    g = RNG.standard_normal(out.shape)
    close(layers.max_pool_backward(g, cache), numerical(lambda v: layers.max_pool(v, size, stride)[0], X, g))


def test_max_pool_ties_go_to_the_first_and_overlaps_add_up():
    _, cache = layers.max_pool(np.ones((1, 1, 2, 2)), 2)
    assert layers.max_pool_backward(np.array([[[[3.0]]]]), cache).tolist() == [[[[3, 0], [0, 0]]]]
    X = np.zeros((1, 1, 1 + 2, 1 + 2))
    X[0, 0, 1, 1] = 1.0
    out, cache = layers.max_pool(X, 2, 1)
    assert layers.max_pool_backward(np.ones_like(out), cache)[0, 0, 1, 1] == 4


@pytest.mark.parametrize(("stride", "padding"), [(1, 0), (1, 1), (2, 0), (2, 1), (3, 2)])
def test_convolution(stride, padding):
    X, W, b = RNG.standard_normal((2, 2, 6, 5)), RNG.standard_normal((3, 2, 3, 2)), RNG.standard_normal(3)
    out, cache = layers.convolution(X, W, b, stride=stride, padding=padding)
    g = RNG.standard_normal(out.shape)
    dX, dW, db = layers.convolution_backward(g, cache)

    def again(X=X, W=W, b=b):
        return layers.convolution(X, W, b, stride=stride, padding=padding)[0]

    close(dX, numerical(lambda v: again(X=v), X, g))
    close(dW, numerical(lambda v: again(W=v), W, g))
    close(db, numerical(lambda v: again(b=v), b, g))


def test_convolution_by_hand():
    X = np.arange(9.0).reshape(1, 1, 3, 3)
    W = np.array([[[[1.0, 0.0], [0.0, -1.0]]]])
    assert layers.convolution(X, W, np.array([1.0]))[0].tolist() == [[[[-3, -3], [-3, -3]]]]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_types_are_kept(dtype):
    X = RNG.standard_normal((2, 2, 4, 4)).astype(dtype)
    W, b = np.ones((1, 2, 2, 2), dtype), np.ones(1, dtype)
    out, cache = layers.convolution(X, W, b, padding=1)
    pooled, places = layers.max_pool(out, 2)
    grads = layers.convolution_backward(layers.max_pool_backward(pooled, places), cache)
    rows = X.reshape(2, -1)
    ones = np.ones(rows.shape[1], dtype)
    normal, norm_cache, running = layers.batch_norm(rows, ones, ones)
    dropped, scale = layers.dropout(normal, 0.5, np.ones_like(normal, dtype=bool))
    back = layers.batch_norm_backward(layers.dropout_backward(dropped, scale), norm_cache)
    for array in (out, pooled, *grads, normal, running.mean, running.variance, dropped, *back):
        assert array.dtype == dtype
