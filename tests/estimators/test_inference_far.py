"""Standard errors of columns whose mean is far above their spread, against 60 digits."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from mpmath import lu_solve, matrix, mp, mpf

from pminusy.estimators.softmax_regression import SoftmaxRegression


def _oracle(X, y, classes, weight):
    """Errors (K − 1, D + 1) at the optimum without a penalty: Newton's method about the mean."""
    with mp.workdps(60):
        n, D = X.shape
        centre = [sum(mpf(float(v)) for v in X[:, d]) / n for d in range(D)]
        rows = [[mpf(float(X[i, d])) - centre[d] for d in range(D)] + [mpf(1)] for i in range(n)]
        E, size = D + 1, (classes - 1) * (D + 1)
        theta = matrix(size, 1)
        for _ in range(60):
            g, H = matrix(size, 1), matrix(size, size)
            for x, label, w in zip(rows, y, weight, strict=True):
                z = [sum(theta[k * E + e] * x[e] for e in range(E)) for k in range(classes - 1)]
                powers = [mpf(1), *(mp.exp(v) for v in z)]
                p = [v / sum(powers) for v in powers]
                for k in range(classes - 1):
                    for a in range(E):
                        g[k * E + a] += w * (p[k + 1] - (label == k + 1)) * x[a]
                        for m in range(classes - 1):
                            bend = w * p[k + 1] * ((k == m) - p[m + 1]) * x[a]
                            for b in range(E):
                                H[k * E + a, m * E + b] += bend * x[b]
            step = lu_solve(H, g)
            theta -= step
            if max(abs(v) for v in step) < mpf(10) ** -30:
                break
        covariance = H**-1
        errors = np.empty((classes - 1, E))
        for k in range(classes - 1):
            own = covariance[k * E : (k + 1) * E, k * E : (k + 1) * E]
            back = matrix([-c for c in centre] + [mpf(1)])
            errors[k, :D] = [float(mp.sqrt(own[d, d])) for d in range(D)]
            errors[k, D] = float(mp.sqrt((back.T * own * back)[0]))
        return errors


def _problem(classes, columns, offset, seed):
    random = np.random.default_rng(seed)
    X = random.normal(size=(30, columns))
    y = np.clip(np.round(X[:, 0] + random.normal(size=30) + (classes - 1) / 2), 0, classes - 1)
    weight = random.integers(1, 4, 30).astype(float)
    return X + offset * random.choice([-1.0, 0.7, 1.0], columns), y.astype(int), weight


def _errors(X, y, weight):
    with warnings.catch_warnings():  # 10¹² spreads from 0 the fit itself is at its last digits
        warnings.simplefilter("ignore")
        clf = SoftmaxRegression(np.inf, tol=1e-9).fit(X, y, weight)
        return clf.summary(X, y, weight).standard_errors


@pytest.mark.parametrize(
    ("offset", "rtol"),
    [(0, 1e-9), (1e4, 1e-9), (1e6, 1e-8), (1e8, 1e-6), (1e10, 1e-4), (1e12, 5e-3)],
)
@pytest.mark.parametrize(("classes", "columns"), [(2, 1), (2, 3), (3, 2)])
def test_errors_far_from_0(classes, columns, offset, rtol):
    X, y, weight = _problem(classes, columns, offset, seed=classes + columns)
    expected = _oracle(X, y, classes, [mpf(w) for w in weight])
    np.testing.assert_allclose(_errors(X, y, weight), expected, rtol=rtol)


@pytest.mark.parametrize("offset", [0, 1e3, 1e5])
def test_errors_of_sparse_rows_far_from_0(offset):
    X, y, weight = _problem(2, 2, offset, seed=1)
    expected = _oracle(X, y, 2, [mpf(w) for w in weight])
    np.testing.assert_allclose(_errors(sp.csr_array(X), y, weight), expected, rtol=1e-7)


def test_dates_as_numbers_and_unix_times():
    random = np.random.default_rng(4)
    for first, width in ((20_230_100, 31), (1_700_000_000, 86_400), (1_700_000_000, 60)):
        moments = first + random.integers(0, width, 200).astype(float)
        y = (random.normal(size=200) + (moments - first) / width > 0.5).astype(int)
        with warnings.catch_warnings():  # a mean of 10⁸ spreads: the fit is at its last digits
            warnings.simplefilter("ignore")
            far = SoftmaxRegression(np.inf).fit(moments[:, None], y)
        near = SoftmaxRegression(np.inf, tol=1e-10).fit(moments[:, None] - first, y)
        summary = far.summary(moments[:, None], y)
        there = near.summary(moments[:, None] - first, y)
        np.testing.assert_allclose(summary.standard_errors[0, 0], there.standard_errors[0, 0], 1e-6)
        np.testing.assert_allclose(summary.z[0, 0], there.z[0, 0], 1e-5)
        assert summary.log_likelihood == pytest.approx(there.log_likelihood, rel=1e-9)


def test_large_numbers_do_not_overflow():
    X, y, weight = _problem(2, 1, 0, seed=3)
    errors = _errors(X, y, weight)
    np.testing.assert_allclose(_errors(X * 1e140, y, weight)[:, 0], errors[:, 0] * 1e-140, 1e-6)


def test_a_penalty_is_of_the_weights_as_they_are():
    X, y, weight = _problem(2, 2, 0, seed=5)
    held = SoftmaxRegression(0.5, tol=1e-11)
    near = held.fit(X * [1, 9], y, weight).summary(X * [1, 9], y, weight).standard_errors
    far = X * [1, 9] + 1e5
    there = held.fit(far, y, weight).summary(far, y, weight).standard_errors
    np.testing.assert_allclose(there[:, :2], near[:, :2], rtol=1e-7)
