"""The head on CPU: blocks of rows through the compiled kernels, on several threads.

Twin: `core.head` and `core.softmax`, function by function. Accurate to 8 units in the last place
where the twin is to 1 (measured in `docs/accuracy.md`).

A block is cut by the size of the problem alone and the blocks' sums are added in order, so the
result is the same bits for any number of threads. Logits of any strides are brought into line block
by block; a result may be written over the logits it came from.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pminusy.core import transform
from pminusy.core.options import Options
from pminusy.kernels.head import one_block, reference
from pminusy.kernels.head.blocks import (
    ONE_BLOCK,
    BlockMemory,
    blocks_of,
    in_blocks,
    is_non_temporal,
)
from pminusy.kernels.head.hessian import bend_rows, curvature_rows, slope_rows
from pminusy.kernels.head.label_tasks import run_labels
from pminusy.kernels.head.labels import NO_LABEL
from pminusy.kernels.head.logarithms import log_softmax_rows
from pminusy.kernels.head.mass import mass_rows
from pminusy.kernels.head.targets import NOTHING, ONE, Mass, mass_of
from pminusy.kernels.linear.compensated_sums import add_carefully
from pminusy.kernels.runtime.compilation import jit
from pminusy.kernels.runtime.layout import c_contiguous, deliver, is_direct, like
from pminusy.kernels.runtime.memory import empty
from pminusy.kernels.runtime.threads import get_num_threads
from pminusy.kernels.simd.elementary import SCALE64

__all__ = [
    "add_carefully",
    "compile_something",
    "cross_entropy",
    "cross_entropy_grad",
    "cross_entropy_hvp",
    "hessian_tile",
    "log_softmax",
    "mass_of",
    "softmax",
    "softmax_in_one_step",
    "tile",
    "total",
]

Array = NDArray[Any]
_SUM = Options(reduction="sum")


def cross_entropy(z: Array, y: Array, options: Options) -> Array:
    """Loss of logits z (N, K): () for "mean" and "sum", (N,) for "none"."""
    if options.plain and y.ndim == 1:
        found = in_one_step(z, y, options.ignore_index, options.reduction, gradient=False)
        if found is not None:
            return found[0]
    mass = mass_of(y, z.shape[0], z.shape[1], options, z.dtype)
    return _loss(z, mass, options, None, None)


def cross_entropy_grad(
    z: Array,
    y: Array,
    options: Options,
    grad_output: Array | None = None,
    out: Array | None = None,
) -> tuple[Array, Array]:
    """Loss, and dL_dz (N, K), in `out` if given (which may be z itself)."""
    if options.plain and grad_output is None and y.ndim == 1:
        found = in_one_step(z, y, options.ignore_index, options.reduction, gradient=True, out=out)
        if found is not None:
            return found
    dL_dz = empty(z.shape, z.dtype) if out is None else out
    mass = mass_of(y, z.shape[0], z.shape[1], options, z.dtype)
    return _loss(z, mass, options, dL_dz, grad_output), dL_dz


def in_one_step(
    z: Array,
    y: Array,
    ignore_index: int,
    reduction: str,
    gradient: bool,
    out: Array | None = None,
) -> tuple[Array, Array] | None:
    """Loss of rows with labels (N,), and dL_dz if wanted, or None; see `one_block.labelled`.

    Labels need not have been checked.
    """
    if z.size > ONE_BLOCK:
        return None
    dL_dz = np.empty(z.shape if gradient else (0, z.shape[1]), z.dtype) if out is None else out
    loss = one_block.labelled(z, y, ignore_index, reduction, dL_dz)
    return None if loss is None else (loss, dL_dz)


def softmax_in_one_step(z: Array) -> Array | None:
    """Probabilities (N, K), or None; see `one_block.unlabelled`."""
    if z.size > ONE_BLOCK:
        return None
    p = np.empty(z.shape, z.dtype)
    return p if one_block.unlabelled(z, p) else None


def softmax(z: Array, out: Array | None = None) -> Array:
    """Probabilities (N, K): the gradient of a row with S = 1 and no target."""
    p = empty(z.shape, z.dtype) if out is None else out
    if one_block.unlabelled(z, p):
        return p
    labels = np.empty(z.shape[0], np.intp)
    labels.fill(NO_LABEL)
    mass = Mass(labels, np.empty((0, z.shape[1]), z.dtype), ONE, NOTHING, (1.0, 0.0), True)
    tile(z, mass, _SUM, p, None, None, NOTHING)
    return p


def log_softmax(z: Array, out: Array | None = None) -> Array:
    """Logarithms of the probabilities (N, K)."""
    result = empty(z.shape, z.dtype) if out is None else out

    def block(part: slice, memory: BlockMemory) -> None:
        target = result[part]
        own = like(target)
        log_softmax_rows(c_contiguous(z[part]), own, *memory.wide)
        deliver(own, target)

    in_blocks(z, block)
    return result


def cross_entropy_hvp(
    z: Array,
    y: Array,
    options: Options,
    v: Array,
    grad_output: Array | None = None,
    out: Array | None = None,
) -> Array:
    """Second derivative of the loss times v (N, K); see `core.head.cross_entropy_hvp`."""
    if options.softcap is not None and z.dtype == np.float64:
        # p·a cancels, and a = t ⊙ v is known to one rounding only: the specification has more
        return reference.cross_entropy_hvp(z, y, options, v, grad_output, out)
    mass = mass_of(y, z.shape[0], z.shape[1], options, z.dtype)
    Hv = empty(z.shape, z.dtype) if out is None else out
    _hessian(z, mass, options, v, grad_output, Hv)
    return Hv


def _hessian(
    z: Array, mass: Mass, options: Options, v: Array, grad_output: Array | None, Hv: Array
) -> None:
    K = z.shape[1]

    def block(part: slice, memory: BlockMemory) -> None:
        u, direction, own = c_contiguous(z[part]), c_contiguous(v[part]), mass.block(part)
        result = np.empty(u.shape, u.dtype)
        a, logits = direction.astype(np.float64, copy=False), u
        masses = own.totals(K)
        if options.transforms_logits:
            logits = transform.logits(u, options)
        if options.softcap is not None:
            a = a.copy()
            slope_rows(u, a, *_cap(options))
        else:  # H v is linear in S: a / T would lose digits that p·a needs
            masses = masses / options.temperature
        curvature_rows(logits, a, masses, options.z_loss, result, *memory.wide)
        if options.transforms_logits:
            slope_rows(u, result, *_cap(options))
        if options.softcap is not None:
            dL_dz = np.empty(u.shape, u.dtype)
            _rows(logits, own, options, dL_dz, NOTHING, np.empty(4), memory)
            bend_rows(u, dL_dz, direction, *_cap(options), result)
        if grad_output is not None:
            result *= grad_output[part, None].astype(u.dtype)
        Hv[part] = result

    in_blocks(z, block)


def _cap(options: Options) -> tuple[float, float]:
    return float(options.softcap or 0.0), 1.0 / options.temperature


def _loss(
    z: Array, mass: Mass, options: Options, dL_dz: Array | None, grad_output: Array | None
) -> Array:
    """Loss of all rows, and their gradient if there is an array for it."""
    each = options.reduction == "none"
    losses = np.empty(z.shape[0] if each else 0)
    sums = tile(z, mass, options, dL_dz, grad_output, None, losses)
    with np.errstate(over="ignore"):  # a loss beyond the largest number is ∞
        return (losses if each else np.array(total([sums]))).astype(z.dtype, copy=False)


def tile(
    z: Array,
    mass: Mass,
    options: Options,
    dL_dz: Array | None,
    grad_output: Array | None,
    b: Array | None,
    losses: Array,
) -> Array:
    """Loss of some rows as a part for `total`, and their gradient if there is an array for it.

    `losses` (n,) receives the losses of the rows, or is empty. A bias b (K,) is added to z first,
    in place.
    """
    N, K = z.shape
    each, transformed = losses.size > 0, options.transforms_logits
    sums = np.zeros((blocks_of(N, K)[0], 4))
    nowhere = np.empty((0, K), z.dtype)
    if mass.plain and b is grad_output is None and not options.transforms_logits:
        out = nowhere if dL_dz is None else dL_dz
        if is_direct(z) and is_direct(out):
            cut = blocks_of(N, K)[1], is_non_temporal(z)
            run_labels(z, mass.labels, mass.rows, out, losses, sums, *cut, get_num_threads())
            return sums

    def block(part: slice, memory: BlockMemory) -> None:
        u, own = c_contiguous(z[part]), mass.block(part)
        if b is not None:
            u += b
        logits = transform.logits(u, options) if transformed else u
        row_losses, row_sums = losses[part] if each else losses, sums[memory.index]
        if dL_dz is None:
            _rows(logits, own, options, nowhere, row_losses, row_sums, memory)
            return
        target = dL_dz[part]
        g = like(target, apart_from=u if transformed else None)
        _rows(logits, own, options, g, row_losses, row_sums, memory)
        if transformed:
            slope_rows(u, g, *_cap(options))
        if grad_output is not None:
            with np.errstate(all="ignore"):
                g *= grad_output[part, None].astype(g.dtype)
        deliver(g, target)

    in_blocks(z, block)
    return sums


def hessian_tile(
    z: Array,
    mass: Mass,
    options: Options,
    A: Array,
    grad_output: Array | None,
    b: Array | None,
) -> None:
    """H A in the place of A, for the logits z + b of some rows."""
    if b is not None:
        z += b
    _hessian(z, mass, options, A, grad_output, A)


def _rows(
    z: Array,
    mass: Mass,
    options: Options,
    out: Array,
    losses: Array,
    sums: Array,
    memory: BlockMemory,
) -> None:
    """Choose the kernel for a block of rows, and run it."""
    if not mass.plain:
        given = mass.labels, mass.soft, mass.weight, mass.rows
        results = out, losses, sums
        mass_rows(z, *given, *mass.shares, options.z_loss, *results, *memory.wide)
        return
    one_block = sums.reshape(1, 4), z.shape[0], memory.non_temporal
    run_labels(z, mass.labels, mass.rows, out, losses, *one_block, threads=1)


def total(parts: list[Array]) -> float:
    """Loss from its parts, each block's in two halves, plain and scaled, with rounding errors."""
    plain, scaled, error = 0.0, 0.0, 0.0
    for block in parts:
        for part, part_error, scaled_part, scaled_error in block.tolist():
            plain, lost = _two_sum(plain, part)
            error += lost + part_error
            scaled += scaled_part + scaled_error
    return float(plain + (error + scaled / SCALE64))


def _two_sum(a: float, b: float) -> tuple[float, float]:
    s = a + b
    t = s - a
    error = (a - (s - t)) + (b - t)
    return s, error if error == error else 0.0


@jit
def _shortest(x: Any) -> Any:
    return x[0] + 1


def compile_something() -> None:
    """Compile the shortest kernel: if Numba cannot compile here, this is where it shows."""
    _shortest(np.zeros(1))
