"""Where the loss is convex, and a bound that holds everywhere."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from pminusy.derivation.statements.case import Case
from pminusy.derivation.statements.line import OUTLINE, Line
from pminusy.derivation.statements.sentence import because, says
from pminusy.derivation.tree import (
    Abs,
    Identity,
    Neg,
    Number,
    Ones,
    Outer,
    Parens,
    Partial,
    Ref,
    Relation,
    Size,
    Sum,
)
from pminusy.derivation.tree.letters import (
    i,
    j,
    p,
    v,
    z,
)

__all__ = ["bound", "convex", "preconditioners"]


_HALF = Number(Fraction(1, 2))


_J = Ref("J")


def convex(case: Case) -> Iterator[Line]:
    """Where it curves upwards, and where it is flat."""
    quadratic = Sum(i, Sum(j, v[i] * Partial(p[i], z[j]) * v[j]))
    squares = Sum(i, Sum(j, p[i] * p[j] * (v[i] - v[j]) ** 2, above=i))
    yield Line(
        "convex",
        f"{_what_is_convex(case)} is convex in the logits{' z' if case.transforms else ''}",
        Relation.chain(case.scaled(quadratic), "=", case.scaled(squares), "≥", 0),
        because(
            "vᵀ J v is a sum of squares: every direction curves upwards or not at all.",
            Relation.equal(quadratic, squares),
        ),
        ("sum of squares",),
        OUTLINE,
    )
    yield Line(
        "flat_when_certain",
        f"{_what_is_convex(case)} is flat where the model is certain",
        Relation.chain(0, "≤", p[i] * (1 - p[i]), "≤", 1 - p[i]),
        because(
            "As p_i approaches 1 the curvature is squeezed to 0, and so it is as p_i approaches 0.",
            Relation.chain(p[i] * (1 - p[i]), "≤", 1 - p[i]),
            Relation.chain(p[i] * (1 - p[i]), "≤", p[i]),
        ),
        ("p ≤ 1",),
    )


def _what_is_convex(case: Case) -> str:
    """The z-loss beside it may bend down: 2 ζ lse J is negative where lse is."""
    return "The cross-entropy" if case.z_loss else "The loss"


def bound() -> Iterator[Line]:
    """Gershgorin's circles, and the bound of Böhning that they give."""
    yield Line(
        "gershgorin_radius",
        "Gershgorin's radius",
        Relation.equal(Sum(j, Abs(p[i] * p[j]), without=i), p[i] * (1 - p[i])),
        says("The off-diagonal entries of a row are as large, together, as the diagonal one."),
        ("Σ p = 1",),
    )
    yield Line(
        "gershgorin",
        "No eigenvalue exceeds ½",
        Relation.chain(p[i] * (1 - p[i]) + p[i] * (1 - p[i]), "≤", _HALF),
        because(
            "Centre plus radius; the difference is ½ (1 − 2 p_i)².",
            Relation.equal(_HALF - 2 * p[i] * (1 - p[i]), _HALF * Parens(1 - 2 * p[i]) ** 2),
        ),
        ("Gershgorin's circles", "square"),
    )
    yield Line(
        "bound",
        "Böhning's bound",
        Relation.chain(_J, "⪯", _HALF * (Identity() - Outer(Ones(), Ones()) / Size("K"))),
        because(
            "Both sides vanish along (1, …, 1), and ½ I − J has no negative eigenvalue by "
            "Gershgorin: "
            "one matrix bounds the curvature everywhere.",
            Relation.equal(_J @ Ones(), 0 * Ones()),
            Relation.chain(p[i] * (1 - p[i]) + p[i] * (1 - p[i]), "≤", _HALF),
        ),
        ("Gershgorin's circles",),
        OUTLINE,
    )


def preconditioners() -> Iterator[Line]:
    """The diagonal of the Hessian, which bounds nothing."""
    own, other = p[i] * (1 - p[i]), p[j] * (1 - p[j])
    along = p[i] * (1 - p[i]) - 2 * Neg(p[i] * p[j]) + p[j] * (1 - p[j])
    yield Line(
        "not_a_bound",
        "The present curvature of each class is closer, and no bound",
        Relation.chain(along, "=", own + other + 2 * p[i] * p[j], ">", own + other).where(
            i, "≠", j
        ),
        because(
            "Along e_i − e_j the Hessian is J_ii − 2 J_ij + J_jj, and p (1 − p) of both classes "
            "is less: "
            "the off-diagonal part adds to it.",
            Relation.chain(2 * p[i] * p[j], ">", 0),
        ),
        ("quadratic form",),
    )
