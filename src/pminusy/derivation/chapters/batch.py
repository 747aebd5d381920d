"""A mini-batch: the mean over rows, and the gradients as matrix products."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from pminusy.derivation.letters import L, L_n, P, Q, V, V_b, W, X, Y, Z, b, d, j, k, n
from pminusy.derivation.model import Case
from pminusy.derivation.step import OUTLINE, RESULT, Line
from pminusy.derivation.tree import (
    Apply,
    Div,
    Fence,
    Index,
    Mul,
    Node,
    Number,
    Partial,
    Ref,
    Relation,
    Size,
    Sum,
    ln,
)

__all__ = ["lines"]

_HALF, _QUARTER = Number(Fraction(1, 2)), Number(Fraction(1, 4))
_C, _M = Ref("C"), Ref("M")


def lines(case: Case, *, layer: bool, plain: bool, two: bool) -> Iterator[Line]:
    """Lines about a batch: `plain` without options, `two` for two classes."""
    signal = Ref("U") if case.transforms else Z
    if layer:
        yield Line(
            "batch_logits",
            "Logits of a batch",
            Relation.equal(signal[n, k], Sum(d, W[k, d] * X[n, d]) + b[k]),
            "Row by row the same layer: Z = X Wᵀ + b.",
            ("matrix product",),
            OUTLINE,
        )
    over: Node = Size("N") if plain else Ref("Omega")
    target = Y if plain else Q
    yield Line(
        "batch_row_loss",
        "Loss of one row",
        Relation.equal(L_n[n], _row_loss(case, target)),
        "Each row is what was derived above.",
        ("definition",),
    )
    yield Line(
        "batch_loss",
        "Loss of a batch: the mean",
        Relation.equal(L, (1 / over) * Sum(n, L_n[n])),
        "Divided by the number of rows, so that the rate does not depend on it."
        if plain
        else "Divided by the weight of the rows that count (Ω), torch's rule.",
        ("definition",),
        RESULT,
    )
    yield Line(
        "batch_sum",
        "The sum over a data set is the same without 1/N",
        Relation.equal(_M, over * L),
        "Mean and sum differ by one factor, and so do their gradients.",
        ("constant factor",),
    )
    G = _row_signal(case, n, k, plain)
    yield Line(
        "batch_dL_dZ",
        "Gradient at the logits of a batch",
        Relation.equal(Partial(L, signal[n, k]), (1 / over) * G),
        "A row's logits are in that row's loss alone.",
        ("derivative of a sum", "constant factor"),
        RESULT,
    )
    if layer:
        yield from _parameters(case, signal, over, plain)
        yield from _conventions(plain)
    if two:
        yield from _two_classes(layer)


def _row_loss(case: Case, target: Ref) -> Node:
    body: Node = -Sum(k, target[n, k] * ln(P[n, k]))
    if case.z_loss:
        body = body + Ref("zeta") * Sum(k, target[n, k]) * Ref("lse_n")[n] ** 2
    return body


def _row_signal(case: Case, row: Index, column: Index, plain: bool) -> Node:
    if plain:
        return Fence(P[row, column] - Y[row, column])
    if case.transforms or case.z_loss:
        return Partial(L_n[row], (Ref("U") if case.transforms else Z)[row, column])
    return Fence(Ref("S_n")[row] * P[row, column] - Q[row, column])


def _parameters(case: Case, signal: Ref, over: Node, plain: bool) -> Iterator[Line]:
    G = _row_signal(case, n, k, plain)
    weights: tuple[Node, ...] = (Partial(L, W), Mul((1 / over, Fence(P - Y).T @ X)))
    inputs: tuple[Node, ...] = (Partial(L, X), Mul((1 / over, Fence(P - Y) @ W)))
    yield Line(
        "batch_dL_dW",
        "Weights of a batch: one matrix product",
        Relation.equal(*weights)
        if plain
        else Relation.equal(Partial(L, W[k, d]), (1 / over) * Sum(n, G * X[n, d])),
        "The outer products of all rows, added up.",
        ("derivative of a sum", "matrix product"),
        RESULT,
    )
    yield Line(
        "batch_dL_db",
        "Bias of a batch",
        Relation.equal(Partial(L, b[k]), (1 / over) * Sum(n, G)),
        "Every row adds its error.",
        ("derivative of a sum",),
        RESULT,
    )
    yield Line(
        "batch_dL_dX",
        "Inputs of a batch",
        Relation.equal(*inputs)
        if plain
        else Relation.equal(Partial(L, X[n, d]), (1 / over) * Sum(k, G * W[k, d])),
        "Row by row Wᵀ (p − y), written as one product.",
        ("matrix product",),
        RESULT,
    )
    if plain:
        yield _second_order()


def _second_order() -> Line:
    e = Index("e", "D")
    A = Ref("A_n")
    left = Sum(j, Sum(e, Partial(Partial(L, W[k, d]), W[j, e]) * V[j, e])) + Sum(
        j, Partial(Partial(L, W[k, d]), b[j]) * V_b[j]
    )
    R = P[n, k] * Fence(A[n, k] - Sum(j, P[n, j] * A[n, j]))
    return Line(
        "batch_hvp",
        "Hessian of the weights times a direction (V, β)",
        Relation.equal(left, (1 / Size("N")) * Sum(n, R * X[n, d])),
        "R has one row H_i A_i a sample, with A = X Vᵀ + β; then H_W = Rᵀ X, divided like the loss.",
        ("chain rule over all paths",),
        sizes=(2,),
    )


def _conventions(plain: bool) -> Iterator[Line]:
    if not plain:
        return
    squares = Sum(k, Sum(d, W[k, d] ** 2))
    penalty = Div(Number(Fraction(1)), 2 * _C * Size("N"))
    yield Line(
        "ridge_convention",
        "C beside a sum is λ = 1 / (C N) beside a mean",
        Relation.equal(
            _C * _M + _HALF * squares, _C * Size("N") * Fence(L + penalty * squares)
        ),
        "One positive factor, C N, lies between both objectives: the optimum is the same.",
        ("constant factor",),
    )
    yield Line(
        "gradient_step_batch",
        "One step against the gradient",
        Relation.equal(
            Ref("W_new")[k, d], W[k, d] - Ref("eta") * Partial(L, W[k, d])
        ),
        "W ← W − η ∂L/∂W, and the bias likewise.",
        ("gradient step",),
    )


def _two_classes(layer: bool) -> Iterator[Line]:
    yield Line(
        "two_classes",
        "Two classes: a sigmoid of the difference",
        Relation.equal(P[n, 1], Apply("sigmoid", Fence(Z[n, 1] - Z[n, 0]))),
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
                _QUARTER * Fence(W[1, d] - W[0, d]) ** 2 + _QUARTER * Fence(W[1, d] + W[0, d]) ** 2,
            ),
            "The second term is 0 at the optimum (it does not touch the loss), which leaves ¼ ‖w‖²: "
            "the one-row form at C is the two-row form at C / 2.",
            ("binomial formula",),
            sizes=(2,),
        )
