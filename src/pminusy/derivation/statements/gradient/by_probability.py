"""The cross-entropy by a probability: the first factor of the chain rule."""

from __future__ import annotations

from collections.abc import Iterator

from pminusy.derivation.statements.case import Case
from pminusy.derivation.statements.line import OUTLINE, Line
from pminusy.derivation.statements.sentence import because, says
from pminusy.derivation.tree import (
    Delta,
    Index,
    Partial,
    Relation,
    Sum,
    ln,
)
from pminusy.derivation.tree.letters import (
    L,
    c,
    j,
    k,
    p,
    y,
    z,
)

__all__ = [
    "cross_entropy",
    "loss_by_p",
    "loss_by_probability",
    "no_other_probability",
    "schema",
    "target_still",
]


def cross_entropy(case: Case) -> Iterator[Line]:
    """Gradient of the cross-entropy on its own."""
    C, q = case.cross_entropy, case.target
    yield Line(
        "ce_sum",
        "Derivative of the sum, term by term",
        Relation.equal(Partial(C, p[j]), -Sum(k, q[k] * Partial(ln(p[k]), p[j]))),
        because(
            "Differentiate term by term; the target does not depend on p.",
            Relation.equal(Partial(q[k], p[j]), 0),
        ),
        ("derivative of a sum", "constant factor"),
    )
    yield Line(
        "ce_log",
        "Derivative of the logarithm",
        Relation.equal(Partial(ln(p[k]), p[j]), Delta(j, k) / p[k]),
        because(
            "d ln x / dx = 1 / x, and ln p_k does not move with any other p_j.",
            Relation.equal(Partial(ln(p[k]), p[k]), 1 / p[k]),
            Relation.equal(Partial(ln(p[k]), p[j]), 0).where(k, "≠", j),
        ),
        ("derivative of the logarithm", "Kronecker δ"),
    )
    yield Line(
        "dL_dp",
        "Cross-entropy by probability",
        Relation.equal(Partial(C, p[j]), -(q[j] / p[j])),
        because(
            f"Of all terms −{q.name}_k ln p_k only that of p_j moves with p_j, and d ln x / dx = "
            "1 / x.",
            Relation.equal(Partial(q[k] * ln(p[k]), p[j]), 0).where(k, "≠", j),
            Relation.equal(Partial(ln(p[j]), p[j]), 1 / p[j]),
        ),
        ("derivative of a sum", "derivative of the logarithm"),
        OUTLINE,
    )
    if case.one_hot and not case.smoothing:
        yield Line(
            "dL_dp_zero",
            "Only the true class has an entry",
            Relation.equal(Partial(C, p[j]), 0).where(j, "≠", c),
            because(
                "Where the target is 0 the loss does not depend on the probability.",
                Relation.equal(q[j], 0).where(j, "≠", c),
            ),
            ("one-hot target",),
        )


def schema() -> Line:
    """The chain rule before its parts are known."""
    return Line(
        "chain_schema",
        "What is wanted, by the chain rule",
        Relation.equal(Partial(L, z), Partial(L, p) @ Partial(p, z)),
        says(
            "How the loss moves with the probabilities, times how these move with the logits; both "
            "factors come below."
        ),
        ("chain rule",),
        OUTLINE,
    )


_j = Index("h")
"""Any class: no line of this file runs through it."""


def loss_by_probability(i: Index) -> Iterator[Line]:
    """The loss by one probability in three lines."""
    yield Line(
        "ce_term",
        "The one term that moves",
        Relation.equal(Partial(L, p[i]), Partial(-(y[i] * ln(p[i])), p[i])),
        because(
            f"No other term of the sum has p_{i.name} in it.",
            Relation.equal(Partial(y[_j] * ln(p[_j]), p[i]), 0).where(_j, "≠", i),
        ),
        ("derivative of a sum",),
    )
    yield Line(
        "ln_of_p",
        "Derivative of the natural logarithm",
        Relation.equal(Partial(ln(p[i]), p[i]), 1 / p[i]),
        because("d ln x / dx = 1 / x.", Relation.equal(Partial(ln(p[i]), p[i]), 1 / p[i])),
        ("derivative of the logarithm",),
    )
    yield from loss_by_p(i)


def loss_by_p(i: Index) -> Iterator[Line]:
    """The loss by one probability."""
    yield Line(
        "dL_dp",
        "Cross-entropy by probability",
        Relation.equal(Partial(L, p[i]), -(y[i] / p[i])),
        because("The target is a factor that stays.", Relation.equal(Partial(y[i], p[i]), 0)),
        ("constant factor",),
        OUTLINE,
    )


def target_still(j: Index) -> Line:
    """The target is a constant."""
    return Line(
        "target_still",
        "The target does not move",
        Relation.equal(Partial(y[j], p[j]), 0),
        says("It is given, whatever the model says."),
        ("derivative of a constant",),
    )


def no_other_probability() -> Line:
    """Only the true class's probability is in the loss."""
    j = Index("j")
    return Line(
        "dL_dp_zero",
        "No other probability is in the loss",
        Relation.equal(Partial(L, p[j]), 0).where(j, "≠", c),
        because(
            "So no other row of the Jacobian is needed: the row of derivatives is 0 but for one "
            "entry.",
            Relation.chain(Partial(L, p[c]), "<", 0),
        ),
        ("one-hot target",),
    )
