"""The linear layer and the head together, without ever holding all N × K logits.

Rows are taken in tiles: logits by a matrix product, the head in place over them, and from dL_dz the
gradients by matrix products again. Two ways, by size:

    few classes    tiles of a few hundred rows that stay in cache, one a thread: X is read once
    many classes   tiles of hundreds of rows and more, all threads on each (see `products`)

Sums over rows are kept so that their error does not grow with N: the loss and dL_db in float64,
dL_dW there too or with a byte for what float32 rounds off (see `products.WeightSum`).

Twin: `core.linear` around `core.head`.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pminusy.core.options import Options
from pminusy.errors import InputError
from pminusy.kernels.linear import products
from pminusy.kernels.linear.products import WeightSum, is_sparse
from pminusy.kernels.runtime import threads
from pminusy.kernels.runtime.blas import one_thread_each
from pminusy.kernels.runtime.memory import empty

__all__ = ["WORKSPACE", "LayerArrays", "loss", "loss_and_gradients", "products_with_hessian"]

Array = NDArray[Any]

WORKSPACE = 64 * 2**20
"""Bytes of memory that a call may use beyond its results, unless it says otherwise."""

_FEW_CLASSES = 64
_CACHE_ROWS = 128  # rows of a tile that stays in cache with its logits
_GROUP_TILES = 16  # at least; tiles whose dL_dW a thread adds up before it hands it on
_FEWEST_GROUPS, _MOST_GROUPS = 16, 256  # of such tiles
_LONGEST_SUM = 8192  # rows that one product may add up in float32
_OVERHEAD = 2 * 2**20  # bytes that the head's blocks may take, and BLAS
_ENOUGH_ROWS = 1024  # of a tile: products gain nothing from more
_IN_CACHE = 8 * 2**20  # bytes of a tile that may have more rows than that


class LayerArrays(NamedTuple):
    """Inputs X (N, D), dense or CSR, weights W (K, D), bias b (K,) or None; targets; options."""

    X: Any
    W: Array
    b: Array | None
    y: Array
    options: Options

    @property
    def shape(self) -> tuple[int, int, int]:
        """N, D and K."""
        return self.X.shape[0], self.X.shape[1], self.W.shape[0]


class Gradients(NamedTuple):
    """Loss, and the gradients that were asked for."""

    loss: Array
    dL_dX: Array | None
    dL_dW: Array | None
    dL_db: Array | None


def loss(head: ModuleType, layer: LayerArrays, workspace: int) -> Array:
    """Loss alone."""
    return loss_and_gradients(head, layer, (), None, workspace).loss


def loss_and_gradients(
    head: ModuleType,
    layer: LayerArrays,
    wrt: tuple[str, ...],
    grad_output: Array | None,
    workspace: int,
) -> Gradients:
    """Loss, and its gradients with respect to the parts of the layer named in `wrt`.

    `head` is the implementation that computes the head of a tile (`cpu` or `reference`).
    """
    N, D, K = layer.shape
    dtype = layer.W.dtype
    layer = layer._replace(X=products.ready(layer.X), W=products.ready(layer.W))
    sums = _Sums(head, layer, grad_output)
    dL_dX = empty((N, D), dtype) if "X" in wrt else None
    bias = "b" in wrt and layer.b is not None
    groups = workspace // (2 * 8 * (K * D + 1))  # whose dL_dW can be held in float64
    with one_thread_each:
        if K <= _FEW_CLASSES and not is_sparse(layer.X) and groups >= _FEWEST_GROUPS:
            dL_dW, dL_db = _few_classes(sums, dL_dX, "W" in wrt, bias, groups)
        else:
            dL_dW, dL_db = _many_classes(sums, dL_dX, "W" in wrt, bias, workspace)
    return Gradients(sums.loss(), dL_dX, dL_dW, dL_db)


class _Sums:
    """The head over tiles of rows: what all tiles share, and what they add up to."""

    def __init__(self, head: ModuleType, layer: LayerArrays, grad_output: Array | None) -> None:
        N, _, K = layer.shape
        self.head, self.layer, self.grad_output = head, layer, grad_output
        self._mass = head.mass_of(layer.y, N, K, layer.options, layer.W.dtype)
        self._each = layer.options.reduction == "none"
        self._losses = np.empty(N if self._each else 0)
        self._parts: dict[int, Any] = {}

    def tile(self, rows: slice, z: Array, gradient: bool) -> None:
        """Add the loss of some rows; their dL_dz takes the place of z if wanted."""
        factors = None if self.grad_output is None else self.grad_output[rows]
        self._parts[rows.start] = self.head.tile(
            z,
            self._mass.block(rows),
            self.layer.options,
            z if gradient else None,
            factors,
            self.layer.b,
            self._losses[rows] if self._each else self._losses,
        )

    def hessian_tile(self, rows: slice, z: Array, A: Array) -> None:
        """Put H A in the place of A, for the logits z of some rows."""
        factors = None if self.grad_output is None else self.grad_output[rows]
        mass = self._mass.block(rows)
        self.head.hessian_tile(z, mass, self.layer.options, A, factors, self.layer.b)

    def loss(self) -> Array:
        """Loss of all rows."""
        if self._each:
            return self._losses.astype(self.layer.W.dtype)
        parts = [self._parts[start] for start in sorted(self._parts)]
        return np.asarray(self.head.total(parts)).astype(self.layer.W.dtype)


def _few_classes(
    sums: _Sums, dL_dX: Array | None, weights: bool, bias: bool, groups: int
) -> tuple[Array | None, Array | None]:
    """One pass over X: each thread takes groups of rows through small products of its own."""
    X, W = sums.layer.X, sums.layer.W
    N, D, K = sums.layer.shape
    gradient = dL_dX is not None or weights or bias
    tiles = max(_GROUP_TILES, -(-N // (_CACHE_ROWS * min(groups, _MOST_GROUPS))))
    group = _CACHE_ROWS * tiles
    count = -(-N // group)
    dW_parts: dict[int, Array] = {}
    db_parts: dict[int, Array] = {}

    def run(i: int) -> None:
        z_memory = np.empty((_CACHE_ROWS, K), W.dtype)
        part, total = np.empty((K, D), W.dtype), np.zeros((K, D))
        db = np.zeros(K)
        for start in range(i * group, min(N, (i + 1) * group), _CACHE_ROWS):
            rows = slice(start, min(start + _CACHE_ROWS, N))
            X_tile = X[rows]
            z = np.matmul(X_tile, W.T, out=z_memory[: X_tile.shape[0]])
            sums.tile(rows, z, gradient)
            if dL_dX is not None:
                np.matmul(z, W, out=dL_dX[rows])
            if weights:
                dL_dz, heard = products.heard(z, X_tile)
                total += np.matmul(dL_dz.T, heard, out=part)
            if bias:
                db += z.sum(0, dtype=np.float64)
        dW_parts[i], db_parts[i] = total, db

    threads.run(run, count)
    order = sorted(dW_parts)
    return (
        _added([dW_parts[i] for i in order], (K, D)).astype(W.dtype) if weights else None,
        _added([db_parts[i] for i in order], (K,)).astype(W.dtype) if bias else None,
    )


def _added(parts: list[Array], shape: tuple[int, ...]) -> Array:
    total = np.zeros(shape)
    for part in parts:
        total += part
    return total


def _many_classes(
    sums: _Sums, dL_dX: Array | None, weights: bool, bias: bool, workspace: int
) -> tuple[Array | None, Array | None]:
    """Tiles of rows, one after the other."""
    X, W = sums.layer.X, sums.layer.W
    N, D, K = sums.layer.shape
    dL_dW = WeightSum(sums.head, (K, D), W.dtype, workspace // 2) if weights else None
    step = _rows_of_tile(N, K, W.dtype, workspace, dL_dW, copies=1)
    z_memory = empty((min(step, N), K), W.dtype)
    db = np.zeros(K)
    gradient = dL_dX is not None or weights or bias
    for start in range(0, N, step):
        rows = slice(start, min(start + step, N))
        X_tile = X[rows]
        z = products.layer(X_tile, W, z_memory[: X_tile.shape[0]])
        sums.tile(rows, z, gradient)
        if dL_dX is not None:
            products.multiply(z, W, dL_dX[rows])
        if dL_dW is not None:
            dL_dW.add(z, X_tile)
        if bias:
            _add_columns(z, db)
    return (
        dL_dW.result() if dL_dW is not None else None,
        db.astype(W.dtype) if bias else None,
    )


def _rows_of_tile(
    N: int, K: int, dtype: Any, workspace: int, sums: WeightSum | None, copies: int
) -> int:
    """Rows of tiles that are about equal and fit what the sums leave of the workspace."""
    row = K * np.dtype(dtype).itemsize * copies
    memory = workspace - (sums.memory if sums else 0) - min(_OVERHEAD, workspace // 8)
    most = min(memory // row, max(_ENOUGH_ROWS, _IN_CACHE // row), _LONGEST_SUM)
    if most < 1:
        raise InputError(
            "workspace",
            f"at least {workspace - memory + row} bytes, for one row of logits beside the sums",
            f"{workspace} bytes",
            "give more, or leave it out",
        )
    tiles = max(1, -(-N // most))
    return max(1, int(-(-N // tiles)))


def _add_columns(z: Array, total: Array) -> None:
    """Add the sum of each column of z (n, K) to total (K,), in float64."""
    K = z.shape[1]
    columns = max(256, -(-K // 16))

    def run(i: int) -> None:
        some = slice(i * columns, min(K, (i + 1) * columns))
        total[some] += z[:, some].sum(0, dtype=np.float64)

    threads.run(run, -(-K // columns))


def products_with_hessian(
    head: ModuleType,
    layer: LayerArrays,
    V_W: Array,
    V_b: Array | None,
    grad_output: Array | None,
    workspace: int,
) -> tuple[Array, Array | None]:
    """H_W = Rᵀ X and H_b = Σ R with R = H A, A = X V_Wᵀ + V_b; H_b is None without a bias."""
    N, D, K = layer.shape
    dtype = layer.W.dtype
    layer = layer._replace(X=products.ready(layer.X), W=products.ready(layer.W))
    V_W = products.ready(V_W)
    sums = _Sums(head, layer, grad_output)
    HV_W = WeightSum(head, (K, D), dtype, workspace // 2)
    step = _rows_of_tile(N, K, dtype, workspace, HV_W, copies=2)
    z_memory = empty((min(step, N), K), dtype)
    A_memory = empty(z_memory.shape, dtype)
    HV_b = np.zeros(K)
    with one_thread_each:
        for start in range(0, N, step):
            rows = slice(start, min(start + step, N))
            X_tile = layer.X[rows]
            z = products.layer(X_tile, layer.W, z_memory[: X_tile.shape[0]])
            A = products.layer(X_tile, V_W, A_memory[: X_tile.shape[0]])
            if V_b is not None:
                A += V_b
            sums.hessian_tile(rows, z, A)
            HV_W.add(A, X_tile)
            if layer.b is not None:
                _add_columns(A, HV_b)
    return HV_W.result(), HV_b.astype(dtype) if layer.b is not None else None
