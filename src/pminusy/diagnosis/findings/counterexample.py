"""The smallest inputs, in whole and half numbers, on which a submission is wrong."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pminusy.diagnosis.bind.subject import Seen, Subject
from pminusy.diagnosis.catalogue.layers.probes import small_layer_inputs
from pminusy.diagnosis.catalogue.layers.recipes import LAYERS
from pminusy.diagnosis.match.trial import Trial

__all__ = ["Smallest", "smallest"]

_SIZES = [
    (N, D, K)
    for N, D, K in itertools.product((1, 2, 3), (1, 2), (2, 3))
    if (N, D, K) != (2, 1, 2)  # as many samples as classes hides too much
]


@dataclass(frozen=True)
class Smallest:
    """Inputs by letter, what came back and what is right."""

    inputs: Mapping[str, Any]
    seen: Seen
    right: Mapping[str, Any]
    letters: tuple[str, ...]  # that differ


def smallest(
    trial: Trial,
    explained: Callable[[Mapping[str, Any], Seen], bool],
) -> Smallest | None:
    """First of ever larger inputs that shows a difference, and one the diagnosis explains.

    Parameters
    ----------
    trial
        The submission, and what is right.
    explained
        Whether the diagnosis accounts for what came back on some inputs.
    """
    fallback = None
    for inputs in _inputs(trial.subject):
        seen, right = trial.subject.call(inputs), trial.right(inputs)
        if seen.raised is not None or right is None:
            continue
        differing = tuple(
            letter for letter, value in seen.values.items() if _differs(value, right[letter])
        )
        if differing:
            found = Smallest(inputs, seen, right, differing)
            if explained(inputs, seen):
                return found
            fallback = fallback or found
    return fallback


def _differs(value: Any, right: Any) -> bool:
    right = np.asarray(right, dtype=np.float64)
    value = np.asarray(value, dtype=np.float64)
    if value.shape != right.shape:
        return True
    with np.errstate(all="ignore"):
        same = np.abs(value - right) <= 1e-4 * max(np.abs(right).max(initial=0.0), 1e-3)
    return not bool(np.all(same))


def _inputs(subject: Subject) -> Iterator[dict[str, Any]]:
    if subject.exercise.name in LAYERS:
        yield from small_layer_inputs(subject.exercise.name)
        return
    sizes = [size for size in _SIZES if size[0] == 1] if subject.single else _SIZES
    strengths = (0.0, 1.0) if subject.regularised else (0.0,)
    options = ((1.0, 0.0), (2.0, 0.2)) if {"T", "eps"} & set(subject.given) else ((1.0, 0.0),)
    for r, (T, eps) in itertools.product(strengths, options):
        for N, D, K in sorted(sizes, key=lambda size: (size[0] * size[1] * size[2], size)):
            yield _draw(subject.given, N, D, K, r) | _chosen(subject.given, {"T": T, "eps": eps})


def _draw(given: tuple[str, ...], N: int, D: int, K: int, r: float) -> dict[str, Any]:
    H = 2
    features = H if "W1" in given else D
    z = _halves(N, K, 0)
    p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    values = {
        "X": _halves(N, D, 1), "X0": _halves(N, D, 1), "W": _halves(K, features, 2),
        "b": _halves(1, K, 1)[0], "W1": _halves(H, D, 1), "b1": _halves(1, H, 2)[0],
        "z": z, "p": p, "y": np.array([1, 0, 1])[:N] % K if N > 1 else np.array([K - 1]),
        "r": r, "lr": 0.5, "batch": 2,
    }  # fmt: skip
    return _chosen(given, values)


def _chosen(given: tuple[str, ...], values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: values[name] for name in given if name in values}


def _halves(rows: int, columns: int, start: int) -> Any:
    cycle = np.array([1.0, 2.0, -1.0, 0.5, 3.0, -0.5, 1.5])
    index = np.arange(rows * columns) * 2 + np.arange(rows * columns) // 4 + start
    return cycle[index % len(cycle)].reshape(rows, columns)
