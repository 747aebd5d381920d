"""The gradient at the logits: its signs, its sum, its size."""

from __future__ import annotations

from collections.abc import Iterator

from pminusy.derivation.statements.case import Case
from pminusy.derivation.statements.line import OUTLINE, RESULT, Line
from pminusy.derivation.statements.sentence import because, says
from pminusy.derivation.tree import (
    Abs,
    Parens,
    Partial,
    Relation,
    Sum,
)
from pminusy.derivation.tree.letters import (
    L,
    c,
    eta,
    j,
    k,
    lse,
    p,
    y,
    z,
    zeta,
)

__all__ = ["result"]


def result(case: Case) -> Iterator[Line]:
    """The result, its signs, its sum, its size."""
    C, q, _S = case.cross_entropy, case.target, case.total
    yield Line(
        "dL_dz",
        "Result: S p − q" if case.mass else "Result: p − y",
        Relation.equal(Partial(C, z), case.scaled(p) - q),
        says(
            "The target's mass, spread as the model says, minus that mass where it belongs."
            if case.mass
            else "What the model says minus what it should have said."
        ),
        (),
        RESULT,
    )
    if case.one_hot and not case.mass:
        yield Line(
            "sign_own",
            "The true class is raised",
            Relation.chain(Partial(C, z[c]), "=", p[c] - 1, "<", 0),
            because(
                "Its entry is negative, so a step against the gradient raises its logit.",
                Relation.chain(-(eta * Partial(C, z[c])), ">", 0),
            ),
            ("the other classes have p > 0",),
            OUTLINE,
        )
        yield Line(
            "sign_other",
            "Every other class is lowered",
            Relation.chain(Partial(C, z[k]), "=", p[k], ">", 0).where(k, "≠", c),
            because(
                "Its entry is positive, so a step against the gradient lowers its logit.",
                Relation.chain(-(eta * Partial(C, z[k])), "<", 0).where(k, "≠", c),
            ),
            ("p > 0",),
            OUTLINE,
        )
        yield Line(
            "signs",
            "What it means: the true class is raised, every other lowered",
            Relation.chain(
                Partial(C, z[c]), "=", p[c] - 1, "<", 0, "<", p[k], "=", Partial(C, z[k])
            ).where(k, "≠", c),
            (
                because(
                    "p_c − 1 is below 0 and every other p_k above it, and a step goes against the "
                    "gradient.",
                    Relation.chain(p[c] - 1, "<", 0, "<", p[k]),
                    Relation.chain(-(eta * Partial(C, z[c])), ">", 0),
                    Relation.chain(-(eta * Partial(C, z[k])), "<", 0).where(k, "≠", c),
                ),
                because(
                    "The farther p is from y, the larger the step.",
                    Relation.equal((eta * Partial(C, z[k])) ** 2, eta**2 * (p[k] - y[k]) ** 2),
                ),
            ),
            ("0 < p < 1",),
            OUTLINE,
        )
        yield Line(
            "size",
            "Its size is how wrong the model is",
            Relation.equal(Sum(k, Abs(p[k] - y[k])), 2 * Parens(1 - p[c])),
            because(
                "The mass missing at the true class is the mass spread over the others: 0 exactly "
                "when the "
                "model is certain and right.",
                Relation.equal(1 - p[c], Sum(k, p[k], without=c)),
                Relation.chain(1 - p[c], "≥", 0),
            ),
            ("Σ p = 1",),
        )
    yield Line(
        "row_sum",
        "The entries sum to zero",
        Relation.equal(Sum(k, Partial(C, z[k])), 0),
        because(
            f"Σ p_k = 1 and Σ {q.name}_k = {'S' if case.mass else '1'}: what one class is given "
            "another loses.",
            Relation.equal(Sum(k, p[k]), 1),
            Relation.equal(Sum(k, q[k]), case.total),
        ),
        ("Σ p = 1",),
        OUTLINE,
    )
    if case.z_loss:
        yield Line(
            "row_sum_z_loss",
            "With the z-loss they no longer do",
            Relation.equal(Sum(k, Partial(L, z[k])), 2 * case.scaled(zeta) * lse),
            because(
                "The z-loss depends on the level of the logits, and the softmax does not.",
                Relation.equal(Sum(k, Partial(lse, z[k])), 1),
                Relation.equal(Sum(k, Partial(p[j], z[k])), 0),
            ),
            ("Σ p = 1",),
        )
