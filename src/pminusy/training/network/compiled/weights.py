"""Some rows of one layer's weights: their gradient over the batch, and their update.

Twin: `_backward` and `_update` of `..specification`.
"""

# Numba infers the types of what it compiles; annotations would have no effect there.
# mypy: ignore-errors

from __future__ import annotations

import math

from pminusy.kernels.runtime.compilation import fast_inline
from pminusy.training.network.compiled.products import product_of_transposed
from pminusy.training.network.data import ADAM

__all__ = ["clipped_update", "gradient_task", "update_task"]


@fast_inline
def gradient_task(blas, rows, layout, buffers, schedule, step, task):
    """Gradient of the weights of a task; the first task of a layer has its bias too."""
    layer, d0, d1 = layout.weight_tasks[task]
    begin, end = schedule.bounds[step], schedule.bounds[step + 1]
    n, D, H = end - begin, layout.units[layer], layout.units[layer + 1]
    add = schedule.fresh[step] == 0
    delta, g = buffers.deltas, buffers.gradient
    source, target = layout.level_at[layer + 1], layout.weights_at[layer] + d0 * H
    if layer == 0 and rows.X.shape[0] == 0:
        _sparse_gradient(rows, schedule.order, begin, n, d0, d1, H, delta, source, g, target, add)
    else:
        a, at = buffers.activations, layout.level_at[layer] + d0
        product_of_transposed(blas, d1 - d0, n, H, a, at, D, delta, source, g, target, add)
    if d0 == 0:
        _sum_rows(delta, source, n, H, g, layout.biases_at[layer], add)


@fast_inline
def _sparse_gradient(rows, order, begin, n, d0, d1, H, delta, source, g, target, add):
    if not add:
        g[target : target + (d1 - d0) * H] = 0
    for i in range(n):
        row, line = order[begin + i], source + i * H
        k, stop = rows.indptr[row], rows.indptr[row + 1]
        while k < stop and rows.indices[k] < d0:
            k += 1
        while k < stop and rows.indices[k] < d1:
            x, feature = rows.data[k], target + (rows.indices[k] - d0) * H
            for j in range(H):
                g[feature + j] += x * delta[line + j]
            k += 1


@fast_inline
def _sum_rows(delta, at, n, H, g, bias, add):
    if not add:
        g[bias : bias + H] = 0
    for i in range(n):
        line = at + i * H
        for j in range(H):
            g[bias + j] += delta[line + j]


@fast_inline
def update_task(layout, buffers, schedule, settings, step, task):
    """The penalty joins the gradient of a task, and the weights move unless that waits for ‖g‖."""
    layer, d0, d1 = layout.weight_tasks[task]
    H = layout.units[layer + 1]
    first = layout.weights_at[layer] + d0 * H
    count = (d1 - d0) * H
    schedule.squares[step, task] = _squares(buffers.theta, first, count)
    if schedule.update[step] == 0:
        return
    waits = settings.clip < math.inf
    _scale(buffers, settings.alpha, schedule.inverse[step], first, count)
    norm = _squares(buffers.gradient, first, count) if waits else 0.0
    if not waits:
        _move(buffers, schedule, settings, step, 1.0, first, count)
    if d0 == 0:
        bias = layout.biases_at[layer]
        norm += _update_rest(buffers, schedule, settings, step, bias, H, waits)
        if layout.gamma_at[layer] >= 0:
            units = 2 * layout.units[layer]  # β lies behind γ
            at = layout.gamma_at[layer]
            norm += _update_rest(buffers, schedule, settings, step, at, units, waits)
    schedule.norms[step, task] = norm


@fast_inline
def _update_rest(buffers, schedule, settings, step, at, count, waits):
    """The same for parameters without a penalty."""
    _scale(buffers, 0.0, schedule.inverse[step], at, count)
    if waits:
        return _squares(buffers.gradient, at, count)
    _move(buffers, schedule, settings, step, 1.0, at, count)
    return 0.0


@fast_inline
def clipped_update(layout, buffers, schedule, settings, step, task):
    """The weights of a task move, by the gradient cut to the largest norm."""
    if schedule.update[step] == 0:
        return
    norm = math.sqrt(schedule.norms[step].sum())
    factor = settings.clip / norm if norm > settings.clip else 1.0
    layer, d0, d1 = layout.weight_tasks[task]
    H = layout.units[layer + 1]
    at = layout.weights_at[layer] + d0 * H
    _move(buffers, schedule, settings, step, factor, at, (d1 - d0) * H)
    if d0 == 0:
        _move(buffers, schedule, settings, step, factor, layout.biases_at[layer], H)
        if layout.gamma_at[layer] >= 0:
            units = 2 * layout.units[layer]
            _move(buffers, schedule, settings, step, factor, layout.gamma_at[layer], units)


@fast_inline
def _squares(x, at, count):
    total = 0.0
    for i in range(at, at + count):
        total += float(x[i]) * float(x[i])
    return total


@fast_inline
def _scale(buffers, alpha, inverse, at, count):
    g, w = buffers.gradient, buffers.theta
    kind = w.dtype.type
    alpha, inverse = kind(alpha), kind(inverse)
    for i in range(at, at + count):
        g[i] = (g[i] + alpha * w[i]) * inverse


@fast_inline
def _move(buffers, schedule, settings, step, factor, at, count):
    rate = schedule.rates[step]
    if settings.method == ADAM:
        _adam(buffers, settings, rate, factor, at, count)
    else:
        _momentum(buffers, settings, rate, factor, at, count)
    if buffers.average.size > 0:
        share = buffers.theta.dtype.type(schedule.averaging[step])
        for i in range(at, at + count):
            buffers.average[i] += share * (buffers.theta[i] - buffers.average[i])


@fast_inline
def _adam(buffers, settings, rate, factor, at, count):
    w, g, m, v = buffers.theta, buffers.gradient, buffers.first, buffers.second
    kind = w.dtype.type
    keep_1, add_1 = kind(settings.beta_1), kind((1 - settings.beta_1) * factor)
    keep_2, add_2 = kind(settings.beta_2), kind((1 - settings.beta_2) * (factor * factor))
    rate, epsilon = kind(rate), kind(settings.epsilon)
    for i in range(at, at + count):
        m[i] = keep_1 * m[i] + add_1 * g[i]
        v[i] = keep_2 * v[i] + add_2 * (g[i] * g[i])
        w[i] -= rate * m[i] / (math.sqrt(v[i]) + epsilon)


@fast_inline
def _momentum(buffers, settings, rate, factor, at, count):
    w, g, m = buffers.theta, buffers.gradient, buffers.first
    kind = w.dtype.type
    rate, keep = kind(rate * factor), kind(settings.momentum)
    if settings.nesterov:
        for i in range(at, at + count):
            m[i] = keep * m[i] - rate * g[i]
            w[i] += keep * m[i] - rate * g[i]
    else:
        for i in range(at, at + count):
            m[i] = keep * m[i] - rate * g[i]
            w[i] += m[i]
