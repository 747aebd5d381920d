"""Bias and activation in one visit, and the slope on the way back.

Twin: `core.activations`, `core.layers.relu`.
"""

# Numba infers the types of what it compiles; annotations would have no effect there.
# mypy: ignore-errors

from __future__ import annotations

import math

import numpy as np

from pminusy.kernels.runtime.compilation import by_type, fast_inline, inline
from pminusy.kernels.simd.elementary import SCALE32, SCALE64, exp_reduced
from pminusy.kernels.simd.lanes import choose

__all__ = ["IDENTITY", "activate", "add_bias", "exp_negative", "times_slope"]

IDENTITY, LOGISTIC, TANH, RELU, GELU = range(5)  # places in layout.ACTIVATIONS

_UNSCALE32, _UNSCALE64 = np.float32(1 / SCALE32), 1 / SCALE64
_NEAR = 0.125
_TANH = (-1 / 3, 2 / 15, -17 / 315, 62 / 2835, -1382 / 155925, 21844 / 6081075)


@inline
def _exp32(x):
    return exp_reduced(x, np.float32(0)) * _UNSCALE32


@inline
def _exp64(x):
    return exp_reduced(x, 0.0) * _UNSCALE64


exp_negative = by_type(_exp32, _exp64)
"""e^x for x ≤ 0."""


@fast_inline
def add_bias(z, at, rows, columns, theta, bias):
    """z (rows, columns), from a place in a line of memory, += the bias."""
    for i in range(rows):
        line = at + i * columns
        for j in range(columns):
            z[line + j] += theta[bias + j]


@fast_inline
def activate(kind, z, at, count, slopes):
    """Numbers become f of them; their slopes go to `slopes` unless that is empty."""
    if kind == RELU:
        _relu(z, at, count)
    elif kind == TANH:
        _tanh(z, at, count)
    elif kind == LOGISTIC:
        _logistic(z, at, count)
    elif kind == GELU:
        _gelu(z, at, count, slopes)
    if slopes.size > 0 and kind != GELU:
        for i in range(at, at + count):
            slopes[i] = 1
        times_slope(kind, z, slopes, at, count)


@fast_inline
def _relu(z, at, count):
    zero = z.dtype.type(0)
    for i in range(at, at + count):
        z[i] = choose(z[i] < zero, zero, z[i])  # NaN stays


@fast_inline
def _logistic(z, at, count):
    one = z.dtype.type(1)
    for i in range(at, at + count):
        e = exp_negative(-abs(z[i]))
        z[i] = choose(z[i] < 0, e, one) / (one + e)


@fast_inline
def _tanh(z, at, count):
    one, two = z.dtype.type(1), z.dtype.type(2)
    for i in range(at, at + count):
        x = z[i]
        size = abs(x)
        e = exp_negative(-two * size)
        far = (one - e) / (one + e)
        square = x * x
        tail = z.dtype.type(_TANH[5])
        tail = tail * square + z.dtype.type(_TANH[4])
        tail = tail * square + z.dtype.type(_TANH[3])
        tail = tail * square + z.dtype.type(_TANH[2])
        tail = tail * square + z.dtype.type(_TANH[1])
        tail = tail * square + z.dtype.type(_TANH[0])
        near = x + x * square * tail
        z[i] = choose(size < z.dtype.type(_NEAR), near, choose(x < 0, -far, far))


@fast_inline
def _gelu(z, at, count, slopes):
    half, root = z.dtype.type(0.5), z.dtype.type(math.sqrt(0.5))
    peak = z.dtype.type(1 / math.sqrt(2 * math.pi))
    for i in range(at, at + count):
        x = z[i]
        below = half * math.erfc(-x * root)
        slopes[i] = below + x * peak * math.exp(-half * x * x)
        z[i] = x * below


@fast_inline
def times_slope(kind, a, delta, at, count):
    """delta ⊙= f′, from the outputs a = f(z)."""
    zero, one = a.dtype.type(0), a.dtype.type(1)
    if kind == RELU:
        for i in range(at, at + count):
            delta[i] = choose(a[i] > zero, delta[i], zero)
    elif kind == TANH:
        for i in range(at, at + count):
            delta[i] *= (one - a[i]) * (one + a[i])
    elif kind == LOGISTIC:
        for i in range(at, at + count):
            delta[i] *= a[i] * (one - a[i])
