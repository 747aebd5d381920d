"""The direct route: the logarithm first, the derivative afterwards."""

from __future__ import annotations

from collections.abc import Iterator

from pminusy.derivation.statements.case import Case
from pminusy.derivation.statements.line import OUTLINE, Line
from pminusy.derivation.statements.sentence import because, says
from pminusy.derivation.tree import (
    Delta,
    Index,
    Node,
    Parens,
    Partial,
    Relation,
    Sum,
    exp,
    ln,
)
from pminusy.derivation.tree.letters import (
    L,
    c,
    g,
    j,
    k,
    lse,
    p,
    power_of_e,
    z,
)

__all__ = ["by_logit_directly", "direct"]


def direct(case: Case) -> Iterator[Line]:
    """The direct route through log-sum-exp."""
    C, q = case.cross_entropy, case.target
    plain = case.one_hot and not case.mass
    loss: Node = (
        ln(Sum(j, exp(z[j]))) - z[c]
        if plain
        else case.scaled(ln(Sum(j, exp(z[j])))) - Sum(j, q[j] * z[j])
    )
    yield Line(
        "direct_loss",
        "The loss without probabilities",
        Relation.equal(C, loss),
        because(
            "−ln p_c = −ln e^(z_c) + ln Σ_j e^(z_j), and the logarithm undoes the exponential.",
            Relation.equal(-ln(p[c]), -ln(exp(z[c])) + ln(Sum(j, exp(z[j])))),
            Relation.equal(ln(exp(z[c])), z[c]),
        )
        if plain
        else because(
            "−Σ q_k ln p_k with ln p_k = z_k − ln Σ_j e^(z_j).",
            Relation.equal(C, -Sum(k, q[k] * ln(p[k]))),
            Relation.equal(ln(p[k]), z[k] - ln(Sum(j, exp(z[j])))),
        ),
        ("logarithm of a quotient",),
        OUTLINE,
    )
    yield Line(
        "direct_lse",
        "Derivative of log-sum-exp",
        Relation.equal(Partial(lse, z[k]), exp(z[k]) / Sum(j, exp(z[j])), p[k]),
        says("1 over the sum, times the derivative of the sum: the softmax comes by itself."),
        ("derivative of the logarithm", "chain rule"),
        OUTLINE,
    )
    if plain:
        yield Line(
            "direct_own",
            "The entry of the true class",
            Relation.equal(Partial(L if not case.z_loss else C, z[c]), p[c] - 1),
            says("z_c is also subtracted on its own: minus 1."),
            ("derivative of a sum",),
            OUTLINE,
        )
        yield Line(
            "direct_other",
            "The entry of any other class",
            Relation.equal(Partial(C, z[k]), p[k]).where(k, "≠", c),
            because(
                "z_k is in the log-sum-exp alone.",
                Relation.equal(Partial(z[c], z[k]), 0).where(k, "≠", c),
            ),
            ("derivative of a sum",),
            OUTLINE,
        )
    yield Line(
        "dL_dz_direct",
        "Result of the direct route",
        Relation.equal(Partial(C, z[k]), case.scaled(p[k]) - q[k]),
        says("Both entries in one: the derivative of a sum, term by term."),
        ("Kronecker δ",),
        OUTLINE,
    )


def by_logit_directly(k: Index, j: Index) -> Iterator[Line]:
    """The loss differentiated by a logit without probabilities between: both cases."""
    total = Sum(j, power_of_e(j))
    yield Line(
        "gradient_named",
        "A letter for the gradient",
        Relation.equal(g[k], Partial(L, z[k])),
        says("One entry for each logit."),
        ("definition",),
    )
    yield Line(
        "direct_own_chain",
        "Case 1, the true class: chain rule on the logarithm",
        Relation.equal(Partial(L, z[c]), Parens(1 / total) * power_of_e(c) - 1),
        says("1 over the sum, times the derivative of the sum; and z_c is subtracted on its own."),
        ("derivative of the logarithm", "chain rule"),
    )
    yield Line(
        "direct_recognised",
        "The fraction is a probability",
        Relation.equal(power_of_e(k) / total, p[k]),
        says("That is how the softmax is defined."),
        ("definition",),
    )
    yield _own()
    yield from _other(k, total)
    yield Line(
        "direct_indicator",
        "Both cases in one",
        Relation.equal(Partial(L, z[k]), p[k] - Delta(k, c)),
        says("1 is subtracted for the true class alone."),
        ("case distinction",),
    )


def _own() -> Line:
    return Line(
        "direct_own",
        "Case 1: result",
        Relation.equal(Partial(L, z[c]), p[c] - 1),
        says("p_c in the place of the fraction."),
        ("definition",),
        OUTLINE,
    )


def _other(k: Index, total: Node) -> Iterator[Line]:
    yield Line(
        "direct_other_zero",
        "Case 2, any other class: the true class's logit stands still",
        Relation.equal(Partial(-z[c], z[k]), 0).where(k, "≠", c),
        says("z_c does not have any other logit in it."),
        ("derivative of a constant",),
    )
    yield Line(
        "direct_other_chain",
        "Case 2: chain rule on the logarithm",
        Relation.equal(Partial(L, z[k]), Parens(1 / total) * power_of_e(k)).where(k, "≠", c),
        says("1 over the sum, times the derivative of the sum."),
        ("derivative of the logarithm", "chain rule"),
    )
    yield Line(
        "direct_other",
        "Case 2: result",
        Relation.equal(Partial(L, z[k]), p[k]).where(k, "≠", c),
        says("The same fraction again, and nothing is subtracted."),
        ("definition",),
        OUTLINE,
    )
