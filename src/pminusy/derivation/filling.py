"""The reader's numbers put into a statement, and the value that comes out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np

from pminusy.derivation import tree as t
from pminusy.derivation.contraction import contract
from pminusy.derivation.digits import settled
from pminusy.derivation.domains import decimals
from pminusy.derivation.evaluate import Evaluator, place
from pminusy.derivation.proof import MANY, environments, indices_of
from pminusy.derivation.tree import Node, Relation

__all__ = ["Shown", "filled", "is_of_weights", "value"]

WRITTEN_OUT = 4
"""Sums of up to this many terms are written out; longer ones show the first two and the last."""

LARGEST = 6
"""Of more classes than fit on a line, this many largest entries are shown."""

FITS = 12


@dataclass(frozen=True)
class Shown:
    """Exact values of the last side, and the labels of its entries.

    `entries` maps index tuples to values; `shape` is () for a number. Where the value has too many
    entries, `entries` holds the largest and `left_out` says how many are not shown. `labels` are
    the classes that the places stand for, where these are not all. `rest` is whether a value that
    rounds to a whole number is shown with what that leaves out.
    """

    shape: tuple[int, ...]
    entries: Mapping[tuple[int, ...], Any]
    left_out: int = 0
    labels: tuple[int, ...] = ()
    rest: bool = False

    def place(self, entry: tuple[int, ...]) -> tuple[int, ...]:
        """What the place of an entry is called: by class, where some classes are left out."""
        return tuple(self.labels[i] for i in entry) if self.labels else entry

    def transposed(self) -> Shown:
        """A matrix with rows and columns exchanged."""
        entries = {place_[::-1]: entry for place_, entry in self.entries.items()}
        return replace(self, shape=self.shape[::-1], entries=entries)


def value(relation: Relation, at: Evaluator) -> Shown:
    """What the first side comes to, computed from the last (which was proved to be equal)."""
    found = _value(relation, at)
    found = replace(found, rest=_tells_rest(relation))
    labels = at.world.labels.get("K", ())
    return replace(found, labels=labels) if set(found.shape) == {len(labels)} else found


def _value(relation: Relation, at: Evaluator) -> Shown:
    tree = _shortest(relation)
    fixed = at.world.fixed
    letters = [index for index in indices_of(relation) if index.name not in fixed]
    wide = any(at.size(index.space) > FITS for index in letters)
    if wide and (len(letters) > 1 or (_many(at) and _is_costly(tree))):
        return _few(relation, tree, at)
    if not letters:
        if _too_large(tree, at):
            return Shown((at.size("K"),) * 2, {}, at.size("K") ** 2)
        return _of_array(_at(tree, at, {}))
    sizes = tuple(at.size(index.space) for index in letters)
    entries = {
        tuple(env[index.name] for index in letters): _at(tree, at, env)
        for env in environments(relation, at)
    }
    if any(isinstance(entry, np.ndarray) for entry in entries.values()):
        return _of_array(np.array([entries[key] for key in sorted(entries)], dtype=object))
    return _largest(Shown(sizes, entries))


_NEVER_WHOLE = frozenset({"p", "p_new", "P", "lse", "s", "S_e", "lse_n"})
"""Sums of exponentials and what is made of them: they come close to whole numbers, a probability to
1, and what is missing is just what the lines are about."""


def _tells_rest(relation: Relation) -> bool:
    ends = (relation.sides[0], relation.sides[-1])
    return any(isinstance(side, t.Ref) and side.name in _NEVER_WHOLE for side in ends)


def is_of_weights(relation: Relation, at: Evaluator) -> bool:
    """Whether the value has one row a class and one column a feature, as W has."""
    first = relation.sides[0]
    if isinstance(first, t.Partial) and first.by.name == "W" and len(first.by.indices) < 2:
        return not isinstance(first.of, t.Partial)
    letters = [index for index in indices_of(relation) if index.name not in at.world.fixed]
    return [index.space for index in letters] == ["K", "D"]


def _many(at: Evaluator) -> bool:
    return max(at.world.sizes.values()) > MANY


def _is_costly(tree: Node) -> bool:
    """Whether each entry takes a sum or a difference quotient over all classes."""
    return any(isinstance(part, t.Sum | t.Partial) for part in t.walk(tree))


def _at(tree: Node, at: Evaluator, env: Mapping[str, int]) -> Any:
    """Value of a tree, by the short cuts for many classes where there are many."""
    many = _many(at)
    found = contract(tree, {}, at, {**at.world.fixed, **env}) if many else at.value(tree, env)
    return _settled(found, tree, at)


_ZERO = decimals.mpf(10) ** -40
"""Below this a difference quotient is one of an exact 0; a probability may well be smaller."""


def _settled(value: Any, tree: Node, at: Evaluator) -> Any:
    """What rounding or difference quotients leave of an exact 0 is 0."""
    clean = _without_rest if _from_quotients(tree, at) else settled
    if isinstance(value, np.ndarray):
        return np.array([clean(v) for v in value.ravel()], dtype=object).reshape(value.shape)
    return clean(value)


def _without_rest(value: Any) -> Any:
    """0 below `_ZERO`; but far below it, and above what rounding leaves, is a tiny derivative."""
    size = abs(value)
    tiny = decimals.mpf(10) ** (50 - decimals.dps) < size < decimals.mpf(10) ** -100
    return value * 0 if size < _ZERO and not tiny else value


def _from_quotients(tree: Node, at: Evaluator) -> bool:
    symbols, values = at.world.symbols, at.world.values
    made_from = {
        name for used in t.names(tree) if used in symbols for name in at.world.made_from(used)
    }
    bodies = [symbols[name].body for name in made_from if name not in values]
    return any(
        isinstance(part, t.Partial)
        for body in (tree, *bodies)
        if body is not None
        for part in t.walk(body)
    )


def _too_large(tree: Node, at: Evaluator) -> bool:
    matrix = any(isinstance(part, t.Outer | t.Diag | t.Identity) for part in t.walk(tree))
    return matrix and at.size("K") > 4 * FITS


def _shortest(relation: Relation) -> Node:
    """The side to read the value from: the last of an identity, the first that varies otherwise."""
    if set(relation.signs) == {"="}:
        return relation.sides[-1]
    return next(side for side in relation.sides if not isinstance(side, t.Number))


def _few(relation: Relation, tree: Node, at: Evaluator) -> Shown:
    """A matrix too large to show: the entries among the first classes and the true one."""
    c = at.world.fixed.get("c", 0)
    chosen = sorted({c} if _many(at) else {c, 0 if c else 1})
    letters = [index for index in indices_of(relation) if index.name not in at.world.fixed]
    entries = {
        tuple(env[index.name] for index in letters): _at(tree, at, env)
        for env in environments(
            relation, at, lambda index: [i for i in chosen if i < at.size(index.space)]
        )
    }
    sizes = tuple(at.size(index.space) for index in letters)
    return Shown(sizes, entries, int(np.prod(sizes)) - len(entries))


def _of_array(array: Any) -> Shown:
    if not isinstance(array, np.ndarray):
        return Shown((), {(): array})
    entries = {place_: array[place_] for place_ in np.ndindex(array.shape)}
    return _largest(Shown(array.shape, entries))


def _largest(shown: Shown) -> Shown:
    if (len(shown.shape) == 2 and max(shown.shape) <= FITS) or len(shown.entries) <= FITS:
        return shown
    ranked = sorted(shown.entries, key=lambda key: -abs(shown.entries[key]))[:LARGEST]
    return replace(
        shown,
        entries={key: shown.entries[key] for key in ranked},
        left_out=len(shown.entries) - len(ranked),
    )


def filled(relation: Relation, at: Evaluator) -> Iterator[tuple[Relation, Mapping[str, int]]]:
    """The statement with numbers, for each choice of indices worth showing."""
    if _is_array_statement(relation):
        return
    for env in _chosen(relation, at):
        first, *others = relation.sides
        names = _labelled(relation, at, env)
        sides: list[Node] = [
            _named(first, names)
            if _is_plain(first) and relation.signs[0] == "="
            else _fill(first, at, env)
        ]
        signs: list[str] = []
        for sign, side in zip(relation.signs, others, strict=True):
            sides.append(_fill(side, at, env))
            signs.append(sign)
        if set(relation.signs) == {"="}:
            result = t.Value(_at(relation.sides[-1], at, env), _tells_rest(relation))
            sides, signs = _with_result(sides, signs, result)
        if not all(isinstance(side, np.ndarray) for side in sides):
            yield Relation(tuple(sides), tuple(signs)), names


def _with_result(sides: list[Node], signs: list[str], result: Node) -> tuple[list[Node], list[str]]:
    kept: list[Node] = [sides[0]]
    for side in sides[1:]:
        if not isinstance(side, t.Value | t.Number) and side != kept[-1]:
            kept.append(side)
    return [*kept, result], ["="] * len(kept)


def _is_array_statement(relation: Relation) -> bool:
    whole = (t.Outer, t.Diag, t.Identity, t.Ones, t.MatMul, t.Transpose, t.Hadamard)
    parts = [part for side in relation.sides for part in t.walk(side)]
    return (
        any(isinstance(part, whole) for part in parts)
        or any(
            isinstance(part, t.Partial) and not part.by.indices and part.by.name in _ARRAYS
            for part in parts
        )
        or any(
            isinstance(part, t.Ref) and not part.indices and part.name in _ARRAYS for part in parts
        )
    )


_ARRAYS = frozenset("xWbzuypqvXZPYQ")


def _is_plain(tree: Node) -> bool:
    return isinstance(tree, t.Ref | t.Partial)


def _chosen(relation: Relation, at: Evaluator) -> list[Mapping[str, int]]:
    """All choices where there are few; otherwise the true class and the likeliest other one."""
    size = max((at.size(index.space) for index in indices_of(relation)), default=1)
    letters = [index for index in indices_of(relation) if index.name not in at.world.fixed]
    c = at.world.fixed.get("c", 0)
    if len(letters) == 1 and size <= WRITTEN_OUT:
        return list(environments(relation, at))
    if any(index.space in _LARGE for index in letters):
        return _at_largest(relation, letters, at)
    others = [] if _many(at) and size > MANY else [i for i in (0, 1) if i != c][:1]
    chosen = sorted({c, *others})
    envs = list(
        environments(relation, at, lambda index: [i for i in chosen if i < at.size(index.space)])
    )
    return envs[:2] if len(letters) < 2 else envs[:4]


_LARGE = frozenset("TUQREFVX")


def _at_largest(
    relation: Relation, letters: list[t.Index], at: Evaluator
) -> list[Mapping[str, int]]:
    """Of an image the two entries that are largest: most others are small, and many 0."""
    entries = value(relation, at).entries
    ranked = sorted(entries, key=lambda place_: -abs(entries[place_]))[:2]
    names = [index.name for index in letters]
    return [
        {**at.world.fixed, **dict(zip(names, place_, strict=True))} for place_ in sorted(ranked)
    ]


def _labelled(relation: Relation, at: Evaluator, env: Mapping[str, int]) -> Mapping[str, int]:
    """The places of an environment, by what they are called."""
    labels = at.world.labels
    spaces = {index.name: index.space for side in relation.sides for index in t.every_index(side)}
    return {
        name: labels[spaces[name]][place] if spaces.get(name) in labels else place
        for name, place in env.items()
    }


def _named(tree: Node, env: Mapping[str, int]) -> Node:
    """The same tree with numbers for its free indices."""
    return _indexed(tree, env)


def _indexed(tree: Node, env: Mapping[str, int]) -> Node:
    if isinstance(tree, t.Ref):
        return t.Ref(tree.name, tuple(_slot(slot, env) for slot in tree.indices))
    if isinstance(tree, t.Partial):
        by = _indexed(tree.by, env)
        assert isinstance(by, t.Ref)
        return t.Partial(_indexed(tree.of, env), by)
    if isinstance(tree, t.Delta):
        return t.Delta(_slot(tree.i, env), _slot(tree.j, env))
    if isinstance(tree, t.Sum):
        without = None if tree.without is None else _slot(tree.without, env)
        return replace(tree, body=_indexed(tree.body, env), without=without)
    return t.rebuild(tree, tuple(_indexed(part, env) for part in t.children(tree)))


def _slot(slot: t.Slot, env: Mapping[str, int]) -> t.Slot:
    if isinstance(slot, t.Offset):
        return place(slot, env) if {i.name for _, i in slot.terms} <= set(env) else slot
    return env.get(slot.name, slot) if isinstance(slot, t.Index) else slot


def _fill(tree: Node, at: Evaluator, env: Mapping[str, int]) -> Node:
    """The tree with every quantity replaced by its number and short sums written out."""
    if isinstance(tree, t.Ref | t.Partial):
        number = at.value(tree, env)
        if isinstance(number, np.ndarray):
            return tree
        rest = isinstance(tree, t.Ref) and tree.name in _NEVER_WHOLE
        return t.Value(_settled(number, tree, at), rest)
    if isinstance(tree, t.Size):
        return t.Number(Fraction(at.size(tree.space)))
    if isinstance(tree, t.Delta):
        return t.Number(Fraction(int(place(tree.i, env) == place(tree.j, env))))
    if isinstance(tree, t.Sum):
        return _written_out(tree, at, env)
    if isinstance(tree, t.Max):
        window = [{**env, **dict(place_)} for place_ in _places_of(tree.over, at)]
        return t.Largest(_abridged([_fill(tree.body, at, place_) for place_ in window]))
    if isinstance(tree, t.Wins | t.Indicator):
        return t.Value(settled(at.value(tree, env)))
    return t.rebuild(tree, tuple(_fill(part, at, env) for part in t.children(tree)))


_SLIDING = frozenset("EFQR")
"""Places in a window, and windows: few terms of a sum over them are not 0."""


def _places_of(over: Sequence[t.Index], at: Evaluator) -> Iterator[tuple[tuple[str, int], ...]]:
    names = [index.name for index in over]
    for places in product(*(range(at.size(index.space)) for index in over)):
        yield tuple(zip(names, places, strict=True))


def _abridged(terms: list[Node], most: int = WRITTEN_OUT) -> tuple[Node, ...]:
    """A short list as it is; of a long one the first two and the last."""
    if len(terms) <= most:
        return tuple(terms)
    return (*terms[:2], t.Ref("…"), terms[-1])


def _over_windows(tree: t.Sum, at: Evaluator, env: Mapping[str, int]) -> Node | None:
    """A sum over windows, however many sums deep: the terms that are not 0."""
    over: list[t.Index] = []
    body: Node = tree
    while isinstance(body, t.Sum) and body.without is None and body.above is None:
        over.append(body.index)
        body = body.body
    if not any(index.space in _SLIDING for index in over):
        return None
    places = [{**env, **dict(place_)} for place_ in _places_of(over, at)]
    terms = [_fill(body, at, place_) for place_ in places if at.value(body, place_)]
    shown = _abridged(terms, 3)
    if len(shown) < 2:
        return shown[0] if shown else t.Number(Fraction(0))
    return t.Add(shown)


def _written_out(tree: t.Sum, at: Evaluator, env: Mapping[str, int]) -> Node:
    windows = _over_windows(tree, at, env)
    if windows is not None:
        return windows
    places = list(at.places(tree, env))
    if not places:
        return t.Number(Fraction(0))
    if any(isinstance(part, t.Sum) for part in t.walk(tree.body)):
        return t.Value(_at(tree, at, env))  # a double sum, written out, helps nobody
    if len(places) <= WRITTEN_OUT:
        terms = [_fill(tree.body, at, {**env, tree.index.name: i}) for i in places]
        return terms[0] if len(terms) == 1 else t.Add(tuple(terms))
    return t.Add(tuple(_with_gaps(tree, at, env, places)))


def _with_gaps(
    tree: t.Sum, at: Evaluator, env: Mapping[str, int], places: list[int]
) -> Iterator[Node]:
    """Three terms of a long sum, and dots for those between."""
    before = -1
    for i in _telling(tree, at, env, places):
        place_ = places.index(i)
        if place_ > before + 1:
            yield t.Ref("…")
        yield _fill(tree.body, at, {**env, tree.index.name: i})
        before = place_
    if before < len(places) - 1:
        yield t.Ref("…")


def _telling(tree: t.Sum, at: Evaluator, env: Mapping[str, int], places: list[int]) -> list[int]:
    """The first, the second and the last term; but the true class's, and none of features at 0."""
    c = at.world.fixed.get("c")
    if tree.index.space == "K" and c in places[2:-1]:
        return [places[0], c, places[-1]]
    if tree.index.space == "D" and not _many(at):
        places = [i for i in places if at.value(tree.body, {**env, tree.index.name: i})] or places
    return sorted({*places[:2], places[-1]})
