"""The chain rule over all paths, both cases kept apart, one rule of algebra a line."""

from __future__ import annotations

from collections.abc import Iterator

from pminusy.derivation.statements.case import Case
from pminusy.derivation.statements.line import OUTLINE, Line
from pminusy.derivation.statements.sentence import because, says
from pminusy.derivation.tree import (
    Index,
    Node,
    Parens,
    Partial,
    Relation,
    Sum,
)
from pminusy.derivation.tree.letters import (
    j,
    k,
    p,
    z,
)

__all__ = [
    "all_paths",
    "chain",
    "chain_rule",
    "multiplied_out",
    "result",
    "sum_of_others",
    "two_paths",
]


_h = Index("h")
"""Any class: no line of this file runs through it."""


def chain_rule(case: Case) -> Iterator[Line]:
    """The long route: all paths, both cases kept apart, one rule a line."""
    yield from all_paths(case, k, j)
    yield from two_paths(case, k, j)
    yield from multiplied_out(case, k, j)
    yield result(case, k)


def chain(case: Case, k: Index, j: Index) -> Line:
    """Every path from one logit to the loss."""
    C = case.cross_entropy
    return Line(
        "chain",
        "Chain rule over all paths",
        Relation.equal(Partial(C, z[k]), Sum(j, Partial(C, p[j]) * Partial(p[j], z[k]))),
        because(
            f"One logit moves every probability, so every probability is a path from z_{k.name} "
            "to the loss.",
            Relation.chain(Partial(p[k], z[k]), ">", 0),
            Relation.chain(Partial(p[j], z[k]), "<", 0).where(j, "≠", k),
        ),
        ("chain rule over all paths",),
        OUTLINE,
    )


def all_paths(case: Case, k: Index, j: Index) -> Iterator[Line]:
    """The sum, its own path taken out, and both factors put in."""
    C, q = case.cross_entropy, case.target
    yield chain(case, k, j)
    yield Line(
        "chain_by_case",
        f"The path through p_{k.name} itself, and the others",
        Relation.equal(
            Partial(C, z[k]),
            Partial(C, p[k]) * Partial(p[k], z[k])
            + Sum(j, Partial(C, p[j]) * Partial(p[j], z[k]), without=k),
        ),
        because(
            f"For {j.name} = {k.name} the Jacobian has its first case, for every other {j.name} "
            "its second.",
            Relation.equal(Partial(p[k], z[k]), p[k] * (1 - p[k])),
            Relation.equal(Partial(p[j], z[k]), -(p[j] * p[k])).where(j, "≠", k),
        ),
        ("split a sum",),
    )
    yield Line(
        "chain_substituted",
        "Put the factors in",
        Relation.equal(
            Partial(C, z[k]),
            Parens(-(q[k] / p[k])) * p[k] * Parens(1 - p[k])
            + Sum(j, Parens(-(q[j] / p[j])) * Parens(-(p[j] * p[k])), without=k),
        ),
        because(
            "The derivative of the loss by each probability, times the case of the Jacobian.",
            Relation.equal(Partial(C, p[j]), -(q[j] / p[j])),
        ),
        ("substitution",),
    )


def two_paths(case: Case, k: Index, j: Index) -> Iterator[Line]:
    """What the path through p_k comes to, and what each other path comes to."""
    q = case.target
    yield Line(
        "own_path",
        f"The path through p_{k.name}",
        Relation.equal(
            Parens(-(q[k] / p[k])) * p[k] * Parens(1 - p[k]),
            -(q[k] * Parens(1 - p[k])),
            -q[k] + q[k] * p[k],
        ),
        says(f"p_{k.name} cancels, and −{q.name}_{k.name} is multiplied by both terms."),
        ("cancel a common factor", "distributive law"),
    )
    yield Line(
        "other_path",
        "Each other path",
        Relation.equal(Parens(-(q[j] / p[j])) * Parens(-(p[j] * p[k])), q[j] * p[k]),
        says(f"p_{j.name} cancels, and minus times minus is plus."),
        ("cancel a common factor",),
    )


def multiplied_out(case: Case, k: Index, j: Index) -> Iterator[Line]:
    """Both put together, p_k before the sum, the sum of the other targets used."""
    yield _paths_together(case, k, j)
    yield _factor_before_sum(case, k, j)
    yield sum_of_others(case, k, j)
    yield from _sum_used(case, k)


def _paths_together(case: Case, k: Index, j: Index) -> Line:
    q = case.target
    others = Sum(j, q[j] * p[k], without=k)
    return Line(
        "paths_together",
        "Both parts together",
        Relation.equal(Partial(case.cross_entropy, z[k]), -q[k] + q[k] * p[k] + others),
        says("The path of its own class, and the sum of the others."),
        ("substitution",),
    )


def _factor_before_sum(case: Case, k: Index, j: Index) -> Line:
    q = case.target
    others = p[k] * Sum(j, q[j], without=k)
    return Line(
        "factor_before_sum",
        f"p_{k.name} comes before the sum",
        Relation.equal(Partial(case.cross_entropy, z[k]), -q[k] + q[k] * p[k] + others),
        says(
            f"The path of its own class, and the others with p_{k.name} before their sum: it is "
            "the "
            f"same for every {j.name}."
        ),
        ("constant factor",),
        OUTLINE,
    )


def sum_of_others(case: Case, k: Index, j: Index) -> Line:
    """What all targets but one sum to."""
    q = case.target
    return Line(
        "others_sum",
        "What the other targets sum to",
        Relation.equal(Sum(j, q[j], without=k), case.total - q[k]),
        because(
            "All targets together are " + ("S." if case.mass else "1."),
            Relation.equal(Sum(j, q[j]), case.total),
        ),
        ("Σ q = S" if case.mass else "Σ y = 1",),
    )


def _sum_used(case: Case, k: Index) -> Iterator[Line]:
    C, q = case.cross_entropy, case.target
    yield Line(
        "others_used",
        "Put that sum in",
        Relation.equal(Partial(C, z[k]), -q[k] + q[k] * p[k] + p[k] * Parens(case.total - q[k])),
        because(
            f"{'S' if case.mass else '1'} − {q.name}_{k.name} in the place of the sum.",
            Relation.equal(Sum(_h, q[_h], without=k), case.total - q[k]),
        ),
        ("substitution",),
    )
    yield Line(
        "products_cancel",
        "Multiply out",
        Relation.equal(
            Partial(C, z[k]), -q[k] + q[k] * p[k] + case.scaled(p[k]) - q[k] * p[k]
        ),
        says(f"{q.name}_{k.name} p_{k.name} is there with both signs."),
        ("distributive law",),
    )  # fmt: skip


def result(case: Case, k: Index) -> Line:
    """What is left."""
    C, q = case.cross_entropy, case.target
    left: Node = case.scaled(p[k]) - q[k]
    return Line(
        "dL_dz_long",
        "Result, one entry",
        Relation.equal(Partial(C, z[k]), left),
        says(
            f"The products cancel, and only {'S times ' if case.mass else ''}p_{k.name} and "
            f"−{q.name}_{k.name} are left."
        ),
        ("cancel equal terms",),
        OUTLINE,
    )
