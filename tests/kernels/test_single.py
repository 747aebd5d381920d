"""Few logits of float32, in float64: against 50 digits, the specification, and its limits."""

from __future__ import annotations

import numpy as np
import pytest

import pminusy as pmy
from pminusy.core.options import DEFAULTS, Options
from pminusy.kernels import dispatch
from pminusy.kernels.head import reference, single
from tests.exactness import measure
from tests.generator import batches


@pytest.fixture(autouse=True)
def _by_default(monkeypatch):
    monkeypatch.delenv("PMINUSY_IMPLEMENTATION", raising=False)


def _float32(seed, rows):
    for random, batch in batches(seed=seed, rows=rows):
        if batch.z.dtype == np.float32:
            yield random, batch


def test_within_a_unit_in_the_last_place():
    worst = measure(_float32(31, 400), ["plain"])
    assert worst
    assert {key: error for key, error in worst.items() if not error <= 1.0} == {}


def test_only_float32_goes_there_and_only_where_the_environment_says_nothing(monkeypatch):
    assert dispatch.implementation(4, 5, dtype=np.float32) is single
    assert dispatch.implementation(4, 5, dtype=np.float64) is reference
    assert dispatch.implementation(4, 5) is reference
    assert dispatch.implementation(1000, 1000, dtype=np.float32) is not single
    monkeypatch.setenv("PMINUSY_IMPLEMENTATION", "core")
    assert dispatch.implementation(4, 5, dtype=np.float32) is reference


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("shape", [(1, 2), (32, 10), (7, 100)], ids=str)
@pytest.mark.parametrize("scale", [1.0, 30.0, 1e4])
def test_it_is_the_specification_to_a_unit(shape, reduction, scale):
    random = np.random.default_rng(3)
    z = (scale * random.normal(size=shape)).astype(np.float32)
    y, options = random.integers(0, shape[1], shape[0]), Options(reduction=reduction)
    found = single.cross_entropy_grad(z, y, options)
    expected = reference.cross_entropy_grad(z, y, options)
    for got, true in zip(found, expected, strict=True):
        assert got.dtype == np.float32
        np.testing.assert_array_max_ulp(got, true, 1)
    np.testing.assert_array_max_ulp(single.cross_entropy(z, y, options), expected[0], 1)
    np.testing.assert_array_max_ulp(single.softmax(z), reference.softmax(z), 1)


@pytest.mark.parametrize(
    "row",
    [
        [np.inf, 0, 1],
        [-np.inf, 0, 1],
        [np.nan, 0, 1],
        [-np.inf, -np.inf, -np.inf],
        [np.inf, np.inf, 0],
        [3.4e38, -3.4e38, 0],
        [5.0, 5.0, 5.0],
        [200.0, 0.0, 96.0],
    ],
    ids=str,
)
@pytest.mark.parametrize("label", [0, 1, 2])
def test_extremes_are_those_of_the_specification(row, label):
    z, y = np.array([row, [0, 1, 2]], np.float32), np.array([label, 0])
    with np.errstate(all="ignore"):
        found = single.cross_entropy_grad(z, y, DEFAULTS)
        expected = reference.cross_entropy_grad(z, y, DEFAULTS)
        np.testing.assert_allclose(single.softmax(z), reference.softmax(z), rtol=1e-7)
    for got, true in zip(found, expected, strict=True):
        np.testing.assert_allclose(got, true, rtol=1e-7, atol=0)


@pytest.mark.parametrize(
    "options",
    [
        {"weight": np.arange(1.0, 4)},
        {"sample_weight": [1.0, 2]},
        {"label_smoothing": 0.1},
        {"z_loss": 0.1},
        {"temperature": 2.0},
        {"softcap": 2.0},
        {"ignore_index": 1},
        {"ignore_index": -1},
    ],
    ids=str,
)
def test_other_options_are_the_specifications(options, monkeypatch):
    z = np.array([[2.0, 1.0, 0.1], [0.0, -1.0, 3.0]], np.float32)
    y = [0, -1] if options.get("ignore_index") == -1 else [0, 1]
    found = pmy.cross_entropy_grad(z, y, **options)
    monkeypatch.setenv("PMINUSY_IMPLEMENTATION", "core")
    expected = pmy.cross_entropy_grad(z, y, **options)
    np.testing.assert_array_equal(found.loss, expected.loss)
    np.testing.assert_array_equal(found.dL_dz, expected.dL_dz)


def test_a_result_over_its_input():
    z = np.random.default_rng(0).normal(size=(4, 5)).astype(np.float32)
    expected = pmy.cross_entropy_grad(z, [0, 1, 2, 3]).dL_dz
    kept = z.copy()
    assert pmy.cross_entropy_grad(z, [0, 1, 2, 3], out=z).dL_dz is z
    np.testing.assert_array_equal(z, expected)
    np.testing.assert_array_equal(pmy.softmax(kept, out=kept.copy()), pmy.softmax(kept))
