"""Cross-validated C against scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegressionCV
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.utils.estimator_checks import estimator_checks_generator

from pminusy.errors import InputError
from pminusy.estimators.softmax_regression_cv import SoftmaxRegressionCV
from tests.training.problems import random_problem


def _checks():
    for estimator, check in estimator_checks_generator(SoftmaxRegressionCV(Cs=2, cv=3)):
        yield pytest.param(estimator, check, id=getattr(check, "func", check).__name__)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("estimator", "check"), list(_checks()))
def test_conventions_of_scikit_learn(estimator, check):
    check(estimator)


def test_scores_and_choice_are_scikit_learns():
    X, y = random_problem()
    Cs = [0.001, 0.1, 10.0]
    ours = SoftmaxRegressionCV(Cs, cv=3, scoring="neg_log_loss", tol=1e-9).fit(X, y)
    theirs = LogisticRegressionCV(
        Cs=Cs, cv=3, scoring="neg_log_loss", tol=1e-9, max_iter=2000, l1_ratios=(0.0,),
        use_legacy_attributes=False,
    ).fit(X, y)  # fmt: skip
    np.testing.assert_allclose(ours.scores_, theirs.scores_, atol=1e-5)
    assert ours.C_ == theirs.C_
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-4)


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("names", [False, True], ids=["numbers", "names"])
def test_accuracy_is_that_of_scikit_learns_scorer(weighted, names):
    X, y = random_problem(noise=3.0)
    y = np.array(["north", "east", "south", "west", "nowhere"])[y] if names else y
    weight = np.random.default_rng(0).random(len(y)) if weighted else None
    direct = SoftmaxRegressionCV(4, cv=3).fit(X, y, sample_weight=weight)
    scored = SoftmaxRegressionCV(4, cv=3, scoring=make_scorer(accuracy_score))
    np.testing.assert_array_equal(direct.scores_, scored.fit(X, y, sample_weight=weight).scores_)


def test_path_holds_what_a_plot_needs():
    X, y = random_problem()
    clf = SoftmaxRegressionCV([0.01, 1.0], l1_ratios=(0.5, 1.0), cv=3, refit=False).fit(X, y)
    assert [(p.l1_ratio, p.C) for p in clf.path_] == [
        (0.5, 0.01),
        (0.5, 1.0),
        (1.0, 0.01),
        (1.0, 1.0),
    ]
    assert clf.scores_.shape == (3, 2, 2)
    assert all(len(p.largest) == 5 and 0 <= p.nonzero <= 1 for p in clf.path_)
    norms = [p.norm for p in clf.path_[:2]]
    assert norms[0] < norms[1]
    assert clf.score(X, y) > 0.5


def test_bad_values():
    X, y = random_problem(40, 3, 3)
    for Cs in ([], [0.0], [-1.0], 0):
        with pytest.raises(InputError, match="Cs"):
            SoftmaxRegressionCV(Cs).fit(X, y)
    with pytest.raises(InputError, match="labels"):
        SoftmaxRegressionCV().fit(X, np.eye(3)[y])


def test_folds_and_scores_that_are_none_are_refused():
    X, y = random_problem(40, 3, 3)
    rows, weight = np.arange(40), np.r_[np.zeros(20), np.ones(20)]
    for folds in ([], [(rows[:0], rows)], [(rows, rows), (rows < 0, rows)]):
        with pytest.raises(InputError, match=r"^cv: expected (at least one|training rows)"):
            SoftmaxRegressionCV(2, cv=folds).fit(X, y)
    with pytest.raises(InputError, match="none in fold 0, or only rows of weight 0"):
        SoftmaxRegressionCV(2, cv=[(rows[:20], rows[20:])]).fit(X, y, sample_weight=weight)
    for score in (None, "good", np.ones(2), 1j):
        with pytest.raises(InputError, match="scoring: expected a scorer that returns a number"):
            SoftmaxRegressionCV(2, scoring=lambda *_, score=score: score).fit(X, y)
    SoftmaxRegressionCV(2, scoring=lambda *_: np.float32(1)).fit(X, y)
