"""Inputs that tell for layers: overlap, padding, strides, features of different scale."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from pminusy.diagnosis.catalogue.probes import Probe

__all__ = ["layer_probes", "small_layer_inputs"]


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
    X -= 1.2 * X.mean()  # windows of negative numbers alone are among them
    out = [(side - size) // stride + 1 for side in shape]
    inputs = {"X": X, "size": size, "stride": stride, "g": rng.normal(size=(2, 3, *out))}
    return Probe(name, inputs)


def _convolution(draw: Any, name: str, stride: int, pad: int) -> Probe:
    out = [(side + 2 * pad - 3) // stride + 1 for side in (5, 7)]
    return Probe(name, {
        "X": draw(size=(2, 3, 5, 7)), "W": draw(size=(4, 3, 3, 3)), "b": draw(size=4),
        "stride": stride, "pad": pad, "g": draw(size=(2, 4, *out)),
    })  # fmt: skip


# ------------------------------------------------------------- small, in whole and half numbers

_CYCLE = np.array([1.0, -2.0, 3.0, -0.5, 2.0, -1.0, 0.5])


def _plain(*shape: int, start: int = 0) -> Any:
    return _CYCLE[(np.arange(int(np.prod(shape))) + start) % len(_CYCLE)].reshape(shape)


def small_layer_inputs(layer: str) -> Iterator[dict[str, Any]]:
    """Ever larger inputs that can be followed by hand."""
    if layer == "linear layer":
        for N, D, K in (
            (1, 1, 1),
            (1, 2, 1),
            (1, 1, 2),
            (2, 1, 1),
            (2, 1, 2),
            (2, 2, 2),
            (2, 3, 2),
        ):
            yield {
                "X": _plain(N, D), "W": _plain(K, D, start=2), "b": _plain(K, start=4),
                "g": _plain(N, K, start=1),
            }  # fmt: skip
    elif layer == "ReLU":
        for shape in ((1, 2), (1, 4), (2, 3), (1, 2, 2)):
            yield {"X": _plain(*shape), "g": _plain(*shape, start=2)}
            yield {"X": _plain(*shape), "g": -_plain(*shape, start=2)}
    elif layer == "batch norm":
        for N, D in ((2, 1), (3, 1), (3, 2)):
            yield {
                "X": _plain(N, D), "gamma": 2 + np.arange(D) * 1.0, "beta": _plain(D, start=2),
                "old_mean": np.full(D, 0.5), "old_var": np.full(D, 2.0), "momentum": 0.5,
                "eps": 0.5, "g": _plain(N, D, start=2),
            }  # fmt: skip
    elif layer == "max pool":
        for height, width, size, stride in ((2, 2, 2, 1), (2, 3, 2, 1), (2, 4, 2, 2), (3, 3, 2, 1)):
            X = (np.arange(height * width) * 5 % 7 * 1.0).reshape(1, 1, height, width)
            out = [(side - size) // stride + 1 for side in (height, width)]
            yield {"X": X, "size": size, "stride": stride, "g": _plain(1, 1, *out)}
    elif layer == "convolution":
        yield from _small_convolutions()


def _small_convolutions() -> Iterator[dict[str, Any]]:
    for N, C, K, height, width, size, stride, pad in (
        (1, 1, 1, 2, 2, 2, 1, 0), (1, 1, 1, 2, 3, 2, 1, 0), (2, 1, 1, 2, 2, 2, 1, 0),
        (1, 1, 1, 2, 2, 2, 1, 1), (1, 2, 1, 2, 3, 2, 1, 0), (1, 1, 2, 2, 3, 2, 1, 0),
        (2, 2, 2, 2, 3, 2, 1, 0), (1, 1, 1, 3, 3, 2, 2, 1),
    ):  # fmt: skip
        out = [(side + 2 * pad - size) // stride + 1 for side in (height, width)]
        yield {
            "X": _plain(N, C, height, width), "W": _plain(K, C, size, size, start=2),
            "b": _plain(K, start=4), "stride": stride, "pad": pad, "g": _plain(N, K, *out, start=1),
        }  # fmt: skip
