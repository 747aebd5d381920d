"""Messages between the checker and a submission's process: JSON and raw arrays, sizes bounded.

A frame is `u32 length · JSON header · array bytes`. The header lists each array's type and shape,
so the size of everything is known, and refused, before it is read. No pickles in either direction.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["LARGEST_ARRAYS", "ForgedMessage", "pack", "unpack"]

Message = dict[str, Any]
Array = np.ndarray[Any, Any]

LARGEST_HEADER = 32 * 1024 * 1024  # bytes: the largest notebook, escaped
LARGEST_REPLY_HEADER = 1024 * 1024
LARGEST_ARRAYS = 8 * 1024 * 1024
_MOST_ARRAYS, _MOST_AXES = 256, 8
_TYPES = {np.dtype(t).str: np.dtype(t) for t in ("?", "b", "B", "h", "H", "i", "I", "l", "L")}
_TYPES |= {np.dtype(t).str: np.dtype(t) for t in ("e", "f", "d")}


class ForgedMessage(ValueError):
    """A frame that `pack` does not make."""


def pack(message: Message, arrays: list[Array]) -> bytes:
    """One frame of a message and its arrays."""
    arrays = [np.asarray(array, order="C") for array in arrays]
    heads = [{"dtype": array.dtype.str, "shape": list(array.shape)} for array in arrays]
    header = json.dumps({"message": message, "arrays": heads}).encode("ascii")
    return b"".join(
        [struct.pack("<I", len(header)), header, *(array.tobytes() for array in arrays)]
    )


def unpack(
    read: Callable[[int], bytes], largest_header: int = LARGEST_REPLY_HEADER
) -> tuple[Message, list[Array]]:
    """Read one frame; `read(n)` returns exactly n bytes or raises.

    Raises
    ------
    ForgedMessage
        The frame is too large, not JSON, or its arrays are not plain numbers.
    """
    (length,) = struct.unpack("<I", read(4))
    if length > largest_header:
        raise ForgedMessage(f"a header of {length} bytes")
    try:
        header = json.loads(read(length))
        message, heads = header["message"], header["arrays"]
        kinds = [(_TYPES[head["dtype"]], _shape(head["shape"])) for head in heads[:_MOST_ARRAYS]]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ForgedMessage(f"a header that is not one ({type(error).__name__})") from None
    if not isinstance(message, dict) or len(heads) > _MOST_ARRAYS:
        raise ForgedMessage("a header that is not one")
    if sum(dtype.itemsize * math.prod(shape) for dtype, shape in kinds) > LARGEST_ARRAYS:
        raise ForgedMessage("arrays larger than an answer may be")
    return message, [_array(read, dtype, shape) for dtype, shape in kinds]


def _shape(sizes: Any) -> tuple[int, ...]:
    shape = tuple(sizes)
    if len(shape) > _MOST_AXES or any(
        type(size) is not int or not 0 <= size <= LARGEST_ARRAYS for size in shape
    ):
        raise ValueError("not a shape")
    return shape


def _array(read: Callable[[int], bytes], dtype: np.dtype[Any], shape: tuple[int, ...]) -> Array:
    data = read(dtype.itemsize * math.prod(shape))
    return np.frombuffer(data, dtype).reshape(shape).copy()
