"""From the logits u that were given to the logits z that the softmax sees.

    z = κ tanh(u / κ) / T           cap first, then temperature
    t = dz/du = sech²(u / κ) / T    (1 / T without a cap)
    t′ = d²z/du² = −(2 / κ) tanh(u / κ) t

z is rounded to the type of u, and everything downstream is exact for that rounded z.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pminusy.core.options import Options
from pminusy.core.twofold import EXP_BITS, Twofold, exp_scaled, twofold

__all__ = ["backward", "logits", "relative_curvature", "transformed"]


def transformed(u: Any, options: Any, tanh: Callable[[Any], Any]) -> Any:
    """κ tanh(u / κ) / T of logits u of any kind, of which `tanh` knows the hyperbolic tangent."""
    if options.softcap is not None:
        u = options.softcap * tanh(u / options.softcap)
    return u if options.temperature == 1.0 else u / options.temperature


def logits(u: NDArray[Any], options: Options) -> NDArray[Any]:
    """Logits z = κ tanh(u / κ) / T, in the type and shape of u."""
    z: NDArray[Any] = transformed(u.astype(np.float64), options, np.tanh)
    return z.astype(u.dtype)


def backward(dL_dz: Twofold, u: NDArray[Any], options: Options) -> Twofold:
    """dL_du = dL_dz ⊙ t. One factor after the other: t alone may be too small for a float."""
    if options.softcap is not None:
        decay = _decay(u, options.softcap)
        sech = decay / (decay * decay + 1.0) * 2.0
        dL_dz = dL_dz * sech * sech
    return dL_dz if options.temperature == 1.0 else dL_dz / options.temperature


def relative_curvature(u: NDArray[Any], softcap: float) -> Twofold:
    """t′ / t = −(2 / κ) tanh(u / κ), in the shape of u."""
    return twofold(np.tanh(u.astype(np.float64) / softcap)) / softcap * -2.0


def _decay(u: NDArray[Any], softcap: float) -> Twofold:
    """e^(−|u / κ|): made from it, sech loses nothing to cancellation."""
    x = twofold(np.abs(u.astype(np.float64))) / softcap
    return exp_scaled(-x).ldexp(-EXP_BITS)
