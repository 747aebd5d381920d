"""Inputs that tell for layers: overlap, padding, strides, features of different scale."""

from __future__ import annotations

from typing import Any

import numpy as np

from pminusy.diagnosis.probes import Probe

__all__ = ["layer_probes"]


def layer_probes(layer: str) -> list[Probe]:
    """Probes of a layer; every array has different values and no two axes the same length."""
    rng = np.random.default_rng(3)
    draw = rng.normal
    if layer == "linear layer":
        return [
            Probe(f"{N} rows", {
                "X": draw(size=(N, 4)), "W": draw(size=(3, 4)), "b": draw(size=3),
                "g": draw(size=(N, 3)),
            })
            for N in (5, 1)
        ]  # fmt: skip
    if layer == "ReLU":
        return [
            Probe(f"shape {s}", {"X": draw(size=s), "g": draw(size=s)}) for s in ((5, 4), (2, 3, 4))
        ]
    if layer == "batch norm":
        return [Probe(f"{N} rows", _normalisation(draw, N)) for N in (6, 3)]
    if layer == "max pool":
        return [
            _pooling(rng, "windows side by side", 2, 2, (4, 6)),
            _pooling(rng, "overlapping windows", 3, 1, (5, 6)),
            _pooling(rng, "overlap, stride 2", 3, 2, (7, 5)),
        ]
    return [
        _convolution(draw, "stride 1, padding 1", 1, 1),
        _convolution(draw, "stride 2, padding 1", 2, 1),
        _convolution(draw, "no padding", 1, 0),
    ]


def _normalisation(draw: Any, N: int) -> dict[str, Any]:
    D = 4
    scale = np.array([0.3, 1.0, 2.0, 0.7])
    return {
        "X": draw(size=(N, D)) * scale + np.arange(D), "gamma": 1 + draw(size=D) * 0.3,
        "beta": draw(size=D), "old_mean": draw(size=D), "old_var": 0.5 + np.arange(D) * 0.4,
        "momentum": 0.8, "eps": 0.05, "g": draw(size=(N, D)),
    }  # fmt: skip


def _pooling(rng: Any, name: str, size: int, stride: int, shape: tuple[int, int]) -> Probe:
    X = rng.permutation(2 * 3 * shape[0] * shape[1]).reshape(2, 3, *shape) / 7.0
    out = [(side - size) // stride + 1 for side in shape]
    inputs = {"X": X, "size": size, "stride": stride, "g": rng.normal(size=(2, 3, *out))}
    return Probe(name, inputs)


def _convolution(draw: Any, name: str, stride: int, pad: int) -> Probe:
    out = [(side + 2 * pad - 3) // stride + 1 for side in (5, 7)]
    return Probe(name, {
        "X": draw(size=(2, 3, 5, 7)), "W": draw(size=(4, 3, 3, 3)), "b": draw(size=4),
        "stride": stride, "pad": pad, "g": draw(size=(2, 4, *out)),
    })  # fmt: skip
