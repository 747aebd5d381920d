"""Arrays of which only the entries that are asked for are made.

A layer of a network may have a million weights. A line about it is checked at a few places, each of
which needs a few hundred of them: so numbers become decimals, and definitions values, one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pminusy.derivation.engine.decimals import decimals

__all__ = ["DefinedEntries", "GivenEntries", "MovedEntry"]

Place = tuple[int, ...]


class GivenEntries:
    """Decimals of the very float64 given; `instead` has entries of its own.

    Parameters
    ----------
    array
        Anything with a shape, indexed by a place.
    instead
        Decimals that stand for some of its entries.
    """

    def __init__(self, array: Any, instead: Mapping[Place, Any] | None = None) -> None:
        self._array, self._instead = array, instead or {}
        self.shape: Place = array.shape

    def __getitem__(self, place: Place) -> Any:
        found = self._instead.get(place)
        return decimals.mpf(float(self._array[place])) if found is None else found


class DefinedEntries:
    """Entries of a definition, each computed when it is first asked for."""

    def __init__(self, shape: Place, compute: Callable[[Place], Any]) -> None:
        self.shape, self._compute = shape, compute
        self._made: dict[Place, Any] = {}

    def __getitem__(self, place: Place) -> Any:
        if place not in self._made:
            self._made[place] = self._compute(place)
        return self._made[place]


class MovedEntry:
    """Another array with one entry changed."""

    def __init__(self, base: Any, place: Place, value: Any) -> None:
        self._base, self._place, self._value = base, place, value
        self.shape: Place = base.shape

    def __getitem__(self, place: Place) -> Any:
        return self._value if place == self._place else self._base[place]
