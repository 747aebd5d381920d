"""Where a classifier of two classes says yes: from which probability of the positive class on.

The threshold is given, or chosen by a score or a cost on rows the probabilities were not trained
on. Every value between two of their probabilities is tried, all at once by cumulative sums.

Source: Elkan 2001, "The foundations of cost-sensitive learning".
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pminusy.errors import InputError

__all__ = ["Criterion", "Threshold", "best_threshold", "criterion"]

Array = NDArray[Any]

_SCORES = ("accuracy", "balanced-accuracy", "f1")
_EXPECTED = f"a probability in (0, 1), {', '.join(_SCORES)}, or cost=MISSED:FALSE"


@dataclass(frozen=True, slots=True)
class Threshold:
    """Predict the positive class where its probability is `value` or more.

    Attributes
    ----------
    value
        In (0, 1).
    positive
        Index of the positive class, 0 or 1.
    chosen_by
        "f1" and the like; "" where the value was given.
    rows
        On how many rows of training, out of fold, it was chosen; 0 where it was given.
    """

    value: float
    positive: int
    chosen_by: str = ""
    rows: int = 0

    @property
    def log_odds(self) -> float:
        """The difference of the logits from which the positive class is predicted."""
        return math.log(self.value) - math.log1p(-self.value)

    def predicted(self, log_p: Array) -> NDArray[np.intp]:
        """Class of each row of log-probabilities or logits (N, 2)."""
        positive = log_p[:, self.positive] - log_p[:, 1 - self.positive] >= self.log_odds
        return np.where(positive, self.positive, 1 - self.positive)

    def under(self, temperature: float) -> Threshold:
        """The threshold that makes the same decisions after logits are divided by a temperature."""
        value = 1 / (1 + math.exp(-self.log_odds / temperature))
        return Threshold(value, self.positive, self.chosen_by, self.rows)

    def sentence(self, classes: tuple[str, ...], quote: Any = repr) -> str:
        """What it means, and how it came about."""
        how = f", chosen by {self.chosen_by} on {self.rows:,} training rows out of fold"
        name = quote(classes[self.positive])
        return f"{name} is predicted from p = {self.value:.4g} on{how if self.rows else ''}"


@dataclass(frozen=True, slots=True)
class Criterion:
    """What a threshold is chosen by: a score, or the costs of a missed and of a false positive."""

    name: str
    missed: float = 1.0
    false: float = 1.0

    def __str__(self) -> str:
        if self.name != "cost":
            return self.name
        return f"cost {self.missed:g} of a missed and {self.false:g} of a false positive"

    def values(self, hit: Array, false: Array) -> Array:
        """How good each threshold is, from the weight of true and false positives at each.

        The first threshold is so low that all are positive.
        """
        P, N = hit[0], false[0]
        found: Array
        match self.name:
            case "accuracy":
                found = (hit + N - false) / (P + N)
            case "balanced-accuracy":
                found = (hit / P + (N - false) / N) / 2
            case "f1":
                found = 2 * hit / (hit + false + P)
            case _:
                found = -(self.missed * (P - hit) + self.false * false)
        return found


def criterion(given: Any) -> float | Criterion:
    """Read what a user gives as a threshold.

    Examples
    --------
    >>> criterion("0.3")
    0.3
    >>> str(criterion("cost=5:1"))
    'cost 5 of a missed and 1 of a false positive'

    Raises
    ------
    InputError
        Anything else than a probability, the name of a score or costs.
    """
    if isinstance(given, str):
        text = given.strip().lower().replace("_", "-").replace(" ", "-")
        if text in _SCORES:
            return Criterion(text)
        if text.startswith("cost="):
            return _costs(given, text.removeprefix("cost="))
        try:
            given = float(text)
        except ValueError:
            raise InputError("threshold", _EXPECTED, repr(given)) from None
    if isinstance(given, bool) or not isinstance(given, Real) or not 0 < float(given) < 1:
        raise InputError("threshold", _EXPECTED, repr(given))
    return float(given)


def _costs(given: str, text: str) -> Criterion:
    try:
        missed, false = (float(part) for part in text.split(":"))
    except ValueError:
        missed = false = math.nan
    if not (0 < missed < math.inf and 0 < false < math.inf):
        expected = "two costs above 0, of a missed and of a false positive: cost=5:1"
        raise InputError("threshold", expected, repr(given))
    return Criterion("cost", missed, false)


def best_threshold(positive: Array, p: Array, weight: Array, by: Criterion) -> float:
    """The threshold that is best by a criterion, of equally good ones that nearest to 1/2.

    Parameters
    ----------
    positive
        Whether each row (N,) is of the positive class.
    p
        Its probability (N,) of that.
    weight
        Weights of the rows (N,).

    Examples
    --------
    >>> p = np.array([0.1, 0.2, 0.3, 0.9])
    >>> best_threshold(np.array([False, False, True, True]), p, np.ones(4), Criterion("f1"))
    0.25
    """
    values, place = np.unique(p, return_inverse=True)
    hits = np.bincount(place, np.where(positive, weight, 0.0))
    falses = np.bincount(place, np.where(positive, 0.0, weight))
    from_here = [np.append(np.cumsum(each[::-1])[::-1], 0.0) for each in (hits, falses)]
    # Between two values, and beyond the first and the last of them.
    ends = np.concatenate([[0.0], values, [1.0]])
    between = np.clip((ends[:-1] + ends[1:]) / 2, 1e-12, 1 - 1e-12)
    found = by.values(*from_here)
    best = np.flatnonzero(found >= found.max() - 1e-12 * abs(found.max()))
    return float(between[best[np.abs(between[best] - 0.5).argmin()]])
