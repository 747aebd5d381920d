"""Metrics of predictions against scikit-learn, with weights and without."""

import numpy as np
import pytest
from sklearn import metrics

from pminusy.present.metrics import class_metrics, reliability_bins


@pytest.fixture
def judged():
    random = np.random.default_rng(1)
    p = random.dirichlet(np.ones(5), size=400)
    y = np.where(random.random(400) < 0.6, p.argmax(axis=1), random.integers(0, 5, 400))
    return y, p, random.gamma(0.3, size=400)


@pytest.mark.parametrize("weighted", [False, True])
def test_class_metrics_equal_scikit_learn(judged, weighted):
    y, p, weight = judged
    weight = weight if weighted else None
    said = p.argmax(axis=1)
    expected = metrics.precision_recall_fscore_support(y, said, sample_weight=weight)
    scores = class_metrics(y, said, 5, weight)
    np.testing.assert_allclose([s.precision for s in scores], expected[0], rtol=1e-13)
    np.testing.assert_allclose([s.recall for s in scores], expected[1], rtol=1e-13)
    np.testing.assert_allclose([s.f1 for s in scores], expected[2], rtol=1e-13)
    assert [s.support for s in scores] == np.bincount(y, minlength=5).tolist()
    assert sum(s.predicted for s in scores) == 400


def test_scores_without_rows_are_not_a_number_and_not_zero():
    empty = class_metrics(np.array([0]), np.array([1]), 3)
    assert np.isnan(empty[0].precision)
    assert empty[0].recall == 0
    assert empty[0].f1 == 0
    assert empty[1].precision == 0
    assert np.isnan(empty[1].recall)
    assert np.isnan([empty[2].precision, empty[2].recall, empty[2].f1]).all()


def test_a_row_of_weight_two_is_two_rows(judged):
    y, p, _ = judged
    weight = np.random.default_rng(2).integers(0, 4, 400)
    found = reliability_bins(p, y, 7, weight.astype(float))
    repeated = reliability_bins(p.repeat(weight, axis=0), y.repeat(weight), 7)
    np.testing.assert_allclose(found.share, repeated.share, rtol=1e-13)
    np.testing.assert_allclose(found.confidence, repeated.confidence, rtol=1e-13)
    np.testing.assert_allclose(found.accuracy, repeated.accuracy, rtol=1e-13)
    assert found.expected_error == pytest.approx(repeated.expected_error)
    held = found.share > 0
    assert (found.effective_rows <= repeated.effective_rows)[held].all()


def test_the_bins_share_all_rows(judged):
    y, p, weight = judged
    found = reliability_bins(p, y, 10, weight)
    assert found.rows.sum() == 400
    assert found.share.sum() == pytest.approx(1)
