"""Confusion and calibration against scikit-learn, published values and by hand."""

import numpy as np
import pytest
from sklearn import metrics

from pminusy.present.metrics import reliability_bins
from pminusy.report import predictions


def bins_of(y, p, weight=None):
    return predictions.reliability(reliability_bins(p, y, predictions.BINS, weight))


@pytest.fixture
def judged():
    random = np.random.default_rng(1)
    p = random.dirichlet(np.ones(5), size=400)
    y = np.where(random.random(400) < 0.6, p.argmax(axis=1), random.integers(0, 5, 400))
    return y, p


def test_confusion_equals_scikit_learn(judged):
    y, p = judged
    said = p.argmax(axis=1)
    found = predictions.confusion(y, said, 5, whole=5, condensed=2)
    assert found.classes == [0, 1, 2, 3, 4]
    np.testing.assert_array_equal(found.counts, metrics.confusion_matrix(y, said))


def test_confusion_of_many_classes_keeps_the_worst_and_counts_every_row(judged):
    y, p = judged
    said = p.argmax(axis=1)
    whole = metrics.confusion_matrix(y, said)
    errors = whole.sum(axis=0) + whole.sum(axis=1) - 2 * np.diag(whole)
    found = predictions.confusion(y, said, 5, whole=4, condensed=2)
    assert set(found.classes) == set(np.argsort(-errors, kind="stable")[:2].tolist())
    assert found.counts.shape == (3, 3)
    assert found.counts.sum() == 400
    shown = found.classes
    np.testing.assert_array_equal(found.counts[:2, :2], whole[np.ix_(shown, shown)])
    np.testing.assert_array_equal(found.counts[:2].sum(axis=1), whole[shown].sum(axis=1))


def test_classes_without_errors_stand_together():
    y = np.arange(30)
    said = np.where(y == 7, 9, y)
    found = predictions.confusion(y, said, 30, whole=20, condensed=12)
    assert found.classes == [7, 9]
    np.testing.assert_array_equal(found.counts, [[0, 1, 0], [0, 1, 0], [0, 0, 28]])
    assert predictions.confusion(y, y, 30, whole=20, condensed=12).classes == [0, 1]


def test_most_frequent_errors():
    y = np.array([0, 0, 0, 1, 1, 2, 2, 2])
    said = np.array([1, 1, 0, 1, 0, 2, 1, 1])
    assert predictions.confusions(y, said, 2) == [(0, 1, 2), (2, 1, 2)]
    assert predictions.confusions(y, said, 9)[-1] == (1, 0, 1)
    assert predictions.confusions(y, y, 9) == []


def test_reliability_by_hand():
    p = np.array([[0.65, 0.35], [0.69, 0.31], [0.3, 0.7], [1.0, 0.0], [0.5, 0.5]])
    y = np.array([0, 1, 1, 0, 1])
    bins = bins_of(y, p)
    assert [(round(b.low, 1), round(b.high, 1), b.count) for b in bins] == [
        (0.4, 0.5, 1),
        (0.6, 0.7, 3),
        (0.9, 1.0, 1),
    ]
    assert bins[1].confidence == pytest.approx((0.65 + 0.69 + 0.7) / 3)
    assert bins[1].accuracy == pytest.approx(2 / 3)
    expected = (1 * 0.5 + 3 * abs(2 / 3 - 0.68) + 0) / 5
    assert reliability_bins(p, y, predictions.BINS).expected_error == pytest.approx(expected)


def test_every_row_is_in_a_bin(judged):
    y, p = judged
    assert sum(b.count for b in bins_of(y, p)) == 400
    for b in bins_of(y, p):
        assert b.low < b.confidence <= b.high
        assert b.lower <= b.accuracy <= b.upper


def test_wilson_interval_against_a_published_value():
    # 15 of 148: 0.0624 to 0.1605 (Newcombe 1998, table I).
    p = np.full((148, 2), 0.5)
    p[:, 0] = 0.6
    p[:, 1] = 0.4
    (group,) = bins_of(np.repeat([0, 1], [15, 133]), p)
    assert round(group.lower, 4) == 0.0624
    assert round(group.upper, 4) == 0.1605


def test_no_rows():
    y, p = np.empty(0, dtype=np.intp), np.empty((0, 3))
    assert bins_of(y, p) == []
    assert np.isnan(reliability_bins(p, y, predictions.BINS).expected_error)
    assert predictions.confusions(y, y, 5) == []


def test_weights_count_and_make_the_interval_as_wide_as_they_deserve(judged):
    y, p = judged
    plain, twice = bins_of(y, p), bins_of(y, p, np.full(400, 2.0))
    for one, other in zip(plain, twice, strict=True):  # weights all equal say nothing new
        assert other.count == one.count
        assert (other.lower, other.accuracy, other.upper) == pytest.approx(
            (one.lower, one.accuracy, one.upper)
        )
    uneven = np.where(np.arange(400) % 10 == 0, 9.0, 1e-3)
    for one, other in zip(plain, bins_of(y, p, uneven), strict=True):
        assert other.count == one.count
        assert other.upper - other.lower > one.upper - one.lower  # fewer rows that matter
    none = np.where(p.max(axis=1) > 0.6, 0.0, 1.0)
    assert all(b.high <= 0.7 for b in bins_of(y, p, none))
