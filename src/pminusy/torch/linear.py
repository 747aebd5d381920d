"""`linear_cross_entropy` for torch tensors: products by torch, the head by kernels."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from pminusy import arguments
from pminusy.errors import InputError
from pminusy.kernels.dispatch import implementation
from pminusy.kernels.linear import WORKSPACE
from pminusy.torch import plain
from pminusy.torch.loss import array, checked, kernels_serve, options_of
from pminusy.torch.plain import Settings

__all__ = ["linear_cross_entropy"]


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
    sample_weight: Tensor | None = None,
    temperature: float = 1.0,
    z_loss: float = 0.0,
    softcap: float | None = None,
    workspace: int = WORKSPACE,
) -> Tensor:
    """Cross-entropy of a linear layer, as `torch.nn.functional.linear_cross_entropy`.

    Parameters
    ----------
    input, linear_weight, linear_bias
        Inputs (N, D) or (…, D), weights (K, D), bias (K,).
    target
        Class indices (N,) or (…), or probabilities (N, K) or (…, K).
    weight, reduction, ignore_index, label_smoothing, sample_weight, temperature, z_loss, softcap
        As `cross_entropy`; `ignore_index=None` means -100.
    workspace
        Bytes that the logits of a tile may take.

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
    ignored = -100 if ignore_index is None else ignore_index
    settings = checked(
        Settings(
            weight, sample_weight, ignored, reduction, label_smoothing, temperature, z_loss, softcap
        )
    )
    X, y, shape = _rows(input, linear_weight, target)
    if sample_weight is not None:
        settings = settings._replace(sample_weight=sample_weight.reshape(-1))
    tensors = (X, linear_weight, *(() if linear_bias is None else (linear_bias,)))
    transformed = not kernels_serve() or torch.is_autocast_enabled(X.device.type)
    soft_gradient = y.is_floating_point() and y.requires_grad
    if transformed or soft_gradient or reduction == "none":
        z = torch.nn.functional.linear(X, linear_weight, linear_bias)
        from pminusy.torch.loss import cross_entropy

        losses = cross_entropy(
            z, y, weight, ignored, reduction, label_smoothing,
            sample_weight=settings.sample_weight, temperature=temperature, z_loss=z_loss,
            softcap=softcap,
        )  # fmt: skip
        return losses.reshape(shape) if reduction == "none" else losses
    del tensors
    return _LinearCrossEntropy.apply(X, linear_weight, linear_bias, y, settings, workspace)  # type: ignore[no-any-return, no-untyped-call]  # untyped


def _rows(X: Tensor, W: Tensor, target: Tensor) -> tuple[Tensor, Tensor, torch.Size]:
    if W.dim() != 2 or X.dim() < 1 or X.shape[-1] != W.shape[1]:
        expected = f"weights of shape (K, {X.shape[-1] if X.dim() else 'D'})"
        raise InputError("linear_weight", expected, f"shape {tuple(W.shape)}")
    shape = X.shape[:-1]
    soft = target.is_floating_point() and target.shape == (*shape, W.shape[0])
    if not soft and target.shape != shape:
        expected = f"class indices of shape {tuple(shape)} or probabilities, one a class"
        raise InputError("target", expected, f"shape {tuple(target.shape)}")
    y = target.reshape(-1, W.shape[0]) if soft else target.reshape(-1)
    return X.reshape(-1, X.shape[-1]), y, shape


class _LinearCrossEntropy(torch.autograd.Function):
    """Loss and gradients in the forward pass, tile by tile; backward multiplies by one number."""

    @staticmethod
    def forward(
        ctx: Any,
        X: Tensor,
        W: Tensor,
        b: Tensor | None,
        y: Tensor,
        settings: Settings,
        workspace: int,
    ) -> Tensor:
        ctx.save_for_backward(X, W, b, y)
        ctx.settings = settings
        loss, ctx.gradients = _tiles(X, W, b, y, settings, workspace, ctx.needs_input_grad[:3])
        return loss

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> tuple[Any, ...]:
        (grad_output,) = grad_outputs
        if torch.is_grad_enabled():
            return (*_differentiable_gradients(ctx, grad_output), None, None, None)
        scaled = [
            g if g is None or bool(grad_output == 1) else (g * grad_output).to(g.dtype)
            for g in ctx.gradients
        ]
        return (*scaled, None, None, None)


def _tiles(
    X: Tensor,
    W: Tensor,
    b: Tensor | None,
    y: Tensor,
    settings: Settings,
    workspace: int,
    wanted: tuple[bool, ...],
) -> tuple[Tensor, tuple[Tensor | None, ...]]:
    """Loss, and the gradients wanted of (X, W, b)."""
    (N, _), K = X.shape, W.shape[0]
    wide = torch.float64 if X.dtype == torch.float64 else torch.float32
    total = plain.denominator(y, settings, torch.empty(0, dtype=torch.float64, device=X.device))
    divisor = float(total) if settings.reduction == "mean" else 1.0
    scale = 1.0 / divisor if divisor > 0 else 0.0
    dX = torch.zeros_like(X) if wanted[0] else None
    dW = torch.zeros(W.shape, dtype=wide, device=W.device) if wanted[1] else None
    db = torch.zeros(K, dtype=torch.float64, device=W.device) if wanted[2] else None
    rows = max(1, min(N, workspace // (K * wide.itemsize)))
    loss = 0.0
    for start in range(0, N, rows):
        part = slice(start, start + rows)
        z = torch.nn.functional.linear(X[part], W, b)
        value, g = _head(z.to(wide), y[part], _of_rows(settings, part), scale, any(wanted))
        loss += value
        if dX is not None:
            dX[part] = g.to(W.dtype) @ W
        if dW is not None:
            dW.addmm_(g.T, X[part].to(wide))
        if db is not None:
            db += g.sum(0, dtype=torch.float64)
    gradients = (
        dX,
        None if dW is None else dW.to(W.dtype),
        None if db is None or b is None else db.to(b.dtype),
    )
    return torch.tensor(loss, dtype=X.dtype, device=X.device), gradients


def _of_rows(settings: Settings, part: slice) -> Settings:
    """The same for some rows, added up and not yet divided."""
    omega = settings.sample_weight
    return settings._replace(sample_weight=None if omega is None else omega[part], reduction="sum")


def _head(
    z: Tensor, y: Tensor, settings: Settings, scale: float, gradient: bool
) -> tuple[float, Tensor]:
    """Sum of the losses of a tile, and its gradient in place of z, both times `scale`."""
    if z.device.type != "cpu":
        with torch.enable_grad():
            z = z.detach().requires_grad_()
            loss = plain.loss(z, y, settings) * scale
            (g,) = torch.autograd.grad(loss, z)
        return float(loss), g
    logits = array(z)
    options = options_of(settings, *logits.shape)
    target = array(y).astype(logits.dtype, copy=False) if y.is_floating_point() else array(y)
    target = arguments.targets(target, logits, options.ignore_index)
    head = implementation(logits.shape[0], logits.shape[1], options)
    if not gradient:
        return float(head.cross_entropy(logits, target, options)) * scale, z
    factors = np.broadcast_to(np.asarray(scale), logits.shape[:1])
    loss, _ = head.cross_entropy_grad(logits, target, options, factors, logits)
    return float(loss) * scale, z


def _differentiable_gradients(ctx: Any, grad_output: Tensor) -> tuple[Tensor | None, ...]:
    X, W, b, y = ctx.saved_tensors
    parts = (X, W, b)
    with torch.enable_grad():
        wanted = [t for t, n in zip(parts, ctx.needs_input_grad, strict=False) if n]
        loss = plain.loss(torch.nn.functional.linear(X, W, b), y, ctx.settings)
        found = iter(torch.autograd.grad(loss, wanted, grad_output, create_graph=True))
    return tuple(next(found) if needed else None for needed in ctx.needs_input_grad[:3])
