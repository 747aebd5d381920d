"""C-contiguous arrays: what compiled code reads and writes, whatever it is given."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["address", "c_contiguous", "deliver", "is_direct", "like"]

Array = NDArray[Any]


def c_contiguous(array: Array) -> Array:
    """The array itself, or a C-contiguous copy; as writable, for one signature."""
    if not is_direct(array):
        return array.copy(order="C")
    return array if array.flags.writeable else _as_writable(array)


def address(array: Array) -> int:
    """Where the memory of an array begins."""
    place: int = array.__array_interface__["data"][0]
    return place


def is_direct(array: Array) -> bool:
    """Whether compiled code can work on the memory of an array as it lies."""
    flags = array.flags
    return flags.c_contiguous and flags.aligned


class _as_writable_interface:
    def __init__(self, array: Array) -> None:
        self._array = array
        address, _ = array.__array_interface__["data"]
        self.__array_interface__ = {**array.__array_interface__, "data": (address, False)}


def _as_writable(array: Array) -> Array:
    """A view that Numba takes for writable: a kernel is compiled once, and never writes to z."""
    return np.asarray(_as_writable_interface(array))


def like(target: Array, apart_from: Array | None = None) -> Array:
    """A C-contiguous array for what is to end up in `target`: `target` itself, if it is one.

    With `apart_from`, one that shares no memory with that array. `deliver` puts it there.
    """
    if is_direct(target) and (apart_from is None or not np.may_share_memory(target, apart_from)):
        return target
    return np.empty(target.shape, target.dtype)


def deliver(result: Array, target: Array) -> None:
    """Copy a result that is not in `target` yet."""
    if result is not target:
        target[...] = result
