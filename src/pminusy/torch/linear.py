"""`linear_cross_entropy` for torch tensors: products by torch, the head by kernels."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.overrides import handle_torch_function, has_torch_function_variadic
from torch.utils._python_dispatch import is_traceable_wrapper_subclass

from pminusy.kernels.linear.tiles import WORKSPACE
from pminusy.torch.arrays import FLOATS, dense_and_local, refuse, same_device, traced, transformed
from pminusy.torch.checks import check_options, denominator, is_soft, resolve
from pminusy.torch.layer.engine import (
    NOTHING,
    evaluate,
    from_all_logits,
    gradients_from_all_logits,
    scaled,
)
from pminusy.torch.layer.operator import by_operator
from pminusy.torch.layer.positions import over_positions
from pminusy.torch.layer.tiles import LayerTensors
from pminusy.torch.legacy import options_of_torch
from pminusy.torch.loss import FEWEST_CLASSES
from pminusy.torch.plain import TensorOptions

__all__ = ["autocast_type", "device_workspace", "linear_cross_entropy"]

_DEVICE_WORKSPACE = 2**30  # bytes, on a device with memory and bandwidth of its own


def linear_cross_entropy(
    input: Tensor,  # noqa: A002  # torch's name
    linear_weight: Tensor,
    target: Tensor,
    *,
    linear_bias: Tensor | None = None,
    weight: Tensor | None = None,
    reduction: str = "mean",
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    options: Any = None,
    sample_weight: Tensor | None = None,
    temperature: float = 1.0,
    z_loss: float = 0.0,
    softcap: float | None = None,
    num_items: float | Tensor | None = None,
    workspace: int | None = None,
) -> Tensor:
    """Cross-entropy of a linear layer, as `torch.nn.functional.linear_cross_entropy`.

    Parameters
    ----------
    input, linear_weight, linear_bias
        Inputs (N, D) or (…, D), weights (K, D), bias (K,). Or inputs (N, D), weights (K, d1, …, D),
        bias (K, d1, …): a linear layer at each position.
    target
        Class indices (N,) or (…), or probabilities (N, K) or (…, K). With positions class indices
        (N, d1, …) or probabilities (N, K, d1, …).
    weight, reduction, ignore_index, label_smoothing
        As `cross_entropy`; `ignore_index=None` means -100, and is all that probabilities take.
    sample_weight, temperature, z_loss, softcap, num_items
        As `cross_entropy`.
    options
        None or a `torch.nn.LinearCrossEntropyOptions`, which torch needs to work in chunks. Here
        `workspace` sizes them, sums are always formed in float32 or float64, and `backward` may be
        called again: what the options say of these is taken and changes nothing.
    workspace
        Bytes of memory that may be used beside the results. If None, 64 MiB on CPU and 1 GiB
        elsewhere.

    Returns
    -------
    Tensor
        The loss; logits of all rows are never held at once.

    Raises
    ------
    InputError
        As `cross_entropy`.

    Examples
    --------
    >>> x, W = torch.ones(1, 1), torch.tensor([[40.0], [0.0]])
    >>> linear_cross_entropy(x, W, torch.tensor([0])).item()
    4.248354351098967e-18

    References
    ----------
    As `cross_entropy`.
    """
    options_of_torch(options)
    if num_items is not None:
        num_items = denominator(num_items)
    tensors = (input, linear_weight, linear_bias, target, weight, sample_weight, num_items)
    if has_torch_function_variadic(*tensors):  # a mode, or a class of tensors, takes over
        return handle_torch_function(
            linear_cross_entropy,
            tensors,
            input,
            linear_weight,
            target,
            linear_bias=linear_bias,
            weight=weight,
            reduction=reduction,
            ignore_index=ignore_index,
            label_smoothing=label_smoothing,
            options=options,
            sample_weight=sample_weight,
            temperature=temperature,
            z_loss=z_loss,
            softcap=softcap,
            num_items=num_items,
            workspace=workspace,
        )
    ignored = -100 if ignore_index is None else ignore_index
    settings = TensorOptions(
        weight,
        sample_weight,
        ignored,
        reduction,
        label_smoothing,
        temperature,
        z_loss,
        softcap,
        num_items,
    )
    named = {
        "input": input,
        "target": target,
        "linear_weight": linear_weight,
        "linear_bias": linear_bias,
        "weight": weight,
        "sample_weight": sample_weight,
        "num_items": num_items,
    }
    same_device(**named)
    by_torch = traced(*tensors)
    if by_torch:
        dense_and_local(**named)
    room = device_workspace(workspace, input.device.type)
    if ignore_index is not None and target.dim() == input.dim() + linear_weight.dim() - 2:
        refuse("ignore_index", "None with probabilities", str(ignore_index))
    if linear_weight.dim() > 2:
        parts = (input, linear_weight, target, linear_bias)
        return over_positions(linear_cross_entropy, *parts, settings, room)
    _check_layer(input, linear_weight, linear_bias)
    K, shape = linear_weight.shape[0], input.shape[:-1]
    check_options(settings, shape, K)
    soft = is_soft(target, shape, torch.Size((*shape, K)))
    y, settings = resolve(target, settings, K, input.dtype if soft else None, by_torch)
    D = input.shape[-1]
    X = input if input.dim() == 2 else input.reshape(-1 if D else shape.numel(), D)
    y = y.reshape(-1, K) if soft else y.reshape(-1)
    compute = autocast_type(input)
    layer = LayerTensors(X, linear_weight, linear_bias, y, settings, room, compute)
    losses = _loss(layer, by_torch)
    return losses.reshape(shape) if reduction == "none" else losses


def _loss(layer: LayerTensors, by_torch: bool) -> Tensor:
    """The loss, by the way that can take these tensors here."""
    K, D = layer.W.shape
    if K < FEWEST_CLASSES or D == 0:
        return from_all_logits(layer)
    if by_torch:
        parts = layer[:4]
        special = transformed(*parts) or _of_another_class(*parts)
        return from_all_logits(layer) if special else by_operator(layer)
    if torch.is_grad_enabled():
        return _LinearCrossEntropy.apply(*layer)  # type: ignore[no-any-return, no-untyped-call]  # untyped
    return evaluate(layer, NOTHING, None).loss


def _of_another_class(*tensors: Tensor | None) -> bool:
    """Whether a class of tensors handles operations itself, and may know torch's alone."""
    return any(is_traceable_wrapper_subclass(t) for t in tensors if t is not None)


def autocast_type(X: Tensor) -> torch.dtype | None:
    """Type of matrix products under autocast, which leaves float64 alone."""
    device = X.device.type
    if X.dtype == torch.float64 or not torch.amp.is_autocast_available(device):
        return None
    if not torch.is_autocast_enabled(device):
        return None
    return torch.get_autocast_dtype(device)


def device_workspace(given: int | None, device: str) -> int:
    """Bytes beside the results: those given, checked, or what suits the device."""
    if given is None:
        return WORKSPACE if device == "cpu" else _DEVICE_WORKSPACE
    if not isinstance(given, int) or isinstance(given, bool) or given < 1:
        refuse("workspace", "a number of bytes above 0", repr(given))
    return given


def _check_layer(X: Tensor, W: Tensor, b: Tensor | None) -> None:
    """Refuse types and shapes that do not fit; autocast makes types fit."""
    if X.dtype not in FLOATS:
        refuse("input", "float64, float32, bfloat16 or float16", str(X.dtype))
    if W.dim() != 2 or X.dim() < 1 or X.shape[-1] != W.shape[1] or W.shape[0] == 0:
        expected = f"weights of shape (K, {X.shape[-1] if X.dim() else 'D'})"
        refuse("linear_weight", expected, f"shape {tuple(W.shape)}")
    if b is not None and b.shape != W.shape[:1]:
        expected = f"one entry a class, shape ({W.shape[0]},)"
        refuse("linear_bias", expected, f"shape {tuple(b.shape)}")
    for name, value in (("linear_weight", W), ("linear_bias", b)):
        if value is None or value.dtype == X.dtype:
            continue
        if autocast_type(X) is None or value.dtype == torch.float64:
            expected = f"the type of input, {X.dtype}"
            refuse(name, expected, str(value.dtype), "convert one of them with .to")


class _LinearCrossEntropy(torch.autograd.Function):
    """Loss and gradients in the forward pass, tile by tile; backward multiplies by one number.

    For `reduction="none"`, and when backward is called again, the gradients are made there, which
    takes one matrix product more.
    """

    @staticmethod
    def forward(
        ctx: Any,
        X: Tensor,
        W: Tensor,
        b: Tensor | None,
        y: Tensor,
        settings: TensorOptions,
        workspace: int,
        compute: torch.dtype | None,
    ) -> Tensor:
        # weights too: torch notices what is changed in place between the loss and its gradient
        ctx.save_for_backward(X, W, b, y, *settings.tensors())
        ctx.rest = settings, workspace, compute
        wanted = ctx.needs_input_grad[:4] if settings.reduction != "none" else NOTHING
        result = evaluate(LayerTensors(X, W, b, y, *ctx.rest), wanted, None)
        ctx.found = result if any(wanted) else None
        return result.loss

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> tuple[Any, ...]:
        (grad_output,) = grad_outputs
        X, W, b, y, *weights = ctx.saved_tensors
        ctx.rest = ctx.rest[0].with_tensors(weights), *ctx.rest[1:]
        wanted = ctx.needs_input_grad[:4]
        if torch.is_grad_enabled() or traced(grad_output):
            gradients = gradients_from_all_logits(
                LayerTensors(X, W, b, y, *ctx.rest), wanted, grad_output
            )
        elif ctx.rest[0].reduction == "none":
            result = evaluate(LayerTensors(X, W, b, y, *ctx.rest), wanted, grad_output)
            gradients = scaled(result, None, (X, W, b, y))
        else:
            found, ctx.found = ctx.found, None  # given away: a second pass makes new ones
            result = found or evaluate(LayerTensors(X, W, b, y, *ctx.rest), wanted, None)
            gradients = scaled(result, grad_output, (X, W, b, y))
        return (*gradients, None, None, None)
