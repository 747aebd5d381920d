"""The few machine operations that the vector loops need and Python has no word for."""

# Numba infers the types of what it compiles; annotations would have no effect there.
# mypy: ignore-errors

from __future__ import annotations

from typing import Any

import numba
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

__all__ = ["add", "bits32", "bits64", "choose", "float32_of", "float64_of"]


def _reinterpreted(source: Any, result: Any) -> Any:
    """Make the function that reads the bits of a number as a number of another type."""

    @intrinsic
    def reinterpret(typing_context: Any, x: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return builder.bitcast(arguments[0], context.get_value_type(result))

        return result(source), generate

    return reinterpret


bits32 = _reinterpreted(types.float32, types.int32)
bits64 = _reinterpreted(types.float64, types.int64)
float32_of = _reinterpreted(types.int32, types.float32)
float64_of = _reinterpreted(types.int64, types.float64)


@intrinsic
def choose(typing_context: Any, condition: Any, a: Any, b: Any) -> Any:
    """`a if condition else b` without a branch: with both computed, a loop stays vectorised."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        condition, a, b = arguments
        if condition.type != ir.IntType(1):
            condition = builder.trunc(condition, ir.IntType(1))
        return builder.select(condition, a, b)

    return a(condition, a, a), generate


@numba.njit(nogil=True, fastmath={"reassoc", "nsz"}, forceinline=True)
def add(total: float, term: float) -> float:
    """`total + term` in a sum whose terms may be taken in any order, hence several at a time."""
    return total + term
