"""Which way the linear form goes on plain tensors: NumPy's products and ours, or torch's."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from pminusy import ops
from pminusy.torch import plain
from pminusy.torch.arrays import HALF, array, by_kernels, named_arrays
from pminusy.torch.layer import tiles
from pminusy.torch.layer.tiles import LayerTensors, LossAndGradients

__all__ = ["NOTHING", "evaluate", "from_all_logits", "gradients_from_all_logits", "scaled"]

_CHUNK = 2**20  # entries that are widened at a time
NOTHING = (False, False, False, False)


@np.errstate(all="ignore")  # ∞ and numbers that vanish are results here
def evaluate(
    layer: LayerTensors, wanted: tuple[bool, ...], factors: Tensor | None
) -> LossAndGradients:
    """Loss and the gradients `wanted` of (X, W, b, y), never holding all logits."""
    X = layer.X
    ours = by_kernels(X) and X.dtype not in HALF and layer.compute is None
    with torch.no_grad(), torch.autocast(X.device.type, enabled=False):
        if ours and not wanted[3]:
            result = _by_arrays(layer, wanted, factors)
        else:
            result = tiles.evaluate(layer, wanted, factors)
        dtype = X.dtype if layer.compute is None else torch.float32
        return result._replace(loss=result.loss.to(dtype))


def _by_arrays(
    layer: LayerTensors, wanted: tuple[bool, ...], factors: Tensor | None
) -> LossAndGradients:
    X, W, b, y, settings, workspace, _ = layer
    target = array(y)
    if y.is_floating_point():
        target = target.astype(array(X).dtype, copy=False)
    found = ops.linear_cross_entropy_grad(
        array(X),
        array(W),
        None if b is None else array(b),
        target,
        wrt=tuple(name for name, wants in zip(("X", "W", "b"), wanted, strict=False) if wants),
        grad_output=None if factors is None else array(factors),
        workspace=workspace,
        **named_arrays(settings),
    )
    gradients = (found.dL_dX, found.dL_dW, found.dL_db, None)
    tensors = tuple(None if g is None else torch.from_numpy(g) for g in gradients)
    return LossAndGradients(torch.from_numpy(found.loss), tensors, None)


def scaled(
    result: LossAndGradients, upstream: Tensor | None, inputs: tuple[Tensor | None, ...]
) -> tuple[Tensor | None, ...]:
    """Gradients times what they lack, in place, and in the types of the inputs."""
    factor = result.scale
    if upstream is not None and not (upstream.device.type == "cpu" and bool(upstream == 1)):
        factor = upstream if factor is None else factor * upstream
    return tuple(
        None if g is None or given is None else _times(g, factor).to(given.dtype)
        for g, given in zip(result.gradients, inputs, strict=True)
    )


def _times(g: Tensor, factor: Tensor | None) -> Tensor:
    """Product in the place of g; one of half type is multiplied in float32, some rows at a time."""
    if factor is None:
        return g
    if g.dtype not in HALF:
        return g.mul_(factor.to(g.dtype))
    wide = factor.float()
    step = max(1, _CHUNK // max(1, g.shape[-1]))
    for start in range(0, g.shape[0], step):
        rows = g[start : start + step]
        rows.copy_(rows.float() * wide)
    return g


def from_all_logits(layer: LayerTensors) -> Tensor:
    """The loss as operations of torch's, which it can transform and differentiate again."""
    X, W, b, y, settings, _, compute = layer
    if compute is None:
        return plain.loss(torch.nn.functional.linear(X, W, b), y, settings)
    with torch.autocast(X.device.type, dtype=compute):
        z = torch.nn.functional.linear(X, W, b)
    return plain.loss(z.float(), y, settings)


def gradients_from_all_logits(
    layer: LayerTensors, wanted: tuple[bool, ...], grad_output: Tensor
) -> tuple[Tensor | None, ...]:
    """Gradients of (X, W, b, y) that can be differentiated again, by torch itself."""
    return plain.gradients(
        lambda *parts: from_all_logits(layer._replace(**dict(zip("XWby", parts, strict=True)))),
        layer[:4],
        wanted,
        grad_output,
    )
