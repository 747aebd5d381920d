"""The Jacobian of the softmax: both cases, in one formula, and what it is like."""

from __future__ import annotations

from collections.abc import Iterator

from pminusy.derivation.statements.gradient import both_cases
from pminusy.derivation.statements.line import OUTLINE, Line
from pminusy.derivation.statements.sentence import because, says
from pminusy.derivation.tree import (
    Delta,
    Diag,
    Index,
    Ones,
    Outer,
    Partial,
    Ref,
    Relation,
    Sum,
)
from pminusy.derivation.tree.letters import (
    S_e,
    i,
    j,
    p,
    power_of_e,
    v,
    z,
)

__all__ = ["equal_index_quotient", "jacobian"]


_J = Ref("J")


def jacobian() -> Iterator[Line]:
    """Jacobian of the softmax: both cases written out, in one formula, and what it is like."""
    yield both_cases.denominator(j)
    yield from both_cases.own_class(i)
    yield from both_cases.other_class(i, j)
    yield both_cases.by_cases(i, j)
    yield from _in_one()
    yield from _properties()


def _in_one() -> Iterator[Line]:
    """Both cases at once with Kronecker δ, and as a matrix."""
    yield Line(
        "numerator",
        "Both cases of the numerator",
        Relation.equal(Partial(power_of_e(i), z[j]), Delta(i, j) * power_of_e(i)),
        because(
            "e^(z_i) moves with z_j only if j is i.",
            Relation.equal(Partial(power_of_e(i), z[j]), 0).where(i, "≠", j),
        ),
        ("derivative of the exponential", "Kronecker δ"),
    )
    yield Line(
        "quotient",
        "Quotient rule, both cases at once",
        Relation.equal(
            Partial(p[i], z[j]),
            (Delta(i, j) * power_of_e(i) * S_e - power_of_e(i) * power_of_e(j)) / S_e**2,
        ),
        says(
            "Derivative of the top times the bottom, minus the top times derivative of the bottom, "
            "over the bottom squared."
        ),
        ("quotient rule",),
    )
    yield both_cases.with_delta(i, j)
    yield Line(
        "jacobian_matrix",
        "The Jacobian as a matrix",
        Relation.equal(Partial(p, z), Diag(p) - Outer(p, p)),
        says("The δ-terms are a diagonal matrix, the products p_i p_j an outer product."),
        ("matrix form",),
        OUTLINE,
    )


def _properties() -> Iterator[Line]:
    """Symmetric, singular along (1, …, 1), and never negative along any direction."""
    yield Line(
        "jacobian_symmetric",
        "It is symmetric",
        Relation.equal(Partial(p[i], z[j]), Partial(p[j], z[i])),
        because(
            "p_i p_j is p_j p_i, and δ_ij is δ_ji.",
            Relation.equal(p[i] * p[j], p[j] * p[i]),
            Relation.equal(Delta(i, j), Delta(j, i)),
        ),
        ("product commutes",),
    )
    yield Line(
        "jacobian_ones",
        "Its rows sum to zero",
        Relation.equal(Partial(p, z) @ Ones(), 0 * Ones()),
        because(
            "Moving every logit alike changes no probability.",
            Relation.equal(Sum(j, Partial(p[i], z[j])), 0),
        ),
        ("Σ p = 1",),
    )
    squares = Sum(i, Sum(j, p[i] * p[j] * (v[i] - v[j]) ** 2, above=i))
    yield Line(
        "jacobian_psd",
        "It is positive semi-definite",
        Relation.chain(Sum(i, Sum(j, v[i] * Partial(p[i], z[j]) * v[j])), "=", squares, "≥", 0),
        because(
            "Along any direction v it is a sum of squares with weights p_i p_j ≥ 0.",
            Relation.chain(p[i] * p[j], "≥", 0),
        ),
        ("sum of squares",),
    )


def equal_index_quotient(j: Index, k: Index) -> Line:
    """The quotient rule with two letters for one class."""
    e_j, e_k = power_of_e(j), power_of_e(k)
    return Line(
        "equal_quotient",
        f"Case 1, {j.name} = {k.name}: quotient rule",
        Relation.equal(Partial(p[j], z[k]), (e_j * S_e - e_j * e_k) / S_e**2).where(j, "=", k),
        says(
            "Derivative of the top times the bottom, minus the top times the derivative of the "
            "bottom, "
            "over the bottom squared."
        ),
        ("quotient rule",),
    )
