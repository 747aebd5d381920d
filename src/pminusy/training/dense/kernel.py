"""The compiled twin of `newton.dense_newton`: where it can be, and where it is there.

A fit never waits for it to be compiled: until the cache holds it, NumPy does the work.
"""

from __future__ import annotations

import importlib
import logging
from functools import cache
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pminusy.kernels import dispatch
from pminusy.training.dense import newton
from pminusy.training.dense.classes import Labelled
from pminusy.training.dense.compiling import compiled_already
from pminusy.training.dense.objective import DenseObjective
from pminusy.training.penalised import ValueAndGradient
from pminusy.training.solvers import line_search
from pminusy.training.solvers import newton as shared
from pminusy.training.solvers.solution import (
    Patience,
    Solution,
    Status,
    StoppingCriterion,
    TrainingLog,
)

__all__ = ["SETTINGS", "Settings", "run_kernel", "suits_kernel"]

Array = NDArray[Any]

_LARGEST_FACTOR = 128  # parameters: beyond, LAPACK is quicker
_ROOM = 60  # iterations: a fit that needs more is the specification's, which knows more ways


class Settings(NamedTuple):
    """What the twin keeps to as well."""

    damping: float
    caution: float
    least_caution: float
    most_caution: float
    floor: float
    rounding: float
    patience: int
    quadratic: float
    falling: float
    above: float
    target: float
    rise: float
    looks: int
    failures: int


SETTINGS = Settings(
    damping=shared.DAMPING,
    caution=shared.CAUTION,
    least_caution=shared.LEAST_CAUTION,
    most_caution=shared.MOST_CAUTION,
    floor=shared.FLOOR[np.dtype(np.float64)],
    rounding=shared.ROUNDING[np.dtype(np.float64)],
    patience=Patience.LONGEST,
    quadratic=newton.QUADRATIC,
    falling=newton.FALLING,
    above=line_search.ACCEPT_ABOVE,
    target=line_search.TARGET,
    rise=line_search.RISE,
    looks=line_search.LOOKS,
    failures=newton.FAILURES,
)


def suits_kernel(objective: DenseObjective, criterion: StoppingCriterion, log: TrainingLog) -> bool:
    """Whether the twin can do it: nobody watches, and all mass of a row is at its label."""
    return (
        isinstance(objective.rows.classes, Labelled)
        and (objective.K - 1) * objective.E <= _LARGEST_FACTOR
        and criterion.gap is None
        and not log.watched
        and not log.history
    )


def run_kernel(
    objective: DenseObjective,
    V: Array,
    criterion: StoppingCriterion,
    enough: StoppingCriterion,
    log: TrainingLog,
) -> Solution | None:
    """Where the twin ended, from V, as the specification sees it; None if it is not there.

    Nor is it a solution where it found no way on before there was `enough`: the specification, in
    other arithmetic, may.
    """
    rows = objective.rows
    assert isinstance(rows.classes, Labelled)
    forced = dispatch.asked_for()
    kernels = None if forced == "core" else _twin()
    if kernels is None:
        return None
    history = np.empty((min(log.max_iter, _ROOM) + 1, 3))
    arguments = (
        rows.x, rows.classes.labels, rows.classes.S, V.copy(), objective.weight_penalty,
        objective.sizes, objective.centre, criterion.tol, SETTINGS, history,
    )  # fmt: skip
    if not compiled_already(kernels.descend, arguments) and forced != "cpu":
        return None
    end, iterations = kernels.descend(*arguments)
    V = arguments[3]
    point = objective.at(V)
    reached = enough.tol >= objective.largest(point)
    exhausted = end == kernels.EXHAUSTED and iterations == log.max_iter
    if not reached and not exhausted:
        return None
    objective.stand(point)
    log.note_run(history[: iterations + 1], objective.vector_of(V))
    at = ValueAndGradient(point.value, objective.gradient_of(point.G))
    return Solution(objective.vector_of(V), at, Status(reached=reached, stalled=False))


@cache
def _twin() -> ModuleType | None:
    """The compiled twin; None where there is no compiler."""
    try:
        return importlib.import_module("pminusy.training.dense.compiled")
    except Exception as error:  # whatever is wrong with a compiler, NumPy is another way
        logging.getLogger("pminusy").debug("no compiled twin: %s", error)
        return None
