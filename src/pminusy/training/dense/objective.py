"""All rows of a dense problem as one matrix in the solver's coordinates, and f over them.

The vector of the solver has a row of weights for every class. Here the first class has none: V
(K − 1, E) holds the differences from it, the bias as the last feature. The mean over classes, which
the softmax does not see, is 0 at every point, as at the optimum; so a gradient G (K − 1, E) leaves
out the first class too, whose row is minus the sum of the others.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pminusy.training.coordinates import Coordinates
from pminusy.training.dense.classes import Outcome, classes_of
from pminusy.training.passes.specification import PADDING, TILE
from pminusy.training.penalised import LinePoint, Penalised, ValueAndGradient
from pminusy.training.sources.arrays import ArraySource

__all__ = ["DenseLine", "DenseObjective", "DensePoint", "DenseRows", "product"]

Array = NDArray[Any]

_MANY = 24  # features
_BY_ROW = 4  # rows up to which BLAS is quicker at them one by one than at a matrix of them
_LONG = 1 << 14  # numbers of the other matrix, from which on that pays the calls
_TRANSPOSED = 256  # features up to which rows lie both ways for compiled products
_PAIRED = 1 << 17  # products of two features that are kept: what a cache of the second level holds


def product(few: Array, matrix: Array) -> Array:
    """few @ matrix, of few rows one by one: a product of two matrices is then half as quick."""
    if not 1 < len(few) <= _BY_ROW or matrix.size < _LONG:
        return few @ matrix
    out = np.empty((len(few), matrix.shape[1]), few.dtype)
    for row, into in zip(few, out, strict=True):
        np.matmul(row, matrix, out=into)
    return out


def _aligned(*shape: int) -> Array:
    """Zeros in float32 from a multiple of 64 bytes on: whole vectors then lie in one line each."""
    flat = np.zeros(math.prod(shape) + 16, np.float32)
    first = -flat.ctypes.data % 64 // flat.itemsize
    return flat[first : first + flat.size - 16].reshape(shape)


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
        mass = source.total_mass
        bias = int(coordinates.fit_intercept)
        self.x = np.empty((coordinates.D + bias, rows.size))
        inner = self.x[: coordinates.D]
        np.subtract(X.T, coordinates.centre[:, None], out=inner)
        inner /= coordinates.scale[:, None]
        self.x[coordinates.D :] = 1.0
        self.classes = classes_of(
            source.classes,
            S[rows] / mass,
            source.labels_of(rows),
            lambda: np.ascontiguousarray(source.mass(rows).T) / mass,
        )
        self.coordinates = coordinates
        self.blocks: list[Array] | None = None  # the last Σ S p_k (1 − p_k) x xᵀ of all classes
        self.in_row_space: Any = None  # the same rows as fewer features; see `row_space`

    @classmethod
    def of(cls, source: ArraySource, coordinates: Coordinates) -> DenseRows:
        """Those that the source has kept, if they are in these coordinates."""
        kept = source.kept.get("dense")
        if kept is None or kept.coordinates is not coordinates:
            kept = source.kept["dense"] = cls(source, coordinates)
        return kept

    @cached_property
    def by_row(self) -> Array:
        """The same as (N, E): BLAS is quicker at sums over rows that lie so, of many features.

        Of more features than rows there are few sums; see `row_space`.
        """
        many = _MANY <= self.x.shape[0] <= self.x.shape[1] + 1
        return np.ascontiguousarray(self.x.T) if many else self.x.T

    @cached_property
    def single(self) -> Array:
        """x in float32: for models of the Hessian and for its products."""
        return self.x.astype(np.float32)

    @cached_property
    def single_by_row(self) -> Array:
        """`by_row` in float32."""
        many = self.x.shape[0] >= _MANY
        return np.ascontiguousarray(self.single.T) if many else self.single.T

    @cached_property
    def tiles(self) -> tuple[Array, Array]:
        """`single` for compiled products: (tiles, 64, E') and (tiles, E', 64), filled up by 0.

        Of many features there is only the first: then to read the second costs more than it saves.
        """
        E, N = self.x.shape
        number, wide = -(-N // TILE), -(-E // PADDING) * PADDING
        by_row = _aligned(number, TILE, wide)
        transposed = _aligned(number if wide <= _TRANSPOSED else 0, wide, TILE)
        by_row.reshape(number * TILE, wide)[:N, :E] = self.by_row
        if not transposed.size:
            return by_row, transposed
        transposed[...] = by_row.swapaxes(1, 2)
        return by_row, transposed

    @cached_property
    def single_squares(self) -> Array:
        """Squares of `single`, as (N, E)."""
        return np.square(self.single_by_row)

    @cached_property
    def pairs(self) -> Array | None:
        """Products of every two features of a row (E (E + 1) / 2, N), where they are few."""
        E, N = self.x.shape
        if E * (E + 1) // 2 * N > _PAIRED:
            return None
        i, j = np.triu_indices(E)
        return np.asarray(self.x[i] * self.x[j])


class DensePoint(NamedTuple):
    """f and what it needs of the rows at V, with the gradient G in V (both (K − 1, E))."""

    V: Array
    value: float
    G: Array
    z: Array
    outcome: Outcome


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
        self.rows = rows
        self.E = rows.x.shape[0]
        self._visits = 0.0
        self.weight_penalty = np.zeros(self.E)  # (E,): λ in these coordinates, 0 for the bias
        self.weight_penalty[: self.D] = self.penalty
        self.sizes = np.ones(self.E)  # of features: what their gradient is multiplied by
        self.sizes[: self.D] = coordinates.scale
        self.centre = np.zeros(self.E)
        self.centre[: self.D] = coordinates.centre
        self._centred = bool(self.centre.any())
        self._point: DensePoint | None = None  # where it stands
        self._largest: tuple[DensePoint, float] | None = None  # of the gradient at a point
        self._single: tuple[Outcome, Array, Array] | None = None  # and p, S p in float32

    # In V

    def at(self, V: Array) -> DensePoint:
        """f and its gradient at V; one visit to the rows."""
        z = product(V, self.rows.x)
        return self.point(V, z, self.rows.classes.outcome(z))

    def point(self, V: Array, z: Array, outcome: Outcome) -> DensePoint:
        """The same where the logits are known."""
        self._visits += 1.0
        G = product(outcome.residual, self.rows.by_row)
        pulled = self.pulled(V)
        G += pulled
        return DensePoint(V, outcome.loss + 0.5 * float(np.vdot(V, pulled)), G, z, outcome)

    def pulled(self, V: Array) -> Array:
        """Gradient of the penalty: λ times the weights, of which V holds the differences."""
        mean = V / 2 if self.K == 2 else V - V.sum(axis=0) / self.K
        mean *= self.weight_penalty
        return np.asarray(mean)

    def largest(self, point: DensePoint) -> float:
        """Largest absolute entry of the gradient in (W, b), of every class; known for the last."""
        if self._largest is None or self._largest[0] is not point:
            self._largest = point, self.largest_entry(point.G)
        return self._largest[1]

    def largest_entry(self, G: Array) -> float:
        """The same of a gradient in V."""
        own = G * self.sizes
        if self._centred:
            own += G[:, -1:] * self.centre
        most = float(np.abs(own).max())
        return most if self.K == 2 else max(most, float(np.abs(own.sum(axis=0)).max()))

    def times(self, V: Array) -> Array:
        """Hessian times V where the objective stands, in float32 sums."""
        self._visits += 1.0
        x = self.rows.single
        a = product(V.astype(np.float32), x)
        p, Sp = self._single_p()
        a -= (p * a).sum(axis=0)
        a *= Sp
        out = np.asarray(product(a, self.rows.single_by_row), np.float64)
        out += self.pulled(V)
        return out

    def _single_p(self) -> tuple[Array, Array]:
        """p and S p of all classes but the first in float32, where it stands."""
        outcome = self.stands.outcome
        if self._single is None or self._single[0] is not outcome:
            p = outcome.p[1 - self.K :]
            Sp = p * self.rows.classes.S
            self._single = outcome, p.astype(np.float32), Sp.astype(np.float32)
        return self._single[1:]

    @property
    def stands(self) -> DensePoint:
        """The point where it stands: that of products, models and curvature."""
        assert self._point is not None, "evaluate the objective first"
        return self._point

    def stand(self, point: DensePoint) -> None:
        """Stand at a point."""
        self._point = point

    # In the solver's vector

    def differences(self, vector: Array) -> Array:
        """V of a vector."""
        u, b = self.coordinates.split(vector)
        V = np.empty((self.K - 1, self.E))
        np.subtract(u[1:], u[0], out=V[:, : self.D])
        if b.size:
            np.subtract(b[1:], b[0], out=V[:, self.D])
        return V

    def vector_of(self, V: Array) -> Array:
        """The vector of V: its mean over classes is 0."""
        first = -V.sum(axis=0) / self.K
        return self._laid_out(first, V + first)

    def gradient_of(self, G: Array) -> Array:
        """The gradient in the vector: its sum over classes is 0."""
        return self._laid_out(-G.sum(axis=0), G)

    def _laid_out(self, first: Array, others: Array) -> Array:
        out = np.empty(self.size)
        u, b = self.coordinates.split(out)
        u[0], u[1:] = first[: self.D], others[:, : self.D]
        if b.size:
            b[0], b[1:] = first[self.D], others[:, self.D]
        return out

    @property
    def visits(self) -> float:
        """Visits to the rows so far."""
        return self._visits

    def evaluate(self, vector: Array) -> ValueAndGradient:
        """f and its gradient at a vector of mean 0; the objective stands there afterwards."""
        point = self.at(self.differences(vector))
        self.stand(point)
        return ValueAndGradient(point.value, self.gradient_of(point.G))

    def add_visits(self, visits: int) -> None:
        """Note products that were made elsewhere."""
        self._visits += visits

    def class_curvature(self) -> Array:
        """(1 / M) Σ S p_k (1 − p_k), for each class, where the objective stands."""
        p = self.stands.outcome.p
        return np.broadcast_to((p * (1 - p)) @ self.rows.classes.S, self.K)


class DenseLine:
    """f along D from a point: logits are kept, so a look costs no product with the rows.

    Parameters
    ----------
    objective
        Of which f is.
    origin
        The point.
    D
        Direction in V.
    """

    def __init__(self, objective: DenseObjective, origin: DensePoint, D: Array) -> None:
        self._objective, self._origin, self._D = objective, origin, D
        self.start = LinePoint(0.0, origin.value, float(np.vdot(origin.G, D)), np.nan)
        self._along = product(D, objective.rows.x)
        self._last: tuple[float, Array, Outcome] | None = None

    def at(self, step: float) -> LinePoint:
        """Value and slope at a step, and curvature where it is not the first."""
        _, outcome = self._look(step)
        V = self._origin.V + step * self._D
        pulled = self._objective.pulled(V)
        value = outcome.loss + 0.5 * float(np.vdot(V, pulled))
        slope = float(np.vdot(outcome.residual, self._along)) + float(np.vdot(pulled, self._D))
        return LinePoint(step, value, slope, np.nan if step == 1.0 else self._curvature(outcome.p))

    def reach(self, step: float) -> DensePoint:
        """The point at a step; its logits are known for the last that was looked at."""
        return self._objective.point(self._origin.V + step * self._D, *self._look(step))

    def _look(self, step: float) -> tuple[Array, Outcome]:
        if self._last is None or self._last[0] != step:
            z = self._origin.z + (self._along if step == 1.0 else step * self._along)
            self._last = step, z, self._objective.rows.classes.outcome(z)
        return self._last[1:]

    def _curvature(self, p: Array) -> float:
        a, objective = self._along, self._objective
        p = p[1 - objective.K :]
        pa = p * a
        spread = (pa * a).sum(axis=0) - pa.sum(axis=0) ** 2
        pulled = objective.pulled(self._D)
        return float(objective.rows.classes.S @ spread) + float(np.vdot(self._D, pulled))
