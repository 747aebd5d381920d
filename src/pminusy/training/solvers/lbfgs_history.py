"""L-BFGS with a preconditioner in the place of the identity.

The two-loop recursion starts from γ M⁻¹ with γ = sᵀy / yᵀM⁻¹y of the newest pair, so that the model
supplies the directions, the pairs correct it, and γ its size.

Source: Nocedal 1980, "Updating quasi-Newton matrices with limited storage".
"""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["LbfgsHistory"]

Array = NDArray[Any]

_BYTES = 64 << 20
_LONG = 200_000


class LbfgsHistory:
    """Steps and changes of gradient, and the direction they give.

    Parameters
    ----------
    size
        Length of a vector; long ones are kept in float32, and fewer of them.
    """

    def __init__(self, size: int) -> None:
        self._dtype = np.float32 if size > _LONG else np.float64
        width = 2 * np.dtype(self._dtype).itemsize * max(size, 1)
        memory = int(np.clip(_BYTES // width, 5, 20))
        self._pairs: deque[tuple[Array, Array, float]] = deque(maxlen=memory)

    def add(self, s: Array, y: Array) -> None:
        """Keep a pair, unless rounding has taken its curvature."""
        curvature = float(s @ y)
        if curvature > 1e-14 * float(np.linalg.norm(s) * np.linalg.norm(y)):
            kept = s.astype(self._dtype, copy=False), y.astype(self._dtype, copy=False)
            self._pairs.append((*kept, 1.0 / curvature))

    def shift(self, diagonal: Array) -> None:
        """Make the pairs those of a function with this much more on its Hessian's diagonal.

        So what was learned with one penalty serves another: exactly, since a ridge is quadratic.
        """
        before, changed = list(self._pairs), diagonal.astype(self._dtype, copy=False)
        self._pairs.clear()
        for s, y, _ in before:
            self.add(s, y + changed * s)

    def clear(self) -> None:
        """Forget."""
        self._pairs.clear()

    def __len__(self) -> int:
        return len(self._pairs)

    def direction(self, gradient: Array, preconditioner: Any, *, resize: bool = True) -> Array:
        """−H⁻¹ gradient by the two-loop recursion; scaled by γ if `resize`."""
        q = gradient.copy()
        alphas = []
        for s, y, rho in reversed(self._pairs):
            alpha = rho * float(s @ q)
            alphas.append(alpha)
            q -= alpha * y
        r = preconditioner.solve(q)
        if self._pairs and resize:
            _, y, rho = self._pairs[-1]
            scale = 1.0 / (rho * float(y @ preconditioner.solve(y)))
            r *= min(max(scale, 1e-3), 1e3) if np.isfinite(scale) else 1.0
        for (s, y, rho), alpha in zip(self._pairs, reversed(alphas), strict=True):
            r += (alpha - rho * float(y @ r)) * s
        return np.asarray(-r)
