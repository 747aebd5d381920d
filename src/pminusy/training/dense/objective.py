"""All rows of a dense problem as one matrix in the solver's coordinates, and f over them.

The vector of the solver has a row of weights for every class. Here the first class has none: V
(K − 1, E) holds the differences from it, the bias as the last feature. The mean over classes, which
the softmax does not see, is 0 at every point, as at the optimum.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pminusy.training.coordinates import Coordinates
from pminusy.training.dense.classes import Outcome, classes_of
from pminusy.training.line import PenaltyOnLine
from pminusy.training.penalised import LinePoint, Penalised, ValueAndGradient
from pminusy.training.sources.arrays import ArraySource

__all__ = ["DenseObjective", "DenseRows"]

Array = NDArray[Any]


class DenseRows:
    """The rows that count, centred and scaled, features first: x (E, N) in float64.

    Parameters
    ----------
    source
        Where they come from.
    coordinates
        Those of the solver.
    """

    def __init__(self, source: ArraySource, coordinates: Coordinates) -> None:
        S = source.masses()
        rows = np.arange(S.size) if S.all() else np.flatnonzero(S)
        X = source.take(rows)[0] if rows.size < S.size else source.dense()
        bias = int(coordinates.fit_intercept)
        self.x = np.empty((coordinates.D + bias, rows.size))
        inner = self.x[: coordinates.D]
        np.subtract(X.T, coordinates.centre[:, None], out=inner)
        inner /= coordinates.scale[:, None]
        self.x[coordinates.D :] = 1.0
        self.classes = classes_of(np.ascontiguousarray(source.mass(rows).T), source.labels_of(rows))
        self.mass = source.total_mass
        self.coordinates = coordinates
        self.blocks: list[Array] | None = None  # the last Σ S p_k (1 − p_k) x xᵀ / M of all classes

    @classmethod
    def of(cls, source: ArraySource, coordinates: Coordinates) -> DenseRows:
        """Those that the source has kept, if they are in these coordinates."""
        kept = source.kept.get("dense")
        if kept is None or kept.coordinates is not coordinates:
            kept = source.kept["dense"] = cls(source, coordinates)
        return kept

    @cached_property
    def single(self) -> Array:
        """The same in float32: for models of the Hessian and for its products."""
        return self.x.astype(np.float32)


class DenseObjective(Penalised):
    """Penalised mean cross-entropy over a matrix; always in float64.

    Parameters
    ----------
    rows
        The matrix.
    ridge
        λ, not negative.
    coordinates
        Those of the rows.
    """

    dtype = np.float64

    def __init__(self, rows: DenseRows, ridge: float, coordinates: Coordinates) -> None:
        super().__init__(ridge, coordinates)
        self.rows, self.mass = rows, rows.mass
        self.E = rows.x.shape[0]
        self._visits = 0.0
        self.weight_penalty = np.zeros(self.E)  # (E,): λ in these coordinates, 0 for the bias
        self.weight_penalty[: self.D] = self.penalty
        self._z = np.empty((self.K - 1, 0))
        self._outcome: Outcome | None = None  # where it stands
        self._single: tuple[Outcome | None, Array, Array] | None = None  # and p, S p in float32

    @property
    def visits(self) -> float:
        """Visits to the rows so far."""
        return self._visits

    @property
    def p(self) -> Array:
        """Probabilities (K, N) where it stands."""
        assert self._outcome is not None, "evaluate the objective first"
        return self._outcome.p

    def differences(self, vector: Array) -> Array:
        """V (K − 1, E) of a vector."""
        u, b = self.coordinates.split(vector)
        V = np.empty((self.K - 1, self.E))
        np.subtract(u[1:], u[0], out=V[:, : self.D])
        if b.size:
            np.subtract(b[1:], b[0], out=V[:, self.D])
        return V

    def vector_of(self, G: Array) -> Array:
        """A vector from one row (K, E) a class."""
        out = np.empty(self.size)
        u, b = self.coordinates.split(out)
        u[...] = G[:, : self.D]
        if b.size:
            b[...] = G[:, self.D]
        return out

    def classes_of(self, vector: Array) -> Array:
        """One row (K, E) a class, of a vector."""
        u, b = self.coordinates.split(vector)
        return np.concatenate([u, b[:, None]], axis=1) if b.size else u

    def evaluate(self, vector: Array) -> ValueAndGradient:
        """f and its gradient; the objective stands there afterwards."""
        z = self.differences(vector) @ self.rows.x
        return self.stand(vector, z, self.rows.classes.outcome(z))

    def stand(self, vector: Array, z: Array, outcome: Outcome) -> ValueAndGradient:
        """Stand at a vector with these logits."""
        self._visits += 1.0
        self._z, self._outcome = z, outcome
        gradient = self._along_classes(outcome.residual, self.rows.x)
        u = self.coordinates.split(vector)[0]
        pulled = self.penalty * u
        self.coordinates.split(gradient)[0][...] += pulled
        return ValueAndGradient(
            outcome.loss / self.mass + 0.5 * float(np.vdot(u, pulled)), gradient
        )

    def _single_p(self) -> tuple[Array, Array]:
        """p and S p of all classes but the first in float32, where it stands."""
        if self._single is None or self._single[0] is not self._outcome:
            p = self.p[1:]
            Sp = p * self.rows.classes.S
            self._single = self._outcome, p.astype(np.float32), Sp.astype(np.float32)
        return self._single[1:]

    def _along_classes(self, residual: Array, x: Array) -> Array:
        """The vector of residuals (K − 1, N) times the rows, over the mass: its rows sum to 0."""
        G = np.empty((self.K, self.E))
        G[1:] = residual @ x.T
        G /= self.mass
        np.negative(G[1:].sum(axis=0), out=G[0])
        return self.vector_of(G)

    def search(self, vector: Array, at: ValueAndGradient, direction: Array) -> DenseLine:
        """The restriction of f to a line from where the objective stands."""
        return DenseLine(self, self._z, vector, at, direction)

    def hessian_times(self, v: Array) -> Array:
        """Hessian times a vector whose mean over classes is 0, in float32 sums."""
        self._visits += 1.0
        x = self.rows.single
        a = self.differences(v).astype(np.float32) @ x
        p, Sp = self._single_p()
        a -= (p * a).sum(axis=0)
        a *= Sp
        out = self._along_classes(a, x)
        self.coordinates.split(out)[0][...] += self.penalty * self.coordinates.split(v)[0]
        return out

    def class_curvature(self) -> Array:
        """(1 / M) Σ S p_k (1 − p_k), for each class, where the objective stands."""
        p = self.p
        return np.asarray((p * (1 - p)) @ self.rows.classes.S / self.mass)


class DenseLine:
    """f along `direction`: logits are kept, so a look costs no product with the rows."""

    def __init__(
        self,
        objective: DenseObjective,
        z: Array,
        origin: Array,
        at: ValueAndGradient,
        direction: Array,
    ) -> None:
        self._objective, self._origin, self._direction, self._z = objective, origin, direction, z
        self.start = LinePoint(0.0, at.value, float(at.gradient @ direction), np.nan)
        self._penalty = PenaltyOnLine.of(objective, origin, direction)
        self._a = objective.differences(direction) @ objective.rows.x
        self._last: tuple[float, Array, Outcome] | None = None

    def at(self, step: float) -> LinePoint:
        """Value and slope at a step, and curvature where it is not the first."""
        outcome = self._look(step)[1]
        penalty, mass = self._penalty, self._objective.mass
        return LinePoint(
            step,
            outcome.loss / mass + penalty.value(step),
            float(np.vdot(outcome.residual, self._a)) / mass + penalty.slope(step),
            np.nan if step == 1.0 else self._curvature(outcome.p[1:]) / mass + penalty.curvature,
        )

    def _curvature(self, p: Array) -> float:
        pa = p * self._a
        return float(
            self._objective.rows.classes.S @ ((pa * self._a).sum(axis=0) - pa.sum(axis=0) ** 2)
        )

    def accept(self, step: float) -> tuple[Array, ValueAndGradient]:
        """Move there: the new point, value and gradient."""
        vector = self._origin + step * self._direction
        return vector, self._objective.stand(vector, *self._look(step))

    def _look(self, step: float) -> tuple[Array, Outcome]:
        if self._last is None or self._last[0] != step:
            z = self._z + self._a if step == 1.0 else self._z + step * self._a
            self._last = step, z, self._objective.rows.classes.outcome(z)
        return self._last[1:]
