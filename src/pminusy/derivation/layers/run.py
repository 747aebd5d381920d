"""A network run forward by `core.layers`: every layer's numbers, and how its gradients follow.

An entry is *blocked* where the layer before it has slope 0: ReLU cut it off, or dropout left it
out. Two such entries may tie in a pooling window, and one may lie at the kink of a further ReLU:
the gradient does not depend on which side is taken. `nudged` lists them; they are moved 10⁻¹⁸ below
the tie or kink, and the line says so. Other ties, where the loss has no derivative, are refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pminusy.core import layers
from pminusy.derivation.layers.description import LayerSpec
from pminusy.derivation.layers.form import Axis, Form
from pminusy.errors import InputError

__all__ = ["Gradients", "LayerRun", "run"]

_EPS = 1e-5
_MOST_ENTRIES = 1000

Gradients = dict[str, Any]


@dataclass(frozen=True, eq=False)
class LayerRun:
    """A layer that has run.

    Attributes
    ----------
    form
        What its statements depend on.
    values
        Its parameters by letter.
    inputs, outputs
        What goes in and comes out.
    backward
        Gradients by step suffix ("da", "dW", …) from g.
    blocked
        Which outputs depend on nothing before them.
    nudged
        Inputs at a kink or in a tie that are moved below it, one after the other.
    """

    form: Form
    inputs: Any
    outputs: Any
    backward: Callable[[Any], Gradients]
    blocked: Any
    values: Mapping[str, Any] = field(default_factory=dict)
    nudged: tuple[tuple[int, ...], ...] = ()


def run(specs: list[LayerSpec], x: Any, K: int, seed: int) -> list[LayerRun]:
    """Run the layers, and a linear layer to K logits behind them."""
    rng = np.random.default_rng(seed)
    runs: list[LayerRun] = []
    at, blocked = x, np.zeros(x.shape, dtype=bool)
    for spec in [*specs, LayerSpec(f"linear:{K}", "linear", (K,))]:
        for layer in (_fitted, _LAYERS[spec.kind]):
            made = layer(spec, at, blocked, rng)
            if made is not None:
                runs.append(made)
                at, blocked = made.outputs, made.blocked
        if at.size > _MOST_ENTRIES:
            raise InputError(
                "network", f"at most {_MOST_ENTRIES:,} entries a layer",
                f"{at.size:,} after {spec.text}",
                "fewer rows, channels or units, or a stride: every entry is checked to 30 digits",
            )  # fmt: skip
    return runs


def _fitted(spec: LayerSpec, at: Any, blocked: Any, rng: Any) -> LayerRun | None:
    """The axes that the next layer needs, where there is no doubt which they are."""
    if spec.kind == "linear" and at.ndim > 2:
        return _reshape(at, blocked, (len(at), -1))
    if spec.kind in ("conv", "maxpool") and at.ndim == 2:
        return _reshape(at, blocked, (len(at), 1, at.shape[1]))
    return None


def _reshape(at: Any, blocked: Any, shape: tuple[int, ...]) -> LayerRun:
    form = Form("reshape", at.ndim)
    out = at.reshape(shape)
    return LayerRun(form, at, out, lambda g: {"da": g.reshape(at.shape)}, blocked.reshape(shape))


def _moving(out: Any) -> Any:
    return np.zeros(out.shape, dtype=bool)


def _image(spec: LayerSpec, at: Any, blocked: Any, rng: Any) -> LayerRun:
    axes = 2 if spec.kind == "image" else 1
    sizes = spec.sizes if len(spec.sizes) > axes else (1, *spec.sizes)
    entries = at[0].size
    if int(np.prod(sizes)) != entries:
        raise InputError(
            "network", f"{int(np.prod(sizes))} entries a row before {spec.text}", str(entries),
            "channels, height and width multiply to the entries of a row",
        )  # fmt: skip
    return _reshape(at, blocked, (len(at), *sizes))


def _flatten(spec: LayerSpec, at: Any, blocked: Any, rng: Any) -> LayerRun | None:
    return _reshape(at, blocked, (len(at), -1)) if at.ndim > 2 else None


def _linear(spec: LayerSpec, at: Any, blocked: Any, rng: Any) -> LayerRun:
    (units,) = spec.sizes
    W = rng.standard_normal((units, at.shape[1])) / np.sqrt(at.shape[1])
    b = rng.standard_normal(units) / 4
    out, cache = layers.linear(at, W, b)

    def backward(g: Any) -> Gradients:
        da, dW, db = layers.linear_backward(g, cache)
        return {"da": da, "dW": dW, "db": db}

    return LayerRun(Form("linear"), at, out, backward, _moving(out), {"W": W, "b": b})


def _relu(spec: LayerSpec, at: Any, blocked: Any, rng: Any) -> LayerRun:
    kink = at == 0
    if (kink & ~blocked).any():
        raise InputError(
            "network", "no entry exactly 0 before ReLU: it has no derivative there", "0",
            "other numbers or another seed; or relu before maxpool or dropout only once",
        )  # fmt: skip
    out, mask = layers.relu(at)
    places = tuple(map(tuple, np.argwhere(kink).tolist()))
    return LayerRun(
        Form("relu", at.ndim), at, out, lambda g: {"da": layers.relu_backward(g, mask)},
        ~mask, nudged=places,
    )  # fmt: skip


def _dropout(spec: LayerSpec, at: Any, blocked: Any, rng: Any) -> LayerRun:
    if spec.test:
        return LayerRun(Form("dropout_test", at.ndim), at, at, lambda g: {"da": g}, blocked)
    mask = (rng.random(at.shape) >= spec.rate).astype(float)
    out, scale = layers.dropout(at, spec.rate, mask)
    return LayerRun(
        Form("dropout", at.ndim), at, out, lambda g: {"da": layers.dropout_backward(g, scale)},
        mask == 0, {"mask": mask, "rate": spec.rate},
    )  # fmt: skip


def _batch_norm(spec: LayerSpec, at: Any, blocked: Any, rng: Any) -> LayerRun:
    """Feature by feature, or channel by channel: the entries of a channel are its rows."""
    features = at.shape[1]
    rows = np.moveaxis(at, 1, -1).reshape(-1, features)
    if len(rows) < 2 and not spec.test:
        raise InputError(
            "network", "at least 2 rows of x for batchnorm", "1", "or batchnorm:test, of one row"
        )
    gamma, beta = 1 + rng.standard_normal(features) / 4, rng.standard_normal(features) / 4
    values: dict[str, Any] = {"gamma": gamma, "beta": beta, "eps": _EPS}
    if spec.test:
        running = layers.RunningStatistics(
            rng.standard_normal(features) / 4, 0.5 + rng.random(features)
        )
        out, cache = layers.batch_norm_test(rows, gamma, beta, running, eps=_EPS)
        values |= {"mu": running.mean, "var": running.variance}
    else:
        out, cache, _ = layers.batch_norm(rows, gamma, beta, eps=_EPS)

    def images(array: Any) -> Any:
        last = array.reshape(at.shape[0], *at.shape[2:], features)
        return np.moveaxis(last, -1, 1)

    def backward(g: Any) -> Gradients:
        back = np.moveaxis(g, 1, -1).reshape(-1, features)
        da, dgamma, dbeta = layers.batch_norm_backward(back, cache)
        return {"da": images(da), "dgamma": dgamma, "dbeta": dbeta}

    kind = "batchnorm_test" if spec.test else "batchnorm"
    return LayerRun(Form(kind, at.ndim), at, images(out), backward, _moving(at), values)


def _axes(spec: LayerSpec, at: Any, size: tuple[int, ...]) -> tuple[Axis, ...]:
    """Windows along each axis; one number stands for all of them."""
    lengths = at.shape[2:]
    settings = {"size": size, "stride": spec.stride, "padding": spec.padding}
    for name, numbers in settings.items():
        if len(numbers) > len(lengths):
            raise InputError(
                "network", f"one {name} for the one axis of a sequence", repr(spec.text),
                "take the rows as images first: image:HEIGHTxWIDTH",
            )  # fmt: skip
    otherwise = size if spec.kind == "maxpool" else (1,)
    sizes, strides, paddings = (
        numbers if len(numbers) == len(lengths) else numbers * len(lengths)
        for numbers in (size, spec.stride or otherwise, spec.padding or (0,))
    )
    axes = tuple(map(Axis, sizes, strides, paddings))
    for axis, length in zip(axes, lengths, strict=True):
        if axis.windows(length) < 1:
            raise InputError(
                "network", f"at least {axis.kernel - 2 * axis.padding} entries before {spec.text}",
                str(length), "a smaller window, or more padding" if spec.kind == "conv"
                else "a smaller window",
            )  # fmt: skip
    return axes


def _pairs(axes: tuple[Axis, ...]) -> dict[str, tuple[int, int]]:
    """Windows as `core` takes them: a sequence is an image of height 1."""
    down, across = axes if len(axes) == 2 else (Axis(1), axes[0])
    return {
        name: (getattr(down, name), getattr(across, name))
        for name in ("kernel", "stride", "padding")
    }


def _as_images(array: Any) -> Any:
    return array[:, :, None, :] if array.ndim == 3 else array


def _conv(spec: LayerSpec, at: Any, blocked: Any, rng: Any) -> LayerRun:
    channels, *size = spec.sizes
    axes = _axes(spec, at, tuple(size))
    pairs = _pairs(axes)
    fan_in = at.shape[1] * int(np.prod(pairs["kernel"]))
    W = rng.standard_normal((channels, at.shape[1], *pairs["kernel"])) / np.sqrt(fan_in)
    b = rng.standard_normal(channels) / 4
    around = {"stride": pairs["stride"], "padding": pairs["padding"]}
    out, cache = layers.convolution(_as_images(at), W, b, **around)
    shape = (*out.shape[:2], *out.shape[2 + 2 - len(axes) :])
    kernels = (*W.shape[:2], *W.shape[2 + 2 - len(axes) :])

    def backward(g: Any) -> Gradients:
        da, dW, db = layers.convolution_backward(_as_images(g), cache)
        return {"da": da.reshape(at.shape), "dW": dW.reshape(kernels), "db": db}

    values = {"W": W.reshape(kernels), "b": b}
    return LayerRun(
        Form("conv", at.ndim, axes), at, out.reshape(shape), backward,
        _moving(out).reshape(shape), values,
    )  # fmt: skip


def _max_pool(spec: LayerSpec, at: Any, blocked: Any, rng: Any) -> LayerRun:
    axes = _axes(spec, at, spec.sizes)
    pairs = _pairs(axes)
    images = _as_images(at)
    out, cache = layers.max_pool(images, pairs["kernel"], pairs["stride"])
    shape = (*out.shape[:2], *out.shape[2 + 2 - len(axes) :])

    def backward(g: Any) -> Gradients:
        return {"da": layers.max_pool_backward(_as_images(g), cache).reshape(at.shape)}

    places = _tied(images, _as_images(blocked), out, cache.places, pairs)
    tied = tuple(tuple(int(v) for v in np.unravel_index(place, at.shape)) for place in places)
    form = Form("maxpool", at.ndim, axes)
    return LayerRun(
        form, at, out.reshape(shape), backward, _moving(out).reshape(shape), nudged=tied
    )


def _tied(
    images: Any, blocked: Any, out: Any, places: Any, pairs: dict[str, tuple[int, int]]
) -> list[int]:
    """Flat places of entries that equal their window's maximum but are not the first to do so."""
    flat = np.arange(images.size).reshape(images.shape)
    (height, width), (down, across) = pairs["kernel"], pairs["stride"]
    windows = np.lib.stride_tricks.sliding_window_view(flat, (height, width), axis=(2, 3))
    windows = windows[:, :, ::down, ::across]
    equal = images.ravel()[windows] == out[..., None, None]
    equal &= windows != places[..., None, None]
    tied = sorted({int(place) for place in windows[equal]})
    first = {int(place) for place in places[equal.any(axis=(-1, -2))]}
    if not blocked.ravel()[[*tied, *first]].all():
        raise InputError(
            "network", "no tie in a pooling window: the maximum has no derivative there", "a tie",
            "other numbers or another seed; after relu, maxpool comes first",
        )  # fmt: skip
    return tied


_LAYERS: dict[str, Callable[[LayerSpec, Any, Any, Any], LayerRun | None]] = {
    "linear": _linear,
    "relu": _relu,
    "dropout": _dropout,
    "batchnorm": _batch_norm,
    "conv": _conv,
    "maxpool": _max_pool,
    "image": _image,
    "sequence": _image,
    "flatten": _flatten,
}
