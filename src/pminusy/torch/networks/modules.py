"""A Sequential as layers in arrays, and a copy of it in float64 whose dropout keeps its masks.

The module itself is only read: its mode, buffers, gradients and the random state stay as they are.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import nn

from pminusy.derivation.layers.description import LayerSpec
from pminusy.errors import InputError

__all__ = ["Network", "network_of"]

Step = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True, eq=False)
class Network:
    """Layers in arrays, and the same as steps of torch in float64.

    `parameters` are the tensors of each step by the suffix of their gradient: "dW", "db", ….
    """

    specs: list[LayerSpec] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    parameters: list[Mapping[str, torch.Tensor]] = field(default_factory=list)

    def append(self, spec: LayerSpec, step: Step, parameters: Mapping[str, torch.Tensor]) -> None:
        """Add a layer."""
        self.specs.append(spec)
        self.steps.append(step)
        self.parameters.append(parameters)


def network_of(module: Any, x: Any) -> Network:
    """Read a Sequential for an input.

    Raises
    ------
    InputError
        A layer of another kind, or with a setting that is not told; weights that are not finite.
    """
    if not isinstance(module, nn.Module):
        raise InputError(
            "module", "a torch.nn.Sequential", type(module).__name__,
            "name the other arguments: explain(z=…, y=…) for logits, explain(x=…, W=…, b=…, y=…)",
        )  # fmt: skip
    at = torch.as_tensor(x, dtype=torch.float64)
    dtype = next((p.dtype for p in module.parameters()), torch.get_default_dtype())
    network = Network()
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        for name, layer in _leaves(module, ""):
            own = _copied(name, layer)
            spec, step = _read(name, own, at, dtype)
            network.append(spec, step, _parameters(own))
            at = _taken(name, layer, step, at)
    if not network.specs:
        raise InputError("module", "a Sequential with a layer", "none")
    return network


def _leaves(module: nn.Module, prefix: str) -> Iterator[tuple[str, nn.Module]]:
    """Layers in order, those of a Sequential within it one by one."""
    if not _is_sequence(module):
        yield prefix or type(module).__name__, module
        return
    for name, child in module.named_children():
        yield from _leaves(child, f"{prefix}.{name}" if prefix else name)


def _is_sequence(module: nn.Module) -> bool:
    return isinstance(module, nn.Sequential) and type(module).forward is nn.Sequential.forward


def _copied(name: str, layer: nn.Module) -> nn.Module:
    """A copy in float64 on the CPU, with parameters that take a gradient."""
    if type(layer) not in _READ:
        close = ": the head makes the probabilities itself" if "oftmax" in str(layer) else ""
        raise InputError(
            "module", f"layers among {', '.join(kind.__name__ for kind in _READ)}",
            f"{type(layer).__name__} ({_called(name)})", f"leave it out{close}" if close else "",
        )  # fmt: skip
    own = copy.deepcopy(layer).to(device="cpu", dtype=torch.float64)
    for key, tensor in own.state_dict().items():
        if not bool(torch.isfinite(tensor).all()):
            raise InputError(f"{_called(name)}, {key}", "finite numbers", "NaN or infinity")
    for parameter in own.parameters():
        parameter.requires_grad_(True)
    return own


def _called(name: str) -> str:
    """What a layer is called: by its name, or by its place in the Sequential."""
    return f"module {name}" if name.replace(".", "").isdigit() else name


def _taken(name: str, layer: nn.Module, step: Step, at: torch.Tensor) -> torch.Tensor:
    try:
        return step(at)
    except (RuntimeError, ValueError, IndexError) as error:
        expected = f"an input that {_called(name)}, {type(layer).__name__}, takes"
        reason = str(error).splitlines()[0][:120]
        raise InputError("x", expected, f"shape {tuple(at.shape)} there: {reason}") from None


def _read(name: str, layer: Any, at: torch.Tensor, dtype: torch.dtype) -> tuple[LayerSpec, Step]:
    text = _called(name)
    return _READ[type(layer)](text, layer, at, dtype)


def _parameters(layer: nn.Module) -> dict[str, torch.Tensor]:
    names = _NAMES.get(type(layer), {"weight": "dW", "bias": "db"})
    return {names[name]: parameter for name, parameter in layer.named_parameters()}


_NAMES = {
    nn.BatchNorm1d: {"weight": "dgamma", "bias": "dbeta"},
    nn.BatchNorm2d: {"weight": "dgamma", "bias": "dbeta"},
    nn.Embedding: {"weight": "dE"},
}


def _only(text: str, layer: Any, **settings: Any) -> None:
    """Refuse a layer with a setting that the derivation does not tell."""
    for name, told in settings.items():
        value = getattr(layer, name)
        if value != told:
            kind = type(layer).__name__
            raise InputError(f"{text}, {kind}", f"{name}={told!r}", f"{name}={value!r}")


def _array(tensor: torch.Tensor) -> Any:
    return tensor.detach().numpy().copy()


def _of_weights(layer: Any) -> dict[str, Any]:
    given = {"W": _array(layer.weight)}
    return given if layer.bias is None else given | {"b": _array(layer.bias)}


def _linear(text: str, layer: nn.Linear, at: Any, dtype: Any) -> tuple[LayerSpec, Step]:
    if at.ndim != 2:
        raise InputError(
            f"{text}, Linear", "rows (N, D)", f"shape {tuple(at.shape)}", "put a Flatten before it"
        )
    return LayerSpec(text, "linear", given=_of_weights(layer)), layer


def _convolution(text: str, layer: Any, at: Any, dtype: Any) -> tuple[LayerSpec, Step]:
    ones = (1,) * len(layer.kernel_size)
    _only(text, layer, dilation=ones, groups=1, padding_mode="zeros")
    return LayerSpec(
        text, "conv", stride=layer.stride, padding=_padding(text, layer), given=_of_weights(layer)
    ), layer


def _padding(text: str, layer: Any) -> tuple[int, ...]:
    if layer.padding == "valid":
        return (0,) * len(layer.kernel_size)
    if layer.padding != "same":
        return tuple(layer.padding)
    if any(size % 2 == 0 for size in layer.kernel_size):
        raise InputError(f"{text}, {type(layer).__name__}", "an odd kernel with padding='same'",
                         str(layer.kernel_size))  # fmt: skip
    return tuple(size // 2 for size in layer.kernel_size)


def _max_pool(text: str, layer: Any, at: Any, dtype: Any) -> tuple[LayerSpec, Step]:
    axes = 1 if isinstance(layer, nn.MaxPool1d) else 2
    for name, told in (("padding", 0), ("dilation", 1)):
        if _each(getattr(layer, name), axes) != (told,) * axes:
            _only(text, layer, **{name: told})
    _only(text, layer, ceil_mode=False, return_indices=False)
    size, stride = _each(layer.kernel_size, axes), _each(layer.stride, axes)
    return LayerSpec(text, "maxpool", size, stride), layer


def _each(value: Any, axes: int) -> tuple[int, ...]:
    return tuple(value) if isinstance(value, tuple) else (value,) * axes


def _batch_norm(text: str, layer: Any, at: Any, dtype: Any) -> tuple[LayerSpec, Step]:
    given: dict[str, Any] = {"eps": layer.eps}
    if layer.affine:
        given |= {"gamma": _array(layer.weight), "beta": _array(layer.bias)}
    test = not layer.training and layer.running_mean is not None
    if test:
        given |= {"mu": _array(layer.running_mean), "var": _array(layer.running_var)}
    return LayerSpec(text, "batchnorm", test=test, given=given), layer


def _dropout(text: str, layer: nn.Dropout, at: Any, dtype: Any) -> tuple[LayerSpec, Step]:
    """With the mask that the module itself would draw next, in its own precision."""
    if not layer.training:
        return LayerSpec(text, "dropout", test=True), lambda a: a
    if not 0 <= layer.p < 1:
        raise InputError(f"{text}, Dropout", "0 ≤ p < 1", f"p={layer.p}")
    ones = torch.ones(tuple(at.shape), dtype=dtype)
    mask = (nn.functional.dropout(ones, layer.p, True) != 0).double()
    keep = 1 - layer.p
    spec = LayerSpec(text, "dropout", rate=layer.p, given={"mask": mask.numpy()})
    return spec, lambda a: a * mask / keep


def _embedding(text: str, layer: nn.Embedding, at: Any, dtype: Any) -> tuple[LayerSpec, Step]:
    _only(text, layer, max_norm=None, scale_grad_by_freq=False, sparse=False)
    if at.ndim > 2:
        raise InputError(f"{text}, Embedding", "codes (N,) or (N, T)", f"shape {tuple(at.shape)}")
    if bool((at != at.floor()).any()):
        raise InputError("x", f"whole numbers, codes of {text}", "fractions")
    given = {"E": _array(layer.weight)}
    if layer.padding_idx is not None:
        given["padding"] = np.asarray(layer.padding_idx % len(layer.weight))
    spec = LayerSpec(text, "embedding", tuple(at.shape[1:]), given=given)
    return spec, lambda a: layer(a.long())


def _flatten(text: str, layer: nn.Flatten, at: Any, dtype: Any) -> tuple[LayerSpec, Step]:
    _only(text, layer, start_dim=1, end_dim=-1)
    return LayerSpec(text, "flatten"), layer


def _gelu(text: str, layer: nn.GELU, at: Any, dtype: Any) -> tuple[LayerSpec, Step]:
    return LayerSpec(text, "gelu" if layer.approximate == "none" else "gelu_tanh"), layer


def _plain(kind: str, function: Step) -> Callable[..., tuple[LayerSpec, Step]]:
    """Without parameters, and never in place."""
    return lambda text, layer, at, dtype: (LayerSpec(text, kind), function)


_READ: dict[type[nn.Module], Callable[..., tuple[LayerSpec, Step]]] = {
    nn.Linear: _linear,
    nn.ReLU: _plain("relu", torch.relu),
    nn.Tanh: _plain("tanh", torch.tanh),
    nn.Sigmoid: _plain("sigmoid", torch.sigmoid),
    nn.GELU: _gelu,
    nn.Dropout: _dropout,
    nn.BatchNorm1d: _batch_norm,
    nn.BatchNorm2d: _batch_norm,
    nn.Conv1d: _convolution,
    nn.Conv2d: _convolution,
    nn.MaxPool1d: _max_pool,
    nn.MaxPool2d: _max_pool,
    nn.Flatten: _flatten,
    nn.Embedding: _embedding,
}
