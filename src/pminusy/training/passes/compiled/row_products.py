"""Products of training: a tile of rows of X with the weights, and of residuals with X.

The rows of a tile are given by their numbers, `at` (64,), of which n count; whatever is on logits
is laid out classes first, (K, 64).

- Dense rows of few features: see `few_features`, whose scratch `P` and `F` is empty elsewhere.
- Other dense rows: register tiles of 4 rows × 5 classes over the features, which LLVM vectorises
  for the processor at hand. The 64 rows stay in the second-level cache between the two products.
- Sparse rows: W and G are (D, K) with K rounded up to whole vectors (`PADDING`),
  so an entry of X costs one read of a row of W. LLVM's vectoriser makes a mess of loops that
  short, hence the two loops over entries are written in its own vectors.
- X is read in its own type and converted in registers: integer or float32 data never gets a wider
  copy. The type of W is the type of the arithmetic.
"""

# Hand-unrolled tiles repeat themselves on purpose: LLVM keeps scalars in registers, not arrays.
from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload

from pminusy.kernels.runtime.compilation import fast_inline
from pminusy.training.passes.compiled.few_features import Few, few_outer, few_products
from pminusy.training.passes.specification import PADDING

__all__ = ["backward", "forward", "gather_row", "scatter_row"]


def forward(X: Any, W: Any, b: Any, at: Any, n: int, P: Any, F: Any, T: Any) -> None:
    """T (K, 64) = W times the n rows, + b."""
    raise NotImplementedError("only inside compiled functions")


def backward(X: Any, R: Any, at: Any, n: int, P: Any, G: Any, square: bool) -> None:
    """G += R (K, 64) times the n rows, or times their squares."""
    raise NotImplementedError("only inside compiled functions")


@overload(forward)
def _forward_overload(X: Any, W: Any, b: Any, at: Any, n: Any, P: Any, F: Any, T: Any) -> Any:
    ways = _forward_few, _forward_dense, _forward_sparse
    return ways[_way(X)]


@overload(backward)
def _backward_overload(X: Any, R: Any, at: Any, n: Any, P: Any, G: Any, square: Any) -> Any:
    ways = _backward_few, _backward_dense, _backward_sparse
    return ways[_way(X)]


def _way(X: Any) -> int:
    """Few features, dense or sparse, by the type of X."""
    if isinstance(X, types.Array):
        return 1
    return 0 if X.instance_class is Few else 2


def _forward_few(X: Any, W: Any, b: Any, at: Any, n: Any, P: Any, F: Any, T: Any) -> Any:
    return few_products(P, F, W, b, T)


def _forward_dense(X: Any, W: Any, b: Any, at: Any, n: Any, P: Any, F: Any, T: Any) -> Any:
    return _dense_products(X, W, b, at, n, T)


def _forward_sparse(X: Any, W: Any, b: Any, at: Any, n: Any, P: Any, F: Any, T: Any) -> Any:
    return _sparse_products(X.data, X.indices, X.indptr, W, b, at, n, T)


def _backward_few(X: Any, R: Any, at: Any, n: Any, P: Any, G: Any, square: Any) -> Any:
    if square:
        for i in range(P.shape[0]):
            for d in range(P.shape[1]):
                P[i, d] *= P[i, d]
    return few_outer(P, R, G)


def _backward_dense(X: Any, R: Any, at: Any, n: Any, P: Any, G: Any, square: Any) -> Any:
    if square:
        return _dense_squares(X, R, at, n, G)
    return _dense_outer(X, R, at, n, G)


def _backward_sparse(X: Any, R: Any, at: Any, n: Any, P: Any, G: Any, square: Any) -> Any:
    return _sparse_outer(X.data, X.indices, X.indptr, R, at, n, G, square)


# Dense rows --------------------------------------------------------------------------------------


@fast_inline
def _dense_products(X: Any, W: Any, b: Any, at: Any, n: Any, T: Any) -> None:
    K, D = W.shape
    zero = W.dtype.type(0)
    n4, K5 = n - n % 4, K - K % 5
    for k in range(0, K5, 5):
        for i in range(0, n4, 4):
            i0, i1, i2, i3 = at[i], at[i + 1], at[i + 2], at[i + 3]
            a0 = a1 = a2 = a3 = c0 = c1 = c2 = c3 = d0 = d1 = d2 = d3 = zero
            e0 = e1 = e2 = e3 = g0 = g1 = g2 = g3 = zero
            for d in range(D):
                x0, x1, x2, x3 = X[i0, d], X[i1, d], X[i2, d], X[i3, d]
                w = W[k, d]
                a0 += w * x0
                a1 += w * x1
                a2 += w * x2
                a3 += w * x3
                w = W[k + 1, d]
                c0 += w * x0
                c1 += w * x1
                c2 += w * x2
                c3 += w * x3
                w = W[k + 2, d]
                d0 += w * x0
                d1 += w * x1
                d2 += w * x2
                d3 += w * x3
                w = W[k + 3, d]
                e0 += w * x0
                e1 += w * x1
                e2 += w * x2
                e3 += w * x3
                w = W[k + 4, d]
                g0 += w * x0
                g1 += w * x1
                g2 += w * x2
                g3 += w * x3
            T[k, i], T[k, i + 1], T[k, i + 2], T[k, i + 3] = a0, a1, a2, a3
            T[k + 1, i], T[k + 1, i + 1], T[k + 1, i + 2], T[k + 1, i + 3] = c0, c1, c2, c3
            T[k + 2, i], T[k + 2, i + 1], T[k + 2, i + 2], T[k + 2, i + 3] = d0, d1, d2, d3
            T[k + 3, i], T[k + 3, i + 1], T[k + 3, i + 2], T[k + 3, i + 3] = e0, e1, e2, e3
            T[k + 4, i], T[k + 4, i + 1], T[k + 4, i + 2], T[k + 4, i + 3] = g0, g1, g2, g3
    for k in range(K5, K):
        for i in range(0, n4, 4):
            i0, i1, i2, i3 = at[i], at[i + 1], at[i + 2], at[i + 3]
            a0 = a1 = a2 = a3 = zero
            for d in range(D):
                w = W[k, d]
                a0 += w * X[i0, d]
                a1 += w * X[i1, d]
                a2 += w * X[i2, d]
                a3 += w * X[i3, d]
            T[k, i], T[k, i + 1], T[k, i + 2], T[k, i + 3] = a0, a1, a2, a3
    for i in range(n4, n):
        for k in range(K):
            a = zero
            for d in range(D):
                a += W[k, d] * X[at[i], d]
            T[k, i] = a
    for k in range(K):
        for i in range(n):
            T[k, i] += b[k]


@fast_inline
def _dense_outer(X: Any, R: Any, at: Any, n: Any, G: Any) -> None:
    K, D = G.shape
    n4, K5 = n - n % 4, K - K % 5
    for k in range(0, K5, 5):
        for i in range(0, n4, 4):
            i0, i1, i2, i3 = at[i], at[i + 1], at[i + 2], at[i + 3]
            a0, a1, a2, a3 = R[k, i], R[k, i + 1], R[k, i + 2], R[k, i + 3]
            c0, c1, c2, c3 = R[k + 1, i], R[k + 1, i + 1], R[k + 1, i + 2], R[k + 1, i + 3]
            d0, d1, d2, d3 = R[k + 2, i], R[k + 2, i + 1], R[k + 2, i + 2], R[k + 2, i + 3]
            e0, e1, e2, e3 = R[k + 3, i], R[k + 3, i + 1], R[k + 3, i + 2], R[k + 3, i + 3]
            g0, g1, g2, g3 = R[k + 4, i], R[k + 4, i + 1], R[k + 4, i + 2], R[k + 4, i + 3]
            for d in range(D):
                x0, x1, x2, x3 = X[i0, d], X[i1, d], X[i2, d], X[i3, d]
                G[k, d] += a0 * x0 + a1 * x1 + a2 * x2 + a3 * x3
                G[k + 1, d] += c0 * x0 + c1 * x1 + c2 * x2 + c3 * x3
                G[k + 2, d] += d0 * x0 + d1 * x1 + d2 * x2 + d3 * x3
                G[k + 3, d] += e0 * x0 + e1 * x1 + e2 * x2 + e3 * x3
                G[k + 4, d] += g0 * x0 + g1 * x1 + g2 * x2 + g3 * x3
    for k in range(K5, K):
        for i in range(0, n4, 4):
            i0, i1, i2, i3 = at[i], at[i + 1], at[i + 2], at[i + 3]
            a0, a1, a2, a3 = R[k, i], R[k, i + 1], R[k, i + 2], R[k, i + 3]
            for d in range(D):
                G[k, d] += a0 * X[i0, d] + a1 * X[i1, d] + a2 * X[i2, d] + a3 * X[i3, d]
    for i in range(n4, n):
        for k in range(K):
            a0 = R[k, i]
            for d in range(D):
                G[k, d] += a0 * X[at[i], d]


@fast_inline
def _dense_squares(X: Any, R: Any, at: Any, n: Any, G: Any) -> None:
    for k in range(R.shape[0]):
        for i in range(n):
            r = R[k, i]
            for d in range(X.shape[1]):
                x = R.dtype.type(X[at[i], d])
                G[k, d] += r * (x * x)


# Sparse rows -------------------------------------------------------------------------------------


def _walk(vectors: int, *, add: bool) -> Any:
    """Walk the entries x_j of a sparse row with `vectors` · PADDING classes, from class k0 on.

    Adds W[j, k0:] x_j into z[k0:] or, with `add`, z[k0:] x_j into W[j, k0:].
    One vector of LLVM holds all the classes; the compiler cuts it into the processor's.
    """
    width = vectors * PADDING

    @intrinsic
    def walk(
        typing: Any, W: Any, data: Any, indices: Any, first: Any, last: Any, k0: Any, z: Any
    ) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            def array(i: int) -> Any:
                return context.make_array(signature.args[i])(context, builder, arguments[i])

            def vector_at(array: Any, offset: Any) -> Any:
                return builder.bitcast(builder.gep(array.data, [offset]), ir.PointerType(vector))

            def entry(array: Any, source: Any, result: Any) -> Any:
                value = builder.load(builder.gep(array.data, [e]))
                return context.cast(builder, value, source, result)

            weights, entries, columns_of, row = array(0), array(1), array(2), array(6)
            number = context.get_value_type(W.dtype)
            vector, size = ir.VectorType(number, width), context.get_abi_sizeof(number)
            same = ir.Constant(ir.VectorType(ir.IntType(32), width), [0] * width)
            nothing = ir.Constant(vector, ir.Undefined)
            first, last, k0 = arguments[3:6]
            length = builder.extract_value(weights.shape, 1)
            place = vector_at(row, k0)
            kept = builder.load(place, align=size)
            total = cgutils.alloca_once_value(builder, kept)
            with cgutils.for_range(builder, builder.sub(last, first)) as loop:
                e = builder.add(first, loop.index)
                x = entry(entries, data.dtype, W.dtype)
                j = entry(columns_of, indices.dtype, types.intp)
                x = builder.insert_element(nothing, x, ir.Constant(ir.IntType(32), 0))
                x = builder.shuffle_vector(x, nothing, same)
                there = vector_at(weights, builder.add(builder.mul(j, length), k0))
                w = builder.load(there, align=size)
                left, right = (w, kept) if add else (builder.load(total), w)
                product = builder.fmul(x, right, flags=("contract",))
                found = builder.fadd(left, product, flags=("contract",))
                if add:
                    builder.store(found, there, align=size)
                else:
                    builder.store(found, total)
            if not add:
                builder.store(builder.load(total), place, align=size)
            return context.get_dummy_value()

        arguments = (W, data, indices, types.intp, types.intp, types.intp, z)
        return types.void(*arguments), generate

    return walk


_gather_4, _gather_2, _gather_1 = (_walk(v, add=False) for v in (4, 2, 1))
_scatter_4, _scatter_2, _scatter_1 = (_walk(v, add=True) for v in (4, 2, 1))


@fast_inline
def gather_row(W: Any, data: Any, indices: Any, first: Any, last: Any, z: Any) -> None:
    """z += x W for a sparse row x."""
    padded, k0 = W.shape[1], 0
    while padded - k0 >= 4 * PADDING:
        _gather_4(W, data, indices, first, last, k0, z)
        k0 += 4 * PADDING
    if padded - k0 >= 2 * PADDING:
        _gather_2(W, data, indices, first, last, k0, z)
        k0 += 2 * PADDING
    if padded - k0 >= PADDING:
        _gather_1(W, data, indices, first, last, k0, z)


@fast_inline
def scatter_row(G: Any, data: Any, indices: Any, first: Any, last: Any, r: Any) -> None:
    """G += x rᵀ for a sparse row x."""
    padded, k0 = G.shape[1], 0
    while padded - k0 >= 4 * PADDING:
        _scatter_4(G, data, indices, first, last, k0, r)
        k0 += 4 * PADDING
    if padded - k0 >= 2 * PADDING:
        _scatter_2(G, data, indices, first, last, k0, r)
        k0 += 2 * PADDING
    if padded - k0 >= PADDING:
        _scatter_1(G, data, indices, first, last, k0, r)


@fast_inline
def _sparse_products(
    data: Any, indices: Any, indptr: Any, W: Any, b: Any, at: Any, n: Any, T: Any
) -> None:
    K = b.size
    z = np.zeros(W.shape[1], W.dtype)
    for i in range(n):
        first, last = indptr[at[i]], indptr[at[i] + 1]
        z[:] = 0
        gather_row(W, data, indices, first, last, z)
        for k in range(K):
            T[k, i] = z[k] + b[k]


@fast_inline
def _sparse_outer(
    data: Any, indices: Any, indptr: Any, R: Any, at: Any, n: Any, G: Any, square: Any
) -> None:
    K, padded = R.shape[0], G.shape[1]
    r = np.zeros(padded, R.dtype)
    longest = 0
    for i in range(n):
        longest = max(longest, indptr[at[i] + 1] - indptr[at[i]])
    squares = np.empty(longest if square else 0, R.dtype)
    for i in range(n):
        first, last = indptr[at[i]], indptr[at[i] + 1]
        for k in range(K):
            r[k] = R[k, i]
        if square:
            for e in range(first, last):
                x = R.dtype.type(data[e])
                squares[e - first] = x * x
            scatter_row(G, squares, indices[first:last], 0, last - first, r)
        else:
            scatter_row(G, data, indices, first, last, r)
