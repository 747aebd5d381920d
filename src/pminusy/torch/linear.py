"""`linear_cross_entropy` for torch tensors: products by torch, the head by kernels."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from pminusy.errors import InputError
from pminusy.kernels.linear import WORKSPACE
from pminusy.torch import plain
from pminusy.torch.arrays import same_device, transformed
from pminusy.torch.engine import NOTHING, evaluate, scaled
from pminusy.torch.legacy import options_of_torch
from pminusy.torch.loss import checked
from pminusy.torch.operator import compiled
from pminusy.torch.plain import Settings
from pminusy.torch.positions import over_positions
from pminusy.torch.tiles import Layer

__all__ = ["linear_cross_entropy"]

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
    weight, reduction, ignore_index, label_smoothing, sample_weight, temperature, z_loss, softcap
        As `cross_entropy`; `ignore_index=None` means -100.
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
    ignored = -100 if ignore_index is None else ignore_index
    settings = checked(
        Settings(
            weight, sample_weight, ignored, reduction, label_smoothing, temperature, z_loss, softcap
        )
    )
    same_device(
        input=input,
        linear_weight=linear_weight,
        target=target,
        linear_bias=linear_bias,
        weight=weight,
        sample_weight=sample_weight,
    )
    room = workspace or (WORKSPACE if input.device.type == "cpu" else _DEVICE_WORKSPACE)
    if linear_weight.dim() > 2:
        parts = (input, linear_weight, target, linear_bias)
        return over_positions(linear_cross_entropy, *parts, settings, room)
    X, y, shape = _rows(input, linear_weight, target)
    if linear_bias is not None and linear_bias.shape != linear_weight.shape[:1]:
        expected = f"one entry a class, shape ({linear_weight.shape[0]},)"
        raise InputError("linear_bias", expected, f"shape {tuple(linear_bias.shape)}")
    if sample_weight is not None:
        if sample_weight.shape != shape:
            expected = f"the shape of the losses, {tuple(shape)}"
            raise InputError("sample_weight", expected, f"shape {tuple(sample_weight.shape)}")
        settings = settings._replace(sample_weight=sample_weight.reshape(-1))
    compute = _autocast_type(X)
    layer = Layer(X, linear_weight, linear_bias, y, settings, room, compute)
    if torch.compiler.is_compiling():
        losses = compiled(layer)
    elif transformed(X, linear_weight, linear_bias, y):
        losses = _from_all_logits(layer)
    elif torch.is_grad_enabled():
        losses = _LinearCrossEntropy.apply(*layer)  # type: ignore[no-untyped-call]  # untyped
    else:
        losses = evaluate(layer, NOTHING, None).loss
    return losses.reshape(shape) if reduction == "none" else losses


def _autocast_type(X: Tensor) -> torch.dtype | None:
    """Type of matrix products under autocast, which leaves float64 alone."""
    device = X.device.type
    if X.dtype == torch.float64 or not torch.is_autocast_enabled(device):
        return None
    return torch.get_autocast_dtype(device)


def _rows(X: Tensor, W: Tensor, target: Tensor) -> tuple[Tensor, Tensor, torch.Size]:
    if W.dim() != 2 or X.dim() < 1 or X.shape[-1] != W.shape[1]:
        expected = f"weights of shape (K, {X.shape[-1] if X.dim() else 'D'})"
        raise InputError("linear_weight", expected, f"shape {tuple(W.shape)}")
    shape = X.shape[:-1]
    soft = target.is_floating_point() and target.shape == (*shape, W.shape[0])
    if not soft and target.shape != shape:
        expected = f"class indices of shape {tuple(shape)} or probabilities, one a class"
        raise InputError("target", expected, f"shape {tuple(target.shape)}")
    if not soft and (target.is_floating_point() or target.is_complex()):
        raise InputError("target", "integer class indices", str(target.dtype), "use .long()")
    y = target.reshape(-1, W.shape[0]) if soft else target.reshape(-1)
    return X.reshape(-1, X.shape[-1]), y, shape


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
        settings: Settings,
        workspace: int,
        compute: torch.dtype | None,
    ) -> Tensor:
        # weights too: torch notices what is changed in place between the loss and its gradient
        ctx.save_for_backward(X, W, b, y, settings.weight, settings.sample_weight)
        ctx.rest = settings, workspace, compute
        wanted = ctx.needs_input_grad[:4] if settings.reduction != "none" else NOTHING
        result = evaluate(Layer(X, W, b, y, *ctx.rest), wanted, None)
        ctx.found = result if any(wanted) else None
        return result.loss

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> tuple[Any, ...]:
        (grad_output,) = grad_outputs
        X, W, b, y, weight, omega = ctx.saved_tensors
        settings = ctx.rest[0]._replace(weight=weight, sample_weight=omega)
        ctx.rest = settings, *ctx.rest[1:]
        wanted = ctx.needs_input_grad[:4]
        if torch.is_grad_enabled():
            gradients = _differentiable_gradients(ctx, grad_output)
        elif ctx.rest[0].reduction == "none":
            result = evaluate(Layer(X, W, b, y, *ctx.rest), wanted, grad_output)
            gradients = scaled(result, None, (X, W, b, y))
        else:
            found, ctx.found = ctx.found, None  # given away: a second pass makes new ones
            result = found or evaluate(Layer(X, W, b, y, *ctx.rest), wanted, None)
            gradients = scaled(result, grad_output, (X, W, b, y))
        return (*gradients, None, None, None)


def _differentiable_gradients(ctx: Any, grad_output: Tensor) -> tuple[Tensor | None, ...]:
    """Gradients that can be differentiated again, by torch itself, from all logits."""
    parts = ctx.saved_tensors[:4]
    with torch.enable_grad():
        wanted = [t for t, n in zip(parts, ctx.needs_input_grad, strict=False) if n]
        loss = _from_all_logits(Layer(*parts, *ctx.rest))
        found = iter(torch.autograd.grad(loss, wanted, grad_output, create_graph=True))
    return tuple(next(found) if needed else None for needed in ctx.needs_input_grad[:4])


def _from_all_logits(layer: Layer) -> Tensor:
    """The loss as operations of torch's, which it can transform and differentiate again."""
    X, W, b, y, settings, _, compute = layer
    with torch.autocast(X.device.type, dtype=compute, enabled=compute is not None):
        z = torch.nn.functional.linear(X, W, b)
    return plain.loss(z if compute is None else z.float(), y, settings)
