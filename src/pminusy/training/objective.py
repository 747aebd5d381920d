"""What training minimises: f(W, b) = (1 / M) Σ_i L_i + (λ / 2) ‖W‖², with M the total target mass.

λ = 1 / (C M): the optimum is scikit-learn's, of C Σ_i ω_i L_i + ½ ‖W‖². The bias is not penalised.
A solver sees a flat vector (its coordinates are the business of `coordinates`), values, gradients,
Hessian-vector products, curvature, and the restriction to a line; it never sees softmax.

An objective stands at one point at a time: the last one evaluated or accepted. Hessian-vector
products and curvature are taken there, from the logits kept there. Objectives that differ in λ
alone share those logits (`with_ridge`): each is evaluated before it is asked for curvature.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from functools import cached_property, partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pminusy.training.coordinates import Coordinates
from pminusy.training.line import CorrectedLine, LineRestriction
from pminusy.training.passes.caller import Passes, Point, Selection, Sums
from pminusy.training.passes.partitioned import PartitionedPasses
from pminusy.training.penalised import Penalised, ValueAndGradient
from pminusy.training.solvers.line_search import line_search
from pminusy.training.sources.arrays import ArraySource
from pminusy.training.sources.partitions import PartitionedSource
from pminusy.training.sources.protocol import Source

__all__ = ["WORKSPACE", "Objective", "RunOfRows", "SampledRows"]

Array = NDArray[Any]
_TRIAL_STRIDE, _FEWEST = 16, 50  # one row in so many; how many are too few
_SAMPLE = 400  # rows from which the threshold of the selection is taken
WORKSPACE = 64 << 20  # bytes a fit may use beyond the data and a few copies of the parameters


class SampledRows(NamedTuple):
    """Rows drawn for a curvature model, in the coordinates of the solver."""

    X: Array  # (n, D) float32
    p: Array  # (n, K) probabilities
    weight: Array  # (n,) such that Σ weight · … estimates (1 / M) Σ S · … over all rows

    def part(self, first: int, last: int) -> SampledRows:
        """Some of the rows."""
        rows = slice(first, last)
        return SampledRows(self.X[rows], self.p[rows], self.weight[rows])

    def run(self) -> RunOfRows:
        """All of them, as a run."""
        return RunOfRows(self.weight.size, self.part)


class RunOfRows(NamedTuple):
    """Rows in memory, and what gives those from one number, a multiple of 64, to another."""

    rows: int
    take: Callable[[int, int], SampledRows]


class Objective(Penalised):
    """Penalised mean cross-entropy over a source.

    Parameters
    ----------
    source
        Where the rows come from.
    ridge
        λ, not negative.
    coordinates
        Between the solver's vector and (W, b); see `scaling`.
    dtype
        Type of the arithmetic of passes; sums and vectors are float64.
    workspace
        Bytes of logits that may be kept.
    """

    def __init__(
        self,
        source: Source,
        ridge: float,
        coordinates: Coordinates,
        *,
        dtype: type[np.floating[Any]] = np.float64,
        workspace: int = WORKSPACE,
    ) -> None:
        super().__init__(ridge, coordinates)
        self.source = source
        self.dtype, self.workspace = dtype, workspace
        self.mass = source.total_mass
        self._at: Point | None = None  # where it stands
        self._watched = 0.0
        self._part: Objective | None = None  # some rows, on which trial steps are taken
        self._selection: tuple[Point, Selection] | None = None  # and where
        self._row_masses: Array | None = None
        self._class_curvature: tuple[Point, Array] | None = None  # and where

    @cached_property
    def passes(self) -> Passes:
        """Its passes; made, with room for logits, when they are first wanted."""
        if isinstance(self.source, PartitionedSource):
            return PartitionedPasses(self.source, self.dtype, self.workspace)
        return Passes(self.source, self.dtype, self.workspace)

    @property
    def visits(self) -> float:
        """Visits to X so far."""
        return self.passes.count

    @property
    def counter(self) -> Passes:
        """Its passes: objectives that differ in λ share them."""
        return self.passes

    def in_precision(
        self, dtype: type[np.floating[Any]], workspace: int | None = None
    ) -> Objective:
        """The same objective, its passes in another type, with another workspace if given."""
        workspace = self.workspace if workspace is None else workspace
        return Objective(
            self.source, self.ridge, self.coordinates, dtype=dtype, workspace=workspace
        )

    def sample(self, stride: int, offset: int = 0) -> Objective:
        """The same objective, C and all, over every stride-th row."""
        source = self.source.sample(stride, offset)
        return self._over(source, self.ridge * self.mass / source.total_mass)

    def on_sample(self, stride: int) -> Objective:
        """The same mean objective, λ and all, over every stride-th row in memory."""
        return self._over(self.source.sample(stride), self.ridge)

    def _over(self, source: Source, ridge: float) -> Objective:
        """The same over other rows, with another λ."""
        return Objective(
            source, ridge, self.coordinates, dtype=self.dtype, workspace=self.workspace
        )

    def with_ridge(self, ridge: float) -> Objective:
        """The same objective with another λ; passes, and what they keep, are shared."""
        assert self.passes is not None  # made before it is shared
        other = copy.copy(self)
        other._set_ridge(ridge)
        other._at = other._selection = other._class_curvature = other._part = None
        return other

    # Value, gradient, products

    def evaluate(self, vector: Array) -> ValueAndGradient:
        """f and its gradient at a point; the objective stands there afterwards."""
        self._at = self.coordinates.to_kernel(vector, self.dtype)
        selection = None
        if self._watched and not self.passes.stored:
            selection = self._room_for_selection(self._watched)
            self._selection = self._at, selection
        return self._with_penalty(self.passes.point(self._at, selection), vector)

    def move(self, vector: Array, step: float, whole: Sums) -> ValueAndGradient:
        """f and its gradient at a point that is a step along the direction of the last pass.

        Its logits are in reach of the kept ones; `whole` is what the pass found at step 1.
        """
        self._at = self.coordinates.to_kernel(vector, self.dtype)
        if step == 1.0:
            self.passes.commit(1.0, self._at)
            return self._with_penalty(whole, vector)
        return self._with_penalty(self.passes.gradient(step, self._at), vector)

    @property
    def _standing(self) -> Point:
        """Where it stands."""
        assert self._at is not None, "evaluate the objective first"
        return self._at

    def search(self, vector: Array, at: ValueAndGradient, direction: Array) -> LineRestriction:
        """The restriction of f to the line from where the objective stands."""
        return LineRestriction(self, vector, at, direction)

    def trial_step(self, vector: Array, at: ValueAndGradient, direction: Array) -> float:
        """The step along a line that some of the rows suggest.

        Where logits are not kept every look along a line is a pass; on some rows they are kept, and
        looks cost nothing. Those rows say how the slope changes; where it begins is known.
        """
        N = self.source.rows
        stride = max(_TRIAL_STRIDE, -(-2 * N * self.K * 4 // max(self.workspace // 2, 1)))
        if self.passes.stored or _FEWEST * stride > N:
            return 1.0
        if self._part is None:
            self._part = self.on_sample(stride)
        part = self._part
        before = part.visits
        line = part.search(vector, part.evaluate(vector), direction)
        step = line_search(CorrectedLine(line, float(at.gradient @ direction)))
        self.passes.count += (part.visits - before) * part.source.rows / N
        return step.step if step.good else 1.0

    def hessian_times(self, v: Array) -> Array:
        """Hessian times a vector."""
        V = self.coordinates.to_kernel(v, self.dtype)
        sums = self.passes.hvp(self._standing, *V)
        out = self.coordinates.from_kernel(sums.G, sums.g) / self.mass
        self.coordinates.split(out)[0][...] += (
            self.curvature_of_penalty * self.coordinates.split(v)[0]
        )
        return out

    def diagonal(self) -> Array:
        """Diagonal of the Hessian; for centred features with the mean of x² for every class."""
        dense = not self.coordinates.features_first
        sums = self.passes.curvature(self._standing, diagonal=not dense)
        out = np.empty(self.size)
        u, b = self.coordinates.split(out)
        c = sums.g / self.mass
        b[...] = c[: b.size]
        u[...] = c[:, None] if dense else sums.G / self.mass / self.coordinates.scale[:, None] ** 2
        u += self.curvature_of_penalty
        return out

    def class_curvature(self) -> Array:
        """(1 / M) Σ S p_k (1 − p_k), for each class."""
        if self._class_curvature is None or self._class_curvature[0] is not self._standing:
            sums = self.passes.curvature(self._standing, diagonal=False)
            self._class_curvature = self._standing, sums.g / self.mass
        return self._class_curvature[1]

    def select_in_passes(self, a_row: float) -> None:
        """From now on note the selected classes of each row, about that many, in every pass."""
        self._watched = a_row

    def select_classes(self) -> Selection:
        """The selected classes of every row where the objective stands."""
        if self.passes.stored:
            selection = self._room_for_selection(self._watched)
            self.passes.pick(self._standing, selection)
        else:
            assert self._selection is not None
            assert self._selection[0] is self._standing
            selection = self._selection[1]
        self._class_curvature = self._standing, selection.sums()[0] / self.mass
        return selection

    def selection_times(self, selection: Selection, u: Array, b: Array) -> tuple[Array, Array]:
        """Curvature on selected classes times (u, b), in the solver's coordinates, in float32.

        Shapes are (K + 1, D) and (K + 1,): the last row is of all the negligible classes of a row.
        """
        scale = self.coordinates.scale.astype(np.float32)
        centre = self.coordinates.centre.astype(np.float32)
        V = u / scale
        if self._row_masses is None:
            self._row_masses = (self.source.held.masses() / self.mass).astype(np.float32)
        G, g = self.passes.selection_times(selection, self._row_masses, V, b - V @ centre)
        G -= g[:, None] * centre
        G /= scale
        return G, g

    def _room_for_selection(self, a_row: float) -> Selection:
        """With the threshold that a sample suggests."""
        N = self.source.rows
        some = np.arange(min(_SAMPLE, N)) * N // min(_SAMPLE, N)
        p = self.passes.probabilities(some, self.source.held.take(some)[0], self._standing)
        weights = np.sort((p * (1 - p)).ravel())
        threshold = weights[-min(max(int(a_row * some.size), 1), weights.size)]
        threshold *= 1.001  # where all are alike, none
        return self.passes.room_for_selection(float(threshold), a_row)

    def draw(self, count: int, rng: np.random.Generator) -> SampledRows:
        """Rows for a curvature model: by how much each adds where that is known, else evenly.

        The estimate stays unbiased: a row's weight is divided by its chance.
        """
        held = self.source.held
        N, stored = held.rows, self.passes.stored
        if count >= N:
            chosen, chance = np.arange(N), np.ones(N)
        elif not stored:
            chosen = np.arange(count) * N // count
            chance = np.full(count, count / N)
        else:
            w = self.passes.row_curvature(self._standing).astype(np.float64)
            total = np.cumsum(w + 0.05 * w.mean() + 1e-12)
            ticks = (np.arange(count) + rng.random()) * (total[-1] / count)
            chosen = np.minimum(np.searchsorted(total, ticks), N - 1)
            chance = count * np.diff(total, prepend=0.0)[chosen] / total[-1]
        X, S = held.take(chosen)
        p = self.passes.probabilities(chosen, X, self._standing)
        share = N / self.source.rows  # of the rows are in memory
        return SampledRows(self._centred(X), p, S / (share * chance) / self.mass)

    def over_rows(self, work: Callable[..., Array], *arguments: Any) -> Array:
        """`work(objective, …)`, a sum over rows: here, or over partitions where they lie."""
        if not isinstance(self.source, PartitionedSource):
            return work(self, *arguments)
        self.passes.note_visit(1.0)
        what = self.coordinates, self.dtype, self.mass, self._standing
        (sums,) = self.source.sum(_of_partition, what, work, arguments)
        return np.asarray(sums)

    def runs(self) -> Iterator[RunOfRows]:
        """All rows, in runs of which any part can be asked for."""
        source = self.source.held
        if source is self.source:
            yield RunOfRows(source.rows, partial(self._rows, source))
            return
        self.passes.note_visit(1.0)
        for X, targets, rows in self.source.blocks():
            part = ArraySource(X, self.D, targets, rows)
            yield RunOfRows(part.rows, partial(self._rows, part))

    def _rows(self, source: ArraySource, first: int, last: int) -> SampledRows:
        X, S = source.take(np.arange(first, last))
        if source is self.source:
            p = self.passes.probabilities_of_tiles(first, last, X, self._standing)
        else:
            p = self.passes.probabilities_of(X, self._standing)
        return SampledRows(self._centred(X), p, S / self.mass)

    def _centred(self, X: Array) -> Array:
        centred = X.astype(self.dtype)
        centred -= self.coordinates.centre.astype(self.dtype)
        centred /= self.coordinates.scale.astype(self.dtype)
        return centred

    def rows_evenly(self, count: int) -> Array:
        """Rows of X, evenly spaced, in the coordinates of the solver: (n, D) float32."""
        held = self.source.held
        N = held.rows
        X, _ = held.take(np.arange(min(count, N)) * N // min(count, N))
        centred = (X - self.coordinates.centre) / self.coordinates.scale
        return np.asarray(centred, np.float32)

    def _with_penalty(self, sums: Sums, vector: Array) -> ValueAndGradient:
        gradient = self.coordinates.from_kernel(sums.G, sums.g)
        gradient /= self.mass
        u = self.coordinates.split(vector)[0]
        pulled = self.curvature_of_penalty * u
        self.coordinates.split(gradient)[0][...] += pulled
        return ValueAndGradient(sums.loss / self.mass + 0.5 * float(np.vdot(u, pulled)), gradient)


def _of_partition(
    part: ArraySource, what: Any, work: Callable[..., Array], arguments: tuple[Any, ...]
) -> tuple[Array]:
    """`work` on the objective of a partition, which stands where the whole one does."""
    coordinates, dtype, mass, at = what
    objective = Objective(part, 0.0, coordinates, dtype=dtype, workspace=0)
    objective.mass, objective._at = mass, at
    return (work(objective, *arguments),)
