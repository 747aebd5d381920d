"""Blocks of rows, run on several threads, each with scratch memory of its own.

How rows are cut depends on the size of the problem alone, never on the number of threads.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pminusy.kernels.head.narrow import MOST, NARROW
from pminusy.kernels.head.rows import scratch
from pminusy.kernels.runtime import threads
from pminusy.kernels.runtime.layout import address

__all__ = ["ONE_BLOCK", "BlockMemory", "blocks_of", "in_blocks", "is_non_temporal", "memory_kept"]

Array = NDArray[Any]

_FEWEST_BLOCKS = 16
ONE_BLOCK = 1 << 16  # logits, some 0.1 ms: no more are always one block
_LARGEST_BLOCK = 1 << 19
_NON_TEMPORAL = 1 << 26  # bytes of a result that no cache holds until somebody reads it


class BlockMemory:
    """Scratch memory of one block."""

    def __init__(self, index: int, K: int, dtype: Any, non_temporal: bool) -> None:
        self.index, self.non_temporal = index, non_temporal
        self.wide = scratch(K, dtype)


def blocks_of(N: int, K: int) -> tuple[int, int]:
    """Number of blocks that N rows of K logits are cut into, and the rows of each."""
    entries = min(max(N * K // _FEWEST_BLOCKS, ONE_BLOCK), _LARGEST_BLOCK)
    step = max(1, entries // K)
    if K <= NARROW:
        step = (step + 31) // 32 * 32
    return -(-N // step), step


def is_non_temporal(z: Array) -> bool:
    """Whether a gradient of these logits is written around the caches: too large to stay there."""
    return bool(z.nbytes >= _NON_TEMPORAL)


def in_blocks(z: Array, block: Callable[[slice, BlockMemory], None]) -> None:
    """Run `block` on the rows of every block, in any order and on any thread."""
    N, K = z.shape
    count, step = blocks_of(N, K)
    if z.size <= ONE_BLOCK:
        block(slice(0, N), memory_kept(K, z.dtype))
        return
    non_temporal = is_non_temporal(z)

    def run(i: int) -> None:
        block(slice(i * step, min(N, (i + 1) * step)), BlockMemory(i, K, z.dtype, non_temporal))

    threads.run(run, count)


class KeptMemory(BlockMemory):
    """Scratch memory of a thread for calls of one block, where making it anew would show.

    `places` says where it is: Numba takes half a microsecond for each array that it is given.
    """

    def __init__(self, K: int, dtype: Any) -> None:
        super().__init__(0, K, dtype, non_temporal=False)
        self.kind = K, dtype
        self.loss = np.empty((), dtype)
        narrow = _narrow_scratch(K, dtype) if K <= NARROW else ()
        self._arrays = np.empty(1), np.empty(4), *self.wide, *narrow  # factor, sums, scratch
        self.places = np.array([address(array) for array in self._arrays], np.int64)


def _narrow_scratch(K: int, dtype: Any) -> tuple[Array, Array, Array]:
    """Memory for E of a group of rows, its labels, and numbers for each of its rows."""
    return np.empty((K + 1) * MOST, dtype), np.empty(MOST, np.int32), np.empty((7, MOST))


class _Kept(threading.local):
    memory: KeptMemory | None = None


_kept = _Kept()


def memory_kept(K: int, dtype: Any) -> KeptMemory:
    """Memory for a call of one block; the last one stays with its thread."""
    memory = _kept.memory
    if memory is None or memory.kind != (K, dtype):
        memory = _kept.memory = KeptMemory(K, dtype)
    return memory
