"""The sum over all paths with both cases in one formula."""

from __future__ import annotations

from collections.abc import Iterator

from pminusy.derivation.statements.case import Case
from pminusy.derivation.statements.line import OUTLINE, Line
from pminusy.derivation.statements.sentence import because, says
from pminusy.derivation.tree import (
    Delta,
    Index,
    Neg,
    Node,
    Parens,
    Partial,
    Relation,
    Sum,
)
from pminusy.derivation.tree.letters import (
    L,
    j,
    k,
    p,
    y,
    z,
)

__all__ = ["compact", "with_delta"]


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
        says(
            "The first factor is the cross-entropy's, the second row j, column k of the Jacobian."
        ),
        ("substitution",),
    )
    yield Line(
        "chain_cancelled",
        "p_j cancels",
        Relation.equal(gradient, -Sum(j, q[j] * (Delta(j, k) - p[k]))),
        because(
            "The 1 / p_j of the logarithm cancels the p_j of the softmax.",
            Relation.equal(1 / p[j] * p[j], 1),
        ),
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
        says("The path through p_k itself, and the paths through all other probabilities."),
        ("split a sum", "Kronecker δ"),
        OUTLINE,
    )
    yield Line(
        "chain_combined",
        "Put the parts together",
        Relation.equal(gradient, -q[k] + p[k] * Sum(j, q[j])),
        because(
            f"−{q.name}_k + {q.name}_k p_k and p_k Σ_(j≠k) {q.name}_j make −{q.name}_k and p_k "
            "times the whole sum.",
            Relation.equal(
                -q[k] + q[k] * p[k] + p[k] * Sum(j, q[j], without=k), -q[k] + p[k] * Sum(j, q[j])
            ),
        ),
        ("distributive law",),
    )


def _row_times_jacobian(case: Case) -> Line:
    """Every path of every logit in one product."""
    C, q = case.cross_entropy, case.target
    return Line(
        "row_times_jacobian",
        "The same as a row vector times the full Jacobian",
        Relation.equal(Partial(C, p) @ Partial(p, z), case.scaled(p) - q),
        says("Every path at once: the row (∂L/∂p_j) times each column of J."),
        ("matrix product",),
        OUTLINE,
    )


def with_delta(k: Index, j: Index) -> Iterator[Line]:
    """The sum over all paths with both cases in one formula, term by term."""
    gradient = Partial(L, z[k])
    factor = Parens(-(y[j] / p[j]))
    yield Line(
        "first_factor_put_in",
        "Put the first factor in",
        Relation.equal(gradient, Sum(j, factor * Partial(p[j], z[k]))),
        says("The derivative of the loss by each probability."),
        ("substitution",),
    )
    yield Line(
        "chain_filled",
        "Put the second factor in",
        Relation.equal(gradient, Sum(j, factor * p[j] * (Delta(j, k) - p[k]))),
        says("Both cases of the Jacobian at once."),
        ("substitution",),
    )
    yield Line(
        "chain_cancelled",
        f"p_{j.name} cancels",
        Relation.equal(gradient, -Sum(j, y[j] * (Delta(j, k) - p[k]))),
        says("It is above and below."),
        ("cancel a common factor",),
        OUTLINE,
    )
    yield Line(
        "two_sums",
        "Two sums",
        Relation.equal(
            gradient, Neg(Parens(Sum(j, y[j] * Delta(j, k)) - Sum(j, y[j] * p[k])))
        ),
        says("The difference inside, summed term by term."),
        ("distributive law",),
    )  # fmt: skip
    yield from _both_sums(k, j)


def _both_sums(k: Index, j: Index) -> Iterator[Line]:
    yield Line(
        "first_sum",
        "The first sum",
        Relation.equal(Sum(j, y[j] * Delta(j, k)), y[k]),
        because(
            f"δ is 1 for {j.name} = {k.name} only.",
            Relation.equal(Delta(k, k), 1),
            Relation.equal(Delta(j, k), 0).where(j, "≠", k),
        ),
        ("Kronecker δ",),
    )
    yield Line(
        "second_sum",
        "The second sum",
        Relation.equal(Sum(j, y[j] * p[k]), p[k] * Sum(j, y[j]), p[k]),
        because(
            f"p_{k.name} is the same in each term, and the targets sum to 1.",
            Relation.equal(Sum(j, y[j]), 1),
        ),
        ("constant factor", "Σ y = 1"),
    )
    yield Line(
        "difference_turned",
        "Both put in",
        Relation.equal(Partial(L, z[k]), Neg(Parens(y[k] - p[k]))),
        says("The first minus the second, with the minus sign before both."),
        ("substitution",),
    )
