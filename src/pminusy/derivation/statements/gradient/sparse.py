"""The sparse route: one row of the Jacobian."""

from __future__ import annotations

from collections.abc import Iterator

from pminusy.derivation.statements.case import Case
from pminusy.derivation.statements.gradient import row_of_class
from pminusy.derivation.statements.line import OUTLINE, Line
from pminusy.derivation.statements.sentence import because, says
from pminusy.derivation.tree import (
    Delta,
    Node,
    Parens,
    Partial,
    Relation,
)
from pminusy.derivation.tree.letters import (
    c,
    j,
    k,
    p,
    z,
)

__all__ = ["sparse"]


def sparse(case: Case) -> Iterator[Line]:
    """The sparse route, for a one-hot target."""
    C, q = case.cross_entropy, case.target
    own = q[c] if case.mass else 1
    factor: Node = Parens(-(own / p[c]))
    yield Line(
        "sparse_chain",
        "Only row c of the Jacobian is met",
        Relation.equal(Partial(C, z[k]), Partial(C, p[c]) * Partial(p[c], z[k])),
        because(
            "∂L/∂p_j is 0 for every class but the true one, so a single path is left.",
            Relation.equal(Partial(C, p[j]), 0).where(j, "≠", c),
        ),
        ("one-hot target", "chain rule"),
        OUTLINE,
    )
    entries = (*row_of_class.own_entry(k, j), *row_of_class.other_entry(k, j))
    yield from (line for line in entries if not line.name.endswith("set_up"))
    yield Line(
        "sparse_row",
        "Row c of the Jacobian",
        Relation.equal(Partial(p[c], z[k]), p[c] * (Delta(c, k) - p[k])),
        because(
            "p_c (1 − p_c) at the place of the true class, −p_k p_c at every other.",
            Relation.equal(Partial(p[c], z[c]), p[c] * (1 - p[c])),
            Relation.equal(Partial(p[c], z[k]), -(p[k] * p[c])).where(k, "≠", c),
        ),
        ("Kronecker δ",),
    )
    yield Line(
        "sparse_own",
        "The entry of the true class",
        Relation.equal(
            Partial(C, z[c]),
            factor * Parens(p[c] * (1 - p[c])),
            q[c] * p[c] - q[c] if case.mass else p[c] - 1,
        ),
        says("p_c cancels and the sign turns 1 − p_c round."),
        ("cancel a common factor",),
        OUTLINE,
    )
    yield Line(
        "sparse_other",
        "The entry of any other class",
        Relation.equal(
            Partial(C, z[k]),
            factor * Parens(-(p[k] * p[c])),
            q[c] * p[k] if case.mass else p[k],
        ).where(k, "≠", c),
        says("Two minus signs and the p_c cancel."),
        ("cancel a common factor",),
        OUTLINE,
    )
    yield Line(
        "dL_dz_sparse",
        "Result of the sparse route",
        Relation.equal(Partial(C, z[k]), case.scaled(p[k]) - q[k]),
        says("Both entries in one."),
        ("Kronecker δ",),
        OUTLINE,
    )
