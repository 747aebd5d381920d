"""The linear form with weights (K, d1, …, D): a linear layer at each position, one loss over all.

Logits z[n, k, d] = X[n] · W[k, d] + b[k, d]. Where all of them fit into the workspace they are made
at once; otherwise position after position, each in tiles, and the means are put together by their
denominators: no sum over all rows is formed, which a half type could not hold.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from pminusy.errors import InputError
from pminusy.torch import plain
from pminusy.torch.arrays import traced
from pminusy.torch.checks import check_options, is_soft, resolve
from pminusy.torch.loss import cross_entropy
from pminusy.torch.plain import TensorOptions

__all__ = ["over_positions"]

_COPIES = 3  # arrays of the size of the logits, where they are made at once


def over_positions(
    layer: Callable[..., Tensor],
    X: Tensor,
    W: Tensor,
    target: Tensor,
    b: Tensor | None,
    settings: TensorOptions,
    room: int,
) -> Tensor:
    """Loss of inputs X (N, D), weights W (K, d1, …, D), bias b (K, d1, …) or None.

    `layer` is `linear_cross_entropy`, called with weights (K, D).
    """
    _fit(X, W, target, b, settings.sample_weight)
    N, K, D = X.shape[0], W.shape[0], X.shape[1]
    target, settings = _resolved(X, W, target, settings)
    if N * W[..., 0].numel() * max(4, X.itemsize) * _COPIES <= room or W[0, ..., 0].numel() == 0:
        W = W.movedim(0, -2).reshape(-1, D)
        bias = None if b is None else b.movedim(0, -1).reshape(-1)
        z = torch.nn.functional.linear(X, W, bias)
        return cross_entropy(_classes_second(z, target, K), target, **_options(settings))
    parts = _parts(X, W, target, b, settings, room)
    if settings.reduction == "none":
        losses = [layer(**part) for part in parts]
        return torch.stack(losses, -1).reshape(_shape(X, W))
    found = torch.stack([layer(**part) for part in parts])
    means = settings.reduction == "mean" and settings.num_items is None
    counted = found * _shares(parts, settings) if means else found
    return counted.sum(dtype=torch.float64).to(found.dtype)


def _resolved(
    X: Tensor, W: Tensor, target: Tensor, settings: TensorOptions
) -> tuple[Tensor, TensorOptions]:
    """Target and options, checked; the denominators of the positions need class indices so."""
    shape, K = torch.Size(_shape(X, W)), W.shape[0]
    check_options(settings, shape, K)
    soft = is_soft(target, shape, torch.Size((shape[0], K, *shape[1:])))
    by_torch = traced(X, W, target, settings.weight, settings.sample_weight)
    target, settings = resolve(target, settings, K, X.dtype if soft else None, by_torch)
    omega = settings.sample_weight
    return target, settings if omega is None else settings._replace(
        sample_weight=omega.reshape(shape)
    )


def _shape(X: Tensor, W: Tensor) -> tuple[int, ...]:
    return (X.shape[0], *W.shape[1:-1])


def _fit(X: Tensor, W: Tensor, target: Tensor, b: Tensor | None, omega: Tensor | None) -> None:
    """Refuse shapes that do not fit."""
    if X.dim() != 2 or X.shape[1] != W.shape[-1]:
        expected = f"shape (N, {W.shape[-1]}), as linear_weight has shape {tuple(W.shape)}"
        raise InputError("input", expected, f"shape {tuple(X.shape)}")
    shape = _shape(X, W)
    soft = (shape[0], W.shape[0], *shape[1:])
    if target.shape not in (shape, soft):
        expected = f"class indices of shape {shape} or probabilities of shape {soft}"
        raise InputError("target", expected, f"shape {tuple(target.shape)}")
    if b is not None and b.shape != W.shape[:-1]:
        raise InputError("linear_bias", f"shape {tuple(W.shape[:-1])}", f"shape {tuple(b.shape)}")
    if omega is not None and omega.shape != shape:
        expected = f"the shape of the losses, {shape}"
        raise InputError("sample_weight", expected, f"shape {tuple(omega.shape)}")


def _classes_second(z: Tensor, target: Tensor, K: int) -> Tensor:
    """Logits (N, K, d1, …) from products (N, d1 · … · K)."""
    positions = target.shape[2:] if target.is_floating_point() else target.shape[1:]
    return z.reshape(z.shape[0], *positions, K).movedim(-1, 1)


def _options(settings: TensorOptions) -> dict[str, Any]:
    return settings._asdict()


def _parts(
    X: Tensor, W: Tensor, target: Tensor, b: Tensor | None, settings: TensorOptions, room: int
) -> list[dict[str, Any]]:
    """Arguments of each position's call."""
    N, K, D = X.shape[0], W.shape[0], X.shape[1]
    soft = target.dim() == W.dim()
    M = W[0, ..., 0].numel()
    each: dict[str, Any] = {
        "linear_weight": W.reshape(K, M, D).unbind(1),
        "target": target.reshape(N, K, M).unbind(2) if soft else target.reshape(N, M).unbind(1),
    }
    if b is not None:
        each["linear_bias"] = b.reshape(K, M).unbind(1)
    options = settings._asdict()
    omega = options.pop("sample_weight")
    if omega is not None:
        each["sample_weight"] = omega.reshape(N, M).unbind(1)
    if soft:
        del options["ignore_index"]
    common = {"input": X, "workspace": room, **options}
    return [{**common, **{name: of[m] for name, of in each.items()}} for m in range(M)]


def _shares(parts: list[dict[str, Any]], settings: TensorOptions) -> Tensor:
    """What each position's mean counts (M,): its denominator over that of all."""
    scales = torch.stack(
        [
            plain.scale(part["target"], settings._replace(sample_weight=part.get("sample_weight")))
            for part in parts
        ]
    )
    denominators = torch.where(scales > 0, 1.0 / torch.where(scales > 0, scales, 1.0), 0.0)
    total = denominators.sum()
    return denominators / torch.where(total > 0, total, 1.0)
