"""The split holds out a share of each class, and never all of one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pminusy.estimators.split import stratified_split

LABELS = st.lists(st.integers(0, 6), min_size=1, max_size=200).map(np.array)


@given(LABELS, st.floats(0, 0.99), st.integers(0, 2**31))
def test_every_row_is_on_one_side_and_every_class_is_trained(y, test_size, seed):
    train, test = stratified_split(y, test_size, seed)
    np.testing.assert_array_equal(np.sort(np.concatenate([train, test])), np.arange(y.size))
    assert set(y[train]) == set(y)
    for label in set(y):
        n = int((y == label).sum())
        assert abs((y[test] == label).sum() - n * test_size) <= max(0.5, n * test_size - (n - 1))


def test_a_class_with_one_row_stays_in_training():
    train, test = stratified_split(np.array([0, 1, 1, 1, 1, 1]), 0.9, 0)
    assert 0 in train
    assert test.size == 4


def test_seed_chooses_and_order_is_kept():
    y = np.arange(300) % 3
    train, test = stratified_split(y, 0.2, 0)
    assert test.size == 60
    assert (np.diff(train) > 0).all()
    assert (np.diff(test) > 0).all()
    np.testing.assert_array_equal(test, stratified_split(y, 0.2, 0)[1])
    assert not np.array_equal(test, stratified_split(y, 0.2, 1)[1])


@pytest.mark.parametrize("test_size", [0.0])
def test_nothing_held_out(test_size):
    train, test = stratified_split(np.array([0, 1, 0, 1]), test_size, 0)
    assert (train.size, test.size) == (4, 0)
