"""The section of the derivation shows the numbers of the run, and only those that fit."""

import numpy as np
import pytest

from pminusy.core.options import Options
from pminusy.core.trace import Trace
from pminusy.report.row_numbers import CLASSES, FEATURE_CLASSES, FEATURES, row_numbers
from tests.report.examples import fit_report


def test_every_number_comes_from_the_run():
    report = fit_report(K=4, D=3)
    row = report.worst_rows[0]
    assert report.trace is not None
    found = row_numbers(report.trace, row.y, rival=(row.y + 1) % 4)
    z = report.W @ row.x + report.b
    assert [line.k for line in found.lines][:2] == [row.y, (row.y + 1) % 4]
    for line in found.lines:
        assert line.z == pytest.approx(z[line.k])
        assert line.shifted == pytest.approx(z[line.k] - z.max())
        assert line.exp / found.s == pytest.approx(line.p)
        assert line.p == pytest.approx(row.p[line.k])
        assert line.q == (line.k == row.y)
        assert line.g == pytest.approx(line.p - line.q)
    assert found.one_hot
    assert found.S == 1
    np.testing.assert_allclose(found.L, -np.log(row.p[row.y]), rtol=1e-12)
    assert found.weighted + report.b[row.y] == pytest.approx(found.lines[0].z)
    assert found.example is not None
    k, d = found.example
    entry = found.quantities["dL_dW"].value[k, d]
    assert entry == pytest.approx((row.p - np.eye(4)[row.y])[k] * row.x[d])
    assert abs(entry) == np.abs(found.quantities["dL_dW"].value).max()


def test_wide_runs_are_cut_and_keep_the_true_class_and_its_rival():
    report = fit_report(K=30, D=50)
    row = report.worst_rows[0]
    assert report.trace is not None
    found = row_numbers(report.trace, row.y, 0 if row.y else 1)
    assert len(found.lines) == CLASSES
    assert found.classes_left == 30 - CLASSES
    assert len(found.gradient.features) == len(found.inputs) == FEATURES
    assert found.features_left == 50 - FEATURES
    assert len(found.gradient.classes) == FEATURE_CLASSES
    assert {row.y, 0 if row.y else 1} <= set(found.gradient.classes)
    assert found.inputs == row.x[found.gradient.features].tolist()


def test_a_target_that_is_not_one_hot_is_told_apart():
    X, W, b = np.ones((1, 2)), np.eye(2), np.zeros(2)
    run = Trace(np.array([0]), X=X, W=W, b=b, options=Options(label_smoothing=0.1))
    assert not row_numbers(run, 0, 1).one_hot
