"""Gradients of a network by torch's autograd, in float64: what the derivation is compared with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from pminusy.torch.networks.modules import Network

__all__ = ["gradients", "logits_of"]

Loss = Callable[[torch.Tensor], torch.Tensor]


def logits_of(network: Network, x: Any) -> Any:
    """What comes out last, (N, K)."""
    with torch.no_grad():
        return _passed(network, torch.as_tensor(x, dtype=torch.float64))[-1].numpy()


def gradients(network: Network, x: Any, loss: Loss) -> tuple[dict[str, Any], ...]:
    """Of each layer: "da" of what goes in, and of its parameters "dW", "db", "dgamma", ….

    Every layer is entered through a tensor of its own, so that what arrives there can be read.
    """
    with torch.enable_grad():
        start = torch.as_tensor(x, dtype=torch.float64).clone().requires_grad_(True)
        passed = _passed(network, start)
        total = loss(passed[-1])
        wanted = [
            {"da": entered, **parameters}
            for entered, parameters in zip(passed, network.parameters, strict=False)
        ]
        flat = [tensor for each in wanted for tensor in each.values()]
        found = iter(torch.autograd.grad(total, flat, allow_unused=True))
        by_layer = [{key: next(found) for key in each} for each in wanted]
    return tuple(
        {key: grad.numpy() for key, grad in each.items() if grad is not None} for each in by_layer
    )


def _passed(network: Network, at: torch.Tensor) -> list[torch.Tensor]:
    """What goes into each layer, and the logits."""
    passed = [at]
    for step in network.steps:
        passed.append(step(passed[-1]))
    return passed
