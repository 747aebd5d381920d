"""What can be said for certain about a difference that no mistake of the catalogue explains."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

__all__ = ["describe"]

_CLOSE = 1e-5


def describe(
    seen: Any, right: Any, sizes: Mapping[str, int], y: Any = None, *, factors: bool = True
) -> str:
    """One clause: a factor, a sign, an offset, certain columns or rows, or only how large it is.

    Parameters
    ----------
    seen, right
        What was returned and what is right, of the same shape; (classes, …) for weights.
    sizes
        Letters and their sizes, N, D, K, to name a factor by.
    y
        Labels, to see whether only the true class's entries differ, where rows are samples.
    factors
        Whether to say by which factor. Of one number there always is one: whoever asks says it only
        where it is the same on several inputs.
    """
    seen, right = np.asarray(seen, dtype=np.float64), np.asarray(right, dtype=np.float64)
    if seen.shape != right.shape:
        return f"has the shape {seen.shape} where {right.shape} is right"
    if not np.isfinite(seen).all():
        return f"contains {'nan' if np.isnan(seen).any() else 'inf'}"
    factor = _factor(seen, right)
    if factor == 0.0:
        return "is 0 everywhere, and should not be"
    factor = factor if factors else None
    if factor is not None:
        return f"is {_named(factor, sizes)} times the right value"
    if seen.ndim == 0:
        return f"differs: {float(seen):.6g} where {float(right):.6g} is right"
    different = np.abs(seen - right) > _CLOSE * max(np.abs(right).max(), 1e-300)
    offset = seen - right
    if np.ptp(offset) <= _CLOSE * max(np.abs(offset).max(), 1e-300):
        return f"differs by the same number everywhere, {offset.flat[0]:.6g}"
    where = _where(different, y)
    part = _factor(seen[different], right[different]) if factors else None
    by = "" if part is None else f", by the factor {_named(part, sizes)}"
    return f"differs {where}{by}"


def _where(different: Any, y: Any) -> str:
    total, count = different.size, int(different.sum())
    if different.ndim == 2:
        rows, columns = different.any(1), different.any(0)
        if y is not None and len(y) == len(different):
            own = np.zeros_like(different)
            own[np.arange(len(y)), y] = True
            if (different == own).all():
                return "only at the true class of each row"
            if not different[own].any():
                return "everywhere but at the true class of each row"
        if rows.sum() < len(rows):
            return f"only in {_listed('row', rows)}"
        if columns.sum() < len(columns):
            return f"only in {_listed('column', columns)}"
    elif different.ndim == 1 and count < total:
        return f"only in {_listed('entry', different).replace('entrys', 'entries')}"
    return "everywhere" if count == total else f"in {count} of {total} entries"


def _listed(word: str, mask: Any) -> str:
    numbers = [str(i) for i in np.flatnonzero(mask)]
    plural = "" if len(numbers) == 1 else "s"
    return f"{word}{plural} {', '.join(numbers[:6])}{', …' if len(numbers) > 6 else ''}"


def _factor(seen: Any, right: Any) -> float | None:
    """The one number that seen is of right, if there is one."""
    seen, right = np.ravel(seen), np.ravel(right)
    large = np.abs(right) > 1e-12
    if not large.any() or np.abs(seen[~large]).max(initial=0.0) > 1e-12:
        return None
    ratios = seen[large] / right[large]
    return float(ratios[0]) if np.ptp(ratios) <= _CLOSE * max(abs(ratios[0]), 1e-300) else None


def _named(factor: float, sizes: Mapping[str, int]) -> str:
    """A factor by its letter, where no other letter has the same value."""
    named = {float(size): letter for letter, size in sizes.items()}
    for value, letter in named.items():
        for power, words in (
            (value, letter),
            (1 / value, f"1/{letter}"),
            (1 / value**2, f"1/{letter}²"),
        ):
            for sign, mark in ((1, ""), (-1, "−")):
                if value > 1 and abs(factor - sign * power) <= _CLOSE * abs(power):
                    return f"{mark}{words}"
    return f"{factor:.6g}".replace("-", "−")
