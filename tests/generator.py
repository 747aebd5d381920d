"""Rows of logits on which softmax implementations lose digits, from a seed.

Every kind of trouble is in every batch, so that no reduction sees easy rows only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Random = np.random.Generator

FLOATS: tuple[type[np.floating[Any]], ...] = (np.float32, np.float64)


@dataclass(frozen=True, slots=True)
class Rows:
    """A batch: logits z (N, K), class indices y (N,), a direction v (N, K)."""

    z: Array
    y: NDArray[np.intp]
    v: Array
    kinds: tuple[str, ...]

    @property
    def shape(self) -> tuple[int, int]:
        """N and K."""
        N, K = self.z.shape
        return N, K


def ordinary(random: Random, K: int) -> Array:
    return random.normal(size=K) * float(random.choice([0.1, 1.0, 5.0, 20.0]))


def confident(random: Random, K: int) -> Array:
    """One class ahead of all others by 5 to 700."""
    z = random.normal(size=K)
    top = random.integers(K)
    z[top] = np.delete(z, top).max() + random.uniform(5, 700)
    return z


def tied(random: Random, K: int) -> Array:
    return random.integers(-2, 3, size=K) * float(random.choice([0.0, 0.5, 1.0, 30.0]))


def offset(random: Random, K: int) -> Array:
    """A common offset of up to ±1e30, under which most differences are whole ulps."""
    common = float(random.choice([-1, 1])) * 10 ** random.uniform(0, 30)
    return random.normal(size=K) * 10 + common


def spread(random: Random, K: int) -> Array:
    """Differences whose exponentials underflow (float32: from 87 on; float64: from 708 on)."""
    width = float(random.choice([100.0, 120.0, 740.0, 800.0, 1e4, 1e10]))
    return -random.uniform(0, 1, size=K) * width


def edge_of_underflow(random: Random, K: int) -> Array:
    """Gaps at which p itself is subnormal, in float32 or in float64."""
    low, high = [(85.0, 105.0), (705.0, 750.0)][random.integers(2)]
    z = -random.uniform(low, high, size=K)
    z[random.integers(K)] = 0.0
    return z


def masked(random: Random, K: int) -> Array:
    z = ordinary(random, K)
    z[random.random(K) < 0.4] = -np.inf
    z[random.integers(K)] = random.normal()
    return z


KINDS: dict[str, Callable[[Random, int], Array]] = {
    "ordinary": ordinary,
    "confident": confident,
    "ties": tied,
    "offset": offset,
    "spread": spread,
    "edge of underflow": edge_of_underflow,
    "masks": masked,
}

_SMALL = (2, 3, 4, 5, 7, 10)
_LARGE = (17, 33, 65, 100, 257, 1000, 2000)


def class_counts(random: Random) -> int:
    """Mostly a handful of classes; one batch in twelve has up to 2,000."""
    if random.random() < 1 / 12:
        return int(random.choice(_LARGE, p=[0.3, 0.25, 0.2, 0.15, 0.05, 0.03, 0.02]))
    return int(random.choice(_SMALL))


def labels(random: Random, z: Array) -> NDArray[np.intp]:
    """Half the labels at the arg-max, the others anywhere that is not masked."""
    y = np.empty(z.shape[0], dtype=np.intp)
    for i, logits in enumerate(z):
        anywhere = random.choice(np.flatnonzero(logits != -np.inf))
        y[i] = logits.argmax() if random.random() < 0.5 else anywhere
    return y


def batch(random: Random, dtype: type[np.floating[Any]], K: int, N: int = 14) -> Rows:
    """N rows of K classes, the kinds taking turns."""
    kinds = tuple(list(KINDS)[i % len(KINDS)] for i in range(N))
    z = np.stack([KINDS[kind](random, K) for kind in kinds]).astype(dtype)
    return Rows(z, labels(random, z), random.normal(size=(N, K)).astype(dtype), kinds)


def batches(seed: int, rows: int) -> Iterator[tuple[Random, Rows]]:
    """Batches until `rows` rows have been made, types in turn; with the generator for options."""
    random = np.random.default_rng(seed)
    made = index = 0
    while made < rows:
        K = class_counts(random)
        made_now = batch(random, FLOATS[index % 2], K, N=14 if K < 300 else 7)
        yield random, made_now
        made, index = made + made_now.shape[0], index + 1
