"""What every solver takes and gives back."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from numpy.typing import NDArray

from pminusy.training.penalised import Penalised, ValueAndGradient

__all__ = [
    "Patience",
    "Progress",
    "ProgressCallback",
    "Solution",
    "Status",
    "StopFit",
    "StoppingCriterion",
    "TrainingLog",
]

Array = NDArray[Any]


class Progress(NamedTuple):
    """Where a solver is after an iteration."""

    iteration: int
    objective: float
    optimality: float  # largest absolute entry of the gradient (or of its proximal step)
    passes: float  # visits to the data so far
    seconds: float  # since the fit began
    problem: int = 0  # of cross-validation: which of `problems` is being solved, from 0
    problems: int = 1


ProgressCallback = Callable[[Progress], None]


class StopFit(KeyboardInterrupt):
    """What a progress callback raises to end a fit where it is, and keep it."""


class Status(NamedTuple):
    """Why a solver stopped."""

    reached: bool  # whether the criterion is met
    stalled: bool  # no further progress in this precision


class Solution(NamedTuple):
    """Where a solver ended."""

    vector: Array
    at: ValueAndGradient
    status: Status
    left: float = math.inf  # what the last step promised, where that is known


class StoppingCriterion(NamedTuple):
    """When a fit is finished: the gradient is small enough, or the gap is."""

    tol: float
    gap: float | None = None

    def reached(self, objective: Penalised, at: ValueAndGradient) -> bool:
        """Whether this point is good enough."""
        if self.gap is not None:
            allowed = self.gap * abs(at.value)
            return (
                objective.gap_of_weights(at.gradient) <= allowed  # costs nothing to know
                and objective.gap(at.gradient) <= allowed
            )
        return objective.optimality(at.gradient) <= self.tol

    def share(self, objective: Penalised, at: ValueAndGradient) -> float:
        """What share of the gap may be left when the criterion is met, roughly."""
        if self.gap is not None:
            return self.gap * abs(at.value) / max(objective.gap_of_weights(at.gradient), 1e-300)
        return (self.tol / max(objective.optimality(at.gradient), 1e-150)) ** 2

    def tightened(self, factor: float) -> StoppingCriterion:
        """The same criterion, so much harder to reach."""
        return StoppingCriterion(factor * self.tol, None if self.gap is None else factor * self.gap)


class Patience:
    """Ends a fit that rounding keeps from its end.

    Parameters
    ----------
    rounding
        What is left to gain, relative to f, below which rounding decides the steps.
    """

    LONGEST = 12  # iterations without a smaller gradient

    def __init__(self, rounding: float) -> None:
        self._rounding, self._least, self._idle = rounding, math.inf, 0

    def over(self, optimality: float, left: float, value: float) -> bool:
        """Whether to stop, after an iteration that came here and has this much left to gain."""
        if optimality < 0.9 * self._least:
            self._least, self._idle = optimality, 0
        else:
            self._idle += 1
        return self._idle > self.LONGEST and left <= self._rounding * abs(value)


class TrainingLog:
    """Counts iterations over all stages of a fit, keeps history, and reports."""

    def __init__(
        self,
        max_iter: int,
        report: ProgressCallback | None = None,
        deadline: float = math.inf,
    ) -> None:
        self.max_iter = max_iter
        self.deadline = deadline  # on the clock of time.perf_counter
        self.history: list[Progress] = []
        self.passes = 0.0
        self.best: Array | None = None  # where an interrupted fit ends
        self.start_noted = True  # whether the first entry is where the fit began
        self._report, self._began = report, time.perf_counter()
        self._counted: WeakKeyDictionary[Any, float] = WeakKeyDictionary()

    @property
    def exhausted(self) -> bool:
        """Whether a limit, of iterations or of time, is met."""
        return self.iterations >= self.max_iter or self.out_of_time

    @property
    def out_of_time(self) -> bool:
        """Whether the deadline has passed."""
        return self.deadline < math.inf and time.perf_counter() >= self.deadline

    @property
    def iterations(self) -> int:
        """Iterations so far."""
        return max(len(self.history) - self.start_noted, 0)

    @property
    def watched(self) -> bool:
        """Whether somebody wants to know of every iteration as it ends, or a limit is on time."""
        return self._report is not None or self.deadline < math.inf

    def note_run(self, found: Array, vector: Array) -> None:
        """Write down iterations that ended in one call: value, optimality and passes of each."""
        seconds = time.perf_counter() - self._began
        for number, (value, optimality, passes) in enumerate(found.tolist()):
            self.history.append(Progress(number, value, optimality, passes, seconds))
        self.passes, self.best = self.history[-1].passes, vector

    def note(
        self,
        objective: Penalised,
        vector: Array,
        at: ValueAndGradient,
        optimality: float | None = None,
    ) -> None:
        """Write down where the solver is."""
        self.passes += objective.visits - self._counted.get(objective.counter, 0.0)
        self._counted[objective.counter] = objective.visits
        self.best = vector
        if optimality is None:
            optimality = objective.optimality(at.gradient)
        seconds = time.perf_counter() - self._began
        number = len(self.history) + (not self.start_noted)
        entry = Progress(number, float(at.value), optimality, self.passes, seconds)
        self.history.append(entry)
        if self._report is not None:
            self._report(entry)
