"""Lines about large arrays, checked at a few places: nothing is evaluated that these do not need.

What the loss's derivatives are is computed by difference quotients where that is cheap, and taken
from where they were recorded otherwise: then the other side of the line is what is checked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import prod
from typing import Any

import numpy as np

from pminusy.derivation import tree as t
from pminusy.derivation.engine.decimals import Decimals, decimals, difference_step
from pminusy.derivation.engine.entries import DefinedEntries, GivenEntries, MovedEntry
from pminusy.derivation.engine.environment import Environment
from pminusy.derivation.engine.evaluate import Evaluator, place
from pminusy.derivation.tree import Index, Node, Partial, Ref, Relation

__all__ = ["SampledEvaluator", "sampled_places"]

MOST_TERMS = 20_000
"""A side with more terms than this is not evaluated: it would take about a second."""

_ALL = 24
"""Up to this many entries are all visited, where each has few terms."""
_DRAWN = 3


class SampledEvaluator(Evaluator):
    """Values in decimals, entry by entry; `recorded` are derivatives of L known in float64.

    Parameters
    ----------
    environment
        Definitions and sizes; its values are arrays of float64 as they are.
    recorded
        Arrays ∂L/∂letter, by letter.
    outputs
        What comes out of the layer, in float64.
    instead
        Entries that stand for others, by letter: where a kink is moved aside.
    """

    def __init__(
        self,
        environment: Environment,
        recorded: Mapping[str, Any],
        outputs: Any,
        instead: Mapping[str, Mapping[tuple[int, ...], Any]] | None = None,
        moved: Mapping[str, Any] | None = None,
        parent: SampledEvaluator | None = None,
    ) -> None:
        super().__init__(environment, Decimals(), moved, parent)
        self.recorded, self._outputs, self._instead = recorded, outputs, instead or {}
        self._terms: dict[int, tuple[Node, int]] = parent._terms if parent else {}

    def with_moved(self, name: str, array: Any) -> SampledEvaluator:
        """The same environment with a quantity replaced."""
        return SampledEvaluator(
            self.environment,
            self.recorded,
            self._outputs,
            self._instead,
            {**self._moved, name: array},
            self,
        )

    def shifted(self, name: str, entry: tuple[int, ...], direction: int) -> Evaluator:
        """The same environment with one entry of a quantity moved."""
        key = (name, entry, direction)
        if key not in self._shifts:
            array = self.array(name)
            step = direction * difference_step()
            moved = MovedEntry(array, entry, array[entry] + step) if entry else array + step
            self._shifts[key] = self.with_moved(name, moved)
        return self._shifts[key]

    def _computed(self, name: str) -> Any:
        given, symbol = self.environment.values, self.environment.symbols[name]
        if name in given:
            array = given[name]
            whole = not isinstance(array, decimals.mpf) and np.shape(array)
            return GivenEntries(array, self._instead.get(name)) if whole else decimals.mpf(array)
        if symbol.body is None or not symbol.parameters:
            return super()._computed(name)
        body, letters = symbol.body, tuple(index.name for index in symbol.parameters)

        def entry(at: tuple[int, ...]) -> Any:
            where = {**self.environment.fixed, **dict(zip(letters, at, strict=True))}
            return self._value(body, where)

        return DefinedEntries(tuple(self.size(space) for space in symbol.spaces), entry)

    def derivative(self, of: Node, by: str, entry: tuple[int, ...], where: Any) -> Any:
        """A difference quotient; of the loss, where that has too many terms, what was recorded."""
        if self.takes_record(Partial(of, Ref(by))):
            return decimals.mpf(float(self.recorded[by][entry]))
        ahead, behind = (self.shifted(by, entry, sign)._value(of, where) for sign in (1, -1))
        return (ahead - behind) / (2 * difference_step())

    def takes_record(self, tree: Partial) -> bool:
        """Whether a derivative is one of the loss, recorded, and too long to compute."""
        return self._is_recorded(tree) and 2 * self.cost(tree.of) > MOST_TERMS

    def _is_recorded(self, tree: Node) -> bool:
        known = isinstance(tree, Partial) and tree.of == Ref("L")
        return known and tree.by.name in self.recorded  # type: ignore[attr-defined]  # a Partial

    def known(self, tree: Node) -> Any:
        """The array in float64 of an output or of a recorded derivative; None for others."""
        if self._is_recorded(tree):
            return self.recorded[tree.by.name]  # type: ignore[attr-defined]  # a Partial
        letter = tree.name if isinstance(tree, Ref) else ""
        return {"o": self._outputs, "g": self.recorded.get("o")}.get(letter)

    def cost(self, tree: Node) -> int:
        """About how many terms the value of a tree takes, sums that are remembered counted once."""
        partials = sum(isinstance(part, Partial) for part in t.walk(tree))
        return self.terms(tree) + (1 + 2 * partials) * self._once(tree)

    def _once(self, tree: Node) -> int:
        """Terms of the means and variances that a tree is made from."""
        names = {name for part in t.names(tree) for name in self.environment.made_from(part)
                 if part in self.environment.symbols}  # fmt: skip
        return sum(self.terms(body) for name in names if (body := self._body(name)) is not None
                   and self._is_remembered(name))  # fmt: skip

    def _is_remembered(self, name: str) -> bool:
        return len(self.environment.symbols[name].parameters) == 1

    def terms(self, tree: Node) -> int:
        """About how many terms the value of a tree takes."""
        if id(tree) not in self._terms:
            self._terms[id(tree)] = (tree, self._count(tree))
        return self._terms[id(tree)][1]

    def _count(self, tree: Node) -> int:
        if isinstance(tree, Partial):
            return 1 if self.takes_record(tree) else 2 * self.terms(tree.of)
        if isinstance(tree, Ref):
            body = self._body(tree.name)
            return 1 if body is None or self._is_remembered(tree.name) else self.terms(body)
        if isinstance(tree, t.Sum):
            return self.size(tree.index.space) * self.terms(tree.body)
        if isinstance(tree, t.Max | t.ArgMaxIndicator):
            inside = tree.body if isinstance(tree, t.Max) else tree.window
            return prod(self.size(i.space) for i in tree.over) * self.terms(inside)
        return 1 + sum(self.terms(part) for part in t.children(tree))

    def _body(self, name: str) -> Node | None:
        symbol = self.environment.symbols.get(name)
        return None if symbol is None or name in self.environment.values else symbol.body

    def affordable(self, relation: Relation) -> bool:
        """Whether every side is short enough to be evaluated."""
        return all(self.cost(side) <= MOST_TERMS for side in relation.sides)

    def rests_on_record(self, relation: Relation) -> bool:
        """Whether a side of a line is taken from what was recorded in float64."""
        return any(
            isinstance(part, Partial) and self.takes_record(part)
            for side in relation.sides
            for part in t.walk(side)
        )

    def scale(self) -> Any:
        """The largest of what was recorded."""
        return max((float(np.abs(a).max(initial=0.0)) for a in self.recorded.values()), default=1.0)


def sampled_places(
    relation: Relation, letters: list[Index], at: SampledEvaluator
) -> Iterator[dict[str, int]]:
    """All places where there are few, else some at random; those its conditions allow."""
    sizes = [at.size(index.space) for index in letters]
    names = [index.name for index in letters]
    count = prod(sizes)
    rng = np.random.default_rng([count, len(letters)])
    dear = max(at.cost(side) for side in relation.sides)
    if count * dear <= MOST_TERMS and count <= _ALL:
        flat: Iterable[int] = range(count)
    else:
        drawn = min(_DRAWN, max(1, MOST_TERMS // dear))
        flat = sorted({*map(int, rng.integers(count, size=drawn))})
    for number in flat:
        found = np.unravel_index(int(number), sizes) if sizes else ()
        where = {**at.environment.fixed, **dict(zip(names, map(int, found), strict=True))}
        if all(
            (where[left.name] == place(right, where)) == (sign == "=")
            for left, sign, right in relation.conditions
        ):
            yield where
