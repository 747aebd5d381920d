"""Matrix products by BLAS, called from compiled code without the interpreter.

SciPy exports its BLAS for this. Kernels take the address of ?gemm as a number: an address compiled
in would be wrong in the next process. Matrices lie row after row; BLAS, which counts columns first,
sees them transposed and makes the transposed product.
"""

# Numba infers the types of what it compiles; annotations would have no effect there.
from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import get_cython_function_address, intrinsic

from pminusy.kernels.runtime.compilation import fast_inline

__all__ = ["gemm_address", "product", "product_of_transposed", "product_with_transposed"]

_BYTE, _INT = ir.IntType(8), ir.IntType(32)
_PLAIN, _TRANSPOSED = ord("N"), ord("T")


def gemm_address(dtype: Any) -> int:
    """Address of BLAS's product of matrices of a type."""
    name = "sgemm" if np.dtype(dtype) == np.float32 else "dgemm"
    return int(get_cython_function_address("scipy.linalg.cython_blas", name))


@fast_inline
def product(blas: Any, n: Any, inner: Any, m: Any, A: Any, a: Any, B: Any, b: Any, C: Any, c: Any):  # type: ignore[no-untyped-def]
    """C (n, m) = A (n, inner) B (inner, m), each from a place in a line of memory."""
    one, zero = C.dtype.type(1), C.dtype.type(0)
    _gemm(blas, _PLAIN, _PLAIN, m, n, inner, one, B, b, m, A, a, inner, zero, C, c, m)


@fast_inline
def product_with_transposed(  # type: ignore[no-untyped-def]
    blas: Any, n: Any, inner: Any, m: Any, A: Any, a: Any, B: Any, b: Any, C: Any, c: Any
):
    """C (n, m) = A (n, inner) Bᵀ for B (m, inner)."""
    one, zero = C.dtype.type(1), C.dtype.type(0)
    _gemm(blas, _TRANSPOSED, _PLAIN, m, n, inner, one, B, b, inner, A, a, inner, zero, C, c, m)


@fast_inline
def product_of_transposed(  # type: ignore[no-untyped-def]
    blas: Any, n: Any, inner: Any, m: Any, A: Any, a: Any, wide: Any, B: Any, b: Any, C: Any,
    c: Any, add: Any,
):  # fmt: skip
    """C (n, m) = Aᵀ B, added to C if `add`, for A (inner, n) in lines of `wide`, B (inner, m)."""
    one, before = C.dtype.type(1), C.dtype.type(add)
    _gemm(blas, _PLAIN, _TRANSPOSED, m, n, inner, one, B, b, m, A, a, wide, before, C, c, m)


@intrinsic
def _gemm(
    typing: Any, address: Any, first: Any, second: Any, m: Any, n: Any, k: Any, alpha: Any,
    A: Any, a: Any, lda: Any, B: Any, b: Any, ldb: Any, beta: Any, C: Any, c: Any, ldc: Any,
) -> Any:  # fmt: skip
    """BLAS's ?gemm, in its own order of arguments; a place in memory after each matrix."""
    whole, number = types.intp, A.dtype
    matrix = (A, whole, whole)
    signature = types.void(*[whole] * 6, number, *matrix, *matrix, number, *matrix)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        def stored(value: Any, kind: Any = None) -> Any:
            if kind is not None:
                value = builder.trunc(value, kind)
            place = cgutils.alloca_once(builder, value.type)
            builder.store(value, place)
            return place

        def address_of(array: Any, place: Any) -> Any:
            return builder.gep(context.make_array(A)(context, builder, array).data, [place])

        _, first, second, m, n, k, alpha, A_, a, lda, B_, b, ldb, beta, C_, c, ldc = arguments
        given = [
            stored(first, _BYTE), stored(second, _BYTE), *(stored(x, _INT) for x in (m, n, k)),
            stored(alpha), address_of(A_, a), stored(lda, _INT), address_of(B_, b),
            stored(ldb, _INT), stored(beta), address_of(C_, c), stored(ldc, _INT),
        ]  # fmt: skip
        kind = ir.FunctionType(ir.VoidType(), [value.type for value in given])
        builder.call(builder.inttoptr(arguments[0], kind.as_pointer()), given)
        return context.get_dummy_value()

    return signature, generate
