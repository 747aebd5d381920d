"""Peers of the loss, as functions of the logits; None, after a line, where one is not installed."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

import pminusy as pmy

__all__ = ["compiled_loss", "formula", "installed", "jax_loss", "sklearn_loss"]

_SLOW = 1000  # classes from which scikit-learn's loss is too slow to wait for


@cache
def installed(name: str) -> Any:
    """The module, or None after a line that says so."""
    try:
        return importlib.import_module(name)
    except ImportError:
        print(f"{name}: not installed, skipped")
        return None


def compiled_loss(z: Any, target: Any) -> Any:
    """torch.compile over torch's loss, compiled for tensors like these."""
    torch = installed("torch")
    compiled = torch.compile(lambda z, y: torch.nn.functional.cross_entropy(z, y))
    try:
        compiled(z.detach().clone().requires_grad_(), target).backward()
    except Exception as error:  # no C++ compiler, say
        print(f"torch.compile: skipped ({type(error).__name__})")
        return None
    return compiled


@cache
def jax_loss() -> Any:
    """jax.jit over the value and gradient of optax's loss, of logits and labels."""
    jax, optax = installed("jax"), installed("optax")
    if jax is None or optax is None:
        return None
    jax.config.update("jax_enable_x64", True)
    per_row = optax.softmax_cross_entropy_with_integer_labels
    return jax.jit(jax.value_and_grad(lambda z, y: per_row(z, y).mean()))


def sklearn_loss(y: Any, K: int, dtype: Any) -> Callable[[Any], Any] | None:
    """Gradient by scikit-learn's loss, where that is not too slow to wait for."""
    module = installed("sklearn._loss.loss")
    if module is None or K > _SLOW:
        return None
    half, labels, threads = (
        module.HalfMultinomialLoss(n_classes=K),
        y.astype(dtype),
        pmy.get_num_threads(),
    )
    return lambda z: half.loss_gradient(labels, z, n_threads=threads)[1]


def formula(y: Any) -> Callable[[Any], Any] | None:
    """Gradient as one would write it with SciPy, beside the loss."""
    special = installed("scipy.special")
    if special is None:
        return None

    def head(z: Any) -> Any:
        p = special.softmax(z, axis=1)
        -np.log(p[np.arange(y.size), y]).mean()
        p[np.arange(y.size), y] -= 1
        p /= y.size
        return p

    return head
