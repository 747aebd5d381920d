"""Class-index targets, all blocks of rows: whoever runs a task takes blocks until there are none.

`labels.label_rows` and `narrow.narrow_label_rows` as C functions, so that threads that know nothing
of Python can run them. A task is an array of integers: see `run_labels`.
"""

# Numba infers the types of what it compiles; annotations would have no effect there.
# mypy: ignore-errors

from __future__ import annotations

from typing import Any

import numpy as np

from pminusy.kernels.head.labels import label_rows
from pminusy.kernels.head.narrow import MOST, NARROW, narrow_label_rows
from pminusy.kernels.head.rows import TILE
from pminusy.kernels.runtime.compilation import Task, inline, task
from pminusy.kernels.runtime.layout import address
from pminusy.kernels.runtime.machine import add_atomically, array_at
from pminusy.kernels.runtime.threads import WORKERS, run_task

__all__ = ["run_labels", "wide32"]

_NEXT, _SLOT, _END = 0, 1, 7  # and WORKERS: in a line of the cache of their own, they change
_BLOCKS, _ROWS, _CLASSES, _STEP, _STREAM, _FACTORS_EACH, _GRADIENT, _LOSSES_EACH = range(8, 16)
_Z, _LABELS, _FACTORS, _OUT, _LOSSES, _SUMS, _SCRATCH, _SLOT_BYTES = range(16, 24)
_WORDS = 24
_LINE = 64  # bytes of a line of the cache
_AT_ONCE = 2**28  # logits: some 0.2 s, after which Python may handle a signal


def run_labels(
    z: Any,
    labels: Any,
    factors: Any,
    out: Any,
    losses: Any,
    sums: Any,
    step: int,
    stream: bool,
    threads: int,
) -> None:
    """Loss (and gradient) of rows z (N, K), in blocks of `step` rows, on up to so many threads.

    The arrays are those of `labels.label_rows`, C-contiguous; `sums` (blocks, 4) has a line for
    each block.
    """
    (N, K), count = z.shape, sums.shape[0]
    bytes_each = _slot_bytes(K, z.itemsize)
    scratch = np.empty(threads * bytes_each + _LINE, np.uint8)
    words = np.zeros(_WORDS, np.int64)
    words[_BLOCKS:_Z] = count, N, K, step, stream, factors.size > 1, out.size > 0, losses.size > 0
    words[_Z:_SCRATCH] = [address(a) for a in (z, labels, factors, out, losses, sums)]
    start = address(scratch)
    words[_SCRATCH:] = start + -start % _LINE, bytes_each
    task = _task(K, z.dtype)
    most = max(1, _AT_ONCE // (step * K))
    for first in range(0, count, most):
        words[:_END] = 0  # WORKERS too
        words[_NEXT], words[_END] = first, min(count, first + most)
        run_task(task, words, threads)


def _task(K: int, dtype: Any) -> Task:
    wide, narrow = (wide32, _narrow32) if dtype == np.float32 else (_wide64, _narrow64)
    return narrow if K <= NARROW else wide


def _slot_bytes(K: int, itemsize: int) -> int:
    """Scratch memory of one thread: `rows.scratch`, and `narrow.narrow_scratch` for few classes."""
    numbers = 8 * 6 * -(-K // TILE) + itemsize * 2 * TILE
    if K <= NARROW:
        numbers += (8 * 7 + 4 + itemsize * (K + 1)) * MOST
    return numbers + -numbers % _LINE + _LINE


@inline
def _scratch(words):
    """Where the memory of this thread's own begins."""
    return words[_SCRATCH] + add_atomically(words, _SLOT, 1) * words[_SLOT_BYTES]


@inline
def _wide(words, dtype):
    N, K, step, end = words[_ROWS], words[_CLASSES], words[_STEP], words[_END]
    z = array_at(words[_Z], (N, K), dtype)
    labels = array_at(words[_LABELS], (N,), np.int64)
    factors = array_at(words[_FACTORS], (N if words[_FACTORS_EACH] else 1,), np.float64)
    out = array_at(words[_OUT], (N if words[_GRADIENT] else 0, K), dtype)
    losses = array_at(words[_LOSSES], (N if words[_LOSSES_EACH] else 0,), np.float64)
    sums = array_at(words[_SUMS], (words[_BLOCKS], 4), np.float64)
    tiles_of_row = (K + TILE - 1) // TILE
    place = _scratch(words)
    stats = array_at(place, (6, tiles_of_row), np.float64)
    tiles = array_at(place + 48 * tiles_of_row, (2, TILE), dtype)
    stream = words[_STREAM] != 0
    i = add_atomically(words, _NEXT, 1)
    if i < end:
        add_atomically(words, WORKERS, 1)
    while i < end:
        first, last = i * step, min(N, (i + 1) * step)
        start, stop = (first, last) if factors.size > 1 else (0, 1)
        label_rows(
            z[first:last],
            labels[first:last],
            factors[start:stop],
            out[first:last],
            losses[first:last],
            sums[i],
            stream,
            tiles,
            stats,
        )
        i = add_atomically(words, _NEXT, 1)


@inline
def _narrow(words, dtype):
    N, K, step, end = words[_ROWS], words[_CLASSES], words[_STEP], words[_END]
    z = array_at(words[_Z], (N, K), dtype)
    flat = array_at(words[_Z], (N * K,), dtype)
    labels = array_at(words[_LABELS], (N,), np.int64)
    factors = array_at(words[_FACTORS], (N if words[_FACTORS_EACH] else 1,), np.float64)
    out = array_at(words[_OUT], (N if words[_GRADIENT] else 0, K), dtype)
    losses = array_at(words[_LOSSES], (N if words[_LOSSES_EACH] else 0,), np.float64)
    sums = array_at(words[_SUMS], (words[_BLOCKS], 4), np.float64)
    place = _scratch(words)
    stats = array_at(place, (6, 1), np.float64)
    lines = array_at(place + 48, (7, MOST), np.float64)
    short = array_at(place + 48 + 56 * MOST, (MOST,), np.int32)
    tiles = array_at(place + 48 + 60 * MOST, (2, TILE), dtype)
    E = array_at(place + 48 + 60 * MOST + 2 * TILE * z.itemsize, ((K + 1) * MOST,), dtype)
    i = add_atomically(words, _NEXT, 1)
    if i < end:
        add_atomically(words, WORKERS, 1)
    while i < end:
        first, last = i * step, min(N, (i + 1) * step)
        start, stop = (first, last) if factors.size > 1 else (0, 1)
        narrow_label_rows(
            z[first:last],
            flat[first * K : last * K],
            labels[first:last],
            factors[start:stop],
            out[first:last],
            losses[first:last],
            sums[i],
            tiles,
            stats,
            E,
            short,
            lines,
        )
        i = add_atomically(words, _NEXT, 1)


@task
def wide32(words):
    """More than a few classes, float32."""
    _wide(words, np.float32)


@task
def _wide64(words):
    _wide(words, np.float64)


@task
def _narrow32(words):
    _narrow(words, np.float32)


@task
def _narrow64(words):
    _narrow(words, np.float64)
