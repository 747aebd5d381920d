"""Statements with one symbol changed: what a slip of the pen would make of a line."""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from pminusy.derivation import tree as t
from pminusy.derivation.engine.proof import indices_of
from pminusy.derivation.tree import Node, Relation

SWAPS = {
    "p": ("y",), "y": ("p",), "q": ("p",), "z": ("p",), "W": (), "x": (), "S": ("lse",),
    "kappa": ("T",), "T": ("kappa",), "B": ("T",), "s": ("s_o",), "s_o": ("s",), "m": ("lse",),
    "P": ("Y",), "Y": ("P",), "g": (), "lse": ("S_e",), "epsilon": ("zeta",), "eta": ("lambda",),
}  # fmt: skip


def mutants(relation: Relation) -> Iterator[tuple[str, Relation]]:
    """Every statement that differs in one symbol, with what was changed."""
    letters = set(indices_of(relation))
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
    inner = scope | _bound(tree)
    parts = t.children(tree)
    for place, part in enumerate(parts):
        if isinstance(tree, t.Partial) and place == 1:
            continue  # the denominator of a derivative is changed below, by index
        for what, changed in _mutated(part, inner):
            if isinstance(tree, t.ArgMaxIndicator) and not isinstance(changed, t.Ref):
                continue
            yield what, t.rebuild(tree, (*parts[:place], changed, *parts[place + 1 :]))


def _bound(tree: Node) -> frozenset[t.Index]:
    if isinstance(tree, t.Sum):
        return frozenset({tree.index})
    return frozenset(tree.over) if isinstance(tree, t.Max | t.ArgMaxIndicator) else frozenset()


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
        for what, changed in _slots(tree.j, scope):
            yield f"δ: {what}", replace(tree, j=changed)
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
    if isinstance(tree, t.Indicator | t.ArgMaxIndicator):
        yield "mask lost", t.Number(Fraction(1))
    if isinstance(tree, t.Size):
        yield "size changed", tree + 1
    if isinstance(tree, t.Sum):
        yield "sum over a part", replace(tree, without=0)
    if isinstance(tree, t.Outer):
        yield "outer product turned", t.Outer(tree.right, tree.left)


def _reindexed(tree: t.Ref, scope: frozenset[t.Index]) -> Iterator[tuple[str, t.Ref]]:
    for place, slot in enumerate(tree.indices):
        for what, changed in _slots(slot, scope):
            indices = (*tree.indices[:place], changed, *tree.indices[place + 1 :])
            yield f"{tree.name}: {what}", replace(tree, indices=indices)


def _slots(slot: t.Slot, scope: frozenset[t.Index]) -> Iterator[tuple[str, t.Slot]]:
    if isinstance(slot, t.Index):
        for other in sorted(scope, key=lambda index: index.name):
            if other != slot and other.space == slot.space:
                yield f"{other.name} for {slot.name}", other
    if isinstance(slot, t.Offset):
        for by in (-1, 1):
            yield f"shift {by:+}", replace(slot, shift=slot.shift + by)
        for place, (factor, index) in enumerate(slot.terms):
            before, after = slot.terms[:place], slot.terms[place + 1 :]
            for wrong in (-factor, factor + 1):
                terms = (*before, (wrong, index), *after)
                yield f"{wrong} {index.name} for {factor} {index.name}", replace(slot, terms=terms)
            if before or after:
                yield f"{index.name} dropped", replace(slot, terms=(*before, *after))
            for what, changed in _slots(index, scope):
                assert isinstance(changed, t.Index)
                yield what, replace(slot, terms=(*before, (factor, changed), *after))
