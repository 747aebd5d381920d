"""Masks of dropout from a counter: what is dropped depends on seed, step, level and place alone.

Each place is hashed by itself, so that any thread can make any part of a mask. Twin:
`compiled.dropout`. Source of the hash: Steele, Lea & Flood 2014 (the mixer of SplitMix64).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["FIRST", "GOLDEN", "SECOND", "kept", "level_key", "mixed", "step_keys", "threshold"]

Array = NDArray[Any]

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
FIRST = np.uint64(0xBF58476D1CE4E5B9)
SECOND = np.uint64(0x94D049BB133111EB)


def mixed(x: Any) -> Any:
    """64 bits of which each depends on all bits of x (uint64)."""
    x = (x ^ (x >> np.uint64(30))) * FIRST
    x = (x ^ (x >> np.uint64(27))) * SECOND
    return x ^ (x >> np.uint64(31))


def step_keys(seed: int, first: int, count: int) -> Array:
    """A key (count,) for each step from number `first` on."""
    with np.errstate(over="ignore"):
        numbers = np.arange(first + 1, first + count + 1, dtype=np.uint64)
        return np.asarray(mixed(np.uint64(seed) + numbers * GOLDEN))


def level_key(key: Any, level: int) -> Any:
    """The key of one level in a step."""
    with np.errstate(over="ignore"):
        return mixed(np.uint64(key) + np.uint64(level) * GOLDEN)


def threshold(rate: float) -> int:
    """Hashes whose upper 53 bits are below this number are dropped."""
    return int(rate * 2.0**53)


def kept(key: Any, shape: tuple[int, int], rate: float) -> Array:
    """Mask (rows, units) of a level: 1 with probability 1 − rate, else 0."""
    with np.errstate(over="ignore"):
        places = np.arange(1, shape[0] * shape[1] + 1, dtype=np.uint64)
        hashes = mixed(np.uint64(key) + places * GOLDEN) >> np.uint64(11)
    return np.asarray(hashes >= np.uint64(threshold(rate))).reshape(shape)
