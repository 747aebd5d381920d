"""Probabilities: the softmax, its forms, and what holds of them."""

from __future__ import annotations

from collections.abc import Iterator

from pminusy.derivation.statements.line import OUTLINE, RESULT, Line
from pminusy.derivation.statements.sentence import because, says
from pminusy.derivation.tree import (
    Index,
    Ref,
    Relation,
    Sum,
    exp,
)
from pminusy.derivation.tree.letters import (
    S_e,
    a,
    j,
    k,
    p,
    power_of_e,
    total,
    z,
)

__all__ = ["normaliser", "positive_power", "softmax", "softmax_as_function", "softmax_of"]


S_of_z = Ref("S_of_z")


def softmax() -> Iterator[Line]:
    """Lines about the probabilities."""
    yield Line(
        "softmax",
        "Softmax",
        Relation.equal(p[k], power_of_e(k) / Sum(j, power_of_e(j))),
        because(
            "An exponential is positive whatever the logit, and dividing by the sum of all makes "
            "them "
            "sum to one.",
            Relation.chain(power_of_e(k), ">", 0),
            Relation.equal(total(p), 1),
        ),
        ("definition",),
        RESULT,
    )
    shifted = exp(z[k] - a) / Sum(j, exp(z[j] - a))
    yield Line(
        "shift",
        "A constant added to every logit changes nothing",
        Relation.equal(p[k], shifted),
        because(
            "The factor e^(−a) is in numerator and denominator alike and cancels, whatever a is; "
            "a = max_j z_j keeps e^(z − a) from overflowing.",
            Relation.equal(exp(z[k] - a), power_of_e(k) * exp(-a)),
            here=(Relation.chain(z[k], "≤", a),),
        ),
        ("exponent of a sum", "cancel a common factor"),
        OUTLINE,
    )
    yield Line(
        "p_range",
        "A probability lies between 0 and 1",
        Relation.chain(0, "<", p[k], "<", 1),
        because(
            "A positive number is divided by a sum that contains it and other positive numbers.",
            Relation.chain(power_of_e(k), ">", 0),
            Relation.equal(p[k], power_of_e(k) / S_e),
        ),
        ("positive over positive",),
    )
    yield Line(
        "p_sum",
        "Probabilities sum to one",
        Relation.equal(total(p), 1),
        because(
            "The numerators add up to the denominator.", Relation.equal(Sum(k, power_of_e(k)), S_e)
        ),
        ("common denominator",),
    )


def softmax_of(k: Index, j: Index, name: str = "softmax", title: str = "Softmax") -> Line:
    """Exponentials over their sum."""
    return Line(
        name, title,
        Relation.equal(p[k], power_of_e(k) / Sum(j, power_of_e(j))),
        says("Each exponential is divided by the sum of all of them."),
        ("definition",), RESULT,
    )  # fmt: skip


def positive_power(k: Index) -> Line:
    """Why exponentials."""
    return Line(
        "positive_power",
        "Every exponential is positive",
        Relation.chain(power_of_e(k), ">", 0),
        says("Whatever the logit, so no probability can be negative."),
        ("exponential function",),
    )


def normaliser(k: Index, i: Index) -> Iterator[Line]:
    """The sum below the fraction, with a letter of its own."""
    yield Line(
        "normaliser",
        "A letter for the sum of all exponentials",
        Relation.equal(S_e, Sum(k, power_of_e(k))),
        says("It is the same for every class."),
        ("definition",),
    )
    yield Line(
        "softmax_short",
        "The softmax with that letter",
        Relation.equal(p[i], power_of_e(i) / S_e),
        says(f"z_{i.name} is in the numerator, and as one of all logits in the denominator too."),
        ("definition",),
    )


def softmax_as_function(k: Index, i: Index) -> Iterator[Line]:
    """The softmax written as a function, its sum, and a shorter letter for it."""
    yield Line(
        "softmax_of_z",
        "Softmax",
        Relation.equal(S_of_z[k], power_of_e(k) / Sum(i, power_of_e(i))),
        says("Each exponential is divided by the sum of all of them."),
        ("definition",),
        RESULT,
    )
    yield Line(
        "softmax_sum",
        "All outputs together",
        Relation.equal(Sum(k, S_of_z[k]), 1),
        says("The numerators add up to the denominator."),
        ("common denominator",),
    )
    yield Line(
        "output_named",
        "A letter for each output",
        Relation.equal(p[k], S_of_z[k]),
        says("Shorter to write."),
        ("definition",),
    )
