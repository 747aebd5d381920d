"""`cross_entropy` for torch tensors: which way it goes, and the kernels under autograd."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.overrides import handle_torch_function, has_torch_function_variadic

from pminusy.kernels.dispatch import implementation
from pminusy.torch import plain
from pminusy.torch.arrays import (
    FLOATS,
    HALF,
    array,
    by_kernels,
    dense_and_local,
    options_of,
    refuse,
    same_device,
    traced,
)
from pminusy.torch.checks import check_options, is_soft, resolve
from pminusy.torch.head import head
from pminusy.torch.legacy import reduction_of
from pminusy.torch.plain import TensorOptions

__all__ = ["FEWEST_CLASSES", "cross_entropy"]

FEWEST_CLASSES = 2  # that the kernels take
_CHUNK = 2**26  # logits whose rows are taken at a time where there are no kernels


def cross_entropy(
    input: Tensor,  # noqa: A002  # torch's name
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
    *,
    sample_weight: Tensor | None = None,
    temperature: float = 1.0,
    z_loss: float = 0.0,
    softcap: float | None = None,
) -> Tensor:
    """Softmax cross-entropy, as `torch.nn.functional.cross_entropy`: L = Σ_k q_k (lse − z_k).

    Parameters
    ----------
    input
        Logits (K,), (N, K) or (N, K, d1, …), of type float64, float32, bfloat16 or float16.
    target
        Class indices (), (N,) or (N, d1, …), or probabilities of the shape of `input`; gradients
        flow to the latter.
    weight, ignore_index, reduction, label_smoothing
        As in torch; class weights take no gradient.
    size_average, reduce
        Deprecated, as in torch: where one is given it rules in the place of `reduction`.
    sample_weight
        A factor for each target, of the shape of the losses.
    temperature, z_loss, softcap
        See `pminusy.core.options.Options`.

    Returns
    -------
    Tensor
        The loss, in nats and the type of `input`. If everything is ignored it is 0.

    Raises
    ------
    InputError
        Shapes that do not fit, a label out of range, options outside their range, negative or NaN
        weights or probabilities, weights that require a gradient.

    Examples
    --------
    >>> z = torch.tensor([[40.0, 0.0]], dtype=torch.float64)
    >>> cross_entropy(z, torch.tensor([0])).item()
    4.248354255291589e-18

    References
    ----------
    Bridle 1990; options: Szegedy et al. 2016, `torch.nn.functional.cross_entropy`.
    """
    reduction = reduction_of(reduction, size_average, reduce)
    tensors = (input, target, weight, sample_weight)
    if has_torch_function_variadic(*tensors):  # a mode, or a class of tensors, takes over
        return handle_torch_function(
            cross_entropy,
            tensors,
            input,
            target,
            weight,
            ignore_index=ignore_index,
            reduction=reduction,
            label_smoothing=label_smoothing,
            sample_weight=sample_weight,
            temperature=temperature,
            z_loss=z_loss,
            softcap=softcap,
        )
    same_device(input=input, target=target, weight=weight, sample_weight=sample_weight)
    settings = TensorOptions(
        weight,
        sample_weight,
        ignore_index,
        reduction,
        label_smoothing,
        temperature,
        z_loss,
        softcap,
    )
    if input.dtype in HALF and _autocast_enabled(input.device.type):
        input = input.float()  # noqa: A001  # as torch does: a loss in float32
    axis = _class_axis(input)
    K, shape = input.shape[axis], input.shape[:axis] + input.shape[axis + 1 :]
    check_options(settings, shape, K)
    soft = is_soft(target, shape, input.shape)
    if soft and ignore_index >= 0:  # torch's rule: a mixture of classes has none to ignore
        refuse("ignore_index", "a number below 0 with probabilities", str(ignore_index))
    by_torch = traced(*tensors)
    if by_torch:
        dense_and_local(input=input, target=target, weight=weight, sample_weight=sample_weight)
    y, settings = resolve(target, settings, K, input.dtype if soft else None, by_torch)
    z = _as_rows(input, axis, K)
    y = _as_rows(y, axis, K) if soft else y.reshape(-1)
    if by_torch or K < FEWEST_CLASSES:
        losses = plain.loss(z, y, settings)
    else:
        learns = torch.is_grad_enabled() and (z.requires_grad or y.requires_grad)
        losses = _CrossEntropy.apply(z, y, settings, learns)  # type: ignore[no-untyped-call]  # untyped
    return losses.reshape(shape) if reduction == "none" else losses


def _autocast_enabled(device: str) -> bool:
    return torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device)


def _class_axis(z: Tensor) -> int:
    if z.dtype not in FLOATS:
        refuse("input", "float64, float32, bfloat16 or float16", str(z.dtype))
    if z.dim() == 0:
        refuse("input", "logits of shape (K,), (N, K) or (N, K, d1, …)", "a number")
    axis = 0 if z.dim() == 1 else 1
    if z.shape[axis] == 0:
        refuse("input", f"at least one class on axis {axis}", f"shape {tuple(z.shape)}")
    return axis


def _as_rows(tensor: Tensor, axis: int, K: int) -> Tensor:
    """Classes last, and all else one axis; what is rows already costs no operation."""
    return tensor if tensor.dim() == 2 else tensor.movedim(axis, -1).reshape(-1, K)


def _numpy_call(z: Tensor, y: Tensor, settings: TensorOptions) -> tuple[Any, ...]:
    logits, target = array(z), array(y)
    options = options_of(settings, *logits.shape)
    if y.is_floating_point():
        target = target.astype(logits.dtype, copy=False)
    return (
        implementation(logits.shape[0], logits.shape[1], options, small=0),
        logits,
        target,
        options,
    )


class _CrossEntropy(torch.autograd.Function):
    """The kernels under autograd.

    In float32 and float64 on CPU a reduced loss and its gradient are made in one visit to the
    logits, and the backward pass hands the gradient on, multiplied by what comes in unless that is
    1. Otherwise the backward pass makes it, with the incoming factor in it: nothing of the size of
    the logits is kept, and a half type is rounded to once.
    """

    @staticmethod
    @np.errstate(all="ignore")  # ∞ and numbers that vanish are results here
    def forward(ctx: Any, z: Tensor, y: Tensor, settings: TensorOptions, learns: bool) -> Tensor:
        # weights too: torch notices what is changed in place between the loss and its gradient
        ctx.save_for_backward(z, y, *settings.tensors())
        ctx.settings, ctx.gradient = settings, None
        if not by_kernels(z):
            return _loss_on_device(z, y, settings)
        kernels, logits, target, options = _numpy_call(z, y, settings)
        one_visit = z.dtype not in HALF and settings.reduction != "none"
        if learns and one_visit and ctx.needs_input_grad[0]:
            loss, gradient = kernels.cross_entropy_grad(logits, target, options)
            ctx.gradient = torch.from_numpy(gradient)
        else:
            loss = kernels.cross_entropy(logits, target, options)
        return torch.from_numpy(np.asarray(loss)).to(z.dtype)

    @staticmethod
    @np.errstate(all="ignore")
    def backward(ctx: Any, *grad_outputs: Any) -> tuple[Any, ...]:
        (grad_output,) = grad_outputs
        again = torch.is_grad_enabled() or ctx.needs_input_grad[1] or traced(grad_output)
        if ctx.gradient is not None and not again:  # of the logits as they were at the loss
            gradient, ctx.gradient = ctx.gradient, None  # given away: a second pass makes a new one
            return gradient if grad_output == 1 else gradient.mul_(grad_output), None, None, None
        z, y, *weights = ctx.saved_tensors
        settings = ctx.settings.with_tensors(weights)
        if again:
            needed = ctx.needs_input_grad[:2]
            found = plain.gradients(
                lambda z, y: plain.loss(z, y, settings), (z, y), needed, grad_output
            )
            return (*found, None, None)
        if not ctx.needs_input_grad[0]:
            return None, None, None, None
        if not by_kernels(z):
            return _gradient_on_device(z, y, settings, grad_output), None, None, None
        kernels, logits, target, options = _numpy_call(z, y, settings)
        factors = np.broadcast_to(array(grad_output), logits.shape[:1])
        _, made = kernels.cross_entropy_grad(logits, target, options, factors)
        return torch.from_numpy(made).to(z.dtype), None, None, None


def _loss_on_device(z: Tensor, y: Tensor, settings: TensorOptions) -> Tensor:
    losses = torch.cat(
        [
            head(_wide_copy(z[rows]), y[rows], of_rows, gradient=False).losses
            for rows, of_rows in _chunks(z, settings)
        ]
        or [torch.zeros(0, dtype=torch.float32, device=z.device)]
    )
    if settings.reduction == "none":
        return losses.to(z.dtype)
    return (losses.sum(dtype=torch.float64) * plain.scale(y, settings)).to(z.dtype)


def _gradient_on_device(
    z: Tensor, y: Tensor, settings: TensorOptions, grad_output: Tensor
) -> Tensor:
    gradient = torch.empty_like(z)
    scale = plain.scale(y, settings)
    factors = (grad_output.to(scale.dtype) * scale).expand(z.shape[0])
    for rows, of_rows in _chunks(z, settings):
        found = head(_wide_copy(z[rows]), y[rows], of_rows, gradient=True).dL_du
        assert found is not None
        gradient[rows] = found.mul_(factors[rows, None].to(found.dtype)).to(z.dtype)
    return gradient


def _chunks(z: Tensor, settings: TensorOptions) -> list[tuple[slice, TensorOptions]]:
    step = max(1, _CHUNK // z.shape[1])
    found = [slice(start, start + step) for start in range(0, z.shape[0], step)]
    return [(rows, plain.of_rows(settings, rows)) for rows in found]


def _wide_copy(z: Tensor) -> Tensor:
    return z.to(torch.float64 if z.dtype == torch.float64 else torch.float32, copy=True)
