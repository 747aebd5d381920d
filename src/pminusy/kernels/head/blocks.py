"""Blocks of rows, run on several threads, each with scratch memory of its own.

How rows are cut depends on the size of the problem alone, never on the number of threads.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numpy.typing import NDArray

from pminusy.kernels.head.narrow import NARROW
from pminusy.kernels.head.rows import scratch
from pminusy.kernels.runtime import threads

__all__ = ["BlockMemory", "blocks_of", "in_blocks", "is_non_temporal"]

Array = NDArray[Any]

_FEWEST_BLOCKS = 16
_SMALLEST_BLOCK, _LARGEST_BLOCK = 1 << 16, 1 << 19  # logits: some 0.1 ms
_NON_TEMPORAL = 1 << 26  # bytes of a result that no cache holds until somebody reads it


class BlockMemory:
    """Scratch memory of one block."""

    def __init__(self, index: int, K: int, dtype: Any, non_temporal: bool) -> None:
        self.index, self.non_temporal = index, non_temporal
        self.wide = scratch(K, dtype)


def blocks_of(N: int, K: int) -> tuple[int, int]:
    """Number of blocks that N rows of K logits are cut into, and the rows of each."""
    entries = min(max(N * K // _FEWEST_BLOCKS, _SMALLEST_BLOCK), _LARGEST_BLOCK)
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
    non_temporal = is_non_temporal(z)

    def run(i: int) -> None:
        block(slice(i * step, min(N, (i + 1) * step)), BlockMemory(i, K, z.dtype, non_temporal))

    threads.run(run, count)
