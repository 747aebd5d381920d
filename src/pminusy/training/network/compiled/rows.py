"""Some rows of a batch: gathered, forward through all levels, through the head, and back.

Twin: `_forward`, `head` and `_backward` of `..specification`, without the gradients of weights.
"""

# Numba infers the types of what it compiles; annotations would have no effect there.
# mypy: ignore-errors

from __future__ import annotations

from pminusy.kernels.runtime.compilation import fast_inline
from pminusy.training.network.compiled.batch_norm import normalise, normalise_backward
from pminusy.training.network.compiled.dropout import drop
from pminusy.training.network.compiled.elementwise import activate, add_bias, times_slope
from pminusy.training.network.compiled.head import head
from pminusy.training.network.compiled.products import product, product_with_transposed

__all__ = ["row_task"]


@fast_inline
def row_task(blas, rows, layout, buffers, schedule, settings, step, task):
    """δ of every level for the rows of one task of a step; their loss is noted."""
    begin, end = schedule.bounds[step], schedule.bounds[step + 1]
    first = min(begin + task * layout.rows, end)
    n = min(first + layout.rows, end) - first
    if n == 0:
        schedule.losses[step, task] = 0.0
        return
    before, last = first - begin, layout.units.size - 1  # rows of the batch before these
    if rows.X.shape[0] > 0:
        _gather(rows.X, schedule.order, first, n, buffers.activations, before * rows.X.shape[1])
    for level in range(last):
        at = layout.level_at[level] + before * layout.units[level]
        if layout.gamma_at[level] >= 0:
            normalise(layout, buffers, settings, level, n)
        if level > 0:
            count = n * layout.units[level]
            activate(layout.activation, buffers.activations, at, count, buffers.slopes)
            if settings.dropout > 0.0:
                offset = before * layout.units[level]
                drop(
                    buffers.activations, buffers.slopes, at, count, offset,
                    schedule.keys[step], level, settings.dropout,
                )  # fmt: skip
        _linear(blas, rows, layout, buffers, schedule.order, first, level, before, n)
    K = layout.units[last]
    at = layout.level_at[last] + before * K
    schedule.losses[step, task] = head(
        rows, schedule.order, first, n, buffers.activations, buffers.deltas, at, K
    )
    add = schedule.fresh[step] == 0
    for level in range(last - 1, 0, -1):
        _back(blas, layout, buffers, level, before, n)
        if layout.gamma_at[level] >= 0:
            normalise_backward(layout, buffers, level, n, add)
    if layout.gamma_at[0] >= 0:
        _back(blas, layout, buffers, 0, before, n)
        normalise_backward(layout, buffers, 0, n, add)


@fast_inline
def _gather(X, order, first, n, out, at):
    columns = X.shape[1]
    for i in range(n):
        row, line = order[first + i], at + i * columns
        for j in range(columns):
            out[line + j] = X[row, j]


@fast_inline
def _linear(blas, rows, layout, buffers, order, first, level, before, n):
    """The next level becomes a W + b."""
    D, H = layout.units[level], layout.units[level + 1]
    a, theta = buffers.activations, buffers.theta
    source, target = layout.level_at[level] + before * D, layout.level_at[level + 1] + before * H
    W, b = layout.weights_at[level], layout.biases_at[level]
    if level == 0 and rows.X.shape[0] == 0:
        _sparse_linear(rows, order, first, n, H, theta, W, b, a, target)
        return
    product(blas, n, D, H, a, source, theta, W, a, target)
    add_bias(a, target, n, H, theta, b)


@fast_inline
def _sparse_linear(rows, order, first, n, H, theta, W, b, out, at):
    for i in range(n):
        row, line = order[first + i], at + i * H
        for j in range(H):
            out[line + j] = theta[b + j]
        for k in range(rows.indptr[row], rows.indptr[row + 1]):
            x, feature = rows.data[k], W + rows.indices[k] * H
            for j in range(H):
                out[line + j] += x * theta[feature + j]


@fast_inline
def _back(blas, layout, buffers, level, before, n):
    """δ of a level from that of the next: (δ Wᵀ) ⊙ f′."""
    D, H = layout.units[level], layout.units[level + 1]
    source, target = layout.level_at[level + 1] + before * H, layout.level_at[level] + before * D
    delta, count = buffers.deltas, n * D
    W = layout.weights_at[level]
    product_with_transposed(blas, n, H, D, delta, source, buffers.theta, W, delta, target)
    if level == 0:
        return
    if buffers.slopes.size > 0:
        for i in range(target, target + count):
            delta[i] *= buffers.slopes[i]
    else:
        times_slope(layout.activation, buffers.activations, delta, target, count)
