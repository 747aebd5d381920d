"""The kernels under autograd: loss and gradient of rows of logits as one function of torch's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pminusy.core.options import Options
from pminusy.kernels.dispatch import implementation
from pminusy.torch import plain
from pminusy.torch.arrays import array, by_kernels, in_plain_memory, options_of, traced
from pminusy.torch.head import head
from pminusy.torch.plain import TensorOptions

__all__ = ["NumpyCall", "differentiable", "loss_on_device", "numpy_call"]

_CHUNK = 2**26  # logits whose rows are taken at a time where there are no kernels


class NumpyCall(NamedTuple):
    """A call as the kernels take it: logits (N, K), class indices (N,) or soft targets (N, K)."""

    logits: NDArray[Any]
    target: NDArray[Any]
    options: Options

    def _kernels(self) -> Any:
        N, K = self.logits.shape
        return implementation(N, K, self.options)

    @np.errstate(all="ignore")  # ∞ and numbers that vanish are results here
    def loss(self) -> Tensor:
        """The loss alone."""
        found = self._kernels().cross_entropy(*self)
        return torch.from_numpy(np.asarray(found))

    @np.errstate(all="ignore")
    def loss_and_gradient(self, factors: NDArray[Any] | None = None) -> tuple[Tensor, Tensor]:
        """Loss, and its gradient, in one visit to the logits."""
        loss, gradient = self._kernels().cross_entropy_grad(*self, factors)
        return torch.from_numpy(np.asarray(loss)), torch.from_numpy(gradient)


def numpy_call(z: Tensor, y: Tensor, settings: TensorOptions) -> NumpyCall:
    """A checked call on tensors as the kernels take it."""
    logits, target = array(z), array(y)
    if y.is_floating_point():
        target = target.astype(logits.dtype, copy=False)
    return NumpyCall(logits, target, options_of(settings, *logits.shape))


class _CrossEntropy(torch.autograd.Function):
    """Loss of logits z and targets y under autograd, `made` before with its gradient.

    In float32 and float64 on CPU a reduced loss and its gradient are made in one visit to the
    logits. The backward pass hands the gradient on, of the logits as they were at the loss,
    multiplied by what comes in unless that is 1. Otherwise (None) the backward pass makes it, with
    the incoming factor in it: nothing of the size of the logits is kept, and a half type is rounded
    to once.
    """

    @staticmethod
    def forward(
        ctx: Any,
        z: Tensor,
        y: Tensor,
        settings: TensorOptions,
        weights: tuple[Tensor | None, ...],
        made: tuple[Tensor, Tensor | None],
    ) -> Tensor:
        # weights too: torch notices what is changed in place between the loss and its gradient
        ctx.save_for_backward(z, y, *weights)
        ctx.settings = settings
        loss, ctx.gradient = made
        return loss

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> tuple[Any, ...]:
        (grad_output,) = grad_outputs
        gradient, ctx.gradient = ctx.gradient, None  # given away: a second pass makes a new one
        differentiated = torch.is_grad_enabled()
        if gradient is not None and not differentiated and in_plain_memory(grad_output):
            if grad_output.item() != 1.0:
                gradient.mul_(grad_output)
            return gradient, None, None, None, None
        z, y, *weights = ctx.saved_tensors
        settings = ctx.settings.with_tensors(weights) if weights else ctx.settings
        if differentiated or ctx.needs_input_grad[1] or traced(grad_output):
            needed = ctx.needs_input_grad[:2]
            found = plain.gradients(
                lambda z, y: plain.loss(z, y, settings), (z, y), needed, grad_output
            )
            return (*found, None, None, None)
        if not ctx.needs_input_grad[0]:
            return None, None, None, None, None
        if not by_kernels(z):
            return _gradient_on_device(z, y, settings, grad_output), None, None, None, None
        call = numpy_call(z, y, settings)
        _, made = call.loss_and_gradient(np.broadcast_to(array(grad_output), call.logits.shape[:1]))
        return made.to(z.dtype), None, None, None, None


differentiable: Callable[..., Tensor] = super(torch.autograd.Function, _CrossEntropy).apply
"""`_CrossEntropy.apply` without a look for transforms, which never come here (`arrays.traced`)."""


def loss_on_device(z: Tensor, y: Tensor, settings: TensorOptions) -> Tensor:
    """Loss where there are no kernels."""
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
