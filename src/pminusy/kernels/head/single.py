"""Few logits of float32, in plain float64: all digits that float32 can hold, in microseconds.

Twin: `core.head` and `core.softmax`, for labels without smoothing, cap, temperature or z-loss; for
all else, and for logits that are not finite, the specification itself is called. As there, the
largest e^{z_k − m} of a row, which is 1, is never added to what may be lost beside it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pminusy.core.options import Options
from pminusy.kernels.head import reference
from pminusy.kernels.head.reference import cross_entropy_hvp, log_softmax

__all__ = ["cross_entropy", "cross_entropy_grad", "cross_entropy_hvp", "log_softmax", "softmax"]

Array = NDArray[Any]
_LARGEST = float(np.finfo(np.float32).max)


def softmax(z: Array, out: Array | None = None) -> Array:
    """Probabilities (N, K)."""
    below = _below(z)
    if below is None:
        return reference.softmax(z, out)
    np.exp(below, out=below)
    below /= np.add.reduce(below, axis=1, keepdims=True)
    return _rounded(below, out)


def cross_entropy(z: Array, y: Array, options: Options) -> Array:
    """Loss of logits z (N, K): () for "mean" and "sum", (N,) for "none"."""
    rows = _Rows.of(z, y, options)
    return reference.cross_entropy(z, y, options) if rows is None else rows.loss(options)


def cross_entropy_grad(
    z: Array,
    y: Array,
    options: Options,
    grad_output: Array | None = None,
    out: Array | None = None,
) -> tuple[Array, Array]:
    """Loss, and dL_dz (N, K), in `out` if given."""
    rows = _Rows.of(z, y, options) if grad_output is None else None
    if rows is None:
        return reference.cross_entropy_grad(z, y, options, grad_output, out)
    return rows.loss(options), _rounded(rows.gradient(options), out)


class _Rows:
    """Rows with a label each: e^{z_k − m} but for the largest, which is taken for 0 in `e`."""

    def __init__(self, wide: Array, y: Array, top: Array, first: Array, m: Array) -> None:
        wide -= m[:, None]
        flat = wide.reshape(-1)
        self.label, self.top, self.N = first + y, top, y.size
        self.below_label = flat[self.label]
        self.e = np.exp(wide, out=wide)
        flat[top] = 0.0
        self.rest = np.add.reduce(self.e, axis=1)  # Σ_k e_k but for the largest

    @classmethod
    def of(cls, z: Array, y: Array, options: Options) -> _Rows | None:
        """None where the specification has to be asked."""
        if y.ndim == 2 or not _is_plain(options) or not y.size or np.minimum.reduce(y) < 0:
            return None
        wide, first = z.astype(np.float64), np.arange(0, z.size, z.shape[1])
        top = first + z.argmax(axis=1)
        m = wide.reshape(-1)[top]
        # NaN and ∞ are the largest of their rows, −∞ is below all that float32 holds
        finite = (
            np.minimum.reduce(wide, axis=None) >= -_LARGEST and np.maximum.reduce(m) <= _LARGEST
        )
        return cls(wide, y, top, first, m) if finite else None

    def loss(self, options: Options) -> Array:
        """lse − z_y of all rows."""
        losses = np.log1p(self.rest) - self.below_label
        if options.reduction == "none":
            return np.asarray(losses, np.float32)
        total = np.add.reduce(losses)
        mean = total / self.N if options.reduction == "mean" else total
        return np.asarray(mean, np.float32)

    def gradient(self, options: Options) -> Array:
        """p − y, over the number of rows for the mean."""
        flat = self.e.reshape(-1)
        scale = 1.0 + self.rest
        right = self.top == self.label
        others = np.where(right, self.rest, scale - flat[self.label])
        flat[self.top] = 1.0
        flat[self.label] = -others
        if options.reduction == "mean":
            scale *= self.N
        return np.asarray(np.divide(self.e, scale[:, None], out=self.e))


def _is_plain(options: Options) -> bool:
    return (
        options.weight is None
        and options.sample_weight is None
        and options.label_smoothing == 0.0
        and options.z_loss == 0.0
        and options.log_base is None
        and options.ignore_index < 0
        and not options.transforms_logits
    )


def _below(z: Array) -> Array | None:
    """z − m (N, K) in float64, which is exact enough; None where a logit is not finite."""
    wide = z.astype(np.float64)
    wide -= np.maximum.reduce(wide, axis=1, keepdims=True)
    # ∞ − ∞ is NaN, and one −∞ or NaN makes the least so
    return wide if wide.size and np.minimum.reduce(wide, axis=None) > -np.inf else None


def _rounded(result: Array, out: Array | None) -> Array:
    if out is None:
        return result.astype(np.float32)
    out[...] = result
    return out
