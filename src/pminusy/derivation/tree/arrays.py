"""Arrays: products of matrices beyond those that operators build, and special matrices."""

from __future__ import annotations

from dataclasses import dataclass

from pminusy.derivation.tree.index import Index
from pminusy.derivation.tree.nodes import Node

__all__ = ["Diag", "Hadamard", "Identity", "Ones", "Outer", "Reshape", "Row"]


@dataclass(frozen=True)
class Outer(Node):
    """Outer product u vᵀ."""

    left: Node
    right: Node


@dataclass(frozen=True)
class Reshape(Node):
    """The same entries in the same order, by other axes."""

    body: Node
    spaces: tuple[str, ...]


@dataclass(frozen=True)
class Hadamard(Node):
    """Product entry by entry."""

    left: Node
    right: Node


@dataclass(frozen=True)
class Diag(Node):
    """Square matrix with a vector on its diagonal."""

    body: Node


@dataclass(frozen=True)
class Ones(Node):
    """Vector of ones."""

    space: str = "K"


@dataclass(frozen=True)
class Identity(Node):
    """Identity matrix."""

    space: str = "K"


@dataclass(frozen=True)
class Row(Node):
    """A row written entry by entry: `body` for each value of `index`."""

    index: Index
    body: Node
