"""Floating point: why the shift is legal, and the forms that lose no digits."""

from __future__ import annotations

from collections.abc import Iterator

from pminusy.derivation.statements.case import Case
from pminusy.derivation.statements.line import OUTLINE, Line
from pminusy.derivation.statements.sentence import because
from pminusy.derivation.tree import (
    Relation,
    Sum,
    exp,
    ln,
)
from pminusy.derivation.tree.letters import (
    c,
    j,
    lse,
    m,
    p,
    s,
    s_o,
    z,
)

__all__ = ["lines"]


def lines(case: Case) -> Iterator[Line]:
    """The forms that keep every digit."""
    one_hot = case.one_hot and not case.mass
    yield Line(
        "shifted_lse",
        "Log-sum-exp with the largest logit taken out",
        Relation.equal(lse, m + ln(Sum(j, exp(z[j] - m)))),
        because(
            "The identity holds for any m; with m = max_j z_j no exponential is above 1, so "
            "nothing overflows.",
            here=(Relation.chain(exp(z[j] - m), "≤", 1),),
        ),
        ("exponent of a sum",),
        OUTLINE,
    )
    if not one_hot:
        return
    yield Line(
        "stable_loss",
        "The loss as a sum of terms that do not cancel",
        Relation.equal(case.cross_entropy, ln(s) + (m - z[c])),
        because(
            "ln s ≥ 0 and m − z_c ≥ 0: nothing is lost in the sum.",
            here=(Relation.chain(ln(s), "≥", 0), Relation.chain(m - z[c], "≥", 0)),
        ),
        ("logarithm of a quotient",),
        OUTLINE,
    )
    yield Line(
        "stable_log1p",
        "When the true class leads",
        Relation.equal(case.cross_entropy, ln(exp(z[c] - m) + s_o) + (m - z[c])),
        because(
            "With z_c = m the first term is exactly 1, and log1p(s_o) keeps digits that ln(1 + "
            "s_o) would "
            "round away; s_o sums the others without class c, never by subtraction.",
            Relation.equal(exp(z[c] - z[c]), 1),
            Relation.equal(s_o, Sum(j, exp(z[j] - m), without=c)),
        ),
        ("split a sum",),
    )
    yield Line(
        "stable_gradient",
        "The entry of the true class without a subtraction",
        Relation.equal(p[c] - 1, -(s_o / s)),
        because(
            "1 − p_c is what the others have: a quotient keeps its digits where p_c rounds to 1.",
            Relation.equal(1 - p[c], Sum(j, p[j], without=c)),
        ),
        ("Σ p = 1",),
        OUTLINE,
    )
