"""What scikit-learn's tools and habits expect of an estimator, beyond its own checks."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn
import torch
from sklearn.base import clone
from sklearn.callback import ProgressBar
from sklearn.feature_selection import SelectFromModel
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score, make_scorer
from sklearn.model_selection import GroupKFold
from sklearn.utils._param_validation import InvalidParameterError

from pminusy.errors import InputError
from pminusy.estimators.cross_validation import labelled_scorer
from pminusy.estimators.softmax_regression import SoftmaxRegression
from pminusy.estimators.softmax_regression_cv import SoftmaxRegressionCV
from tests.training.problems import random_problem

X, y = random_problem(120, 5, 3)
ONES = np.ones(len(y))


class Recorder:
    """A callback that keeps what it is told; ends the fit after some tasks, if asked to."""

    def __init__(self, last=None):
        self.begun, self.ended, self.models, self.last = [], [], [], last

    def setup(self, estimator, context):
        """Nothing to prepare."""

    def teardown(self, estimator, context):
        """Nothing to clean up."""

    def on_fit_task_begin(self, estimator, context):
        """Note the name."""
        self.begun.append(context.task_name)

    def on_fit_task_end(self, estimator, context, *, fitted_estimator):
        """Note the name and the model; whether to end here."""
        self.ended.append(context.task_name)
        if fitted_estimator is not None:
            self.models.append(fitted_estimator)
        return len(self.models) == self.last


def test_float32_in_float32_out():
    for data in (X.astype(np.float32), sp.csr_matrix(X.astype(np.float32))):
        clf = SoftmaxRegression().fit(data, y)
        assert clf.coef_.dtype == clf.intercept_.dtype == np.float32
        for name in ("decision_function", "predict_proba", "predict_log_proba"):
            assert getattr(clf, name)(data).dtype == np.float32
        assert clf.predict_proba(X).dtype == np.float64
        assert clf.parameters_.W.dtype == np.float64  # what the certificate is about
        assert clf.partial_fit(data, y).coef_.dtype == np.float32


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("estimator", [SoftmaxRegression(), SoftmaxRegressionCV(Cs=2)])
def test_tensors_in_tensors_out(monkeypatch, estimator, dtype):
    monkeypatch.setattr("sklearn.utils._array_api._check_array_api_dispatch", lambda on: None)
    rows, labels = torch.tensor(X, dtype=dtype, requires_grad=True), torch.tensor(y)
    expected = clone(estimator).fit(rows.detach().numpy(), y)
    with sklearn.config_context(array_api_dispatch=True):
        clf = clone(estimator).fit(rows, labels, sample_weight=torch.ones(len(y)))
        assert clf.coef_.dtype == dtype
        assert torch.is_tensor(clf.classes_)
        assert torch.equal(clf.predict(rows), torch.tensor(expected.predict(rows.detach().numpy())))
        p = clf.predict_proba(rows)
        assert torch.is_tensor(p)
        with pytest.raises(InputError, match="namespace and device used during fit"):
            clf.predict(X)
    np.testing.assert_allclose(p, expected.predict_proba(rows.detach().numpy()), atol=1e-5)
    np.testing.assert_allclose(clf.coef_, expected.coef_, atol=1e-5)


def test_callbacks_see_every_iteration():
    seen = Recorder()
    clf = SoftmaxRegression(solver="lbfgs").set_callbacks(seen).fit(X, y)
    assert seen.begun == ["fit", *["iteration"] * (clf.n_iter_[0] + 1)]
    assert seen.ended == [*["iteration"] * (clf.n_iter_[0] + 1), "fit"]
    for n, model in enumerate(seen.models[:3], 1):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            alone = SoftmaxRegression(solver="lbfgs", max_iter=n).fit(X, y)
        np.testing.assert_allclose(model.coef_, alone.coef_)
    assert np.array_equal(seen.models[-1].predict(X), clf.predict(X))


@pytest.mark.parametrize("l1_ratio", [0.0, 1.0])
def test_a_callback_may_end_the_fit(l1_ratio):
    clf = SoftmaxRegression(l1_ratio=l1_ratio, tol=1e-12).set_callbacks(Recorder(last=2))
    with pytest.warns(UserWarning, match="interrupted after 2 iterations"):
        clf.fit(X, y)
    assert clf.n_iter_[0] == 2


def test_callbacks_see_every_problem_of_cross_validation(capsys):
    seen = Recorder()
    SoftmaxRegressionCV(Cs=2, cv=3).set_callbacks(seen, ProgressBar()).fit(X, y)
    assert seen.begun == ["fit", *["problem"] * 7]
    assert capsys.readouterr().out


def test_sparse_coefficients_predict_the_same():
    clf = SoftmaxRegression(0.1, l1_ratio=1.0, warm_start=True).fit(X, y)
    before = clf.predict_proba(X)
    assert sp.issparse(clf.sparsify().coef_)
    for rows in (X, sp.csr_matrix(X)):
        np.testing.assert_allclose(clf.predict_proba(rows), before, atol=1e-14)
    assert clf.fit(X, y).n_iter_[0] == 0


def test_a_warm_start_takes_what_was_written_to_the_coefficients():
    clf = SoftmaxRegression(warm_start=True).fit(X, y)
    best = clf.coef_.copy()
    clf.coef_[:] = 0
    clf.fit(X, y)
    assert clf.n_iter_[0] > 0
    np.testing.assert_allclose(clf.coef_, best, atol=1e-5)


def test_select_from_model_knows_an_l1_penalty():
    for estimator in (
        SoftmaxRegression(0.05, l1_ratio=1.0),
        SoftmaxRegression(0.05, penalty="l1"),
        SoftmaxRegressionCV([0.05], l1_ratios=[1.0]),
    ):
        selected = SelectFromModel(estimator).fit(X, y)
        assert selected.threshold_ == 1e-5
        assert np.array_equal(selected.get_support(), selected.estimator_.coef_.any(axis=0))
    assert SelectFromModel(SoftmaxRegression()).fit(X, y).threshold_ > 0.01
    copy = clone(SoftmaxRegression(l1_ratio=1.0)).set_params(l1_ratio=0.0)
    assert copy.penalty == copy.get_params()["penalty"] == "deprecated"
    assert repr(SoftmaxRegression(l1_ratio=1.0)) == "SoftmaxRegression(l1_ratio=1.0)"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"penalty": None, "C": 4.0}, "will ignore the C"),
        ({"penalty": "l1", "l1_ratio": 0.5}, r"Got \(penalty=l1\)"),
        ({"penalty": "l2", "l1_ratio": 0.5}, r"Got \(penalty=l2\)"),
        ({"penalty": "l2", "l1_ratio": 1.0}, "Inconsistent values"),
    ],
)
def test_contradictions_are_said(options, words):
    with pytest.warns(UserWarning, match=words):
        SoftmaxRegression(tol=9.0, **options).fit(X, y)
    with pytest.raises(ValueError, match="l1_ratio"):
        SoftmaxRegression(penalty="elasticnet", l1_ratio=None).fit(X, y)
    with pytest.raises(ValueError, match="l1_ratios"):
        SoftmaxRegressionCV(penalty="elasticnet").fit(X, y)
    with pytest.warns(UserWarning, match="l1_ratios parameter is only used"):
        SoftmaxRegressionCV([1.0], penalty="l1", l1_ratios=[0.5]).fit(X, y)


def test_steps_are_hidden_where_they_cannot_be_taken():
    assert hasattr(SoftmaxRegression(), "partial_fit")
    assert hasattr(SoftmaxRegression(np.inf, l1_ratio=1.0), "partial_fit")
    assert not hasattr(SoftmaxRegression(l1_ratio=0.5), "partial_fit")


@pytest.mark.parametrize(
    ("kind", "options", "words"),
    [
        (SoftmaxRegression, {"C": -1.0}, "C: expected a number above 0, got -1.0"),
        (
            SoftmaxRegression,
            {"fit_intercept": "yes"},
            "fit_intercept: expected an instance of 'bool'",
        ),
        (SoftmaxRegression, {"batch_size": 0}, "batch_size: expected a whole number from 1, got 0"),
        (SoftmaxRegressionCV, {"l1_ratios": 0.5}, "l1_ratios: expected a list of numbers, got 0.5"),
        (SoftmaxRegressionCV, {"scoring": 3}, "scoring: expected .* got 3"),
        (SoftmaxRegressionCV, {"penalty": None}, "penalty: expected .* got None"),
    ],
)
def test_parameters_are_refused_by_both_names(kind, options, words):
    for error in (InputError, InvalidParameterError):
        with pytest.raises(error, match=words):
            kind(**options).fit(X, y)
    with pytest.raises(InputError) as raised:
        kind(**options).fit(X, y)
    assert str(pickle.loads(pickle.dumps(raised.value))) == str(raised.value)


@pytest.mark.parametrize("weight", [np.nan, np.inf, -1.0, "heavy"])
def test_class_weights_that_are_none(weight):
    for estimator in (SoftmaxRegression, SoftmaxRegressionCV):
        with pytest.raises(InputError, match="class_weight: expected finite numbers from 0"):
            estimator(class_weight={0: weight, 1: 1.0, 2: 1.0}).fit(X, y)


def test_soft_targets_are_rows_that_sum_to_1():
    several = np.c_[y > 0, y > 1, y < 2].astype(int)
    with pytest.raises(InputError, match=r"several labels a row; .*MultiOutputClassifier"):
        SoftmaxRegression().fit(X, several)
    with pytest.raises(InputError, match="a sum of 9 in row 0; divide each row"):
        SoftmaxRegression().fit(X, np.full((len(y), 3), 3))
    with pytest.raises(InputError, match="a sparse matrix"):
        SoftmaxRegression().fit(X, sp.csr_matrix(np.eye(3)[y]))
    soft = np.random.default_rng(0).dirichlet(np.ones(3), len(y)).astype(np.float16)
    assert SoftmaxRegression().fit(X, soft).converged_
    assert SoftmaxRegression().fit(X, np.eye(3, dtype=bool)[y]).converged_


def test_the_score_is_the_chosen_one():
    clf = SoftmaxRegressionCV(Cs=2, scoring="neg_log_loss").fit(X, y)
    log_p = clf.predict_log_proba(X)[np.arange(len(y)), y]
    assert clf.score(X, y) == pytest.approx(log_p.mean())
    assert clf.score(X, y, ONES) == pytest.approx(log_p.mean())


def test_scorers_are_told_all_labels():
    text = np.array(["no", "yes"])[(y > 0).astype(int)]
    assert 0.5 < SoftmaxRegressionCV(Cs=2, scoring="f1").fit(X, text).score(X, text) <= 1
    fold = [(np.arange(0, 120, 2), np.flatnonzero(y < 2)[1::2])]  # without the last class
    clf = SoftmaxRegressionCV(Cs=2, scoring="neg_log_loss", cv=fold).fit(X, y)
    assert np.isfinite(clf.scores_).all()
    chosen = make_scorer(f1_score, labels=[1], average="macro", pos_label=None)
    assert labelled_scorer(chosen, np.arange(2)) is chosen


def test_a_class_missing_in_a_training_fold():
    order = np.argsort(y, kind="stable")
    clf = SoftmaxRegressionCV([0.1], cv=[(order[:70], order[70:])], scoring="accuracy")
    clf.fit(X, y)
    assert clf.coefs_paths_.shape == (1, 1, 1, 3, 6)


def test_folds_without_a_score_do_not_count():
    rare = np.where(np.arange(len(y)) < 117, 0, 2) + 0 * y
    rare[:50] = 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        clf = SoftmaxRegressionCV([0.1, 1.0], cv=5, scoring="roc_auc_ovr").fit(X, rare)
    assert np.isnan(clf.scores_).any()
    assert all(np.isfinite(point.mean_score) for point in clf.path_)


def test_metadata_reach_splitter_and_scorer():
    groups = np.arange(len(y)) % 6
    with pytest.raises(ValueError, match="enable_metadata_routing"):
        SoftmaxRegressionCV(cv=GroupKFold(3)).fit(X, y, groups=groups)
    with sklearn.config_context(enable_metadata_routing=True):
        assert SoftmaxRegressionCV(Cs=2, cv=GroupKFold(3)).fit(X, y, groups=groups).C_ > 0
        plain = make_scorer(accuracy_score)
        with pytest.raises(ValueError, match="not explicitly set"):
            SoftmaxRegressionCV(scoring=plain).fit(X, y, sample_weight=ONES)
        asked = plain.set_score_request(sample_weight=True)
        clf = SoftmaxRegressionCV(Cs=2, scoring=asked).fit(X, y, sample_weight=ONES)
        assert clf.score(X, y, sample_weight=y == 1) == clf.score(X[y == 1], y[y == 1])


def test_values_in_the_order_given():
    clf = SoftmaxRegressionCV([10.0, 0.01, 10.0], l1_ratios=[0.5, 0.0], cv=3).fit(X, y)
    assert clf.Cs_.tolist() == [10.0, 0.01, 10.0]
    assert clf.l1_ratios_.tolist() == [0.5, 0.0]
    ascending = SoftmaxRegressionCV([0.01, 10.0], l1_ratios=[0.0, 0.5], cv=3).fit(X, y)
    assert np.array_equal(clf.scores_, ascending.scores_[:, ::-1][:, :, [1, 0, 1]])
    assert clf.n_iter_.shape == clf.scores_.shape
    assert clf.coefs_paths_.shape == (*clf.scores_.shape, 3, 6)
    clf.set_params(store_coefs_paths=False).fit(X, y)
    assert not hasattr(clf, "coefs_paths_")


def test_frames_raise_no_warning():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=list("abcde"))
    clf = SoftmaxRegressionCV(Cs=2, scoring="neg_log_loss").fit(frame, y)
    assert list(clf.feature_names_in_) == list("abcde")
    assert clf.score(frame, y) < 0


def test_a_subclass_has_parameters_of_its_own():
    class Named(SoftmaxRegression):
        def __init__(self, C=2.0, *, name="x"):
            super().__init__(C)
            self.name = name

    assert Named._get_param_names() == ["C", "name"]
    assert "tol" in SoftmaxRegression().get_params()


@pytest.mark.parametrize(
    "y", [np.array([0.5, 1.5] * 20), np.array([1.0, np.nan] * 20)], ids=["fractions", "NaN"]
)
def test_numbers_that_are_no_labels_are_refused(y):
    with pytest.raises(ValueError, match=r"Unknown label type|NaN"):
        SoftmaxRegression().fit(np.arange(40.0)[:, None], y)


@pytest.mark.parametrize(
    "y",
    [[True, False] * 20, ["a", "b"] * 20, np.array([1, 2] * 20, np.uint8), [0.0, 1.0] * 20,
     np.array(["a", "b"] * 20, object)],
    ids=["booleans", "text", "bytes", "whole floats", "objects"],
)  # fmt: skip
def test_labels_of_every_kind_are_those_of_scikit_learn(y):
    X = np.arange(40.0)[:, None]
    ours, theirs = SoftmaxRegression().fit(X, y), LogisticRegression().fit(X, y)
    np.testing.assert_array_equal(ours.classes_, theirs.classes_)
    assert ours.classes_.dtype == theirs.classes_.dtype
