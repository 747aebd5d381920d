"""A fit of blocks has the answer of a fit in memory, which is the oracle."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.exceptions import ConvergenceWarning

import pminusy as pmy
from pminusy.core.softmax import plain_softmax
from tests import tiers

from .cases import TOL, Case, draw

TINY = 4000  # bytes of rows: nearly all are read anew on every visit


def fitted(case: Case, **others: Any) -> tuple[Any, Any]:
    """A fit in memory and one of blocks."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = pmy.SoftmaxRegression(**case.parameters, **others)
        whole = model.fit(case.X, case.y, case.weight)
        blocks = pmy.SoftmaxRegression(**case.parameters, **others, memory=TINY)
        return whole, blocks.fit(pmy.Blocks(case.blocks()))


def smallest_eigenvalue(case: Case, model: Any) -> float:
    """Of the mean Hessian with the ridge, across what the softmax sees."""
    X = case.X.toarray() if sp.issparse(case.X) else np.asarray(case.X, np.float64)
    if model.fit_intercept:
        X = np.concatenate([X, np.ones((X.shape[0], 1))], axis=1)
    W, b = model.parameters_
    p = plain_softmax(X[:, : W.shape[1]] @ W.T + b)[1]
    w = np.ones(X.shape[0]) if case.weight is None else case.weight
    E = X.shape[1]
    K = W.shape[0]
    H = np.zeros((K * E, K * E))
    for x, row, omega in zip(X, p, w, strict=True):
        H += omega * np.kron(np.diag(row) - np.outer(row, row), np.outer(x, x))
    ridge = np.zeros(E)
    if np.isfinite(model.C):
        ridge[: W.shape[1]] = (1 - model.l1_ratio) / model.C
    H += np.kron(np.eye(K), np.diag(ridge))
    centred = np.kron(np.eye(K) - 1 / K, np.eye(E))
    values = np.linalg.eigvalsh(centred @ H @ centred / w.sum())
    seen = float(values[E])  # E directions are those that the softmax does not see
    ratio = model.l1_ratio if np.isfinite(model.C) else 0.0
    return seen if ratio == 0 else min(seen, ridge[0] / w.sum())  # which L1 does not hold at 0


def require_same(case: Case) -> None:
    """The same certificate, objective and, where the problem determines them, weights."""
    whole, blocks = fitted(case)
    assert blocks.warnings_ == whole.warnings_
    np.testing.assert_array_equal(blocks.classes_, whole.classes_)
    assert blocks.classes_.dtype == whole.classes_.dtype
    assert blocks.coef_.dtype == whole.coef_.dtype
    if not whole.converged_:
        return
    assert blocks.converged_
    assert blocks.optimality_ <= case.parameters["tol"]
    assert abs(blocks.objective_ - whole.objective_) <= 1e-9 * abs(whole.objective_)
    if smallest_eigenvalue(case, whole) >= 1e-3 and whole.coef_.dtype == np.float64:
        atol = 1e-6 if case.parameters["tol"] == TOL else 1e-5
        np.testing.assert_allclose(blocks.coef_, whole.coef_, atol=atol, rtol=1e-6)
        np.testing.assert_allclose(blocks.intercept_, whole.intercept_, atol=atol, rtol=1e-6)


@pytest.mark.parametrize("seed", [*range(40), 1796])  # its last step promises only rounding
def test_a_fit_of_blocks_is_that_of_arrays(seed: int) -> None:
    require_same(draw(seed))


@pytest.mark.parametrize("seed", tiers.slow([*range(40, 200), *range(1000, 3000)], 240))
def test_more_fits_of_blocks_are_those_of_arrays(seed: int) -> None:
    require_same(draw(seed))
