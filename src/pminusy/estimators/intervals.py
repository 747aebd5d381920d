"""How far scores would vary over other rows: intervals from the influence of each row.

Of a score between 0 and 1 the Wilson interval of a share found in as many rows as have the same
variance; of a log loss an interval of its logarithm, which is skewed less. Quantiles are those of
Student's t. Rows of one group count together, as one observation of the sum of their influences.

Sources: Wilson 1927, "Probable inference, the law of succession, and statistical inference";
Efron 1982; Liang & Zeger 1986 (groups).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pminusy.estimators.influence import Influences
from pminusy.estimators.student import student_quantile

__all__ = ["CONFIDENCE", "Intervals", "Measured", "intervals", "intervals_of"]

Array = NDArray[Any]
CONFIDENCE = 0.95
_ROUNDING = 1e-20  # of the variance of one row: less is rounding, where no row has any influence
_CERTAIN = 1e-12  # a share nearer to 0 or 1 differs from it by the rounding of its sums


@dataclass(frozen=True, slots=True)
class Intervals(Mapping[str, tuple[float, float]]):
    """Intervals by the name of the score, at a confidence of 0.95.

    Attributes
    ----------
    rows, groups
        How many they come from; `groups` is None where rows count one by one.
    """

    rows: int = 0
    groups: int | None = None
    by_score: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def __getitem__(self, name: str) -> tuple[float, float]:
        return self.by_score[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.by_score)

    def __len__(self) -> int:
        return len(self.by_score)

    @property
    def sentence(self) -> str:
        """What they are and from how many rows; "" where there are none."""
        if not self.by_score:
            return ""
        observed = f"{self.rows:,} rows"
        if self.groups is not None:
            observed = f"{self.groups:,} groups of {self.rows:,} rows"
        return (
            f"{100 * CONFIDENCE:g} % intervals, by the influence of each of {observed}: how far "
            "the scores of this model would vary over other rows"
        )


class Measured(NamedTuple):
    """A score, Σ (ω ψ / Σ ω)² of the influences ψ of rows on it, and its `Influences.size`."""

    value: float
    variance: float
    size: float


def intervals(scores: Mapping[str, Influences], weight: Array, groups: Array | None) -> Intervals:
    """An interval for each score of the same rows.

    Parameters
    ----------
    scores
        Each with the influences (N,) of the rows.
    weight
        Weights of the rows (N,).
    groups
        Number of the group of each row (N,); None where each row is one.

    Returns
    -------
    Intervals
        Empty where there are fewer than two rows or groups.
    """
    where = np.arange(weight.size) if groups is None else np.unique(groups, return_inverse=True)[1]
    observed = int(where.max(initial=-1)) + 1
    counted = None if groups is None else observed
    if observed < 2:
        return Intervals(weight.size, counted)
    of_group = np.bincount(where, weight)
    smaller = (of_group.sum() ** 2 / (of_group @ of_group)) / (
        weight.sum() ** 2 / (weight @ weight)
    )
    measured = {}
    for name, score in scores.items():
        total = np.bincount(where, weight * score.of_row) / weight.sum()
        size = score.size * min(smaller, 1.0)
        measured[name] = Measured(score.value, float(total @ total), size)
    return replace(intervals_of(measured, observed), rows=weight.size, groups=counted)


def intervals_of(scores: Mapping[str, Measured], observed: int) -> Intervals:
    """An interval for each score of so many rows, or groups of them; none of fewer than two."""
    if observed < 2:
        return Intervals(observed)
    t = student_quantile(observed - 1, (1 + CONFIDENCE) / 2)
    found = {}
    for name, score in scores.items():
        variance = score.variance * observed / (observed - 1)
        found[name] = (
            _of_loss(score.value, variance, t)
            if name == "log loss"
            else _of_share(score.value, variance, t, max(score.size, 1.0))
        )
    return Intervals(observed, None, found)


def _of_share(share: float, variance: float, t: float, size: float) -> tuple[float, float]:
    """Wilson's interval, of the effective number of rows; of `size` where nothing varies."""
    if min(share, 1 - share) < _CERTAIN:
        share, variance = float(share > 0.5), 0.0
    of_one_row = share * (1 - share)
    n = of_one_row / variance if variance > _ROUNDING * of_one_row else size
    t2 = t * t
    centre = (n * share + t2 / 2) / (n + t2)
    half = math.sqrt(t2 * (n * share * (1 - share) + t2 / 4)) / (n + t2)
    return max(centre - half, 0.0), min(centre + half, 1.0)


def _of_loss(loss: float, variance: float, t: float) -> tuple[float, float]:
    """Of the logarithm: e^(ln L ± t s / L)."""
    if not loss > 0:
        return loss, loss
    spread = math.exp(min(t * math.sqrt(variance) / loss, 700.0))
    return loss / spread, loss * spread
