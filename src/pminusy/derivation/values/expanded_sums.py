"""A tree with every quantity replaced by its number, and short sums expanded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import product
from math import prod

import numpy as np

from pminusy.derivation import tree as t
from pminusy.derivation.engine.evaluate import Evaluator, place
from pminusy.derivation.tree import Node
from pminusy.derivation.values.chop import NEVER_WHOLE, chopped_value, is_large, value_at
from pminusy.derivation.values.digits import chopped

__all__ = ["LONGEST_SUM", "fill"]

LONGEST_SUM = 4
"""Sums of up to this many terms are expanded; longer ones show the first two and the last."""

_SLIDING = frozenset("EFQR")
"""Places in a window, and windows: few terms of a sum over them are not 0."""

_MOST_PLACES = 4000
"""Of a sum over more places than this only what it comes to is shown."""


def fill(tree: Node, at: Evaluator, where: Mapping[str, int]) -> Node:
    """The tree with every quantity replaced by its number and short sums expanded."""
    if isinstance(tree, t.Ref | t.Partial):
        number = at.value(tree, where)
        if isinstance(number, np.ndarray):
            return tree
        rest = isinstance(tree, t.Ref) and tree.name in NEVER_WHOLE
        return t.Value(chopped_value(number, tree, at), rest)
    if isinstance(tree, t.Size):
        return t.Number(Fraction(at.size(tree.space)))
    if isinstance(tree, t.Delta):
        return t.Number(Fraction(int(place(tree.i, where) == place(tree.j, where))))
    if isinstance(tree, t.Cases):
        same = place(tree.i, where) == place(tree.j, where)
        return fill(tree.same if same else tree.other, at, where)
    if isinstance(tree, t.Sum):
        return _expanded(tree, at, where)
    if isinstance(tree, t.Max):
        window = [{**where, **dict(place_)} for place_ in _places_of(tree.over, at)]
        return t.Largest(_abridged([fill(tree.body, at, place_) for place_ in window]))
    if isinstance(tree, t.ArgMaxIndicator | t.Indicator):
        return t.Value(chopped(at.value(tree, where)))
    return t.rebuild(tree, tuple(fill(part, at, where) for part in t.children(tree)))


def _expanded(tree: t.Sum, at: Evaluator, where: Mapping[str, int]) -> Node:
    windows = _over_windows(tree, at, where)
    if windows is not None:
        return windows
    places = list(at.places(tree, where))
    if not places:
        return t.Number(Fraction(0))
    if any(isinstance(part, t.Sum) for part in t.walk(tree.body)):
        return t.Value(value_at(tree, at, where))  # a double sum is not read any more
    if len(places) <= LONGEST_SUM:
        terms = [fill(tree.body, at, {**where, tree.index.name: i}) for i in places]
        return terms[0] if len(terms) == 1 else t.Add(tuple(terms))
    return t.Add(tuple(_with_gaps(tree, at, where, places)))


def _over_windows(tree: t.Sum, at: Evaluator, where: Mapping[str, int]) -> Node | None:
    """A sum over windows, however many sums deep: the terms that are not 0."""
    over: list[t.Index] = []
    body: Node = tree
    while isinstance(body, t.Sum) and body.without is None and body.above is None:
        over.append(body.index)
        body = body.body
    if not any(index.space in _SLIDING for index in over):
        return None
    if prod(at.size(index.space) for index in over) > _MOST_PLACES:
        return t.Value(value_at(tree, at, where))
    places = [{**where, **dict(place_)} for place_ in _places_of(over, at)]
    terms = [fill(body, at, place_) for place_ in places if at.value(body, place_)]
    shown = _abridged(terms, 3)
    if len(shown) < 2:
        return shown[0] if shown else t.Number(Fraction(0))
    return t.Add(shown)


def _places_of(over: Sequence[t.Index], at: Evaluator) -> Iterator[tuple[tuple[str, int], ...]]:
    names = [index.name for index in over]
    for places in product(*(range(at.size(index.space)) for index in over)):
        yield tuple(zip(names, places, strict=True))


def _abridged(terms: list[Node], most: int = LONGEST_SUM) -> tuple[Node, ...]:
    """A short list as it is; of a long one the first two and the last."""
    if len(terms) <= most:
        return tuple(terms)
    return (*terms[:2], t.Ref("…"), terms[-1])


def _with_gaps(
    tree: t.Sum, at: Evaluator, where: Mapping[str, int], places: list[int]
) -> Iterator[Node]:
    """Three terms of a long sum, and dots for those between."""
    before = -1
    for i in _shown_terms(tree, at, where, places):
        place_ = places.index(i)
        if place_ > before + 1:
            yield t.Ref("…")
        yield fill(tree.body, at, {**where, tree.index.name: i})
        before = place_
    if before < len(places) - 1:
        yield t.Ref("…")


def _shown_terms(
    tree: t.Sum, at: Evaluator, where: Mapping[str, int], places: list[int]
) -> list[int]:
    """The first, the second and the last term; but the true class's, and none of features at 0."""
    c = at.environment.fixed.get("c")
    if tree.index.space == "K" and c in places[2:-1]:
        return [places[0], c, places[-1]]
    if tree.index.space == "D" and not is_large(at):
        places = [i for i in places if at.value(tree.body, {**where, tree.index.name: i})] or places
    return sorted({*places[:2], places[-1]})
