"""Σ_k v_k (tree)_k without visiting every pair of classes.

With a thousand classes a line in two indices has a million entries. Times a random direction v it
is one number, and most of a tree can be summed piece by piece: δ_jk becomes v_j, ∂L/∂z_k the
difference quotient along v, and factors without the index come out in front.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from pminusy.derivation import tree as t
from pminusy.derivation.engine.decimals import as_array, decimals, difference_step
from pminusy.derivation.engine.evaluate import Evaluator, place

__all__ = ["against", "applied", "contract", "direction"]

Indices = Mapping[str, int]
Directions = Mapping[t.Index, Sequence[Any]]


def direction(index: t.Index, size: int) -> tuple[Any, ...]:
    """A random direction, the same one every time it is asked for."""
    return _directions("k" if index.name == "i" else index.name, size)  # i and k never meet


@lru_cache(maxsize=64)
def _directions(name: str, size: int) -> tuple[Any, ...]:
    rng = np.random.default_rng([size, *name.encode()])
    return tuple(decimals.mpf(value) for value in rng.standard_normal(size))


def contract(tree: t.Node, directions: Directions, at: Evaluator, where: Indices) -> Any:
    """Value of the tree times a direction for each of some free indices, summed."""
    letters = at.letters(tree)
    used = {index: v for index, v in directions.items() if index.name in letters}
    here = tuple(where[name] for name in letters if name in where)
    key = (id(tree), here, tuple((index.name, id(v)) for index, v in used.items()))
    if key not in at.contracted:
        # the directions are kept, so that an id stays its own
        at.contracted[key] = (_contracted(tree, used, at, where), directions)
    result = at.contracted[key][0]
    for index, v in directions.items():
        if index not in used:
            result = result * sum(v)
    return result


def _contracted(tree: t.Node, directions: Directions, at: Evaluator, where: Indices) -> Any:
    if isinstance(tree, t.Add):
        return sum(contract(term, directions, at, where) for term in tree.terms)
    if isinstance(tree, t.Neg):
        return -contract(tree.body, directions, at, where)
    if isinstance(tree, t.Parens):
        return contract(tree.body, directions, at, where)
    if isinstance(tree, t.Mul):
        result = _product(tree.factors, directions, at, where)
        if result is not None:
            return result
    if isinstance(tree, t.Div) and not set(directions) & t.free_indices(tree.below):
        return contract(tree.above, directions, at, where) / at.value(tree.below, where)
    if isinstance(tree, t.Sum) and tree.without in directions and tree.above is None:
        return _sum_without(tree, directions, at, where)
    if isinstance(tree, t.Sum) and tree.without not in directions and tree.above not in directions:
        return _sum(tree, directions, at, where)
    if not directions:
        return at.value(tree, where)
    if isinstance(tree, t.Delta):
        return _delta(tree, directions, where)
    if isinstance(tree, t.Partial) and any(slot in directions for slot in tree.by.indices):
        shared = t.free_indices(tree.of) & set(tree.by.indices) & set(directions)
        if not shared:
            return _along(tree, directions, at, where)
        first = min(shared, key=lambda index: index.name)  # entry by entry what both sides name
        directions = {first: directions[first], **directions}
    return _entry_by_entry(tree, directions, at, where)


def _sum_without(tree: t.Sum, directions: Directions, at: Evaluator, where: Indices) -> Any:
    """Σ_(j≠k) is Σ_j less the term with j = k."""
    k = tree.without
    assert isinstance(k, t.Index)
    rest = {index: v for index, v in directions.items() if index != k}
    own = sum(
        weight * contract(tree.body, rest, at, {**where, k.name: i, tree.index.name: i})
        for i, weight in enumerate(directions[k])
    )
    return contract(replace(tree, without=None), directions, at, where) - own


def _sum(tree: t.Sum, directions: Directions, at: Evaluator, where: Indices) -> Any:
    """Term by term; but Σ_j ∂f/∂p_j r_j is the derivative of f along r, one difference quotient."""
    factors = tree.body.factors if isinstance(tree.body, t.Mul) else (tree.body,)
    for factor in factors:
        rest = [other for other in factors if other is not factor]
        inside = set(directions) & t.free_indices(factor)
        if (
            isinstance(factor, t.Partial)
            and factor.by.indices
            and factor.by.indices[-1] == tree.index
            and inside.isdisjoint(factor.by.indices)
            and tree.index not in t.free_indices(factor.of)
            and not any(inside & t.free_indices(other) for other in rest)
        ):
            size = at.size(tree.index.space)
            outside = {index: v for index, v in directions.items() if index not in inside}
            r = [at.domain.number(Fraction(0))] * size
            for i in at.places(tree, where):
                r[i] = _all(rest, outside, at, {**where, tree.index.name: i})
            own = {index: directions[index] for index in inside}
            return _along(factor, {**own, tree.index: tuple(r)}, at, where)
    return sum(
        contract(tree.body, directions, at, {**where, tree.index.name: i})
        for i in at.places(tree, where)
    )


def _all(factors: list[t.Node], directions: Directions, at: Evaluator, where: Indices) -> Any:
    if not factors:
        return at.domain.number(Fraction(1))
    tree = factors[0] if len(factors) == 1 else t.Mul(tuple(factors))
    return contract(tree, directions, at, where)


def _product(
    factors: tuple[t.Node, ...], directions: Directions, at: Evaluator, where: Indices
) -> Any:
    """Product of contractions where each index belongs to one factor.

    None where two factors share an index and none of them is a sum along it.
    """
    result: Any = at.domain.number(Fraction(1))
    owned: set[t.Index] = set()
    for factor in factors:
        mine = set(directions) & t.free_indices(factor)
        if mine & owned:
            return _product_with_sum(factors, directions, at, where)
        owned |= mine
        result = result * contract(factor, {i: directions[i] for i in mine}, at, where)
    return result


def _product_with_sum(
    factors: tuple[t.Node, ...], directions: Directions, at: Evaluator, where: Indices
) -> Any:
    """Σ_k v_k f_k Σ_(j≠k) g_j is the sum along the direction v_k f_k; None for another product."""
    sums = [f for f in factors if isinstance(f, t.Sum) and f.without in directions]
    if len(sums) != 1:
        return None
    sum_, k = sums[0], sums[0].without
    assert isinstance(k, t.Index)
    own = [factor for factor in factors if factor is not sum_ and k in t.free_indices(factor)]
    if any(set(directions) & t.free_indices(factor) - {k} for factor in own):
        return None
    along_k = tuple(
        weight * prod(at.value(factor, {**where, k.name: i}) for factor in own)
        for i, weight in enumerate(directions[k])
    )
    rest = tuple(factor for factor in factors if factor not in own)
    return contract(t.Mul(rest), {**directions, k: along_k}, at, where)


def _delta(tree: t.Delta, directions: Directions, where: Indices) -> Any:
    inside = [slot for slot in (tree.i, tree.j) if slot in directions]
    if len(inside) == 2:
        one, two = (directions[slot] for slot in inside)  # type: ignore[index]  # found there just now
        return sum(a * b for a, b in zip(one, two, strict=True))
    other = tree.j if inside[0] == tree.i else tree.i
    return directions[inside[0]][place(other, where)]  # type: ignore[index]  # found there just now


def _along(tree: t.Partial, directions: Directions, at: Evaluator, where: Indices) -> Any:
    """Difference quotient of the contracted numerator along the direction of the denominator."""
    own = [slot for slot in tree.by.indices if slot in directions]
    rest = {index: v for index, v in directions.items() if index not in own}
    direction_ = _direction_of(tree, directions, at, where)
    values = [
        contract(tree.of, rest, at.along(tree.by.name, direction_, sign), where) for sign in (1, -1)
    ]
    return (values[0] - values[1]) / (2 * difference_step())


def _direction_of(tree: t.Partial, directions: Directions, at: Evaluator, where: Indices) -> Any:
    """The direction in which the whole array of the denominator moves; made once."""
    slots = [directions.get(slot) or place(slot, where) for slot in tree.by.indices]  # type: ignore[arg-type]  # ints are in no directions
    key = (tree.by.name, *(slot if isinstance(slot, int) else id(slot) for slot in slots))
    if key not in at.directions:
        shape = at.array(tree.by.name).shape
        result = as_array([decimals.mpf(1)]).reshape(())
        for slot, length in zip(slots, shape, strict=True):
            if isinstance(slot, int):
                slot = [decimals.mpf(int(i == slot)) for i in range(length)]
            result = np.multiply.outer(result, as_array(slot))
        at.directions[key] = (result, slots)
    return at.directions[key][0]


def against(tree: t.Node, at: Evaluator, where: Indices) -> Any:
    """An array-valued tree times a random direction, summed; ∂L/∂W by one difference quotient."""
    if isinstance(tree, t.Parens):
        return against(tree.body, at, where)
    if isinstance(tree, t.Partial):
        whole = at.array(tree.by.name)
        fixed = tuple(place(slot, where) for slot in tree.by.indices)
        v = np.zeros(whole.shape, dtype=object) + decimals.mpf(0)
        v[fixed] = _array_direction(whole.shape[len(fixed) :])
        ahead, behind = (at.along(tree.by.name, v, sign).value(tree.of, where) for sign in (1, -1))
        return (ahead - behind) / (2 * difference_step())
    if isinstance(tree, t.MatMul) and isinstance(tree.left, t.Partial):
        return _row_times(tree, at)
    array = as_array(at.value(tree, where))
    return (array * _array_direction(array.shape)).sum() if array.ndim else array


def _row_times(tree: t.MatMul, at: Evaluator) -> Any:
    """(∂L/∂p · J) · v is the derivative of L along J v."""
    assert isinstance(tree.left, t.Partial)
    r = applied(tree.right, _array_direction((at.size("K"),)), at)
    name = tree.left.by.name
    ahead, behind = (at.along(name, as_array(r), sign).value(tree.left.of) for sign in (1, -1))
    return (ahead - behind) / (2 * difference_step())


@lru_cache(maxsize=64)
def _array_direction(shape: tuple[int, ...]) -> Any:
    rng = np.random.default_rng([11, *shape])
    drawn = rng.standard_normal(shape)
    return as_array([decimals.mpf(v) for v in drawn.ravel()]).reshape(shape)


def _entry_by_entry(tree: t.Node, directions: Directions, at: Evaluator, where: Indices) -> Any:
    (index, v), *rest = directions.items()
    return sum(
        weight * contract(tree, dict(rest), at, {**where, index.name: i})
        for i, weight in enumerate(v)
    )


def applied(tree: t.Node, v: Sequence[Any], at: Evaluator) -> Any:
    """A matrix tree times a vector, without forming the matrix; a vector or number as it is."""
    where = at.environment.fixed
    if isinstance(tree, t.Add):
        return sum(applied(term, v, at) for term in tree.terms)
    if isinstance(tree, t.Neg):
        return -applied(tree.body, v, at)
    if isinstance(tree, t.Parens):
        return applied(tree.body, v, at)
    if isinstance(tree, t.Mul):
        *scalars, matrix = tree.factors
        return at.value(t.Mul(tuple(scalars)), where) * applied(matrix, v, at)
    if isinstance(tree, t.Div):
        return applied(tree.above, v, at) / at.value(tree.below, where)
    if isinstance(tree, t.Diag):
        return at.value(tree.body, where) * np.asarray(v, dtype=object)
    if isinstance(tree, t.Outer):
        return at.value(tree.left, where) * np.dot(at.value(tree.right, where), v)
    if isinstance(tree, t.Identity):
        return np.asarray(v, dtype=object)
    if isinstance(tree, t.Partial) and not tree.by.indices:
        ahead, behind = (
            at.along(tree.by.name, as_array(v), sign).value(tree.of) for sign in (1, -1)
        )
        return (ahead - behind) / (2 * difference_step())
    if isinstance(tree, t.Ref):
        symbol = at.environment.symbols[tree.name]
        row, column = symbol.parameters
        assert symbol.body is not None
        return np.asarray(
            [
                contract(symbol.body, {column: v}, at, {**where, row.name: i})
                for i in range(at.size(row.space))
            ],
            dtype=object,
        )
    raise TypeError(f"no rule contracts a {type(tree).__name__}")
