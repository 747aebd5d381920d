"""The one row of the Jacobian that a one-hot target meets, by both cases, and written as a row."""

from __future__ import annotations

from collections.abc import Iterator

from pminusy.derivation.statements.case import Case
from pminusy.derivation.statements.line import OUTLINE, Line
from pminusy.derivation.statements.sentence import because, says
from pminusy.derivation.tree import (
    Cases,
    Index,
    Node,
    Parens,
    Partial,
    Ref,
    Relation,
    Row,
    Sum,
    ln,
)
from pminusy.derivation.tree.letters import (
    c,
    p,
    power_of_e,
    z,
)

__all__ = ["as_function", "as_rows", "by_probability", "one_path", "other_entry", "own_entry"]


_h = Index("h")
"""Any class: no line of this file runs through it."""


def _sum(j: Index) -> Node:
    return Sum(j, power_of_e(j))


def one_path(case: Case) -> Line:
    """Chain rule through the true class's probability alone, all logits at once."""
    C = case.cross_entropy
    return Line(
        "path_of_true_class",
        "Chain rule through the probability of the true class",
        Relation.equal(Partial(C, z), Partial(C, p[c]) * Partial(p[c], z)),
        because(
            "The loss has no other probability in it.",
            Relation.equal(Partial(C, p[_h]), 0).where(_h, "≠", c),
        ),
        ("chain rule",),
        OUTLINE,
    )


def by_probability(case: Case) -> Line:
    """The first factor."""
    return Line(
        "dL_dp_c",
        "The loss by the probability of the true class",
        Relation.equal(Partial(case.cross_entropy, p[c]), -(1 / p[c])),
        because("d ln x / dx = 1 / x.", Relation.equal(Partial(ln(p[c]), p[c]), 1 / p[c])),
        ("derivative of the logarithm",),
    )


def own_entry(k: Index, j: Index) -> Iterator[Line]:
    """The entry of the true class's own logit."""
    e, total = power_of_e(c), _sum(j)
    own = Partial(p[c], z[k])
    parts = (
        ("row_own_set_up", f"{k.name} = c: what is differentiated",
         Partial(Parens(e / total), z[k]),
         says("The logit is above in the fraction and below."), "definition"),
        ("row_own_quotient", f"{k.name} = c: quotient rule",
         (e * total - e * e) / Parens(total) ** 2,
         because("Both derivatives are e^(z_c).",
                 Relation.equal(Partial(e, z[c]), Partial(total, z[c]), e)), "quotient rule"),
        ("row_own_separated", f"{k.name} = c: a product of two fractions",
         Parens(e / total) * Parens((total - e) / total),
         because("e^(z_c) is in both terms above, and one sum goes below each factor.",
                 Relation.equal(e * total - e * e, e * (total - e))),
         "product of fractions"),
        ("row_own", f"{k.name} = c: result", p[c] * Parens(1 - p[c]),
         because("The first fraction is p_c, the second is 1 − p_c.",
                 Relation.equal(e / total, p[c]), Relation.equal((total - e) / total, 1 - p[c])),
         "definition"),
    )  # fmt: skip
    for name, title, right, why, rule in parts:
        yield Line(name, title, Relation.equal(own, right).where(k, "=", c), why, (rule,))


def other_entry(k: Index, j: Index) -> Iterator[Line]:
    """The entry of any other logit."""
    e_c, e_k, total = power_of_e(c), power_of_e(k), _sum(j)
    other, still = Partial(p[c], z[k]), Relation.equal(Partial(e_c, z[k]), 0).where(k, "≠", c)
    parts = (
        ("row_other_set_up", f"{k.name} ≠ c: what is differentiated",
         Partial(Parens(e_c / total), z[k]),
         because("The logit is below only.", still), "definition"),
        ("row_other_quotient", f"{k.name} ≠ c: quotient rule", -(e_k * e_c) / Parens(total) ** 2,
         because("The numerator stands still, and only the second term is left.", still),
         "quotient rule"),
        ("row_other", f"{k.name} ≠ c: result", -(p[k] * p[c]),
         because("One sum below each exponential: two probabilities.",
                 Relation.equal(e_c / total, p[c]), Relation.equal(e_k / total, p[k])),
         "product of fractions"),
    )  # fmt: skip
    for name, title, right, why, rule in parts:
        yield Line(name, title, Relation.equal(other, right).where(k, "≠", c), why, (rule,))


def as_rows(case: Case, k: Index) -> Iterator[Line]:
    """The whole row, times the first factor, and what comes out."""
    C = case.cross_entropy
    row = Row(k, Cases(k, c, p[c] * Parens(1 - p[c]), -(p[k] * p[c])))
    yield Line(
        "row_written",
        "The whole row of the Jacobian",
        Relation.equal(Partial(p[c], z), row),
        says("Entry by entry; only the one at the place of the true class is of the first case."),
        ("row vector",),
    )
    yield Line(
        "row_times_factor",
        "Times the first factor",
        Relation.equal(Partial(C, z), Parens(-(1 / p[c])) * row),
        says("Both factors put in."),
        ("substitution",),
    )
    yield Line(
        "row_result",
        "Every entry divided",
        Relation.equal(Partial(C, z), Row(k, Cases(k, c, Parens(p[c] - 1), p[k]))),
        says(
            "p_c cancels in each entry, and the sign turns: 1 is subtracted at the place of the "
            "true "
            "class, and nowhere else."
        ),
        ("cancel a common factor",),
        OUTLINE,
    )


def as_function(letter: Ref) -> Line:
    """The softmax as a function from logits to probabilities."""
    return Line(
        "softmax_function",
        "Softmax as a function of the logits",
        Relation.equal(letter, Ref("S_of_z")),
        says("A vector of K logits goes in, a vector of K probabilities comes out."),
        ("definition",),
    )
