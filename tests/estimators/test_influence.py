"""Scores and influences: values and derivatives of scikit-learn's, intervals by resampling."""

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    balanced_accuracy_score,
    log_loss,
    roc_auc_score,
)

from pminusy.estimators import influence
from pminusy.estimators.intervals import intervals
from pminusy.estimators.scores import assess

STEP = 1e-5


def _rows(K=3, n=80, seed=0, ties=False):
    r = np.random.default_rng(seed)
    y = np.concatenate([np.arange(K), r.integers(K, size=n - K)])
    z = 1.2 * np.eye(K)[y] + r.normal(size=(n, K))
    z = np.round(z) if ties else z
    log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    return y, log_p, r.uniform(0.5, 2.0, size=n)


def _mean_of_classes(metric, y, log_p, w):
    K = log_p.shape[1]
    return np.mean(
        [metric(y == k, log_p[:, k], sample_weight=w) for k in (range(K) if K > 2 else (1,))]
    )


THEIRS = {
    "accuracy": lambda y, lp, w: accuracy_score(y, lp.argmax(1), sample_weight=w),
    "balanced accuracy": lambda y, lp, w: balanced_accuracy_score(y, lp.argmax(1), sample_weight=w),
    "log loss": lambda y, lp, w: log_loss(y, np.exp(lp), sample_weight=w),
    "ROC AUC": lambda y, lp, w: _mean_of_classes(roc_auc_score, y, lp, w),
    "average precision": lambda y, lp, w: _mean_of_classes(average_precision_score, y, lp, w),
}


def _ours(name, y, log_p, w):
    right = (log_p.argmax(axis=1) == y).astype(float)
    match name:
        case "accuracy":
            return influence.mean(right, w)
        case "balanced accuracy":
            return influence.mean_recall(right, y, w)
        case "log loss":
            return influence.mean(-log_p[np.arange(y.size), y], w)
        case "ROC AUC":
            return influence.mean_over_classes(influence.roc_auc, y, log_p, w)
        case _:
            return influence.mean_over_classes(influence.average_precision, y, log_p, w)


@pytest.mark.parametrize("ties", [False, True], ids=["distinct", "ties"])
@pytest.mark.parametrize("K", [2, 4])
@pytest.mark.parametrize("name", THEIRS)
def test_the_influence_is_the_derivative_of_scikit_learns_score_by_the_weight(name, K, ties):
    y, log_p, w = _rows(K, ties=ties)
    found, theirs = _ours(name, y, log_p, w), THEIRS[name]
    assert found.value == pytest.approx(theirs(y, log_p, w), abs=1e-12)
    for i in range(0, y.size, 7):
        moved = [w.copy(), w.copy()]
        moved[0][i] += STEP
        moved[1][i] -= STEP
        slope = (theirs(y, log_p, moved[0]) - theirs(y, log_p, moved[1])) / (2 * STEP)
        assert found.of_row[i] == pytest.approx(w.sum() * slope, abs=2e-6)
    assert abs(w @ found.of_row) < 1e-9


def test_classes_without_rows_are_left_out_of_the_mean():
    y, log_p, w = _rows(4)
    keep = y != 2
    found = influence.mean_over_classes(influence.roc_auc, y[keep], log_p[keep], w[keep])
    others = [roc_auc_score(y[keep] == k, log_p[keep, k], sample_weight=w[keep]) for k in (0, 1, 3)]
    assert found is not None
    assert found.value == pytest.approx(np.mean(others))
    only = y == 1
    assert influence.mean_over_classes(influence.roc_auc, y[only], log_p[only], w[only]) is None


def test_the_interval_of_a_share_is_wilsons():
    right = np.zeros(4000)
    right[:3100] = 1
    low, high = intervals({"accuracy": influence.mean(right, np.ones(4000))}, np.ones(4000), None)[
        "accuracy"
    ]
    theirs = binomtest(3100, 4000).proportion_ci(method="wilson")
    assert low == pytest.approx(theirs.low, abs=2e-5)
    assert high == pytest.approx(theirs.high, abs=2e-5)


@pytest.mark.parametrize("K", [2, 5])
def test_a_perfect_score_is_not_certain(K):
    y = np.arange(40) % K
    found = assess(y, np.log(0.9 * np.eye(K)[y] + 0.1 / K), np.ones(40)).intervals
    for name in ("accuracy", "balanced accuracy", "ROC AUC", "average precision"):
        low, high = found[name]
        assert high == pytest.approx(1.0)
        assert 0.5 < low < 0.99
    low, high = found["accuracy"]
    assert low == pytest.approx(binomtest(40, 40).proportion_ci(method="wilson").low, abs=0.01)


def test_groups_are_observations():
    y, log_p, w = _rows(2, n=60)
    one_by_one = assess(y, log_p, w)
    alone = assess(y, log_p, w, groups=np.arange(60)[::-1])
    doubled = assess(*(np.repeat(a, 2, axis=0) for a in (y, log_p, w)), groups=np.arange(120) // 2)
    for name, ends in one_by_one.intervals.items():
        np.testing.assert_allclose(alone.intervals[name], ends, rtol=1e-12)
        np.testing.assert_allclose(doubled.intervals[name], ends, rtol=1e-9)
    assert (doubled.intervals.rows, doubled.intervals.groups) == (120, 60)
    assert not assess(y, log_p, w, groups=np.zeros(60, int)).intervals


def test_intervals_are_as_wide_as_resampling_says():
    y, log_p, w = _rows(3, n=150, seed=4)
    groups = np.arange(150) // 3
    log_p[:, 0] += np.random.default_rng(1).normal(size=50)[groups]
    log_p -= np.log(np.exp(log_p).sum(axis=1, keepdims=True))
    found = assess(y, log_p, w, groups=groups)
    r = np.random.default_rng(2)
    drawn = []
    for _ in range(400):
        rows = np.concatenate([3 * g + np.arange(3) for g in r.integers(50, size=50)])
        again = assess(y[rows], log_p[rows], w[rows])
        drawn.append([*(v for _, v in again.scores.named()), *(v for _, v in again.ranking)])
    names = [*(n for n, _ in found.scores.named()), *(n for n, _ in found.ranking)]
    for name, values in zip(names, np.array(drawn).T, strict=True):
        low, high = found.intervals[name]
        theirs = np.diff(np.quantile(values, [0.025, 0.975]))[0]
        assert 0.85 * theirs < high - low < 1.25 * theirs, name


def test_intervals_hold_the_score_of_the_population_as_often_as_they_say():
    r = np.random.default_rng(5)
    missed = np.zeros(3)
    names = ("accuracy", "log loss", "ROC AUC")
    y, log_p = _drawn(r, 200_000)
    whole = assess(y, log_p, np.ones(y.size))
    truth = (whole.scores.accuracy, whole.scores.log_loss, whole.ranking[0][1])
    for _ in range(300):
        y, log_p = _drawn(r, 80)
        found = assess(y, log_p, np.ones(80)).intervals
        missed += [not found[n][0] <= t <= found[n][1] for n, t in zip(names, truth, strict=True)]
    assert (missed / 300 < 0.09).all()
    assert (missed / 300 > 0.01).all()


def _drawn(r, n):
    y = r.integers(2, size=n)
    z = np.stack([np.zeros(n), 1.5 * (y - 0.5) + r.normal(size=n)], axis=1)
    return y, z - np.log(np.exp(z).sum(axis=1, keepdims=True))
