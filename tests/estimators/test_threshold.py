"""The threshold of two classes against trying every one with scikit-learn's scores."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, confusion_matrix, f1_score

from pminusy import InputError
from pminusy.estimators.threshold import Criterion, Threshold, best_threshold, criterion


def _cost(y, said, sample_weight):
    (_, false), (missed, _) = confusion_matrix(y, said, labels=[0, 1], sample_weight=sample_weight)
    return -(7 * missed + 2 * false)


THEIRS = {
    "accuracy": accuracy_score,
    "balanced-accuracy": balanced_accuracy_score,
    "f1": f1_score,
    "cost=7:2": _cost,
}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", THEIRS)
def test_the_chosen_threshold_is_the_best_of_all(name, seed):
    r = np.random.default_rng(seed)
    y = r.random(70) < 0.3
    p = np.round(1 / (1 + np.exp(1 - 1.5 * y - r.normal(size=70))), 2)
    w = r.uniform(0.2, 3, size=70)
    by = criterion(name)
    assert isinstance(by, Criterion)
    chosen = best_threshold(y, p, w, by)
    score = [THEIRS[name](y, p >= t, sample_weight=w) for t in [chosen, *np.linspace(0, 1, 201)]]
    assert score[0] == pytest.approx(max(score), abs=1e-12)


def test_of_equal_ones_that_nearest_to_one_half_is_taken():
    p = np.array([0.1, 0.2, 0.4, 0.9])
    assert best_threshold(p > 0.3, p, np.ones(4), Criterion("f1")) == pytest.approx(0.3)
    assert best_threshold(p > 0.95, p, np.ones(4), Criterion("accuracy")) == pytest.approx(0.95)


@pytest.mark.parametrize("positive", [0, 1])
@pytest.mark.parametrize("T", [0.3, 4.0])
def test_decisions_survive_a_temperature(positive, T):
    z = np.random.default_rng(0).normal(size=(50, 2))
    cut = Threshold(0.2, positive)
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    expected = np.where(p[:, positive] >= 0.2, positive, 1 - positive)
    np.testing.assert_array_equal(cut.predicted(z), expected)
    np.testing.assert_array_equal(cut.under(T).predicted(z / T), expected)


@pytest.mark.parametrize(
    "given",
    ["0", "1", "nan", "half", "cost=1", "cost=1:0", "cost=a:b", "cost=inf:1", True, 2, None],
)
def test_what_is_no_threshold_is_refused(given):
    with pytest.raises(InputError, match="threshold: expected"):
        criterion(given)
