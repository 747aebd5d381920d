"""Signs that are read off a formula alone, for any number of terms."""

from __future__ import annotations

from collections.abc import Mapping

from pminusy.derivation import tree as t
from pminusy.derivation.engine.environment import Symbol

__all__ = ["in_order_by_form"]

_Sign = tuple[int, bool]
"""Direction, and whether it is strict: (1, True) is > 0, (−1, False) is ≤ 0, (0, False) is 0."""


def in_order_by_form(left: t.Node, sign: str, right: t.Node, symbols: Mapping[str, Symbol]) -> bool:
    """Whether left < right (or ≤, >, ≥) for any number of classes, from 2 on."""
    if sign in ("<", "≤"):
        left, right = right, left
    elif sign not in (">", "≥"):
        return False
    found = _difference(left, right, symbols)
    return found is not None and found[0] >= 0 and (found[1] or sign in "≤≥")


def _difference(left: t.Node, right: t.Node, symbols: Mapping[str, Symbol]) -> _Sign | None:
    """Sign of left − right."""
    if right == t.node(0):
        return _sign(left, symbols)
    if left == t.node(0):
        return _turned(_sign(right, symbols))
    if left == t.node(1) and _is_probability(right):
        return (1, True)  # the other classes have a share too
    return None


def _sign(tree: t.Node, symbols: Mapping[str, Symbol]) -> _Sign | None:
    if isinstance(tree, t.Number):
        return (int(tree.value > 0) - int(tree.value < 0), tree.value != 0)
    if isinstance(tree, t.Parens):
        return _sign(tree.body, symbols)
    if isinstance(tree, t.Neg):
        return _turned(_sign(tree.body, symbols))
    if isinstance(tree, t.Apply):
        return _of_function(tree)
    if isinstance(tree, t.Power):
        return (1, False) if tree.exponent % 2 == 0 else None
    if isinstance(tree, t.Add):
        return _of_sum(tree, symbols)
    if isinstance(tree, t.Sum) and tree.above is None:
        found = _sign(tree.body, symbols)
        return found if tree.without is None or found is None else (found[0], False)
    if isinstance(tree, t.Mul):
        return _of_product([_sign(factor, symbols) for factor in tree.factors])
    return _of_letter(tree, symbols) if isinstance(tree, t.Ref) else None


def _of_letter(tree: t.Ref, symbols: Mapping[str, Symbol]) -> _Sign | None:
    if tree.name in ("p", "S_of_z", "S_e"):
        return (1, True)
    if tree.name in ("y", "q", "zeta"):
        return (1, False)
    body = symbols[tree.name].body if tree.name in symbols else None
    return None if body is None else _sign(body, symbols)


def _of_function(tree: t.Apply) -> _Sign | None:
    if tree.function == "exp":
        return (1, True)
    argument = tree.argument
    return (-1, True) if tree.function == "ln" and _is_probability(argument) else None


def _of_sum(tree: t.Add, symbols: Mapping[str, Symbol]) -> _Sign | None:
    if len(tree.terms) == 2 and _less_than_one(*tree.terms):
        return (-1, True)  # p − 1
    found = [_sign(term, symbols) for term in tree.terms]
    signs = {one[0] for one in found if one is not None and one[0]}
    if None in found or len(signs) > 1:
        return None
    return (signs.pop() if signs else 0, any(one is not None and one[1] for one in found))


def _less_than_one(first: t.Node, second: t.Node) -> bool:
    return _is_probability(first) and second == t.Neg(t.node(1))


def _of_product(found: list[_Sign | None]) -> _Sign | None:
    direction, strict = 1, True
    for one in found:
        if one is None:
            return None
        direction, strict = direction * one[0], strict and one[1]
    return (direction, strict)


def _turned(found: _Sign | None) -> _Sign | None:
    return None if found is None else (-found[0], found[1])


def _is_probability(tree: t.Node) -> bool:
    return isinstance(tree, t.Ref) and tree.name == "p" and len(tree.indices) == 1
