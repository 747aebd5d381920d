"""The reader's numbers put into a statement: for which indices, and what comes out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice

from pminusy.derivation import tree as t
from pminusy.derivation.engine.evaluate import Evaluator, place
from pminusy.derivation.engine.proof import MANY_CLASSES, index_choices, indices_of
from pminusy.derivation.engine.samples import SampledEvaluator, sampled_places
from pminusy.derivation.tree import Node, Relation
from pminusy.derivation.values.chop import is_large, shows_rest, value_at
from pminusy.derivation.values.expanded_sums import LONGEST_SUM, fill
from pminusy.derivation.values.result_value import result_value

__all__ = ["substitutions"]

_ARRAYS = frozenset("xWbzuypqvXZPYQ")
"""Letters of vectors and matrices."""

_WHOLE = (t.Outer, t.Diag, t.Identity, t.Ones, t.MatMul, t.Transpose, t.Hadamard, t.Row)
"""What is made of whole vectors and matrices."""

_DEAR = 1000
"""Of a line with more terms than this one place is shown with numbers."""

_LARGE = frozenset("TUQREFVX")
"""Axes of sequences and images."""


def substitutions(
    relation: Relation, at: Evaluator
) -> Iterator[tuple[Relation, Mapping[str, int]]]:
    """The statement with numbers, for each choice of indices worth showing."""
    if _is_array_statement(relation) or (
        isinstance(at, SampledEvaluator) and not at.affordable(relation)
    ):
        return
    for where in _chosen(relation, at):
        names = _labelled(relation, at, where)
        first, *others = relation.sides
        is_name = _is_plain(first) and relation.signs[0] == "="
        sides = [_indexed(first, names) if is_name else fill(first, at, where)]
        sides += [fill(side, at, where) for side in others]
        signs = list(relation.signs)
        if set(signs) == {"="}:
            result = t.Value(value_at(relation.sides[-1], at, where), shows_rest(relation))
            sides, signs = _with_result(sides, signs, result)
        yield Relation(tuple(sides), tuple(signs)), names


def _with_result(sides: list[Node], signs: list[str], result: Node) -> tuple[list[Node], list[str]]:
    """The sides that are more than a number, and the number they all come to."""
    kept: list[Node] = [sides[0]]
    for side in sides[1:]:
        if not isinstance(side, t.Value | t.Number) and side != kept[-1]:
            kept.append(side)
    return [*kept, result], ["="] * len(kept)


def _is_array_statement(relation: Relation) -> bool:
    """Whether vectors or matrices stand in it as a whole."""
    parts = [part for side in relation.sides for part in t.walk(side)]
    return any(isinstance(part, _WHOLE) or _is_array(part) for part in parts)


def _is_array(part: Node) -> bool:
    letter = part.by if isinstance(part, t.Partial) else part
    if not isinstance(letter, t.Ref):
        return False
    return (not letter.indices and letter.name in _ARRAYS) or (
        letter.name == "W" and len(letter.indices) == 1
    )


def _is_plain(tree: Node) -> bool:
    return isinstance(tree, t.Ref | t.Partial)


def _chosen(relation: Relation, at: Evaluator) -> list[Mapping[str, int]]:
    """All choices where there are few; otherwise the true class and the likeliest other one."""
    size = max((at.size(index.space) for index in indices_of(relation)), default=1)
    letters = [index for index in indices_of(relation) if index.name not in at.environment.fixed]
    c = at.environment.fixed.get("c", 0)
    if len(letters) == 1 and size <= LONGEST_SUM:
        return list(index_choices(relation, at))
    if isinstance(at, SampledEvaluator) and result_value(relation, at).left_out:
        dear = max(map(at.cost, relation.sides)) > _DEAR
        places = _at_largest(relation, letters, at) or list(
            islice(sampled_places(relation, letters, at), 2)
        )
        return places[: 1 if dear else 2]
    if any(index.space in _LARGE for index in letters):
        return _at_largest(relation, letters, at)
    others = [] if is_large(at) and size > MANY_CLASSES else [i for i in (0, 1) if i != c][:1]
    chosen = sorted({c, *others})
    choices = list(
        index_choices(relation, at, lambda index: [i for i in chosen if i < at.size(index.space)])
    )
    return choices[:2] if len(letters) < 2 else choices[:4]


def _at_largest(
    relation: Relation, letters: list[t.Index], at: Evaluator
) -> list[Mapping[str, int]]:
    """Of an image the two entries that are largest: most others are small, and many 0."""
    entries = result_value(relation, at).entries
    ranked = sorted(entries, key=lambda place_: -abs(entries[place_]))[:2]
    names = [index.name for index in letters]
    return [
        {**at.environment.fixed, **dict(zip(names, place_, strict=True))}
        for place_ in sorted(ranked)
    ]


def _labelled(relation: Relation, at: Evaluator, where: Mapping[str, int]) -> Mapping[str, int]:
    """The places of an environment, by what they are called."""
    labels = at.environment.labels
    spaces = {index.name: index.space for side in relation.sides for index in t.every_index(side)}
    return {
        name: labels[spaces[name]][place] if spaces.get(name) in labels else place
        for name, place in where.items()
    }


def _indexed(tree: Node, where: Mapping[str, int]) -> Node:
    """The same tree with numbers for its free indices."""
    if isinstance(tree, t.Ref):
        return t.Ref(tree.name, tuple(_slot(slot, where) for slot in tree.indices))
    if isinstance(tree, t.Partial):
        by = _indexed(tree.by, where)
        assert isinstance(by, t.Ref)
        return t.Partial(_indexed(tree.of, where), by)
    if isinstance(tree, t.Delta):
        return t.Delta(_slot(tree.i, where), _slot(tree.j, where))
    if isinstance(tree, t.Sum):
        without = None if tree.without is None else _slot(tree.without, where)
        return replace(tree, body=_indexed(tree.body, where), without=without)
    return t.rebuild(tree, tuple(_indexed(part, where) for part in t.children(tree)))


def _slot(slot: t.Slot, where: Mapping[str, int]) -> t.Slot:
    if isinstance(slot, t.Offset):
        return place(slot, where) if {i.name for _, i in slot.terms} <= set(where) else slot
    return where.get(slot.name, slot) if isinstance(slot, t.Index) else slot
