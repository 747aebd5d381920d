"""A fit without scikit-learn is the fit with it, bit for bit."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator, clone, is_classifier

from pminusy.estimators.softmax_fit import PlainRegression
from pminusy.estimators.softmax_regression import SoftmaxRegression

SETTINGS: dict[str, dict[str, Any]] = {
    "ridge": {},
    "lasso": {"l1_ratio": 0.5, "C": 0.3},
    "none": {"C": np.inf, "tol": 1e-5},
    "balanced": {"class_weight": "balanced"},
    "weights": {"class_weight": {0: 2.0, 1: 0.5}},
    "L-BFGS": {"solver": "lbfgs"},
    "few iterations": {"max_iter": 2, "solver": "lbfgs"},
}


def _rows(classes, *, sparse=False):
    rng = np.random.default_rng(classes)
    X, y = rng.normal(size=(90, 4)), rng.integers(classes, size=90)
    if sparse:
        X = csr_array(np.where(X > 0.5, X, 0.0))
    return X, y, rng.uniform(0.5, 2.0, size=90)


@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_it_is_the_same_fit(name, classes, sparse, monkeypatch):
    monkeypatch.setattr(SoftmaxRegression, "_compiler", False)  # which a table does not wait for
    given: dict[str, Any] = {
        "C": 1.0, "l1_ratio": 0.0, "class_weight": None, "solver": "auto", "tol": 1e-6,
        "max_iter": 200, "time_limit": None, "keep_interrupted": False, "progress": None,
    }  # fmt: skip
    given |= SETTINGS[name]
    X, y, weight = _rows(classes, sparse=sparse)
    plain = PlainRegression(given.pop("C"), **given).fit(X, y, weight)
    full = SoftmaxRegression(plain.C, **given).fit(X, y, weight)
    attributes = [key for key in vars(full) if key.endswith("_") and key != "history_"]
    assert set(attributes) <= set(vars(plain))
    for key in attributes:
        mine, theirs = getattr(plain, key), getattr(full, key)
        pairs = zip(mine, theirs, strict=True) if key == "parameters_" else [(mine, theirs)]
        for one, other in pairs:
            np.testing.assert_array_equal(one, other, err_msg=key)
    _check_estimator(plain.regression, full, X, y, weight)


def _check_estimator(estimator, full, X, y, weight):
    assert isinstance(estimator, BaseEstimator)
    assert is_classifier(estimator)
    assert estimator.get_params() == full.get_params()
    np.testing.assert_array_equal(estimator.predict_proba(X), full.predict_proba(X))
    again = pickle.loads(pickle.dumps(estimator))
    np.testing.assert_array_equal(again.predict(X), full.predict(X))
    np.testing.assert_array_equal(clone(estimator).fit(X, y, weight).coef_, full.coef_)
