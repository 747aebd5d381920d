"""Models pickled, and imports written, when estimators were in `pminusy.learn`."""

import importlib
import pickle

import numpy as np
import pytest

from pminusy import SoftmaxRegression, SoftmaxRegressionCV
from tests.training.problems import random_problem

FORMER = {
    b"pminusy.estimators.softmax_fit": b"pminusy.learn.softmax_regression",
    b"pminusy.estimators.": b"pminusy.learn.",
    b"pminusy.training.": b"pminusy.learn.",
}


def formerly_pickled(model):
    """A pickle as the earlier version wrote it: names of modules are text in protocol 0."""
    data = pickle.dumps(model, protocol=0)
    for now, then in FORMER.items():
        data = data.replace(now, then)
    assert b"pminusy.learn." in data
    assert b"pminusy.estimators" not in data
    assert b"pminusy.training" not in data
    return data


@pytest.mark.parametrize("kind", ["fit", "partial_fit", "cv", "unfitted"])
def test_a_pickle_of_the_former_version_loads_and_warns(kind):
    X, y = random_problem(N=60, D=4, K=3)[:2]
    model = SoftmaxRegressionCV(Cs=2, cv=2) if kind == "cv" else SoftmaxRegression()
    if kind == "partial_fit":
        model.partial_fit(X, y, classes=np.unique(y))
    elif kind != "unfitted":
        model.fit(X, y)
    with pytest.warns(DeprecationWarning, match=r"has moved: import \w+ from pminusy"):
        loaded = pickle.loads(formerly_pickled(model))
    assert type(loaded) is type(model)
    if kind != "unfitted":
        np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))
    if kind == "partial_fit":
        loaded.partial_fit(X, y)


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("softmax_regression", "SoftmaxRegression"),
        ("softmax_regression_cv", "SoftmaxRegressionCV"),
        ("calibration", "temperature_scaling"),
        ("model_file", "load_model"),
        ("solvers.solution", "Status"),
    ],
)
def test_a_former_import_gives_the_same_object_and_warns(module, name):
    former = importlib.import_module(f"pminusy.learn.{module}")
    with pytest.warns(DeprecationWarning, match=f"pminusy.learn.{module} has moved"):
        found = getattr(former, name)
    room = "training" if module.startswith("solvers") else "estimators"
    assert found is getattr(importlib.import_module(f"pminusy.{room}.{module}"), name)


def test_a_name_that_never_was():
    former = importlib.import_module("pminusy.learn.softmax_regression")
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = former.no_such_name
