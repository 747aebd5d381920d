"""A line: sides with relations between them, for the choices of indices that it holds for."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pminusy.derivation.tree.index import Index, Slot
from pminusy.derivation.tree.nodes import Node, node

__all__ = ["Relation"]


@dataclass(frozen=True)
class Relation:
    """sides[0] signs[0] sides[1] …, for every value of the free indices that `conditions` allow.

    `conditions` holds pairs of indices with "=" or "≠" between them. The sign "⪯" compares
    symmetric matrices: right minus left is positive semi-definite.
    """

    sides: tuple[Node, ...]
    signs: tuple[str, ...]
    conditions: tuple[tuple[Index, str, Slot], ...] = ()

    @staticmethod
    def chain(*parts: Node | int | str) -> Relation:
        """`Relation.chain(0, "<", p[k], "≤", 1)`."""
        sides = tuple(node(part) for part in parts[::2] if not isinstance(part, str))
        return Relation(sides, tuple(str(sign) for sign in parts[1::2]))

    @staticmethod
    def equal(*sides: Node | int) -> Relation:
        """Chain of equalities."""
        return Relation(tuple(node(side) for side in sides), ("=",) * (len(sides) - 1))

    def where(self, left: Index, sign: str, right: Slot) -> Relation:
        """The same, for the indices alone that stand in this relation."""
        return replace(self, conditions=(*self.conditions, (left, sign, right)))
