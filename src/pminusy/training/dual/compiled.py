"""Dual coordinate ascent in Numba, one serial call a thread; read its twin `specification` first.

Classes run in whole vectors, `PADDING` at a time, in loops of that constant length: LLVM makes
vector code of those without a remainder. Columns beyond K have t = −10³⁰ and so p̂ = 0.
"""

# Numba infers the types of what it compiles; annotations would have no effect there.
from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from pminusy.kernels.runtime.compilation import fast_inline, fast_jit
from pminusy.kernels.simd.loops import exp_lanes
from pminusy.kernels.simd.vectors import Lanes, Loop, lanes_of, larger, pointer
from pminusy.training.passes.compiled.row_products import gather_row, scatter_row
from pminusy.training.passes.compiled.tile import mass

__all__ = ["ascend"]

_LOWEST = -1e30
# Of `exp_lanes`, by the width of a number: the least exponent, and 1.5 · 2^places + bias
_RANGE = {32: (-87.0, 1.5 * 2**23 + 127), 64: (-708.0, 1.5 * 2**52 + 1023)}


def ascend(
    X: Any,
    y: Any,
    W: Any,
    b: Any,
    strength: Any,
    rows: Any,
    order: Any,
    T: Any,
    P: Any,
    moved: Any,
    *,
    first: bool,
) -> float:
    """Visit rows in some order; returns the duality gap as the visits found it (0 at first)."""
    bias = np.full(W.shape[1], _LOWEST, W.dtype)
    bias[: b.size] = b
    shift = np.zeros_like(bias)
    shift[: b.size] = moved
    gap = _ascend(
        X.data, X.indices, X.indptr, y, W, bias, shift, strength, rows, order, T, P, b.size, first
    )
    moved[:] = shift[: b.size]
    return float(gap)


@fast_jit
def _ascend(
    data: Any,
    indices: Any,
    indptr: Any,
    y: Any,
    W: Any,
    bias: Any,
    shift: Any,
    strength: Any,
    rows: Any,
    order: Any,
    T: Any,
    P: Any,
    K: Any,
    first: Any,
) -> Any:
    number = W.dtype.type
    gap, s, beta = 0.0, number(strength[0]), number(strength[1])
    z, r = np.empty_like(bias), np.zeros_like(bias)
    for n in range(order.size):
        i = order[n]
        row = _row(rows, i)
        if n + 1 < order.size:
            after = order[n + 1]
            _fetch(T, after)
            _fetch(P, after)
        S = number(mass(y, row))
        if not S > 0:
            continue
        begin, end = indptr[row], indptr[row + 1]
        square = number(0)
        for e in range(begin, end):
            square += number(data[e]) * number(data[e])
        alpha = S * (s * square + beta)
        t, p = T[i], P[i]
        for k in range(z.size):
            z[k] = bias[k] + shift[k]
        gather_row(W, data, indices, begin, end, z)
        if first:
            _begin(y, row, z, t, p, alpha, S, r, K)
        else:
            gap += 0.5 * S * _pull(t, p, z, r, S)
        _newton(t, p, r, alpha)
        if first:
            for k in range(K):
                z[k] = _target(y, row, k)
            z[K:] = 0
        _softmax(t, p)
        _change(p, z, shift, S, s, beta)
        scatter_row(W, data, indices, begin, end, z)
    return gap


@fast_inline
def _row(rows: Any, i: Any) -> Any:
    """Which row of X a row is."""
    row = rows.offset + rows.stride * i
    return rows.chosen[row] if rows.chosen.size else row


@fast_inline
def _begin(y: Any, row: Any, z: Any, t: Any, p: Any, alpha: Any, S: Any, r: Any, K: Any) -> None:
    """t and p̂ where a row was never visited, and by how much it pulls there."""
    t[:] = z
    _softmax(t, p)
    for k in range(K):
        r[k] = alpha * (z.dtype.type(_target(y, row, k)) / S - p[k])


@fast_inline
def _target(y: Any, row: Any, k: Any) -> Any:
    """Target mass q of a class."""
    share = 1.0 if y.soft.shape[0] == 0 and k == y.labels[row] else 0.0
    if y.soft.shape[0] > 0:
        share = float(y.soft[row, k])
    return y.omega[row] * (y.own[k] * share + y.spread[k])


@intrinsic
def _fetch(typing_context: Any, A: Any, i: Any) -> Any:
    """Ask for row i of a matrix to be brought into the nearest cache."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        matrix = context.make_array(A)(context, builder, given[0])
        width = builder.extract_value(matrix.shape, 1)
        start = builder.gep(matrix.data, [builder.mul(given[1], width)])
        short, byte = ir.IntType(32), ir.IntType(8).as_pointer()
        function = cgutils.get_or_insert_function(
            builder.module,
            ir.FunctionType(ir.VoidType(), [byte, short, short, short]),
            "llvm.prefetch.p0",
        )
        loop = Loop(builder, lanes_of(matrix.data.type.pointee), width)
        for at in loop.whole_steps():
            place = builder.bitcast(builder.gep(start, [at]), byte)
            builder.call(function, [place, *(ir.Constant(short, n) for n in (1, 3, 1))])
        return context.get_dummy_value()

    return types.void(A, types.intp), generate


class _Row:
    """Vectors of one row's classes, walked over in LLVM code."""

    def __init__(self, context: Any, builder: Any, kind: Any, arrays: Any) -> None:
        self._builder = builder
        self._lines = [pointer(context, builder, kind, array) for array in arrays]
        n = context.make_array(kind)(context, builder, arrays[0]).nitems
        self._loop = Loop(builder, lanes_of(self._lines[0].type.pointee), n)

    def each(self) -> Iterator[tuple[Callable[[int], Lanes], Callable[[int, Lanes], None]]]:
        """Yield, to build a walk over the classes, what loads and what stores a vector."""
        for at in self._loop.whole_steps():
            yield partial(self._load, at), partial(self._store, at)

    def _load(self, at: Any, line: int) -> Lanes:
        return self._loop.load(self._lines[line], at, None)

    def _store(self, at: Any, line: int, lanes: Lanes) -> None:
        self._loop.store(lanes, self._lines[line], at, None)

    def variable(self, start: float) -> Any:
        """Memory for a vector that walks change."""
        number = self._lines[0].type.pointee
        vector = ir.VectorType(number, self._loop.count)
        return self._loop.variable(ir.Constant(vector, [start] * self._loop.count))

    def value(self, variable: Any) -> Lanes:
        """What such memory holds."""
        return Lanes(self._builder, self._builder.load(variable))

    def add(self, variable: Any, lanes: Lanes) -> None:
        """Add to it."""
        self._builder.store((self.value(variable) + lanes).value, variable)

    def sum(self, variable: Any) -> Lanes:
        """Sum over its lanes."""
        return self.value(variable).reduced(Lanes.__add__)


@intrinsic
def _pull(typing_context: Any, t: Any, p: Any, z: Any, r: Any, S: Any) -> Any:
    """r becomes z − t and z, S p̂; returns the variance of r under p̂."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        row = _Row(context, builder, t, given[:4])
        mass = Lanes(builder, given[4])
        mean, square = row.variable(0.0), row.variable(0.0)
        for load, store in row.each():
            old, difference = load(1), load(2) - load(0)
            store(3, difference)
            store(2, old * mass)
            weighted = old * difference
            row.add(mean, weighted)
            row.add(square, weighted * difference)
        first = row.sum(mean)
        return (row.sum(square) - first * first).value

    return t.dtype(t, t, t, t, t.dtype), generate


@intrinsic
def _newton(typing_context: Any, t: Any, p: Any, r: Any, alpha: Any) -> Any:
    """t moves by (r + α p̂ τ) / (1 + α p̂)."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        row = _Row(context, builder, t, given[:3])
        stiffness = Lanes(builder, given[3])
        above, below = row.variable(0.0), row.variable(0.0)
        for load, _ in row.each():
            w = load(1) / (load(1) * stiffness + 1.0)
            row.add(above, w * load(2))
            row.add(below, w)
        tau = row.sum(above) / row.sum(below)
        for load, store in row.each():
            stiff = load(1) * stiffness
            store(0, load(0) + (load(2) + stiff * tau) / (stiff + 1.0))
        return context.get_dummy_value()

    return types.void(t, t, t, t.dtype), generate


@intrinsic
def _softmax(typing_context: Any, t: Any, p: Any) -> Any:
    """p̂ of t."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        row = _Row(context, builder, t, given)
        top, total = row.variable(_LOWEST), row.variable(0.0)
        for load, _ in row.each():
            builder.store(larger(row.value(top), load(0)).value, top)
        most = row.value(top).reduced(larger)
        floor, start = _RANGE[t.dtype.bitwidth]
        for load, store in row.each():
            e = exp_lanes(load(0) - most, floor, start)
            store(1, e)
            row.add(total, e)
        whole = row.sum(total)
        share = Lanes(builder, ir.Constant(whole.element, 1.0)) / whole
        for load, store in row.each():
            store(1, load(1) * share)
        return context.get_dummy_value()

    return types.void(t, t), generate


@intrinsic
def _change(
    typing_context: Any, p: Any, z: Any, shift: Any, S: Any, s: Any, beta: Any
) -> Any:  # fmt: skip
    """z, the row's S p̂ before or q, becomes s times the change of ρ; the bias moves with it."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        row = _Row(context, builder, p, given[:3])
        mass, strength, slack = (Lanes(builder, value) for value in given[3:])
        for load, store in row.each():
            change = load(1) - load(0) * mass
            store(1, change * strength)
            store(2, load(2) + change * slack)
        return context.get_dummy_value()

    return types.void(p, p, p, p.dtype, p.dtype, p.dtype), generate
