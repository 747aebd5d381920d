"""Inputs that tell mistakes apart: N ≠ D ≠ K, mixed labels, a short last batch, extremes.

Of 36 wrong gradients seen, one row lets 6 pass, zero weights 2, as many rows as classes 1; seven
rows of four classes with mixed labels and weights near ½ let none.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = [
    "SQUARES", "STRENGTH", "Inputs", "Probe", "draw", "extremes", "probes", "small_inputs",
    "small_numbers", "squares", "with_scores",
]  # fmt: skip

STRENGTH = 0.7
_LABELS = {
    7: (2, 0, 3, 1, 2, 2, 0),
    5: (3, 0, 0, 2, 1),
    4: (0, 1, 1, 0),
    3: (1, 5, 0),
    1: (1,),
}  # by batch size
_TEMPERATURES = {0: 1.5, 1: 1.5, 5: 0.5, 7: 2.5}  # by seed; the others leave the option out
_FOCAL = {0: 1.5, 4: 2.0, 5: 3.0, 7: 0.5}
_SMOOTHINGS = {0: 0.2, 1: 0.2, 5: 0.3, 7: 0.1}
Inputs = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Probe:
    """Inputs by letter, and what they show."""

    name: str
    inputs: Mapping[str, Any]
    meaning: str = ""


def probes(given: tuple[str, ...], single: bool = False) -> list[Probe]:
    """Ordinary inputs; between them they tell every mistake of the catalogue from what is right."""
    if single:
        return [
            Probe(f"one row, {K} classes", _labelled(draw(given, seed, 1, D, K), label))
            for seed, D, K, label in ((1, 5, 4, 2), (2, 3, 6, 4), (3, 4, 3, 0))
        ]
    return [
        Probe("7 rows, 4 classes", draw(given, 0, 7, 5, 4), "more rows than classes"),
        Probe("3 rows, 6 classes", draw(given, 4, 3, 4, 6), "fewer rows than classes"),
        Probe("highest class absent", draw(given, 7, 4, 6, 3), "no sample of the last class"),
        Probe("one row", draw(given, 5, 1, 4, 3), "a batch of one"),
        Probe("row offset", _offset(draw(given, 6, 5, 3, 4)), "a constant added to each row"),
    ]


def _labelled(inputs: Inputs, label: int) -> Inputs:
    """The same with another label: one that is 1 in every probe is also the number 1."""
    return inputs | {"y": np.array([label])} if "y" in inputs else inputs


SQUARES = {
    "as many samples as classes": (4, 5, 4),
    "as many features as classes": (5, 4, 4),
    "as many samples as features": (5, 5, 4),
}


def squares(given: tuple[str, ...], sizes: str) -> list[Probe]:
    """Inputs on which two sizes agree, for what runs on no others."""
    N, D, K = SQUARES[sizes]
    return [Probe(sizes, draw(given, seed, N, D, K), "") for seed in (21, 22)]


def draw(given: tuple[str, ...], seed: int, N: int, D: int, K: int) -> Inputs:
    """Random inputs of these sizes: N rows, D features, K classes."""
    rng = np.random.default_rng(seed)
    H = D + K
    z = rng.normal(size=(N, K)) * 1.3
    p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    features = D if "W1" not in given else H
    values: Inputs = {
        "X": rng.normal(size=(N, D)), "X0": rng.normal(size=(N, D)),
        "W": rng.normal(size=(K, features)) * 0.5, "b": rng.normal(size=K) * 0.5,
        "W1": rng.normal(size=(H, D)) * 0.5, "b1": rng.normal(size=H) * 0.5,
        "z": z, "p": p, "y": np.array(_LABELS[N]) % K,
        "r": 0.0, "lr": 0.3, "batch": 3 if N > 4 else 2,
        "T": _TEMPERATURES.get(seed, 1.0), "eps": _SMOOTHINGS.get(seed, 0.0),
        "g": rng.normal(size=(N, K)), "cw": 0.4 + rng.random(K) * 2, "sw": 0.2 + rng.random(N),
        "ignore": -1, "gamma": _FOCAL.get(seed, 2.0), "balance": 0.6,
    }  # fmt: skip
    if "ignore" in given and N > 1:
        values["y"] = np.where(np.arange(N) % 3 == 1, -1, values["y"])
    return _chosen(given, values)


def _chosen(given: tuple[str, ...], values: Inputs) -> Inputs:
    return {name: values[name] for name in given if name in values}


def _offset(inputs: Inputs) -> Inputs:
    """Add a constant to the scores of each row: nothing may change."""
    if "z" in inputs:
        rows = np.arange(inputs["z"].shape[0])[:, None]
        return inputs | {"z": inputs["z"] + 4.0 * (-1.0) ** rows}
    if "X" in inputs and "W" in inputs:
        return inputs | {"W": inputs["W"] + np.linspace(-2, 2, inputs["W"].shape[1])}
    return inputs


def extremes(given: tuple[str, ...], single: bool = False) -> list[Probe]:
    """Scores at which plain formulas leave the range of floating point."""
    cases: list[tuple[str, Callable[[Any], Any], Any, str]] = [
        ("scores near +1000", lambda z: z + 1000.0, np.float64, "exp overflows"),
        ("scores near −1000", lambda z: z - 1000.0, np.float64, "every exp underflows"),
        ("one row far below the others", _far_row, np.float64, "one row's exps underflow"),
        ("scores spread over ±1000", _spread, np.float64, "only the row's own maximum is safe"),
        ("a confident error", _confident, np.float64, "the true class's probability underflows"),
        (
            "scores near +150 in float32",
            lambda z: z + 150.0,
            np.float32,
            "exp overflows in float32",
        ),
        ("a confident error in float32", _confident_32, np.float32, "p underflows in float32"),
    ]
    return [
        Probe(name, _with_scores(given, change, dtype, single), meaning)
        for name, change, dtype, meaning in cases
    ]


def _far_row(z: Any) -> Any:
    return z - np.where(np.arange(z.shape[0]) == z.shape[0] - 1, 2000.0, 0.0)[:, None]


def _spread(z: Any) -> Any:
    return z + 1000.0 * np.linspace(-1, 1, z.shape[1])


def _confident(z: Any) -> Any:
    return z - 1000.0 * (np.arange(z.shape[1]) == 1)


def _confident_32(z: Any) -> Any:
    return z - 130.0 * (np.arange(z.shape[1]) == 1)


def _with_scores(
    given: tuple[str, ...], change: Callable[[Any], Any], dtype: Any, single: bool
) -> Inputs:
    rng = np.random.default_rng(11)
    N = 1 if single else 5
    z = change(rng.normal(size=(N, 4))).astype(dtype)
    return with_scores(z, np.array([1, 0, 1, 3, 2][:N]), given)


def with_scores(z: Any, y: Any, given: tuple[str, ...]) -> Inputs:
    """Inputs whose scores are as wanted: X is the identity, and W holds them.

    A hidden layer's a is 1 on the diagonal and −1 elsewhere, so that its h is the identity.
    """
    (N, K), dtype = z.shape, z.dtype
    eye = np.eye(N, dtype=dtype)
    values: Inputs = {
        "z": z, "y": y, "X": eye, "X0": eye, "W": z.T.copy(), "b": np.zeros(K, dtype),
        "W1": 2 * eye - 1, "b1": np.zeros(N, dtype), "lr": 1.0, "batch": N,
        "cw": np.ones(K, dtype), "sw": np.ones(N, dtype), "ignore": -1, "gamma": 0.0,
        "balance": 1.0,
        "r": 0.0, "T": 1.0, "eps": 0.0, "g": np.cos(np.arange(N * K, dtype=dtype)).reshape(N, K),
    }  # fmt: skip
    return _chosen(given, values)


# ------------------------------------------------------------- small, in whole and half numbers

_SIZES = [
    (N, D, K)
    for N, D, K in itertools.product((1, 2, 3), (1, 2), (2, 3))
    if (N, D, K) != (2, 1, 2)  # as many samples as classes hides too much
]
_NUMBERS = np.array([1.0, -2.0, 3.0, -0.5, 2.0, -1.0, 0.5])
_SCRAMBLED = np.array([1.0, 2.0, -1.0, 0.5, 3.0, -0.5, 1.5])


def small_numbers(*shape: int, start: int = 0) -> Any:
    """Whole and half numbers of both signs, in an array of this shape."""
    return _NUMBERS[(np.arange(int(np.prod(shape))) + start) % len(_NUMBERS)].reshape(shape)


def small_inputs(given: tuple[str, ...], single: bool) -> Iterator[Inputs]:
    """Ever larger inputs to be followed by hand, first without regulariser and options."""
    sizes = [size for size in _SIZES if size[0] == 1] if single else _SIZES
    strengths = (0.0, 1.0) if "r" in given else (0.0,)
    options = ((1.0, 0.0), (2.0, 0.2)) if {"T", "eps"} & set(given) else ((1.0, 0.0),)
    for r, (T, eps) in itertools.product(strengths, options):
        for N, D, K in sorted(sizes, key=lambda size: (size[0] * size[1] * size[2], size)):
            values = _small(N, D, K, 2 if "W1" in given else D)
            if "ignore" in given and N > 1:
                values["y"] = np.where(np.arange(N) == 1, -1, values["y"])
            yield _chosen(given, values | {"r": r, "T": T, "eps": eps})


def _small(N: int, D: int, K: int, features: int) -> Inputs:
    z = _scrambled(N, K, 0)
    return {
        "X": _scrambled(N, D, 1), "X0": _scrambled(N, D, 1), "W": _scrambled(K, features, 2),
        "b": _scrambled(1, K, 1)[0], "W1": _scrambled(2, D, 1), "b1": _scrambled(1, 2, 2)[0],
        "z": z, "p": np.exp(z) / np.exp(z).sum(1, keepdims=True),
        "y": np.array([1, 0, 1])[:N] % K if N > 1 else np.array([K - 1]), "lr": 0.5, "batch": 2,
        "g": _scrambled(N, K, 3), "cw": np.array([2.0, 1.0, 0.5])[:K], "ignore": -1,
        "sw": np.array([1.0, 0.5, 2.0])[:N], "gamma": 2.0, "balance": 0.5,
    }  # fmt: skip


def _scrambled(rows: int, columns: int, start: int) -> Any:
    index = np.arange(rows * columns) * 2 + np.arange(rows * columns) // 4 + start
    return _SCRAMBLED[index % len(_SCRAMBLED)].reshape(rows, columns)
