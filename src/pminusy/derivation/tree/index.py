"""Indices: running letters with the set each runs through."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Index", "Offset", "Slot"]


@dataclass(frozen=True)
class Index:
    """A running letter and the set it runs through: "K" classes, "D" features, "N" samples."""

    name: str
    space: str = "K"


@dataclass(frozen=True)
class Offset:
    """The index Σ factor · index + shift, such as 2q + e − 1.

    A quantity is 0 where that is outside its range: so padding needs no letter of its own.
    """

    terms: tuple[tuple[int, Index], ...]
    shift: int = 0


Slot = Index | int | Offset
