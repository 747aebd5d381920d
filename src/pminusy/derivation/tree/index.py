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
    """The index `stride · index ± by`; a quantity is 0 where that is outside its range."""

    index: Index
    by: Index
    stride: int = 1
    backwards: bool = False


Slot = Index | int | Offset
