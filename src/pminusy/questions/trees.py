"""Expressions as trees of the derivation, and back.

On the way every part gets its shape: a row, a column, a matrix or a number. Products of arrays are
told apart by it, and those that do not fit are refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from pminusy.derivation import tree as t
from pminusy.derivation.tree.notation import notation
from pminusy.questions.expression import Expression, parts
from pminusy.questions.letters import Letters

__all__ = ["ShapeError", "Typed", "expression_of", "free_letters", "letter_of", "typed"]

Shape = tuple[str, str]
_SCALAR: Shape = ("", "")


class ShapeError(ValueError):
    """Arrays that do not fit each other, or an index that runs through two sets."""


@dataclass(frozen=True)
class Typed:
    """A tree with its shape: the sets of its rows and of its columns, "" for one."""

    tree: t.Node
    shape: Shape

    @property
    def is_scalar(self) -> bool:
        """Whether it is one number."""
        return self.shape == _SCALAR

    @property
    def is_vector(self) -> bool:
        """Whether it is a row or a column."""
        return not self.is_scalar and "" in self.shape


def free_letters(tree: Expression) -> frozenset[str]:
    """Letters of indices that no sum binds."""
    own: frozenset[str] = frozenset()
    if tree[0] == "ref":
        own = frozenset(tree[2:])
    elif tree[0] == "delta":
        own = frozenset(tree[1:])
    below = frozenset[str]().union(*(free_letters(part) for part in parts(tree)))
    if tree[0] == "sum":
        return (below - {tree[1]}) | (frozenset({tree[2]}) if tree[2] else frozenset())
    return below | own


def typed(tree: Expression, letters: Letters, spaces: Mapping[str, str]) -> Typed:
    """The tree of an expression.

    Parameters
    ----------
    tree
        What was typed.
    letters
        The quantities it may have.
    spaces
        The sets of the free letters of the line that it answers.

    Raises
    ------
    ShapeError
        Arrays do not fit, or a letter is no index of the set it stands in.
    """
    return _Typing(letters).of(tree, dict(spaces))


class _Typing:
    def __init__(self, letters: Letters) -> None:
        self._spaces = letters.spaces
        self._shown = letters.shown

    def of(self, tree: Expression, scope: dict[str, str]) -> Typed:
        result: Typed = getattr(self, _METHODS[tree[0]])(tree, scope)
        return result

    def _index(self, letter: str, space: str, scope: Mapping[str, str]) -> t.Index:
        if letter != "c" and scope.get(letter, space) != space:
            words = {"K": "classes", "D": "features", "N": "samples"}
            raise ShapeError(f"{letter} runs through {words[scope[letter]]} and {words[space]}")
        return t.Index(letter, space)

    def _num(self, tree: Expression, scope: dict[str, str]) -> Typed:
        return Typed(t.Number(Fraction(tree[1], tree[2])), _SCALAR)

    def _size(self, tree: Expression, scope: dict[str, str]) -> Typed:
        return Typed(t.Size(tree[1]), _SCALAR)

    def _ref(self, tree: Expression, scope: dict[str, str]) -> Typed:
        name, indices = tree[1], tree[2:]
        spaces = self._spaces[name]
        found = tuple(self._index(*pair, scope) for pair in zip(indices, spaces, strict=False))
        left = spaces[len(indices) :]
        shape = (left[:1], left[1:2])
        return Typed(t.Ref(name, found), shape)

    def _delta(self, tree: Expression, scope: dict[str, str]) -> Typed:
        i, j = (self._index(letter, scope.get(letter, "K"), scope) for letter in tree[1:])
        if "c" in tree[1:]:
            i, j = t.Index(i.name), t.Index(j.name)
        if i.space != j.space:
            raise ShapeError(f"δ compares {i.name} and {j.name}, which run through different sets")
        return Typed(t.Delta(i, j), _SCALAR)

    def _add(self, tree: Expression, scope: dict[str, str]) -> Typed:
        terms = [self.of(part, scope) for part in tree[1:]]
        shape = next((term.shape for term in terms if not term.is_scalar), _SCALAR)
        for term in terms:
            if term.shape != shape:
                raise ShapeError("the terms of a sum have different shapes")
        return Typed(t.Add(tuple(term.tree for term in terms)), shape)

    def _neg(self, tree: Expression, scope: dict[str, str]) -> Typed:
        body = self.of(tree[1], scope)
        return Typed(t.Neg(body.tree), body.shape)

    def _mul(self, tree: Expression, scope: dict[str, str]) -> Typed:
        result = self.of(tree[1], scope)
        for part in tree[2:]:
            result = _product(result, self.of(part, scope))
        return result

    def _div(self, tree: Expression, scope: dict[str, str]) -> Typed:
        above, below = (self.of(part, scope) for part in tree[1:])
        if not below.is_scalar:
            raise ShapeError("nothing is divided by an array here")
        return Typed(t.Div(above.tree, below.tree), above.shape)

    def _power(self, tree: Expression, scope: dict[str, str]) -> Typed:
        return Typed(t.Power(self._scalar(tree[1], scope, "a power"), tree[2]), _SCALAR)

    def _fn(self, tree: Expression, scope: dict[str, str]) -> Typed:
        return Typed(t.Apply(tree[1], self._scalar(tree[2], scope, tree[1])), _SCALAR)

    def _abs(self, tree: Expression, scope: dict[str, str]) -> Typed:
        return Typed(t.Abs(self._scalar(tree[1], scope, "an absolute value")), _SCALAR)

    def _scalar(self, tree: Expression, scope: dict[str, str], what: str) -> t.Node:
        body = self.of(tree, scope)
        if not body.is_scalar:
            raise ShapeError(f"{what} is taken of a number here, not of an array")
        return body.tree

    def _transposed(self, tree: Expression, scope: dict[str, str]) -> Typed:
        body = self.of(tree[1], scope)
        turned = body.shape[1], body.shape[0]
        return Typed(body.tree if "" in body.shape else t.Transpose(body.tree), turned)

    def _sum(self, tree: Expression, scope: dict[str, str]) -> Typed:
        _, letter, left_out, body = tree
        if letter == "c":
            raise ShapeError("the letter of the true class does not run")
        inside = {k: v for k, v in scope.items() if k != letter}
        inside[letter] = _space_of(letter, body, self._spaces) or "K"
        made = self.of(body, inside)
        index = t.Index(letter, inside[letter])
        without = self._index(left_out, index.space, scope) if left_out else None
        return Typed(t.Sum(index, made.tree, without), made.shape)

    def _derivative(self, tree: Expression, scope: dict[str, str]) -> Typed:
        of, by = self.of(tree[1], scope), self.of(tree[2], scope)
        assert isinstance(by.tree, t.Ref)
        if by.is_scalar:
            return Typed(t.Partial(of.tree, by.tree), of.shape)
        if of.is_scalar:
            return Typed(t.Partial(of.tree, by.tree), by.shape)
        if of.is_vector and by.is_vector:
            return Typed(t.Partial(of.tree, by.tree), ("".join(of.shape), "".join(by.shape)))
        raise ShapeError("a matrix by an array is not written here")


_METHODS = {
    "num": "_num", "size": "_size", "ref": "_ref", "delta": "_delta", "+": "_add", "neg": "_neg",
    "*": "_mul", "/": "_div", "^": "_power", "fn": "_fn", "abs": "_abs", "T": "_transposed",
    "sum": "_sum", "d": "_derivative",
}  # fmt: skip


def _product(left: Typed, right: Typed) -> Typed:
    if left.is_scalar or right.is_scalar:
        shape = right.shape if left.is_scalar else left.shape
        return Typed(t.Mul((left.tree, right.tree)), shape)
    if left.shape[1] != right.shape[0]:
        raise ShapeError(
            f"{_words(left.shape)} times {_words(right.shape)} does not fit: "
            "one of them is to be transposed"
        )
    shape = left.shape[0], right.shape[1]
    if left.shape[1] == "":
        return Typed(t.Outer(left.tree, right.tree), shape)
    return Typed(t.MatMul(left.tree, right.tree), shape)


def _words(shape: Shape) -> str:
    return " × ".join(space or "1" for space in shape)


def _space_of(letter: str, tree: Expression, spaces: Mapping[str, str]) -> str:
    """The set that a letter runs through, by where it stands; "" where it stands nowhere."""
    if tree[0] == "ref":
        found = [
            space for each, space in zip(tree[2:], spaces[tree[1]], strict=False) if each == letter
        ]
        return found[0] if found else ""
    if tree[0] == "sum" and tree[1] == letter:
        return ""
    return next((s for part in parts(tree) if (s := _space_of(letter, part, spaces))), "")


def expression_of(tree: t.Node, article: str) -> Expression | None:
    """What a reader would type for a tree, in an article's letters; None where no answer has it."""
    try:
        return _Untyping(article).of(tree)
    except LookupError:
        return None


_SAMPLES = {"n": "i"}


def letter_of(slot: t.Slot, article: str) -> str:
    """An index as it is printed; the true class is "c" in every article.

    Raises
    ------
    LookupError
        A number or an offset in place of a letter.
    """
    if not isinstance(slot, t.Index):
        raise LookupError("no letter")
    if slot.name == "c":
        return "c"
    name = notation(article).indices.get(slot.name, slot.name)
    return _SAMPLES.get(name, name) if slot.space == "N" else name


class _Untyping:
    def __init__(self, article: str) -> None:
        self._article = article

    def _letter(self, slot: t.Slot) -> str:
        return letter_of(slot, self._article)

    def of(self, tree: t.Node) -> Expression:
        """One kind of node after the other."""
        match tree:
            case t.Number(value=value):
                return ("num", value.numerator, value.denominator)
            case t.Size(space=space):
                return ("size", space)
            case t.Ref(name=name, indices=indices):
                return ("ref", name, *map(self._letter, indices))
            case t.Delta(i=i, j=j):
                return ("delta", self._letter(i), self._letter(j))
            case t.Add(terms=terms):
                return ("+", *map(self.of, terms))
            case t.Neg(body=body):
                return ("neg", self.of(body))
            case t.Mul(factors=factors):
                return ("*", *map(self.of, factors))
            case t.Div(above=above, below=below):
                return ("/", self.of(above), self.of(below))
            case t.Power(base=base, exponent=exponent):
                return ("^", self.of(base), exponent)
            case t.Apply(function="exp" | "ln" as function, argument=argument):
                return ("fn", function, self.of(argument))
            case t.Abs(body=body):
                return ("abs", self.of(body))
            case t.Parens(body=body):
                return self.of(body)
            case t.Sum(index=index, body=body, without=without, above=None):
                left_out = "" if without is None else self._letter(without)
                return ("sum", self._letter(index), left_out, self.of(body))
            case t.Partial(of=of, by=by):
                return ("d", self.of(of), self.of(by))
            case t.MatMul(left=left, right=right):
                return ("*", self.of(left), self.of(right))
            case t.Outer(left=left, right=right):
                return ("*", self.of(left), ("T", self.of(right)))
            case t.Transpose(body=body):
                return ("T", self.of(body))
            case _:
                raise LookupError(type(tree).__name__)
