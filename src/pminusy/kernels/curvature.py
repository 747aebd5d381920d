"""Hessian of the head times a vector, for a block of rows, and the slopes of the soft-cap.

Twins: `core.head.cross_entropy_hvp`, `core.transform`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from llvmlite import ir
from numba.extending import intrinsic

from pminusy.kernels.compiled import by_type, inline, jit
from pminusy.kernels.elementary import SCALE64, exp_below, scale_of
from pminusy.kernels.labels import row_log
from pminusy.kernels.lanes import add, choose
from pminusy.kernels.tiles import TILE, row_start, row_total, tree_sum, two_sum, work_in

__all__ = ["bend_rows", "curvature_rows", "slope_rows"]


@intrinsic
def _fused(typing_context: Any, a: Any, b: Any, c: Any) -> Any:
    """a · b + c rounded once, in hardware or not."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = arguments[0].type
        function = builder.module.declare_intrinsic(
            "llvm.fma", [kind], ir.FunctionType(kind, [kind, kind, kind])
        )
        return builder.call(function, arguments)

    return a(a, a, a), generate


@inline
def _moment32(E, a, a_top, terms):
    """Σ E (a − a_top) over a tile."""
    total = 0.0
    for j in range(a.size):
        total = add(total, choose(E[j] == 0.0, 0.0, np.float64(E[j]) * (np.float64(a[j]) - a_top)))
    return total


@inline
def _moment64(E, a, a_top, terms):
    size = (a.size + 7) // 8 * 8
    for j in range(a.size):
        terms[j] = choose(E[j] == 0.0, 0.0, E[j] * (a[j] - a_top))
    for j in range(a.size, size):
        terms[j] = 0.0
    return tree_sum(terms[:size])


_moment = by_type(_moment32, _moment64)


@jit
def curvature_rows(z, a, masses, z_loss, out, tiles, stats):
    """S (1 + 2 ζ lse) (p ⊙ a − p (p·a)) + 2 ζ S p (p·a) for rows z (n, K) and directions a.

    `masses` (n,): S; a row where it is 0 gets 0. `out` must not share memory with z or a.
    J 1 = 0, so a is counted from its value at the top class: see `core.softmax`.
    """
    work = work_in(tiles, stats)
    scale = scale_of(z)
    for i in range(z.shape[0]):
        S = masses[i]
        if S == 0.0:
            out[i, :] = 0.0
            continue
        m = row_start(z[i], out[i], work, True)
        rest, s = row_total(m, work)
        if m == -np.inf:
            out[i, :] = np.nan
            continue
        top = 0
        while top < z.shape[1] - 1 and z[i, top] != m:
            top += 1
        a_top = np.float64(a[i, top])
        single = work.weight.size == 1
        mean, error = 0.0, 0.0
        for t in range(work.weight.size):
            start, stop = t * TILE, min(z.shape[1], (t + 1) * TILE)
            E = work.e if single else out[i, start:stop]
            part = _moment(E, a[i, start:stop], a_top, work.tile) / s * (work.weight[t] / SCALE64)
            mean, lost = two_sum(mean, part)
            error += lost
        mean += error
        lse = np.float64(m) + row_log(rest, scale) / SCALE64
        bend, pull = S, 0.0
        if z_loss != 0.0:
            bend, pull = S * (1.0 + 2.0 * z_loss * lse), 2.0 * z_loss * S * (mean + a_top)
        for t in range(work.weight.size):
            start, stop = t * TILE, min(z.shape[1], (t + 1) * TILE)
            E = work.e if single else out[i, start:stop]
            weight = work.weight[t] / SCALE64 / s
            for j in range(stop - start):
                p = np.float64(E[j]) * weight
                slope = bend * ((np.float64(a[i, start + j]) - a_top) - mean) + pull
                out[i, start + j] = choose(E[j] == 0.0, 0.0, p * slope)


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
    """Multiply values (n, K) by dz/du at u (n, K), in place; no cap is `cap` 0."""
    for i in range(u.shape[0]):
        for k in range(u.shape[1]):
            if cap > 0.0:
                t, _ = _slope(np.float64(u[i, k]), cap, one_over_T)
                values[i, k] = np.float64(values[i, k]) * t
            else:
                values[i, k] = np.float64(values[i, k]) * one_over_T


@jit
def bend_rows(u, dL_dz, v, cap, one_over_T, values):
    """Add dL_dz ⊙ d²z/du² ⊙ v to values (n, K)."""
    for i in range(u.shape[0]):
        for k in range(u.shape[1]):
            _, bend = _slope(np.float64(u[i, k]), cap, one_over_T)
            term = np.float64(dL_dz[i, k]) * bend * np.float64(v[i, k])
            values[i, k] = np.float64(values[i, k]) + term
