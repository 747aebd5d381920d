"""The loss of one sample: targets, cross-entropy, z-loss, another base."""

from __future__ import annotations

from collections.abc import Iterator

from pminusy.derivation.statements.case import Case
from pminusy.derivation.statements.line import OUTLINE, RESULT, Line
from pminusy.derivation.statements.sentence import Reason, because, says
from pminusy.derivation.tree import (
    Add,
    Delta,
    Index,
    Log,
    Mul,
    Neg,
    Node,
    Parens,
    Partial,
    Ref,
    Relation,
    Sum,
    ln,
)
from pminusy.derivation.tree.letters import (
    L_B,
    B,
    L,
    S,
    c,
    j,
    k,
    lse,
    p,
    power_of_e,
    q,
    y,
    z,
    zeta,
)

__all__ = [
    "cross_entropy_of",
    "loss",
    "loss_of_class",
    "loss_of_function",
    "loss_written_out",
    "one_hot",
]


S_of_z = Ref("S_of_z")


def loss(case: Case) -> Iterator[Line]:
    """Lines from the target to the loss, and what holds of it."""
    if case.mass:
        yield from _mass(case)
    yield from _cross_entropy(case)
    if case.z_loss:
        yield from _z_loss(case)
    if case.log_base:
        yield _other_base(case)
    yield from _facts(case)


def _cross_entropy(case: Case) -> Iterator[Line]:
    """The sum over classes, the one term of a single class, and both from the logits."""
    C, target = case.cross_entropy, case.target
    yield Line(
        "cross_entropy",
        "Cross-entropy",
        Relation.equal(C, -Sum(k, target[k] * ln(p[k]))),
        says("The surprise −ln p of each class, weighted by how much the target counts it."),
        ("definition",),
        RESULT,
    )
    if case.one_hot and not case.smoothing:
        own: Node = -(q[c] * ln(p[c])) if case.mass else -ln(p[c])
        yield Line(
            "cross_entropy_one_hot",
            "With one true class, a single term is left",
            Relation.equal(C, own),
            because(
                f"Every other {target.name}_k is 0, so only the true class c contributes.",
                Relation.equal(target[k], 0).where(k, "≠", c),
            ),
            ("one-hot target",),
            OUTLINE,
        )
    yield Line(
        "cross_entropy_logits",
        "The same loss from the logits",
        Relation.equal(C, Sum(k, target[k] * (lse - z[k]))),
        because(
            "ln p_k = z_k − lse with lse = ln Σ_j e^(z_j): the loss needs no probability at all.",
            Relation.equal(ln(p[k]), z[k] - lse),
            Relation.equal(lse, ln(Sum(j, power_of_e(j)))),
        ),
        ("logarithm of a quotient",),
    )


def _z_loss(case: Case) -> Iterator[Line]:
    """What is added beside the cross-entropy."""
    yield Line(
        "z_loss",
        "The z-loss beside it",
        Relation.equal(L, case.cross_entropy + case.scaled(zeta) * lse**2),
        because(
            "It pulls the log-sum-exp towards 0, so that logits do not drift: along the step "
            "against its gradient "
            "lse moves against its own sign.",
            Relation.equal(
                Sum(k, Partial(lse, z[k]) * Partial(zeta * lse**2, z[k])),
                2 * zeta * lse * Sum(k, p[k] ** 2),
            ),
            Relation.chain(Sum(k, p[k] ** 2), ">", 0),
        ),
        ("definition",),
        RESULT,
    )
    yield Line(
        "z_loss_logits",
        "All of it from the logits",
        Relation.equal(L, Sum(k, case.target[k] * (lse - z[k])) + case.scaled(zeta) * lse**2),
        because(
            "In this form: the terms lse − z_k are ≥ 0, where S lse − Σ q z would cancel.",
            Relation.chain(lse - z[k], "=", -ln(p[k]), "≥", 0),
        ),
        ("logarithm of a quotient",),
    )


def _other_base(case: Case) -> Line:
    """A loss in other units than nats."""
    return Line(
        "log_base",
        "A logarithm of another base",
        Relation.equal(L_B, -Sum(k, case.target[k] * Log(B, p[k])), L / ln(B))
        if not case.z_loss
        else Relation.equal(L_B, L / ln(B)),
        because(
            "log_B x = ln x / ln B, so the whole loss is divided by one constant.",
            Relation.equal(Log(B, p[k]), ln(p[k]) / ln(B)),
        ),
        ("change of base",),
        OUTLINE,
    )


def _mass(case: Case) -> Iterator[Line]:
    made = [
        word
        for word, used in (
            ("soft targets", not case.one_hot),
            ("label smoothing", case.smoothing),
            ("class weights", case.weights),
            ("a sample weight", case.sample_weight),
        )
        if used
    ]
    yield Line(
        "target_mass",
        "Target mass",
        Relation.equal(q[k], case.target_mass()),
        says(f"With {' and '.join(made)}, q_k is how much class k counts in this row."),
        ("definition",),
        OUTLINE,
    )
    yield Line(
        "total_mass",
        "Total target mass",
        Relation.equal(S, Sum(k, q[k])),
        says("It takes the place of the 1 that a one-hot target sums to."),
        ("definition",),
    )


def _no_term_is_negative(case: Case) -> Reason:
    terms = Relation.chain(case.target[k], "≥", 0), Relation.chain(-ln(p[k]), "≥", 0)
    own = because("Every term is a target ≥ 0 times −ln p_k ≥ 0.", *terms)
    if not case.z_loss:
        return own
    beside = Relation.chain(case.scaled(zeta) * lse**2, "≥", 0)
    return own, because("The z-loss beside them is ζ ≥ 0 times a square.", beside)


def _facts(case: Case) -> Iterator[Line]:
    yield Line(
        "ln_p",
        "Logarithms of probabilities are never positive",
        Relation.chain(ln(p[k]), "≤", 0),
        because(
            "p_k is below 1, and the logarithm of a number up to 1 is at most 0.",
            Relation.chain(p[k], "<", 1),
        ),
        ("logarithm is increasing",),
    )
    yield Line(
        "loss_sign",
        "The loss is never negative",
        Relation.chain(L, "≥", 0),
        _no_term_is_negative(case),
        ("sum of terms ≥ 0",),
    )


def one_hot(k: Index) -> Line:
    """A target of one class."""
    return Line(
        "one_hot",
        "The target is one-hot",
        Relation.equal(y[k], Delta(k, c)),
        because(
            "1 for the true class, 0 for every other.",
            Relation.equal(y[c], 1),
            Relation.equal(y[k], 0).where(k, "≠", c),
        ),
        ("definition",),
    )


def cross_entropy_of(k: Index) -> Line:
    """The loss as a sum over classes."""
    return Line(
        "cross_entropy",
        "Cross-entropy",
        Relation.equal(L, -Sum(k, y[k] * ln(p[k]))),
        says("The surprise −ln p of each class, counted by the target."),
        ("definition",),
        RESULT,
    )


def loss_of_class() -> Iterator[Line]:
    """The loss of the true class alone, and the softmax put into it."""
    yield Line(
        "loss_of_true_class",
        "The one term of the true class",
        Relation.equal(L, -(y[c] * ln(p[c])), -ln(p[c])),
        because(
            "Every other term is 0 times a logarithm, and y_c is 1.",
            Relation.equal(y[k], 0).where(k, "≠", c),
            Relation.equal(y[c], 1),
        ),
        ("one-hot target",),
    )
    j = Index("j")
    total = Sum(j, power_of_e(j))
    yield Line(
        "loss_substituted",
        "The softmax put into the loss",
        Relation.equal(L, -ln(power_of_e(c) / total), ln(total) - z[c]),
        because(
            "The logarithm of a fraction is a difference, and the logarithm undoes the "
            "exponential.",
            Relation.equal(ln(power_of_e(c) / total), ln(power_of_e(c)) - ln(total)),
            Relation.equal(ln(power_of_e(c)), z[c]),
        ),
        ("logarithm of a quotient",),
        OUTLINE,
    )


def loss_written_out(K: int) -> Line:
    """The sum over K classes term by term."""
    terms = tuple(Mul((y[k], ln(p[k]))) for k in range(K))
    return Line(
        "loss_written_out",
        "Written out",
        Relation.equal(L, Neg(Parens(Add(terms)))),
        because(
            f"One term for each of the {K} classes; all but one are 0.",
            Relation.equal(y[k] * ln(p[k]), 0).where(k, "≠", c),
        ),
        ("definition of a sum",),
        sizes=(K,),
    )


def loss_of_function(i: Index) -> Line:
    """The loss with the softmax written as a function."""
    return Line(
        "cross_entropy_of_z",
        "Cross-entropy",
        Relation.equal(L, -Sum(i, y[i] * ln(S_of_z[i]))),
        says("The logarithm is the natural one."),
        ("definition",),
        RESULT,
    )
