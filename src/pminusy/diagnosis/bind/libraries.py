"""Library functions a submission leaves the work to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["leans_on"]

_LEANED_ON = {
    "log_softmax": "scipy.special.log_softmax or torch's", "logsumexp": "scipy.special.logsumexp",
    "softmax": "a library's softmax", "cross_entropy": "torch.nn.functional.cross_entropy",
    "CrossEntropyLoss": "torch.nn.CrossEntropyLoss", "nll_loss": "torch.nn.functional.nll_loss",
    "autograd": "automatic differentiation", "backward": "automatic differentiation",
    "grad": "automatic differentiation", "value_and_grad": "automatic differentiation",
    "log_loss": "sklearn.metrics.log_loss", "SoftmaxRegression": "an estimator",
}  # fmt: skip


def leans_on(entry: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of such functions among what a function reads (its own and its variables excepted)."""
    used = {*entry["reads"], *entry["attributes"]} - {entry["name"]}
    return tuple(f"{name} ({what})" for name, what in _LEANED_ON.items() if name in used)
