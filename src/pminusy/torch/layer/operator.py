"""The linear form as an operator of torch's, which a compiler takes as it is, without looking in.

Compilers, tracers and modes call it; `torch.func` and second derivatives take torch's own
operations from all logits, as a registered operator cannot be transformed.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from pminusy.core.options import TENSORS, options_of
from pminusy.torch.arrays import transformed
from pminusy.torch.checks import check_values
from pminusy.torch.layer.engine import NOTHING, evaluate, gradients_from_all_logits, scaled
from pminusy.torch.layer.tiles import LayerTensors
from pminusy.torch.plain import TensorOptions
from pminusy.torch.schema import as_declared, schema_of

__all__ = ["by_operator"]

_OTHERS = tuple(o for o in options_of(explain=False) if o not in TENSORS)
_SCHEMA = (
    f"(Tensor X, Tensor W, Tensor? b, Tensor y, {schema_of(TENSORS)}, Tensor? grad_output,"
    f" {schema_of(_OTHERS)}, int workspace, ScalarType? compute, int wanted)"
    " -> (Tensor, Tensor, Tensor, Tensor, Tensor)"
)
_FIRST_OTHER = 4 + len(TENSORS) + 1  # after X, W, b, y, the tensors and grad_output
_NUMBER = _FIRST_OTHER + len(_OTHERS) + 3  # of arguments

_BITS = (1, 2, 4, 8)  # of X, W, b, y in `wanted`: a tracer takes no list of bools


def by_operator(layer: LayerTensors) -> Tensor:
    """Loss of a linear layer, for code that is compiled or traced."""
    parts = layer[:4]
    # a trace is for both, and torch compares it with one that is made without gradients
    learns = torch.is_grad_enabled() or torch._C._get_tracing_state() is not None
    wanted = tuple(learns and t is not None and t.requires_grad for t in parts)
    return _operator(*_arguments(layer, None, wanted))[0]  # type: ignore[no-any-return]  # torch leaves it so


def _arguments(
    layer: LayerTensors, grad_output: Tensor | None, wanted: tuple[bool, ...]
) -> tuple[Any, ...]:
    settings = layer.settings
    return (
        *layer[:4],
        *settings.tensors(),
        grad_output,
        *(as_declared(option, getattr(settings, option.name)) for option in _OTHERS),
        layer.workspace,
        layer.compute,
        sum(bit for bit, wants in zip(_BITS, wanted, strict=True) if wants),
    )


def _layer(arguments: tuple[Any, ...]) -> tuple[LayerTensors, Tensor | None, tuple[bool, ...]]:
    X, W, b, y, *weights, grad_output = arguments[:_FIRST_OTHER]
    *others, workspace, compute, wanted = arguments[_FIRST_OTHER:]
    named = zip((*TENSORS, *_OTHERS), (*weights, *others), strict=True)
    settings = TensorOptions(**{option.name: value for option, value in named})
    check_values(settings)  # anyone may call an operator
    flags = tuple(bool(wanted & bit) for bit in _BITS)
    return LayerTensors(X, W, b, y, settings, workspace, compute), grad_output, flags


@torch.library.custom_op("pminusy::linear_cross_entropy", mutates_args=(), schema=_SCHEMA)
def _operator(*arguments: Any) -> tuple[Tensor, ...]:
    """Loss, and gradients of (X, W, b, y): those not wanted, or made later, are empty."""
    layer, grad_output, wanted = _layer(arguments)
    if layer.settings.reduction == "none" and grad_output is None:
        wanted = NOTHING  # they are made when each row's factor is known
    result = evaluate(layer, wanted, grad_output)
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
    ctx.save_for_backward(*output[1:], *layer[:4], *layer.settings.tensors())
    ctx.rest = layer.settings, layer.workspace, layer.compute
    ctx.wanted = wanted


def _backward(ctx: Any, grad_output: Tensor, *unused: Any) -> tuple[Any, ...]:
    gradients, (X, W, b, y, *weights) = ctx.saved_tensors[:4], ctx.saved_tensors[4:]
    settings, *rest = ctx.rest
    layer = LayerTensors(X, W, b, y, settings.with_tensors(weights), *rest)
    if torch.is_grad_enabled() or transformed(grad_output):
        found = gradients_from_all_logits(layer, ctx.wanted, grad_output)
    elif layer.settings.reduction == "none":
        found = _operator(*_arguments(layer, grad_output, ctx.wanted))[1:]
    else:
        found = tuple((g * grad_output).to(g.dtype) for g in gradients)
    each = (g if wants else None for g, wants in zip(found, ctx.wanted, strict=True))
    return (*each, *(None,) * (_NUMBER - 4))


_operator.register_autograd(_backward, setup_context=_keep)
