"""Smooth activations against mpmath, far out too, and embeddings against one-hot products."""

import mpmath
import numpy as np
import pytest

from pminusy.core import activations, layers

POINTS = [-800.0, -40.0, -6.0, -1.0, -1e-9, 0.0, 0.3, 2.0, 6.0, 40.0, 800.0]
RIGHT = {
    "tanh": mpmath.tanh,
    "sigmoid": lambda a: 1 / (1 + mpmath.exp(-a)),
    "gelu": lambda a: a * mpmath.ncdf(a),
    "gelu_tanh": lambda a: a / 2 * (
        1 + mpmath.tanh(mpmath.sqrt(2 / mpmath.pi) * (a + mpmath.mpf("0.044715") * a**3))
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", RIGHT)
@pytest.mark.parametrize("point", POINTS)
def test_value_and_slope(name, point):
    with mpmath.workdps(1500 if abs(point) > 100 else 60):
        a = mpmath.mpf(point)
        value, slope = RIGHT[name](a), mpmath.diff(RIGHT[name], a)
        expected = float(value), float(slope)
    out, found = getattr(activations, name)(np.array([point]))
    np.testing.assert_allclose(out[0], expected[0], rtol=1e-13, atol=1e-15 * max(1, abs(point)))
    np.testing.assert_allclose(found[0], expected[1], rtol=1e-12, atol=1e-15 * max(1, abs(point)))


@pytest.mark.parametrize("name", RIGHT)
def test_types_are_kept_and_nothing_overflows(name):
    with np.errstate(over="raise", invalid="raise"):
        for dtype in (np.float32, np.float64):
            out, slope = getattr(activations, name)(np.array([-200.0, 0.5, 200.0], dtype))
            assert out.dtype == slope.dtype == dtype
    g = np.array([2.0, -1.0, 0.5])
    assert (activations.activation_backward(g, np.array([1.0, 0.5, 0.0])) == [2, -0.5, 0]).all()


def test_an_embedding_is_a_product_with_one_hot_rows():
    rng = np.random.default_rng(0)
    E, codes = rng.standard_normal((5, 3)), np.array([[1, 4], [1, 0]])
    out, cache = layers.embedding(codes, E)
    one_hot = np.eye(5)[codes]
    np.testing.assert_array_equal(out, one_hot @ E)
    g = rng.standard_normal(out.shape)
    expected = np.einsum("ntv,ntd->vd", one_hot, g)
    np.testing.assert_allclose(layers.embedding_backward(g, cache), expected, atol=1e-15)
