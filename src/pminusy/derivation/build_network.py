"""A network from its description: run by `core` both ways, and derived layer by layer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pminusy.core import head, layers
from pminusy.core.options import Options, target_mass
from pminusy.derivation.build_batch import derive_batch
from pminusy.derivation.chapters import network as chapter
from pminusy.derivation.derivation import Chapter, Derivation
from pminusy.derivation.given import Given
from pminusy.derivation.network import LayerArena, LayerNumbers
from pminusy.derivation.reading import class_at, class_named, numbers
from pminusy.derivation.request import Request
from pminusy.errors import InputError

__all__ = ["derive_network"]

_KINDS = (
    "linear:UNITS, relu, relu:UNITS, batchnorm, dropout:RATE, conv:CHANNELSxWIDTH, maxpool:SIZE"
)
_EPS = 1e-5
_MOST_ENTRIES = 400


@dataclass(frozen=True, eq=False)
class _Run:
    """A layer that has run forward, and how its gradients follow from g."""

    kind: str
    values: dict[str, Any]
    inputs: Any
    outputs: Any
    backward: Callable[[Any], dict[str, Any]]
    stride: int = 1
    width: int = 1


def derive_network(asked: Request) -> Derivation:
    """Derivation of every layer's backward, from the head down to the input."""
    _refuse_unused(asked)
    if asked.x is None:
        raise InputError("x", "the input of the network, one row a sample", "nothing")
    inputs = np.atleast_2d(numbers("x", asked.x))
    if inputs.ndim != 2 or not np.isfinite(inputs).all():
        raise InputError("x", "finite numbers (N, D)", f"shape {inputs.shape}")
    labels, K = _labels(asked.y, len(inputs), asked.classes)
    assert asked.network is not None
    runs = _forward(asked.network, inputs, K, asked.seed)
    of_logits = replace(asked, y=labels.tolist(), z=runs[-1].outputs, x=None, network=None)
    base = derive_batch(of_logits, Given("logits", runs[-1].outputs))
    heading = f"; before it {len(runs)} layers: {asked.network}"
    return base.with_more(tuple(_chapters(runs, labels)), heading)


def _refuse_unused(asked: Request) -> None:
    options = asked.options
    if (
        options.transforms_logits
        or options.z_loss
        or options.label_smoothing
        or (options.weight is not None or options.sample_weight is not None or options.log_base)
    ):
        raise InputError(
            "network", "the plain loss", "options of the loss",
            "explain the head with them on its own, from its logits",
        )  # fmt: skip
    if any(v is not None for v in (asked.z, asked.probabilities, asked.W, asked.b)):
        raise InputError("network", "an input x alone: the layers make the logits", "more")
    if asked.reduction != "mean" or asked.ignore_index != -100 or asked.grad_output is not None:
        raise InputError("network", "the mean over rows that all count", "another reduction")
    if asked.features is not None or asked.steps != 1:
        raise InputError("network", "an input and its targets", "features or steps as well")


def _labels(y: Any, N: int, classes: Sequence[str] | None) -> tuple[Any, int]:
    listed = [y] if np.ndim(y) == 0 else list(y)
    if len(listed) != N:
        raise InputError("y", f"{N} classes, one a row of x", f"{len(listed)}")
    if classes is None:
        if any(isinstance(v, bool) or not isinstance(v, int | np.integer) for v in listed):
            raise InputError("y", "class indices", repr(listed[0]), "or name the classes")
        K = max(2, int(max(listed)) + 1)
        names = tuple(map(str, range(K)))
    else:
        K, names = len(classes), tuple(classes)
    indices = [class_named(v, names) if isinstance(v, str) else class_at(v, K) for v in listed]
    return np.array(indices), K


def _forward(description: str, inputs: Any, K: int, seed: int) -> list[_Run]:
    rng = np.random.default_rng(seed)
    runs: list[_Run] = []
    at = inputs
    for word in description.split(","):
        for kind, number in _parse(word.strip()):
            made = _layer(kind, number, at, rng)
            runs += made
            at = runs[-1].outputs
            if at.size > _MOST_ENTRIES:
                raise InputError(
                    "network", f"at most {_MOST_ENTRIES} entries a layer",
                    f"{at.size} after {word}",
                    "fewer rows or units: every entry is checked to 30 digits",
                )  # fmt: skip
    if at.ndim == 3:
        runs.append(_flatten(at))
        at = runs[-1].outputs
    runs.append(_linear(at, K, rng))
    return runs


def _parse(word: str) -> list[tuple[str, Any]]:
    kind, _, rest = word.partition(":")
    try:
        if kind == "relu":
            return [("linear", _whole(rest)), ("relu", None)] if rest else [("relu", None)]
        if kind == "linear":
            return [("linear", _whole(rest))]
        if kind == "batchnorm" and not rest:
            return [("batchnorm", None)]
        if kind == "dropout" and 0 <= float(rest) < 1:
            return [("dropout", float(rest))]
        if kind == "maxpool":
            size, _, stride = rest.partition("/")
            return [("maxpool", (_whole(size), _whole(stride or size)))]
        if kind == "conv":
            channels, _, width = rest.partition("x")
            return [("conv", (_whole(channels), _whole(width)))]
    except ValueError:
        pass
    raise InputError("network", f"layers among {_KINDS} (1-D, stride 1)", repr(word))


def _whole(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError(text)
    return value


def _layer(kind: str, number: Any, at: Any, rng: Any) -> list[_Run]:
    if kind in ("linear", "batchnorm") and at.ndim == 3:
        flat = _flatten(at)
        return [flat, *_layer(kind, number, flat.outputs, rng)]
    if kind == "linear":
        return [_linear(at, number, rng)]
    if kind in ("conv", "maxpool"):
        at = at[:, None, :] if at.ndim == 2 else at
        size = number[1] if kind == "conv" else number[0]
        if at.shape[2] < size:
            raise InputError("network", f"at least {size} entries before {kind}", str(at.shape[2]))
        one, two = number
        return [_conv(at, one, two, rng) if kind == "conv" else _max_pool(at, one, two)]
    if kind == "relu":
        return [_relu(at)]
    if kind == "dropout":
        return [_dropout(at, number, rng)]
    if len(at) < 2:
        raise InputError("network", "at least 2 rows of x for batchnorm", "1")
    return [_batch_norm(at, rng)]


def _linear(at: Any, units: int, rng: Any) -> _Run:
    W = rng.standard_normal((units, at.shape[1])) / np.sqrt(at.shape[1])
    b = rng.standard_normal(units) / 4
    out, cache = layers.linear(at, W, b)

    def backward(g: Any) -> dict[str, Any]:
        da, dW, db = layers.linear_backward(g, cache)
        return {"da": da, "dW": dW, "db": db}

    return _Run("linear", {"W": W, "b": b}, at, out, backward)


def _relu(at: Any) -> _Run:
    """Images are taken as rows: entry by entry there is no difference."""
    rows = at.reshape(len(at), -1)
    if (rows == 0).any():
        raise InputError(
            "network", "no entry exactly 0 before ReLU: it has no derivative there", "0"
        )
    out, mask = layers.relu(rows)
    run = _Run("relu", {}, rows, out, lambda g: {"da": layers.relu_backward(g, mask)})
    return run


def _dropout(at: Any, rate: float, rng: Any) -> _Run:
    rows = at.reshape(len(at), -1)
    mask = (rng.random(rows.shape) >= rate).astype(float)
    out, scale = layers.dropout(rows, rate, mask)
    values = {"mask": mask, "rate": rate}
    return _Run("dropout", values, rows, out, lambda g: {"da": layers.dropout_backward(g, scale)})


def _batch_norm(at: Any, rng: Any) -> _Run:
    gamma, beta = 1 + rng.standard_normal(at.shape[1]) / 4, rng.standard_normal(at.shape[1]) / 4
    out, cache, _ = layers.batch_norm(at, gamma, beta, eps=_EPS)

    def backward(g: Any) -> dict[str, Any]:
        da, dgamma, dbeta = layers.batch_norm_backward(g, cache)
        return {"da": da, "dgamma": dgamma, "dbeta": dbeta}

    return _Run("batchnorm", {"gamma": gamma, "beta": beta, "eps": _EPS}, at, out, backward)


def _max_pool(at: Any, size: int, stride: int) -> _Run:
    """Along the one axis: images of height 1 for `core`, whose windows are square."""
    windows = np.lib.stride_tricks.sliding_window_view(at, size, axis=2)[:, :, ::stride]
    ordered = np.sort(windows, axis=-1)
    if size > 1 and (ordered[..., -1] == ordered[..., -2]).any():
        raise InputError(
            "network", "no tie in a pooling window: the maximum has no derivative there", "a tie"
        )
    # `core` pools squares: the sequence, repeated as rows of a square, has its maxima in row 0
    image = np.repeat(at[:, :, None, :], size, axis=2)
    out, cache = layers.max_pool(image, size, stride)

    def backward(g: Any) -> dict[str, Any]:
        return {"da": layers.max_pool_backward(g[:, :, None, :], cache).sum(axis=2)}

    return _Run("maxpool", {}, at, out[:, :, 0], backward, stride, size)


def _conv(at: Any, channels: int, width: int, rng: Any) -> _Run:
    W = rng.standard_normal((channels, at.shape[1], width)) / np.sqrt(width * at.shape[1])
    b = rng.standard_normal(channels) / 4
    out, cache = layers.convolution(at[:, :, None, :], W[:, :, None, :], b)

    def backward(g: Any) -> dict[str, Any]:
        da, dW, db = layers.convolution_backward(g[:, :, None, :], cache)
        return {"da": da[:, :, 0], "dW": dW[:, :, 0], "db": db}

    return _Run("conv", {"W": W, "b": b}, at, out[:, :, 0], backward, 1, width)


def _flatten(at: Any) -> _Run:
    return _Run("flatten", {}, at, at.reshape(len(at), -1), lambda g: {"da": g.reshape(at.shape)})


def _chapters(runs: list[_Run], labels: Any) -> list[Chapter]:
    """From the head down; the numbers of `core` beside, to be compared."""
    logits = runs[-1].outputs
    mass = target_mass(labels, len(labels), logits.shape[1], Options())
    _, g = head.cross_entropy_grad(logits, mass, Options())
    layers_: list[LayerNumbers] = []
    for run in reversed(runs):
        gradients = run.backward(g.reshape(run.outputs.shape))
        layers_.insert(
            0,
            LayerNumbers(
                run.kind, run.stride, run.width, run.values, run.inputs, run.outputs, gradients
            ),
        )
        g = gradients["da"]
    made = []
    for place in range(len(runs) - 1, -1, -1):
        layer = layers_[place]
        if layer.kind == "flatten":
            continue
        arena = LayerArena(layer, tuple(layers_[place + 1 :]), labels)
        name = f"layer{place + 1}_{layer.kind}"
        made.append(
            Chapter(
                name, f"Layer {place + 1} of {len(runs)}: {layer.kind}",
                "a goes in, o comes out, and g = ∂L/∂o is what the layer after it says.",
                tuple(chapter.lines(layer.kind, name, layer.stride)), arena,
            )
        )  # fmt: skip
    return made
