"""What is known of a column after all its rows were seen once, a block at a time."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

__all__ = ["CategoryCounts", "NumberMoments"]

Array = NDArray[np.float64]

_MOST_VALUES = 200_000  # of a column, counted one by one


class NumberMoments:
    """Mean, spread, ends and missing values of numbers; NaN is missing.

    Source: Chan, Golub & LeVeque 1983, "Algorithms for computing the sample variance".
    """

    def __init__(self) -> None:
        self.present = self.missing = 0
        self.low, self.high = math.inf, -math.inf
        self.mean = self._squares = 0.0
        self.single = True  # whether float32 holds every value

    def add(self, values: Array) -> None:
        """Some more values (n,)."""
        missing = np.isnan(values)
        self.missing += int(missing.sum())
        values = values[~missing]
        n = values.size
        if not n:
            return
        self.low = min(self.low, float(values.min()))
        self.high = max(self.high, float(values.max()))
        with np.errstate(over="ignore"):
            self.single = self.single and bool((values.astype(np.float32) == values).all())
        mean = float(values.mean())
        away, whole = mean - self.mean, self.present + n
        squares = float(np.square(values - mean).sum())
        self._squares += squares + away * away * (self.present * n / whole)
        self.mean += away * (n / whole)
        self.present = whole

    def with_missing_at(self, value: float) -> tuple[float, float]:
        """Mean and population standard deviation, missing values taken as `value`."""
        same = self.low == self.high and (not self.missing or value == self.low)
        if same:
            return self.low, 0.0
        rows = self.present + self.missing
        mean = (self.present * self.mean + self.missing * value) / rows
        squares = self._squares + self.present * (self.mean - mean) ** 2
        squares += self.missing * (value - mean) ** 2
        return mean, math.sqrt(squares / rows)


class CategoryCounts:
    """How often each value of a column occurs; of very many, the frequent ones.

    Beyond 200,000 values the rarer half is forgotten, as often as need be: a value that is among
    the 50 most frequent of all is kept unless nearly all values are equally rare.
    """

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self.missing = self.present = 0
        self.sketched = False

    def add(self, texts: pl.Series) -> None:
        """Some more values."""
        self.missing += texts.null_count()
        self.present += len(texts) - texts.null_count()
        found = texts.drop_nulls().alias("value").value_counts()
        for value, count in found.iter_rows():
            self._counts[value] += count
        if len(self._counts) > _MOST_VALUES:
            self._counts = Counter(dict(self._counts.most_common(_MOST_VALUES // 2)))
            self.sketched = True

    def frame(self) -> pl.DataFrame:
        """Columns `value` and `count`, the values in order, as `value_counts` of columns has."""
        items: list[Any] = sorted(self._counts.items())
        return pl.DataFrame(
            {"value": [value for value, _ in items], "count": [count for _, count in items]},
            schema={"value": pl.String, "count": pl.UInt32},
        )
