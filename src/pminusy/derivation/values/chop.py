"""Exact values of trees at the reader's numbers, the remainder rounded off where one is 0."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pminusy.derivation import tree as t
from pminusy.derivation.engine.contraction import contract
from pminusy.derivation.engine.decimals import decimals
from pminusy.derivation.engine.evaluate import Evaluator
from pminusy.derivation.engine.proof import MANY_CLASSES
from pminusy.derivation.tree import Node, Relation
from pminusy.derivation.values.digits import chopped

__all__ = ["NEVER_WHOLE", "chopped_value", "is_large", "shows_rest", "value_at"]


NEVER_WHOLE = frozenset({"p", "p_new", "P", "lse", "s", "S_e", "lse_n", "lse_new"})
"""Sums of exponentials and what is made of them: they come close to whole numbers, a probability to
1, and what is missing is just what the lines are about."""


def shows_rest(relation: Relation) -> bool:
    """Whether a value that rounds to a whole number is shown with what that leaves out."""
    ends = (relation.sides[0], relation.sides[-1])
    return any(isinstance(side, t.Ref) and side.name in NEVER_WHOLE for side in ends)


def is_large(at: Evaluator) -> bool:
    """Whether there are too many classes or features for sums taken entry by entry."""
    return max(at.environment.sizes.values()) > MANY_CLASSES


def value_at(tree: Node, at: Evaluator, where: Mapping[str, int]) -> Any:
    """Value of a tree, by contraction where there are many classes."""
    if is_large(at):
        found = contract(tree, {}, at, {**at.environment.fixed, **where})
    else:
        found = at.value(tree, where)
    return chopped_value(found, tree, at)


_ZERO = decimals.mpf(10) ** -40
"""Below this a difference quotient is one of an exact 0; a probability may well be smaller."""


def chopped_value(value: Any, tree: Node, at: Evaluator) -> Any:
    """Round off what rounding or difference quotients leave of an exact 0."""
    clean = _without_rest if _from_quotients(tree, at) else chopped
    if isinstance(value, np.ndarray):
        return np.array([clean(v) for v in value.ravel()], dtype=object).reshape(value.shape)
    return clean(value)


def _without_rest(value: Any) -> Any:
    """0 below `_ZERO`; but far below it, and above what rounding leaves, is a tiny derivative."""
    size = abs(value)
    tiny = decimals.mpf(10) ** (50 - decimals.dps) < size < decimals.mpf(10) ** -100
    return value * 0 if size < _ZERO and not tiny else value


def _from_quotients(tree: Node, at: Evaluator) -> bool:
    symbols, values = at.environment.symbols, at.environment.values
    made_from = {
        name for used in t.names(tree) if used in symbols for name in at.environment.made_from(used)
    }
    bodies = [symbols[name].body for name in made_from if name not in values]
    return any(
        isinstance(part, t.Partial)
        for body in (tree, *bodies)
        if body is not None
        for part in t.walk(body)
    )
