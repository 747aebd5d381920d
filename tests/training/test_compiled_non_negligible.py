"""Curvature on selected classes: the kernels against their specification, and that against H v."""

from __future__ import annotations

import numpy as np
import pytest

from pminusy.training.passes import non_negligible as specification
from pminusy.training.passes import specification as passes
from pminusy.training.passes.compiled import non_negligible as non_negligible
from pminusy.training.passes.non_negligible import SelectedClasses
from pminusy.training.passes.specification import TILE, RowSubset, RowTargets

K, D, N = 7, 19, 333
ROWS = {
    "all rows": RowSubset(0, 1, N),
    "every third": RowSubset(1, 3, 111),
    "some": RowSubset(1, 2, 70, np.random.default_rng(0).permutation(N)[:150]),
}


def _setting(kind, dtype):
    random = np.random.default_rng(3)
    X = random.normal(size=(N, D)).astype(dtype)
    W, b = random.normal(size=(K, D)).astype(dtype), random.normal(size=K).astype(dtype)
    omega = random.random(N)
    omega[::11] = 0
    own, spread = random.random(K), random.random(K) * (0.1 if kind == "smoothed" else 0)
    soft = random.random((N, K)) if kind == "soft" else np.empty((0, 0))
    labels = random.integers(0, K, N).astype(np.int32)
    return X, RowTargets(labels, soft, omega, own, spread), W, b


def _room(rows, a_row):
    slots = -(-rows.number // TILE) * TILE
    room = int(slots * (1 + a_row))
    return SelectedClasses(
        np.zeros(slots + 1, np.int64),
        np.full(room, -1, np.int32),
        np.full(room, np.nan, np.float32),
        np.zeros(K),
        np.zeros(K),
    )


def _same(found, expected, tolerance):
    used = int(expected.start.max())
    np.testing.assert_array_equal(found.start, expected.start)
    np.testing.assert_array_equal(found.classes[:used], expected.classes[:used])
    np.testing.assert_allclose(found.p[:used], expected.p[:used], rtol=tolerance, atol=tolerance)
    for name in ("curvature", "rest"):
        here, there = getattr(found, name), getattr(expected, name)
        np.testing.assert_allclose(here, there, rtol=tolerance, atol=tolerance * there.max())


@pytest.mark.parametrize("a_row", [0.5, 3, 8], ids=["no room", "some room", "room"])
@pytest.mark.parametrize("rows", ROWS.values(), ids=ROWS)
@pytest.mark.parametrize("kind", ["labels", "smoothed", "soft"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_compiled_kernels_are_the_specification(dtype, kind, rows, a_row):
    X, y, W, b = _setting(kind, dtype)
    tiles, tolerance = (0, -(-rows.number // TILE)), 100 * np.finfo(np.float32).eps
    results = []
    for module in (specification, non_negligible):
        found, G, g = _room(rows, a_row), np.zeros((K, D)), np.zeros(K)
        loss = module.point(X, y, W, b, rows, tiles, 0.05, found, G, g)
        results.append((found, np.atleast_1d(loss), G, g))
    (expected, *sums), (found, *fast) = results
    _same(found, expected, tolerance)
    for here, there in zip(fast, sums, strict=True):
        assert np.abs(here - there).max() <= tolerance * np.abs(there).max()
    Z = np.zeros((tiles[1], K, TILE), dtype)
    passes.point(X, y, W, b, rows, tiles, Z, G, g)
    kept = _room(rows, a_row)
    non_negligible.pick(y, rows, tiles, Z, 0.05, kept)
    _same(kept, expected, tolerance)


def _product(module, X, rows, tiles, S, found, V, v):
    G, g = np.zeros((K + 1, D), np.float32), np.zeros(K + 1, np.float32)
    module.times(X, rows, tiles, S, found, V, v, G, g)
    return G, g


@pytest.mark.parametrize("rows", ROWS.values(), ids=ROWS)
def test_products_are_the_specification(rows):
    X, y, W, b = _setting("labels", np.float32)
    tiles, random = (0, -(-rows.number // TILE)), np.random.default_rng(5)
    found, S = _room(rows, 8), random.random(N).astype(np.float32)
    specification.point(X, y, W, b, rows, tiles, 0.1, found, np.zeros((K, D)), np.zeros(K))
    V = random.normal(size=(K + 1, D)).astype(np.float32)
    v = random.normal(size=K + 1).astype(np.float32)
    expected = _product(specification, X, rows, tiles, S, found, V, v)
    for here, there in zip(
        _product(non_negligible, X, rows, tiles, S, found, V, v), expected, strict=True
    ):
        np.testing.assert_allclose(here, there, atol=1e-5 * np.abs(there).max())


def test_where_every_class_is_likely_the_product_is_the_hessian_s():
    X, y, W, b = _setting("labels", np.float64)
    rows, tiles, random = RowSubset(0, 1, N), (0, 6), np.random.default_rng(6)
    found = _room(rows, 8)
    non_negligible.point(X, y, W, b, rows, tiles, 0.0, found, np.zeros((K, D)), np.zeros(K))
    np.testing.assert_allclose(found.rest, 0, atol=1e-4)
    S = passes.mass(y, np.arange(N)).sum(axis=1).astype(np.float32)
    V, v = random.normal(size=(K + 1, D)), random.normal(size=K + 1)
    V[K], v[K] = 0, 0
    G, g = _product(
        non_negligible, X, rows, tiles, S, found, *(a.astype(np.float32) for a in (V, v))
    )
    exact_G, exact_g = np.zeros((K, D)), np.zeros(K)
    Z = np.zeros((0, 0, 0))
    passes.hvp(X, y, W, b, V[:K], v[:K], rows, tiles, Z, exact_G, exact_g)
    np.testing.assert_allclose(G[:K], exact_G, atol=1e-4 * np.abs(exact_G).max())
    np.testing.assert_allclose(g[:K], exact_g, atol=1e-4 * np.abs(exact_g).max())
