"""Tiles of training in LLVM's vectors: reading and writing them, and sums along their sides.

Numba unrolls sums over the 64 rows of a tile and then adds one number after another.
"""

# Numba infers the types of what it compiles; annotations would have no effect there.
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from pminusy.kernels.runtime.processor import has_feature
from pminusy.kernels.simd.vectors import Lanes, counted_loop, lanes_of, larger
from pminusy.training.passes.specification import TILE

__all__ = ["VECTORS", "Matrix", "class_maximum", "class_sum", "number", "row_dot", "row_sum"]


def _vectors() -> int:
    """Vectors of 64 bytes side by side in a register tile, by the processor's registers."""
    return 4 if has_feature("avx512f") else 1


VECTORS = _vectors()


class Matrix:
    """A C-contiguous array of two dimensions, as code that reads and writes it sees it."""

    def __init__(self, context: Any, builder: Any, kind: Any, value: Any) -> None:
        if kind.layout != "C":
            raise TypeError(f"tiles are read along contiguous rows, not in layout {kind.layout}")
        array = context.make_array(kind)(context, builder, value)
        self.builder, self.data = builder, array.data
        self.rows, self.columns = (builder.extract_value(array.shape, i) for i in range(2))

    def _place(self, row: Any, column: Any) -> Any:
        b = self.builder
        return b.gep(self.data, [b.add(b.mul(row, self.columns), column)])

    def one(self, row: Any, column: Any) -> Lanes:
        """One number."""
        return Lanes(self.builder, self.builder.load(self._place(row, column)))

    def _vector(self, row: Any, column: Any, count: int) -> Any:
        place = self._place(row, column)
        kind = ir.VectorType(place.type.pointee, count)
        return self.builder.bitcast(place, kind.as_pointer())

    def some(self, row: Any, column: Any, count: int) -> Lanes:
        """`count` numbers of a row, from a column on."""
        place = self._vector(row, column, count)
        return Lanes(self.builder, self.builder.load(place, align=1))

    def write(self, row: Any, column: Any, lanes: Lanes) -> None:
        """Write numbers of a row, from a column on."""
        self.builder.store(lanes.value, self._vector(row, column, lanes.count), align=1)

    def lines(self, first: Any, count: int) -> list[Any]:
        """Numbers of `count` rows, the last row once more where there are no others."""
        b, last = self.builder, self.builder.sub(self.rows, number(1))
        rows = [b.add(first, number(c)) for c in range(count)]
        return [b.select(b.icmp_signed("<", row, last), row, last) for row in rows]


def number(value: int) -> Any:
    """Integer of an address."""
    return ir.Constant(ir.IntType(64), value)


@intrinsic
def row_sum(typing: Any, T: Any, k: Any) -> Any:
    """Sum of row k of T (K, 64)."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        line = Matrix(context, builder, T, arguments[0]).some(arguments[1], number(0), TILE)
        return line.reduced(Lanes.__add__).value

    return T.dtype(T, types.intp), generate


@intrinsic
def row_dot(typing: Any, R: Any, A: Any, k: Any) -> Any:
    """Sum of the products in row k of R and of A (K, 64)."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        left, right = (
            Matrix(context, builder, signature.args[i], arguments[i]).some(
                arguments[2], number(0), TILE
            )
            for i in range(2)
        )
        return (left * right).reduced(Lanes.__add__).value

    return R.dtype(R, A, types.intp), generate


def _over_classes(join: Callable[[Lanes, Lanes], Lanes]) -> Any:
    @intrinsic
    def joined(typing: Any, T: Any, out: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            tile = Matrix(context, builder, T, arguments[0])
            found = context.make_array(out)(context, builder, arguments[1]).data
            count = VECTORS * lanes_of(context.get_value_type(T.dtype))
            for part in counted_loop(builder, number(TILE // count)):
                i = builder.mul(part, number(count))
                kept = cgutils.alloca_once_value(builder, tile.some(number(0), i, count).value)
                for k in counted_loop(builder, builder.sub(tile.rows, number(1))):
                    line = tile.some(builder.add(k, number(1)), i, count)
                    builder.store(join(Lanes(builder, builder.load(kept)), line).value, kept)
                result = builder.load(kept)
                place = builder.bitcast(builder.gep(found, [i]), result.type.as_pointer())
                builder.store(result, place, align=1)
            return context.get_dummy_value()

        return types.void(T, out), generate

    return joined


class_maximum, class_sum = _over_classes(larger), _over_classes(Lanes.__add__)
