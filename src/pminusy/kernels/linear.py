"""The linear layer and the head together, without ever holding all N × K logits.

Rows are taken in tiles: logits by a matrix product, the head in place over them, and from dL_dz the
gradients by matrix products again. Two ways, by size:

    few classes    tiles of a few hundred rows that stay in cache, many at a time: X is read once
    many classes   tiles as large as the workspace allows, one at a time, each product on all threads

Sums over rows (loss, dL_db, and dL_dW where a float64 copy of it fits the workspace) are kept in
float64, so their error does not grow with N. Otherwise a tile's dL_dW is added to the last one's.

Twin: `core.linear` around `core.head`.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pminusy.core.options import Options
from pminusy.errors import InputError
from pminusy.kernels import threads
from pminusy.kernels.blas import one_thread_each

__all__ = ["WORKSPACE", "Layer", "loss", "loss_and_gradients", "products_with_hessian"]

Array = NDArray[Any]

WORKSPACE = 64 * 2**20
"""Bytes of memory that a call may use beyond its results, unless it says otherwise."""

_FEW_CLASSES = 64
_CACHE_ROWS = 128  # rows of a tile that stays in cache with its logits
_GROUP_TILES = 16  # tiles whose dL_dW a thread adds up before it hands it on
_LONGEST_SUM = 8192  # rows that one product may add up in float32
_STRIPE = 4 * 2**20  # bytes of dL_dW that a product makes at a time, where it is added to


class Layer(NamedTuple):
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


def loss(head: ModuleType, layer: Layer, workspace: int) -> Array:
    """Loss alone."""
    return loss_and_gradients(head, layer, (), None, workspace).loss


def loss_and_gradients(
    head: ModuleType,
    layer: Layer,
    wrt: tuple[str, ...],
    grad_output: Array | None,
    workspace: int,
) -> Gradients:
    """Loss, and its gradients with respect to the parts of the layer named in `wrt`.

    `head` is the implementation that computes the head of a tile (`cpu` or `reference`).
    """
    N, D, K = layer.shape
    dtype = layer.W.dtype
    sums = _Sums(head, layer, grad_output)
    dL_dX = np.empty((N, D), dtype) if "X" in wrt else None
    bias = "b" in wrt and layer.b is not None
    if K <= _FEW_CLASSES and not _is_sparse(layer.X):
        dL_dW, dL_db = _few_classes(sums, dL_dX, "W" in wrt, bias)
    else:
        dL_dW, dL_db = _many_classes(sums, dL_dX, "W" in wrt, bias, workspace)
    return Gradients(sums.loss(), dL_dX, dL_dW, dL_db)


class _Sums:
    """The head over tiles of rows: what all tiles share, and what they add up to."""

    def __init__(self, head: ModuleType, layer: Layer, grad_output: Array | None) -> None:
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
    sums: _Sums, dL_dX: Array | None, weights: bool, bias: bool
) -> tuple[Array | None, Array | None]:
    """One pass over X: each thread takes groups of rows through small products of its own."""
    X, W = sums.layer.X, sums.layer.W
    N, D, K = sums.layer.shape
    gradient = dL_dX is not None or weights or bias
    group = _CACHE_ROWS * _GROUP_TILES
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
                total += np.matmul(z.T, X_tile, out=part)
            if bias:
                db += z.sum(0, dtype=np.float64)
        dW_parts[i], db_parts[i] = total, db

    with one_thread_each:
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
    """Tiles of rows as large as fit, one after the other."""
    X, W = sums.layer.X, sums.layer.W
    N, D, K = sums.layer.shape
    dL_dW = _WeightSum(K, D, W.dtype, workspace, N) if weights else None
    step = _rows_of_tile(N, K, W.dtype, workspace - (dL_dW.memory if dL_dW else 0), copies=1)
    z_memory = np.empty((min(step, N), K), W.dtype)
    db = np.zeros(K)
    gradient = dL_dX is not None or weights or bias
    for start in range(0, N, step):
        rows = slice(start, min(start + step, N))
        X_tile = X[rows]
        z = _product(X_tile, W, z_memory[: X_tile.shape[0]])
        sums.tile(rows, z, gradient)
        if dL_dX is not None:
            np.matmul(z, W, out=dL_dX[rows])
        if dL_dW is not None:
            dL_dW.add(z, X_tile)
        if bias:
            _add_columns(z, db)
    return (
        dL_dW.result() if dL_dW is not None else None,
        db.astype(W.dtype) if bias else None,
    )


def _rows_of_tile(N: int, K: int, dtype: Any, memory: int, copies: int) -> int:
    """Rows whose logits fit the memory, of about equal tiles."""
    row = K * np.dtype(dtype).itemsize * copies
    most = min(memory // row, _LONGEST_SUM)
    if most < 1:
        raise InputError(
            "workspace",
            f"at least {row} bytes, one row of logits",
            f"{memory} bytes beside the sums",
            "give more, or leave it out",
        )
    tiles = max(1, -(-N // most))
    return max(1, -(-N // tiles))


def _product(X: Any, W: Array, out: Array) -> Array:
    """X Wᵀ (n, K)."""
    if _is_sparse(X):
        out[...] = X @ W.T
        return out
    return np.matmul(X, W.T, out=out)


def _is_sparse(X: Any) -> bool:
    return not isinstance(X, np.ndarray)


class _WeightSum:
    """dL_dW = Σ dL_dzᵀ X over tiles: in float64 if that fits, else tile upon tile in stripes."""

    def __init__(self, K: int, D: int, dtype: Any, workspace: int, N: int) -> None:
        size = K * D
        self._dtype = np.dtype(dtype)
        self._wide = self._dtype == np.float32 and 12 * size <= workspace // 2
        self._sum = np.empty((K, D), np.float64 if self._wide else dtype)
        self._stripe = (
            K if self._wide else max(1, min(K, _STRIPE // (D * self._dtype.itemsize or 1)))
        )
        self._part: Array | None = None
        self._first = True
        self.memory = (12 if self._wide else 0) * size or self._stripe * D * self._dtype.itemsize

    def add(self, dL_dz: Array, X: Any) -> None:
        """Add the share of a tile."""
        K, D = self._sum.shape
        if self._first and not self._wide and not _is_sparse(X):
            np.matmul(dL_dz.T, X, out=self._sum)
        else:
            if self._part is None:
                self._part = np.empty((self._stripe, D), self._dtype)
            for start in range(0, K, self._stripe):
                stripe = slice(start, min(K, start + self._stripe))
                self._add_stripe(dL_dz[:, stripe], X, self._sum[stripe])
        self._first = False

    def _add_stripe(self, dL_dz: Array, X: Any, total: Array) -> None:
        assert self._part is not None
        if _is_sparse(X):
            part = np.asarray((X.T @ dL_dz).T)
        else:
            part = np.matmul(dL_dz.T, X, out=self._part[: total.shape[0]])
        rows = -(-total.shape[0] // (4 * threads.get_num_threads()))

        def run(i: int) -> None:
            some = slice(i * rows, (i + 1) * rows)
            if self._first:
                total[some] = part[some]
            else:
                total[some] += part[some]

        threads.run(run, -(-total.shape[0] // rows))

    def result(self) -> Array:
        """The sum, in the type of the weights."""
        if self._first:  # no rows
            self._sum[...] = 0.0
        return self._sum.astype(self._dtype, copy=False)


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
    layer: Layer,
    V_W: Array,
    V_b: Array | None,
    grad_output: Array | None,
    workspace: int,
) -> tuple[Array, Array | None]:
    """H_W = Rᵀ X and H_b = Σ R with R = H A, A = X V_Wᵀ + V_b; H_b is None without a bias."""
    N, D, K = layer.shape
    dtype = layer.W.dtype
    sums = _Sums(head, layer, grad_output)
    HV_W = _WeightSum(K, D, dtype, workspace, N)
    step = _rows_of_tile(N, K, dtype, workspace - HV_W.memory, copies=2)
    z_memory = np.empty((min(step, N), K), dtype)
    A_memory = np.empty_like(z_memory)
    HV_b = np.zeros(K)
    for start in range(0, N, step):
        rows = slice(start, min(start + step, N))
        X_tile = layer.X[rows]
        z = _product(X_tile, layer.W, z_memory[: X_tile.shape[0]])
        A = _product(X_tile, V_W, A_memory[: X_tile.shape[0]])
        if V_b is not None:
            A += V_b
        sums.hessian_tile(rows, z, A)
        HV_W.add(A, X_tile)
        if layer.b is not None:
            _add_columns(A, HV_b)
    return HV_W.result(), HV_b.astype(dtype) if layer.b is not None else None
