"""Hessian of the head times a vector, for a block of rows, and the slopes of the soft-cap.

Twins: `core.head.cross_entropy_hvp`, `core.transform`.
"""

# Numba infers the types of what it compiles; annotations would have no effect there.
# mypy: ignore-errors

from __future__ import annotations

import math
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from pminusy.kernels.head.labels import row_log
from pminusy.kernels.head.rows import row_start, row_total, two_sum, work_in
from pminusy.kernels.runtime.compilation import inline, jit
from pminusy.kernels.simd.elementary import SCALE64, exp_below, scale_of
from pminusy.kernels.simd.lanes import choose
from pminusy.kernels.simd.loops import (
    exp_lanes,
    exp_pair_lanes,
    far,
    pair_sum,
    reference,
    start_of,
    two_sum_lanes,
)
from pminusy.kernels.simd.vectors import Lanes, Loop, fma, pointer, where

__all__ = ["bend_rows", "curvature_rows", "slope_rows"]


@intrinsic
def _fused(typing_context: Any, a: Any, b: Any, c: Any) -> Any:
    """a · b + c rounded once, in hardware or not."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        first, *others = (Lanes(builder, value) for value in arguments)
        return fma(first, *others).value

    return a(a, a, a), generate


@intrinsic
def _moments(typing_context, z, a, floor, start, a_top):
    """Σ E and Σ E (a − a_top) over a row, each with what rounding took from it: some 100 bits.

    p·a cancels wherever the entries of a have both signs, so the digits of float64 do not do here.
    """
    signature = types.UniTuple(types.float64, 4)(z, a, *[types.float64] * 3)

    def generate(context, builder, signature, given):
        n = context.make_array(z)(context, builder, given[0]).nitems
        logits, direction = (
            pointer(context, builder, z, given[0]),
            pointer(context, builder, a, given[1]),
        )
        floor, start, a_top = (Lanes(builder, value) for value in given[2:])
        loop = Loop(builder, 8, n)
        zero = ir.Constant(ir.VectorType(ir.DoubleType(), 8), [0.0] * 8)
        sums = [loop.variable(zero) for _ in range(4)]
        for offset, mask in loop.steps():
            x = loop.load(logits, offset, mask, -np.inf).double()
            E, E_low = exp_pair_lanes(x, floor, start)
            if mask is not None:
                E, E_low = (where(Lanes(builder, mask), part, 0.0) for part in (E, E_low))
            d, d_low = two_sum_lanes(loop.load(direction, offset, mask), a_top.negative())
            term = E * d
            low = fma(E, d, term.negative())
            low = fma(E, d_low, fma(E_low, d, low))
            for at, part, part_low in ((0, E, E_low), (2, term, low)):
                total, lost = two_sum_lanes(Lanes(builder, builder.load(sums[at])), part)
                error = Lanes(builder, builder.load(sums[at + 1])) + (lost + part_low)
                builder.store(total.value, sums[at])
                builder.store(error.value, sums[at + 1])
        values = []
        for at in (0, 2):
            total, error = pair_sum(Lanes(builder, builder.load(sums[at])))
            error = error + Lanes(builder, builder.load(sums[at + 1])).reduced(Lanes.__add__)
            values += [total.value, error.value]
        return context.make_tuple(builder, signature.return_type, values)

    return signature, generate


@intrinsic
def _curved(typing_context, z, a, out, floor, start, a_top, mean, mean_low, bend, pull, weight):
    """Write E (bend (a − a_top − mean) + pull) · weight of a row to `out`."""
    signature = types.void(z, a, out, *[types.float64] * 8)

    def generate(context, builder, signature, given):
        n = context.make_array(z)(context, builder, given[0]).nitems
        logits, direction, target = (
            pointer(context, builder, kind, array)
            for kind, array in zip((z, a, out), given[:3], strict=True)
        )
        floor, start, a_top, mean, mean_low, bend, pull, weight = (
            Lanes(builder, value) for value in given[3:]
        )
        loop = Loop(builder, 8, n)
        for offset, mask in loop.steps():
            E = exp_lanes(loop.load(logits, offset, mask).double(), floor, start)
            d, d_low = two_sum_lanes(loop.load(direction, offset, mask), a_top.negative())
            apart = (d - mean) + (d_low - mean_low)
            term = E * (apart * bend + pull) * weight  # small factors last: one rounding
            loop.store(term.rounded(target.type.pointee), target, offset, mask)
        return context.get_dummy_value()

    return signature, generate


@jit
def curvature_rows(z, a, masses, z_loss, out, tiles, stats):
    """S (1 + 2 ζ lse) (p ⊙ a − p (p·a)) + 2 ζ S p (p·a) for rows z (n, K) and directions a.

    `masses` (n,): S; a row where it is 0 gets 0. a is float64. `out` must not share memory with z
    or a. J 1 = 0, so a is counted from its value at the top class: see `core.softmax`.
    """
    work = work_in(tiles, stats)
    scale = scale_of(z)
    J = 0.0
    for i in range(z.shape[0]):
        S = masses[i]
        if S == 0.0:
            out[i, :] = 0.0
            continue
        m, J = row_start(z[i], J, work)
        rest, s = row_total(z[i], m, work)
        if m == -np.inf or rest != rest:
            out[i, :] = np.nan
            continue
        top = 0
        while z[i, top] != m:
            top += 1
        lse = np.float64(m) + row_log(rest, scale) / SCALE64
        bend, pull = S, 0.0
        if far(a, m):
            _far_curved(z[i], a[i], out[i], m, S, s / scale, z_loss, lse)
            continue
        floor, start = start_of(a, reference(m))
        total, total_low, moment, moment_low = _moments(z[i], a[i], floor, start, a[i, top])
        mean = moment / total
        mean_low = (_fused(-mean, total, moment) + (moment_low - mean * total_low)) / total
        if z_loss != 0.0:
            whole, lost = two_sum(a[i, top], mean)
            bend = S * (1.0 + 2.0 * z_loss * lse)
            pull = 2.0 * z_loss * S * (whole + (lost + mean_low))
        _curved(
            z[i], a[i], out[i], floor, start, a[i, top], mean, mean_low, bend, pull, 1.0 / total
        )


@inline
def _far_curved(z, a, out, m, S, s, z_loss, lse):
    """A row of `curvature_rows` whose maximum is +∞ or so large that few logits count beside it."""
    moment = 0.0
    for step in range(2):
        mean = moment / s
        for k in range(z.size):
            if z[k] == m:
                e = 1.0
            else:
                e = exp_below(np.float64(z[k]), np.float64(m)) / SCALE64 if m < np.inf else 0.0
            if step == 0:
                moment += e * a[k] if e != 0.0 else 0.0
            else:
                slope = S * (a[k] - mean)
                if z_loss != 0.0:  # lse may be ∞
                    slope += 2.0 * z_loss * S * (lse * (a[k] - mean) + mean)
                out[k] = e * slope / s if e != 0.0 else 0.0


@inline
def _slope(u, cap, one_over_T):
    """dz/du = sech²(u / κ) / T and d²z/du² = −(2 / κ) tanh(u / κ) dz/du."""
    size = abs(u)
    x = size / cap
    error = _fused(-x, cap, size) / cap  # x + error = |u| / κ
    decay = exp_below(-x, choose(error == error, error, 0.0)) / SCALE64
    square = decay * decay
    sech = 2.0 * decay / (1.0 + square)
    slope = sech * sech * one_over_T
    return slope, -2.0 / cap * math.tanh(u / cap) * slope


@jit
def slope_rows(u, values, cap, one_over_T):
    """Multiply values (n, K) by dz/du at u (n, K), in place; no cap is `cap` 0.

    What is 0 stays 0, as in a row that counts for nothing, even where u is NaN.
    """
    for i in range(u.shape[0]):
        for k in range(u.shape[1]):
            if cap > 0.0:
                t, _ = _slope(np.float64(u[i, k]), cap, one_over_T)
                value = np.float64(values[i, k])
                values[i, k] = choose(value == 0.0, 0.0, value * t)
            else:
                values[i, k] = np.float64(values[i, k]) * one_over_T


@jit
def bend_rows(u, dL_dz, v, cap, one_over_T, values):
    """Add dL_dz ⊙ d²z/du² ⊙ v to values (n, K)."""
    for i in range(u.shape[0]):
        for k in range(u.shape[1]):
            _, bend = _slope(np.float64(u[i, k]), cap, one_over_T)
            gradient = np.float64(dL_dz[i, k])
            term = choose(gradient == 0.0, 0.0, gradient * bend * np.float64(v[i, k]))
            values[i, k] = np.float64(values[i, k]) + term
