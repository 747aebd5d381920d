"""What users of scikit-learn's LogisticRegression rely on, as behaviours."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone

from pminusy import ops
from pminusy.estimators.softmax_regression import SoftmaxRegression
from tests.training.problems import random_problem


@pytest.fixture(scope="module")
def problem():
    return random_problem(N=200, D=5, K=3)


@pytest.mark.parametrize(("ratio", "penalty"), [(0.0, "l2"), (1.0, "l1")])
def test_the_ends_of_the_elastic_net_are_ridge_and_lasso(problem, ratio, penalty):
    mixed = SoftmaxRegression(0.3, l1_ratio=ratio, tol=1e-9).fit(*problem)
    named = SoftmaxRegression(0.3, penalty=penalty, tol=1e-9).fit(*problem)
    np.testing.assert_allclose(mixed.coef_, named.coef_, atol=1e-7)


def test_a_stronger_lasso_leaves_fewer_weights(problem):
    left = [
        np.count_nonzero(SoftmaxRegression(C, l1_ratio=1.0).fit(*problem).coef_)
        for C in (1e-3, 3e-2, 10.0)
    ]
    assert left[0] == 0
    assert left[0] < left[1] < left[2]


def test_sparse_and_dense_data_give_the_same_model(problem):
    X, y = problem
    X = np.where(np.abs(X) > 0.7, X, 0.0)
    dense = SoftmaxRegression(tol=1e-10).fit(X, y)
    for container in (sp.csr_matrix, sp.csr_array, sp.csc_matrix, sp.coo_array):
        sparse = SoftmaxRegression(tol=1e-10).fit(container(X), y)
        np.testing.assert_allclose(sparse.coef_, dense.coef_, atol=1e-7)
        np.testing.assert_allclose(sparse.predict_proba(container(X)), dense.predict_proba(X))


def test_class_weights_are_sample_weights(problem):
    X, y = problem
    factor = {0: 1.0, 1: 2.5, 2: 0.3}
    by_class = SoftmaxRegression(class_weight=factor, tol=1e-10).fit(X, y)
    by_row = SoftmaxRegression(tol=1e-10).fit(X, y, sample_weight=[factor[c] for c in y])
    np.testing.assert_allclose(by_class.coef_, by_row.coef_, atol=1e-8)


def test_all_ways_to_ask_for_probabilities_agree(problem):
    X, y = problem
    for labels in (y, y == 0):
        model = SoftmaxRegression().fit(X, labels)
        p, z = model.predict_proba(X), model.decision_function(X)
        np.testing.assert_allclose(np.log(p), model.predict_log_proba(X), atol=1e-12)
        np.testing.assert_allclose(p.sum(axis=1), 1)
        z = np.stack([np.zeros(len(z)), z], axis=1) if z.ndim == 1 else z
        np.testing.assert_array_equal(model.predict(X), model.classes_[z.argmax(axis=1)])
        assert model.score(X, labels) == np.mean(model.predict(X) == labels)


def test_without_an_intercept_there_is_none(problem):
    model = SoftmaxRegression(fit_intercept=False).fit(*problem)
    assert not model.intercept_.any()
    shifted = SoftmaxRegression(tol=1e-10).fit(problem[0] + 3.0, problem[1])
    np.testing.assert_allclose(
        shifted.coef_, SoftmaxRegression(tol=1e-10).fit(*problem).coef_, atol=1e-7
    )


def test_iterations_are_counted_and_a_clone_starts_anew(problem):
    model = SoftmaxRegression(warm_start=True).fit(*problem)
    assert model.n_iter_.shape == (1,)
    assert 0 < model.n_iter_[0] == len(model.history_) - 1
    assert not hasattr(clone(model), "coef_")
    assert model.fit(*problem).n_iter_[0] == 0


def test_labels_of_any_kind_come_back(problem):
    X, y = problem
    for labels in (np.array(["c", "a", "b"])[y], y - 5, y * 10**12):
        model = SoftmaxRegression().fit(X, labels)
        np.testing.assert_array_equal(model.classes_, np.unique(labels))
        assert model.predict(X).dtype == labels.dtype


def test_repeating_the_data_is_doubling_C(problem):
    X, y = problem
    once = SoftmaxRegression(2.0, tol=1e-10).fit(X, y)
    twice = SoftmaxRegression(1.0, tol=1e-10).fit(np.tile(X, (2, 1)), np.tile(y, 2))
    np.testing.assert_allclose(once.coef_, twice.coef_, atol=1e-8)


@pytest.mark.parametrize("K", [2, 3])
@pytest.mark.parametrize("N", [1, 7, 2000])
def test_probabilities_are_those_of_the_logits_for_few_rows_and_many(N, K):
    random = np.random.default_rng(N)
    X, y = random.normal(size=(2000, 4)), np.arange(2000) % K
    clf = SoftmaxRegression(tol=1.0).fit(X, y)
    clf.coef_ = clf.coef_ * 0 + 40 * random.normal(size=clf.coef_.shape)
    z = np.asarray(clf.decision_function(X[:N]))
    z = np.stack([0 * z, z], axis=1) if K == 2 else z
    np.testing.assert_allclose(clf.predict_proba(X[:N]), ops.softmax(z), rtol=1e-12, atol=0)
    np.testing.assert_allclose(clf.predict_proba(X[:N], top_k=1).probabilities[:, 0],
                               ops.softmax(z).max(axis=1), rtol=1e-12)  # fmt: skip


def test_probabilities_of_logits_beyond_all_bounds():
    clf = SoftmaxRegression().fit([[0.0], [1.0], [2.0]], [0, 1, 2])
    clf.coef_ = np.array([[1e300], [0.0], [-1e300]])
    with np.errstate(over="ignore"):
        found = clf.predict_proba([[1e300]])
    np.testing.assert_array_equal(found, ops.softmax([[np.inf, 0.0, -np.inf]]))
