"""f along a line: what a line search looks at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pminusy.training.penalised import LinePoint, ValueAndGradient

if TYPE_CHECKING:
    from pminusy.training.objective import Objective
    from pminusy.training.passes.caller import Sums

__all__ = ["CorrectedLine", "LineRestriction", "PenaltyOnLine"]

Array = NDArray[Any]


class PenaltyOnLine(NamedTuple):
    """The penalty along a line: ½ (a + 2 b t + c t²)."""

    start: float
    falling: float
    curvature: float

    @classmethod
    def of(cls, objective: Objective, origin: Array, direction: Array) -> PenaltyOnLine:
        """Along a direction, both in the objective's coordinates."""
        u = objective.coordinates.split(origin)[0]
        d = objective.coordinates.split(direction)[0]
        pulled = objective.curvature_of_penalty * d
        squares = float(np.vdot(u, objective.curvature_of_penalty * u))
        return cls(squares, float(np.vdot(u, pulled)), float(np.vdot(d, pulled)))

    def value(self, step: float) -> float:
        """At a step."""
        return 0.5 * (self.start + 2 * step * self.falling + step * step * self.curvature)

    def slope(self, step: float) -> float:
        """At a step."""
        return self.falling + step * self.curvature


class CorrectedLine:
    """A line whose slopes are moved so that the first of them is the one given."""

    def __init__(self, line: LineRestriction, slope: float) -> None:
        self._line, self._moved = line, slope - line.start.slope
        self.start = line.start._replace(slope=slope)

    def at(self, step: float) -> LinePoint:
        """Value, slope and curvature at a step."""
        point = self._line.at(step)
        return point._replace(slope=point.slope + self._moved)


class LineRestriction:
    """f along `direction`, from a point where the objective stands.

    With kept logits the first look, at step 1, is a pass; others cost no product with X, and
    accepting another step half a pass. Without, every look is a pass.
    """

    def __init__(self, objective: Objective, origin: Array, at: ValueAndGradient, direction: Array):
        self._objective, self._origin, self._direction = objective, origin, direction
        self.start = LinePoint(0.0, at.value, float(at.gradient @ direction), np.nan)
        self._penalty = PenaltyOnLine.of(objective, origin, direction)
        self._first: Sums | None = None
        self._last: tuple[float, ValueAndGradient] | None = None

    def at(self, step: float) -> LinePoint:
        """Value and slope at a step."""
        if not self._objective.passes.stored:
            return self._visit(step)
        mass = self._objective.mass
        penalty = self._penalty
        if self._first is None:
            V = self._objective.coordinates.to_kernel(self._direction, self._objective.dtype)
            self._first = self._objective.passes.step(*V)
        if step == 1.0:
            loss, slope, curve = self._first.loss, self._first.slope, np.nan
        else:
            loss, slope, curve = self._objective.passes.restriction(step)
        return LinePoint(
            step,
            loss / mass + penalty.value(step),
            slope / mass + penalty.slope(step),
            curve / mass + penalty.curvature,
        )

    def accept(self, step: float) -> tuple[Array, ValueAndGradient]:
        """Move there: the new point, value and gradient."""
        objective = self._objective
        vector = self._origin + step * self._direction
        if not objective.passes.stored:
            if self._last is None or self._last[0] != step:
                self._visit(step)
            assert self._last is not None
            return vector, self._last[1]
        assert self._first is not None
        return vector, objective.move(vector, step, self._first)

    def _visit(self, step: float) -> LinePoint:
        found = self._objective.evaluate(self._origin + step * self._direction)
        self._last = step, found
        slope = float(found.gradient @ self._direction)
        return LinePoint(step, found.value, slope, np.nan)
