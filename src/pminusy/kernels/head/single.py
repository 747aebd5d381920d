"""Few logits, in plain float64: microseconds, and no compiler to load or to wait for.

Twin: `core.head` and `core.softmax`, for labels without smoothing, cap, temperature or z-loss; for
all else, and for logits that are not finite, the specification itself is called. As there, the
largest e^{z_k − m} of a row, which is 1, is never added to what may be lost beside it. Float32 gets
all its digits, float64 those that kernels are held to.
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
_LARGEST = {  # logits whose differences, and sums of these, float64 can hold
    np.dtype(np.float32): float(np.finfo(np.float32).max),
    np.dtype(np.float64): 1e300,
}


def softmax(z: Array, out: Array | None = None) -> Array:
    """Probabilities (N, K)."""
    if not z.size:
        return reference.softmax(z, out)
    wide, m = z.astype(np.float64), np.maximum.reduce(z, axis=1)
    if not _in_reach(wide, m, z.dtype):
        return reference.softmax(z, out)
    e = _exponentials(wide, wide - m[:, None], m, z.dtype)
    e /= np.add.reduce(e, axis=1, keepdims=True)
    return _rounded(e, z.dtype, out)


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
    return rows.loss(options), _rounded(rows.gradient(options), z.dtype, out)


class _Rows:
    """Rows with a label each: e^{z_k − m} but for the largest, which is taken for 0 in `e`."""

    def __init__(self, z: Array, wide: Array, y: Array) -> None:
        first = np.arange(0, z.size, z.shape[1])
        self.dtype, self.N = z.dtype, y.size
        self.label, self.top = first + y, first + z.argmax(axis=1)
        m = wide.reshape(-1)[self.top]
        below = wide - m[:, None]
        self.below_label = below.reshape(-1)[self.label]
        self.e = _exponentials(wide, below, m, z.dtype)
        self.e.reshape(-1)[self.top] = 0.0
        self.rest = np.add.reduce(self.e, axis=1)  # Σ_k e_k but for the largest

    @classmethod
    def of(cls, z: Array, y: Array, options: Options) -> _Rows | None:
        """None where the specification has to be asked."""
        plain = y.ndim == 1 and options.plain and options.ignore_index < 0
        if not plain or not y.size or np.minimum.reduce(y) < 0:
            return None
        wide = z.astype(np.float64, order="C")
        return cls(z, wide, y) if _in_reach(wide, wide, z.dtype) else None

    def loss(self, options: Options) -> Array:
        """lse − z_y of all rows."""
        losses = np.log1p(self.rest) - self.below_label
        if options.reduction == "none":
            return np.asarray(losses, self.dtype)
        total = np.add.reduce(losses)
        mean = total / self.N if options.reduction == "mean" else total
        return np.asarray(mean, self.dtype)

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


def _in_reach(wide: Array, largest: Array, dtype: Any) -> bool:
    """Whether all logits are finite, and far from where their differences are not."""
    most = _LARGEST[dtype]  # NaN is the largest and the least of its row, and no comparison holds
    return bool(
        np.minimum.reduce(wide, axis=None) >= -most
        and np.maximum.reduce(largest, axis=None) <= most
    )


def _exponentials(wide: Array, below: Array, m: Array, dtype: Any) -> Array:
    """e^{z − m} (N, K), of z − m as rounded in `below`."""
    e = np.exp(below)
    if dtype == np.float64:  # e^{d + error} = e^d (1 + error), where float32 needs no more digits
        subtracted = wide - below
        e += e * ((wide - (below + subtracted)) + (subtracted - m[:, None]))
    return e


def _rounded(result: Array, dtype: Any, out: Array | None) -> Array:
    if out is None:
        return result.astype(dtype, copy=False)
    out[...] = result
    return out
