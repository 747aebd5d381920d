"""A network run forward by `core`: every layer's numbers, and how its gradients follow.

At a kink of ReLU and in a tie of a pooling window there is no derivative. Back-propagation takes a
subgradient, as torch does: 0 at the kink, and all of g to the first of equal entries. `nudged`
lists the other ones; they are moved 10⁻¹⁸ below the kink or tie, and the layer says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from pminusy.core import activations, layers
from pminusy.derivation.layers.description import LayerSpec
from pminusy.derivation.layers.form import Form
from pminusy.derivation.layers.windows import as_images, axes_of, pairs_of, tied
from pminusy.errors import InputError

__all__ = ["Gradients", "LayerRun", "run"]

_EPS = 1e-5
_MOST_ENTRIES = 2**24

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
    nudged
        Inputs at a kink or in a tie that are moved below it, one after the other.
    place
        Which of the layers asked for it is, or belongs to.
    """

    form: Form
    inputs: Any
    outputs: Any
    backward: Callable[[Any], Gradients]
    values: Mapping[str, Any] = field(default_factory=dict)
    nudged: tuple[tuple[int, ...], ...] = ()
    place: int = 0


def run(specs: list[LayerSpec], x: Any, seed: int) -> list[LayerRun]:
    """Run the layers; weights and masks that are not given are drawn from the seed."""
    rng = np.random.default_rng(seed)
    runs: list[LayerRun] = []
    at = x
    for place, spec in enumerate(specs):
        for layer in (_fitted, _LAYERS[spec.kind], _unfolded):
            made = layer(spec, at, rng)
            if made is not None:
                runs.append(replace(made, place=place))
                at = made.outputs
    return runs


def _fitted(spec: LayerSpec, at: Any, rng: Any) -> LayerRun | None:
    """The axes that the next layer needs, where there is no doubt which they are."""
    if spec.kind == "linear" and at.ndim > 2:
        return _reshape(at, (len(at), -1))
    if spec.kind in ("conv", "maxpool") and at.ndim == 2:
        return _reshape(at, (len(at), 1, at.shape[1]))
    return None


def _unfolded(spec: LayerSpec, at: Any, rng: Any) -> LayerRun | None:
    """Rows of an embedding put back where their codes stood."""
    positions = spec.sizes if spec.kind == "embedding" else ()
    return _reshape(at, (-1, *positions, at.shape[1])) if positions else None


def _reshape(at: Any, shape: tuple[int, ...]) -> LayerRun:
    return LayerRun(
        Form("reshape", at.ndim), at, at.reshape(shape), lambda g: {"da": g.reshape(at.shape)}
    )


def _image(spec: LayerSpec, at: Any, rng: Any) -> LayerRun:
    axes = 2 if spec.kind == "image" else 1
    sizes = spec.sizes if len(spec.sizes) > axes else (1, *spec.sizes)
    entries = at[0].size
    if int(np.prod(sizes)) != entries:
        raise InputError(
            "network", f"{int(np.prod(sizes))} entries a row before {spec.text}", str(entries),
            "channels, height and width multiply to the entries of a row",
        )  # fmt: skip
    return _reshape(at, (len(at), *sizes))


def _flatten(spec: LayerSpec, at: Any, rng: Any) -> LayerRun | None:
    return _reshape(at, (len(at), -1)) if at.ndim > 2 else None


def _fits(spec: LayerSpec, *sizes: int) -> None:
    """Refuse arrays that no machine would hold."""
    if np.prod([float(size) for size in sizes]) > _MOST_ENTRIES:
        listed = " × ".join(f"{size:,}" for size in sizes)
        raise InputError(
            "network", f"at most {_MOST_ENTRIES:,} entries", f"{listed} at {spec.text}"
        )


def _weights(spec: LayerSpec, shape: tuple[int, ...], rng: Any) -> tuple[dict[str, Any], bool]:
    """W and b as given, checked, or drawn; and whether there is no bias."""
    if spec.given is None:
        fan_in = int(np.prod(shape[1:]))
        W = rng.standard_normal(shape) / np.sqrt(fan_in)
        return {"W": W, "b": rng.standard_normal(shape[0]) / 4}, False
    W = spec.given["W"]
    wanted = (len(W), *shape[1:])
    if W.shape != wanted:
        raise _misfit(spec, "weight", f"{' × '.join(map(str, shape[1:]))} an output", W)
    return dict(spec.given), "b" not in spec.given


def _misfit(spec: LayerSpec, what: str, expected: str, got: Any) -> InputError:
    return InputError(f"{what} of {spec.text}", expected, f"shape {np.shape(got)}")


def _linear(spec: LayerSpec, at: Any, rng: Any) -> LayerRun:
    if at.ndim != 2:
        raise InputError(
            "network", f"rows (N, D) before {spec.text}", f"shape {at.shape}", "flatten first"
        )
    units = spec.sizes[0] if spec.given is None else len(spec.given["W"])
    _fits(spec, units, at.shape[1])
    _fits(spec, len(at), units)
    values, plain = _weights(spec, (units, at.shape[1]), rng)
    out, cache = layers.linear(at, values["W"], values.get("b", np.zeros(units)))

    def backward(g: Any) -> Gradients:
        da, dW, db = layers.linear_backward(g, cache)
        return {"da": da, "dW": dW} | ({} if plain else {"db": db})

    return LayerRun(Form("linear", plain=plain), at, out, backward, values)


class _OneHot:
    """Rows with a single 1, where a code says: never made in full."""

    def __init__(self, codes: Any, columns: int) -> None:
        self.codes, self.shape, self.ndim = codes, (len(codes), columns), 2

    def __getitem__(self, place: tuple[int, int]) -> float:
        return float(self.codes[place[0]] == place[1])


def _embedding(spec: LayerSpec, at: Any, rng: Any) -> LayerRun:
    assert spec.given is not None
    E = spec.given["E"]
    codes = np.asarray(at)
    whole = (codes == np.floor(codes)).all() and codes.min() >= 0 and codes.max() < len(E)
    if not whole:
        raise InputError(
            "x", f"whole numbers from 0 to {len(E) - 1} before {spec.text}",
            f"{codes.min():g} to {codes.max():g}",
        )  # fmt: skip
    codes = codes.astype(np.intp).ravel()
    out, cache = layers.embedding(codes, E)
    return LayerRun(
        Form("embedding"), _OneHot(codes, len(E)), out,
        lambda g: {"dE": layers.embedding_backward(g, cache)}, {"E": E},
    )  # fmt: skip


def _relu(spec: LayerSpec, at: Any, rng: Any) -> LayerRun:
    out, mask = layers.relu(at)
    places = tuple(map(tuple, np.argwhere(at == 0).tolist()))
    return LayerRun(
        Form("relu", at.ndim), at, out, lambda g: {"da": layers.relu_backward(g, mask)},
        nudged=places,
    )  # fmt: skip


_SMOOTH: dict[str, Callable[[Any], tuple[Any, Any]]] = {
    "tanh": activations.tanh,
    "sigmoid": activations.sigmoid,
    "gelu": activations.gelu,
    "gelu_tanh": activations.gelu_tanh,
}


def _smooth(spec: LayerSpec, at: Any, rng: Any) -> LayerRun:
    out, slope = _SMOOTH[spec.kind](at)
    constants = {"rho": np.sqrt(2 / np.pi), "cubic": activations.CUBIC}
    return LayerRun(
        Form(spec.kind, at.ndim), at, out,
        lambda g: {"da": activations.activation_backward(g, slope)},
        constants if spec.kind == "gelu_tanh" else {},
    )  # fmt: skip


def _dropout(spec: LayerSpec, at: Any, rng: Any) -> LayerRun:
    if spec.test:
        return LayerRun(Form("dropout_test", at.ndim), at, at, lambda g: {"da": g})
    mask = (rng.random(at.shape) >= spec.rate).astype(float)
    if spec.given is not None:
        mask = spec.given["mask"]
    out, scale = layers.dropout(at, spec.rate, mask)
    return LayerRun(
        Form("dropout", at.ndim), at, out, lambda g: {"da": layers.dropout_backward(g, scale)},
        {"mask": mask, "rate": spec.rate},
    )  # fmt: skip


def _batch_norm(spec: LayerSpec, at: Any, rng: Any) -> LayerRun:
    """Feature by feature, or channel by channel: the entries of a channel are its rows."""
    features = at.shape[1]
    rows = np.moveaxis(at, 1, -1).reshape(-1, features)
    if len(rows) < 2 and not spec.test:
        raise InputError(
            "network", "at least 2 rows of x for batchnorm", "1", "or batchnorm:test, of one row"
        )
    values, plain = _norm_values(spec, features, rng)
    gamma, beta = values.get("gamma", np.ones(features)), values.get("beta", np.zeros(features))
    if spec.test:
        running = layers.RunningStatistics(values["mu"], values["var"])
        out, cache = layers.batch_norm_test(rows, gamma, beta, running, eps=values["eps"])
    else:
        out, cache, _ = layers.batch_norm(rows, gamma, beta, eps=values["eps"])

    def images(array: Any) -> Any:
        last = array.reshape(at.shape[0], *at.shape[2:], features)
        return np.moveaxis(last, -1, 1)

    def backward(g: Any) -> Gradients:
        back = np.moveaxis(g, 1, -1).reshape(-1, features)
        da, dgamma, dbeta = layers.batch_norm_backward(back, cache)
        return {"da": images(da)} | ({} if plain else {"dgamma": dgamma, "dbeta": dbeta})

    kind = "batchnorm_test" if spec.test else "batchnorm"
    return LayerRun(Form(kind, at.ndim, plain=plain), at, images(out), backward, values)


def _norm_values(spec: LayerSpec, features: int, rng: Any) -> tuple[dict[str, Any], bool]:
    """γ, β, ε and in test mode μ and σ², as given or drawn; and whether there are no γ and β."""
    if spec.given is not None:
        for name, array in spec.given.items():
            if np.ndim(array) and array.shape != (features,):
                raise _misfit(spec, name, f"{features} numbers, one a feature", array)
        return dict(spec.given), "gamma" not in spec.given
    drawn = {
        "gamma": 1 + rng.standard_normal(features) / 4, "beta": rng.standard_normal(features) / 4,
        "eps": _EPS,
    }  # fmt: skip
    if spec.test:
        drawn |= {"mu": rng.standard_normal(features) / 4, "var": 0.5 + rng.random(features)}
    return drawn, False


def _conv(spec: LayerSpec, at: Any, rng: Any) -> LayerRun:
    channels, *size = spec.sizes if spec.given is None else _kernel_of(spec, at)
    axes = axes_of(spec, at, tuple(size))
    pairs = pairs_of(axes)
    windows = [axis.windows(length) for axis, length in zip(axes, at.shape[2:], strict=True)]
    _fits(spec, len(at), channels, *windows)
    _fits(spec, channels, at.shape[1], *pairs["kernel"])
    lengths = tuple(axis.kernel for axis in axes)
    values, plain = _weights(spec, (channels, at.shape[1], *lengths), rng)
    W = values["W"].reshape(channels, at.shape[1], *pairs["kernel"])
    b = values.get("b", np.zeros(channels))
    around = {"stride": pairs["stride"], "padding": pairs["padding"]}
    out, cache = layers.convolution(as_images(at), W, b, **around)
    shape = (*out.shape[:2], *out.shape[2 + 2 - len(axes) :])

    def backward(g: Any) -> Gradients:
        da, dW, db = layers.convolution_backward(as_images(g), cache)
        found = {"da": da.reshape(at.shape), "dW": dW.reshape(values["W"].shape)}
        return found | ({} if plain else {"db": db})

    form = Form("conv", at.ndim, axes, plain)
    return LayerRun(form, at, out.reshape(shape), backward, values)


def _kernel_of(spec: LayerSpec, at: Any) -> tuple[int, ...]:
    assert spec.given is not None
    W = spec.given["W"]
    if W.ndim != at.ndim:
        raise _misfit(spec, "weight", f"{at.ndim} axes, as what goes in has", W)
    return (len(W), *W.shape[2:])


def _max_pool(spec: LayerSpec, at: Any, rng: Any) -> LayerRun:
    axes = axes_of(spec, at, spec.sizes)
    pairs = pairs_of(axes)
    images = as_images(at)
    out, cache = layers.max_pool(images, pairs["kernel"], pairs["stride"])
    shape = (*out.shape[:2], *out.shape[2 + 2 - len(axes) :])

    def backward(g: Any) -> Gradients:
        return {"da": layers.max_pool_backward(as_images(g), cache).reshape(at.shape)}

    places = tied(images, out, cache.places, pairs)
    nudged = tuple(tuple(int(v) for v in np.unravel_index(place, at.shape)) for place in places)
    return LayerRun(Form("maxpool", at.ndim, axes), at, out.reshape(shape), backward, nudged=nudged)


_LAYERS: dict[str, Callable[[LayerSpec, Any, Any], LayerRun | None]] = {
    "linear": _linear,
    "embedding": _embedding,
    "relu": _relu,
    **dict.fromkeys(_SMOOTH, _smooth),
    "dropout": _dropout,
    "batchnorm": _batch_norm,
    "conv": _conv,
    "maxpool": _max_pool,
    "image": _image,
    "sequence": _image,
    "flatten": _flatten,
}
