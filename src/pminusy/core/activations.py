"""Smooth activations: forward, and backward from the gradient g of what comes after.

    layer      forward                                  backward
    tanh       tanh a                                   g ⊙ (1 − tanh² a)
    sigmoid    σ(a) = 1 / (1 + e^(−a))                  g ⊙ σ(a) σ(−a)
    GELU       a Φ(a), Φ the normal distribution        g ⊙ (Φ(a) + a φ(a))
    its tanh   a/2 (1 + tanh s), s = √(2/π)(a + c a³)    g ⊙ ((1 + tanh s)/2 + a/2 sech²(s) s')
    form       with c = 0.044715

Every forward returns its output and the slope by which its backward multiplies.

Source: Hendrycks & Gimpel 2016 (GELU and its form with tanh).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["CUBIC", "activation_backward", "gelu", "gelu_tanh", "sigmoid", "tanh"]

Array = NDArray[Any]

CUBIC = 0.044715
"""The factor of a³ in the form of GELU with tanh."""

_erfc = np.vectorize(math.erfc, otypes=[np.float64])


def activation_backward(g: Array, slope: Array) -> Array:
    """g ⊙ slope."""
    return g * slope


def tanh(a: Array) -> tuple[Array, Array]:
    """tanh a, and its slope 1 − tanh² a as (1 − tanh a)(1 + tanh a)."""
    out = np.tanh(a)
    return out, (1 - out) * (1 + out)


def sigmoid(a: Array) -> tuple[Array, Array]:
    """σ(a) = 1 / (1 + e^(−a)) without overflow, and its slope σ(a) σ(−a)."""
    small = np.exp(-np.abs(a))  # at most 1
    larger, smaller = 1 / (1 + small), small / (1 + small)  # σ(|a|) and σ(−|a|)
    return np.where(a < 0, smaller, larger), larger * smaller


def gelu(a: Array) -> tuple[Array, Array]:
    """a Φ(a), and its slope Φ(a) + a φ(a), for the standard normal Φ and its density φ."""
    below = (_erfc(-np.asarray(a, np.float64) / math.sqrt(2)) / 2).astype(a.dtype)
    density = np.exp(-a * a / 2) / math.sqrt(2 * math.pi)
    return a * below, (below + a * density).astype(a.dtype)


def gelu_tanh(a: Array) -> tuple[Array, Array]:
    """a/2 (1 + tanh s) with s = √(2/π) (a + 0.044715 a³), and its slope."""
    scale = math.sqrt(2 / math.pi)
    squashed = np.tanh(scale * (a + CUBIC * a**3))
    inner = scale * (1 + 3 * CUBIC * a**2)
    slope = (1 + squashed) / 2 + a / 2 * (1 - squashed) * (1 + squashed) * inner
    return a / 2 * (1 + squashed), slope
