"""The linear layer and the head tile by tile with torch's own products: half types, other devices.

Twin: `kernels.linear.tiles`, which serves float32 and float64 on CPU. Gradients come unscaled, with
one number to multiply them by: divided by N at once, those in half types would lose digits.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from pminusy.kernels.dispatch import implementation
from pminusy.torch import plain
from pminusy.torch.arrays import array, by_kernels, options_of
from pminusy.torch.head import Tile, head
from pminusy.torch.plain import TensorOptions

__all__ = ["LayerTensors", "LossAndGradients", "evaluate"]


class LayerTensors(NamedTuple):
    """Inputs X (N, D), weights W (K, D), bias b (K,) or None, targets, options.

    `compute`: the type of the matrix products (autocast's), or None for that of X.
    """

    X: Tensor
    W: Tensor
    b: Tensor | None
    y: Tensor
    settings: TensorOptions
    workspace: int
    compute: torch.dtype | None = None


class LossAndGradients(NamedTuple):
    """Loss; gradients of (X, W, b, y), None where not wanted; the factor they lack, or None."""

    loss: Tensor
    gradients: tuple[Tensor | None, ...]
    scale: Tensor | None


def evaluate(
    layer: LayerTensors, wanted: tuple[bool, ...], factors: Tensor | None
) -> LossAndGradients:
    """Loss and the gradients `wanted` of (X, W, b, y); `factors` (N,): an upstream for each row."""
    X, W, b, y, settings, workspace, compute = layer
    (N, _), K = X.shape, W.shape[0]
    low = compute or X.dtype
    wide = torch.float64 if X.dtype == torch.float64 else torch.float32
    X_low, W_low = X.to(low), W.to(low)
    b_low = None if b is None else b.to(low)
    each = settings.reduction == "none"
    inner = settings._replace(reduction="sum", num_items=None)
    dX = torch.empty_like(X) if wanted[0] else None
    careful = low == torch.float32
    dW = _Sum(W.shape, wide, W.device, workspace, careful) if wanted[1] else None
    db = torch.zeros(K, dtype=torch.float64, device=W.device) if wanted[2] else None
    dY = torch.empty_like(y) if wanted[3] else None
    losses = torch.empty(N if each else 0, dtype=wide, device=X.device)
    loss = torch.zeros((), dtype=torch.float64, device=X.device)
    for part in _tiles(N, K, workspace, low, wide, settings, y, wanted[3]):
        z = torch.nn.functional.linear(X_low[part], W_low, b_low).to(wide)
        found = _head(z, y[part], plain.of_rows(inner, part), any(wanted[:3]), wanted[3])
        if each:
            losses[part] = found.losses
        else:
            loss += found.losses.sum(dtype=torch.float64)
        if dY is not None and found.dL_dY is not None:
            own = found.dL_dY if factors is None else found.dL_dY * factors[part, None]
            dY[part] = own.to(dY.dtype)
        if found.dL_du is None:
            continue
        g = found.dL_du
        if factors is not None:
            g.mul_(factors[part, None])
        g_low = g.to(low)
        if dX is not None:
            dX[part] = g_low @ W_low
        if dW is not None:
            dW.add(g_low, X_low[part])
        if db is not None:
            db += g.sum(0)
    scale = plain.scale(y, settings)
    gradients = (dX, None if dW is None else dW.result(), db, dY)
    return LossAndGradients(losses if each else loss * scale, gradients, scale)


def _tiles(
    N: int,
    K: int,
    workspace: int,
    low: torch.dtype,
    wide: torch.dtype,
    settings: TensorOptions,
    y: Tensor,
    soft_gradient: bool,
) -> list[slice]:
    """Tiles of rows of equal size; an entry of z lives in several arrays while its tile does."""
    copies = 1 + (y.dim() == 2) * 2 + (settings.softcap is not None) * 2 + soft_gradient
    copies += settings.label_smoothing > 0
    workspace = workspace // 2 if low == torch.float32 else workspace * 3 // 4  # the rest: _Sum
    bytes_each = copies * wide.itemsize + (low.itemsize if low != wide else 0)
    most = max(1, workspace // (K * bytes_each))
    rows = max(1, -(-N // max(1, -(-N // most))))
    return [slice(start, min(N, start + rows)) for start in range(0, N, rows)]


def _head(
    z: Tensor, y: Tensor, settings: TensorOptions, gradient: bool, soft_gradient: bool
) -> Tile:
    """The head of a tile: compiled kernels where they can run."""
    if not by_kernels(z) or soft_gradient:
        return head(z, y, settings, gradient, soft_gradient)
    logits = array(z)
    options = options_of(settings._replace(reduction="none"), *logits.shape)
    given = array(y)
    target = given.astype(logits.dtype, copy=False) if y.is_floating_point() else given
    kernels = implementation(logits.shape[0], logits.shape[1], options)
    if not gradient:
        losses = kernels.cross_entropy(logits, target, options)
        return Tile(torch.from_numpy(np.asarray(losses)), None, None)
    losses, _ = kernels.cross_entropy_grad(logits, target, options, None, logits)
    return Tile(torch.from_numpy(np.asarray(losses)), z, None)


class _Sum:
    """dL_dW = Σ dL_dzᵀ X over tiles, in float32 or float64 whatever the type of the products.

    In float32, where a second array of its size fits a quarter of the workspace, what is rounded
    off is kept beside it: the error does not grow with the number of tiles.
    """

    def __init__(
        self, shape: Any, dtype: torch.dtype, device: torch.device, workspace: int, careful: bool
    ) -> None:
        self._sum = torch.zeros(shape, dtype=dtype, device=device)
        fits = 4 * self._sum.numel() * 4 <= workspace
        self._low = torch.zeros_like(self._sum) if careful and fits else None
        row = shape[1] * dtype.itemsize * 4  # a product, and what the careful sum makes of it
        self._classes = max(1, min(shape[0], workspace // 8 // (row or 1)))

    def add(self, dL_dz: Tensor, X: Tensor) -> None:
        """Add the share of a tile."""
        if self._low is None and X.dtype == self._sum.dtype:
            self._sum.addmm_(dL_dz.T, X)
            return
        for start in range(0, self._sum.shape[0], self._classes):
            some = slice(start, start + self._classes)
            part = _wide_product(dL_dz[:, some].T, X, self._sum.dtype)
            if self._low is None:
                self._sum[some] += part
            else:
                _add_carefully(self._sum[some], self._low[some], part)

    def result(self) -> Tensor:
        """The sum."""
        return self._sum if self._low is None else self._sum.add_(self._low)


def _wide_product(a: Tensor, b: Tensor, dtype: torch.dtype) -> Tensor:
    """Product of half types without rounding the result to a half type."""
    if a.dtype == dtype:
        return a @ b
    if a.device.type == "cuda" and _HAS_OUT_DTYPE:
        return torch.mm(a, b, out_dtype=dtype)
    return a.to(dtype) @ b.to(dtype)


_HAS_OUT_DTYPE = tuple(int(n) for n in torch.__version__.split(".")[:2]) >= (2, 8)


def _add_carefully(total: Tensor, low: Tensor, part: Tensor) -> None:
    s = total + part
    t = s - total
    error = (total - (s - t)) + (part - t)
    total.copy_(s)
    low += error.nan_to_num_(nan=0.0)
