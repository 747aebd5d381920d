"""The total error by a logit: term by term, the own term taken out, then simplified."""

from __future__ import annotations

from collections.abc import Iterator

from pminusy.derivation.statements.line import Line
from pminusy.derivation.statements.sentence import because, says
from pminusy.derivation.tree import (
    Index,
    Parens,
    Partial,
    Relation,
    Sum,
    ln,
)
from pminusy.derivation.tree.letters import (
    L,
    p,
    y,
    z,
)

__all__ = ["difference_of_sums", "own_term_out", "term_by_term"]


def term_by_term(k: Index, i: Index) -> Iterator[Line]:
    """The total error by a logit: term by term, and through each output."""
    gradient = Partial(L, z[k])
    yield Line(
        "terms_by_logit",
        "The derivative goes into the sum, the target out of it",
        Relation.equal(gradient, -Sum(i, y[i] * Partial(ln(p[i]), z[k]))),
        because(
            "The derivative of a sum is the sum of the derivatives, and the target does not move.",
            Relation.equal(Partial(y[i], z[k]), 0),
        ),
        ("derivative of a sum", "constant factor"),
    )
    yield Line(
        "logarithm_by_logit",
        "The logarithm of an output by a logit",
        Relation.equal(
            Partial(ln(p[i]), z[k]), Partial(ln(p[i]), p[i]) * Partial(p[i], z[k])
        ),
        says("The logarithm is a function of the output alone, and the output one of the logits: "
            "no "
        "direct path, so the chain rule."),
        ("chain rule",),
    )  # fmt: skip
    yield Line(
        "terms_by_output",
        "The derivative of the logarithm put in",
        Relation.equal(gradient, -Sum(i, Parens(y[i] / p[i]) * Partial(p[i], z[k]))),
        because("1 over the output.", Relation.equal(Partial(ln(p[i]), p[i]), 1 / p[i])),
        ("derivative of the logarithm",),
    )


def own_term_out(k: Index, i: Index) -> Iterator[Line]:
    """The term of the logit's own output taken out of the sum, then simplified."""
    gradient = Partial(L, z[k])
    own, other = Parens(y[k] / p[k]), Parens(y[i] / p[i])
    yield Line(
        "own_term_out",
        f"The term with {i.name} = {k.name} taken out of the sum",
        Relation.equal(
            gradient,
            -(own * Partial(p[k], z[k])) - Sum(i, other * Partial(p[i], z[k]), without=k),
        ),
        because(
            "One term is of the first case, all others are of the second.",
            Relation.equal(Partial(p[k], z[k]), p[k] * (1 - p[k])),
            Relation.equal(Partial(p[i], z[k]), -(p[i] * p[k])).where(i, "≠", k),
        ),
        ("split a sum",),
    )
    yield Line(
        "own_term_filled",
        "Both cases put in",
        Relation.equal(
            gradient,
            -(own * p[k] * Parens(1 - p[k])) - Sum(i, other * Parens(-(p[k] * p[i])), without=k),
        ),
        says("No derivative is left."),
        ("substitution",),
    )
    yield Line(
        "own_term_simplified",
        "Simplified",
        Relation.equal(gradient, -(y[k] * Parens(1 - p[k])) + Sum(i, y[i] * p[k], without=k)),
        says(
            f"p_{k.name} cancels in the first term, p_{i.name} in the others; minus minus is plus."
        ),
        ("cancel a common factor",),
    )
    yield Line(
        "output_before_sum",
        f"p_{k.name} comes before the sum",
        Relation.equal(gradient, -(y[k] * Parens(1 - p[k])) + p[k] * Sum(i, y[i], without=k)),
        says(f"The sum runs over {i.name}, and p_{k.name} does not depend on it."),
        ("constant factor",),
    )


def difference_of_sums(k: Index, i: Index) -> Iterator[Line]:
    """The sum without one term, as a difference; put in."""
    yield Line(
        "others_by_difference",
        "The sum of all other targets",
        Relation.equal(Sum(i, y[i], without=k), Sum(i, y[i]) - y[k], 1 - y[k]),
        because(
            "All targets but one are all of them less that one, and all together are 1.",
            Relation.equal(Sum(i, y[i]), 1),
        ),
        ("Σ y = 1",),
    )
    yield Line(
        "others_replaced",
        "Put that sum in",
        Relation.equal(
            Partial(L, z[k]), -(y[k] * Parens(1 - p[k])) + p[k] * Parens(1 - y[k])
        ),
        says("No sum is left."),
        ("substitution",),
    )  # fmt: skip
