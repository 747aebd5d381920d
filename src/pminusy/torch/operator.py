"""The linear form as an operator of torch's, which a compiler takes as it is, without looking in.

Only compiled code calls it: a registered operator cannot be transformed by `torch.func`.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from pminusy.torch.engine import NOTHING, evaluate, scaled
from pminusy.torch.plain import Settings
from pminusy.torch.tiles import Layer

__all__ = ["compiled"]

_SCHEMA = (
    "(Tensor X, Tensor W, Tensor? b, Tensor y, Tensor? weight, Tensor? sample_weight,"
    " Tensor? grad_output, int ignore_index, str reduction, float label_smoothing,"
    " float temperature, float z_loss, float? softcap, int workspace, ScalarType? compute,"
    " bool[] wanted) -> (Tensor, Tensor, Tensor, Tensor, Tensor)"
)


def compiled(layer: Layer) -> Tensor:
    """Loss of a linear layer, for code that is being compiled."""
    parts = layer[:4]
    learns = torch.is_grad_enabled()
    wanted = [learns and t is not None and t.requires_grad for t in parts]
    return _operator(*_arguments(layer, None, wanted))[0]  # type: ignore[no-any-return]  # torch leaves it so


def _arguments(layer: Layer, grad_output: Tensor | None, wanted: list[bool]) -> tuple[Any, ...]:
    settings = layer.settings
    return (
        *layer[:4],
        settings.weight,
        settings.sample_weight,
        grad_output,
        settings.ignore_index,
        settings.reduction,
        float(settings.label_smoothing),
        float(settings.temperature),
        float(settings.z_loss),
        None if settings.softcap is None else float(settings.softcap),
        layer.workspace,
        layer.compute,
        wanted,
    )


def _layer(arguments: tuple[Any, ...]) -> tuple[Layer, Tensor | None, list[bool]]:
    X, W, b, y, weight, sample_weight, grad_output, *options, workspace, compute, wanted = arguments
    settings = Settings(weight, sample_weight, *options)
    return Layer(X, W, b, y, settings, workspace, compute), grad_output, wanted


@torch.library.custom_op("pminusy::linear_cross_entropy", mutates_args=(), schema=_SCHEMA)
def _operator(*arguments: Any) -> tuple[Tensor, ...]:
    """Loss, and gradients of (X, W, b, y): those not wanted, or made later, are empty."""
    layer, grad_output, wanted = _layer(arguments)
    if layer.settings.reduction == "none" and grad_output is None:
        wanted = list(NOTHING)  # they are made when each row's factor is known
    result = evaluate(layer, tuple(wanted), grad_output)
    found = scaled(result, None, layer[:4])
    return (result.loss, *(layer.X.new_empty(0) if g is None else g for g in found))


@_operator.register_fake
def _shapes(*arguments: Any) -> tuple[Tensor, ...]:
    layer, grad_output, wanted = _layer(arguments)
    each = layer.settings.reduction == "none"
    dtype = layer.X.dtype if layer.compute is None else torch.float32
    later = each and grad_output is None
    loss = layer.X.new_empty(layer.X.shape[:1] if each else (), dtype=dtype)
    found = [
        layer.X.new_empty(0) if given is None or later or not wants else torch.empty_like(given)
        for given, wants in zip(layer[:4], wanted, strict=True)
    ]
    return (loss, *found)


def _keep(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
    layer, _, wanted = _layer(inputs)
    tensors = (*layer[:4], layer.settings.weight, layer.settings.sample_weight)
    ctx.save_for_backward(*output[1:], *tensors)
    ctx.options = inputs[7:15]
    ctx.wanted = wanted


def _backward(ctx: Any, grad_output: Tensor, *unused: Any) -> tuple[Any, ...]:
    gradients, (X, W, b, y, weight, omega) = ctx.saved_tensors[:4], ctx.saved_tensors[4:]
    if ctx.options[1] == "none":
        inputs = (X, W, b, y, weight, omega, grad_output, *ctx.options, ctx.wanted)
        _, *found = _operator(*inputs)
    else:
        found = [(g * grad_output).to(g.dtype) for g in gradients]
    each = (g if wants else None for g, wants in zip(found, ctx.wanted, strict=True))
    return (*each, *(None,) * 12)


_operator.register_autograd(_backward, setup_context=_keep)
