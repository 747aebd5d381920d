"""What a statement comes to at the reader's numbers, and how much of it is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np

from pminusy.derivation import tree as t
from pminusy.derivation.engine.decimals import decimals
from pminusy.derivation.engine.evaluate import Evaluator
from pminusy.derivation.engine.proof import index_choices, indices_of
from pminusy.derivation.engine.samples import MOST_TERMS, SampledEvaluator
from pminusy.derivation.tree import Node, Relation
from pminusy.derivation.values.chop import is_large, shows_rest, value_at

__all__ = ["WIDEST_ROW", "ResultValue", "is_of_weights", "result_value"]

WIDEST_ROW = 12
"""Up to this many entries stand on a line, or in a row of a matrix."""

SHOWN_OF_MANY = 6
"""Of more classes than fit on a line, this many largest entries are shown."""


@dataclass(frozen=True)
class ResultValue:
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

    def transposed(self) -> ResultValue:
        """A matrix with rows and columns exchanged."""
        entries = {place_[::-1]: entry for place_, entry in self.entries.items()}
        return replace(self, shape=self.shape[::-1], entries=entries)


def result_value(relation: Relation, at: Evaluator) -> ResultValue:
    """What the first side comes to, computed from the last (which was proved to be equal)."""
    found = _value(relation, at)
    found = replace(found, rest=shows_rest(relation))
    labels = at.environment.labels.get("K", ())
    return replace(found, labels=labels) if set(found.shape) == {len(labels)} else found


def _value(relation: Relation, at: Evaluator) -> ResultValue:
    if isinstance(at, SampledEvaluator):
        known = _known(relation, at)
        if known is not None:
            return known
    tree = _shortest(relation)
    fixed = at.environment.fixed
    letters = [index for index in indices_of(relation) if index.name not in fixed]
    wide = any(at.size(index.space) > WIDEST_ROW for index in letters)
    if wide and (len(letters) > 1 or (is_large(at) and _is_costly(tree))):
        return _few(relation, tree, at)
    if not letters:
        if _too_large(tree, at):
            return ResultValue((at.size("K"),) * 2, {}, at.size("K") ** 2)
        return _of_array(value_at(tree, at, {}))
    sizes = tuple(at.size(index.space) for index in letters)
    entries = {
        tuple(where[index.name] for index in letters): value_at(tree, at, where)
        for where in index_choices(relation, at)
    }
    if any(isinstance(entry, np.ndarray) for entry in entries.values()):
        return _of_array(np.array([entries[key] for key in sorted(entries)], dtype=object))
    return _largest(ResultValue(sizes, entries))


def _known(relation: Relation, at: SampledEvaluator) -> ResultValue | None:
    """Of a large array the largest entries as computed in float64; None for small ones."""
    letters = [index for index in indices_of(relation) if index.name not in at.environment.fixed]
    sizes = tuple(at.size(index.space) for index in letters)
    count = prod(sizes)
    if count <= WIDEST_ROW**2 and count * at.cost(relation.sides[-1]) <= MOST_TERMS:
        return None
    array = at.known(relation.sides[0])
    if array is None:
        return ResultValue(sizes, {}, count)
    ranked = np.argsort(-np.abs(array), axis=None, kind="stable")[:SHOWN_OF_MANY]
    places = [tuple(map(int, np.unravel_index(flat, array.shape))) for flat in ranked]
    entries = {place_: decimals.mpf(float(array[place_])) for place_ in places}
    return ResultValue(sizes, entries, count - len(entries))


def _is_costly(tree: Node) -> bool:
    """Whether each entry takes a sum or a difference quotient over all classes."""
    return any(isinstance(part, t.Sum | t.Partial) for part in t.walk(tree))


def _too_large(tree: Node, at: Evaluator) -> bool:
    matrix = any(isinstance(part, t.Outer | t.Diag | t.Identity) for part in t.walk(tree))
    return matrix and at.size("K") > 4 * WIDEST_ROW


def _shortest(relation: Relation) -> Node:
    """The side to read the value from: the last of an identity, the first that varies otherwise."""
    if set(relation.signs) == {"="}:
        return relation.sides[-1]
    return next(side for side in relation.sides if not isinstance(side, t.Number))


def _few(relation: Relation, tree: Node, at: Evaluator) -> ResultValue:
    """A matrix too large to show: the entries among the first classes and the true one."""
    c = at.environment.fixed.get("c", 0)
    chosen = sorted({c} if is_large(at) else {c, 0 if c else 1})
    letters = [index for index in indices_of(relation) if index.name not in at.environment.fixed]
    entries = {
        tuple(where[index.name] for index in letters): value_at(tree, at, where)
        for where in index_choices(
            relation, at, lambda index: [i for i in chosen if i < at.size(index.space)]
        )
    }
    sizes = tuple(at.size(index.space) for index in letters)
    return ResultValue(sizes, entries, int(np.prod(sizes)) - len(entries))


def _of_array(array: Any) -> ResultValue:
    if not isinstance(array, np.ndarray):
        return ResultValue((), {(): array})
    entries = {place_: array[place_] for place_ in np.ndindex(array.shape)}
    return _largest(ResultValue(array.shape, entries))


def _largest(shown: ResultValue) -> ResultValue:
    if (len(shown.shape) == 2 and max(shown.shape) <= WIDEST_ROW) or len(
        shown.entries
    ) <= WIDEST_ROW:
        return shown
    ranked = sorted(shown.entries, key=lambda key: -abs(shown.entries[key]))[:SHOWN_OF_MANY]
    return replace(
        shown,
        entries={key: shown.entries[key] for key in ranked},
        left_out=len(shown.entries) - len(ranked),
    )


def is_of_weights(relation: Relation, at: Evaluator) -> bool:
    """Whether the value has one row a class and one column a feature, as W has."""
    first = relation.sides[0]
    if isinstance(first, t.Partial) and first.by.name == "W" and len(first.by.indices) < 2:
        return not isinstance(first.of, t.Partial)
    letters = [index for index in indices_of(relation) if index.name not in at.environment.fixed]
    return [index.space for index in letters] == ["K", "D"]
