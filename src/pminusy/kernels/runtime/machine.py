"""Operations of the machine that Numba has no word for: C functions, atomic words, addresses.

A task of several threads is a C function `void (int64 *task)`: what it works on stands in an array
of 64-bit integers, numbers and addresses. It calls nothing of Python's, so any thread may run it,
also one that the interpreter does not know.
"""

# Numba infers the types of what it compiles; annotations would have no effect there.
# mypy: ignore-errors

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.arrayobj import populate_array

__all__ = [
    "add_atomically",
    "address_of",
    "array_at",
    "call_lock",
    "call_task",
    "loaded",
    "place_of",
    "replaced",
    "stored",
]

_WORD = ir.IntType(64)
_TASK = types.CPointer(types.int64)


@intrinsic
def add_atomically(typing_context: Any, words: Any, i: Any, n: Any) -> Any:
    """`words[i] += n` as one step; the value before. `words` is a pointer."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        return builder.atomic_rmw("add", builder.gep(given[0], [given[1]]), given[2], "seq_cst")

    return types.int64(_TASK, types.int64, types.int64), generate


def _word(builder: Any, address: Any, i: Any) -> Any:
    """Pointer to word i of those at an address."""
    return builder.gep(builder.inttoptr(address, _WORD.as_pointer()), [i])


@intrinsic
def replaced(typing_context: Any, address: Any, i: Any, old: Any, new: Any) -> Any:
    """Whether word i at an address was `old`; if so it is `new` now, as one step."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        place = _word(builder, *given[:2])
        found = builder.cmpxchg(place, given[2], given[3], "seq_cst", "seq_cst")
        return builder.extract_value(found, 1)

    return types.boolean(*[types.int64] * 4), generate


@intrinsic
def loaded(typing_context: Any, address: Any, i: Any) -> Any:
    """Word i at an address as it is now, whoever wrote it."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        return builder.load_atomic(_word(builder, *given), "seq_cst", 8)

    return types.int64(types.int64, types.int64), generate


@intrinsic
def stored(typing_context: Any, address: Any, i: Any, value: Any) -> Any:
    """Set word i at an address, to be seen by whoever loads it."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        builder.store_atomic(given[2], _word(builder, *given[:2]), "seq_cst", 8)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 3), generate


@intrinsic
def address_of(typing_context: Any, words: Any) -> Any:
    """Where the words of a pointer are."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        return builder.ptrtoint(given[0], _WORD)

    return types.int64(_TASK), generate


@intrinsic
def place_of(typing_context: Any, array: Any) -> Any:
    """Where the memory of an array begins."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        return builder.ptrtoint(context.make_array(array)(context, builder, given[0]).data, _WORD)

    return types.int64(array), generate


@intrinsic
def array_at(typing_context: Any, address: Any, shape: Any, dtype: Any) -> Any:
    """C-contiguous array of a shape (a tuple) and type over memory at an address."""
    array = types.Array(dtype.dtype, shape.count, "C")

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        made = context.make_array(array)(context, builder)
        item = context.get_abi_sizeof(context.get_data_type(array.dtype))
        lengths = cgutils.unpack_tuple(builder, given[1])
        strides = [ir.Constant(_WORD, item)]
        for length in reversed(lengths[1:]):
            strides.insert(0, builder.mul(strides[0], length))
        data = builder.inttoptr(given[0], context.get_data_type(array.dtype).as_pointer())
        size = ir.Constant(_WORD, item)
        populate_array(made, data, lengths, strides, size, None)
        return made._getvalue()

    return array(types.int64, shape, dtype), generate


@intrinsic
def call_task(typing_context: Any, function: Any, task: Any) -> Any:
    """Call the C function at an address with the task at another."""
    kind = ir.FunctionType(ir.VoidType(), [ir.IntType(64).as_pointer()]).as_pointer()

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        function = builder.inttoptr(given[0], kind)
        builder.call(function, [builder.inttoptr(given[1], _WORD.as_pointer())])
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), generate


@intrinsic
def call_lock(typing_context: Any, function: Any, lock: Any, microseconds: Any) -> Any:
    """Call `PyThread_acquire_lock_timed` (−1: without end) or `PyThread_release_lock`.

    The latter takes one argument alone, and by every C calling convention ignores the others.
    """
    arguments = [ir.IntType(8).as_pointer(), _WORD, ir.IntType(32)]
    kind = ir.FunctionType(ir.IntType(32), arguments).as_pointer()

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        function = builder.inttoptr(given[0], kind)
        lock = builder.inttoptr(given[1], ir.IntType(8).as_pointer())
        builder.call(function, [lock, given[2], ir.Constant(ir.IntType(32), 0)])
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64), generate
