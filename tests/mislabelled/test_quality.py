"""Ranking and suspicion from given probabilities, against the definitions written as loops."""

from __future__ import annotations

import numpy as np
import pytest

import pminusy as pmy
from pminusy.errors import InputError
from pminusy.mislabelled.duplicates import contradictions, nearest
from pminusy.mislabelled.quality import error_shares, suggested_classes


def some(seed: int, N: int = 60, K: int = 4):
    rng = np.random.default_rng(seed)
    return rng.integers(0, K, N), rng.dirichlet(np.full(K, 0.5), N)


def test_the_order_is_that_of_the_loss_and_of_the_distance_to_the_label():
    y, p = some(0)
    quality = pmy.label_quality(y, p)
    distance = np.abs(p - np.eye(4)[y]).sum(axis=1)
    assert np.allclose(distance, 2 * (1 - quality), rtol=0, atol=1e-12)
    assert np.array_equal(np.argsort(quality), np.argsort(np.log(p[np.arange(60), y])))


@pytest.mark.parametrize("seed", range(5))
def test_suggestions_are_those_of_the_definition(seed):
    y, p = some(seed)
    p[[3, 11]] = np.nan
    y[y == 2] = 1  # no row of class 2
    usual = {
        k: np.mean([p[i, k] for i in range(60) if y[i] == k and not np.isnan(p[i, k])])
        for k in (0, 1, 3)
    }
    expected = []
    for i in range(60):
        likely = [k for k in usual if not np.isnan(p[i, k]) and p[i, k] >= usual[k]]
        beaten = not np.isnan(p[i, 0]) and p[i].max() > p[i, y[i]]
        expected.append(max(likely, key=lambda k: p[i, k]) if beaten and likely else y[i])
    found = suggested_classes(y, p)
    assert found.tolist() == expected
    assert (found != y).any()
    shares = error_shares(y, found, 4)
    assert np.isnan(shares[2])
    assert shares[0] == np.mean(found[y == 0] != 0)


REFUSED = {
    "logits": ([0, 1], [[2.0, -1.0], [0.5, 0.5]], "expected probabilities"),
    "a label too large": ([0, 2], [[0.5, 0.5], [0.5, 0.5]], "class indices from 0 to 1"),
    "text": (["a", "b"], [[0.5, 0.5], [0.5, 0.5]], "whole numbers from 0"),
    "other lengths": ([0], [[0.5, 0.5], [0.5, 0.5]], "a class for each of the 2 rows"),
    "one class": ([0], [[1.0]], "K ≥ 2"),
    "half NaN": ([0, 0], [[np.nan, 1.0], [0.5, 0.5]], "in row 0"),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_what_is_no_class_or_no_probability_is_refused(case):
    y, p, message = case
    with pytest.raises(InputError, match=message):
        pmy.label_quality(y, p)


@pytest.mark.parametrize("form", ["dense", "sparse"])
def test_equal_rows_with_other_labels_are_found(form):
    import scipy.sparse as sp

    X = np.array([[1.0, 2], [0, 4], [1, 2], [0, 4], [-0.0, 0], [0, 0], [7, 7], [1, 2]])
    y = np.array([0, 1, 1, 1, 2, 3, 0, 0])
    rows = sp.csr_array(X) if form == "sparse" else X
    found = sorted(group.tolist() for group in contradictions(rows, y))
    assert found == [[0, 2, 7], [4, 5]]


@pytest.mark.parametrize("form", ["dense", "sparse"])
def test_the_nearest_row_is_that_of_all_distances(form):
    import scipy.sparse as sp

    X = np.random.default_rng(0).normal(size=(40, 3))
    X[17] = X[5] + 1e-9
    apart = np.linalg.norm(X[:, None] - X, axis=2)
    np.fill_diagonal(apart, np.inf)
    rows = np.array([0, 5, 17, 39])
    found = nearest(sp.csr_array(X) if form == "sparse" else X, rows)
    assert [n.row for n in found] == apart[rows].argmin(axis=1).tolist()
    assert np.allclose([n.distance for n in found], apart[rows].min(axis=1), rtol=1e-6, atol=1e-12)
    assert [n.near for n in found][1:3] == [True, True]
