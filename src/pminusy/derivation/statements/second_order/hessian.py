"""The Hessian at the logits, and its product with a direction."""

from __future__ import annotations

from collections.abc import Iterator

from pminusy.derivation.statements.case import Case
from pminusy.derivation.statements.line import OUTLINE, Line
from pminusy.derivation.statements.sentence import Reason, because, says
from pminusy.derivation.tree import (
    Delta,
    Index,
    Node,
    Parens,
    Partial,
    Ref,
    Relation,
    Sum,
)
from pminusy.derivation.tree.letters import (
    L,
    i,
    j,
    k,
    lse,
    p,
    t,
    u,
    v,
    z,
    zeta,
)

__all__ = ["hessian"]


def hessian(case: Case) -> Iterator[Line]:
    """Second derivatives, and their product with a direction."""
    second = Partial(Partial(L, z[i]), z[j])
    plain = case.scaled(p[i]) * (Delta(i, j) - p[j])
    curved: Node = plain
    if case.z_loss:
        factor = Parens(1 + 2 * zeta * lse)
        curved = (
            case.scaled(factor) * p[i] * (Delta(i, j) - p[j]) + 2 * case.scaled(zeta) * p[i] * p[j]
        )
    yield Line(
        "hessian",
        "Second derivative at the logits",
        Relation.equal(second, curved),
        _hessian_in_words(case),
        ("derivative of a sum", "Kronecker δ"),
        OUTLINE,
    )
    mean = Sum(k, p[k] * v[k])
    product: Node = case.scaled(p[i]) * Parens(v[i] - mean)
    if case.z_loss:
        product = (
            case.scaled(Parens(1 + 2 * zeta * lse)) * p[i] * Parens(v[i] - mean)
            + 2 * case.scaled(zeta) * p[i] * mean
        )
    yield Line(
        "hvp",
        "Hessian times a direction",
        Relation.equal(Sum(j, second * v[j]), product),
        says(f"{_product_in_words(case)}: no K × K matrix is needed."),
        ("distributive law",),
        OUTLINE,
    )
    if case.transforms:
        yield from _through_transform(case)


def _hessian_in_words(case: Case) -> Reason:
    jacobian = "S times the Jacobian" if case.mass else "the Jacobian"
    formula = "S (diag(p) − p pᵀ)" if case.mass else "diag(p) − p pᵀ"
    own = Partial(Partial(case.cross_entropy, z[i]), z[j])
    entry = Relation.equal(own, case.scaled(p[i]) * (Delta(i, j) - p[j]))
    constant = Relation.equal(Partial(case.target[k], z[j]), 0)
    first = because(
        "The target is constant, so the Hessian of the "
        f"{'cross-entropy' if case.z_loss else 'loss'} is {jacobian} of the softmax: {formula}.",
        constant,
        entry,
    )
    if not case.z_loss:
        return first
    square = 2 * p[i] * p[j] + 2 * lse * p[i] * (Delta(i, j) - p[j])
    more = Relation.equal(Partial(Partial(lse**2, z[i]), z[j]), square)
    return first, because("That of lse² is 2 p pᵀ and 2 lse times the Jacobian.", more)


def _slope_in_words(case: Case) -> Reason:
    if not case.softcap:
        return says("The slope t enters on both sides.")
    bend = Relation.equal(Ref("curve")[i], case.curvature_of(i))
    return because(
        "The slope t enters on both sides; the bend of the cap, z″ = −(2/κ) tanh(u/κ) t, adds a "
        "term of either sign.",
        bend,
    )


def _curvature_in_words(case: Case) -> Reason:
    bowl = t[k] ** 2 * p[k] * (1 - p[k])
    if case.z_loss:
        square = t[k] ** 2 * zeta * p[k] ** 2
        signs = Relation.chain(bowl, "≥", 0), Relation.chain(square, "≥", 0)
        first = because("The first term is ≥ 0 where 1 + 2 ζ lse is.", *signs)
    else:
        first = because("The first term is ≥ 0.", Relation.chain(bowl, "≥", 0))
    against = Relation.chain(Ref("curve")[k] * u[k], "≤", 0)
    return (
        first,
        because(
            "The second is negative where a logit above 0 is too high: ∂L/∂z_k > 0 and z″ < 0.",
            here=(against,),
        ),
        says(
            "Where the model is sure and wrong the first is nearly nothing: the loss is not convex "
            "in u."
        ),
    )


def _product_in_words(case: Case) -> str:
    if case.z_loss:
        return "Two products with p"
    return "S (p ⊙ v − p (p·v))" if case.mass else "p ⊙ v − p (p·v)"


def _through_transform(case: Case) -> Iterator[Line]:

    def a_of(index: Index) -> Node:
        return t[index] * v[index]

    mean = Sum(k, p[k] * a_of(k))
    if case.z_loss:
        inner: Node = (
            case.scaled(Parens(1 + 2 * zeta * lse)) * p[i] * Parens(a_of(i) - mean)
            + 2 * case.scaled(zeta) * p[i] * mean
        )
    else:
        inner = case.scaled(p[i]) * Parens(a_of(i) - mean)
    body: Node = t[i] * Parens(inner)
    if case.softcap:
        body = body + Partial(L, z[i]) * Ref("curve")[i] * v[i]
    yield Line(
        "hvp_u",
        "Hessian at the logits that were given, times a direction",
        Relation.equal(Sum(j, Partial(Partial(L, u[i]), u[j]) * v[j]), body),
        _slope_in_words(case),
        ("chain rule", "product rule"),
        OUTLINE,
        sizes=(2, 3),
    )  # fmt: skip
    if not case.softcap and not case.z_loss:
        plain = Sum(k, p[k] * v[k])
        yield Line(
            "hvp_temperature",
            "A temperature divides it twice",
            Relation.equal(
                Sum(j, Partial(Partial(L, u[i]), u[j]) * v[j]),
                case.scaled(p[i]) * Parens(v[i] - plain) / Ref("T") ** 2,
            ),
            because(
                "t is 1 / T at every class: once for the gradient, once for the direction.",
                Relation.equal(t[k], 1 / Ref("T")),
            ),
            ("constant factor",),
            sizes=(2, 3),
        )
    if case.softcap:
        yield _own_curvature(case)
        yield Line(
            "bend",
            "Second derivative of the cap",
            Relation.equal(Partial(t[k], u[k]), Ref("curve")[k], case.curvature()),
            says("Differentiate sech² once more."),
            ("chain rule", "derivative of a square"),
        )


def _own_curvature(case: Case) -> Line:
    bowl: Node = case.scaled(p[k]) * (1 - p[k])
    if case.z_loss:
        factor = case.scaled(Parens(1 + 2 * zeta * lse))
        bowl = Parens(factor * p[k] * (1 - p[k]) + 2 * case.scaled(zeta) * p[k] ** 2)
    return Line(
        "cap_curvature",
        "A cap can make it bend down",
        Relation.equal(
            Partial(Partial(L, u[k]), u[k]), t[k] ** 2 * bowl + Partial(L, z[k]) * Ref("curve")[k]
        ),
        _curvature_in_words(case),
        ("chain rule", "product rule"),
        sizes=(2, 3),
    )
