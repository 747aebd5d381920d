"""What the functions share: a checked call, and results that go where the caller wants them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pminusy import arguments
from pminusy.arguments import LossOptions
from pminusy.core.options import Options
from pminusy.kernels.dispatch import SMALL, implementation, of_all_logits

__all__ = ["Array", "Call", "delivered", "in_reach", "output_rows", "prepare", "quiet"]

Array = NDArray[Any]

_FAR = 2.0**256

quiet = np.errstate(all="ignore")
"""Decorates every function: ∞, NaN and underflow are values here, whatever the caller has set."""


class Call(NamedTuple):
    """A checked call: logits (N, K) and targets (N,) or (N, K), options resolved."""

    z: Array
    y: Array
    options: Options
    rows: tuple[int, ...]

    @property
    def implementation(self) -> Any:
        """Module that computes it, or tiles of it."""
        return implementation(self.z.shape[0], self.z.shape[1], self.options, small=SMALL)

    @property
    def head(self) -> Any:
        """Module that computes it from the logits, all of which are there."""
        return of_all_logits(self.z.shape[0], self.z.shape[1], self.options)

    def loss(self, value: Array) -> Array:
        """Give a loss the shape the caller expects."""
        return value.reshape(self.rows) if self.options.reduction == "none" else value


def prepare(logits: Array, y: ArrayLike, options: LossOptions) -> Call:
    """Check targets and options against the logits, and take the logits as rows."""
    arguments.classes_last("z", logits)
    rows, K = logits.shape[:-1], logits.shape[-1]
    resolved = arguments.loss_options(options, rows, K)
    target = arguments.targets(y, logits, resolved.ignore_index)
    z = logits.reshape(-1, K)
    return Call(z, target, resolved, rows)


def output_rows(out: Array | None, z: Array, *inputs: Array) -> tuple[Array | None, Array | None]:
    """Where a result goes, checked, and the same as rows (N, K); None where that is a new array."""
    if out is None:
        return None, None
    arguments.output(out, z, *inputs)
    rows = out.reshape(-1, z.shape[-1])
    return out, rows if np.may_share_memory(rows, out) else None  # a copy would go nowhere


def delivered(rows: Array, out: Array | None, z: Array) -> Array:
    """Result rows (N, K) in the shape of z, and in `out` if there is one."""
    if out is None:
        return rows.reshape(z.shape)
    if not np.may_share_memory(rows, out):
        out[...] = rows.reshape(z.shape)
    return out


def in_reach(v: Array) -> tuple[Array, Array | None]:
    """Directions (N, K) over 2^n, and n (N, 1): None where no entry is so large that it matters.

    H v is linear in each row of v; products inside have no room for factors beyond 2^±256.
    """
    if v.dtype != np.float64 or not v.size:
        return v, None
    largest = np.maximum(np.abs(v.max(axis=1)), np.abs(v.min(axis=1)))[:, None]  # NaN stays NaN
    far = (largest > _FAR) & np.isfinite(largest)
    if not far.any():
        return v, None
    n = np.where(far, np.frexp(largest)[1], 0)
    return np.ldexp(v, -n), n
