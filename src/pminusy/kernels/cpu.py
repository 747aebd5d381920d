"""The head on CPU: blocks of rows through the compiled kernels, on several threads.

Twin: `core.head` and `core.softmax`, function by function. Accurate to 8 units in the last place
where the twin is to 1 (measured in `docs/accuracy.md`).

A block is cut by the size of the problem alone and the blocks' sums are added in order, so the
result is the same bits for any number of threads. Logits of any strides are brought into line block
by block; a result may be written over the logits it came from.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pminusy.core import transform
from pminusy.core.options import Options
from pminusy.kernels import reference, threads
from pminusy.kernels.curvature import bend_rows, curvature_rows, slope_rows
from pminusy.kernels.elementary import SCALE64
from pminusy.kernels.labels import IGNORED, NO_LABEL, label_rows
from pminusy.kernels.logarithms import log_softmax_rows
from pminusy.kernels.mass import mass_rows
from pminusy.kernels.memory import empty
from pminusy.kernels.narrow import NARROW, narrow_label_rows, narrow_scratch
from pminusy.kernels.rows import scratch
from pminusy.kernels.sums import add_carefully

__all__ = [
    "Mass",
    "add_carefully",
    "cross_entropy",
    "cross_entropy_grad",
    "cross_entropy_hvp",
    "hessian_tile",
    "log_softmax",
    "mass_of",
    "softmax",
    "tile",
    "total",
    "warm_up",
]

Array = NDArray[Any]

_FEWEST_BLOCKS = 16
_SMALLEST_BLOCK, _LARGEST_BLOCK = 1 << 16, 1 << 19  # logits: some 0.1 ms
_PAST_CACHES = 1 << 23  # bytes of a result that nobody will find in a cache anyway
_NOTHING = np.empty(0)


class Mass(NamedTuple):
    """Targets and options of some rows, as the kernels take them (see `core.options.TargetMass`).

    `labels` (N,) with `IGNORED` and `NO_LABEL`, or `soft` (N, K); `rows` (N,) or (1,): each row's
    factor ω over the denominator of "mean"; it includes w at the label if the mass is `plain`,
    which is to say all at one label.
    """

    labels: Array
    soft: Array
    rows: Array
    weight: Array
    plain: bool

    def block(self, part: slice) -> Mass:
        """The same for some of the rows."""
        return self._replace(
            labels=self.labels[part] if self.labels.size else self.labels,
            soft=aligned(self.soft[part]) if self.soft.size else self.soft,
            rows=self.rows[part] if self.rows.size > 1 else self.rows,
        )

    def totals(self, K: int, options: Options) -> Array:
        """S of each row (n,)."""
        n = max(self.labels.shape[0], self.soft.shape[0])
        keep, spread = 1.0 - options.label_smoothing, options.label_smoothing / K
        weight = self.weight if self.weight.size else np.ones(K)
        if self.soft.size:
            own = keep * (self.soft.astype(np.float64) @ weight)
        elif self.plain:
            own = np.ones(n)
        else:
            own = keep * weight[self.labels]
        S = np.asarray(self.rows * (own + spread * weight.sum()))
        return np.where(self.labels == IGNORED, 0.0, S) if self.labels.size else S


def mass_of(y: Array, N: int, K: int, options: Options, dtype: Any) -> Mass:
    """Targets, class indices (N,) or soft (N, K), and options as the kernels take them."""
    weight = _NOTHING if options.weight is None else aligned(options.weight)
    omega = np.ones(1) if options.sample_weight is None else aligned(options.sample_weight)
    if y.ndim == 2:
        total = omega.sum() if omega.size == N else float(N)
        return Mass(_NO_LABELS, y, _over(total, omega, options), weight, plain=False)
    labels, used = aligned(y), N
    ignored = labels == options.ignore_index
    if ignored.any():
        labels = np.where(ignored, IGNORED, labels)
        used -= int(ignored.sum())
    counted = omega * weight[labels] if weight.size else omega
    each = counted.size == N
    total = np.where(labels == IGNORED, 0.0, counted).sum() if each else float(used)
    plain = options.label_smoothing == 0.0 and options.z_loss == 0.0
    rows = _over(total, counted if plain else omega, options)
    return Mass(labels, np.empty((0, K), dtype), rows, weight, plain)


_NO_LABELS = np.empty(0, np.intp)


def _over(denominator: float, rows: Array, options: Options) -> Array:
    """Row factors divided by the denominator of "mean"; 0 if that is 0."""
    if options.reduction != "mean":
        return rows
    return rows / denominator if denominator > 0 else np.zeros(1)


def cross_entropy(z: Array, y: Array, options: Options) -> Array:
    """Loss of logits z (N, K): () for "mean" and "sum", (N,) for "none"."""
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
    mass = mass_of(y, z.shape[0], z.shape[1], options, z.dtype)
    dL_dz = empty(z.shape, z.dtype) if out is None else out
    return _loss(z, mass, options, dL_dz, grad_output), dL_dz


def softmax(z: Array, out: Array | None = None) -> Array:
    """Probabilities (N, K): the gradient of a row with S = 1 and no target."""
    p = empty(z.shape, z.dtype) if out is None else out
    labels = np.full(z.shape[0], NO_LABEL)
    mass = Mass(labels, np.empty((0, z.shape[1]), z.dtype), np.ones(1), _NOTHING, True)
    _loss(z, mass, Options(reduction="sum"), p, None)
    return p


def log_softmax(z: Array, out: Array | None = None) -> Array:
    """Logarithms of the probabilities (N, K)."""
    result = empty(z.shape, z.dtype) if out is None else out

    def block(part: slice, memory: _Memory) -> None:
        with written_in_line(result[part]) as target:
            log_softmax_rows(aligned(z[part]), target, *memory.wide)

    _in_blocks(z, block)
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

    def block(part: slice, memory: _Memory) -> None:
        u, direction, own = aligned(z[part]), aligned(v[part]), mass.block(part)
        result = np.empty(u.shape, u.dtype)
        a, logits = direction.astype(np.float64, copy=False), u
        masses = own.totals(K, options)
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
            _rows(logits, own, options, dL_dz, _NOTHING, np.empty(4), memory)
            bend_rows(u, dL_dz, direction, *_cap(options), result)
        if grad_output is not None:
            result *= grad_output[part, None].astype(u.dtype)
        Hv[part] = result

    _in_blocks(z, block)


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
        return losses.astype(z.dtype) if each else np.asarray(total([sums])).astype(z.dtype)


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
    each = losses.size > 0
    sums = np.zeros((blocks_of(N, K)[0], 4))
    nowhere = np.empty((0, K), z.dtype)

    def block(part: slice, memory: _Memory) -> None:
        u, own = aligned(z[part]), mass.block(part)
        if b is not None:
            u += b
        logits = transform.logits(u, options) if options.transforms_logits else u
        row_losses, row_sums = losses[part] if each else losses, sums[memory.index]
        if dL_dz is None:
            _rows(logits, own, options, nowhere, row_losses, row_sums, memory)
            return
        with written_in_line(dL_dz[part], apart_from=u if _needs(u, own, options) else None) as g:
            _rows(logits, own, options, g, row_losses, row_sums, memory)
            if options.transforms_logits:
                slope_rows(u, g, *_cap(options))
            if grad_output is not None:
                with np.errstate(all="ignore"):
                    g *= grad_output[part, None].astype(g.dtype)

    _in_blocks(z, block)
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


def _needs(u: Array, mass: Mass, options: Options) -> bool:
    """Whether the logits are read again after the gradient has been begun."""
    return options.transforms_logits


def _rows(
    z: Array, mass: Mass, options: Options, out: Array, losses: Array, sums: Array, memory: _Memory
) -> None:
    """Choose the kernel for a block of rows, and run it."""
    if not mass.plain:
        shares = options.label_smoothing, options.z_loss
        mass_rows(
            z,
            mass.labels,
            mass.soft,
            mass.weight,
            mass.rows,
            *shares,
            out,
            losses,
            sums,
            *memory.wide,
        )
    elif z.shape[1] <= NARROW:
        narrow_label_rows(
            z,
            z.reshape(-1),
            mass.labels,
            mass.rows,
            out,
            losses,
            sums,
            *memory.wide,
            *memory.narrow,
        )
    else:
        stream = memory.past_caches and out.size > 0
        label_rows(z, mass.labels, mass.rows, out, losses, sums, stream, *memory.wide)


def total(parts: list[Array]) -> float:
    """Loss from its parts, each block's in two halves, plain and scaled, with rounding errors."""
    plain, scaled, error = 0.0, 0.0, 0.0
    for part, part_error, scaled_part, scaled_error in np.concatenate(parts).tolist():
        plain, lost = _two_sum(plain, part)
        error += lost + part_error
        scaled += scaled_part + scaled_error
    return float(plain + (error + scaled / SCALE64))


def _two_sum(a: float, b: float) -> tuple[float, float]:
    s = a + b
    t = s - a
    error = (a - (s - t)) + (b - t)
    return s, error if error == error else 0.0


class _Memory:
    """Scratch memory of one block."""

    def __init__(self, index: int, K: int, dtype: Any, past_caches: bool) -> None:
        self.index, self.past_caches = index, past_caches
        self.wide = scratch(K, dtype)
        self.narrow = narrow_scratch(K, dtype) if K <= NARROW else ()


def blocks_of(N: int, K: int) -> tuple[int, int]:
    """Number of blocks that N rows of K logits are cut into, and the rows of each."""
    entries = min(max(N * K // _FEWEST_BLOCKS, _SMALLEST_BLOCK), _LARGEST_BLOCK)
    step = max(1, entries // K)
    if K <= NARROW:
        step = (step + 31) // 32 * 32
    return -(-N // step), step


def _in_blocks(z: Array, block: Callable[[slice, _Memory], None]) -> None:
    N, K = z.shape
    count, step = blocks_of(N, K)
    past_caches = z.nbytes >= _PAST_CACHES

    def run(i: int) -> None:
        block(slice(i * step, min(N, (i + 1) * step)), _Memory(i, K, z.dtype, past_caches))

    threads.run(run, count)


def aligned(array: Array) -> Array:
    """The array itself or a copy, with rows one after the other; as writable, for one signature."""
    flags = array.flags
    if not (flags.c_contiguous and flags.aligned):
        return array.copy(order="C")
    return array if flags.writeable else _as_writable(array)


class _as_writable_interface:
    def __init__(self, array: Array) -> None:
        self._array = array
        address, _ = array.__array_interface__["data"]
        self.__array_interface__ = {**array.__array_interface__, "data": (address, False)}


def _as_writable(array: Array) -> Array:
    """A view that Numba takes for writable: a kernel is compiled once, and never writes to z."""
    return np.asarray(_as_writable_interface(array))


class written_in_line:
    """An array with rows one after the other that ends up in `target`: itself, if it is like that.

    With `apart_from`, one that shares no memory with that array.
    """

    def __init__(self, target: Array, apart_from: Array | None = None) -> None:
        self._target = target
        flags = target.flags
        direct = flags.c_contiguous and flags.aligned
        if apart_from is not None and np.may_share_memory(target, apart_from):
            direct = False
        self._own = target if direct else np.empty(target.shape, target.dtype)

    def __enter__(self) -> Array:
        return self._own

    def __exit__(self, *error: object) -> None:
        if self._own is not self._target:
            self._target[...] = self._own


def warm_up() -> None:
    """Run a small kernel once: if Numba cannot compile here, this is where it shows."""
    log_softmax(np.zeros((1, 2), np.float32))
