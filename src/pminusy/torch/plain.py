"""The head as torch operations: differentiable any number of times, on any device.

Twin: `core.head`. With t the largest logit of a row, and everything measured from it,

    L = Σ_{k ≠ t} q_k (z_t − z_k) + S log1p(Σ_{k ≠ t} e^{z_k − z_t}) + ζ S lse²

where t itself is left out of both sums, so neither the loss nor any derivative of it cancels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from pminusy.core.options import TENSORS
from pminusy.core.target_mass import class_factors, counted, row_mass
from pminusy.core.transform import transformed

__all__ = [
    "IGNORED",
    "TensorOptions",
    "gradients",
    "in_type_of",
    "loss",
    "of_rows",
    "row_losses",
    "scale",
]

IGNORED = -1  # the class index of a row that is ignored, once labels are checked


class TensorOptions(NamedTuple):
    """Options of the loss, with tensors as tensors; once checked, `ignore_index` is `IGNORED`.

    `core.options` declares them; a test compares these fields with it.
    """

    weight: Tensor | None = None
    sample_weight: Tensor | None = None
    ignore_index: int = -100
    reduction: str = "mean"
    label_smoothing: float = 0.0
    temperature: float = 1.0
    z_loss: float = 0.0
    softcap: float | None = None
    num_items: Tensor | None = None

    def tensors(self) -> tuple[Tensor | None, ...]:
        """The options that are tensors, in the order of the declaration."""
        return tuple(getattr(self, option.name) for option in TENSORS)

    def with_tensors(self, tensors: Sequence[Tensor | None]) -> TensorOptions:
        """The same with other tensors."""
        named: dict[str, Any] = {o.name: t for o, t in zip(TENSORS, tensors, strict=True)}
        return self._replace(**named)


def loss(u: Tensor, target: Tensor, settings: TensorOptions) -> Tensor:
    """Loss of logits u (N, K) with checked class indices (N,), int64, or soft targets (N, K)."""
    wide = u.float() if u.dtype in (torch.float16, torch.bfloat16) else u
    q = _mass(target, wide, settings)
    S = q.sum(-1)
    rows = row_losses(transformed(wide, settings, torch.tanh), q, S, settings.z_loss)
    if settings.num_items is not None:
        rows = rows / settings.num_items.to(wide.dtype)
    elif settings.reduction == "mean":
        total = _counted(target, wide, settings).sum()
        rows = rows / torch.where(total > 0, total, 1.0)
    return (rows if settings.reduction == "none" else rows.sum()).to(u.dtype)


def gradients(
    function: Callable[..., Tensor],
    inputs: Sequence[Tensor | None],
    needed: Sequence[bool],
    grad_output: Tensor,
) -> tuple[Tensor | None, ...]:
    """Gradients of a function of some inputs by torch itself, to be differentiated again."""
    again = torch.is_grad_enabled()
    with torch.enable_grad():
        own = [t if t is None or again else t.detach() for t in inputs]
        wanted = [t for t, needs in zip(own, needed, strict=True) if needs and t is not None]
        for tensor in wanted:
            if not tensor.requires_grad:
                tensor.requires_grad_()
        loss = function(*own)
        found = iter(torch.autograd.grad(loss, wanted, grad_output, create_graph=again))
    return tuple(next(found) if needs else None for needs in needed)


def scale(target: Tensor, settings: TensorOptions) -> Tensor:
    """1 over what "mean" divides by, 0 if that is 0; for other reductions 1. In float64."""
    one = torch.ones((), dtype=torch.float64, device=target.device)
    if settings.reduction != "mean":
        return one
    if settings.num_items is not None:
        return one / settings.num_items
    total = _counted(target, one, settings).sum()
    return torch.where(total > 0, 1.0 / torch.where(total > 0, total, 1.0), 0.0)


def of_rows(settings: TensorOptions, rows: slice) -> TensorOptions:
    """The same for some of the rows."""
    parts = [
        t[rows] if t is not None and option.entries == "row" else t
        for option, t in zip(TENSORS, settings.tensors(), strict=True)
    ]
    return settings.with_tensors(parts)


def in_type_of(
    like: Tensor, target: Tensor, settings: TensorOptions
) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
    """Labels (n,) with 0 where a row is ignored, ω (n,) with 0 there, and class weights (K,).

    Each is None where there is none: for soft targets, and for weights of 1.
    """
    row = None if settings.sample_weight is None else settings.sample_weight.to(like.dtype)
    weight = None if settings.weight is None else settings.weight.to(like.dtype)
    if target.dim() == 2:
        return None, row, weight
    used = target >= 0
    row = used.to(like.dtype) if row is None else torch.where(used, row, 0.0)
    return torch.where(used, target, 0), row, weight


def _counted(target: Tensor, like: Tensor, settings: TensorOptions) -> Tensor:
    """Each row's part (N,) of the denominator of "mean"."""
    labels, row, weight = in_type_of(like, target, settings)
    if row is None:
        row = torch.ones(target.shape[0], dtype=like.dtype, device=like.device)
    parts: Tensor = counted(row, weight, None if weight is None else labels)
    return parts


def _mass(target: Tensor, like: Tensor, settings: TensorOptions) -> Tensor:
    """Target mass q (N, K)."""
    labels, row, weight = in_type_of(like, target, settings)
    if labels is None:
        Y = target.to(like.dtype)
    else:
        Y = torch.zeros_like(like).scatter(-1, labels[:, None], 1.0)
    factors = class_factors(settings, 1.0 if weight is None else weight, like.shape[-1])
    q: Tensor = row_mass(Y, None if row is None else row[:, None], *factors)
    return q


def row_losses(z: Tensor, q: Tensor, S: Tensor, z_loss: float) -> Tensor:
    """Losses (N,) of logits z (N, K) with target mass q (N, K) and its sums S (N,)."""
    z = torch.where((S > 0)[:, None], z, 0.0)  # a row that counts for nothing may hold anything
    top = z.argmax(-1, keepdim=True)  # (N, 1)
    z_top = z.gather(-1, top)
    others = torch.arange(z.shape[-1], device=z.device) != top  # (N, K)
    masked = z == -torch.inf
    counts = others & ~(masked & (q == 0))  # a mask without mass adds nothing
    below = torch.where(counts, z_top - torch.where(counts, z, 0.0), 0.0)
    e = torch.exp(torch.where(others & ~masked, z - z_top, -torch.inf))
    log_s = torch.log1p(torch.where(others, e, 0.0).sum(-1))
    rows = (torch.where(counts, q, 0.0) * below).sum(-1) + S * log_s
    if z_loss:
        lse = z_top[:, 0] + log_s
        rows = rows + z_loss * S * lse * lse
    return torch.where(S > 0, rows, 0.0)
