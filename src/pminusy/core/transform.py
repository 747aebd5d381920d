"""From the logits u that were given to the logits z that the softmax sees.

    z = κ tanh(u / κ) / T           cap first, then temperature
    t = dz/du = sech²(u / κ) / T    (1 / T without a cap)
    d²z/du² = −(2 / κ) tanh(u / κ) t

z is rounded to the type of u, and everything downstream is exact for that rounded z.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pminusy.core.options import Options
from pminusy.core.twofold import EXP_SCALE, Float64, Twofold, exp_scaled, twofold

__all__ = ["curvature", "logits", "slope"]


def logits(u: NDArray[Any], options: Options) -> NDArray[Any]:
    """Logits z = κ tanh(u / κ) / T, in the type and shape of u."""
    z = u.astype(np.float64)
    if options.softcap is not None:
        z = options.softcap * np.tanh(z / options.softcap)
    return (z / options.temperature).astype(u.dtype)


def slope(u: NDArray[Any], options: Options) -> Twofold:
    """Derivative t = dz/du, in the shape of u (a 0-d number where it is constant)."""
    one_over_T = 1.0 / twofold(options.temperature)
    if options.softcap is None:
        return one_over_T
    _, decay = _tanh_and_decay(u, options.softcap)
    sech = decay / (decay * decay + 1.0) * 2.0
    return sech * sech * one_over_T


def curvature(u: NDArray[Any], options: Options) -> Twofold:
    """Second derivative d²z/du², in the shape of u; 0 without a cap."""
    if options.softcap is None:
        return twofold(0.0)
    tanh, _ = _tanh_and_decay(u, options.softcap)
    return slope(u, options) * tanh / twofold(options.softcap) * -2.0


def _tanh_and_decay(u: NDArray[Any], cap: float) -> tuple[Float64, Twofold]:
    """tanh(u / κ), and e^(−|u / κ|): from the latter sech loses nothing to cancellation."""
    x = twofold(u.astype(np.float64)) / cap
    magnitude = Twofold(np.abs(x.hi), np.where(x.hi < 0, -x.lo, x.lo))
    return np.tanh(x.hi), exp_scaled(-magnitude) * (1 / EXP_SCALE)
