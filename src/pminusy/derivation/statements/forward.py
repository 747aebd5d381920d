"""Forward: from inputs to logits, probabilities and the loss."""

from __future__ import annotations

from collections.abc import Iterator

from pminusy.derivation.statements.case import Case
from pminusy.derivation.statements.line import OUTLINE, RESULT, Line
from pminusy.derivation.tree import Log, Node, Parens, Ref, Relation, Sum, exp, ln
from pminusy.derivation.tree.letters import (
    L_B,
    B,
    S,
    W,
    a,
    b,
    c,
    d,
    j,
    k,
    lse,
    p,
    power_of_e,
    q,
    total,
    x,
    z,
    zeta,
)
from pminusy.derivation.tree.letters import L as L

__all__ = ["lines", "logits", "softmax", "zero_times_logarithm"]


def lines(case: Case) -> Iterator[Line]:
    """Lines from the inputs to the loss."""
    yield from logits(case)
    yield from softmax()
    yield from _loss(case)
    yield from _facts(case)


def logits(case: Case) -> Iterator[Line]:
    """Lines up to the logits of the softmax."""
    first = case.logit_letter
    if case.layer:
        body = Sum(d, W[k, d] * x[d]) + b[k]
        yield Line(
            "linear",
            "Linear layer, one logit",
            Relation.equal(first[k], body),
            "Each class weighs every feature and adds its bias.",
            ("definition",),
            OUTLINE,
        )
        yield Line(
            "linear_vector",
            "Linear layer, all logits",
            Relation.equal(first, W @ x + b),
            "Row k of W belongs to class k, so one matrix product gives all logits.",
            ("matrix product",),
        )
    if case.transforms:
        what = {(True, False): "soft-cap", (False, True): "temperature"}.get(
            (case.softcap, case.temperature), "soft-cap, then temperature"
        )
        yield Line(
            "transform",
            f"Logits after {what}",
            Relation.equal(z[k], case.logits()),
            "The softmax is applied to these logits, not to those that were given.",
            ("definition",),
            OUTLINE,
        )


def softmax() -> Iterator[Line]:
    """Lines about the probabilities."""
    yield Line(
        "softmax",
        "Softmax",
        Relation.equal(p[k], power_of_e(k) / Sum(j, power_of_e(j))),
        "Exponentials make every logit positive, and dividing by their sum makes them sum to one.",
        ("definition",),
        RESULT,
    )
    shifted = exp(z[k] - a) / Sum(j, exp(z[j] - a))
    yield Line(
        "shift",
        "A constant added to every logit changes nothing",
        Relation.equal(p[k], shifted),
        "The factor e^(−a) is in numerator and denominator alike and cancels, whatever a is; "
        "a = max_j z_j keeps e^z from overflowing.",
        ("exponent of a sum", "cancel a common factor"),
        OUTLINE,
    )
    yield Line(
        "p_range",
        "A probability lies between 0 and 1",
        Relation.chain(0, "<", p[k], "<", 1),
        "A positive number is divided by a sum that contains it and other positive numbers.",
        ("positive over positive",),
    )
    yield Line(
        "p_sum",
        "Probabilities sum to one",
        Relation.equal(total(p), 1),
        "The numerators add up to the denominator.",
        ("common denominator",),
    )


def _loss(case: Case) -> Iterator[Line]:
    if case.mass:
        yield from _mass(case)
    yield from _cross_entropy(case)
    if case.z_loss:
        yield from _z_loss(case)
    if case.log_base:
        yield _other_base(case)


def _cross_entropy(case: Case) -> Iterator[Line]:
    """The sum over classes, the one term of a single class, and both from the logits."""
    C, target = case.cross_entropy, case.target
    yield Line(
        "cross_entropy",
        "Cross-entropy",
        Relation.equal(C, -Sum(k, target[k] * ln(p[k]))),
        "The surprise −ln p of each class, weighted by how much the target counts it.",
        ("definition",),
        RESULT,
    )
    if case.one_hot and not case.smoothing:
        own: Node = -(q[c] * ln(p[c])) if case.mass else -ln(p[c])
        yield Line(
            "cross_entropy_one_hot",
            "With one true class, a single term is left",
            Relation.equal(C, own),
            f"Every other {target.name}_k is 0, so only the true class c contributes.",
            ("one-hot target",),
            OUTLINE,
        )
    yield Line(
        "cross_entropy_logits",
        "The same loss from the logits",
        Relation.equal(C, Sum(k, target[k] * (lse - z[k]))),
        "ln p_k = z_k − lse with lse = ln Σ_j e^(z_j): the loss needs no probability at all.",
        ("logarithm of a quotient",),
    )


def _z_loss(case: Case) -> Iterator[Line]:
    """What is added beside the cross-entropy."""
    yield Line(
        "z_loss",
        "The z-loss beside it",
        Relation.equal(L, case.cross_entropy + case.scaled(zeta) * lse**2),
        "It pulls the log-sum-exp towards 0, so that logits do not drift.",
        ("definition",),
        RESULT,
    )
    yield Line(
        "z_loss_logits",
        "All of it from the logits",
        Relation.equal(L, Sum(k, case.target[k] * (lse - z[k])) + case.scaled(zeta) * lse**2),
        "In this form: the terms lse − z_k are ≥ 0, where S lse − Σ q z would cancel.",
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
        "log_B x = ln x / ln B, so the whole loss is divided by one constant.",
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
        f"All that is done by {' and '.join(made)} is to say how much each class counts.",
        ("definition",),
        OUTLINE,
    )
    yield Line(
        "total_mass",
        "Total target mass",
        Relation.equal(S, Sum(k, q[k])),
        "It takes the place of the 1 that a one-hot target sums to.",
        ("definition",),
    )


def _facts(case: Case) -> Iterator[Line]:
    yield Line(
        "ln_p",
        "Logarithms of probabilities are never positive",
        Relation.chain(ln(p[k]), "≤", 0),
        "p_k is below 1, and the logarithm of a number up to 1 is at most 0.",
        ("logarithm is increasing",),
    )
    yield Line(
        "loss_sign",
        "The loss is never negative",
        Relation.chain(L, "≥", 0),
        "Every term is a target ≥ 0 times −ln p_k ≥ 0.",
        ("sum of terms ≥ 0",),
    )


_x, _root = Ref("x_p"), Ref("root")


def zero_times_logarithm() -> Iterator[Line]:
    """0 · ln 0 = 0: the tangent of the logarithm, and what it says of x ln x near 0."""
    yield Line(
        "tangent",
        "The logarithm lies below its tangent",
        Relation.chain(ln(1 / _root), "≤", 1 / _root - 1),
        "ln a ≤ a − 1 for every a > 0: both are 0 at a = 1 with slope 1, and the logarithm bends "
        "down. Here a = 1/ρ, and ρ = √x.",
        ("logarithm is concave",),
    )
    yield Line(
        "zero_ln_zero",
        "0 · ln 0 is 0",
        Relation.chain(
            0, "≤", -(_x * ln(_x)), "=", 2 * _x * ln(1 / _root), "≤",
            2 * _x * Parens(1 / _root - 1), "≤", 2 * _root,
        ),
        "For every x in (0, 1], here the smallest probability. As x goes to 0 so does 2 √x, and "
        "x ln x between them: a class without target adds nothing, even where its p is 0.",
        ("logarithm of a power", "squeeze"),
    )  # fmt: skip
