"""Products of training with dense rows of few features, in whole vectors whatever their number.

Loops over the features of a row are short there: most of their time would go into their beginning
and their end. So the 64 rows of a tile are laid out twice in scratch:

- P (64, D), D rounded up to whole vectors, row by row, in the type of the arithmetic. A register
  tile of the gradient, classes × features, is summed over the 64 rows: G[k, :] += R[k, i] P[i, :].
- F (D, 64), its transpose. A register tile of logits, classes × rows, is summed over the features:
  T[k, :] += W[k, d] F[d, :].

Register tiles are in LLVM's vectors. Classes beyond the last are the last once more: they find,
and store, the same sums twice.
"""

# Numba infers the types of what it compiles; annotations would have no effect there.
from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload

from pminusy.kernels.runtime.compilation import fast_inline
from pminusy.kernels.simd.vectors import BYTES, Lanes, counted_loop, lanes_of, pointer
from pminusy.training.passes.compiled.tile_vectors import VECTORS, Matrix, number
from pminusy.training.passes.specification import TILE

__all__ = [
    "Few",
    "few_outer",
    "few_products",
    "lay_out",
    "room",
    "sum_columns",
    "transposed_products",
    "typed",
]

FEW = 1024
"""Bytes of features, in the type of the arithmetic, up to which this is the faster way."""


_CLASSES = 4


class Few(NamedTuple):
    """Dense rows of few features: a type of its own, so that only one way is compiled."""

    X: Any


def typed(X: Any, W: Any) -> Any:
    """X as kernels take it: by its type they know which products with W (K, D) are faster."""
    read = isinstance(X, np.ndarray) and X.dtype.kind in "iuf" and X.dtype.isnative
    if not (read and X.flags.c_contiguous and W.flags.c_contiguous):
        return X
    wide = int(_whole.py_func(W.shape[1], W.itemsize))
    return Few(X) if wide * W.itemsize <= FEW else X


def room(X: Any, W: Any) -> Any:
    """Scratch (P, F) for the tiles of X, as `typed` gave it; empty where another way is faster."""
    raise NotImplementedError("only inside compiled functions")


def lay_out(X: Any, at: Any, n: int, P: Any) -> None:
    """P becomes the n rows `at` of X, and rows of zeros."""
    raise NotImplementedError("only inside compiled functions")


def sum_columns(features: int, size: int) -> int:
    """Columns that an array (K, ·) needs to be added to by `few_outer`, or by another way."""
    wide = int(_whole.py_func(features, size))
    return wide if wide * size <= FEW else features


@fast_inline
def _whole(features: Any, size: Any) -> Any:
    """Features in whole vectors of numbers of `size` bytes."""
    lanes = BYTES // size
    return (features + lanes - 1) // lanes * lanes


@overload(room)
def _room(X: Any, W: Any) -> Any:
    def scratch(X: Any, W: Any) -> Any:
        wide = _whole(W.shape[1], W.itemsize)
        return _aligned(np.int64(TILE), wide, W), _aligned(wide, np.int64(TILE), W)

    def nothing(X: Any, W: Any) -> Any:
        none = np.zeros((0, 0), W.dtype)
        return none, none

    return scratch if _few(X) else nothing


def _few(X: Any) -> bool:
    """Whether a type of X is that of few features."""
    return getattr(X, "instance_class", None) is Few


@fast_inline
def _aligned(rows: Any, columns: Any, W: Any) -> Any:
    """Zeros (rows, columns) of the type of W from a multiple of 64 bytes on."""
    flat = np.zeros(rows * columns + BYTES // W.itemsize, W.dtype)
    first = -flat.ctypes.data % BYTES // W.itemsize
    return flat[first : first + rows * columns].reshape(rows, columns)


@overload(lay_out)
def _lay_out(X: Any, at: Any, n: Any, P: Any) -> Any:
    return _lay_out_few if _few(X) else _lay_out_nothing


def _lay_out_nothing(X: Any, at: Any, n: Any, P: Any) -> Any:
    return None


def _lay_out_few(X: Any, at: Any, n: Any, P: Any) -> Any:
    return _rows(X.X, at, n, P)


@fast_inline
def _rows(X: Any, at: Any, n: Any, P: Any) -> None:
    D, wide = X.shape[1], P.shape[1]
    for i in range(n):
        if at[i] * D + wide <= X.size:  # what is read beyond the row counts for nothing
            _copy(X, at[i], P, i)
        else:
            for d in range(D):
                P[i, d] = X[at[i], d]
    for i in range(n, TILE):
        P[i, :] = 0


@fast_inline
def few_products(P: Any, F: Any, W: Any, b: Any, T: Any) -> None:
    """T (K, 64) = W times the rows in P, + b; F becomes P transposed."""
    lanes = BYTES // P.itemsize
    for i in range(0, TILE, lanes):
        for d in range(0, P.shape[1], lanes):
            _transpose(P, i, d, F)
    transposed_products(F, W, b, T)


@fast_inline
def transposed_products(F: Any, W: Any, b: Any, T: Any) -> None:
    """The same of rows that lie transposed already, F (columns of W and more, 64)."""
    K, lanes = W.shape[0], BYTES // F.itemsize
    for i in range(0, TILE, VECTORS * lanes):
        for k in range(0, K - 2, _CLASSES):
            _product_4(F, i, W, b, k, T)
        if 0 < K % _CLASSES <= 2:
            _product_2(F, i, W, b, K - K % _CLASSES, T)


@fast_inline
def few_outer(P: Any, R: Any, G: Any) -> None:
    """G (K, columns of P) += R (K, 64) times the rows in P."""
    K, wide, lanes, d = R.shape[0], P.shape[1], BYTES // P.itemsize, 0
    while wide - d >= VECTORS * lanes:
        for k in range(0, K, _CLASSES):
            _outer_4(P, d, R, k, G)
        d += VECTORS * lanes
    if wide - d >= 2 * lanes:
        for k in range(0, K, _CLASSES):
            _outer_2(P, d, R, k, G)
        d += 2 * lanes
    if wide - d >= lanes:
        for k in range(0, K, 2 * _CLASSES):
            _outer_1(P, d, R, k, G)


@intrinsic
def _copy(typing: Any, X: Any, row: Any, P: Any, i: Any) -> Any:
    """Row i of P becomes a row of X and what follows it."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        source = Matrix(context, builder, X, arguments[0])
        target = Matrix(context, builder, P, arguments[2])
        element = context.get_value_type(P.dtype)
        count = lanes_of(element)
        for v in counted_loop(builder, builder.udiv(target.columns, number(count))):
            column = builder.mul(v, number(count))
            x = source.some(arguments[1], column, count)
            kind = ir.VectorType(element, count)
            target.write(arguments[3], column, Lanes(builder, _converted(builder, x, X, kind)))
        return context.get_dummy_value()

    return types.void(X, types.intp, P, types.intp), generate


def _converted(builder: Any, x: Lanes, X: Any, kind: Any) -> Any:
    """Entries of X as numbers of the arithmetic."""
    if isinstance(X.dtype, types.Integer):
        return (builder.sitofp if X.dtype.signed else builder.uitofp)(x.value, kind)
    if x.value.type == kind:
        return x.value
    narrower = X.dtype.bitwidth < 64 and kind.element == ir.DoubleType()
    return (builder.fpext if narrower else builder.fptrunc)(x.value, kind)


@intrinsic
def _transpose(typing: Any, P: Any, i: Any, d: Any, F: Any) -> Any:
    """A square of whole vectors of F, at (d, i), becomes that of P at (i, d)."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        source = Matrix(context, builder, P, arguments[0])
        target = Matrix(context, builder, F, arguments[3])
        i, d = arguments[1:3]
        count = lanes_of(context.get_value_type(P.dtype))
        lines = [source.some(builder.add(i, number(r)), d, count) for r in range(count)]
        turns = count.bit_length() - 1
        for _ in range(turns):  # lines as a deck of cards: shuffled until every suit is together
            pairs = zip(lines[: count // 2], lines[count // 2 :], strict=True)
            lines = [half for first, second in pairs for half in _interleaved(first, second)]
        for r, line in enumerate(lines):
            target.write(builder.add(d, number(r)), i, line)
        return context.get_dummy_value()

    return types.void(P, types.intp, types.intp, F), generate


def _interleaved(first: Lanes, second: Lanes) -> tuple[Lanes, Lanes]:
    """Numbers of two vectors in turn, in two vectors."""
    builder, count = first.builder, first.count
    order = [lane + part for lane in range(count) for part in (0, count)]
    kind = ir.VectorType(ir.IntType(32), count)
    low, high = (
        builder.shuffle_vector(first.value, second.value, ir.Constant(kind, half))
        for half in (order[:count], order[count:])
    )
    return Lanes(builder, low), Lanes(builder, high)


def _product(classes: int) -> Any:
    """T[k:, i:] = b[k:] + Σ_d W[k:, d] F[d, i:] for some classes and a register's worth of rows."""

    @intrinsic
    def product(typing: Any, F: Any, i: Any, W: Any, b: Any, k: Any, T: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            features, weights, logits = (
                Matrix(context, builder, signature.args[a], arguments[a]) for a in (0, 2, 5)
            )
            bias = pointer(context, builder, b, arguments[3])
            i, count = arguments[1], VECTORS * lanes_of(context.get_value_type(W.dtype))
            lines = weights.lines(arguments[4], classes)
            starts = [Lanes(builder, builder.load(builder.gep(bias, [line]))) for line in lines]
            like = features.some(number(0), i, count)
            sums = [cgutils.alloca_once_value(builder, like.like(start)) for start in starts]
            for d in counted_loop(builder, weights.columns):
                x = features.some(d, i, count)
                for line, total in zip(lines, sums, strict=True):
                    product = x * weights.one(line, d)
                    builder.store((Lanes(builder, builder.load(total)) + product).value, total)
            for line, total in zip(lines, sums, strict=True):
                logits.write(line, i, Lanes(builder, builder.load(total)))
            return context.get_dummy_value()

        return types.void(F, types.intp, W, b, types.intp, T), generate

    return product


def _outer(vectors: int, classes: int) -> Any:
    """G[k:, d:] += Σ_i R[k:, i] P[i, d:] for some classes and some vectors of features."""

    @intrinsic
    def outer(typing: Any, P: Any, d: Any, R: Any, k: Any, G: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            rows, residuals, gradient = (
                Matrix(context, builder, signature.args[a], arguments[a]) for a in (0, 2, 4)
            )
            element = context.get_value_type(P.dtype)
            d, count = arguments[1], vectors * lanes_of(element)
            lines = residuals.lines(arguments[3], classes)
            zero = ir.Constant(ir.VectorType(element, count), [0.0] * count)
            sums = [cgutils.alloca_once_value(builder, zero) for _ in lines]
            for i in counted_loop(builder, number(TILE)):
                x = rows.some(i, d, count)
                for line, total in zip(lines, sums, strict=True):
                    product = x * residuals.one(line, i)
                    builder.store((Lanes(builder, builder.load(total)) + product).value, total)
            before = [gradient.some(line, d, count) for line in lines]
            for line, total, old in zip(lines, sums, before, strict=True):
                gradient.write(line, d, old + Lanes(builder, builder.load(total)))
            return context.get_dummy_value()

        return types.void(P, types.intp, R, types.intp, G), generate

    return outer


_product_4, _product_2 = _product(_CLASSES), _product(2)
_outer_4, _outer_2, _outer_1 = _outer(VECTORS, _CLASSES), _outer(2, _CLASSES), _outer(1, 8)
