"""The head in torch's operations, with every option: autograd does the rest."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch

from pminusy.core.options import Options

__all__ = ["loss_of"]


def loss_of(
    Y: Any, labels: Any, options: Options, upstream: Any
) -> Callable[[torch.Tensor], torch.Tensor]:
    """The loss as a function of logits (N, K), for masses Y or labels, −1 where ignored."""
    N, K = Y.shape
    ones = torch.ones(N, dtype=torch.float64)
    omega = ones if options.sample_weight is None else torch.tensor(options.sample_weight)
    weight = torch.ones(K) if options.weight is None else torch.tensor(options.weight)
    counted = ones if labels is None else torch.tensor(labels >= 0)
    spread = torch.tensor(Y) * (1 - options.label_smoothing) + options.label_smoothing / K
    mass = (omega * counted)[:, None] * weight * spread
    own = omega if labels is None else (omega * counted) * (torch.tensor(Y) * weight).sum(1)
    unit = float(own.sum()) if options.reduction == "mean" else 1.0
    unit = unit or 1.0
    if options.log_base is not None:
        unit *= math.log(options.log_base)
    above = torch.tensor(upstream) if options.reduction == "none" else ones

    def loss(u: torch.Tensor) -> torch.Tensor:
        z = u if options.softcap is None else options.softcap * torch.tanh(u / options.softcap)
        z = z / options.temperature
        # From the largest logit on, so that its gradient is a sum and not a difference, 1 − p,
        # which has no digits where a row is sure.
        top, at = z.max(1, keepdim=True)
        below = (z - top).scatter(1, at, 0.0)
        beside = torch.log1p(torch.exp(below).scatter(1, at, 0.0).sum(1))
        lse = top[:, 0] + beside
        rows = (mass * (beside[:, None] - below)).sum(1) + options.z_loss * mass.sum(1) * lse**2
        total: torch.Tensor = (above * rows).sum() / unit
        return total

    return loss
