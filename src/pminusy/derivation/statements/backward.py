"""Backward, the long way: the loss by p, p by z, and the chain rule over all paths."""

from __future__ import annotations

from collections.abc import Iterator

from pminusy.derivation.statements import both_cases
from pminusy.derivation.statements import sum_over_paths as paths
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

__all__ = ["chain_rule", "compact", "cross_entropy", "jacobian"]

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
        "Of all terms −q_k ln p_k only that of p_j moves with p_j, and d ln x / dx = 1 / x."
        if case.mass
        else "Of all terms −y_k ln p_k only that of p_j moves with p_j, and d ln x / dx = 1 / x.",
        ("derivative of a sum", "derivative of the logarithm"),
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
        "e^(z_i) moves with z_j only if j is i.",
        ("derivative of the exponential", "Kronecker δ"),
    )
    yield Line(
        "quotient",
        "Quotient rule, both cases at once",
        Relation.equal(
            Partial(p[i], z[j]),
            (Delta(i, j) * power_of_e(i) * S_e - power_of_e(i) * power_of_e(j)) / S_e**2,
        ),
        "Derivative of the top times the bottom, minus the top times derivative of the bottom, "
        "over the bottom squared.",
        ("quotient rule",),
    )
    yield both_cases.with_delta(i, j)
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
    """The long route: all paths, both cases kept apart, one rule a line."""
    yield from paths.all_paths(case, k, j)
    yield from paths.two_paths(case, k, j)
    yield from paths.multiplied_out(case, k, j)
    yield paths.result(case, k)


def compact(case: Case) -> Iterator[Line]:
    """The same with both cases in one formula: p_j cancels, the sum is split."""
    yield from _cancelled(case)
    yield from _combined(case)
    yield _row_times_jacobian(case)


def _cancelled(case: Case) -> Iterator[Line]:
    """The probabilities p_j on the way cancel."""
    C, q = case.cross_entropy, case.target
    gradient = Partial(C, z[k])
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
    q = case.target
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
        "chain_combined",
        "Put the parts together",
        Relation.equal(gradient, -q[k] + p[k] * Sum(j, q[j])),
        "−q_k + q_k p_k and p_k Σ_(j≠k) q_j make −q_k and p_k times the whole sum."
        if case.mass
        else "−y_k + y_k p_k and p_k Σ_(j≠k) y_j make −y_k and p_k times the whole sum.",
        ("distributive law",),
    )


def _row_times_jacobian(case: Case) -> Line:
    """Every path of every logit in one product."""
    C, q = case.cross_entropy, case.target
    return Line(
        "row_times_jacobian",
        "The same as a row vector times the full Jacobian",
        Relation.equal(Partial(C, p) @ Partial(p, z), case.scaled(p) - q),
        "Every path at once: the row (∂L/∂p_j) times each column of J.",
        ("matrix product",),
        OUTLINE,
    )
