"""Backward, the long way: the loss by p, p by z, and the chain rule over all paths."""

from __future__ import annotations

from collections.abc import Iterator

from pminusy.derivation.statements.case import Case
from pminusy.derivation.statements.line import OUTLINE, Line
from pminusy.derivation.tree import (
    Delta,
    Diag,
    Node,
    Ones,
    Outer,
    Parens,
    Partial,
    Ref,
    Relation,
    Sum,
    ln,
)
from pminusy.derivation.tree.letters import S_e, c, i, j, k, p, power_of_e, v, z

__all__ = ["chain_rule", "cross_entropy", "jacobian"]

_J = Ref("J")


def cross_entropy(case: Case) -> Iterator[Line]:
    """Gradient of the cross-entropy on its own."""
    C, q = case.cross_entropy, case.target
    yield Line(
        "ce_sum",
        "Derivative of the sum, term by term",
        Relation.equal(Partial(C, p[j]), -Sum(k, q[k] * Partial(ln(p[k]), p[j]))),
        "Differentiate term by term; the target does not depend on p.",
        ("derivative of a sum", "constant factor"),
    )
    yield Line(
        "ce_log",
        "Derivative of the logarithm",
        Relation.equal(Partial(ln(p[k]), p[j]), Delta(j, k) / p[k]),
        "d ln x / dx = 1 / x, and ln p_k does not move with any other p_j.",
        ("derivative of the logarithm", "Kronecker δ"),
    )
    yield Line(
        "dL_dp",
        "Cross-entropy by probability",
        Relation.equal(Partial(C, p[j]), -(q[j] / p[j])),
        "δ keeps the one term with k = j.",
        ("Kronecker δ",),
        OUTLINE,
    )
    if case.one_hot and not case.smoothing:
        yield Line(
            "dL_dp_zero",
            "Only the true class has an entry",
            Relation.equal(Partial(C, p[j]), 0).where(j, "≠", c),
            "Where the target is 0 the loss does not depend on the probability.",
            ("one-hot target",),
        )


def jacobian() -> Iterator[Line]:
    """Jacobian of the softmax: entry by entry, as a matrix, and what that matrix is like."""
    yield from _quotient_rule()
    yield from _entries()
    yield from _properties()


def _quotient_rule() -> Iterator[Line]:
    """Numerator and denominator, and the derivative of their quotient."""
    yield Line(
        "denominator",
        "Every logit is in the denominator",
        Relation.equal(Partial(S_e, z[j]), power_of_e(j)),
        "S_e = Σ_k e^(z_k): of all its terms only the one with k = j moves with z_j.",
        ("derivative of a sum", "derivative of the exponential"),
    )
    yield Line(
        "numerator",
        "Only its own logit is in the numerator",
        Relation.equal(Partial(power_of_e(i), z[j]), Delta(i, j) * power_of_e(i)),
        "e^(z_i) moves with z_j only if j is i.",
        ("derivative of the exponential", "Kronecker δ"),
    )
    yield Line(
        "quotient",
        "Quotient rule",
        Relation.equal(
            Partial(p[i], z[j]),
            (Delta(i, j) * power_of_e(i) * S_e - power_of_e(i) * power_of_e(j)) / S_e**2,
        ),
        "Derivative of the top times the bottom, minus the top times derivative of the bottom, "
        "over the bottom squared.",
        ("quotient rule",),
        OUTLINE,
    )


def _entries() -> Iterator[Line]:
    """On the diagonal, off it, both in one, and all of them."""
    yield Line(
        "jacobian_own",
        "A probability by its own logit",
        Relation.equal(Partial(p[i], z[i]), p[i] * (1 - p[i])),
        "With i = j both terms are there, and e^(z_i) / S_e is p_i.",
        ("quotient rule", "Kronecker δ"),
    )
    yield Line(
        "jacobian_other",
        "A probability by another logit",
        Relation.equal(Partial(p[i], z[j]), -(p[i] * p[j])).where(i, "≠", j),
        "With i ≠ j the first term is gone: raising one logit takes mass from every other class.",
        ("quotient rule", "Kronecker δ"),
    )
    yield Line(
        "jacobian",
        "Both cases in one",
        Relation.equal(Partial(p[i], z[j]), p[i] * (Delta(i, j) - p[j])),
        "δ_ij is 1 on the diagonal and 0 off it.",
        ("Kronecker δ",),
        OUTLINE,
    )
    yield Line(
        "jacobian_matrix",
        "The Jacobian as a matrix",
        Relation.equal(Partial(p, z), Diag(p) - Outer(p, p)),
        "The δ-terms are a diagonal matrix, the products p_i p_j an outer product.",
        ("matrix form",),
        OUTLINE,
    )


def _properties() -> Iterator[Line]:
    """Symmetric, singular along (1, …, 1), and never negative along any direction."""
    yield Line(
        "jacobian_symmetric",
        "It is symmetric",
        Relation.equal(Partial(p[i], z[j]), Partial(p[j], z[i])),
        "p_i p_j is p_j p_i, and δ_ij is δ_ji.",
        ("product commutes",),
    )
    yield Line(
        "jacobian_ones",
        "Its rows sum to zero",
        Relation.equal(Partial(p, z) @ Ones(), 0 * Ones()),
        "Moving every logit alike changes no probability.",
        ("Σ p = 1",),
    )
    squares = Sum(i, Sum(j, p[i] * p[j] * (v[i] - v[j]) ** 2, above=i))
    yield Line(
        "jacobian_psd",
        "It is positive semi-definite",
        Relation.chain(Sum(i, Sum(j, v[i] * Partial(p[i], z[j]) * v[j])), "=", squares, "≥", 0),
        "Along any direction v it is a sum of squares with weights p_i p_j ≥ 0.",
        ("sum of squares",),
    )


def chain_rule(case: Case) -> Iterator[Line]:
    """The long route: all paths, split, cancelled and put together."""
    yield from _all_paths(case)
    yield from _combined(case)
    yield from _long_result(case)


def _all_paths(case: Case) -> Iterator[Line]:
    """Every path from z_k to the loss; the probabilities p_j on the way cancel."""
    C, q = case.cross_entropy, case.target
    gradient = Partial(C, z[k])
    yield Line(
        "chain",
        "Chain rule over all paths",
        Relation.equal(gradient, Sum(j, Partial(C, p[j]) * Partial(p[j], z[k]))),
        "One logit moves every probability, so every probability is a path from z_k to the loss.",
        ("chain rule over all paths",),
        OUTLINE,
    )
    yield Line(
        "chain_filled",
        "Put both factors in",
        Relation.equal(gradient, Sum(j, Parens(-(q[j] / p[j])) * p[j] * (Delta(j, k) - p[k]))),
        "The first factor is the cross-entropy's, the second row j, column k of the Jacobian.",
        ("substitution",),
    )
    yield Line(
        "chain_cancelled",
        "p_j cancels",
        Relation.equal(gradient, -Sum(j, q[j] * (Delta(j, k) - p[k]))),
        "The 1 / p_j of the logarithm cancels the p_j of the softmax.",
        ("cancel a common factor",),
        OUTLINE,
    )


def _combined(case: Case) -> Iterator[Line]:
    """The path through p_k itself, the others, and their sum."""
    q, S = case.target, case.total
    gradient = Partial(case.cross_entropy, z[k])
    off: Node = Sum(j, q[j] * p[k], without=k)
    yield Line(
        "chain_split",
        "Diagonal and off-diagonal part",
        Relation.equal(gradient, -(q[k] * (1 - p[k])) + off),
        "The path through p_k itself, and the paths through all other probabilities.",
        ("split a sum", "Kronecker δ"),
        OUTLINE,
    )
    yield Line(
        "others_sum",
        "What the other targets sum to",
        Relation.equal(Sum(j, q[j], without=k), S - q[k]),
        "All targets together are " + ("S." if case.mass else "1."),
        ("Σ q = S" if case.mass else "Σ y = 1",),
    )
    yield Line(
        "chain_combined",
        "Put the parts together",
        Relation.equal(gradient, -q[k] + p[k] * Sum(j, q[j])),
        "−q_k + q_k p_k and p_k Σ_(j≠k) q_j make −q_k and p_k times the whole sum."
        if case.mass
        else "−y_k + y_k p_k and p_k Σ_(j≠k) y_j make −y_k and p_k times the whole sum.",
        ("distributive law",),
    )


def _long_result(case: Case) -> Iterator[Line]:
    """p − y, by one entry and by all at once."""
    C, q = case.cross_entropy, case.target
    yield Line(
        "dL_dz_long",
        "Result of the long route",
        Relation.equal(Partial(C, z[k]), case.scaled(p[k]) - q[k]),
        "The targets sum to " + ("S." if case.mass else "one, and only the difference is left."),
        ("Σ q = S" if case.mass else "Σ y = 1",),
        OUTLINE,
    )
    yield Line(
        "row_times_jacobian",
        "The same as a row vector times the full Jacobian",
        Relation.equal(Partial(C, p) @ Partial(p, z), case.scaled(p) - q),
        "Every path at once: the row (∂L/∂p_j) times each column of J.",
        ("matrix product",),
        OUTLINE,
    )
