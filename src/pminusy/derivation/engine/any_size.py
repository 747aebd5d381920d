"""From a proof for a few sizes to one for any: how many places a line names at once.

Write both sides over one denominator, with the letters put in that they are defined by. What is
left are sums over classes of products of powers, and a product names at most as many classes as
there are sums in it and free indices beside them. Its coefficient depends on which of these are
equal, and not on how many classes there are. So two sides that agree where each product can name
classes that all differ agree for every larger number too: with at most r classes named at once, a
proof for K = 2, …, r is one for any K. The same holds of features.

An inequality holds for any K if its sign is read off its form: a sum of positive terms is positive,
however many they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from pminusy.derivation import tree as t
from pminusy.derivation.engine.environment import Symbol
from pminusy.derivation.engine.proof import indices_of, mentions
from pminusy.derivation.engine.signs_by_form import in_order_by_form

__all__ = ["sizes_for_any"]

_FEATURES = 2
"""Features in the environments of exact algebra."""


_MOST_CLASSES = 7
"""Up to so many classes a line is proved for the sake of any number; more would take seconds."""


def sizes_for_any(
    relation: t.Relation, symbols: Mapping[str, Symbol], sizes: tuple[int, ...]
) -> tuple[int, ...]:
    """Numbers of classes for which a line has to be proved to hold for any; none if none do."""
    if sizes[0] > 2 or list(sizes) != list(range(2, sizes[-1] + 1)):
        return ()
    links = zip(relation.sides, relation.signs, relation.sides[1:], strict=False)
    largest = sizes[-1]
    for left, sign, right in links:
        alone = replace(relation, sides=(left, right), signs=(sign,))
        named = _largest(alone, symbols)
        if named is None:
            return ()
        largest = max(largest, named)
    most = sizes[-1] if _second_order(relation) else _MOST_CLASSES
    return tuple(range(2, largest + 1)) if largest <= most else ()


def _second_order(relation: t.Relation) -> bool:
    """Whether a derivative of a derivative is in it: then each further class takes seconds."""
    parts = (part for side in relation.sides for part in t.walk(side))
    return any(isinstance(part, t.Partial) and isinstance(part.of, t.Partial) for part in parts)


def _largest(link: t.Relation, symbols: Mapping[str, Symbol]) -> int | None:
    """The most classes that are named at once; None if no number of them is enough."""
    (left, right), (sign,) = link.sides, link.signs
    if sign != "=":
        return 2 if in_order_by_form(left, sign, right, symbols) else None
    features = _named_at_once(link, symbols, "D")
    if features is None or features > _FEATURES:
        return None
    return _named_at_once(link, symbols, "K")


class _NoSuchSumError(Exception):
    """A side that is no sum of products over classes."""


@dataclass(frozen=True)
class _Form:
    """A numerator over powers of Σ e^z.

    Attributes
    ----------
    sums
        The most sums that one product of the numerator has.
    below
        The power of Σ e^z in the denominator.
    least, most
        Degrees in the target, whose sum is 1: what has a lower degree is multiplied by that sum.
    free
        Places of an array that stand for indices of their own.
    """

    sums: int = 0
    below: int = 0
    least: int = 0
    most: int = 0
    free: int = 0


_ONE = _Form()


def _plus(one: _Form, other: _Form) -> _Form:
    """A sum of two: over the higher power, by which the other's numerator is multiplied."""
    below = max(one.below, other.below)
    return _Form(
        max(form.sums + below - form.below for form in (one, other)), below,
        min(one.least, other.least), max(one.most, other.most), max(one.free, other.free),
    )  # fmt: skip


def _times(one: _Form, other: _Form) -> _Form:
    return _Form(
        one.sums + other.sums, one.below + other.below, one.least + other.least,
        one.most + other.most, one.free + other.free,
    )  # fmt: skip


def _named_at_once(relation: t.Relation, symbols: Mapping[str, Symbol], space: str) -> int | None:
    """The most places of an index set that one product of a line names; None if it has no such."""
    reading = _Reading(symbols, space, relation)
    try:
        whole = reading.added(relation.sides)
    except _NoSuchSumError:
        return None
    letters = {index.name for index in indices_of(relation) if index.space == space}
    letters |= {"c"} if space == "K" and reading.names_true_class else set()
    return whole.sums + (whole.most - whole.least) + whole.free + len(letters)


_MAKES_MASS = frozenset({"y", "w", "epsilon", "omega"})


class _Reading:
    """Forms of trees, sums over one index set counted."""

    def __init__(self, symbols: Mapping[str, Symbol], space: str, relation: t.Relation) -> None:
        self.symbols, self.space = symbols, space
        self.names_true_class = False
        # what is proved of any target mass has q as it is, and not what that is made of
        self.variables = {"z", "u"} | (set() if mentions(relation) & _MAKES_MASS else {"q"})

    def form(self, tree: t.Node) -> _Form:
        """The form of one tree."""
        if isinstance(tree, t.Number):
            return _ONE
        if isinstance(tree, t.Ref):
            return self._letter(tree)
        if isinstance(tree, t.Parens | t.Neg | t.Transpose | t.Abs):
            return self.form(tree.body)  # of an absolute value, the sign is that of its class
        if isinstance(tree, t.Add):
            return self.added(tree.terms)
        if isinstance(tree, t.Mul):
            return self._product(tree.factors)
        if isinstance(tree, t.Div):
            return _times(self.form(tree.above), self._inverse(tree.below))
        if isinstance(tree, t.Power):
            return self._product((tree.base,) * tree.exponent)
        if isinstance(tree, t.Delta):
            return self._met(tree.i, tree.j)
        if isinstance(tree, t.Cases):
            self._met(tree.i, tree.j)
            return _plus(self.form(tree.same), self.form(tree.other))
        if isinstance(tree, t.Sum):
            return self._sum(tree)
        if isinstance(tree, t.Apply | t.Log):
            return self._function(tree)
        if isinstance(tree, t.Partial):
            return self._derivative(tree)
        return self._array(tree)

    def added(self, terms: tuple[t.Node, ...]) -> _Form:
        """The form of a sum of a few terms."""
        whole = self.form(terms[0])
        for term in terms[1:]:
            whole = _plus(whole, self.form(term))
        return whole

    def _met(self, *slots: t.Slot) -> _Form:
        """An index: the true class is one that a line may name without its being free."""
        if any(not isinstance(slot, t.Index) for slot in slots):
            raise _NoSuchSumError
        self.names_true_class |= any(
            isinstance(slot, t.Index) and slot.name == "c" for slot in slots
        )
        return _ONE

    def _product(self, factors: tuple[t.Node, ...]) -> _Form:
        whole = _ONE
        for factor in factors:
            whole = _times(whole, self.form(factor))
        return whole

    def _letter(self, tree: t.Ref) -> _Form:
        symbol = self.symbols[tree.name]
        self._met(*tree.indices)
        rest = symbol.spaces[len(tree.indices) :]
        free = sum(space == self.space for space in rest)
        if tree.name == "y":
            degree = int(self.space == "K")
            return _Form(least=degree, most=degree, free=free)
        if symbol.body is None or (self.space == "K" and tree.name in self.variables):
            return _Form(free=free)
        return replace(self.form(symbol.body), free=free)

    def _sum(self, tree: t.Sum) -> _Form:
        if tree.above is not None:
            raise _NoSuchSumError
        if tree.without is not None:
            self._met(tree.without)
        body = self.form(tree.body)
        return replace(body, sums=body.sums + (tree.index.space == self.space))

    def _inverse(self, tree: t.Node) -> _Form:
        """1 over a tree: a power of Σ e^z below, or one product of powers turned round."""
        tree = _bare(tree)
        if isinstance(tree, t.Mul | t.Power):
            power = isinstance(tree, t.Power)
            factors = (tree.base,) * tree.exponent if power else tree.factors  # type: ignore[union-attr]  # one of the two
            whole = _ONE
            for factor in factors:
                whole = _times(whole, self._inverse(factor))
            return whole
        if isinstance(tree, t.Ref) and tree.name == "p":  # Σ e^z over e^(z_k)
            self._met(*tree.indices)
            return _Form(sums=int(self.space == "K"))
        if _is_total(tree):
            return _Form(below=int(self.space == "K"))
        if self.form(tree) != _ONE:
            raise _NoSuchSumError
        return _ONE

    def _function(self, tree: t.Apply | t.Log) -> _Form:
        """A function of one class is a variable of that class; ln Σ e^z is one of none."""
        parts = (tree.argument, tree.base) if isinstance(tree, t.Log) else (tree.argument,)
        for argument in map(_bare, parts):
            for part in t.walk(argument):
                if isinstance(part, t.Ref):
                    self._met(*part.indices)
            if _is_total(argument) or _is_probability(argument) or _is_logit(argument):
                continue
            if self.form(argument) not in (_ONE, _Form(least=1, most=1)):
                raise _NoSuchSumError
        return _ONE

    def _derivative(self, tree: t.Partial) -> _Form:
        """Of a quotient: one more power below, and the numerator once more times that sum."""
        of, by = self.form(tree.of), self.symbols[tree.by.name]
        self._met(*tree.by.indices)
        free = sum(space == self.space for space in by.spaces[len(tree.by.indices) :])
        of = replace(of, free=of.free + free)
        if self.space != "K":
            return of
        if tree.by.name == "p":  # apart from the logits: no denominator has it
            return replace(of, sums=of.sums + 1)
        return replace(of, sums=of.sums + 1, below=of.below + 1)

    def _array(self, tree: t.Node) -> _Form:
        """Products of arrays; an entry of a whole array has an index of its own."""
        if isinstance(tree, t.MatMul):
            whole = _times(self.form(tree.left), self.form(tree.right))
            if whole.free < 2:
                return whole
            return replace(whole, free=whole.free - 2, sums=whole.sums + 1)
        if isinstance(tree, t.Outer):
            return _times(self.form(tree.left), self.form(tree.right))
        if isinstance(tree, t.Diag):
            body = self.form(tree.body)
            return replace(body, free=2 * body.free)
        if isinstance(tree, t.Row):
            body = self.form(tree.body)
            return replace(body, free=body.free + int(tree.index.space == self.space))
        raise _NoSuchSumError


def _bare(tree: t.Node) -> t.Node:
    return _bare(tree.body) if isinstance(tree, t.Parens) else tree


def _is_logit(tree: t.Node) -> bool:
    """One logit: a variable of its class, whatever layer it comes from."""
    return isinstance(tree, t.Ref) and tree.name in ("z", "u") and len(tree.indices) == 1


def _is_total(tree: t.Node) -> bool:
    """Σ_j e^(z_j), or the letter for it."""
    if isinstance(tree, t.Ref):
        return tree.name == "S_e"
    if not isinstance(tree, t.Sum) or tree.without is not None or tree.above is not None:
        return False
    body = _bare(tree.body)
    return isinstance(body, t.Apply) and body.function == "exp" and _is_logit(body.argument)


def _is_probability(tree: t.Node) -> bool:
    """A probability in any of its forms: its logarithm is z − ln Σ e^z."""
    if isinstance(tree, t.Ref):
        return tree.name in ("p", "S_of_z") and len(tree.indices) == 1
    if not isinstance(tree, t.Div) or not _is_total(_bare(tree.below)):
        return False
    above = _bare(tree.above)
    return isinstance(above, t.Apply) and above.function == "exp" and _is_logit(above.argument)
