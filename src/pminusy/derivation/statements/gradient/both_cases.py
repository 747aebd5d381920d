"""The Jacobian of the softmax by both cases, written out: quotient rule, factors, fractions, p."""

from __future__ import annotations

from collections.abc import Iterator

from pminusy.derivation.statements.line import OUTLINE, Line
from pminusy.derivation.statements.sentence import because, says
from pminusy.derivation.tree import (
    Cases,
    Delta,
    Index,
    Node,
    Parens,
    Partial,
    Relation,
)
from pminusy.derivation.tree.letters import (
    S_e,
    p,
    power_of_e,
    z,
)

__all__ = ["by_cases", "denominator", "other_class", "own_class", "set_up", "with_delta"]


_h = Index("h")
"""Any class: no line of this file runs through it."""


def _fraction(index: Index) -> Node:
    return power_of_e(index) / S_e


def denominator(j: Index) -> Line:
    """What the sum of all exponentials does when one logit moves."""
    return Line(
        "denominator",
        "Every logit is in the denominator",
        Relation.equal(Partial(S_e, z[j]), power_of_e(j)),
        because(
            f"S_e is the sum of all exponentials: of its terms only e^(z_{j.name}) moves with "
            f"z_{j.name}.",
            Relation.equal(Partial(power_of_e(_h), z[j]), 0).where(_h, "≠", j),
            Relation.equal(Partial(power_of_e(j), z[j]), power_of_e(j)),
        ),
        ("derivative of a sum", "derivative of the exponential"),
    )


def set_up(i: Index, j: Index) -> Iterator[Line]:
    """What is to be differentiated in each case, and the parts of the quotient there."""
    yield Line(
        "own_set_up",
        "Case 1, the same index: what is differentiated",
        Relation.equal(Partial(p[i], z[i]), Partial(Parens(_fraction(i)), z[i])),
        says(f"z_{i.name} is above in the fraction and below."),
        ("definition",),
    )
    yield Line(
        "own_parts",
        "Case 1: numerator and denominator move alike",
        Relation.equal(Partial(power_of_e(i), z[i]), Partial(S_e, z[i]), power_of_e(i)),
        because(
            f"The numerator is e^(z_{i.name}); of the sum below it only that same term moves.",
            Relation.equal(Partial(power_of_e(_h), z[i]), 0).where(_h, "≠", i),
        ),
        ("derivative of the exponential",),
    )
    yield Line(
        "other_set_up",
        "Case 2, another index: what is differentiated",
        Relation.equal(Partial(p[i], z[j]), Partial(Parens(_fraction(i)), z[j])).where(i, "≠", j),
        because(
            f"z_{j.name} is below in the fraction only.",
            Relation.equal(Partial(power_of_e(i), z[j]), 0).where(i, "≠", j),
        ),
        ("definition",),
    )
    yield Line(
        "other_numerator",
        "Case 2: the numerator stands still",
        Relation.equal(Partial(power_of_e(i), z[j]), 0).where(i, "≠", j),
        says(f"e^(z_{i.name}) does not have z_{j.name} in it."),
        ("derivative of a constant",),
    )


def own_class(i: Index) -> Iterator[Line]:
    """Case 1: a probability by its own logit."""
    e = power_of_e(i)
    own = Partial(p[i], z[i])
    yield Line(
        "own_quotient",
        "Case 1, the same index: quotient rule",
        Relation.equal(own, (e * S_e - e * e) / S_e**2),
        because(
            "Derivative of the top times the bottom, minus the top times the derivative of the "
            "bottom, "
            f"over the bottom squared; both derivatives are e^(z_{i.name}).",
            Relation.equal(Partial(e, z[i]), Partial(S_e, z[i]), e),
        ),
        ("quotient rule",),
    )
    yield Line(
        "own_factored",
        f"Factor out e^(z_{i.name})",
        Relation.equal(own, e * Parens(S_e - e) / S_e**2),
        says("It is in both terms of the numerator."),
        ("distributive law",),
    )
    yield Line(
        "own_separated",
        "Separate the fractions",
        Relation.equal(own, Parens(e / S_e) * Parens((S_e - e) / S_e)),
        because("One S_e below each factor.", Relation.equal(S_e**2, S_e * S_e)),
        ("product of fractions",),
    )
    yield Line(
        "own_recognised",
        f"Recognise p_{i.name}",
        Relation.equal(own, Parens(e / S_e) * Parens(1 - e / S_e)),
        because(
            f"S_e / S_e is 1, and e^(z_{i.name}) / S_e is p_{i.name}, twice.",
            Relation.equal(S_e / S_e, 1),
            Relation.equal(e / S_e, p[i]),
        ),
        ("difference of fractions",),
    )
    yield Line(
        "jacobian_own",
        "A probability by its own logit",
        Relation.equal(own, p[i] * (1 - p[i])),
        because(f"p_{i.name} in the place of e^(z_{i.name}) / S_e.", Relation.equal(e / S_e, p[i])),
        ("definition",),
    )


def other_class(i: Index, j: Index) -> Iterator[Line]:
    """Case 2: a probability by another logit."""
    e_i, e_j = power_of_e(i), power_of_e(j)
    other = Partial(p[i], z[j])
    yield Line(
        "other_quotient",
        "Case 2, another index: quotient rule",
        Relation.equal(other, (0 * S_e - e_i * e_j) / S_e**2).where(i, "≠", j),
        because(
            f"e^(z_{i.name}) does not move with z_{j.name}, so the derivative of the top is 0; "
            "that of the bottom is "
            f"e^(z_{j.name}).",
            Relation.equal(Partial(e_i, z[j]), 0).where(i, "≠", j),
            Relation.equal(Partial(S_e, z[j]), e_j),
        ),
        ("quotient rule",),
    )
    yield Line(
        "other_product",
        "The first term is gone",
        Relation.equal(other, -((e_i * e_j) / S_e**2)).where(i, "≠", j),
        because("0 times anything is 0.", Relation.equal(0 * S_e, 0)),
        ("product with 0",),
    )
    yield Line(
        "other_separated",
        "Separate the fractions here too",
        Relation.equal(other, -(Parens(e_i / S_e) * Parens(e_j / S_e))).where(i, "≠", j),
        because("One S_e below each factor.", Relation.equal(S_e**2, S_e * S_e)),
        ("product of fractions",),
    )
    yield Line(
        "jacobian_other",
        "A probability by another logit",
        Relation.equal(other, -(p[i] * p[j])).where(i, "≠", j),
        (
            because("Both fractions are probabilities.", Relation.equal(e_i / S_e, p[i])),
            because(
                f"Raising z_{j.name} takes mass from every other class.",
                Relation.chain(other, "<", 0).where(i, "≠", j),
            ),
        ),
        ("definition",),
    )


def by_cases(i: Index, j: Index) -> Line:
    """Both cases beside each other."""
    return Line(
        "jacobian_cases",
        "Both cases beside each other",
        Relation.equal(Partial(p[i], z[j]), Cases(i, j, p[i] * (1 - p[i]), -(p[i] * p[j]))),
        says(
            f"Which of the two it is depends on whether {i.name} and {j.name} are the same class."
        ),
        ("case distinction",),
    )


def with_delta(i: Index, j: Index) -> Line:
    """Both cases in one formula."""
    return Line(
        "jacobian",
        "Both cases in one",
        Relation.equal(Partial(p[i], z[j]), p[i] * (Delta(i, j) - p[j])),
        because(
            f"δ_{i.name}{j.name} is 1 on the diagonal and 0 off it.",
            Relation.equal(Delta(i, i), 1),
            Relation.equal(Delta(i, j), 0).where(i, "≠", j),
        ),
        ("Kronecker δ",),
        OUTLINE,
    )
