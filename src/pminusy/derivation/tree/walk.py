"""Trees taken apart and put together: parts, rebuilding, names and indices."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

from pminusy.derivation.tree.arrays import Row
from pminusy.derivation.tree.index import Index, Offset, Slot
from pminusy.derivation.tree.nodes import ArgMaxIndicator, Cases, Delta, Max, Node, Ref, Sum

__all__ = ["children", "every_index", "free_indices", "names", "rebuild", "walk"]


_names_of_fields: dict[type[Node], tuple[str, ...]] = {}
"""Kept by kind of node: asking `dataclasses.fields` for each node takes longer than the walk."""


def _fields(tree: Node) -> tuple[str, ...]:
    kind = type(tree)
    if kind not in _names_of_fields:
        found = fields(tree)  # type: ignore[arg-type]  # every node is a dataclass
        _names_of_fields[kind] = tuple(field.name for field in found)
    return _names_of_fields[kind]


def children(tree: Node) -> tuple[Node, ...]:
    """Direct parts of a node."""
    parts: list[Node] = []
    for name in _fields(tree):
        value = getattr(tree, name)
        if isinstance(value, Node):
            parts.append(value)
        elif isinstance(value, tuple):
            parts.extend(part for part in value if isinstance(part, Node))
    return tuple(parts)


def rebuild(tree: Node, new: tuple[Node, ...]) -> Node:
    """The same node with other direct parts."""
    rest = list(new)
    changes: dict[str, Any] = {}
    for name in _fields(tree):
        value = getattr(tree, name)
        if isinstance(value, Node):
            changes[name] = rest.pop(0)
        elif isinstance(value, tuple) and value and isinstance(value[0], Node):
            changes[name] = tuple(rest.pop(0) for _ in value)
    return replace(tree, **changes)  # type: ignore[type-var]  # every node is a dataclass


def walk(tree: Node) -> Iterator[Node]:
    """The node and everything below it."""
    yield tree
    for part in children(tree):
        yield from walk(part)


def names(tree: Node) -> frozenset[str]:
    """Names of the quantities mentioned."""
    return frozenset(part.name for part in walk(tree) if isinstance(part, Ref))


def free_indices(tree: Node) -> frozenset[Index]:
    """Indices that are not bound by a sum inside."""
    return _free(tree) | frozenset()


def every_index(tree: Node) -> frozenset[Index]:
    """Indices of a tree, bound ones too."""
    return frozenset().union(*(_free(part) for part in walk(tree)))


def _free(tree: Node) -> frozenset[Index]:
    own: set[Index] = set()
    if isinstance(tree, Ref):
        own.update(_indices(tree.indices))
    elif isinstance(tree, Delta | Cases):
        own.update(_indices((tree.i, tree.j)))
    elif isinstance(tree, ArgMaxIndicator):
        own.update(tree.places)
    below = frozenset().union(*(_free(part) for part in children(tree)))
    if isinstance(tree, Max | ArgMaxIndicator):
        below = below - set(tree.over)
    if isinstance(tree, Row):
        below = below - {tree.index}
    if isinstance(tree, Sum):
        below = below - {tree.index}
        own.update(_indices((tree.without, tree.above)))
    return below | own


def _indices(slots: tuple[Slot | None, ...]) -> list[Index]:
    found = []
    for slot in slots:
        if isinstance(slot, Index):
            found.append(slot)
        elif isinstance(slot, Offset):
            found += [index for _, index in slot.terms]
    return found
