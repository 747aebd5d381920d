"""A whole call on one block of rows that all have a label, in one step of compiled code.

Small calls are most of what they cost in Python: here factors, rows and the loss's sum are made
without going back to it. Twin: `cpu.cross_entropy_grad` without weights, smoothing, cap,
temperature and z-loss, which gives the same bits.
"""

# Numba infers the types of what it compiles; annotations would have no effect there.
# mypy: ignore-errors

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pminusy.kernels.head.blocks import ONE_BLOCK, memory_kept
from pminusy.kernels.head.labels import NO_LABEL, label_rows
from pminusy.kernels.head.narrow import MOST, NARROW, narrow_label_rows
from pminusy.kernels.head.rows import TILE
from pminusy.kernels.head.targets import NOTHING
from pminusy.kernels.runtime.compilation import inline, jit
from pminusy.kernels.runtime.machine import array_at, place_of
from pminusy.kernels.simd.elementary import SCALE64

__all__ = ["labelled", "unlabelled"]

Array = NDArray[Any]
_SUM, _MEAN, _UNLABELLED = range(3)  # what the mass of a row is
_NO_LABELS = np.full(4096, NO_LABEL, np.intp)


def unlabelled(z: Array, out: Array) -> bool:
    """Write the softmax of z (N, K) to `out`; False if it cannot be done in one step."""
    N, K = z.shape
    if not 0 < z.size <= ONE_BLOCK or _NO_LABELS.size < N:
        return False
    if not (z.flags.carray and out.flags.carray):
        return False
    memory = memory_kept(K, z.dtype)
    call = _narrow_call if K <= NARROW else _wide_call
    call(z, _NO_LABELS[:N], 0, _UNLABELLED, memory.loss, out, NOTHING, memory.places)
    return True


def labelled(z: Array, y: Array, ignore_index: int, reduction: str, out: Array) -> Array | None:
    """Loss of z (N, K), without options, and the gradient in `out` unless that has no rows.

    None if it cannot be done in one step: a label is ignored or wrong, memory lies otherwise.
    """
    if not 0 < z.size <= ONE_BLOCK:
        return None
    if not (z.flags.carray and y.flags.carray and out.flags.carray):
        return None
    N, K = z.shape
    loss = np.empty((), z.dtype)
    losses = np.empty(N) if reduction == "none" else NOTHING
    mass = _MEAN if reduction == "mean" else _SUM
    call = _narrow_call if K <= NARROW else _wide_call
    memory = memory_kept(K, z.dtype)  # held here: what runs in between may keep another instead
    if not call(z, y, ignore_index, mass, loss, out, losses, memory.places):
        return None
    if reduction != "none":
        return loss
    with np.errstate(all="ignore"):  # a loss beyond the largest number is ∞
        return losses.astype(z.dtype, copy=False)


@inline
def _factor(labels, K, ignore_index, mass, factor):
    """Put the factor of every row in `factor` (1,); False if a row has no label of a class."""
    for c in labels:
        if (not 0 <= c < K or c == ignore_index) and mass != _UNLABELLED:
            return False
    factor[0] = 1.0 / labels.size if mass == _MEAN else 1.0
    return True


@inline
def _reduced(sums, loss):
    loss[()] = sums[0] + (sums[1] + (sums[2] + sums[3]) / SCALE64)


@inline
def _kept(places, K, dtype):
    """Factor, sums, and `rows.scratch`, where `KeptMemory` has them."""
    factor = array_at(places[0], (1,), np.float64)
    sums = array_at(places[1], (4,), np.float64)
    tiles = array_at(places[2], (2, TILE), dtype)
    stats = array_at(places[3], (6, (K + TILE - 1) // TILE), np.float64)
    return factor, sums, tiles, stats


@jit
def _narrow_call(z, labels, ignore_index, mass, loss, out, losses, places):
    N, K = z.shape
    factor, sums, tiles, stats = _kept(places, K, z.dtype)
    if not _factor(labels, K, ignore_index, mass, factor):
        return False
    flat = array_at(place_of(z), (N * K,), z.dtype)
    E = array_at(places[4], ((K + 1) * MOST,), z.dtype)
    short = array_at(places[5], (MOST,), np.int32)
    lines = array_at(places[6], (7, MOST), np.float64)
    narrow_label_rows(z, flat, labels, factor, out, losses, sums, tiles, stats, E, short, lines)
    _reduced(sums, loss)
    return True


@jit
def _wide_call(z, labels, ignore_index, mass, loss, out, losses, places):
    K = z.shape[1]
    factor, sums, tiles, stats = _kept(places, K, z.dtype)
    if not _factor(labels, K, ignore_index, mass, factor):
        return False
    label_rows(z, labels, factor, out, losses, sums, False, tiles, stats)
    _reduced(sums, loss)
    return True
