"""Soft-cap and temperature: values, slope and bend against 50-digit arithmetic."""

import numpy as np
import pytest
from mpmath import mp

from pminusy.core import transform
from pminusy.core.options import Options
from pminusy.core.twofold import twofold
from tests import oracle
from tests.generator import FLOATS
from tests.ulp import distance

U = np.array([[0.0, 1e-9, -0.3, 2.0, -40.0], [300.0, -700.0, 1e5, np.inf, -np.inf]])
CASES = [
    {"temperature": 0.3},
    {"temperature": 100.0},
    {"softcap": 30.0},
    {"softcap": 0.7, "temperature": 3.0},
]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("options", CASES, ids=str)
def test_logits(options, dtype):
    u = U.astype(dtype)
    z = transform.logits(u, Options(**options))
    assert z.dtype == dtype
    assert z.shape == u.shape
    with mp.workdps(50):
        truth = oracle.logits(oracle.exact(u.ravel()), **options)
    worst = max(distance(g, t, dtype) for g, t in zip(z.ravel(), truth, strict=True))
    assert worst <= (3.0 if dtype == np.float64 else 0.51)


@pytest.mark.parametrize("options", CASES, ids=str)
def test_slope(options):
    slope = transform.backward(twofold(np.ones_like(U)), U, Options(**options)).rounded()
    with mp.workdps(400):  # sech² is exp(−4000) of something at worst
        truth, _ = oracle.slope_and_bend(oracle.exact(U.ravel()), **options)
    assert max(map(lambda g, t: distance(g, t, np.float64), slope.ravel(), truth)) <= 0.76


@pytest.mark.parametrize("softcap", [0.7, 30.0])
def test_curvature_over_slope(softcap):
    got = transform.relative_curvature(U, softcap).rounded()
    expected = [-(2 / softcap) * float(mp.tanh(x / softcap)) for x in oracle.exact(U.ravel())]
    np.testing.assert_allclose(got.ravel(), expected, rtol=6e-16)


def test_the_cap_comes_before_the_temperature():
    z = transform.logits(np.array([[1e9]]), Options(softcap=30.0, temperature=2.0))
    assert z.tolist() == [[15.0]]


def test_a_tiny_slope_leaves_a_large_gradient_alone():
    u, large = np.array([[-760.0]]), twofold(np.array([[1e300]]))
    got = transform.backward(large, u, Options(softcap=2.0)).rounded()
    with mp.workdps(400):
        truth = mp.sech(380) ** 2 * mp.mpf(1e300)
    assert distance(got[0, 0], truth, np.float64) <= 0.76


def test_a_mask_under_a_cap_is_the_lowest_logit():
    z = transform.logits(np.array([[-np.inf, np.inf]]), Options(softcap=30.0, temperature=2.0))
    assert z.tolist() == [[-15.0, 15.0]]
