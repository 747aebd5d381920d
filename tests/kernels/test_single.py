"""Few logits, in plain float64: against 50 digits, the specification, and its limits."""

from __future__ import annotations

import numpy as np
import pytest

import pminusy as pmy
from pminusy.core.options import DEFAULTS, Options
from pminusy.kernels import dispatch
from pminusy.kernels.head import cpu, reference, single
from tests.exactness import measure
from tests.generator import Rows, batches


@pytest.fixture(autouse=True)
def _by_default(monkeypatch):
    monkeypatch.delenv("PMINUSY_IMPLEMENTATION", raising=False)


def _of(dtype, seed, rows):
    """Rows of every kind of trouble, few logits at a time."""
    for random, batch in batches(seed=seed, rows=rows):
        if batch.z.dtype == dtype:
            most = (dispatch.SMALL - 1) // batch.z.shape[1]
            for first in range(0, len(batch.z) if most else 0, max(most, 1)):
                part = slice(first, first + most)
                yield random, Rows(batch.z[part], batch.y[part], batch.v[part], batch.kinds[part])


@pytest.mark.parametrize(("dtype", "units"), [(np.float32, 1.0), (np.float64, 4.0)])
def test_within_units_in_the_last_place(dtype, units):
    worst = measure(_of(dtype, 31, 800), ["plain"])
    assert len(worst) == 6
    assert {key: error for key, error in worst.items() if not error <= units} == {}


def test_only_few_logits_go_there_and_only_where_the_environment_says_nothing(monkeypatch):
    assert dispatch.of_all_logits(4, 16, DEFAULTS) is single
    assert dispatch.of_all_logits(5, 13, DEFAULTS) is cpu
    assert dispatch.implementation(4, 5, small=dispatch.SMALL) is reference
    assert dispatch.implementation(4, 5) is cpu
    monkeypatch.setenv("PMINUSY_IMPLEMENTATION", "cpu")
    assert dispatch.of_all_logits(4, 5, DEFAULTS) is cpu
    monkeypatch.setenv("PMINUSY_IMPLEMENTATION", "core")
    assert dispatch.of_all_logits(4, 5, DEFAULTS) is reference


@pytest.mark.parametrize(("dtype", "units"), [(np.float32, 1), (np.float64, 4)])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("shape", [(1, 2), (1, 64), (6, 10), (32, 2)], ids=str)
@pytest.mark.parametrize("scale", [1.0, 30.0, 1e4])
def test_it_is_the_specification_to_some_units(shape, reduction, scale, dtype, units):
    random = np.random.default_rng(3)
    z = (scale * random.normal(size=shape)).astype(dtype)
    y, options = random.integers(0, shape[1], shape[0]), Options(reduction=reduction)
    found = single.cross_entropy_grad(z, y, options)
    expected = reference.cross_entropy_grad(z, y, options)
    for got, true in zip(found, expected, strict=True):
        assert got.dtype == dtype
        np.testing.assert_array_max_ulp(got, true, units)
    np.testing.assert_array_max_ulp(single.cross_entropy(z, y, options), expected[0], units)
    np.testing.assert_array_max_ulp(single.softmax(z), reference.softmax(z), units)


@pytest.mark.parametrize(
    "row",
    [
        [np.inf, 0, 1],
        [-np.inf, 0, 1],
        [np.nan, 0, 1],
        [-np.inf, -np.inf, -np.inf],
        [np.inf, np.inf, 0],
        [3.4e38, -3.4e38, 0],
        [1.7e308, -1.7e308, 0],
        [-1e300, 1e300, 0],
        [5.0, 5.0, 5.0],
        [200.0, 0.0, 96.0],
    ],
    ids=str,
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("label", [0, 1, 2])
def test_extremes_are_those_of_the_specification(row, label, dtype):
    rtol = 8 * np.finfo(dtype).eps
    with np.errstate(all="ignore"):
        z, y = np.array([row, [0, 1, 2]], dtype), np.array([label, 0])
        found = single.cross_entropy_grad(z, y, DEFAULTS)
        expected = reference.cross_entropy_grad(z, y, DEFAULTS)
        np.testing.assert_allclose(single.softmax(z), reference.softmax(z), rtol=rtol)
    for got, true in zip(found, expected, strict=True):
        np.testing.assert_allclose(got, true, rtol=rtol, atol=0)


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


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_result_over_its_input(dtype):
    z = np.random.default_rng(0).normal(size=(4, 5)).astype(dtype)
    expected = pmy.cross_entropy_grad(z, [0, 1, 2, 3]).dL_dz
    kept = z.copy()
    assert pmy.cross_entropy_grad(z, [0, 1, 2, 3], out=z).dL_dz is z
    np.testing.assert_array_equal(z, expected)
    np.testing.assert_array_equal(pmy.softmax(kept, out=kept.copy()), pmy.softmax(kept))
