"""What a column is to a model, by its type and its values: numbers, a category, or refused."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pminusy.errors import InputError
from pminusy.tables.untrusted import LARGEST
from pminusy.tables.wording import shown, word

__all__ = [
    "as_numbers",
    "as_text",
    "is_category",
    "is_number",
    "natural_order",
    "refuse_beyond",
    "refuse_nested",
    "type_name",
]

_TEXTS = (pl.String, pl.Categorical, pl.Enum)


def is_number(series: pl.Series) -> bool:
    """Tell whether a column holds numbers: whole, floating or decimal."""
    return series.dtype.is_numeric()


def is_category(series: pl.Series) -> bool:
    """Tell whether a column holds text, declared categories or booleans."""
    return isinstance(series.dtype, (*_TEXTS, pl.Boolean))


def type_name(series: pl.Series) -> str:
    """Name a type without its parameters: those of an Enum are as many as its categories."""
    return series.dtype.base_type().__name__


def as_text(series: pl.Series) -> pl.Series:
    """Return categories as text; booleans are "false" and "true"."""
    return series.cast(pl.String)


def as_numbers(series: pl.Series) -> NDArray[np.float64]:
    """Return a column as float64 (N,), NaN where missing.

    Raises
    ------
    InputError
        An infinite value, or one so large that sums would overflow, with the first such row.
    """
    values = series.cast(pl.Float64).to_numpy()
    refuse_beyond(values[None], [series])
    return values


def refuse_beyond(values: NDArray[np.float64], columns: Sequence[pl.Series]) -> None:
    """Refuse infinite numbers, and so large ones that sums would overflow, in columns (C, N).

    Raises
    ------
    InputError
        One such, with the first column and row.
    """
    with np.errstate(invalid="ignore"):
        beyond = np.abs(values) > LARGEST
    if beyond.any():
        column, row = (int(i) for i in np.argwhere(beyond)[0])
        raise InputError(
            f"column {shown(columns[column].name)}",
            f"finite numbers (up to {LARGEST:g} in size)",
            f"{values[column, row]} in row {row + 1:,}",
            "correct it, leave its cell empty, or drop the column",
        )


def refuse_nested(series: pl.Series) -> None:
    """Refuse types that no feature can be made of without a decision of the user's."""
    dtype, what = series.dtype, f"column {shown(series.name)}"
    if not (is_number(series) or is_category(series) or dtype.is_temporal() or dtype == pl.Null):
        remedy = f"make columns of numbers from it, or leave it out with --drop {word(series.name)}"
        raise InputError(
            what, "numbers, text or booleans", f"values of type {type_name(series)}", remedy
        )


def natural_order(values: Iterable[str]) -> list[str]:
    """Sort text as people do: "class 2" before "class 10".

    >>> natural_order(["b10", "b9", "a"])
    ['a', 'b9', 'b10']
    """
    return sorted(values, key=_natural_key)


def _natural_key(value: str) -> tuple[list[tuple[int, str]], str]:
    parts = re.split("([0-9]+)", value)
    # Digits compare by length, then as text: numbers of any size, without converting them.
    digits = (part.lstrip("0") for part in parts[1::2])
    numbers = [(len(part), part) for part in digits]
    words = [(0, part) for part in parts[::2]]
    key = [item for pair in zip(words, numbers, strict=False) for item in pair] + words[-1:]
    return key, value
