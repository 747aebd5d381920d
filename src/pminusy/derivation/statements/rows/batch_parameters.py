"""A mini-batch: weights, bias and inputs as matrix products."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from pminusy.derivation.statements.case import BatchCase
from pminusy.derivation.statements.line import OUTLINE, RESULT, Line
from pminusy.derivation.statements.sentence import because, says
from pminusy.derivation.tree import (
    Apply,
    Div,
    Index,
    Mul,
    Node,
    Number,
    Parens,
    Partial,
    Ref,
    Relation,
    Sum,
    ln,
)
from pminusy.derivation.tree.letters import (
    L_B,
    B,
    L,
    L_n,
    P,
    Q,
    V,
    V_b,
    W,
    X,
    Y,
    Z,
    b,
    d,
    j,
    k,
    n,
)

__all__ = ["conventions", "other_base", "parameters", "row_gradient", "two_classes"]


_HALF, _QUARTER = Number(Fraction(1, 2)), Number(Fraction(1, 4))


_C, _M = Ref("C"), Ref("M")


def row_gradient(case: BatchCase) -> Node:
    """Gradient of one row's loss at its logits, before the factor of the reduction."""
    if case.plain:
        return Parens(P[n, k] - Y[n, k])
    if case.transforms or case.z_loss:
        return Partial(L_n[n], case.logit_letter[n, k])
    return Parens(Ref("S_n")[n] * P[n, k] - Q[n, k])


def parameters(case: BatchCase) -> Iterator[Line]:
    """Gradients of weights, bias and inputs."""
    G, error = row_gradient(case), Parens(P - Y)
    whole = case.plain and case.reduction != "none"
    weights, inputs = error.T @ X, error @ W
    if case.reduction == "mean":
        weights, inputs = Mul((1 / case.over, weights)), Mul((1 / case.over, inputs))
    yield Line(
        "batch_dL_dW",
        "Weights of a batch: one matrix product",
        Relation.equal(Partial(L, W), weights)
        if whole
        else Relation.equal(Partial(L, W[k, d]), case.reduced(G * X[n, d])),
        says("The outer products of all rows, added up."),
        ("derivative of a sum", "matrix product"),
        RESULT,
    )
    yield Line(
        "batch_dL_db",
        "Bias of a batch",
        Relation.equal(Partial(L, b[k]), case.reduced(G)),
        says("Every row adds its error."),
        ("derivative of a sum",),
        RESULT,
    )
    yield Line(
        "batch_dL_dX",
        "Inputs of a batch",
        Relation.equal(Partial(L, X), inputs)
        if whole
        else Relation.equal(Partial(L, X[n, d]), case.weighted(Sum(k, G * W[k, d]))),
        says(
            "Row by row Wᵀ (p − y), written as one product."
            if case.plain
            else "Row by row Wᵀ times the gradient at the row's logits."
        ),
        ("matrix product",),
        RESULT,
    )
    if case.plain:
        yield from _second_order(case)


def other_base(case: BatchCase) -> Iterator[Line]:
    """A loss in other units than nats."""
    yield Line(
        "batch_log_base",
        "A logarithm of another base",
        Relation.equal(L_B, L / ln(B)),
        says("Every row's loss is divided by the same ln B, and so is what is made of them."),
        ("change of base",),
        OUTLINE,
    )
    yield Line(
        "batch_dL_B_dZ",
        "Gradient at the logits with a logarithm of base B",
        Relation.equal(
            Partial(L_B, case.logit_letter[n, k]), Partial(L, case.logit_letter[n, k]) / ln(B)
        ),
        says("One constant divides the loss, and so its gradient."),
        ("constant factor",),
        RESULT,
    )
    if case.layer:
        yield Line(
            "batch_dL_B_dW",
            "Gradient of the weights with a logarithm of base B",
            Relation.equal(Partial(L_B, W[k, d]), Partial(L, W[k, d]) / ln(B)),
            says("And so every gradient that is made from it."),
            ("constant factor",),
            OUTLINE,
        )


def _second_order(case: BatchCase) -> Iterator[Line]:
    e = Index("e", "D")
    A = Ref("A_n")
    to_weights, to_bias = (
        Sum(j, Sum(e, Partial(Partial(L, of), W[j, e]) * V[j, e]))
        + Sum(j, Partial(Partial(L, of), b[j]) * V_b[j])
        for of in (W[k, d], b[k])
    )
    R = P[n, k] * Parens(A[n, k] - Sum(j, P[n, j] * A[n, j]))
    yield Line(
        "batch_hvp",
        "Hessian of the weights times a direction (V, β)",
        Relation.equal(to_weights, case.reduced(R * X[n, d])),
        because(
            "R has one row H_i A_i a sample, with A = X Vᵀ + β; then the Hessian's product is Rᵀ "
            "X, divided as L is.",
            Relation.equal(A[n, k], Sum(d, V[k, d] * X[n, d]) + V_b[k]),
        ),
        ("chain rule over all paths",),
        sizes=(2,),
    )

    yield Line(
        "batch_hvp_b",
        "Hessian of the bias times a direction",
        Relation.equal(to_bias, case.reduced(R)),
        says("H_b is the sum of the rows of R."),
        ("chain rule over all paths",),
        sizes=(2,),
    )


def conventions(case: BatchCase) -> Iterator[Line]:
    """The ridge penalty beside a sum and beside a mean; a gradient step."""
    if case.reduction == "mean":
        yield _ridge(case)
    if not case.plain:
        return
    yield Line(
        "gradient_step_batch",
        "One step against the gradient",
        Relation.equal(Ref("W_new")[k, d], W[k, d] - Ref("eta") * Partial(L, W[k, d])),
        says("W ← W − η ∂L/∂W, and the bias likewise."),
        ("gradient step",),
    )


def _ridge(case: BatchCase) -> Line:
    squares = Sum(k, Sum(d, W[k, d] ** 2))
    penalty = Div(Number(Fraction(1)), 2 * _C * case.over)
    rows = "N" if case.plain else "Ω"
    return Line(
        "ridge_convention",
        f"C beside a sum is λ = 1 / (C {rows}) beside a mean",
        Relation.equal(_C * _M + _HALF * squares, _C * case.over * Parens(L + penalty * squares)),
        because(
            f"One positive factor, C {rows}, lies between both objectives: the optimum is the "
            "same.",
            here=(Relation.chain(_C * case.over, ">", 0),),
        ),
        ("constant factor",),
    )


def two_classes(layer: bool) -> Iterator[Line]:
    """What is simpler with two classes."""
    yield Line(
        "two_classes",
        "Two classes: a sigmoid of the difference",
        Relation.equal(P[n, 1], Apply("sigmoid", Parens(Z[n, 1] - Z[n, 0]))),
        because(
            "The softmax sees differences alone, so one row of weights, w_1 − w_0, is enough.",
            Relation.equal(Partial(P[n, 1], Z[n, 0]), -Partial(P[n, 1], Z[n, 1])),
        ),
        ("cancel a common factor",),
        sizes=(2,),
    )
    if layer:
        yield Line(
            "two_classes_ridge",
            "Two rows of weights cost half as much as one",
            Relation.equal(
                _HALF * (W[0, d] ** 2 + W[1, d] ** 2),
                _QUARTER * Parens(W[1, d] - W[0, d]) ** 2
                + _QUARTER * Parens(W[1, d] + W[0, d]) ** 2,
            ),
            (
                because(
                    "The second term does not touch the loss, so it is 0 at the optimum.",
                    Relation.equal(Partial(L, W[0, d]), -Partial(L, W[1, d])),
                ),
                says("¼ ‖w‖² is left: the one-row form at C is the two-row form at C / 2."),
            ),
            ("binomial formula",),
            sizes=(2,),
        )
