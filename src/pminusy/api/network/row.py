"""One row through a trained network: its layers derived, and what would change its mind."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pminusy.core import head
from pminusy.core.options import Options
from pminusy.core.target_mass import TargetMass
from pminusy.derivation.layers.description import LayerSpec
from pminusy.errors import InputError
from pminusy.training.network.hidden import (
    NORM_EPSILON,
    Gradients,
    HiddenLayers,
    LevelNorm,
    backward,
    forward,
)

if TYPE_CHECKING:
    from pminusy.api.fitted import Fitted
    from pminusy.derivation.input.request import Request
    from pminusy.derivation.steps.derivation import Derivation

__all__ = ["derived", "layers_of", "loss_after_step", "nearest_changes"]

Array = NDArray[Any]

_TRIED = 200  # values of a column on each side

_WORDS = {"relu": "relu", "tanh": "tanh", "logistic": "sigmoid", "gelu": "gelu"}


def derived(model: Fitted, x: Array, c: int, options: dict[str, Any]) -> tuple[Request, Derivation]:
    """Every layer of the network for a row x (D,) of class c, forwards and backwards; its request.

    Where torch is loaded every gradient is compared with its autograd.

    Raises
    ------
    InputError
        An option that is about a linear layer on the features.
    """
    from pminusy.derivation.build.network import derive_layers
    from pminusy.derivation.input.request import request_of

    if "ridge" in options:
        raise InputError("ridge", "a softmax regression", "a network", "leave it out")
    if options.get("steps", 1) != 1:
        raise InputError("steps", "1 for a network", repr(options["steps"]), "leave it out")
    request = request_of(x=x[None], y=[c], classes=model.schema.classes, **options)
    layers = layers_of(model)
    if "torch" not in sys.modules:  # it takes longer to import than a row to explain
        return request, derive_layers(request, layers, each_alone=True)
    from pminusy.api.explain_network import compared
    from pminusy.torch.networks.words import network_in_torch

    return request, compared(network_in_torch(layers), request, each_alone=True)


def layers_of(model: Fitted) -> list[LayerSpec]:
    """The layers as a derivation knows them, with the model's own arrays."""
    hidden = model.hidden
    assert hidden is not None
    specs = []
    norms = hidden.norm_of
    for level, (W, b) in enumerate(zip(hidden.coefs, hidden.intercepts, strict=True), start=1):
        specs.append(_linear(W.T, b))
        if level in norms:
            own = norms[level]
            given: dict[str, Any] = {
                "gamma": own.gamma,
                "beta": own.beta,
                "mu": own.mean,
                "var": own.variance,
            }
            given["eps"] = NORM_EPSILON
            specs.append(LayerSpec("batchnorm:test", "batchnorm", test=True, given=given))
        if hidden.activation != "identity":
            word = _WORDS[hidden.activation]
            specs.append(LayerSpec(word, word))
    return [*specs, _linear(model.W, model.b)]


def _linear(W: Array, b: Array) -> LayerSpec:
    return LayerSpec(f"linear:{b.size}", "linear", (b.size,), given={"W": W, "b": b})


def nearest_changes(
    model: Fitted, x: Array, places: list[int], farthest: float
) -> list[tuple[int, float, int]]:
    """Of some features of a row x (D,) the nearest change that changes the predicted class.

    Each with the change, in standard deviations, and the class; those that have none are left out.
    Values are tried on a grid, and the step to the first other class is halved down to the border.
    """
    now = int(model.decided(model.logits(x[None]))[0])
    found = []
    steps = np.arange(1, _TRIED + 1) * (farthest / _TRIED)
    for place in places:
        rows = np.repeat(x[None], 2 * _TRIED, axis=0)
        rows[:, place] += np.stack([steps, -steps], axis=1).ravel()  # the nearest ones first
        other = np.flatnonzero(model.decided(model.logits(rows)) != now)
        if other.size:
            away = float(rows[other[0], place] - x[place])
            near = away * (1 - 1 / (other[0] // 2 + 1))
            found.append((place, *_at_the_border(model, x, place, near, away, now)))
    return found


def _at_the_border(
    model: Fitted, x: Array, place: int, near: float, far: float, now: int
) -> tuple[float, int]:
    """The change at which the prediction changes, between one before it and one after."""

    def said(change: float) -> int:
        row = x.copy()
        row[place] += change
        return int(model.decided(model.logits(row[None]))[0])

    for _ in range(30):
        middle = (near + far) / 2
        near, far = (middle, far) if said(middle) == now else (near, middle)
    return far, said(far)


def loss_after_step(
    model: Fitted, x: Array, mass: TargetMass, options: Options, rate: float
) -> float:
    """The loss of a row x (D,) after one gradient step on it alone, of all parameters."""
    hidden = model.hidden
    assert hidden is not None
    levels = forward(hidden, x[None])
    a = levels[-1].output
    _, g = head.cross_entropy_grad(a @ model.W.T + model.b, mass, options, None)
    gradients, _ = backward(hidden, levels, g @ model.W)
    norms = tuple(_moved(norm, gradients[norm.level - 1], rate) for norm in hidden.norms)
    moved = HiddenLayers(
        tuple(W - rate * g.dL_dW for W, g in zip(hidden.coefs, gradients, strict=True)),
        tuple(b - rate * g.dL_db for b, g in zip(hidden.intercepts, gradients, strict=True)),
        hidden.activation,
        norms,
    )
    stepped = replace(model, hidden=moved, W=model.W - rate * g.T @ a, b=model.b - rate * g[0])
    after = head.cross_entropy(stepped.logits(x[None]), mass, options)
    return float(np.ravel(after)[0])


def _moved(norm: LevelNorm, gradients: Gradients, rate: float) -> LevelNorm:
    dgamma, dbeta = gradients.dL_dgamma, gradients.dL_dbeta
    assert dgamma is not None
    assert dbeta is not None
    return norm._replace(gamma=norm.gamma - rate * dgamma, beta=norm.beta - rate * dbeta)
