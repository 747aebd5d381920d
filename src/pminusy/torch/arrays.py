"""Tensors as the kernels see them, and whether the kernels may see them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd import forward_ad

from pminusy import arguments
from pminusy.core.options import Options
from pminusy.errors import InputError
from pminusy.torch.plain import Settings

__all__ = ["HALF", "array", "by_kernels", "options_of", "same_device", "transformed"]

HALF = (torch.float16, torch.bfloat16)


def transformed(*tensors: Tensor | None) -> bool:
    """Whether torch must see every operation: under `torch.func` or forward-mode differentiation.

    There is no public way to ask for the former, and what an `autograd.Function` would need to be
    transformed (`jvp` beside `setup_context`) keeps it from being compiled.
    """
    if torch._C._functorch.peek_interpreter_stack() is not None:
        return True
    tangent_of = forward_ad.unpack_dual
    return any(t is not None and tangent_of(t).tangent is not None for t in tensors)  # type: ignore[no-untyped-call]  # torch leaves it so


def by_kernels(tensor: Tensor) -> bool:
    """Whether the compiled kernels can reach a tensor's memory."""
    return tensor.device.type == "cpu"


def same_device(**named: Tensor | None) -> None:
    """Refuse tensors on several devices."""
    found = {name: t.device for name, t in named.items() if t is not None}
    first, *others = found.items()
    for name, device in others:
        if device != first[1]:
            remedy = f"move it with .to({str(first[1])!r})"
            raise InputError(
                name, f"a tensor on {first[1]}, as {first[0]} is", f"one on {device}", remedy
            )


def array(tensor: Tensor) -> NDArray[Any]:
    """Tensor's memory as an array; half types are widened to float32."""
    tensor = tensor.detach()
    return np.asarray((tensor.float() if tensor.dtype in HALF else tensor).resolve_conj().numpy())


def options_of(settings: Settings, N: int, K: int) -> Options:
    """The same options as NumPy has them, checked."""
    given = settings._asdict()
    for name in ("weight", "sample_weight"):
        if given[name] is not None:
            given[name] = array(given[name])
    return arguments.loss_options(given, (N,), K)
