"""Inequalities, from forms that make them plain.

Positive quantities (e^{z_k}, p_k, sizes, weights) enter exact algebra as generators, so a rational
function whose coefficients are all ≥ 0 is ≥ 0, and so is an even power of anything. What is not
rational is taken apart by its tree: ln a ≤ 0 where a ≤ 1, ln a ≤ a − 1, products and sums by the
signs of their parts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from pminusy.derivation import tree as t
from pminusy.derivation.engine.decimals import as_array
from pminusy.derivation.engine.evaluate import Evaluator, place
from pminusy.derivation.engine.rational_signs import nonnegative, plain_sign, positive

__all__ = ["require"]

Fail = Callable[[str], None]


def require(
    left: t.Node, sign: str, right: t.Node, at: Evaluator, where: Mapping[str, int], fail: Fail
) -> int:
    """Prove left (sign) right exactly, or call `fail`; the number of entries compared."""
    if sign == "=":
        return _equal(at.value(left, where), at.value(right, where), at.domain, fail)
    if sign == "⪯":
        return _loewner(at.value(right, where) - at.value(left, where), at.domain, fail)
    small, large = (left, right) if sign in "<≤" else (right, left)
    if not _ordered(small, large, sign in "<>", at, where):
        fail(f"no form shows that the {'left' if sign in '<≤' else 'right'} side is the smaller")
    return 1


def _equal(left: Any, right: Any, algebra: Any, fail: Fail) -> int:
    if np.shape(left) != np.shape(right):
        fail(f"shapes {np.shape(left)} and {np.shape(right)} differ")
    a, b = np.asarray(left, dtype=object), np.asarray(right, dtype=object)
    for one, other in zip(a.ravel(), b.ravel(), strict=True):
        if not algebra.is_zero(one - other):
            fail(f"the sides differ by {one - other}")
    return int(a.size)


def _ordered(
    small: t.Node, large: t.Node, strict: bool, at: Evaluator, where: Mapping[str, int]
) -> bool:
    if not strict and _is_zero(small):
        return _sign(large, at, where) > 0
    if not strict and _is_zero(large):
        return _sign(small, at, where) < 0
    if not strict and _by_form(small, large, at, where):
        return True
    difference = at.value(large, where) - at.value(small, where)
    if strict:
        return positive(difference, at.domain)
    matrix = _quadratic_form(difference, at.domain)
    if matrix is not None:
        return _dominant_somehow(matrix, at.domain)
    return nonnegative(difference, at.domain)


def _by_form(small: t.Node, large: t.Node, at: Evaluator, where: Mapping[str, int]) -> bool:
    """Orders that are plain from how both sides are written."""
    if isinstance(small, t.Apply) and small.function == "ln":  # below its tangent: ln a ≤ a − 1
        a = at.value(small.argument, where)
        tangent = at.value(large, where) - (a - 1)
        return at.domain.is_zero(tangent) and positive(a, at.domain)  # type: ignore[union-attr]  # exact here
    if isinstance(small, t.Mul) and isinstance(large, t.Mul):  # a common factor ≥ 0
        *common, a = small.factors
        *others, b = large.factors
        factors_agree = common == others and all(_sign(f, at, where) > 0 for f in common)
        return factors_agree and _ordered(a, b, False, at, where)
    if isinstance(large, t.Add) and small in large.terms:  # more terms ≥ 0
        return all(_sign(term, at, where) > 0 for term in large.terms if term != small)
    return False


_DIRECTION = "V_b"


def _quadratic_form(value: Any, algebra: Any) -> Any:
    """Symmetric matrix of a quadratic form in a direction's generators; None if there is none."""
    names = algebra.ring.names
    places = [i for i, name in enumerate(names) if name.startswith(_DIRECTION)]
    if not places or not value:
        return None
    n = len(places)
    matrix = np.full((n, n), algebra.number(Fraction(0)), dtype=object)
    for term in value.single_terms():
        ((monomial, _),) = term.terms.items()
        held = [place for place in places for _ in range(monomial[place])]
        if len(held) != 2 or any(monomial[place] < 0 for place in places):
            return None
        i, j = (places.index(place) for place in held)
        half = term / algebra.ring.generator(held[0]) / algebra.ring.generator(held[1])
        half = half * algebra.number(Fraction(1, 2))
        matrix[i, j] = matrix[i, j] + half
        matrix[j, i] = matrix[j, i] + half
    return matrix


def _is_zero(tree: t.Node) -> bool:
    return isinstance(tree, t.Number) and tree.value == 0


def _sign(tree: t.Node, at: Evaluator, where: Mapping[str, int]) -> int:
    """1 where the tree is plainly ≥ 0, −1 where plainly ≤ 0, 0 where that is open."""
    by_parts = _sign_by_parts(tree, at, where)
    if by_parts:
        return by_parts
    return plain_sign(at.value(tree, where), at.domain)


def _sign_by_parts(tree: t.Node, at: Evaluator, where: Mapping[str, int]) -> int:
    if isinstance(tree, t.Neg | t.Parens):
        inner = _sign(tree.body, at, where)
        return -inner if isinstance(tree, t.Neg) else inner
    if isinstance(tree, t.Sum):
        return _agreed(
            [_sign(tree.body, at, {**where, tree.index.name: i}) for i in at.places(tree, where)]
        )
    if isinstance(tree, t.Add):
        return _agreed([_sign(term, at, where) for term in tree.terms])
    if isinstance(tree, t.Mul):
        return int(np.prod([_sign(factor, at, where) for factor in tree.factors]))
    if isinstance(tree, t.Power) and tree.exponent % 2 == 0:
        return 1
    if isinstance(tree, t.Div):
        return _sign(tree.above, at, where) * _sign(tree.below, at, where)
    if isinstance(tree, t.Apply) and tree.function == "ln":
        return plain_sign(at.value(tree.argument, where) - 1, at.domain)
    if isinstance(tree, t.Ref) and tree.name not in at.environment.values:
        symbol = at.environment.symbols[tree.name]
        letters = (index.name for index in symbol.parameters)
        inside = {
            **where,
            **dict(zip(letters, (place(s, where) for s in tree.indices), strict=True)),
        }
        return _sign(symbol.body, at, inside) if symbol.body is not None else 0
    return 0


def _agreed(signs: list[int]) -> int:
    return signs[0] if signs and len(set(signs)) == 1 else 0


def _loewner(matrix: Any, algebra: Any, fail: Fail) -> int:
    """M ⪰ 0: M 1 = 0, and M + s 1 1ᵀ has a dominant diagonal for s = 0 or 1 / (2 K).

    Gershgorin's discs then lie right of 0; adding s 1 1ᵀ changes direction 1 alone, where M is 0.
    """
    n = len(matrix)
    if any(not algebra.is_zero(matrix[i, j] - matrix[j, i]) for i in range(n) for j in range(i)):
        fail("the difference is not symmetric")
    if any(not algebra.is_zero(sum(row[1:], row[0])) for row in matrix):
        fail("the difference does not vanish along (1, …, 1)")
    if not _dominant_somehow(matrix, algebra):
        fail("no dominant diagonal")
    return n


def _dominant_somehow(matrix: Any, algebra: Any) -> bool:
    """Dominant diagonal, as it is or after adding 1 1ᵀ / (2 K) where M 1 = 0."""
    n = len(matrix)
    if _dominant(matrix, algebra):
        return True
    if any(not algebra.is_zero(sum(row[1:], row[0])) for row in matrix):
        return False
    return _dominant(matrix + as_array(algebra.number(Fraction(1, 2 * n))), algebra)


def _dominant(matrix: Any, algebra: Any) -> bool:
    n = len(matrix)
    for i in range(n):
        slack = matrix[i, i]
        for j in range(n):
            if j != i:
                entry = matrix[i, j]
                sign = plain_sign(entry, algebra)
                if not sign:
                    return False
                slack = slack - entry if sign > 0 else slack + entry
        if not nonnegative(slack, algebra):
            return False
    return True
