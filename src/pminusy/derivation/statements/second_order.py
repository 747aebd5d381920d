"""Second order: the Hessian at the logits, its form, and a bound that holds everywhere."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from pminusy.derivation.statements.case import Case
from pminusy.derivation.statements.line import OUTLINE, Line
from pminusy.derivation.tree import (
    Abs,
    Delta,
    Identity,
    Index,
    Neg,
    Node,
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
    A,
    L,
    V,
    V_b,
    W,
    a,
    b,
    d,
    i,
    j,
    k,
    lam,
    lse,
    p,
    t,
    u,
    v,
    x,
    z,
    zeta,
)

__all__ = ["lines"]

_J = Ref("J")
_HALF = Number(Fraction(1, 2))


def lines(case: Case) -> Iterator[Line]:
    """Hessian, its product with a direction, and what it says."""
    yield from _hessian(case)
    yield from _convex(case)
    yield from _bound()
    yield from _preconditioners()
    if case.layer and not case.transforms and not case.z_loss:
        yield from _layer(case)


def _hessian(case: Case) -> Iterator[Line]:
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
        f"{_product_in_words(case)}: no K × K matrix is needed.",
        ("distributive law",),
        OUTLINE,
    )
    if case.transforms:
        yield from _through_transform(case)


def _hessian_in_words(case: Case) -> str:
    if case.z_loss:
        return "The Jacobian of the softmax, and the square of the log-sum-exp."
    jacobian = "S times the Jacobian" if case.mass else "the Jacobian"
    formula = "S (diag(p) − p pᵀ)" if case.mass else "diag(p) − p pᵀ"
    made_of = f"is {jacobian} of the softmax: {formula}."
    return f"The target is constant, so the Hessian of the loss {made_of}"


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
        "The slope t enters on both sides"
        + ("; the bend of the cap, z″ = −(2/κ) tanh(u/κ) t, adds a term of either sign."
           if case.softcap else "."),
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
            "t is 1 / T at every class: once for the gradient, once for the direction.",
            ("constant factor",),
            sizes=(2, 3),
        )
    if case.softcap:
        yield _own_curvature(case)
        yield Line(
            "bend",
            "Second derivative of the cap",
            Relation.equal(Partial(t[k], u[k]), Ref("curve")[k], case.curvature()),
            "Differentiate sech² once more.",
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
        (
            "The first term is ≥ 0 where 1 + 2 ζ lse is. "
            if case.z_loss
            else "The first term is ≥ 0. "
        )
        + "The second is negative where a logit above 0 is too high: ∂L/∂z_k > 0 and z″ < 0. Where "
        "the model is sure and wrong the first is nearly 0: the loss is not convex in u.",
        ("chain rule", "product rule"),
        sizes=(2, 3),
    )


def _convex(case: Case) -> Iterator[Line]:
    quadratic = Sum(i, Sum(j, v[i] * Partial(p[i], z[j]) * v[j]))
    squares = Sum(i, Sum(j, p[i] * p[j] * (v[i] - v[j]) ** 2, above=i))
    yield Line(
        "convex",
        f"{_what_is_convex(case)} is convex in the logits{' z' if case.transforms else ''}",
        Relation.chain(case.scaled(quadratic), "=", case.scaled(squares), "≥", 0),
        "vᵀ J v is a sum of squares: every direction curves upwards or not at all.",
        ("sum of squares",),
        OUTLINE,
    )
    yield Line(
        "flat_when_certain",
        f"{_what_is_convex(case)} is flat where the model is certain",
        Relation.chain(0, "≤", p[i] * (1 - p[i]), "≤", 1 - p[i]),
        "As p_i approaches 1 the curvature is squeezed to 0, and so it is as p_i approaches 0.",
        ("p ≤ 1",),
    )


def _what_is_convex(case: Case) -> str:
    """The z-loss beside it may bend down: 2 ζ lse J is negative where lse is."""
    return "The cross-entropy" if case.z_loss else "The loss"


def _bound() -> Iterator[Line]:
    yield Line(
        "gershgorin_radius",
        "Gershgorin's radius",
        Relation.equal(Sum(j, Abs(p[i] * p[j]), without=i), p[i] * (1 - p[i])),
        "The off-diagonal entries of a row are as large, together, as the diagonal one.",
        ("Σ p = 1",),
    )
    yield Line(
        "gershgorin",
        "No eigenvalue exceeds ½",
        Relation.chain(p[i] * (1 - p[i]) + p[i] * (1 - p[i]), "≤", _HALF),
        "Centre plus radius; the difference is ½ (1 − 2 p_i)².",
        ("Gershgorin's circles", "square"),
    )
    yield Line(
        "bound",
        "Böhning's bound",
        Relation.chain(_J, "⪯", _HALF * (Identity() - Outer(Ones(), Ones()) / Size("K"))),
        "Both sides vanish along (1, …, 1), and ½ I − J has no negative eigenvalue by Gershgorin: "
        "one matrix bounds the curvature everywhere.",
        ("Gershgorin's circles",),
        OUTLINE,
    )


def _preconditioners() -> Iterator[Line]:
    own, other = p[i] * (1 - p[i]), p[j] * (1 - p[j])
    along = p[i] * (1 - p[i]) - 2 * Neg(p[i] * p[j]) + p[j] * (1 - p[j])
    yield Line(
        "not_a_bound",
        "The present curvature of each class is closer, and no bound",
        Relation.chain(along, "=", own + other + 2 * p[i] * p[j], ">", own + other).where(
            i, "≠", j
        ),
        "Along e_i − e_j the Hessian is J_ii − 2 J_ij + J_jj, and p (1 − p) of both classes is "
        "less: the off-diagonal part adds to it.",
        ("quadratic form",),
    )


def _shared_eigenvectors() -> Line:
    e = Index("e", "D")
    own = Parens(p[k] * (1 - p[k]))
    product = Sum(e, Parens(own * x[d] * x[e] + lam * Delta(d, e)) * V[k, e])
    return Line(
        "eigenvectors",
        "One eigen-decomposition serves every class",
        Relation.equal(
            product - Parens(own * a + lam) * V[k, d],
            own * Parens(Sum(e, x[d] * x[e] * V[k, e]) - a * V[k, d]),
        ),
        "Any factor in front, here p_k (1 − p_k), and any ridge λ: a vector with x xᵀ v = a v has "
        "the eigenvalue p_k (1 − p_k) a + λ, so after one decomposition of XᵀX another factor is "
        "another diagonal.",
        ("eigenvector",),
    )


def _layer(case: Case) -> Iterator[Line]:
    yield Line(
        "direction_logits",
        "A direction of the parameters as one of the logits",
        Relation.equal(A[k], Sum(d, V[k, d] * x[d]) + V_b[k]),
        "The layer is linear: a change (V, β) of W and b changes the logits by A.",
        ("definition",),
    )
    e = Index("e", "D")
    mixed = Partial(Partial(L, W[k, d]), W[j, e]) * V[j, e]
    with_bias = Partial(Partial(L, W[k, d]), b[j]) * V_b[j]
    R_k = case.scaled(p[k]) * Parens(A[k] - Sum(i, p[i] * A[i]))
    yield Line(
        "hvp_W",
        "Hessian of the weights, times that direction",
        Relation.equal(
            Sum(j, Sum(e, mixed)) + Sum(j, with_bias),
            R_k * x[d],
        ),
        "R = H A at the logits, then an outer product with x: the (K·D)² matrix is never formed.",
        ("chain rule over all paths",),
        OUTLINE,
        sizes=(2, 3),
    )
    yield Line(
        "hvp_b",
        "Hessian of the bias, times that direction",
        Relation.equal(
            Sum(j, Sum(e, Partial(Partial(L, b[k]), W[j, e]) * V[j, e]))
            + Sum(j, Partial(Partial(L, b[k]), b[j]) * V_b[j]),
            R_k,
        ),
        "For the bias it is R itself.",
        ("chain rule over all paths",),
        sizes=(2, 3),
    )
    square = Sum(k, A[k] ** 2) - Sum(k, A[k]) ** 2 / Size("K")
    yield Line(
        "bound_layer",
        "Böhning's bound for the layer",
        Relation.chain(
            Sum(k, Sum(j, A[k] * (p[k] * (Delta(k, j) - p[j])) * A[j])), "≤", _HALF * Parens(square)
        ),
        "The bound at the logits with A = V x + v_b in the place of v; summed over samples it is "
        "½ (I − 1 1ᵀ/K) ⊗ XᵀX.",
        ("Gershgorin's circles",),
    )
    yield _shared_eigenvectors()
