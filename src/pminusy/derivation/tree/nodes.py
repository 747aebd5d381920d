"""Scalars: a node, the operators that build larger ones, and every kind that stands for a number.

`Ref`, `Add`, `Mul`, … may hold whole arrays too; what is about arrays alone is in `arrays`.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from pminusy.derivation.tree.index import Index, Slot

__all__ = [
    "Abs",
    "Add",
    "Apply",
    "ArgMaxIndicator",
    "Cases",
    "Delta",
    "Div",
    "Indicator",
    "Largest",
    "Log",
    "MatMul",
    "Max",
    "Mul",
    "Neg",
    "Node",
    "Number",
    "Parens",
    "Partial",
    "Power",
    "Ref",
    "Size",
    "Sum",
    "Transpose",
    "Value",
    "exp",
    "ln",
    "node",
]  # fmt: skip


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
    """A number of the reader's, exact inside and rounded only where it is printed.

    `rest` asks for what rounding to a whole number would hide: 1 − 4.2×10⁻¹⁸ and not 1.
    """

    value: Any
    rest: bool = False


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
    """A function of one argument: exp, ln, tanh, sech², sqrt, relu, sigmoid, Φ, φ."""

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
class Parens(Node):
    """Parentheses that make a line easier to read."""

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
class Cases(Node):
    """`same` where both indices are equal, else `other`."""

    i: Slot
    j: Slot
    same: Node
    other: Node


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
class ArgMaxIndicator(Node):
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


def node(value: Node | int) -> Node:
    """Take an integer as a node."""
    return value if isinstance(value, Node) else Number(Fraction(value))


def exp(argument: Node) -> Node:
    """Exponential."""
    return Apply("exp", argument)


def ln(argument: Node) -> Node:
    """Natural logarithm."""
    return Apply("ln", argument)
