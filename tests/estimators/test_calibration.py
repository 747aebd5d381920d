"""Temperature and reliability against their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp

from pminusy.errors import InputError
from pminusy.estimators.calibration import reliability, temperature_scaling


def _overconfident(factor):
    random = np.random.default_rng(0)
    z = random.normal(size=(4000, 4))
    y = (z + random.gumbel(size=z.shape)).argmax(axis=1)
    return factor * z, y


@pytest.mark.parametrize("factor", [0.2, 1.0, 30.0])
def test_temperature_undoes_a_factor(factor):
    z, y = _overconfident(factor)
    found = temperature_scaling(z, y)
    assert found.temperature == pytest.approx(factor, rel=0.06)
    assert found.bounded

    def loss(log_t):
        s = z / np.exp(log_t)
        return np.mean(logsumexp(s, axis=1) - s[np.arange(len(y)), y])

    best = minimize_scalar(loss, bounds=(-5, 5), method="bounded", options={"xatol": 1e-10})
    assert np.log(found.temperature) == pytest.approx(best.x, abs=1e-4)
    assert found.loss_after == pytest.approx(best.fun, rel=1e-8)
    assert found.loss_before == pytest.approx(loss(0.0), rel=1e-12)
    assert found.loss_after <= found.loss_before
    np.testing.assert_allclose(found.probabilities(z).sum(axis=1), 1)


def test_a_temperature_without_bound_is_said():
    assert not temperature_scaling([[1.0, 0.0]] * 3, [0, 0, 0]).bounded
    assert not temperature_scaling([[1.0, 0.0]] * 3, [1, 1, 1]).bounded


def test_a_row_that_is_barely_wrong_bounds_the_temperature():
    found = temperature_scaling([[300.0, 0.0]] * 50 + [[1e-3, 0.0]], [0] * 50 + [1])
    assert found.bounded
    assert found.loss_after <= found.loss_before
    assert not temperature_scaling([[300.0, 0.0]] * 50, [0] * 50).bounded


def test_expected_error_by_hand():
    p = np.array([[0.8, 0.2], [0.7, 0.3], [0.4, 0.6], [0.95, 0.05]])
    found = reliability(p, [0, 1, 1, 0], bins=2, sample_weight=[1, 1, 1, 2])
    confidence = (0.8 + 0.7 + 0.6 + 2 * 0.95) / 5
    assert found.expected_error == pytest.approx(abs(confidence - 4 / 5))
    assert np.isnan(found.accuracy[0])
    np.testing.assert_allclose(found.share, [0, 1])


def test_calibrated_probabilities_have_little_error():
    z, y = _overconfident(1.0)
    p = np.exp(z - logsumexp(z, axis=1, keepdims=True))
    sharp = np.exp(4 * z - logsumexp(4 * z, axis=1, keepdims=True))
    assert reliability(p, y).expected_error < 0.03
    assert reliability(sharp, y).expected_error > 0.15


@pytest.mark.parametrize(
    ("z", "y", "message"),
    [
        ([[1.0, 2.0]], [2], "indices from 0 to 1"),
        ([[1.0, np.nan]], [0], "finite"),
        ([1.0], [0], "an array"),
        ([[1.0, 2.0]], [0, 1], "class indices"),
    ],
)
def test_bad_input(z, y, message):
    with pytest.raises(InputError, match=message):
        temperature_scaling(z, y)
