"""The Hessian of all classes together: exact, and so however sure the rows are."""

from __future__ import annotations

import numpy as np
import pytest

from pminusy.training import hessian as coupled
from pminusy.training.hessian import coupled_hessian


def _hessian(x, p, w):
    K, E = p.shape[0], x.shape[0]
    return coupled_hessian([(lambda a, b: (x[:, a:b], p[:, a:b], w[a:b]), w.size)], K, E)


def _problem(N, K, E, sure):
    random = np.random.default_rng(0)
    z = sure * random.normal(size=(K, N))
    p = np.exp(z - z.max(axis=0))
    return random.normal(size=(E, N)), p / p.sum(axis=0), random.random(N)


@pytest.mark.parametrize("way", ["pairs", "columns"])
@pytest.mark.parametrize("K", [2, 5])
def test_it_is_the_sum_over_rows(K, way, monkeypatch):
    if way == "columns":
        monkeypatch.setattr(coupled, "_MOST_FEATURES", 0)
    x, p, w = _problem(700, K, 4, 1.0)
    cores = np.einsum("kn,kl->nkl", p, np.eye(K)) - np.einsum("kn,ln->nkl", p, p)
    expected = np.einsum("n,nkl,dn,en->kdle", w, cores, x, x).reshape(4 * K, 4 * K)
    np.testing.assert_allclose(_hessian(x, p, w), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("way", ["pairs", "columns"])
def test_rows_that_are_nearly_sure_keep_their_curvature_in_float32(way, monkeypatch):
    if way == "columns":
        monkeypatch.setattr(coupled, "_MOST_FEATURES", 0)
    x, p, w = _problem(300, 3, 2, 0.0)
    p[:] = np.array([[1.0], [1e-9], [1e-10]])
    single = _hessian(*(a.astype(np.float32) for a in (x, p, w)))
    own = np.einsum("n,dn,en->de", w, x, x)
    np.testing.assert_allclose(single[:2, :2], (1e-9 + 1e-10) * own, rtol=1e-4)
    assert np.linalg.eigvalsh(single).min() >= -1e-6 * single.max()
