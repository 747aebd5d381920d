"""The part of a large array that is shown is the one with the largest entries."""

import numpy as np

from pminusy.report.weights import grid, largest


def test_a_small_array_comes_whole_in_its_order():
    W = np.array([[1.0, -4.0], [0.5, 2.0], [0.0, 0.0]])
    found = grid(W, 10, 10)
    assert found.features == [0, 1]
    assert found.classes == [0, 1, 2]
    assert found.values == W.T.tolist()
    assert found.depths == [[0.25, 0.125, 0.0], [1.0, 0.5, 0.0]]


def test_the_largest_stay():
    W = np.zeros((50, 80))
    W[7, 60], W[30, 5], W[2, 5] = -3.0, 2.0, 1.0
    found = grid(W, 2, 2)
    assert found.features == [5, 60]
    assert found.classes == [7, 30]
    assert found.values == [[0.0, 2.0], [-3.0, 0.0]]


def test_kept_classes_stay_however_small():
    W = np.diag([0.0, 5.0, 4.0, 3.0])
    assert grid(W, 4, 2, keep=(0, 3)).classes == [0, 3]


def test_no_weights_at_all():
    assert grid(np.zeros((2, 3)), 5, 5).depths == [[0.0, 0.0]] * 3
    assert grid(np.zeros((2, 0)), 5, 5).values == []


def test_ties_keep_the_order_of_the_table():
    assert largest(np.ones(5), 3) == [0, 1, 2]
    assert largest(np.array([1.0, 3.0, 2.0]), 2, keep=(0,)) == [0, 1]


def test_features_by_their_largest_entry():
    W = np.array([[1.0, -4.0, 0.0], [0.5, 2.0, 3.0]])
    assert grid(W, 2, 2, by_size=True).features == [1, 2]
    assert grid(W, 2, 2, by_size=True).values == [[-4.0, 2.0], [0.0, 3.0]]
