"""What a fit has to say about its end: in the estimator, once, and truly."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from pminusy.errors import InputError
from pminusy.estimators.softmax_regression import SoftmaxRegression
from pminusy.estimators.softmax_regression_cv import SoftmaxRegressionCV
from tests.training.problems import random_problem

SEPARATED = np.r_[0:12, 20:32][:, None] * 1.0, np.repeat([0, 1], 12)
# One row of each class at the same place: no line tells them apart there, one does elsewhere.
QUASI = np.r_[0:12, 11:23][:, None] * 1.0, np.repeat([0, 1], 12)


def _said(estimator, X, y):
    """What fitting raised, each message as often as it was."""
    with warnings.catch_warnings(record=True) as raised:
        warnings.simplefilter("always")
        estimator.fit(X, y)
    assert all(w.category is ConvergenceWarning for w in raised)
    return [str(w.message) for w in raised]


@pytest.mark.parametrize("solver", ["newton", "lbfgs", "newton-cg"])
@pytest.mark.parametrize("data", [SEPARATED, QUASI])
def test_without_an_optimum_nothing_converges(data, solver):
    X, y = data
    clf = SoftmaxRegression(np.inf, solver=solver)
    said = _said(clf, X, y)
    assert said == list(clf.warnings_)
    assert "grow without end" in said[0]
    assert not clf.converged_
    assert SoftmaxRegression(1e3).fit(X, y).converged_


def test_errors_of_estimates_that_do_not_exist_are_not_defined():
    X, y = QUASI
    with pytest.warns(ConvergenceWarning):
        clf = SoftmaxRegression(np.inf).fit(X, y)
    with pytest.raises(InputError, match="no optimum"):
        clf.summary(X, y)


def test_a_summary_carries_what_the_fit_said():
    X, y = random_problem(noise=3.0)
    clf = SoftmaxRegression(np.inf, max_iter=2)
    _said(clf, X, y)
    summary = clf.summary(X, y)
    assert summary.notes == clf.warnings_
    assert "stopped after 2 iterations" in " ".join(str(summary).split())


@pytest.mark.parametrize("refit", [True, False])
def test_cross_validation_says_what_its_fits_found(refit):
    X, y = SEPARATED
    clf = SoftmaxRegressionCV(Cs=[1.0, np.inf], cv=3, refit=refit, scoring="neg_log_loss")
    said = _said(clf, X, y)
    assert said == list(clf.warnings_)
    assert "3 of 6 fits have no optimum" in said[0]
    assert clf.converged_ == np.isfinite(clf.C_)


def test_cross_validation_counts_unfinished_fits():
    X, y = random_problem()
    clf = SoftmaxRegressionCV(Cs=[0.1, 1.0], cv=3, max_iter=1)
    said = _said(clf, X, y)
    assert "6 of 6 fits stopped before they converged" in said[0]
    assert "raise max_iter" in said[1]
    assert not clf.converged_


@pytest.mark.parametrize(
    ("options", "words", "remedy"),
    [
        ({"max_iter": 2}, "stopped after 2 iterations", True),
        ({"time_limit": 0}, "the time limit of 0 s ran out", False),
        ({"tol": 0.0}, "rounding allows no further progress", False),
        ({"tol": 0.0, "solver": "lbfgs"}, "rounding allows no further progress", False),
        ({"tol": 0.0, "l1_ratio": 1.0}, "rounding allows no further progress", False),
    ],
)
def test_more_iterations_are_advised_where_they_ran_out(options, words, remedy):
    X, y = random_problem()
    clf = SoftmaxRegression(**options)
    (said,) = _said(clf, X, y)
    assert words in said
    assert ("max_iter" in said) == remedy
    assert not clf.converged_
    assert np.isfinite(clf.coef_).all()


@pytest.mark.parametrize("solver", ["newton", "lbfgs", "newton-cg", "proximal"])
def test_a_time_limit_leaves_the_best_so_far(solver):
    X, y = random_problem()
    seen: list[object] = []

    class Clock:
        """Runs out after the third iteration."""

        def __call__(self):
            return 0.0 if len(seen) < 4 else 1e9

    clf = SoftmaxRegression(
        solver=solver, l1_ratio=float(solver == "proximal"), tol=1e-13, time_limit=1.0,
        progress=seen.append,
    )  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("time.perf_counter", Clock())
        (said,) = _said(clf, X, y)
    assert "time limit of 1 s" in said
    assert 3 <= clf.n_iter_[0] <= 5
    assert clf.objective_ < np.log(5)
    assert clf.objective_ == clf.history_[-1].objective


def test_a_search_that_ends_early_chooses_from_what_it_has():
    X, y = random_problem()
    clf = SoftmaxRegressionCV(Cs=[0.1, 1.0, 10.0], cv=3, time_limit=0)
    said = _said(clf, X, y)
    assert "8 of 9 fits were left out" in said[1]
    assert clf.C_ == 0.1
    assert len(clf.path_) == 1
    assert np.isnan(clf.scores_).sum() == 8


@pytest.mark.parametrize("at", [1, 5, 25])
def test_an_interrupted_search_keeps_the_best_so_far(at):
    X, y = random_problem()
    calls = []

    def interrupt(progress):
        calls.append(progress)
        if len(calls) == at:
            raise KeyboardInterrupt

    clf = SoftmaxRegressionCV(Cs=[0.1, 1.0], cv=3, tol=1e-12, progress=interrupt)
    with pytest.raises(KeyboardInterrupt):
        clf.fit(X, y)
    calls.clear()
    said = _said(clf.set_params(keep_interrupted=True), X, y)
    assert "interrupted" in said[-1]
    assert not clf.converged_
    assert clf.predict(X).shape == y.shape


def test_columns_far_from_0_are_named():
    X, y = random_problem()
    X[:, 2] += 1e13
    (said,) = _said(SoftmaxRegression(np.inf, tol=1e-12), X, y)
    assert "subtract a constant from column 2" in said
