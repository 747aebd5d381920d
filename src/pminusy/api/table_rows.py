"""Rows of a table, as text and as numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import polars as pl

__all__ = ["TableRows"]


@dataclass(frozen=True, slots=True, eq=False)
class TableRows:
    """Some rows of a table, as text and as numbers."""

    frame: pl.DataFrame
    index: NDArray[np.intp]  # (n,) which rows of the table, from 0
    X: NDArray[np.float64]  # (n, D)
    y: NDArray[np.intp]  # (n,)
    weight: NDArray[np.float64]  # (n,)
    notes: tuple[str, ...]
