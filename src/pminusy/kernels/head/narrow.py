"""Few classes: `labels.label_rows` for K up to 64, several rows side by side.

A row of 10 logits is shorter than a vector. So the exponentials of a group of rows are made in one
go over its memory, all measured against the group's maximum; the sums are taken with one row in
each lane. No row's own maximum is needed: with `others` = Σ_{k≠c} E_k, summed without the label,

    L = ln(1 + others / E_c),   ∂L/∂z_k = E_k / (others + E_c),   ∂L/∂z_c = −others / (others + E_c)

Rows that are not ordinary (NaN, ±∞ at the top, logits far below the group's) go to `label_row`.
"""

# Numba infers the types of what it compiles; annotations would have no effect there.
# mypy: ignore-errors

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from pminusy.kernels.head.labels import label_row
from pminusy.kernels.head.rows import two_sum, work_in
from pminusy.kernels.runtime.compilation import by_type, called, inline
from pminusy.kernels.simd.elementary import SCALE64
from pminusy.kernels.simd.loops import (
    exp_times,
    far,
    largest,
    log1p_lanes,
    reference,
    start_at,
    two_sum_lanes,
)
from pminusy.kernels.simd.vectors import (
    Lanes,
    Loop,
    counted_loop,
    gathered,
    lanes_of,
    pointer,
    where,
)

__all__ = ["MOST", "NARROW", "narrow_label_rows"]

NARROW = 64
MOST = 16  # rows of a group: 16 of float32, 8 of float64
_INDEX, _SHORT, _DOUBLE = ir.IntType(64), ir.IntType(32), ir.DoubleType()
_FACTOR, _OWN, _SCALED, _SUM, _ERROR, _ORDINARY, _MASS = range(7)  # lines of numbers for each row


@intrinsic
def _group(typing_context, E, labels, K, lines, least, least_own):
    """From E of a group of rows: factors, gradient at the label, losses and their sums.

    `least`: what Σ E must be for a row to be ordinary; `least_own`: what E must be at the label.
    Returns how many rows are not.
    """
    signature = types.float64(E, labels, types.int64, lines, types.float64, types.float64)

    def generate(context, builder, signature, given):
        b = builder
        start = pointer(context, b, E, given[0])
        count = lanes_of(start.type.pointee)
        classes = given[2]
        loop = Loop(b, count, classes)
        label = Lanes(b, _loaded(b, pointer(context, b, labels, given[1]), count, 4))
        first_line = pointer(context, b, lines, given[3])
        zeros = [Lanes(b, ir.Constant(ir.VectorType(_DOUBLE, 8), [0.0] * 8))] * (count // 8)
        own = loop.variable(ir.Constant(ir.VectorType(start.type.pointee, count), [0.0] * count))
        sums = [loop.variable(zero.value) for zero in zeros * 2]
        for k in counted_loop(b, classes):
            places = [b.add(b.mul(ir.Constant(_INDEX, r), classes), k) for r in range(count)]
            e = gathered(b, start, places)
            here = label.same(Lanes(b, b.trunc(k, _SHORT)))
            b.store(where(here, e, Lanes(b, b.load(own))).value, own)
            for i, part in enumerate(where(here, 0.0, e).wide()):
                total, lost = two_sum_lanes(Lanes(b, b.load(sums[2 * i])), part)
                b.store(total.value, sums[2 * i])
                if count == 8:  # in float32 the terms leave bits enough
                    error = Lanes(b, b.load(sums[2 * i + 1])) + lost
                    b.store(error.value, sums[2 * i + 1])
        special = zeros[0]
        labelled = label.at_least_zero()
        halves = labelled.halves() if count == 16 else (labelled,)
        for i, own_part in enumerate(Lanes(b, b.load(own)).wide()):
            others = Lanes(b, b.load(sums[2 * i])) + Lanes(b, b.load(sums[2 * i + 1]))
            ordinary = _finish(b, first_line, 8 * i, others, own_part, halves[i], given[4:])
            special = special + where(ordinary, 0.0, zeros[0] + 1.0)
        return special.reduced(Lanes.__add__).value

    return signature, generate


def _finish(b, lines, at, others, own, labelled, least):
    """Eight rows from their sums; returns which of them are ordinary."""

    def line(which):
        return b.gep(lines, [ir.Constant(_INDEX, which * MOST + at)])

    def read(which):
        return Lanes(b, _loaded(b, line(which), 8, 8))

    def write(which, lanes):
        place = b.bitcast(line(which), lanes.value.type.as_pointer())
        b.store(lanes.value, place, align=8)

    total = others + own
    ordinary = total.at_least(Lanes(b, least[0]))
    enough = own.at_least(Lanes(b, least[1]))
    ordinary = ordinary.both(enough.either(labelled.opposite()))
    mass = read(_MASS)
    factor = where(ordinary, mass / total, 0.0)
    ratio = others / own
    log = where(ratio < 1e-20, others / (own * (1.0 / SCALE64)), log1p_lanes(ratio) * SCALE64)
    scaled = where(ordinary.both(labelled), mass * log, 0.0)
    write(_FACTOR, factor)
    write(_OWN, where(factor.same(0.0), 0.0, (others * factor).negative()))
    write(_SCALED, scaled)
    write(_ORDINARY, where(ordinary, mass - mass + 1.0, 0.0))
    sum_, lost = two_sum_lanes(read(_SUM), scaled)
    write(_SUM, sum_)
    write(_ERROR, read(_ERROR) + lost)
    return ordinary


def _loaded(b, start, count, size):
    kind = ir.VectorType(start.type.pointee, count)
    return b.load(b.bitcast(start, kind.as_pointer()), align=size)


@intrinsic
def _row_written(typing_context, E, out, c, own, a, b_):
    """Write E · a · b to a row of the gradient, and `own` at c."""
    signature = types.void(E, E, types.int64, *[E.dtype] * 3)

    def generate(context, builder, signature, given):
        n = context.make_array(E)(context, builder, given[1]).nitems
        source, target = (pointer(context, builder, E, array) for array in given[:2])
        own, a, b = (Lanes(builder, value) for value in given[3:])
        loop = Loop(builder, lanes_of(source.type.pointee), n)
        kind = ir.VectorType(_INDEX, loop.count)
        for offset, mask in loop.steps():
            e = loop.load(source, offset, None)  # E has room for whole vectors
            lane = Lanes(builder, ir.Constant(kind, list(range(loop.count))))
            here = lane.same(Lanes(builder, builder.sub(given[2], offset)))
            loop.store(where(here, own, e * a * b), target, offset, mask)
        return context.get_dummy_value()

    return signature, generate


@inline
def _limits32(z):
    return 120.0, 126.0, 2.0**58, 2.0**-124


@inline
def _limits64(z):
    return 900.0, 1000.0, 2.0**272, 2.0**-100


_limits = by_type(_limits32, _limits64)
"""Base of the group's E, powers of two down to the floor, the least Σ E and the least E_c.

Of Σ E, so that the floor is 0 beside it; of E_c, so that it is above the floor and others / E_c
does not overflow.
"""


@inline
def _two_factors32(z, factor):
    return np.float32(factor * 2.0**64), np.float32(2.0**-64)


@inline
def _two_factors64(z, factor):
    return factor * 2.0**256, 2.0**-256


_two_factors = by_type(_two_factors32, _two_factors64)
"""A factor that may be subnormal, in two."""


@called
def narrow_label_rows(
    z, flat, labels, factors, out, losses, sums, tiles, stats, E, short, lines
):  # fmt: skip
    """As `label_rows`, for few classes; `flat`: z in one line.

    The last three are memory for E of a group, its labels, and numbers for each of its rows.
    """
    n, K = z.shape
    work = work_in(tiles, stats)
    store = out.shape[0] > 0
    group = 64 // z.itemsize
    base, depth, least, least_own = _limits(z)
    plain, plain_error, logs, logs_error, J = 0.0, 0.0, 0.0, 0.0, 0.0
    lines[_SUM, :], lines[_ERROR, :] = 0.0, 0.0
    for first in range(0, n, group):
        rows = min(group, n - first)
        part = flat[first * K : (first + rows) * K]
        top = largest(part)
        special = np.float64(rows)
        if not far(z, top):
            for r in range(group):
                inside = r < rows
                c = labels[first + r] if inside else -1
                short[r] = c
                S = factors[first + r if factors.size > 1 else 0] if inside else 0.0
                lines[_MASS, r] = 0.0 if c == -1 else S
            floor, start = start_at(z, reference(top), base, depth)
            exp_times(part, E, floor, start, 1.0, 1.0, False)
            E[rows * K : group * K] = 0.0  # rows that are not there are not ordinary
            special = _group(E, short, K, lines, least, least_own) - (group - rows)
            if store:
                for r in range(rows):
                    if lines[_ORDINARY, r] != 0.0:
                        a, b = _two_factors(z, lines[_FACTOR, r])
                        own = lines[_OWN, r]
                        _row_written(E[r * K :], out[first + r], short[r], own, a, b)
            if losses.size > 0:
                for r in range(rows):
                    losses[first + r] = lines[_SCALED, r] / SCALE64
        else:
            lines[_ORDINARY, :] = 0.0
        if special > 0.0:
            for r in range(rows):
                i = first + r
                if lines[_ORDINARY, r] == 0.0:
                    S = factors[i if factors.size > 1 else 0]
                    below, lost, log_s, J = label_row(
                        z, labels[i], S, i, out, J, work, store, False
                    )
                    plain, more = two_sum(plain, below)
                    plain_error += more + lost
                    logs, more = two_sum(logs, log_s)
                    logs_error += more
                    if losses.size > 0:
                        losses[i] = below + (lost + log_s / SCALE64)
    for r in range(group):
        logs, more = two_sum(logs, lines[_SUM, r])
        logs_error += more + lines[_ERROR, r]
    sums[0], sums[1], sums[2], sums[3] = plain, plain_error, logs, logs_error
