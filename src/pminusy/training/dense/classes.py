"""From the logits of all rows to the loss, its residual and its curvature, against the first class.

Logits and residuals are (K − 1, N): the first class has logit 0, so two classes have one row. Rows
are the second axis, so sums over classes run along whole vectors. Target mass is counted in shares
of all of it, so losses and sums of residuals are means.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Classes", "Labelled", "Outcome", "classes_of"]

Array = NDArray[Any]


class Outcome(NamedTuple):
    """What some logits mean."""

    loss: float  # Σ q (lse − z)
    residual: Array  # S p − q (K − 1, N)
    p: Array  # (K, N); of two classes (1, N), either of them


class Classes(Protocol):
    """The target mass of all rows, and what logits mean by it."""

    S: Array  # (N,): mass of each row

    def outcome(self, z: Array) -> Outcome:
        """At logits z (K − 1, N)."""


def classes_of(K: int, S: Array, labels: Array, mass: Callable[[], Array]) -> Classes:
    """K classes, with S (N,) of all mass at each row.

    `labels` (N,) where all mass of a row is at one class; else `mass` gives the target mass (K, N).
    """
    if not labels.size:
        q = mass()
        return TwoClasses(q) if K == 2 else SoftTargets(q)
    return TwoLabels(S, labels) if K == 2 else Labels(S, labels)


class TwoClasses:
    """Two: each probability is formed by itself, so neither is 1 minus the other."""

    def __init__(self, q: Array) -> None:
        self.S = q[0] + q[1]
        self._first, self._second = q[0], q[1]

    def outcome(self, z: Array) -> Outcome:
        """At logits (1, N) of the second class."""
        x = z[0]
        e = np.exp(-np.abs(x))
        larger = 1.0 / (1.0 + e)
        smaller = e * larger
        second = x > 0
        p = np.where(second, larger, smaller)
        against = np.where(second, self._first, self._second)  # mass at the other class
        loss = float(self.S @ np.log1p(e) + against @ np.abs(x))
        first = np.where(second, smaller, larger)
        return Outcome(loss, (self._first * p - self._second * first)[None], p[None])


class Labelled(ABC):
    """Each row at one class.

    Parameters
    ----------
    S, labels
        Mass and class of each row (N,).
    """

    def __init__(self, S: Array, labels: Array) -> None:
        self.S, self.labels = S, labels

    @abstractmethod
    def outcome(self, z: Array) -> Outcome:
        """At logits z (K − 1, N)."""


class TwoLabels(Labelled):
    """Two: all follows from the probability of the class that is not the label."""

    def __init__(self, S: Array, labels: Array) -> None:
        super().__init__(S, labels)
        self._sign = 2.0 * labels - 1.0
        self._pull = -self._sign * S

    def outcome(self, z: Array) -> Outcome:
        """At logits (1, N) of the second class."""
        t = np.exp(z * self._sign)  # odds of the label
        other = 1.0 / (1.0 + t)
        loss = float(np.log1p(1.0 / t[0]) @ self.S)
        if not math.isfinite(loss):  # odds that float64 does not hold
            own = z[0] * self._sign
            loss = float(np.logaddexp(0.0, -own) @ self.S)
        return Outcome(loss, other * self._pull, other)


class Labels(Labelled):
    """Any number: at a label the residual is the sum of the others', not 1 minus p."""

    def __init__(self, S: Array, labels: Array) -> None:
        super().__init__(S, labels)
        self._at = labels * labels.size + np.arange(labels.size)

    def outcome(self, z: Array) -> Outcome:
        """At logits (K − 1, N)."""
        p = np.empty((z.shape[0] + 1, z.shape[1]))
        p[0] = 1.0
        np.exp(z, out=p[1:])
        p /= p.sum(axis=0)
        loss = -float(self.S @ np.log(p.ravel()[self._at]))
        if not math.isfinite(loss):  # exponentials that float64 does not hold
            shifted, total, p = _about_largest(z)
            loss = float(self.S @ (total - shifted.ravel()[self._at]))
        residual = self.S * p
        flat = residual.reshape(-1)
        flat[self._at] = 0.0
        flat[self._at] = -residual.sum(axis=0)
        return Outcome(loss, residual[1:], p)


class SoftTargets:
    """Any number, and mass at any of them."""

    def __init__(self, q: Array) -> None:
        self.S = q.sum(axis=0)
        self._q = q

    def outcome(self, z: Array) -> Outcome:
        """At logits (K − 1, N)."""
        shifted, total, p = _about_largest(z)
        loss = float(self.S @ total) - float(np.vdot(self._q, shifted))
        return Outcome(loss, self.S * p[1:] - self._q[1:], p)


def _about_largest(z: Array) -> tuple[Array, Array, Array]:
    """Logits (K, N) less the largest of each row, log Σ exp of them (N,), and probabilities."""
    shifted = np.empty((z.shape[0] + 1, z.shape[1]))
    shift = np.maximum(z.max(axis=0), 0.0)
    np.negative(shift, out=shifted[0])
    np.subtract(z, shift, out=shifted[1:])
    p = np.exp(shifted)
    total = p.sum(axis=0)
    p /= total
    return shifted, np.log(total), p
