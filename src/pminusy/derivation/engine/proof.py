"""Proofs: a line is shown only if these hold, and they are computed from the line's own tree.

An identity is proved twice: exactly, as rational functions, for K = 2, 3, 4 and every choice of its
indices; and at the reader's numbers to 30 digits with difference quotients for derivatives. An
inequality is proved by the form of its difference: no negative coefficient in positive quantities,
an even power, a product of one sign; a matrix inequality by dominant diagonals (Gershgorin).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np

from pminusy.derivation.engine import inequalities as signs
from pminusy.derivation.engine.contraction import against, applied, contract, direction
from pminusy.derivation.engine.decimals import DIGITS, decimals
from pminusy.derivation.engine.evaluate import Evaluator, place
from pminusy.derivation.engine.samples import SampledEvaluator, sampled_places
from pminusy.derivation.tree import (
    Cases,
    Delta,
    Diag,
    Hadamard,
    Identity,
    Index,
    MatMul,
    Node,
    Ones,
    Outer,
    Partial,
    Ref,
    Relation,
    Sum,
    children,
    every_index,
    free_indices,
    names,
    walk,
)

__all__ = [
    "Check",
    "Proof",
    "ProofError",
    "Sizes",
    "prove_by_algebra",
    "prove_by_numbers",
    "spot_checked",
]

Sizes = tuple[int, ...]

MANY_CLASSES = 32
"""Above this many classes a line is checked along random directions and at a few entries."""

_MANY_TERMS = 1000
"""Above this many terms, all indices taken together, likewise: a layer's Hessian is K·D × K·D."""

_TOLERANCE = decimals.mpf(10) ** -DIGITS
_RECORDED = 1e-11
"""How far a gradient in float64 may be from the line, as a part of the layer's largest."""


class ProofError(ArithmeticError):
    """A line that does not hold. It is never shown."""


@dataclass(frozen=True)
class Check:
    """One thing that was checked, in words, and how many comparisons it took.

    `any_size` is whether it holds for any number of classes.
    """

    kind: str
    detail: str
    comparisons: int
    any_size: bool = False


@dataclass(frozen=True)
class Proof:
    """Everything that was checked of a line."""

    checks: tuple[Check, ...]

    @property
    def any_size(self) -> bool:
        """Whether the line holds for any number of classes."""
        return any(check.any_size for check in self.checks)

    def __str__(self) -> str:
        return "; ".join(check.detail for check in self.checks)


def indices_of(relation: Relation) -> tuple[Index, ...]:
    """Free indices of a line, in the order in which they are first met."""
    found: dict[Index, None] = {}
    for side in relation.sides:
        free = free_indices(side)
        for slot in _slots(side):
            if slot in free:
                found[slot] = None
    for left, _, right in relation.conditions:
        found.update({slot: None for slot in (left, right) if isinstance(slot, Index)})
    return tuple(found)


def _slots(tree: Node) -> Iterator[Index]:
    for part in walk(tree):
        slots = part.indices if isinstance(part, Ref) else ()
        slots = (part.i, part.j) if isinstance(part, Delta | Cases) else slots
        slots = (part.without, part.above) if isinstance(part, Sum) else slots  # type: ignore[assignment]  # None is passed over
        yield from (slot for slot in slots if isinstance(slot, Index))


def index_choices(
    relation: Relation, evaluator: Evaluator, chosen: Callable[[Index], list[int]] | None = None
) -> Iterator[Mapping[str, int]]:
    """Every choice of the free indices that the conditions of the line allow."""
    fixed = evaluator.environment.fixed
    letters = [index for index in indices_of(relation) if index.name not in fixed]
    ranges = [chosen(index) if chosen else range(evaluator.size(index.space)) for index in letters]
    for values in product(*ranges):
        where = {
            **fixed,
            **{index.name: value for index, value in zip(letters, values, strict=True)},
        }
        if all(_holds(constraint, where) for constraint in relation.conditions):
            yield where


def _holds(constraint: tuple[Index, str, Any], where: Mapping[str, int]) -> bool:
    left, sign, right = constraint
    return (where[left.name] == place(right, where)) == (sign == "=")


def mentions(relation: Relation) -> frozenset[str]:
    """Quantities that a line names."""
    return frozenset().union(*(names(side) for side in relation.sides))


def prove_by_algebra(relation: Relation, evaluators: list[Evaluator]) -> int:
    """Prove a line exactly in each environment; the number of comparisons made.

    Raises
    ------
    ProofError
        Two sides differ, or an inequality has no certificate.
    """
    compared = 0
    for evaluator in evaluators:
        for where in index_choices(relation, evaluator):
            for left, sign, right in _pairs(relation):
                compared += signs.require(left, sign, right, evaluator, where, _fail)
    if not compared:
        raise ProofError("nothing was compared: the line holds for no choice of its indices")
    return compared


def _fail(message: str) -> None:
    raise ProofError(message)


def _pairs(relation: Relation) -> list[tuple[Any, str, Any]]:
    return list(zip(relation.sides, relation.signs, relation.sides[1:], strict=False))


def prove_by_numbers(relation: Relation, numbers: Evaluator) -> int:
    """Check a line at the reader's numbers to 30 digits; the number of comparisons made.

    Raises
    ------
    ProofError
        Two sides differ.
    """
    with numbers.working():  # what is remembered of the numbers has all their digits
        return _by_numbers(relation, numbers)


def _by_numbers(relation: Relation, numbers: Evaluator) -> int:
    if isinstance(numbers, SampledEvaluator):
        return _by_samples(relation, numbers)
    if spot_checked(relation, numbers):
        return _by_many_numbers(relation, numbers)
    compared = 0
    for where in index_choices(relation, numbers):
        for left, sign, right in _pairs(relation):
            compared += _compare(numbers.value(left, where), sign, numbers.value(right, where))
    return compared


def _by_samples(relation: Relation, numbers: SampledEvaluator) -> int:
    """At a few places; 0 where a side has too many terms even for one."""
    if not numbers.affordable(relation):
        return 0
    tolerance = _RECORDED * numbers.scale() if numbers.rests_on_record(relation) else None
    letters = [i for i in indices_of(relation) if i.name not in numbers.environment.fixed]
    compared = 0
    for where in sampled_places(relation, letters, numbers):
        for left, sign, right in _pairs(relation):
            values = numbers.value(left, where), numbers.value(right, where)
            compared += _compare(values[0], sign, values[1], tolerance)
    return compared


def spot_checked(relation: Relation, numbers: Evaluator) -> bool:
    """Whether a line has too many entries to visit them all at the reader's numbers."""
    if max(numbers.environment.sizes.values()) > MANY_CLASSES:
        return True
    fixed = numbers.environment.fixed
    letters = {i for side in relation.sides for i in every_index(side) if i.name not in fixed}
    return math.prod(numbers.size(index.space) for index in letters) > _MANY_TERMS


def _by_many_numbers(relation: Relation, numbers: Evaluator) -> int:
    """Along random directions where the line is a plain identity, at a few entries otherwise."""
    letters = [
        index for index in indices_of(relation) if index.name not in numbers.environment.fixed
    ]
    plain = set(relation.signs) == {"="} and not relation.conditions
    compared = 0
    for where in index_choices(relation, numbers, _spots(numbers, few=plain and len(letters) > 0)):
        for left, sign, right in _pairs(relation):
            compared += _compare_many(left, sign, right, numbers, where)
    if plain and letters:
        directions = {index: direction(index, numbers.size(index.space)) for index in letters}
        where = dict(numbers.environment.fixed)
        for left, sign, right in _pairs(relation):
            sums = [contract(side, directions, numbers, where) for side in (left, right)]
            compared += _compare(sums[0], sign, sums[1])
    return compared


def _compare_many(
    left: Node, sign: str, right: Node, numbers: Evaluator, where: Mapping[str, int]
) -> int:
    if _is_gradient(left) or _is_gradient(right):
        return _compare(against(left, numbers, where), sign, against(right, numbers, where))
    if not (_is_matrix(left) or _is_matrix(right)):
        values = [contract(side, {}, numbers, where) for side in (left, right)]
        return _compare(values[0], sign, values[1])
    v = direction(Index("j"), numbers.size("K"))
    one, other = (applied(side, v, numbers) for side in (left, right))
    if sign == "⪯":
        return _compare(np.dot(one, v), "≤", np.dot(other, v))
    return _compare(one, sign, other)


def _is_gradient(tree: Node) -> bool:
    """∂L/∂W, ∂L/∂z, ∂L/∂w_k, ∂L/∂p · J: a scalar by a whole array."""
    if isinstance(tree, MatMul) and not isinstance(tree.right, Ones):
        return _is_gradient(tree.left)
    if not isinstance(tree, Partial) or not isinstance(tree.of, Ref) or tree.of.indices:
        return False
    rank = {"W": 2, "X": 2}.get(tree.by.name, 1)
    return len(tree.by.indices) < rank and tree.of.name not in _ARRAYS


_ARRAYS = frozenset("pzuxWbXPZ")


def _is_matrix(tree: Node) -> bool:
    if isinstance(tree, Outer | Diag | Identity):
        return True
    if isinstance(tree, Partial):
        return not tree.by.indices and isinstance(tree.of, Ref) and tree.of.name in "pz"
    if isinstance(tree, MatMul | Hadamard | Sum):
        return False
    if isinstance(tree, Ref):
        return tree.name == "J" and not tree.indices
    return any(_is_matrix(part) for part in children(tree))


def _spots(numbers: Evaluator, few: bool) -> Callable[[Index], list[int]]:
    """The true class; the last and two at random too where no direction covers the rest."""

    def chosen(index: Index) -> list[int]:
        size = numbers.size(index.space)
        if size <= 4:
            return list(range(size))
        own = numbers.environment.fixed.get("c", 0) if index.space == "K" else 0
        if few:
            return [own]
        drawn = np.random.default_rng(size).choice(size, 2, replace=False)
        return sorted({own, size - 1, *map(int, drawn)})

    return chosen


def _compare(left: Any, sign: str, right: Any, tolerance: float | None = None) -> int:
    """Entry by entry to 30 digits, or within a tolerance where one side is known in float64."""
    a, b = np.broadcast_arrays(np.asarray(left, dtype=object), np.asarray(right, dtype=object))
    if np.shape(left) and np.shape(right) and np.shape(left) != np.shape(right):
        raise ProofError(f"shapes {np.shape(left)} and {np.shape(right)} differ")
    if sign == "⪯":
        return _least_eigenvalue(b - a)
    scale = max((abs(value) for value in (*a.ravel(), *b.ravel())), default=decimals.mpf(0))
    floor = _TOLERANCE * max(1, scale) / 10**6
    for one, other in zip(a.ravel(), b.ravel(), strict=True):
        within = floor if tolerance is None else tolerance
        near = abs(one - other) <= _TOLERANCE * max(abs(one), abs(other)) + within
        if not _in_order(one, sign, other, near=near):
            shown = [decimals.nstr(value, 12) for value in (one, other)]
            raise ProofError(f"at these numbers {shown[0]} {sign} {shown[1]} does not hold")
    return int(a.size)


def _in_order(one: Any, sign: str, other: Any, *, near: bool) -> bool:
    """Whether two numbers compare so; along complex directions they may only be equal."""
    if sign == "=":
        return near
    less = bool(one < other if sign in "<≤" else one > other)
    return less or (near and sign in "≤≥")


def _least_eigenvalue(matrix: Any) -> int:
    """A symmetric matrix without a negative eigenvalue, to the digits compared."""
    n = len(matrix)
    if n > MANY_CLASSES:
        return 0
    with decimals.workdps(40):
        values = decimals.eigsy(decimals.matrix(matrix.tolist()), eigvals_only=True)
        least, largest = min(values), max(abs(value) for value in values)
    if not least >= -_TOLERANCE * max(1, largest):
        raise ProofError(f"an eigenvalue is {decimals.nstr(least, 12)} < 0")
    return n


@lru_cache(maxsize=4096)
def has_derivative(relation: Relation) -> bool:
    """Whether a line has a derivative in it."""
    return any(isinstance(part, Partial) for side in relation.sides for part in walk(side))
