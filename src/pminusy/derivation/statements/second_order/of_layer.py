"""The Hessian of a layer's weights, times a direction."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from pminusy.derivation.statements.case import Case
from pminusy.derivation.statements.line import OUTLINE, Line
from pminusy.derivation.statements.sentence import because, says
from pminusy.derivation.tree import (
    Delta,
    Index,
    Number,
    Parens,
    Partial,
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
    p,
    x,
    z,
)

__all__ = ["of_layer"]


_HALF = Number(Fraction(1, 2))


def of_layer(case: Case) -> Iterator[Line]:
    """The Hessian of weights and bias along a direction of both, its bound, its eigenvectors."""
    yield Line(
        "direction_logits",
        "A direction of the parameters as one of the logits",
        Relation.equal(A[k], Sum(d, V[k, d] * x[d]) + V_b[k]),
        says("The layer is linear: a change (V, β) of W and b changes the logits by A."),
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
        because(
            "R = H A at the logits, then an outer product with x: the (K·D)² matrix is never "
            "formed.",
            Relation.equal(R_k, Sum(j, Partial(Partial(L, z[k]), z[j]) * A[j])),
        ),
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
        says("For the bias it is R itself."),
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
        because(
            "The bound at the logits with A = V x + v_b in the place of v; summed over samples it "
            "is "
            "½ (I − 1 1ᵀ/K) ⊗ XᵀX.",
            Relation.equal(A[k], Sum(d, V[k, d] * x[d]) + V_b[k]),
        ),
        ("Gershgorin's circles",),
    )
    yield _shared_eigenvectors()


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
        because(
            "Any factor in front, here p_k (1 − p_k), and any ridge λ: a vector with x xᵀ v = a v "
            "has "
            "the eigenvalue p_k (1 − p_k) a + λ, so after one decomposition of XᵀX another factor "
            "is "
            "another diagonal.",
            Relation.equal(
                product - Parens(own * a + lam) * V[k, d],
                own * Parens(Sum(e, x[d] * x[e] * V[k, e]) - a * V[k, d]),
            ),
        ),
        ("eigenvector",),
    )
