"""The truth itself: its numbers by hand, its derivatives by differences, its distances."""

import math
from typing import Any

import numpy as np
import pytest
from mpmath import mp, mpf

from tests import oracle
from tests.generator import KINDS, batch
from tests.ulp import distance

U = [mpf("0.3"), mpf("-1.2"), mpf("2.5"), mpf("0.9")]
V = [mpf("1"), mpf("-0.5"), mpf("0.25"), mpf("2")]
Q = [mpf("0.5"), mpf("0.125"), mpf("0"), mpf("0.75")]
TRANSFORMS = [
    {},
    {"temperature": 0.7},
    {"softcap": 1.5},
    {"softcap": 1.5, "temperature": 2.0, "z_loss": 0.3},
    {"z_loss": 0.3},
]


def test_worked_example():
    with mp.workdps(60):
        u = [mp.log(mpf(x) / 10) for x in (2, 6, 2)]
        row = oracle.row(u, [mpf(1), mpf(0), mpf(0)])
        assert mp.almosteq(row.loss, mp.log(5), 1e-45)
        for got, expected in zip(row.dL_dz, ("-0.8", "0.6", "0.2"), strict=True):
            assert mp.almosteq(got, mpf(expected), 1e-45)


@pytest.mark.parametrize("options", TRANSFORMS, ids=str)
def test_gradient_is_the_difference_quotient_of_the_loss(options):
    with mp.workdps(80):
        h = mpf(10) ** -25
        gradient = oracle.row(U, Q, **options).dL_du
        for k, entry in enumerate(gradient):
            up, down = ([x + s * h * (j == k) for j, x in enumerate(U)] for s in (1, -1))
            difference = oracle.row(up, Q, **options).loss - oracle.row(down, Q, **options).loss
            assert abs(difference / (2 * h) - entry) < mpf(10) ** -35


@pytest.mark.parametrize("options", TRANSFORMS, ids=str)
def test_hessian_product_is_the_difference_quotient_of_the_gradient(options):
    with mp.workdps(80):
        h = mpf(10) ** -25
        Hv = oracle.row(U, Q, v=V, **options).Hv
        up, down = ([x + s * h * v for x, v in zip(U, V, strict=True)] for s in (1, -1))
        after, before = (oracle.row(u, Q, **options).dL_du for u in (up, down))
        for k, entry in enumerate(Hv):
            assert abs((after[k] - before[k]) / (2 * h) - entry) < mpf(10) ** -35


def test_confident_rows_keep_their_digits():
    row = oracle.row([mpf(700), mpf(0)], [mpf(1), mpf(0)])
    with mp.workdps(50):
        assert mp.almosteq(row.loss, mp.exp(-700) - mp.exp(-1400) / 2, 1e-45)
        assert mp.almosteq(row.dL_dz[0], -mp.exp(-700) / (1 + mp.exp(-700)), 1e-45)


def test_target_mass_by_hand():
    options: Any = {"weight": [1, 2], "label_smoothing": 0.5, "sample_weight": [1, 3, 5]}
    q: Any = oracle.target_mass([1, -100, 0], 3, 2, **options)
    # w_c ω: 2 + 5 = 7; row 0: ω = 1: (½·½·1, ½·2 + ½·½·2); row 2: ω = 5: (½·1 + ¼, ½)
    expected: Any = [[0.25 / 7, 1.5 / 7], [0, 0], [5 * 0.75 / 7, 5 * 0.5 / 7]]
    assert np.allclose(np.array(q, dtype=float), expected, rtol=1e-15)


def test_distance_counts_units_in_the_last_place():
    one = mpf(1)
    assert distance(1.0, one, np.float64) == 0.0
    assert distance(1.0 + 5 * 2.0**-52, one, np.float64) == 5.0
    assert distance(np.float32(1 + 3 * 2.0**-23), one, np.float32) == 3.0
    assert distance(3 * 5e-324, mpf(5e-324), np.float64) == 2.0
    assert distance(5e-324, mpf(0), np.float64) == 1.0
    assert distance(1.0 + 2.0**-50, one, np.float64, relative_to=mpf(4)) == 1.0


def test_distance_lets_no_nan_and_no_infinity_through():
    assert distance(math.nan, mpf(1), np.float64) == math.inf
    assert distance(1.0, mpf("nan"), np.float64) == math.inf
    assert distance(math.nan, mpf("nan"), np.float64) == 0.0
    assert distance(math.inf, mpf(1), np.float64) == math.inf
    assert distance(-math.inf, mpf("inf"), np.float64) == math.inf
    assert distance(math.inf, mpf(10) ** 40, np.float32) == 0.0
    assert distance(math.inf, mpf(10) ** 38, np.float32) == math.inf


def test_every_kind_of_row_is_in_every_batch():
    rows = batch(np.random.default_rng(0), np.float32, 5)
    assert set(rows.kinds) == set(KINDS)
    assert rows.z.dtype == rows.v.dtype == np.float32
    assert (rows.z[np.arange(14), rows.y] > -np.inf).all()
