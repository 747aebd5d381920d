"""Mathematics as data: a statement is a tree, and everything else is read from that tree.

One tree is printed (terminal, HTML, Markdown, LaTeX), filled with numbers, evaluated to 30 digits,
expanded for K = 2, 3, 4, and mutated by the tests. SymPy's own expressions reorder and cancel as
they are built, so the line "−y_j / p_j · p_j" could not be written down; these nodes stay as they
are written. `algebra` carries them into SymPy, where they are proved.

    p = Ref("p");  p[k] * (Delta(i, k) - p[k])          reads as on paper
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from typing import Any

__all__ = [
    "Abs",
    "Add",
    "Apply",
    "Delta",
    "Diag",
    "Div",
    "Fence",
    "Hadamard",
    "Identity",
    "Index",
    "Indicator",
    "Largest",
    "Log",
    "MatMul",
    "Max",
    "Mul",
    "Neg",
    "Node",
    "Number",
    "Offset",
    "Ones",
    "Outer",
    "Partial",
    "Power",
    "Ref",
    "Relation",
    "Reshape",
    "Size",
    "Sum",
    "Transpose",
    "Value",
    "Wins",
    "children",
    "every_index",
    "exp",
    "free_indices",
    "ln",
    "names",
    "node",
    "rebuild",
    "walk",
]


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


class Node:
    """A piece of mathematics; arithmetic operators build larger ones."""

    def __add__(self, other: Node | int) -> Node:
        right = node(other)
        terms = self.terms if isinstance(self, Add) else (self,)
        return Add((*terms, right))

    def __sub__(self, other: Node | int) -> Node:
        return self + Neg(node(other))

    def __mul__(self, other: Node | int) -> Node:
        right = node(other)
        factors = self.factors if isinstance(self, Mul) else (self,)
        return Mul((*factors, right))

    def __truediv__(self, other: Node | int) -> Node:
        return Div(self, node(other))

    def __pow__(self, exponent: int) -> Node:
        return Power(self, exponent)

    def __neg__(self) -> Node:
        return Neg(self)

    def __matmul__(self, other: Node) -> Node:
        return MatMul(self, other)

    def __radd__(self, other: int) -> Node:
        return node(other) + self

    def __rsub__(self, other: int) -> Node:
        return node(other) - self

    def __rmul__(self, other: int) -> Node:
        return node(other) * self

    def __rtruediv__(self, other: int) -> Node:
        return node(other) / self

    @property
    def T(self) -> Node:
        """Transpose of a matrix."""
        return Transpose(self)


@dataclass(frozen=True)
class Number(Node):
    """An exact rational constant of the mathematics itself, such as 1 or ½."""

    value: Fraction


@dataclass(frozen=True)
class Value(Node):
    """A number of the reader's, exact inside and rounded only where it is printed."""

    value: Any


@dataclass(frozen=True)
class Ref(Node):
    """A named quantity, `p_k` with its indices or `p` as a whole."""

    name: str
    indices: tuple[Slot, ...] = ()

    def __getitem__(self, index: Slot | tuple[Slot, ...]) -> Ref:
        return Ref(self.name, index if isinstance(index, tuple) else (index,))


@dataclass(frozen=True)
class Size(Node):
    """How many there are: K, D or N."""

    space: str


@dataclass(frozen=True)
class Add(Node):
    """Sum of a few terms."""

    terms: tuple[Node, ...]


@dataclass(frozen=True)
class Neg(Node):
    """Minus something."""

    body: Node


@dataclass(frozen=True)
class Mul(Node):
    """Product of scalars, or of a scalar and an array."""

    factors: tuple[Node, ...]


@dataclass(frozen=True)
class Div(Node):
    """Fraction."""

    above: Node
    below: Node


@dataclass(frozen=True)
class Power(Node):
    """Whole power."""

    base: Node
    exponent: int


@dataclass(frozen=True)
class Apply(Node):
    """A function of one argument: exp, ln, tanh, sech, sqrt, relu."""

    function: str
    argument: Node


@dataclass(frozen=True)
class Log(Node):
    """Logarithm to a named base."""

    base: Node
    argument: Node


@dataclass(frozen=True)
class Abs(Node):
    """Absolute value."""

    body: Node


@dataclass(frozen=True)
class Fence(Node):
    """Brackets that are there for the reader's eye."""

    body: Node


@dataclass(frozen=True)
class Sum(Node):
    """Sum of `body` over `index`, leaving out `without`, from `above` + 1 where that is given."""

    index: Index
    body: Node
    without: Slot | None = None
    above: Index | None = None


@dataclass(frozen=True)
class Delta(Node):
    """Kronecker δ: 1 where both indices are equal, else 0."""

    i: Slot
    j: Slot


@dataclass(frozen=True)
class Indicator(Node):
    """[a > 0]: 1 where it holds, else 0."""

    body: Node


@dataclass(frozen=True)
class Max(Node):
    """Largest value of `body` over all of `over`; the first one counts on ties."""

    over: tuple[Index, ...]
    body: Node


@dataclass(frozen=True)
class Largest(Node):
    """The largest of a few terms: a maximum with the reader's numbers put in."""

    terms: tuple[Node, ...]


@dataclass(frozen=True)
class Wins(Node):
    """1 where `window` has its first maximum over `over` at the entry that ends in `places`."""

    over: tuple[Index, ...]
    window: Ref
    places: tuple[Index, ...]


@dataclass(frozen=True)
class Partial(Node):
    """∂of/∂by, every other variable that `of` is made from held still."""

    of: Node
    by: Ref


@dataclass(frozen=True)
class MatMul(Node):
    """Matrix product; a vector on the left is a row, on the right a column."""

    left: Node
    right: Node


@dataclass(frozen=True)
class Transpose(Node):
    """Transpose."""

    body: Node


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
class Relation:
    """sides[0] signs[0] sides[1] …, for every value of the free indices that `given` allows.

    `given` holds pairs of indices with "=" or "≠" between them. The sign "⪯" compares symmetric
    matrices: right minus left is positive semi-definite.
    """

    sides: tuple[Node, ...]
    signs: tuple[str, ...]
    given: tuple[tuple[Index, str, Slot], ...] = ()

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
        return replace(self, given=(*self.given, (left, sign, right)))


def node(value: Node | int) -> Node:
    """Take an integer as a node."""
    return value if isinstance(value, Node) else Number(Fraction(value))


def exp(argument: Node) -> Node:
    """Exponential."""
    return Apply("exp", argument)


def ln(argument: Node) -> Node:
    """Natural logarithm."""
    return Apply("ln", argument)


def children(tree: Node) -> tuple[Node, ...]:
    """Direct parts of a node."""
    parts: list[Node] = []
    for field in fields(tree):  # type: ignore[arg-type]  # every node is a dataclass
        value = getattr(tree, field.name)
        if isinstance(value, Node):
            parts.append(value)
        elif isinstance(value, tuple):
            parts.extend(part for part in value if isinstance(part, Node))
    return tuple(parts)


def rebuild(tree: Node, new: tuple[Node, ...]) -> Node:
    """The same node with other direct parts."""
    rest = list(new)
    changes: dict[str, Any] = {}
    for field in fields(tree):  # type: ignore[arg-type]  # every node is a dataclass
        value = getattr(tree, field.name)
        if isinstance(value, Node):
            changes[field.name] = rest.pop(0)
        elif isinstance(value, tuple) and value and isinstance(value[0], Node):
            changes[field.name] = tuple(rest.pop(0) for _ in value)
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
    elif isinstance(tree, Delta):
        own.update(_indices((tree.i, tree.j)))
    elif isinstance(tree, Wins):
        own.update(tree.places)
    below = frozenset().union(*(_free(part) for part in children(tree)))
    if isinstance(tree, Max | Wins):
        below = below - set(tree.over)
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
