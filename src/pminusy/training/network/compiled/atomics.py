"""Counters that several threads change, and giving up the processor while waiting for one."""

# Numba infers the types of what it compiles; annotations would have no effect there.
from __future__ import annotations

import ctypes
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

__all__ = ["add_to", "read", "yield_address", "yield_processor"]


@intrinsic
def add_to(typing: Any, counters: Any, place: Any, value: Any) -> Any:
    """Add to a counter (int64) and return what it was, as one operation for all threads."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address = _address(context, builder, counters, arguments)
        return builder.atomic_rmw("add", address, arguments[2], "seq_cst")

    return types.int64(counters, types.intp, types.int64), generate


@intrinsic
def read(typing: Any, counters: Any, place: Any) -> Any:
    """A counter as it is now; what was written before it was raised is seen after this."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load_atomic(_address(context, builder, counters, arguments), "acquire", 8)

    return types.int64(counters, types.intp), generate


def _address(context: Any, builder: Any, counters: Any, arguments: Any) -> Any:
    data = context.make_array(counters)(context, builder, arguments[0]).data
    return builder.gep(data, [arguments[1]])


def yield_address() -> int:
    """Address of POSIX's sched_yield: kernels take it as a number, so that they can be kept."""
    found = ctypes.cast(ctypes.CDLL(None).sched_yield, ctypes.c_void_p).value
    assert found is not None
    return found


@intrinsic
def yield_processor(typing: Any, address: Any) -> Any:
    """Let another thread run."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = ir.FunctionType(cgutils.int32_t, [])
        builder.call(builder.inttoptr(arguments[0], kind.as_pointer()), [])
        return context.get_dummy_value()

    return types.void(types.intp), generate
