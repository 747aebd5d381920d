"""`cross_entropy` for torch tensors: which way it goes, and the kernels under autograd."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.overrides import handle_torch_function, has_torch_function_variadic

from pminusy.kernels.dispatch import in_one_step
from pminusy.torch import plain
from pminusy.torch.arrays import (
    FLOATS,
    HALF,
    by_kernels,
    dense_and_local,
    in_plain_memory,
    refuse,
    same_device,
    traced,
)
from pminusy.torch.checks import check_options, denominator, is_soft, plain_options, resolve
from pminusy.torch.legacy import reduction_of
from pminusy.torch.plain import TensorOptions
from pminusy.torch.under_autograd import differentiable, loss_on_device, numpy_call

__all__ = ["FEWEST_CLASSES", "as_rows", "class_axis", "cross_entropy"]

FEWEST_CLASSES = 2  # that the kernels take


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
    num_items: float | Tensor | None = None,
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
        The softmax takes κ tanh(z / κ) / T in place of the logits, κ being `softcap` and T the
        temperature; `z_loss` adds ζ S lse² to a row's loss, whose mass S is 1 for plain labels.
    num_items
        What the mean is divided by in place of its own denominator, a number or a tensor of shape
        (): the labels of a whole step, say, of which this call has a part.

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
    if num_items is not None:
        num_items = denominator(num_items)
    tensors = (input, target, weight, sample_weight, num_items)
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
            num_items=num_items,
        )
    if weight is None and sample_weight is None and num_items is None:
        numbers = ignore_index, reduction, label_smoothing, temperature, z_loss, softcap
        found = _of_labelled_rows(input, target, numbers)
        if found is not None:
            return found
    named = {
        "input": input,
        "target": target,
        "weight": weight,
        "sample_weight": sample_weight,
        "num_items": num_items,
    }
    same_device(**named)
    settings = TensorOptions(
        weight,
        sample_weight,
        ignore_index,
        reduction,
        label_smoothing,
        temperature,
        z_loss,
        softcap,
        num_items,
    )
    if input.dtype in HALF and _autocast_enabled(input.device.type):
        input = input.float()  # noqa: A001  # as torch does: a loss in float32
    axis = class_axis(input)
    K, shape = input.shape[axis], input.shape[:axis] + input.shape[axis + 1 :]
    check_options(settings, shape, K)
    soft = is_soft(target, shape, input.shape)
    if soft and ignore_index >= 0:  # torch's rule: a mixture of classes has none to ignore
        refuse("ignore_index", "a number below 0 with probabilities", str(ignore_index))
    by_torch = traced(*tensors)
    if by_torch:
        dense_and_local(**named)
    y, settings = resolve(target, settings, K, input.dtype if soft else None, by_torch)
    z = as_rows(input, axis, K)
    y = as_rows(y, axis, K) if soft else y.reshape(-1)
    if by_torch or K < FEWEST_CLASSES:
        losses = plain.loss(z, y, settings)
    else:
        losses = _by_kernels(z, y, settings)
    return losses.reshape(shape) if reduction == "none" else losses


def _of_labelled_rows(z: Tensor, y: Tensor, numbers: tuple[Any, ...]) -> Tensor | None:
    """Loss of rows of logits with a label each, in one step of compiled code: most calls are such.

    None for all others, and for whatever is wrong: the general way takes them, and says what is.
    """
    if not in_plain_memory(z, y) or y.dtype is not torch.int64 or y.dim() != 1:
        return None
    if z.dim() != 2 or (z.dtype is not torch.float32 and z.dtype is not torch.float64):
        return None
    settings = plain_options(*numbers)
    if settings is None or z.shape[0] != y.numel() or z.shape[1] < FEWEST_CLASSES:
        return None
    learns = z.requires_grad and torch.is_grad_enabled()
    made = in_one_step(
        z.detach().numpy(),
        y.numpy(),
        settings.ignore_index,
        settings.reduction,
        gradient=learns and settings.reduction != "none",
    )
    if made is None:
        return None
    loss, gradient = torch.from_numpy(made[0]), None
    if not learns:
        return loss
    if settings.reduction != "none":
        gradient = torch.from_numpy(made[1])
    return differentiable(z, y, settings, (), (loss, gradient))


def _by_kernels(z: Tensor, y: Tensor, settings: TensorOptions) -> Tensor:
    """Loss of a checked call, under autograd where that will ask for a gradient."""
    learns = torch.is_grad_enabled() and (z.requires_grad or y.requires_grad)
    call = numpy_call(z, y, settings) if by_kernels(z) else None
    made: tuple[Tensor, Tensor | None]
    if call is None:
        made = loss_on_device(z, y, settings), None
    elif _makes_gradient(z, y, learns, settings):
        made = call.loss_and_gradient()
    else:
        made = call.loss().to(z.dtype), None
    return differentiable(z, y, settings, settings.tensors(), made) if learns else made[0]


def _makes_gradient(z: Tensor, y: Tensor, learns: bool, settings: TensorOptions) -> bool:
    """Whether the gradient is made together with the loss; see `under_autograd`."""
    wanted = learns and z.requires_grad and not y.requires_grad
    return wanted and z.dtype not in HALF and settings.reduction != "none"


def _autocast_enabled(device: str) -> bool:
    return torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device)


def class_axis(z: Tensor) -> int:
    """Where the classes of logits are: axis 1, or 0 of a single row."""
    if z.dtype not in FLOATS:
        refuse("input", "float64, float32, bfloat16 or float16", str(z.dtype))
    if z.dim() == 0:
        refuse("input", "logits of shape (K,), (N, K) or (N, K, d1, …)", "a number")
    axis = 0 if z.dim() == 1 else 1
    if z.shape[axis] == 0:
        refuse("input", f"at least one class on axis {axis}", f"shape {tuple(z.shape)}")
    return axis


def as_rows(tensor: Tensor, axis: int, K: int) -> Tensor:
    """Classes last, and all else one axis; what is rows already costs no operation."""
    return tensor if tensor.dim() == 2 else tensor.movedim(axis, -1).reshape(-1, K)
