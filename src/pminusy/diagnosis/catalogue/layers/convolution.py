"""Convolution: its steps, its mistakes, and the inputs it is tried on."""

# ruff: noqa: E501  # a table of sentences: one to a line
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from pminusy.core import layers
from pminusy.diagnosis.catalogue.exercise import layer
from pminusy.diagnosis.catalogue.mistake import Mistake
from pminusy.diagnosis.catalogue.probes import Inputs, Probe, small_numbers
from pminusy.diagnosis.catalogue.recipe import Recipe, Record, Step

__all__ = ["CONVOLUTION"]


def _with(t: Record, **other: Any) -> Record:
    return {**t, **other}


def _out(t: Record) -> Any:
    return layers.convolution(t["X"], t["W"], t["b"], stride=t["stride"], padding=t["pad"])[0]


def _gradients(t: Record) -> Any:
    cache = layers.convolution(t["X"], t["W"], t["b"], stride=t["stride"], padding=t["pad"])[1]
    return layers.convolution_backward(t["g"], cache)


def _assigned(t: Record) -> Any:
    pad, stride = t["pad"], t["stride"]
    height, width = t["W"].shape[2:]
    dX = np.pad(np.zeros_like(t["X"]), ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    for n, o, r, q in np.ndindex(*t["g"].shape):
        rows = slice(r * stride, r * stride + height)
        dX[n, :, rows, q * stride : q * stride + width] = t["W"][o] * t["g"][n, o, r, q]
    inner = slice(pad, -pad) if pad else slice(None)
    return dX[:, :, inner, inner]


def _windows_assigned(t: Record) -> Any:
    """The same where all samples and kernels are summed at once, place by place."""
    pad, stride = t["pad"], t["stride"]
    height, width = t["W"].shape[2:]
    dX = np.pad(np.zeros_like(t["X"]), ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    for r, q in np.ndindex(*t["g"].shape[2:]):
        rows = slice(r * stride, r * stride + height)
        back = np.einsum("no,ochw->nchw", t["g"][:, :, r, q], t["W"])
        dX[:, :, rows, q * stride : q * stride + width] = back
    inner = slice(pad, -pad) if pad else slice(None)
    return dX[:, :, inner, inner]


def _flipped(t: Record) -> Record:
    return _with(t, W=t["W"][:, :, ::-1, ::-1])


def _last_place(t: Record) -> Any:
    """The gradient of the weights from the last place of the output, all samples."""
    g = np.zeros_like(t["g"])
    g[:, :, -1, -1] = t["g"][:, :, -1, -1]
    return _gradients(_with(t, g=g)).dL_dW


def _stride_ignored(t: Record) -> Any:
    """Windows at the first rows and columns, as many as the stride leaves room for."""
    out = _out(_with(t, stride=1))
    height, width = t["g"].shape[2:]
    return out[:, :, :height, :width]


_RECIPE = Recipe((
    Step("out", lambda t: _out(t), "Σ_cij X[n, c, s·r + i, s·q + j] W[o, c, i, j] + b",
         "where the output is computed"),
    Step("dL_dX", lambda t: _gradients(t).dL_dX,
         "g W to each window; windows that overlap add up", "where the gradient of the inputs is computed"),
    Step("dL_dW", lambda t: _gradients(t).dL_dW, "dW = Σ windows of X ⊙ g", "where the gradient of the weights is computed"),
    Step("dL_db", lambda t: _gradients(t).dL_db, "db_o = Σ_nrq g[n, o, r, q]", "where the gradient of the bias is computed"),
))  # fmt: skip

_MISTAKES = (
    Mistake(
        "convolution.bias_missing", "out", lambda t: _out(_with(t, b=0 * t["b"])), "Σ X W",
        "The bias is never added.", "One of the parameters has no effect.",
    ),
    Mistake(
        "convolution.flipped", "out", lambda t: _out(_flipped(t)), "Σ X W, kernel flipped",
        "The kernel is flipped: networks use the cross-correlation, without a flip.",
        "The kernel lies the wrong way round.",
    ),
    Mistake(
        "convolution.gradient_flipped", "dL_dX", lambda t: _gradients(_flipped(t)).dL_dX,
        "g W, kernel flipped", "The kernel is flipped in the gradient of the inputs.",
        "The kernel lies the wrong way round.",
    ),
    Mistake(
        "convolution.assigned", "dL_dX", _assigned, "dx[window] = g W",
        "The windows' gradients are assigned, so overlapping windows overwrite each other: add them.",
        "Not every window counts.",
    ),
    Mistake(
        "convolution.windows_assigned", "dL_dX", _windows_assigned, "dx[window] = g W",
        "The windows' gradients are assigned, so overlapping windows overwrite each other: add them.",
        "Not every window counts.", called="convolution.assigned",
    ),
    Mistake(
        "convolution.stride_ignored", "out", _stride_ignored, "stride 1",
        "The stride has no effect: windows step by 1.", "An argument has no effect.",
    ),
    Mistake(
        "convolution.padding_ignored", "out", lambda t: _out(_with(t, pad=0)), "no padding",
        "The padding has no effect.", "An argument has no effect.",
    ),
    Mistake(
        "convolution.first_channel", "out",
        lambda t: _out(_with(t, X=t["X"][:, :1], W=t["W"][:, :1])), "channel 0 alone",
        "Only the first channel is used: sum over the channels.", "The sum runs over too little.",
    ),
    Mistake(
        "convolution.gradient_of_last_sample", "dL_dX",
        lambda t: _gradients(t).dL_dX * (np.arange(len(t["X"])) == len(t["X"]) - 1)[:, None, None, None],
        "dX of the last sample", "Only the last sample gets a gradient.", "Not every sample counts.",
    ),
    Mistake(
        "convolution.weights_assigned", "dL_dW", _last_place, "dW = window ⊙ g, assigned",
        "The gradient of the weights is assigned in the loop, so only the last place is left: "
        "accumulate over the places.",
        "Not every place counts.",
    ),
    Mistake(
        "convolution.weights_sign", "dL_dW", lambda t: -_gradients(t).dL_dW, "−dW",
        "The gradient of the weights has the wrong sign.", "The sign is turned.",
    ),
    Mistake(
        "convolution.weights_averaged", "dL_dW", lambda t: _gradients(t).dL_dW / len(t["X"]),
        "dW / N", "The gradient of the weights is divided by N; g already carries any 1/N.",
        "A factor N.",
    ),
    Mistake(
        "convolution.bias_averaged", "dL_db", lambda t: t["g"].mean((0, 2, 3)), "mean of g",
        "The gradient of the bias is averaged; every place adds to it.", "Mean and sum.",
    ),
    Mistake(
        "convolution.bias_of_samples", "dL_db", lambda t: t["g"].sum((2, 3)).mean(0),
        "mean_n Σ_rq g", "The gradient of the bias is averaged over the samples.", "A factor N.",
    ),
    Mistake(
        "convolution.last_sample", "dL_dW",
        lambda t: _gradients(_with(t, X=t["X"][-1:], g=t["g"][-1:])).dL_dW, "dW of the last sample",
        "Only the last sample's gradient of the weights is left: accumulate over the samples.",
        "Not every sample counts.",
    ),
)  # fmt: skip


def _probe(draw: Any, name: str, stride: int, pad: int) -> Probe:
    out = [(side + 2 * pad - 3) // stride + 1 for side in (5, 7)]
    return Probe(name, {
        "X": draw(size=(2, 3, 5, 7)), "W": draw(size=(4, 3, 3, 3)), "b": draw(size=4),
        "stride": stride, "pad": pad, "g": draw(size=(2, 4, *out)),
    })  # fmt: skip


def _ordinary() -> list[Probe]:
    draw = np.random.default_rng(3).normal
    return [
        _probe(draw, "stride 1, padding 1", 1, 1),
        _probe(draw, "stride 2, padding 1", 2, 1),
        _probe(draw, "no padding", 1, 0),
    ]


def _small() -> Iterator[Inputs]:
    for N, C, K, height, width, size, stride, pad in (
        (1, 1, 1, 2, 2, 2, 1, 0), (1, 1, 1, 2, 3, 2, 1, 0), (2, 1, 1, 2, 2, 2, 1, 0),
        (1, 1, 1, 2, 2, 2, 1, 1), (1, 2, 1, 2, 3, 2, 1, 0), (1, 1, 2, 2, 3, 2, 1, 0),
        (2, 2, 2, 2, 3, 2, 1, 0), (1, 1, 1, 3, 3, 2, 2, 1),
    ):  # fmt: skip
        out = [(side + 2 * pad - size) // stride + 1 for side in (height, width)]
        yield {
            "X": small_numbers(N, C, height, width), "W": small_numbers(K, C, size, size, start=2),
            "b": small_numbers(K, start=4), "stride": stride, "pad": pad,
            "g": small_numbers(N, K, *out, start=1),
        }  # fmt: skip


CONVOLUTION = layer(
    "convolution", _RECIPE, _MISTAKES, functions=r"conv(olution)?(2d)?",
    arguments=("X", "W", "b", "settings"), settings={"stride": "stride", "pad": "pad"},
    ordinary=_ordinary, small=_small, derivation="conv",
    lines={"out": "forward", "dL_dX": "da", "dL_dW": "dW", "dL_db": "db"},
)  # fmt: skip
