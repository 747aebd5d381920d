"""The head of a tile of logits as explicit torch operations, in place, for any device.

Twin: `core.head`, and `plain`, which is the same made for differentiation. No autograd runs inside:
a tile takes its own memory and at most one more array of its size. Nothing waits for the device.

    L = Σ_k q_k (z_t − z_k) + S log1p(Σ_{k ≠ t} e^{z_k − z_t}) + ζ S lse²      t: the largest
    dL_dz = S (1 + 2 ζ lse) p − q        at a plain label −S Σ_{k ≠ c} p_k
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from pminusy.core.target_mass import class_factors, row_mass
from pminusy.torch.plain import TensorOptions, in_type_of

__all__ = ["Tile", "head"]


class Tile(NamedTuple):
    """Losses of some rows (n,), and what was asked for of dL_du (n, K) and dL_dY (n, K)."""

    losses: Tensor
    dL_du: Tensor | None
    dL_dY: Tensor | None


def head(
    u: Tensor, y: Tensor, settings: TensorOptions, gradient: bool, soft_gradient: bool = False
) -> Tile:
    """Losses of logits u (n, K), float32 or float64, and gradients, not divided by a denominator.

    Labels are checked ones: int64, −1 where a row is ignored.
    u is overwritten; dL_du is in its memory if neither cap nor `soft_gradient` need it twice.
    """
    mass = _Mass(y, u, settings)
    z = u.masked_fill_((mass.S == 0)[:, None], 0.0)  # a row that counts for nothing may hold NaN
    slope = _cap(z, settings, gradient)
    top, t = z.max(-1, keepdim=True)  # (n, 1)
    finite = torch.finfo(z.dtype).max
    z.clamp_(max=finite)  # several +∞ are then a tie
    z.sub_(top.clamp(max=finite))
    below = mass.below(z)
    below = torch.where((top[:, 0] == torch.inf) & (below > 0), torch.inf, below)
    e = z.clone().exp_() if soft_gradient else z.exp_()
    rest = e.scatter_(-1, t, 0.0).sum(-1)
    e.scatter_(-1, t, torch.where(rest == rest, 1.0, torch.nan)[:, None].to(e.dtype))
    s, log_s = 1.0 + rest, torch.log1p(rest)
    lse = top[:, 0] + log_s
    losses = below + mass.S * log_s
    if settings.z_loss:
        losses = losses + settings.z_loss * mass.S * lse * lse
    losses = losses.masked_fill(mass.S == 0, 0.0)
    dL_dY = None
    if soft_gradient:
        own = log_s + (settings.z_loss * lse * lse if settings.z_loss else 0.0)
        dL_dY = mass.slope(z.neg_().add_(own[:, None]))
    if not gradient:
        return Tile(losses, None, dL_dY)
    common = mass.S * (1.0 + 2.0 * settings.z_loss * lse) if settings.z_loss else mass.S
    others = torch.where(mass.is_label(t[:, 0]), rest, s - mass.label_logit(e))
    g = e.mul_((common / s)[:, None])
    mass.subtract_from(g, -mass.S * others / s)
    if slope is not None:
        g.mul_(slope)
    elif settings.temperature != 1.0:
        g.div_(settings.temperature)
    return Tile(losses, g, dL_dY)


def _cap(u: Tensor, settings: TensorOptions, gradient: bool) -> Tensor | None:
    """Transform u into logits in place; dz/du if there is a cap and a gradient wanted."""
    if settings.softcap is None:
        if settings.temperature != 1.0:
            u.div_(settings.temperature)
        return None
    scaled = u.div_(settings.softcap)
    slope = None
    if gradient:  # sech² from e^(−2|x|), which does not cancel
        decay = scaled.abs().mul_(-2.0).exp_()
        slope = decay.mul(4.0 / settings.temperature).div_(decay.add_(1.0).square_())
    scaled.tanh_().mul_(settings.softcap / settings.temperature)
    return slope


class _Mass:
    """Target mass q of a tile's rows: at the label, spread over classes, or soft."""

    def __init__(self, y: Tensor, like: Tensor, settings: TensorOptions) -> None:
        K = like.shape[-1]
        self._settings = settings
        labels, row, weight = in_type_of(like, y, settings)
        self._soft = labels is None
        self._row: Any = row  # (n,), or None where all are 1 and the targets are soft
        self._c: Any = None if labels is None else labels[:, None]  # (n, 1)
        own, spread = class_factors(settings, 1.0 if weight is None else weight, K)
        if spread is not None and weight is None:
            spread = torch.full((K,), spread, dtype=like.dtype, device=like.device)
        self._own, self._spread = own, spread  # (K,) or a number, (K,) or None
        if labels is None:
            by_row = None if row is None else row[:, None]
            self._q = row_mass(y.to(like.dtype), by_row, own, spread)
            self.S = self._q.sum(-1)
            return
        self._at_label = row * (own if weight is None else own[labels])
        self.S = self._at_label
        if spread is not None:
            self.S = self.S + row * spread.sum()

    @property
    def _plain(self) -> bool:
        return not self._soft and self._spread is None and self._settings.z_loss == 0.0

    def label_logit(self, z: Tensor) -> Tensor:
        """Entry at the label (n,); for soft targets the first."""
        return z[:, 0] if self._soft else z.gather(-1, self._c)[:, 0]

    def is_label(self, t: Tensor) -> Tensor:
        """Where the classes t (n,) are the labels."""
        return torch.zeros_like(t, dtype=torch.bool) if self._soft else self._c[:, 0] == t

    def below(self, z: Tensor) -> Tensor:
        """Σ_k q_k (−z_k), z measured from its largest; a mask without mass adds nothing."""
        if self._soft:
            counted = torch.where(self._q > 0, z, 0.0)
            return -(counted.mul_(self._q)).sum(-1)
        total = torch.where(self._at_label > 0, -self.label_logit(z) * self._at_label, 0.0)
        if self._spread is not None:
            counted = torch.where(self._spread > 0, z, 0.0)
            total = total - self._row * (counted @ self._spread)
        return total

    def subtract_from(self, g: Tensor, at_plain_label: Tensor) -> None:
        """g −= q; at a plain label, where that would cancel, put what it comes to."""
        if self._soft:
            g.sub_(self._q)
        elif self._plain:
            g.scatter_(-1, self._c, at_plain_label[:, None])
        else:
            g.scatter_add_(-1, self._c, -self._at_label[:, None])
            if self._spread is not None:
                g.addr_(self._row, self._spread, alpha=-1.0)

    def slope(self, losses: Tensor) -> Tensor:
        """dL_dY (n, K) from what one unit of mass costs at each class; 0 in rows that are."""
        losses.mul_(self._own)
        if self._row is not None:
            losses.mul_(self._row[:, None])
        return losses.masked_fill_((self.S == 0)[:, None], 0.0)
