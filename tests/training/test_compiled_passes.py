"""The compiled passes against their specification, in every variant."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from pminusy.training.passes import specification as passes
from pminusy.training.passes.compiled import passes as fit
from pminusy.training.passes.specification import PADDING, Csr, RowSubset, RowTargets

K, D = 7, 19


def _setting(kind, dtype, sparse, K=K, D=D):
    random = np.random.default_rng(3)
    N = 333
    X: Any = random.normal(size=(N, D)).astype(dtype)
    if sparse:
        rows = sp.csr_matrix(X * (random.random((N, D)) < 0.3))
        X = Csr(rows.data, rows.indices, rows.indptr)
    shape = (D, K) if sparse else (K, D)
    W, V = random.normal(size=(2, *shape)).astype(dtype)
    if sparse:  # columns beyond the classes do not count
        W, V = (np.pad(a, ((0, 0), (0, -K % PADDING)), constant_values=7) for a in (W, V))
    b, v = random.normal(size=(2, K)).astype(dtype)
    omega = random.random(N)
    omega[::11] = 0
    own, spread = random.random(K), random.random(K) * (0.1 if kind == "smoothed" else 0)
    soft = random.random((N, K)) if kind == "soft" else np.empty((0, 0))
    labels = random.integers(0, K, N).astype(np.int32)
    return X, RowTargets(labels, soft, omega, own, spread), W, b, V, v


def _everything(module, setting, rows):
    """All passes, their sums one after the other."""
    X, y, W, b, V, v = setting
    K, D = b.size, W.shape[0 if isinstance(X, Csr) else 1]
    tiles = (0, -(-rows.number // passes.TILE))
    Z, A = (np.zeros((tiles[1], K, passes.TILE), W.dtype) for _ in range(2))
    nothing, out = np.zeros((0, 0, 0), W.dtype), []

    def take(call):
        G, g = np.zeros((D, K) if isinstance(X, Csr) else (K, D)), np.zeros(K)
        result = call(G, g)
        out.extend([np.atleast_1d(0.0 if result is None else result), G, g])

    take(lambda G, g: module.point(X, y, W, b, rows, tiles, Z, G, g))
    take(lambda G, g: module.step(X, y, V, v, rows, tiles, Z, A, G, g))
    out.append(np.array(module.restriction(y, rows, tiles, Z, A, 0.3)))
    take(lambda G, g: module.hvp(X, y, W, b, V, v, rows, tiles, Z, G, g))
    take(lambda G, g: module.hvp(X, y, W, b, V, v, rows, tiles, nothing, G, g))
    take(lambda G, g: module.curvature(X, y, W, b, rows, tiles, Z, G, g))
    take(lambda G, g: module.curvature(X, y, W, b, rows, tiles, nothing, G[:0], g))
    take(lambda G, g: module.gradient(X, y, rows, tiles, Z, A, 0.3, G, g))
    return out


ROWS = {
    "all rows": RowSubset(0, 1, 333),
    "every third": RowSubset(1, 3, 111),
    "some": RowSubset(1, 2, 70, np.random.default_rng(0).permutation(333)[:150]),
}


@pytest.mark.parametrize("rows", ROWS.values(), ids=ROWS)
@pytest.mark.parametrize("kind", ["labels", "smoothed", "soft"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
def test_compiled_passes_are_the_specification(sparse, dtype, kind, rows):
    setting = _setting(kind, dtype, sparse)
    exact = _everything(passes, setting, rows)
    fast = _everything(fit, setting, rows)
    for expected, found in zip(exact, fast, strict=True):
        scale = np.abs(expected).max()
        assert np.abs(found - expected).max() <= 30 * np.finfo(dtype).eps * max(scale, 1e-30)


@pytest.mark.parametrize(("X_type", "dtype"), [(np.float64, np.float32), (np.float32, np.float64)])
@pytest.mark.parametrize(("K", "D"), [(2, 1), (5, 61), (9, 120), (6, 300)])
def test_tiles_of_every_size(K, D, X_type, dtype):
    X, y, W, b, V, v = _setting("labels", dtype, sparse=False, K=K, D=D)
    X = (8 * X).astype(X_type)
    W, V = (a / float(np.sqrt(D)) for a in (W, V))
    rows = RowSubset(0, 1, 333)
    exact = _everything(passes, (X.astype(dtype), y, W, b, V, v), rows)
    fast = _everything(fit, (X, y, W, b, V, v), rows)
    for expected, found in zip(exact, fast, strict=True):
        scale = np.abs(expected).max()
        assert np.abs(found - expected).max() <= 200 * np.finfo(dtype).eps * max(scale, 1e-30)


def test_integers_are_read_as_they_are():
    X, y, W, b, *_ = _setting("labels", np.float32, sparse=False)
    X = (np.abs(X) * 50).astype(np.uint8)
    rows, tiles, nothing = RowSubset(0, 1, 333), (0, 6), np.zeros((0, 0, 0), np.float32)
    results = []
    for inputs in (X, X.astype(np.float32)):
        G, g = np.zeros(W.shape), np.zeros(K)
        results.append((fit.point(inputs, y, W / 50, b, rows, tiles, nothing, G, g), G, g))
    for first, second in zip(*results, strict=True):
        np.testing.assert_allclose(first, second, rtol=2e-5, atol=1e-3)


def test_certain_rows_keep_their_small_residuals():
    z = np.array([[40.0, 0.0]])
    y = RowTargets(np.zeros(1, np.int32), np.empty((0, 0)), np.ones(1), np.ones(2), np.zeros(2))
    for module in (passes, fit):
        G, g = np.zeros((2, 1)), np.zeros(2)
        loss = module.point(
            np.ones((1, 1)),
            y,
            z.T.copy(),
            np.zeros(2),
            RowSubset(0, 1, 1),
            (0, 1),
            np.zeros((0, 0, 0)),
            G,
            g,
        )
        if module is fit:
            assert loss == pytest.approx(4.248354255291589e-18, rel=1e-12)
        np.testing.assert_allclose(g, [-4.248354255291589e-18, 4.248354255291589e-18], rtol=1e-12)
