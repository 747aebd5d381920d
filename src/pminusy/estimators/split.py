"""Which rows are held out: a share of each class, and never all of a class."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["folds_in_time", "split_in_time", "split_rows", "stratified_split"]

Floats = NDArray[np.float64]
Split = tuple[NDArray[np.intp], NDArray[np.intp]]  # rows of training, and held out


def stratified_split(
    y: NDArray[np.integer[Any]], test_size: float, seed: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Indices of training and of held-out rows, both in the order of the table.

    Of a class with n rows, the nearest whole number to n · `test_size` is held out, but at most
    n − 1: a class with a single row stays in training. (scikit-learn's splitter refuses such a
    class.)
    """
    random = np.random.default_rng(seed)
    held_out = np.zeros(y.size, dtype=bool)
    for label in np.unique(y):
        rows = random.permutation(np.flatnonzero(y == label))
        held_out[rows[: min(round(rows.size * test_size), rows.size - 1)]] = True
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)


def split_rows(
    y: NDArray[np.integer[Any]],
    test_size: float,
    seed: int,
    groups: NDArray[np.intp] | None = None,
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """As `stratified_split`; of groups (N,), given as numbers, each goes to one side as a whole.

    Groups are taken in random order while they fit into the share, and while every class keeps a
    row in training.
    """
    if groups is None or test_size == 0:
        return stratified_split(y, test_size, seed)
    _, y = np.unique(y, return_inverse=True)
    left = np.bincount(y)
    room = test_size * y.size
    held_out = np.zeros(y.size, dtype=bool)
    for group in np.random.default_rng(seed).permutation(np.unique(groups)):
        rows = groups == group
        without = left - np.bincount(y[rows], minlength=left.size)
        if rows.sum() <= room + 0.5 and (without > 0).all():
            held_out |= rows
            room -= rows.sum()
            left = without
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)


def split_in_time(times: Floats, test_size: float) -> Split:
    """Hold out the latest rows by their times (N,), about a share of them.

    Rows of one time are on one side; at least the earliest stay in training.

    >>> split_in_time(np.array([3.0, 1.0, 2.0, 3.0]), 0.25)
    (array([1, 2]), array([0, 3]))
    """
    number = round(times.size * test_size)
    if number == 0:
        return np.arange(times.size), np.arange(0)
    first = np.sort(times)[times.size - number]
    held_out = times >= first if first > times.min() else times > first
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)


def folds_in_time(times: Floats, folds: int) -> list[Split]:
    """Folds that test on the times after those trained on: more rows to train on in each.

    The rows are divided by time into one part more than there are folds; rows of one time are in
    one part. A fold that would have nothing to train or to test on is left out.
    """
    earlier = np.searchsorted(np.sort(times), times)  # rows before the time of each
    part = earlier * (folds + 1) // times.size
    found = ((np.flatnonzero(part < k), np.flatnonzero(part == k)) for k in range(1, folds + 1))
    return [fold for fold in found if fold[0].size and fold[1].size]
