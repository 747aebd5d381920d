"""From the logits to the weights, the bias and the inputs of the layer."""

from __future__ import annotations

from collections.abc import Iterator

from pminusy.derivation.statements.case import Case
from pminusy.derivation.statements.line import OUTLINE, RESULT, Line
from pminusy.derivation.statements.sentence import because, says
from pminusy.derivation.tree import (
    Delta,
    Index,
    Node,
    Outer,
    Parens,
    Partial,
    Relation,
    Sum,
)
from pminusy.derivation.tree.letters import (
    L,
    R,
    W,
    b,
    d,
    j,
    k,
    lam,
    p,
    x,
    y,
    z,
)

__all__ = [
    "back_to_weights",
    "lines",
    "of_weights",
    "one_logit_each",
    "start_at_weights",
    "why_stop_at_z",
]


def lines(case: Case) -> Iterator[Line]:
    """Gradients of weights, bias and inputs."""
    yield why_stop_at_z(case)
    yield from _weights(case)
    yield from _bias(case)
    yield from _inputs(case)
    yield from _ridge()


def why_stop_at_z(case: Case) -> Line:
    """What ∂L/∂z is for: every parameter's gradient is made of it."""
    first = case.logit_letter
    return Line(
        "why_stop_at_z",
        "Why stop at the logits",
        Relation.equal(
            Partial(L, W[k, d]), Sum(j, Partial(L, first[j]) * Partial(first[j], W[k, d]))
        ),
        says(
            "Every parameter reaches the loss through the logits alone, so the gradient at the "
            "logits is used by W, b and every earlier layer."
        ),
        ("chain rule over all paths",),
        OUTLINE,
    )


def _weights(case: Case) -> Iterator[Line]:
    """One weight, one row, all of them."""
    first = case.logit_letter
    yield Line(
        "logit_by_weight",
        "A logit by a weight",
        Relation.equal(Partial(first[j], W[k, d]), Delta(j, k) * x[d]),
        because(
            "W_kd stands in one logit only, beside x_d.",
            Relation.equal(Partial(first[j], W[k, d]), 0).where(j, "≠", k),
        ),
        ("derivative of a sum", "Kronecker δ"),
    )
    yield Line(
        "dL_dW_entry",
        "A single weight",
        Relation.equal(Partial(L, W[k, d]), Partial(L, first[k]) * x[d], *_plain(case, k, x[d])),
        because(
            "Of all paths only the one through the class's own logit is left.",
            Relation.equal(Partial(first[j], W[k, d]), 0).where(j, "≠", k),
        ),
        ("chain rule over all paths",),
        OUTLINE,
    )
    yield Line(
        "dL_dw_k",
        "One class's weights",
        Relation.equal(Partial(L, W[k]), Partial(L, first[k]) * x),
        says("The whole row w_k: the error of class k times the input."),
        ("vector form",),
    )
    yield Line(
        "dL_dW",
        "All weights: an outer product",
        Relation.equal(Partial(L, W), Outer(_logit_gradient(case), x)),
        says("Row k of the matrix is the line before."),
        ("outer product",),
        RESULT,
    )


def _bias(case: Case) -> Iterator[Line]:
    yield Line(
        "dL_db",
        "Bias",
        Relation.equal(Partial(L, b), _logit_gradient(case)),
        because(
            f"The bias is added to its logit unchanged: ∂{case.logit_letter.name}_k/∂b_k = 1.",
            Relation.equal(Partial(case.logit_letter[k], b[k]), 1),
        ),
        ("derivative of a sum",),
        RESULT,
    )


def _inputs(case: Case) -> Iterator[Line]:
    """The upstream gradient of the layer before."""
    yield Line(
        "dL_dx_entry",
        "A single input",
        Relation.equal(Partial(L, x[d]), Sum(k, Partial(L, case.logit_letter[k]) * W[k, d])),
        says("An input reaches every logit, each through its own weight."),
        ("chain rule over all paths",),
    )
    yield Line(
        "dL_dx",
        "Inputs: the upstream gradient of the layer before",
        Relation.equal(Partial(L, x), W.T @ _logit_gradient(case)),
        says("The sum over classes is a product with Wᵀ."),
        ("matrix product",),
        RESULT,
    )


def _ridge() -> Iterator[Line]:
    yield Line(
        "ridge",
        "Ridge penalty, weights",
        Relation.equal(Partial(R, W[k, d]), Partial(L, W[k, d]) + lam * W[k, d]),
        because(
            "R = L + (λ/2) Σ W²: the derivative of ½ W² is W.",
            Relation.equal(R, L + (lam / 2) * Sum(k, Sum(d, W[k, d] ** 2))),
            Relation.equal(Partial(W[k, d] ** 2 / 2, W[k, d]), W[k, d]),
        ),
        ("derivative of a square",),
    )
    yield Line(
        "ridge_bias",
        "Ridge penalty, bias",
        Relation.equal(Partial(R, b[k]), Partial(L, b[k])),
        says("The bias is not in the penalty."),
        ("derivative of a sum",),
    )


def _logit_gradient(case: Case) -> Node:
    """The gradient at the layer's logits: p − y where nothing alters it."""
    if case.transforms or case.z_loss:
        return Partial(L, case.logit_letter)
    return Parens(case.scaled(p) - case.target)


def _plain(case: Case, index: object, factor: Node) -> tuple[Node, ...]:
    if case.transforms or case.z_loss:
        return ()
    return (Parens(case.scaled(p[k]) - case.target[k]) * factor,)


def one_logit_each(k: Index, i: Index) -> Iterator[Line]:
    """A weight and a bias reach the loss through one logit."""
    yield Line(
        "other_logits_still",
        "A weight moves one logit only",
        Relation.equal(Partial(z[i], W[k, d]), 0).where(i, "≠", k),
        says("Row k of W is in the logit of class k, and in no other."),
        ("derivative of a constant",),
    )
    yield Line(
        "logit_by_own_weight",
        "That logit by the weight",
        Relation.equal(Partial(z[k], W[k, d]), x[d]),
        says("The weight stands beside one input."),
        ("constant factor",),
    )


def of_weights(k: Index) -> Iterator[Line]:
    """When no weight moves, and the bias's own slope."""
    squares = Sum(k, Sum(d, Partial(L, W[k, d]) ** 2))
    yield Line(
        "weights_still",
        "How much all weights are moved",
        Relation.equal(squares, Sum(k, (p[k] - y[k]) ** 2) * Sum(d, x[d] ** 2)),
        because(
            "If p is y, sure and right, the sum over classes is 0: no weight is updated.",
            Relation.chain(Sum(k, (p[k] - y[k]) ** 2), "≥", 0),
        ),
        ("square of a product",),
    )
    yield Line(
        "logit_by_bias",
        "A logit by its bias",
        Relation.equal(Partial(z[k], b[k]), 1),
        says("The bias is added as it is."),
        ("derivative of a sum",),
    )


def start_at_weights(k: Index) -> Iterator[Line]:
    """What is wanted, taken apart."""
    yield Line(
        "start",
        "What is wanted, by the chain rule",
        Relation.equal(Partial(L, W[k]), Partial(L, z[k]) * Partial(z[k], W[k])),
        says("The weights of class k reach the loss through its logit."),
        ("chain rule",),
        OUTLINE,
    )
    yield Line(
        "logit_by_row",
        "The second factor",
        Relation.equal(Partial(z[k], W[k]), x),
        says("Each weight stands beside one input."),
        ("constant factor",),
    )


def back_to_weights(k: Index) -> Iterator[Line]:
    """Both factors put together, and the bias."""
    yield Line(
        "dL_dw_of_class",
        "The weights of one class",
        Relation.equal(Partial(L, W[k]), Partial(L, z[k]) * x, Parens(p[k] - y[k]) * x),
        says("The error of the class times the input."),
        ("substitution",),
        OUTLINE,
    )
    yield Line(
        "dL_db_of_class",
        "The bias of one class",
        Relation.equal(Partial(L, b[k]), p[k] - y[k]),
        says("The bias is added to its logit as it is."),
        ("chain rule",),
        OUTLINE,
    )
