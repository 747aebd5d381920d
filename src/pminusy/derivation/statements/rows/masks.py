"""Masked classes: what a logit of −∞ does, and what it may not meet."""

from __future__ import annotations

from collections.abc import Iterator

from pminusy.derivation.statements.case import Case
from pminusy.derivation.statements.line import OUTLINE, RESULT, Line, Table
from pminusy.derivation.statements.sentence import because, remark, says
from pminusy.derivation.tree import (
    Node,
    Parens,
    Partial,
    Ref,
    Relation,
    Sum,
    exp,
    ln,
)
from pminusy.derivation.tree.letters import (
    L,
    S,
    S_e,
    ell,
    h,
    j,
    k,
    lse,
    p,
    p_M,
    z,
    z_M,
    zeta,
)

__all__ = ["gradient", "infinite", "lines"]


def lines() -> Iterator[Line]:
    """What a mask does to the softmax."""
    whole = Sum(j, exp(z[j])) + Sum(ell, exp(z_M[ell]))
    yield Line(
        "mask_power",
        "A masked class has no mass",
        Relation.equal(exp(z_M[h]), 0),
        because("z_h = −∞, and e^z goes to 0 as z goes to −∞.", Relation.equal(exp(z_M[h]), 0)),
        ("limit of the exponential",),
        OUTLINE,
    )
    yield Line(
        "mask_sum",
        "It drops from every sum",
        Relation.equal(S_e, whole, Sum(j, exp(z[j]))),
        because(
            "Its term is 0; h and l run through the masked classes, j and k through the others.",
            Relation.equal(exp(z_M[h]), 0),
        ),
        ("sum of zeros",),
    )
    yield Line(
        "mask_p",
        "Its probability is exactly 0",
        Relation.equal(p_M[h], exp(z_M[h]) / Parens(whole), 0),
        because(
            "0 over a positive sum: the one way to a probability of 0.",
            Relation.equal(exp(z_M[h]), 0),
            Relation.chain(Sum(j, exp(z[j])), ">", 0),
        ),
        ("definition",),
        RESULT,
    )
    yield Line(
        "mask_others",
        "The other classes are a softmax of their own",
        Relation.equal(p[k], exp(z[k]) / Parens(whole), exp(z[k]) / Sum(j, exp(z[j]))),
        says("The sum below is theirs alone, so everything that follows is about them."),
        ("sum of zeros",),
        OUTLINE,
    )
    yield Line(
        "mask_jacobian",
        "No probability moves with a masked logit",
        Relation.equal(Partial(p[k], z_M[h]), -(p[k] * p_M[h]), 0),
        because(
            "An off-diagonal entry of the Jacobian as ever, with a factor 0.",
            Relation.equal(p_M[h], 0),
        ),
        ("Kronecker δ",),
    )


def gradient(case: Case) -> Line:
    """The entry of a masked class whose target is 0."""
    target = Ref(f"{case.target.name}_M")
    body: Node = S * p_M[h] if case.mass else p_M[h]
    if case.z_loss:
        factor = Parens(1 + 2 * zeta * lse)
        body = S * factor * p_M[h] if case.mass else factor * p_M[h]
    return Line(
        "mask_gradient",
        "Its entry of the gradient is exactly 0",
        Relation.equal(Partial(L, z_M[h]), body - target[h], 0),
        because(
            f"Its {target.name[0]}_h is 0 and so is its p_h: no step changes that logit, or what "
            "it was "
            "computed from.",
            Relation.equal(target[h], 0),
            Relation.equal(p_M[h], 0),
        ),
        ("target mass 0",),
        RESULT,
    )


def infinite(case: Case, table: Table) -> Iterator[Line]:
    """A masked class with target mass: the loss is infinite and its gradient is not."""
    C, target = case.cross_entropy, case.target
    own = -(target[k] * ln(p[k]))
    yield Line(
        "infinite_loss",
        "No term is larger than the loss",
        Relation.chain(C, "=", own + -Sum(j, target[j] * ln(p[j]), without=k), "≥", own),
        (
            because("All terms are ≥ 0.", Relation.chain(own, "≥", 0)),
            because(
                "Take the masked class for k: as z_h goes to −∞, p_h goes to 0 and "
                f"−ln p_h grows without end, so with {target.name}_h > 0 the loss is L = ∞.",
                Relation.equal(own, target[k] * (lse - z[k])),
            ),
        ),
        ("sum of terms ≥ 0",),
        RESULT,
        table,
    )
    gradient: Node = case.scaled(p[k]) - target[k]
    yield Line(
        "infinite_gradient",
        "The gradient stays finite",
        Relation.equal(Partial(C, z[k]), gradient),
        (
            because(
                f"True of every finite z_h, so in the limit p_h = 0 leaves −{target.name}_h at "
                "the masked class: the step "
                "would raise a logit that the mask holds at −∞.",
                Relation.equal(Partial(C, z[k]), gradient),
            ),
            remark("A mask over a target is a mistake in the data, not in the model."),
        ),
        ("limit",),
        RESULT,
    )
