"""Statements with one symbol changed: what a slip of the pen would make of a line."""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from pminusy.derivation import tree as t
from pminusy.derivation.proof import indices_of
from pminusy.derivation.tree import Node, Relation

SWAPS = {
    "p": ("y",), "y": ("p",), "q": ("p",), "z": ("p",), "W": (), "x": (), "S": ("lse",),
    "kappa": ("T",), "T": ("kappa",), "B": ("T",), "s": ("s_o",), "s_o": ("s",), "m": ("lse",),
    "P": ("Y",), "Y": ("P",), "g": (), "lse": ("S_e",), "epsilon": ("zeta",), "eta": ("lambda",),
}  # fmt: skip


def mutants(relation: Relation) -> Iterator[tuple[str, Relation]]:
    """Every statement that differs in one symbol, with what was changed."""
    letters = {index for index in indices_of(relation)}
    for place, side in enumerate(relation.sides):
        for what, changed in _mutated(side, frozenset(letters)):
            sides = (*relation.sides[:place], changed, *relation.sides[place + 1 :])
            yield what, replace(relation, sides=sides)
    for place, sign in enumerate(relation.signs):
        flipped = {"<": ">", ">": "<", "≤": "≥", "≥": "≤"}.get(sign)
        if flipped:
            signs = (*relation.signs[:place], flipped, *relation.signs[place + 1 :])
            yield "relation turned", replace(relation, signs=signs)


def _mutated(tree: Node, scope: frozenset[t.Index]) -> Iterator[tuple[str, Node]]:
    yield from _here(tree, scope)
    inner = scope | {tree.index} if isinstance(tree, t.Sum | t.Max | t.Wins) else scope
    parts = t.children(tree)
    for place, part in enumerate(parts):
        if isinstance(tree, t.Partial) and place == 1:
            continue  # the denominator of a derivative is changed below, by index
        for what, changed in _mutated(part, inner):
            if isinstance(tree, t.Wins) and not isinstance(changed, t.Ref):
                continue
            yield what, t.rebuild(tree, (*parts[:place], changed, *parts[place + 1 :]))


def _here(tree: Node, scope: frozenset[t.Index]) -> Iterator[tuple[str, Node]]:
    if isinstance(tree, t.Number):
        yield "number changed", t.Number(tree.value + 1)
        return
    if isinstance(tree, t.Ref):
        for name in SWAPS.get(tree.name, ()):
            yield f"{tree.name} for {name}", replace(tree, name=name)
        yield from _reindexed(tree, scope)
    if isinstance(tree, t.Partial):
        for what, by in _reindexed(tree.by, scope):
            yield what, replace(tree, by=by)
    if isinstance(tree, t.Delta):
        yield "δ missing", t.Number(Fraction(1))
    if isinstance(tree, t.Neg):
        yield "sign lost", tree.body
    elif isinstance(tree, t.Ref | t.Mul | t.Div | t.Sum | t.Apply | t.Partial):
        yield "sign added", t.Neg(tree)
    if isinstance(tree, t.Add):
        for place in range(len(tree.terms)):
            rest = (*tree.terms[:place], *tree.terms[place + 1 :])
            yield "term dropped", rest[0] if len(rest) == 1 else t.Add(rest)
    if isinstance(tree, t.Mul):
        for place in range(len(tree.factors)):
            rest = (*tree.factors[:place], *tree.factors[place + 1 :])
            yield "factor dropped", rest[0] if len(rest) == 1 else t.Mul(rest)
    if isinstance(tree, t.Div):
        yield "divisor dropped", tree.above
    if isinstance(tree, t.Sum) and tree.without is not None:
        yield "exclusion dropped", replace(tree, without=None)
    if isinstance(tree, t.Power):
        yield "power changed", replace(tree, exponent=tree.exponent + 1)
    if isinstance(tree, t.Log):
        yield "wrong base", t.Apply("ln", tree.argument)
    if isinstance(tree, t.Transpose):
        yield "transpose lost", tree.body
    if isinstance(tree, t.Apply) and tree.function in ("ln", "exp"):
        yield "function lost", tree.argument
    if isinstance(tree, t.Indicator):
        yield "mask lost", t.Number(Fraction(1))
    if isinstance(tree, t.Outer):
        yield "outer product turned", t.Outer(tree.right, tree.left)


def _reindexed(tree: t.Ref, scope: frozenset[t.Index]) -> Iterator[tuple[str, t.Ref]]:
    for place, slot in enumerate(tree.indices):
        if not isinstance(slot, t.Index):
            continue
        for other in sorted(scope, key=lambda index: index.name):
            if other != slot and other.space == slot.space:
                indices = (*tree.indices[:place], other, *tree.indices[place + 1 :])
                yield f"{tree.name}: {other.name} for {slot.name}", replace(tree, indices=indices)
