"""From a tree to its value, in either kind of number. This is all a proof rests on.

A quantity is computed from its definition in the `Environment`, never from another line of the
derivation. ∂of/∂by moves `by` alone and computes `of` again: by a difference quotient in decimals,
by a dual number in algebra.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np

from pminusy.derivation import tree as t
from pminusy.derivation.engine.algebra import Algebra
from pminusy.derivation.engine.decimals import Decimals, as_array, difference_step, working
from pminusy.derivation.engine.dual import Dual
from pminusy.derivation.engine.environment import Environment

__all__ = ["Evaluator"]

Indices = Mapping[str, int]


class Evaluator:
    """Values of trees in one environment, remembered.

    Parameters
    ----------
    environment
        Definitions, sizes and given values.
    domain
        The kind of number.
    """

    def __init__(
        self,
        environment: Environment,
        domain: Decimals | Algebra,
        moved: Mapping[str, Any] | None = None,
        parent: Evaluator | None = None,
    ) -> None:
        self.environment, self.domain = environment, domain
        self._moved, self._parent = dict(moved or {}), parent
        self._arrays: dict[str, Any] = dict(self._moved)
        self._memo: dict[tuple[int, tuple[int, ...]], Any] = {}
        # a changed environment has the letters of the one it was made from
        self._letters: dict[int, tuple[t.Node, tuple[str, ...]]] = parent._letters if parent else {}
        self._ways: dict[Any, tuple[Evaluator, Any]] = {}
        self.directions: dict[Any, Any] = {}
        self.contracted: dict[Any, tuple[Any, Any]] = {}
        self._shifts: dict[Any, Evaluator] = {}

    def value(self, tree: t.Node, where: Indices | None = None) -> Any:
        """Value of a tree: a number, or an object array."""
        where = {**self.environment.fixed, **(where or {})}
        return self._value(tree, where)

    def array(self, name: str) -> Any:
        """All entries of a quantity."""
        if name not in self._arrays:
            untouched = self.environment.made_from(name).isdisjoint(self._moved)
            same = self._parent if untouched else None
            self._arrays[name] = self._computed(name) if same is None else same.array(name)
        return self._arrays[name]

    def set_array(self, name: str, array: Any) -> None:
        """Take the entries of a quantity from where they have been computed already."""
        self._arrays[name] = array

    def working(self) -> AbstractContextManager[None]:
        """A context in which decimals have the digits that this environment needs."""
        return working(self.environment.digits)

    def size(self, space: str) -> int:
        """How many values an index has."""
        return self.environment.sizes[space]

    def _computed(self, name: str) -> Any:
        if name in self.environment.values:
            return self.environment.values[name]
        symbol = self.environment.symbols[name]
        if symbol.body is None:
            raise KeyError(f"{name} is neither given nor defined")
        if not symbol.parameters:
            return self._value(symbol.body, dict(self.environment.fixed))
        shape = tuple(self.size(space) for space in symbol.spaces)
        result = np.empty(shape, dtype=object)
        for place in np.ndindex(shape):
            where = dict(self.environment.fixed)
            where.update(zip((index.name for index in symbol.parameters), place, strict=True))
            result[place] = self._value(symbol.body, where)
        return result

    def _value(self, tree: t.Node, where: Indices) -> Any:
        if type(tree) is t.Ref:  # looking it up is quicker than remembering it
            return _ref(self, tree, where)
        key = (id(tree), tuple([where[letter] for letter in self.letters(tree)]))
        if key not in self._memo:
            self._memo[key] = _RULES[type(tree)](self, tree, where)
        return self._memo[key]

    def letters(self, tree: t.Node) -> tuple[str, ...]:
        """Letters that the value depends on; the tree is kept, so that its id stays its own."""
        known = self._letters.get(id(tree))
        if known is None:
            letters = tuple(sorted({index.name for index in t.free_indices(tree)}))
            known = self._letters[id(tree)] = (tree, letters)
        return known[1]

    def places(self, sum_: t.Sum, where: Indices) -> Iterator[int]:
        """Values that the index of a sum takes."""
        first = 0 if sum_.above is None else where[sum_.above.name] + 1
        left_out = None if sum_.without is None else place(sum_.without, where)
        return (i for i in range(first, self.size(sum_.index.space)) if i != left_out)

    def shifted(self, name: str, entry: tuple[int, ...], direction: int) -> Evaluator:
        """The same environment with one entry of a quantity moved."""
        key = (name, entry, direction)
        if key not in self._shifts:
            array = np.array(as_array(self.array(name)), copy=True)
            array[entry] = self._moved_entry(name, array[entry], direction)
            self._shifts[key] = self.with_moved(name, array)
        return self._shifts[key]

    def along(self, name: str, direction: Any, sign: int) -> Evaluator:
        """The same environment with a quantity moved a little along a direction (decimals only).

        The same direction object gives the same environment again; it is kept, so that its id
        stays its own.
        """
        key = (name, id(direction), sign)
        if key not in self._ways:
            moved = self.array(name) + sign * difference_step() * direction
            self._ways[key] = (self.with_moved(name, moved), direction)
        return self._ways[key][0]

    def with_moved(self, name: str, array: Any) -> Evaluator:
        """The same environment with a quantity replaced, and all that is computed from it."""
        value = array if array.ndim else array[()]
        return Evaluator(self.environment, self.domain, {**self._moved, name: value}, self)

    def _moved_entry(self, name: str, value: Any, direction: int) -> Any:
        if isinstance(self.domain, Decimals):
            return value + direction * self._step(name, value)
        return Dual(value, self.domain.number(Fraction(1)), self.domain.new_level())

    def _step(self, name: str, value: Any) -> Any:
        """How far an entry is moved: a probability only by a small part of itself."""
        step = difference_step()
        return step * abs(value) if name in _PROBABILITIES and value else step

    def derivative(self, of: t.Node, by: str, entry: tuple[int, ...], where: Indices) -> Any:
        """Derivative of a tree's value with respect to one entry of a quantity."""
        if isinstance(self.domain, Decimals):
            ahead = self.shifted(by, entry, 1)._value(of, where)
            behind = self.shifted(by, entry, -1)._value(of, where)
            return (ahead - behind) / (2 * self._step(by, as_array(self.array(by))[entry]))
        moved = self.shifted(by, entry, 1)
        level = as_array(moved._moved[by])[entry].level
        value = moved._value(of, where)
        if isinstance(value, np.ndarray):
            slopes = [_slope(item, level, self.domain) for item in value.ravel()]
            return as_array(slopes).reshape(value.shape)
        return _slope(value, level, self.domain)


_PROBABILITIES = frozenset({"p", "P"})


def place(slot: t.Slot, where: Indices) -> int:
    """Value of an index."""
    if isinstance(slot, t.Offset):
        return sum(factor * where[index.name] for factor, index in slot.terms) + slot.shift
    return where[slot.name] if isinstance(slot, t.Index) else slot


def _slope(value: Any, level: int, domain: Algebra) -> Any:
    if isinstance(value, Dual) and value.level == level:
        return value.slope
    return domain.number(Fraction(0))


def _number(self: Evaluator, tree: t.Number, where: Indices) -> Any:
    return self.domain.number(tree.value)


def _shown(self: Evaluator, tree: t.Value, where: Indices) -> Any:
    return tree.value


def _size(self: Evaluator, tree: t.Size, where: Indices) -> Any:
    return self.domain.number(Fraction(self.size(tree.space)))


def _ref(self: Evaluator, tree: t.Ref, where: Indices) -> Any:
    array = self.array(tree.name)
    if not tree.indices:
        return array
    places = tuple(place(slot, where) for slot in tree.indices)
    for p, n in zip(places, array.shape, strict=False):
        if not 0 <= p < n:
            return self.domain.number(Fraction(0))
    return array[places]


def _add(self: Evaluator, tree: t.Add, where: Indices) -> Any:
    return _total([self._value(term, where) for term in tree.terms])


def _mul(self: Evaluator, tree: t.Mul, where: Indices) -> Any:
    result = self._value(tree.factors[0], where)
    for factor in tree.factors[1:]:
        result = _both(np.multiply, result, self._value(factor, where))
    return result


def _sum(self: Evaluator, tree: t.Sum, where: Indices) -> Any:
    values = [
        self._value(tree.body, {**where, tree.index.name: i}) for i in self.places(tree, where)
    ]
    if not values:
        return self.domain.number(Fraction(0))
    total = _total(values)
    return self.domain.cancel_unit_sums(total) if isinstance(self.domain, Algebra) else total


def _total(values: list[Any]) -> Any:
    result = values[0]
    for value in values[1:]:
        result = _both(np.add, result, value)
    return result


def _both(operation: Callable[[Any, Any], Any], left: Any, right: Any) -> Any:
    """Entry by entry where one side is an array: exact elements do not know arrays."""
    if isinstance(left, np.ndarray) or isinstance(right, np.ndarray):
        return operation(as_array(left), as_array(right))
    return _PLAIN[operation](left, right)


def _power(self: Evaluator, tree: t.Power, where: Indices) -> Any:
    return self._value(tree.base, where) ** tree.exponent


def _apply(self: Evaluator, tree: t.Apply, where: Indices) -> Any:
    value = self._value(tree.argument, where)
    if tree.function == "relu":
        return _entrywise(value, lambda v: v if self.domain.sign(v) > 0 else v * 0)
    if tree.function == "ln" and isinstance(self.domain, Algebra):
        value = self.domain.cancel_unit_sums(value)  # ln (Z Σ p) is ln Z
    return _entrywise(value, lambda v: self.domain.apply(tree.function, v))


def _log(self: Evaluator, tree: t.Log, where: Indices) -> Any:
    above, below = self._value(tree.argument, where), self._value(tree.base, where)
    return self.domain.apply("ln", above) / self.domain.apply("ln", below)


def _abs(self: Evaluator, tree: t.Abs, where: Indices) -> Any:
    return _entrywise(
        self._value(tree.body, where), lambda v: v if self.domain.sign(v) >= 0 else -v
    )


def _indicator(self: Evaluator, tree: t.Indicator, where: Indices) -> Any:
    one, zero = self.domain.number(Fraction(1)), self.domain.number(Fraction(0))
    value = self._value(tree.body, where)
    return _entrywise(value, lambda v: one if self.domain.sign(v) > 0 else zero)


def _entrywise(value: Any, function: Callable[[Any], Any]) -> Any:
    if not isinstance(value, np.ndarray):
        return function(value)
    return as_array([function(item) for item in value.ravel()]).reshape(value.shape)


def _delta(self: Evaluator, tree: t.Delta, where: Indices) -> Any:
    return self.domain.number(Fraction(int(place(tree.i, where) == place(tree.j, where))))


def _cases(self: Evaluator, tree: t.Cases, where: Indices) -> Any:
    same = place(tree.i, where) == place(tree.j, where)
    return self._value(tree.same if same else tree.other, where)


def _row(self: Evaluator, tree: t.Row, where: Indices) -> Any:
    places = range(self.size(tree.index.space))
    return as_array([self._value(tree.body, {**where, tree.index.name: i}) for i in places])


def _max(self: Evaluator, tree: t.Max, where: Indices) -> Any:
    values = [self._value(tree.body, {**where, **at}) for at in _window(self, tree.over)]
    return values[_first_largest(values, self)]


def _window(self: Evaluator, over: tuple[t.Index, ...]) -> list[dict[str, int]]:
    """Places of a window in reading order."""
    names = [index.name for index in over]
    places = product(*(range(self.size(index.space)) for index in over))
    return [dict(zip(names, place_, strict=True)) for place_ in places]


def _first_largest(values: list[Any], at: Evaluator) -> int:
    best = 0
    for i, value in enumerate(values):
        if i and at.domain.sign(value - values[best]) > 0:
            best = i
    return best


def _wins(self: Evaluator, tree: t.ArgMaxIndicator, where: Indices) -> Any:
    window = [{**where, **at} for at in _window(self, tree.over)]
    values = [self._value(tree.window, at) for at in window]
    slots = tree.window.indices[-len(tree.places) :]
    winner = window[_first_largest(values, self)]
    same = all(place(s, winner) == where[p.name] for s, p in zip(slots, tree.places, strict=True))
    return self.domain.number(Fraction(int(same)))


def _largest(self: Evaluator, tree: t.Largest, where: Indices) -> Any:
    values = [self._value(term, where) for term in tree.terms]
    return values[_first_largest(values, self)]


def _partial(self: Evaluator, tree: t.Partial, where: Indices) -> Any:
    if tree.by.indices:
        entry = tuple(place(slot, where) for slot in tree.by.indices)
        shape = np.shape(self.array(tree.by.name))
        entries = [entry] if len(entry) == len(shape) else _under(entry, shape)
        if len(entry) == len(shape):
            return self.derivative(tree.of, tree.by.name, entry, where)
        rest = shape[len(entry) :]
    else:
        rest = as_array(self.array(tree.by.name)).shape
        entries = _under((), rest)
    values = [self.derivative(tree.of, tree.by.name, entry, where) for entry in entries]
    if not rest:
        return values[0]
    stacked = np.empty((len(values), *np.shape(values[0])), dtype=object)
    for i, value in enumerate(values):
        stacked[i] = value
    stacked = stacked.reshape(*rest, *np.shape(values[0]))
    return np.moveaxis(stacked, range(len(rest)), range(-len(rest), 0))


def _under(entry: tuple[int, ...], shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    return [(*entry, *more) for more in product(*(range(n) for n in shape[len(entry) :]))]


def _reshape(self: Evaluator, tree: t.Reshape, where: Indices) -> Any:
    return self._value(tree.body, where).reshape([self.size(space) for space in tree.spaces])


def _identity(self: Evaluator, tree: t.Identity, where: Indices) -> Any:
    n = self.size(tree.space)
    return as_array(
        [[self.domain.number(Fraction(int(i == j))) for j in range(n)] for i in range(n)]
    )


def _ones(self: Evaluator, tree: t.Ones, where: Indices) -> Any:
    return as_array([self.domain.number(Fraction(1))] * self.size(tree.space))


def _diag(self: Evaluator, tree: t.Diag, where: Indices) -> Any:
    vector = self._value(tree.body, where)
    zero = self.domain.number(Fraction(0))
    n = len(vector)
    return as_array([[vector[i] if i == j else zero for j in range(n)] for i in range(n)])


_PLAIN: dict[Any, Callable[[Any, Any], Any]] = {
    np.add: operator.add,
    np.multiply: operator.mul,
    np.divide: operator.truediv,
}

_RULES: dict[type, Callable[[Evaluator, Any, Indices], Any]] = {
    t.Number: _number,
    t.Value: _shown,
    t.Size: _size,
    t.Ref: _ref,
    t.Add: _add,
    t.Neg: lambda self, tree, where: -self._value(tree.body, where),
    t.Mul: _mul,
    t.Div: lambda self, tree, where: _both(
        np.divide, self._value(tree.above, where), self._value(tree.below, where)
    ),
    t.Power: _power,
    t.Apply: _apply,
    t.Log: _log,
    t.Abs: _abs,
    t.Parens: lambda self, tree, where: self._value(tree.body, where),
    t.Sum: _sum,
    t.Delta: _delta,
    t.Cases: _cases,
    t.Indicator: _indicator,
    t.Max: _max,
    t.ArgMaxIndicator: _wins,
    t.Largest: _largest,
    t.Partial: _partial,
    t.MatMul: lambda self, tree, where: (
        self._value(tree.left, where) @ self._value(tree.right, where)
    ),
    t.Transpose: lambda self, tree, where: self._value(tree.body, where).T,
    t.Outer: lambda self, tree, where: np.multiply.outer(
        self._value(tree.left, where), self._value(tree.right, where)
    ),
    t.Hadamard: lambda self, tree, where: (
        self._value(tree.left, where) * self._value(tree.right, where)
    ),
    t.Reshape: _reshape,
    t.Row: _row,
    t.Diag: _diag,
    t.Ones: _ones,
    t.Identity: _identity,
}
