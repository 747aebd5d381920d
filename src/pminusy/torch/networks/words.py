"""Layers in arrays as torch's operations: what a network from a file is compared with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from pminusy.derivation.layers.description import LayerSpec
from pminusy.torch.networks.modules import Network, Step

__all__ = ["network_in_torch"]

_SUFFIX = {"W": "dW", "b": "db", "gamma": "dgamma", "beta": "dbeta", "E": "dE"}


def network_in_torch(specs: list[LayerSpec]) -> Network:
    """The same layers in torch, with the same arrays; dropout has its mask already."""
    network = Network()
    for spec in specs:
        given = {
            key: torch.tensor(np.asarray(array, dtype=np.float64))
            for key, array in (spec.given or {}).items()
        }
        parameters = {
            _SUFFIX[key]: tensor.requires_grad_(True)
            for key, tensor in given.items()
            if key in _SUFFIX
        }
        network.append(spec, _STEPS[spec.kind](spec, given), parameters)
    return network


def _linear(spec: LayerSpec, given: Any) -> Step:
    return lambda a: F.linear(a.flatten(1), given["W"], given.get("b"))


def _conv(spec: LayerSpec, given: Any) -> Step:
    function = F.conv1d if given["W"].ndim == 3 else F.conv2d
    stride, padding = spec.stride or 1, spec.padding or 0
    return lambda a: function(
        a if a.ndim > 2 else a[:, None], given["W"], given.get("b"), stride, padding
    )


def _max_pool(spec: LayerSpec, given: Any) -> Step:
    def pool(a: torch.Tensor) -> torch.Tensor:
        function = F.max_pool2d if a.ndim == 4 else F.max_pool1d
        return function(a if a.ndim > 2 else a[:, None], spec.sizes, spec.stride or None)

    return pool


def _batch_norm(spec: LayerSpec, given: Any) -> Step:
    mean, variance = given.get("mu"), given.get("var")
    gamma, beta, eps = given.get("gamma"), given.get("beta"), float(given["eps"])
    return lambda a: F.batch_norm(a, mean, variance, gamma, beta, not spec.test, 0.0, eps)


def _dropout(spec: LayerSpec, given: Any) -> Step:
    if spec.test:
        return lambda a: a
    return lambda a: a * given["mask"] / (1 - spec.rate)


def _axes(spec: LayerSpec, given: Any) -> Step:
    inner = 3 if spec.kind == "image" else 2
    sizes = spec.sizes if len(spec.sizes) == inner else (1, *spec.sizes)
    return lambda a: a.reshape(len(a), *sizes)


def _embedding(spec: LayerSpec, given: Any) -> Step:
    return lambda a: F.embedding(a.long(), given["E"])


def _plain(function: Step) -> Callable[[LayerSpec, Any], Step]:
    return lambda spec, given: function


_STEPS: dict[str, Callable[[LayerSpec, Any], Step]] = {
    "linear": _linear,
    "conv": _conv,
    "maxpool": _max_pool,
    "batchnorm": _batch_norm,
    "dropout": _dropout,
    "embedding": _embedding,
    "image": _axes,
    "sequence": _axes,
    "flatten": _plain(lambda a: a.flatten(1)),
    "relu": _plain(torch.relu),
    "tanh": _plain(torch.tanh),
    "sigmoid": _plain(torch.sigmoid),
    "gelu": _plain(F.gelu),
    "gelu_tanh": _plain(lambda a: F.gelu(a, approximate="tanh")),
}
