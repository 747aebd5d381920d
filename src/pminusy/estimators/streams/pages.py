"""Pages of a memmap that were read, given back: else the whole file ends up resident."""

from __future__ import annotations

import mmap
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pminusy.estimators.rows import is_sparse

__all__ = ["forget_pages"]

_FORGET = getattr(mmap, "MADV_DONTNEED", None)
_PAGE = mmap.PAGESIZE


def forget_pages(array: Any, rows: slice) -> None:
    """Let the system take back the pages of some rows of a memmap, or of a CSR of memmaps.

    They are read again when they are wanted. Anything else is left alone, and so is a memmap with
    mode "c": what was written to it is nowhere else.
    """
    if is_sparse(array):
        first, last = (int(array.indptr[min(i, array.shape[0])]) for i in (rows.start, rows.stop))
        for part in (array.data, array.indices):
            _forget(part[first:last])
    elif isinstance(array, np.ndarray):
        _forget(array[rows])


def _forget(part: NDArray[Any]) -> None:
    mapped, writes = _mapping(part)
    if _FORGET is None or mapped is None or writes or not part.flags.c_contiguous:
        return
    begin = np.frombuffer(mapped, np.uint8).ctypes.data
    first = (part.ctypes.data - begin) // _PAGE * _PAGE  # the mapping begins with a page
    last = (part.ctypes.data - begin + part.nbytes) // _PAGE * _PAGE
    if last > first:
        mapped.madvise(_FORGET, first, last - first)


def _mapping(array: Any) -> tuple[mmap.mmap | None, bool]:
    """What maps the file, and whether what is written stays in memory alone."""
    private = False
    while isinstance(array, np.ndarray):
        private = private or getattr(array, "mode", None) == "c"
        array = array.base
    return (array if isinstance(array, mmap.mmap) else None), private
