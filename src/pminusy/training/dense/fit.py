"""Newton's method for a dense problem: which model of the Hessian, by predicted cost.

Where the Hessian costs a few passes it is built and solved with at every step. Where it costs more,
a model is kept for several steps, and conjugate gradients, whose products are passes, make up for
what it lacks. Where any model costs many, its diagonal goes first.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from pminusy.kernels import dispatch
from pminusy.training.dense.choice import Build, DenseModel, Models
from pminusy.training.dense.kernel import (
    by_products,
    run_kernel,
    run_products,
    suits_kernel,
    suits_products,
)
from pminusy.training.dense.models import ClassBlocks, Diagonals, SharedBlock, WholeHessian
from pminusy.training.dense.newton import dense_newton
from pminusy.training.dense.objective import DenseObjective, DenseRows
from pminusy.training.dense.row_space import RowSpaceObjective, suits_row_space
from pminusy.training.solvers.solution import Solution, StoppingCriterion, TrainingLog
from pminusy.training.sources.arrays import ArraySource

if TYPE_CHECKING:
    from pminusy.training.penalised import Penalised
    from pminusy.training.sources.protocol import Source

__all__ = ["fit_dense", "fits_dense"]

Array = NDArray[Any]

_MOST_NUMBERS = 2_000_000  # of the matrix and what is beside it: beyond, threads are quicker
_BESIDE = 6  # numbers for a row and class: logits, p, residual …
_POLISH, _POLISHED = 1e-3, 1 << 19  # of the criterion, up to so many multiplications
_LOOSE = 1e-5  # a criterion that asks for less than this is not polished
_DIRECT = 8.0  # products that a Hessian may cost which is built at every step
_DEAR = 16.0  # products that a model costs which is built only where diagonals have not sufficed

# Seconds, on one thread: what decides is their ratio, which machines share.
_CALL, _EXP, _SCALED = 1.2e-6, 2e-9, 2e-10
_READ, _BLOCKED, _SKINNY = 1.1e-10, 3e-10, 3.5e-11  # of a number of the matrix, for every row
_FUSED = 2.5e-11  # a multiplication of a compiled product
_FLOP, _FACTOR = 2.1e-11, 1.7e-11  # a multiplication


def fits_dense(source: Source, workspace: int) -> TypeGuard[ArraySource]:
    """Whether all rows are in memory and, in float64, a matrix that is worth having."""
    numbers = source.rows * (source.features + _BESIDE * source.classes)
    return (
        isinstance(source, ArraySource)
        and not source.sparse
        and numbers <= _MOST_NUMBERS
        and 8 * numbers <= workspace
    )


def fit_dense(
    objective: Penalised,
    source: ArraySource,
    vector: Array,
    criterion: StoppingCriterion,
    log: TrainingLog,
    *,
    compiler: bool = True,
) -> tuple[DenseObjective, Solution]:
    """The objective over the matrix, and where Newton's method ended."""
    dispatch.asked_for()  # nothing here is compiled, but what it cannot be is refused all the same
    rows = DenseRows.of(source, objective.coordinates)
    dense = DenseObjective(rows, objective.ridge, objective.coordinates)
    with np.errstate(all="ignore"):  # what float64 does not hold is looked for where it counts
        if suits_row_space(dense):
            solution = _descend(RowSpaceObjective(dense), vector, criterion, log, compiler=compiler)
            vector, at = solution.vector, dense.evaluate(solution.vector)
            if criterion.reached(dense, at) or log.exhausted:
                return dense, solution._replace(at=at)
        return dense, _descend(dense, vector, criterion, log, compiler=compiler)


def _descend(
    dense: DenseObjective,
    vector: Array,
    criterion: StoppingCriterion,
    log: TrainingLog,
    *,
    compiler: bool,
) -> Solution:
    """Where Newton's method ends, from a vector."""
    rows, enough = dense.rows, criterion
    strict = criterion.gap is not None or criterion.tol <= _LOOSE
    if (
        strict and rows.x.size * dense.K <= _POLISHED
    ):  # a step more costs nothing, the start leaves no trace
        criterion = criterion.tightened(_POLISH)
    direct = _price(WholeHessian, dense) <= _DIRECT
    V = dense.differences(vector)
    if compiler and direct and suits_kernel(dense, criterion, log):
        found = run_kernel(dense, V, criterion, enough, log)
        if found is not None:
            return found
    if direct:
        exact = Models(_exact(dense, rows.x), 0.0)
        return dense_newton(dense, V, exact, criterion=criterion, log=log, direct=True)
    step_by, spent = by_products if compiler else None, False
    if compiler and rows.blocks is None and suits_products(dense, criterion, log):
        price = _price(WholeHessian if dense.K == 2 else ClassBlocks, dense, fused=True)
        V, found = run_products(dense, V, price, criterion, enough, log)
        if found is not None:
            return found
        spent = bool(log.history)
    models = _by_cost(dense, log, spent=spent)
    return dense_newton(
        dense, V, models, criterion=criterion, log=log, direct=False, step_by=step_by
    )


def _exact(dense: DenseObjective, x: Array) -> Build:
    """The Hessian itself; at weights 0 all classes share a block."""

    def build(damping: float) -> DenseModel:
        if dense.K > 2 and not np.any(dense.stands.V):
            return SharedBlock(dense, damping, x)
        return WholeHessian(dense, damping, x)

    return build


def _blocks(dense: DenseObjective, x: Array, log: TrainingLog) -> Build:
    """A block for every class; at weights 0 they share one, at a new value of C they are kept."""
    kept = dense.rows.blocks is not None

    def build(damping: float) -> DenseModel:
        if not np.any(dense.stands.V):
            return SharedBlock(dense, damping, x)
        return ClassBlocks(dense, damping, x, kept=kept and log.iterations == 0)

    return build


def _by_cost(dense: DenseObjective, log: TrainingLog, *, spent: bool) -> Models:
    """A model for conjugate gradients, and diagonals before it where it is dear.

    Not where compiled products have `spent` already what those may cost.
    """
    x = dense.rows.single
    if dense.K == 2:
        build, price = _exact(dense, x), _price(WholeHessian, dense)
    else:
        build, price = _blocks(dense, x, log), _price(ClassBlocks, dense)
    dear = price > _DEAR and dense.rows.blocks is None and not spent
    return Models(build, price, partial(Diagonals, dense) if dear else None)


def _price(model: Any, objective: DenseObjective, *, fused: bool = False) -> float:
    """Products with the Hessian that a model costs; of compiled ones, if they are `fused`."""
    K, E, N = objective.K, objective.E, objective.rows.x.shape[1]
    visit = min((K - 1) * _READ, _BLOCKED + (K - 1) * _SKINNY)
    product = 20 * _CALL + 2 * N * E * visit + N * K * _EXP
    if fused:
        product = 2 * N * E * (K - 1) * _FUSED + N * K * _EXP
    gram = 6 * _CALL + N * E * (E * _FLOP + _SCALED)
    number = K if model is ClassBlocks else K * (K - 1) // 2
    size = E if model is ClassBlocks else (K - 1) * E
    factors = K if model is ClassBlocks else 1
    return (number * gram + factors * (20 * _CALL + size**3 * _FACTOR)) / product
