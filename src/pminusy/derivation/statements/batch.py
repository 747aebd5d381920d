"""A mini-batch: the mean over rows, and the gradients as matrix products."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from pminusy.derivation.statements.case import BatchCase
from pminusy.derivation.statements.line import OUTLINE, RESULT, Line
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
    Omega,
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
    g,
    j,
    k,
    n,
    r,
)

__all__ = ["lines"]

_HALF, _QUARTER = Number(Fraction(1, 2)), Number(Fraction(1, 4))
_C, _M = Ref("C"), Ref("M")


def lines(case: BatchCase, *, K: int) -> Iterator[Line]:
    """Lines about a batch of K classes."""
    if case.layer:
        yield Line(
            "batch_logits",
            "Logits of a batch",
            Relation.equal(case.logit_letter[n, k], Sum(d, W[k, d] * X[n, d]) + b[k]),
            "Row by row the same layer: Z = X Wᵀ + b.",
            ("matrix product",),
            OUTLINE,
        )
    if not case.plain:
        yield from _mass(case)
    if case.empty:
        yield _empty(case)
        return
    yield Line(
        "batch_row_loss",
        "Loss of one row",
        Relation.equal(L_n[n], _row_loss(case)),
        "Each row is what was derived above.",
        ("definition",),
    )
    yield from _REDUCED[case.reduction](case)
    yield Line(
        "batch_dL_dZ",
        "Gradient at the logits of a batch",
        Relation.equal(Partial(L, case.logit_letter[n, k]), case.weighted(_row_gradient(case))),
        "A row's logits are in that row's loss alone.",
        ("derivative of a sum", "constant factor"),
        RESULT,
    )
    if case.ignored:
        yield from _ignored(case)
    if case.layer:
        yield from _parameters(case)
        yield from _conventions(case)
    if case.log_base:
        yield from _log_base(case)
    if K == 2 and not case.transforms:
        yield from _two_classes(case.layer)


def _mass(case: BatchCase) -> Iterator[Line]:
    yield Line(
        "batch_mass",
        "Target mass of a batch",
        Relation.equal(Q[n, k], case.target_mass()),
        "Row by row the target mass from above"
        + ("; r_i is 0 where the row is ignored, else 1." if case.ignored else "."),
        ("definition",),
    )
    if case.reduction == "mean":
        yield Line(
            "batch_denominator",
            "What the mean is divided by",
            Relation.equal(Omega, Sum(n, case.row_weight())),
            _what_counts(case),
            ("definition",),
            OUTLINE,
        )


def _empty(case: BatchCase) -> Line:
    return Line(
        "batch_empty",
        "A mean of nothing is 0",
        Relation.equal(L, Partial(L, case.logit_letter[n, k]), Omega, 0),
        "No row counts, Ω is 0, and a mean over nothing would be 0 / 0: loss and gradients are "
        "defined as 0 instead, never NaN.",
        ("definition",),
        RESULT,
    )


def _what_counts(case: BatchCase) -> str:
    rows = "the rows that are not ignored" if case.ignored else "all rows"
    counted = [
        word
        for word, used in (
            ("its class weight", case.weights and case.one_hot),
            ("its sample weight", case.sample_weight),
        )
        if used
    ]
    if not counted:
        return f"Not of q, but of {rows}: each counts 1, as in torch."
    more = "" if case.one_hot else " Soft targets have no one class whose weight could count."
    return f"Each of {rows} counts {' times '.join(counted)}, as in torch.{more}"


def _mean(case: BatchCase) -> Iterator[Line]:
    yield Line(
        "batch_loss",
        "Loss of a batch: the mean",
        Relation.equal(L, case.reduced(L_n[n])),
        "Divided by the number of rows, so that the rate does not depend on it."
        if case.plain
        else "Divided by what the rows count together, Ω.",
        ("definition",),
        RESULT,
    )
    yield Line(
        "batch_sum",
        f"The sum over a data set is the same without 1/{'N' if case.plain else 'Ω'}",
        Relation.equal(_M, case.over * L),
        "Mean and sum differ by one factor, and so do their gradients.",
        ("constant factor",),
    )


def _sum(case: BatchCase) -> Iterator[Line]:
    yield Line(
        "batch_total",
        "Loss of a batch: the sum",
        Relation.equal(L, case.reduced(L_n[n])),
        "Nothing is divided: twice the rows, twice the loss and twice the gradient.",
        ("definition",),
        RESULT,
    )


def _none(case: BatchCase) -> Iterator[Line]:
    yield Line(
        "batch_none",
        "Losses one by one: what is made of them later has a factor for each",
        Relation.equal(L, case.reduced(L_n[n])),
        "With reduction none the result is (L_1, …, L_N). Whatever loss L is made of them, row i "
        "reaches it through L_i alone: g_i = ∂L/∂L_i is the upstream gradient of that row "
        "(grad_output). All g_i = 1 is the sum, all g_i = 1/N the mean.",
        ("chain rule",),
        RESULT,
    )
    yield Line(
        "batch_upstream",
        "Each row's gradient has its own factor",
        Relation.equal(
            Partial(L, case.logit_letter[n, k]), g[n] * Partial(L_n[n], case.logit_letter[n, k])
        ),
        "No row's logits are in another row's loss, so no other factor comes in.",
        ("chain rule", "constant factor"),
        OUTLINE,
    )


_REDUCED = {"mean": _mean, "sum": _sum, "none": _none}


def _ignored(case: BatchCase) -> Iterator[Line]:
    out = Parens(1 - r[n])
    yield Line(
        "ignored_row_loss",
        "An ignored row has no loss",
        Relation.equal(out * L_n[n], 0),
        "Where r_i = 0 every q_ik is 0, and so is every term.",
        ("target mass 0",),
        OUTLINE,
    )
    yield Line(
        "ignored_row_gradient",
        "An ignored row has no gradient",
        Relation.equal(out * Partial(L, case.logit_letter[n, k]), 0),
        "S_i = 0 as well: S p − q is 0 whatever the logits are, and so are the row's parts of the "
        "gradients of W, b and what came before.",
        ("target mass 0",),
        OUTLINE,
    )


def _row_loss(case: BatchCase) -> Node:
    target = Y if case.plain else Q
    body: Node = -Sum(k, target[n, k] * ln(P[n, k]))
    if case.z_loss:
        body = body + Ref("zeta") * Sum(k, target[n, k]) * Ref("lse_n")[n] ** 2
    return body


def _row_gradient(case: BatchCase) -> Node:
    """Gradient of one row's loss at its logits, before the factor of the reduction."""
    if case.plain:
        return Parens(P[n, k] - Y[n, k])
    if case.transforms or case.z_loss:
        return Partial(L_n[n], case.logit_letter[n, k])
    return Parens(Ref("S_n")[n] * P[n, k] - Q[n, k])


def _parameters(case: BatchCase) -> Iterator[Line]:
    G, error = _row_gradient(case), Parens(P - Y)
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
        "The outer products of all rows, added up.",
        ("derivative of a sum", "matrix product"),
        RESULT,
    )
    yield Line(
        "batch_dL_db",
        "Bias of a batch",
        Relation.equal(Partial(L, b[k]), case.reduced(G)),
        "Every row adds its error.",
        ("derivative of a sum",),
        RESULT,
    )
    yield Line(
        "batch_dL_dX",
        "Inputs of a batch",
        Relation.equal(Partial(L, X), inputs)
        if whole
        else Relation.equal(Partial(L, X[n, d]), case.weighted(Sum(k, G * W[k, d]))),
        "Row by row Wᵀ (p − y), written as one product."
        if case.plain
        else "Row by row Wᵀ times the gradient at the row's logits.",
        ("matrix product",),
        RESULT,
    )
    if case.plain:
        yield from _second_order(case)


def _log_base(case: BatchCase) -> Iterator[Line]:
    yield Line(
        "batch_log_base",
        "A logarithm of another base",
        Relation.equal(L_B, L / ln(B)),
        "Every row's loss is divided by the same ln B, and so is what is made of them.",
        ("change of base",),
        OUTLINE,
    )
    yield Line(
        "batch_dL_B_dZ",
        "Gradient at the logits with a logarithm of base B",
        Relation.equal(
            Partial(L_B, case.logit_letter[n, k]), Partial(L, case.logit_letter[n, k]) / ln(B)
        ),
        "One constant divides the loss, and so its gradient.",
        ("constant factor",),
        RESULT,
    )
    if case.layer:
        yield Line(
            "batch_dL_B_dW",
            "Gradient of the weights with a logarithm of base B",
            Relation.equal(Partial(L_B, W[k, d]), Partial(L, W[k, d]) / ln(B)),
            "And so every gradient that is made from it.",
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
        "R has one row H_i A_i a sample, with A = X Vᵀ + β; then H_W = Rᵀ X, divided as L is.",
        ("chain rule over all paths",),
        sizes=(2,),
    )

    yield Line(
        "batch_hvp_b",
        "Hessian of the bias times a direction",
        Relation.equal(to_bias, case.reduced(R)),
        "H_b is the sum of the rows of R.",
        ("chain rule over all paths",),
        sizes=(2,),
    )


def _conventions(case: BatchCase) -> Iterator[Line]:
    if case.reduction == "mean":
        yield _ridge(case)
    if not case.plain:
        return
    yield Line(
        "gradient_step_batch",
        "One step against the gradient",
        Relation.equal(Ref("W_new")[k, d], W[k, d] - Ref("eta") * Partial(L, W[k, d])),
        "W ← W − η ∂L/∂W, and the bias likewise.",
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
        f"One positive factor, C {rows}, lies between both objectives: the optimum is the same.",
        ("constant factor",),
    )


def _two_classes(layer: bool) -> Iterator[Line]:
    yield Line(
        "two_classes",
        "Two classes: a sigmoid of the difference",
        Relation.equal(P[n, 1], Apply("sigmoid", Parens(Z[n, 1] - Z[n, 0]))),
        "The softmax sees differences alone, so one row of weights, w_1 − w_0, is enough.",
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
            "The second term does not touch the loss: it is 0 at the optimum. ¼ ‖w‖² is left: "
            "the one-row form at C is the two-row form at C / 2.",
            ("binomial formula",),
            sizes=(2,),
        )
