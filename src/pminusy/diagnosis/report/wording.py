"""Numbers and arrays in words, short enough to read."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["number", "told_apart", "vector", "words_of"]

_MOST = 6


def told_apart(value: Any, other: Any) -> tuple[str, str]:
    """Two values with as many digits as show that they differ, four at least."""
    same = np.shape(value) == np.shape(other) and np.array_equal(value, other, equal_nan=True)
    for digits in (4,) if same else range(4, 18):
        words = number(value, digits), number(other, digits)
        if words[0] != words[1]:
            return words
    return number(value), number(other)


def number(value: Any, digits: int = 4) -> str:
    """A number, or an array, to four digits."""
    array = np.asarray(value)
    if array.size == 1:
        return _one(array.reshape(()), digits)
    while array.ndim > 2:  # images: one axis of one entry after the other, then row upon row
        array = array[0] if len(array) == 1 else array.reshape(-1, *array.shape[2:])
    if array.ndim == 1:
        return vector(array, digits)
    rows = [vector(row, digits) for row in array[:_MOST]]
    return "\n".join(rows + (["…"] if len(array) > _MOST else []))


def vector(values: Any, digits: int = 4) -> str:
    """A row of numbers: (0.2, 0.6, 0.2)."""
    shown = [_one(value, digits) for value in np.asarray(values).ravel()[:_MOST]]
    return f"({', '.join(shown)}{', …' if np.size(values) > _MOST else ''})"


def _one(value: Any, digits: int) -> str:
    number = float(value)
    if np.isnan(number):
        return "nan"
    if np.isinf(number):
        return "inf" if number > 0 else "−inf"
    return f"{number or 0.0:.{digits}g}".replace("-", "−")  # no −0


def words_of(items: list[str]) -> str:
    """'a', 'a and b', 'a, b and c'."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"
