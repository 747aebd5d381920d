"""From the logits of all rows to the loss, its residual and its curvature, against the first class.

Logits and residuals are (K − 1, N): the first class has logit 0, so two classes have one row. Rows
are the second axis, so sums over classes run along whole vectors.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Classes", "Outcome", "classes_of"]

Array = NDArray[Any]


class Outcome(NamedTuple):
    """What some logits mean."""

    loss: float  # Σ q (lse − z)
    residual: Array  # S p − q (K − 1, N)
    p: Array  # (K, N)


class Classes(Protocol):
    """The target mass of all rows, and what logits mean by it."""

    S: Array  # (N,): mass of each row

    def outcome(self, z: Array) -> Outcome:
        """At logits z (K − 1, N)."""


def classes_of(q: Array, labels: Array) -> Classes:
    """Classes with target mass q (K, N); `labels` (N,) where all mass of a row is at one class."""
    return TwoClasses(q) if q.shape[0] == 2 else SeveralClasses(q, labels)


class TwoClasses:
    """Two: each probability is formed by itself, so neither is 1 minus the other."""

    def __init__(self, q: Array) -> None:
        self.S = q[0] + q[1]
        self._first, self._second = q[0], q[1]

    def outcome(self, z: Array) -> Outcome:
        """At logits (1, N) of the second class."""
        x = z[0]
        e = np.exp(-np.abs(x))
        likelier = 1.0 / (1.0 + e)
        other = e * likelier
        p = np.empty((2, x.size))
        second = x > 0
        p[0], p[1] = np.where(second, other, likelier), np.where(second, likelier, other)
        against = np.where(second, self._first, self._second)  # mass at the less likely class
        loss = float(self.S @ np.log1p(e) + against @ np.abs(x))
        return Outcome(loss, (self._first * p[1] - self._second * p[0])[None], p)


class SeveralClasses:
    """Any number; at a label the residual is the sum of the others', not 1 minus p."""

    def __init__(self, q: Array, labels: Array) -> None:
        self.S = q.sum(axis=0)
        self._q = q
        self._at = labels * labels.size + np.arange(labels.size) if labels.size else labels

    def outcome(self, z: Array) -> Outcome:
        """At logits (K − 1, N)."""
        e = np.empty((z.shape[0] + 1, z.shape[1]))
        shift = np.maximum(z.max(axis=0), 0.0)
        np.negative(shift, out=e[0])
        np.subtract(z, shift, out=e[1:])
        own = e.ravel()[self._at] if self._at.size else None
        spread = 0.0 if own is not None else float(np.vdot(self._q, e))
        np.exp(e, out=e)
        total = e.sum(axis=0)
        e /= total
        if own is None:
            loss = float(self.S @ np.log(total)) - spread
            return Outcome(loss, self.S * e[1:] - self._q[1:], e)
        loss = float(self.S @ (np.log(total) - own))
        residual = self.S * e
        flat = residual.ravel()
        flat[self._at] = 0.0
        flat[self._at] = -residual.sum(axis=0)
        return Outcome(loss, residual[1:], e)
