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
from pminusy.training.dense.choice import FEWEST, DenseModel
from pminusy.training.dense.classes import Labelled
from pminusy.training.dense.compiling import compiled_already
from pminusy.training.dense.models import ClassBlocks
from pminusy.training.dense.objective import DenseObjective, DensePoint
from pminusy.training.dense.row_space import RowSpaceObjective
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

__all__ = [
    "SETTINGS",
    "Settings",
    "by_products",
    "run_kernel",
    "run_products",
    "suits_kernel",
    "suits_products",
]

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
    forcing: float
    fewest: int
    most: int
    last: float


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
    forcing=shared.LARGEST_FORCING,
    fewest=FEWEST,
    most=shared.PRODUCTS,
    last=line_search.FALLING,
)


def suits_kernel(objective: DenseObjective, criterion: StoppingCriterion, log: TrainingLog) -> bool:
    """Whether the twin can do it: nobody watches, and all mass of a row is at its label."""
    few = (objective.K - 1) * objective.E <= _LARGEST_FACTOR
    return few and suits_products(objective, criterion, log)


def suits_products(
    objective: DenseObjective, criterion: StoppingCriterion, log: TrainingLog
) -> bool:
    """The same of the twin that goes by products, whatever the number of parameters."""
    return (
        isinstance(objective.rows.classes, Labelled)
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
    kernels = None if forced == "core" else _twin("compiled")
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
    exhausted = end == kernels.EXHAUSTED
    return _finished(objective, V, iterations, history, enough, log, exhausted=exhausted)


def run_products(
    objective: DenseObjective,
    V: Array,
    budget: float,
    criterion: StoppingCriterion,
    enough: StoppingCriterion,
    log: TrainingLog,
) -> tuple[Array, Solution | None]:
    """Where the twin that goes by products and diagonals came, from V, and whether it ended there.

    It came nowhere if it is not there. `budget` is how many products it may take.
    """
    rows = objective.rows
    assert isinstance(rows.classes, Labelled)
    forced = dispatch.asked_for()
    kernels = None if forced == "core" else _twin("compiled_products")
    if kernels is None:
        return V, None
    factor, features = np.empty((0, 0)), np.empty((0, 0))
    centre = objective.centre
    size = objective.sizes
    if isinstance(objective, RowSpaceObjective):
        factor, features = objective.rows.factor.T, objective.rows.features
        size, centre = objective.over_features
    tiles, transposed = rows.tiles
    history = np.empty((min(log.max_iter, _ROOM) + 1, 3))
    arguments = (
        rows.x, np.ascontiguousarray(rows.by_row), tiles, transposed,
        np.square(tiles).reshape(-1, tiles.shape[2]), rows.classes.labels, rows.classes.S, V.copy(),
        objective.weight_penalty, size, centre, factor, features, criterion.tol, float(budget),
        SETTINGS, history,
    )  # fmt: skip
    if not compiled_already(kernels.descend, arguments) and forced != "cpu":
        return V, None
    end, iterations, _ = kernels.descend(*arguments)
    V = arguments[7]
    exhausted = end == kernels.EXHAUSTED
    found = _finished(objective, V, iterations, history, enough, log, exhausted=exhausted)
    if found is None:
        log.note_run(history[: iterations + 1], objective.vector_of(V))
    return V, found


def by_products(
    objective: DenseObjective,
    point: DensePoint,
    model: DenseModel,
    damping: float,
    forcing: float,
    most: int,
) -> tuple[Array, int]:
    """`newton.by_products`, compiled where that is there and the model is of class blocks."""
    asked = objective, point, model, damping, forcing, most
    inverses = model.inverses if isinstance(model, ClassBlocks) and objective.K > 2 else None
    if inverses is None:
        return newton.by_products(*asked)
    forced = dispatch.asked_for()
    kernels = None if forced == "core" else _twin("compiled_products")
    if kernels is None:
        return newton.by_products(*asked)
    D, p = np.empty_like(point.G), point.outcome.p
    arguments = (
        *objective.rows.tiles, p, objective.rows.classes.S, point.G, inverses,
        objective.weight_penalty, damping, forcing, most, D,
    )  # fmt: skip
    if not compiled_already(kernels.step, arguments) and forced != "cpu":
        return newton.by_products(*asked)
    products = kernels.step(*arguments)
    objective.add_visits(products)
    return D, products


def _finished(
    objective: DenseObjective,
    V: Array,
    iterations: int,
    history: Array,
    enough: StoppingCriterion,
    log: TrainingLog,
    *,
    exhausted: bool,
) -> Solution | None:
    """The solution at V, if that is one; `history` is noted then."""
    point = objective.at(V)
    reached = enough.tol >= objective.largest(point)
    if not reached and not (exhausted and iterations == log.max_iter):
        return None
    objective.stand(point)
    log.note_run(history[: iterations + 1], objective.vector_of(V))
    at = ValueAndGradient(point.value, objective.gradient_of(point.G))
    return Solution(objective.vector_of(V), at, Status(reached=reached, stalled=False))


@cache
def _twin(name: str) -> ModuleType | None:
    """A compiled twin; None where there is no compiler."""
    try:
        return importlib.import_module(f"pminusy.training.dense.{name}")
    except Exception as error:  # whatever is wrong with a compiler, NumPy is another way
        logging.getLogger("pminusy").debug("no compiled twin: %s", error)
        return None
