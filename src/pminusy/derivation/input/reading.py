"""What the reader gives, read one piece at a time: numbers, names and targets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pminusy.errors import InputError

__all__ = [
    "as_typed",
    "class_at",
    "class_named",
    "label_of",
    "masses",
    "names_of",
    "numbers",
    "typed_number",
]


def numbers(name: str, value: Any) -> Any:
    """Array of float64, of one axis or more and not empty."""
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(name, "numbers", repr(value)[:60]) from None
    if array.ndim == 0 or array.size == 0:
        raise InputError(name, "a list of numbers", f"shape {array.shape}")
    return array


def as_typed(value: Any, array: Any) -> Any:
    """The numbers as they were typed: 0.1 in a list is 1/10, and in an array the float next to it.

    `array` has them as float64; it is given back where nothing is gained.
    """
    if isinstance(value, np.ndarray) or not np.isfinite(array).all():
        return array
    listed = np.empty(array.shape, dtype=object)
    listed[...] = value
    if not all(type(entry) in (int, float) for entry in listed.ravel()):
        return array
    from pminusy.derivation.engine.decimals import decimals, working  # loads mpmath

    with working():
        exact = [decimals.mpf(repr(entry)) for entry in listed.ravel()]
    if all(entry == float(entry) for entry in exact):
        return array
    made = np.empty(array.size, dtype=object)
    made[:] = exact
    return made.reshape(array.shape)


def typed_number(value: float) -> Any:
    """One number as it was typed: 0.1 is 1/10."""
    from pminusy.derivation.engine.decimals import decimals, working  # loads mpmath

    with working():
        return decimals.mpf(repr(float(value)))


def names_of(what: str, names: Sequence[str] | None, otherwise: list[str]) -> tuple[str, ...]:
    """Names of classes or features, no two alike; `otherwise` where none are given."""
    if names is None:
        return tuple(otherwise)
    if isinstance(names, str):
        raise InputError(what, "a list of names", repr(names)[:60])
    if len(names) != len(otherwise):
        raise InputError(what, f"{len(otherwise)} names", f"{len(names)}")
    if what == "classes" and len(set(names)) != len(names):
        raise InputError(what, "names that differ", "one of them twice")
    return tuple(map(str, names))


def class_named(name: str, names: tuple[str, ...]) -> int:
    """Index of a class by its name; the closest one is suggested."""
    from difflib import get_close_matches

    if name in names:
        return names.index(name)
    if _is_number(name):
        expected = f"a class by name, or by its index from 0 to {len(names) - 1}"
        raise InputError("target", expected, repr(name), "an index is a whole number")
    close = get_close_matches(name, names, 1, cutoff=0.4)
    remedy = f"did you mean {close[0]!r}?" if close else f"the classes are {', '.join(names[:12])}"
    raise InputError("target", "the name or the index of a class", repr(name), remedy)


def _is_number(name: str) -> bool:
    try:
        float(name)
    except ValueError:
        return False
    return True


def class_at(y: Any, K: int) -> int:
    """Index of a class, checked."""
    if isinstance(y, bool) or not isinstance(y, int | np.integer) or not 0 <= y < K:
        raise InputError(
            "target", f"a class index from 0 to {K - 1}", str(y), "classes are counted from 0"
        )
    return int(y)


def label_of(y: Any, names: tuple[str, ...], ignore_index: int) -> int:
    """Index of a class given by name or index; −1 for a row to be ignored."""
    if isinstance(y, str):
        return class_named(y, names)
    whole = isinstance(y, int | np.integer) and not isinstance(y, bool)
    return -1 if whole and y == ignore_index else class_at(y, len(names))


def masses(y: Any, shape: tuple[int, ...], expected: str) -> Any:
    """Soft targets, finite and ≥ 0."""
    soft = numbers("y", y)
    if soft.shape != shape:
        raise InputError("y", expected, f"shape {soft.shape}")
    wrong = ~(np.isfinite(soft) & (soft >= 0))
    if wrong.any():
        place = ", ".join(map(str, np.argwhere(wrong)[0]))
        raise InputError(f"y[{place}]", "a finite target mass ≥ 0", f"{soft[wrong][0]:g}")
    return soft
