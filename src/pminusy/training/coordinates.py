"""The coordinates a solver works in: every feature centred and of size one, X left as it is.

z = W x + b = u (x − μ) / s + b′ with u = W ∘ s and b′ = b + W μ. So badly scaled features, or
features far from 0, cost a solver nothing, and X is never copied. Sparse features are scaled only.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pminusy.kernels.runtime import memory
from pminusy.training.passes.specification import PADDING

__all__ = ["Coordinates"]

Array = NDArray[Any]


class Coordinates:
    """Change of variables between (W, b) and a flat vector.

    Parameters
    ----------
    scale, centre
        s and μ (D,).
    classes
        Number of classes K.
    fit_intercept
        Whether there is a b; without, nothing is centred.
    features_first
        Whether W is laid out (D, K), as beside sparse rows, instead of (K, D).
    """

    def __init__(
        self,
        scale: Array,
        centre: Array,
        classes: int,
        *,
        fit_intercept: bool,
        features_first: bool,
    ) -> None:
        self.D, self.K = scale.size, classes
        self.fit_intercept, self.features_first = fit_intercept, features_first
        self.scale = scale
        self.centre = centre if fit_intercept else np.zeros_like(centre)
        self.shape = (self.D, self.K) if features_first else (self.K, self.D)
        self._s = scale[:, None] if features_first else scale
        self._mu = self.centre[:, None] if features_first else self.centre
        self._scaled = bool(np.any(scale != 1.0))
        self._centred = bool(np.any(self.centre))

    @property
    def size(self) -> int:
        """Length of the vector."""
        return self.K * (self.D + int(self.fit_intercept))

    def split(self, vector: Array) -> tuple[Array, Array]:
        """Views of a vector: u in the layout of W, and b′ (empty without intercept)."""
        weights = self.K * self.D
        return vector[:weights].reshape(self.shape), vector[weights:]

    def to_kernel(self, vector: Array, dtype: Any) -> tuple[Array, Array]:
        """W and b of a vector, in the type and layout of the kernels."""
        W, b = self._unscaled(vector)
        if self.features_first:
            # at a multiple of 64 bytes: a row touches no more lines of the cache than it must
            padded = memory.empty((self.D, -(-self.K // PADDING) * PADDING), dtype)
            padded[:, : self.K] = W
            padded[:, self.K :] = 0
            return padded, np.ascontiguousarray(b, dtype)
        return np.ascontiguousarray(W, dtype), np.ascontiguousarray(b, dtype)

    def from_kernel(self, G: Array, g: Array) -> Array:
        """Gradient in the vector, from the gradient in W and b."""
        out = np.empty(self.size)
        u, b = self.split(out)
        u[...] = self._less_mean(G, g)
        if self._scaled:
            u /= self._s
        if self.fit_intercept:
            b[...] = g
        return out

    def to_parameters(self, vector: Array) -> tuple[Array, Array | None]:
        """W (K, D) and b (K,), None without intercept, in float64."""
        W, b = self._unscaled(vector)
        W = np.array(W.T if self.features_first else W, order="C")
        return W, (b if self.fit_intercept else None)

    def from_parameters(self, W: Array, b: Array | None) -> Array:
        """The vector of W (K, D) and b (K,)."""
        out = np.zeros(self.size)
        u, bias = self.split(out)
        laid_out = W.T if self.features_first else W
        u[...] = laid_out * self._s
        if self.fit_intercept:
            bias[...] = (0.0 if b is None else b) + self._along_features(laid_out)
        return out

    def gradient_in_parameters(self, gradient: Array) -> tuple[Array, Array]:
        """Gradient in W (in its layout) and b from the gradient in the vector."""
        u, b = self.split(gradient)
        if not self._scaled and not self._centred:
            return u, b
        if not self.fit_intercept:
            return u * self._s, b
        g = b if self.features_first else b[:, None]
        return u * self._s + self._mu * g, b

    def _unscaled(self, vector: Array) -> tuple[Array, Array]:
        u, b = self.split(vector)
        W = u / self._s if self._scaled else u
        b = b.copy() if self.fit_intercept else np.zeros(self.K)
        if self._centred:
            b -= self._along_features(W)
        return W, b

    def _along_features(self, W: Array) -> Array:
        return np.asarray(self.centre @ W if self.features_first else W @ self.centre)

    def _less_mean(self, G: Array, g: Array) -> Array:
        if not self._centred:
            return G
        return np.asarray(G - (self._mu * g if self.features_first else self._mu * g[:, None]))
