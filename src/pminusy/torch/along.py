"""`axis=` and `where=` for tensors, as torch operations; twin: `ops.along`."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from pminusy.arguments import axis_of_classes
from pminusy.core.options import Options
from pminusy.core.transform import transformed
from pminusy.errors import InputError

__all__ = ["along"]


def along(
    z: Tensor, y: Tensor, axis: int, where: Any, options: dict[str, Any]
) -> tuple[Tensor, Tensor, dict[str, Any]]:
    """Logits and targets with classes last, and the options that are left to do.

    Classes that do not take part have the logit −∞, under a cap as well, which is applied here.
    """
    axis = axis_of_classes("z", z.dim(), axis)
    soft = y.shape == z.shape
    mask = None if where is None else _mask(where, z).movedim(axis, -1)
    z, y = z.movedim(axis, -1), y.movedim(axis, -1) if soft else y
    if mask is None:
        return z, y, options
    if options.get("label_smoothing"):
        remedy = "give soft targets that are smoothed over the classes that take part"
        smoothing = str(options["label_smoothing"])
        raise InputError("label_smoothing", "0 beside where", smoothing, remedy)
    _check(y, mask, soft, options.get("ignore_index", -100))
    if options.get("softcap") is not None:
        cap = {name: options[name] for name in ("softcap", "temperature") if name in options}
        options = {name: value for name, value in options.items() if name not in cap}
        Options(**cap)  # refused here, if they are
        settings = SimpleNamespace(**{"temperature": 1.0, **cap})
        z = transformed(torch.where(mask, z, 0.0), settings, torch.tanh)
    return torch.where(mask, z, -torch.inf), y, options


def _mask(where: Any, z: Tensor) -> Tensor:
    mask = torch.as_tensor(where, device=z.device)
    if mask.dtype != torch.bool:
        remedy = "compare it with something, as in where=z > 0"
        raise InputError("where", "an array of True and False", f"type {mask.dtype}", remedy)
    try:
        return mask.expand(z.shape)
    except RuntimeError:
        expected = f"a shape that broadcasts to that of z, {tuple(z.shape)}"
        raise InputError("where", expected, f"shape {tuple(mask.shape)}") from None


def _check(y: Tensor, mask: Tensor, soft: bool, ignore_index: int) -> None:
    """Refuse a target at a class that does not take part; other targets are checked later."""
    if soft:
        bad = ~mask & (y != 0)
    elif y.shape == mask.shape[:-1] and not y.is_floating_point():
        label = (y != ignore_index) & (y >= 0) & (y < mask.shape[-1])
        index = torch.where(label, y, 0).long()[..., None]
        bad = label & ~mask.gather(-1, index)[..., 0]
    else:
        return
    if bool(bad.any()):
        remedy = "leave the row out with ignore_index, or let the class take part"
        first = ", ".join(str(int(i)) for i in bad.nonzero()[0])
        what = f"y[{first}]" if first else "y"
        raise InputError(what, "a class that takes part (where)", "one that does not", remedy)
