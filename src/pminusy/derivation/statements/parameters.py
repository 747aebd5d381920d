"""From the logits to the parameters of the layer, and one step of gradient descent."""

from __future__ import annotations

from collections.abc import Iterator

from pminusy.derivation.statements.case import Case
from pminusy.derivation.statements.line import OUTLINE, RESULT, Line
from pminusy.derivation.tree import Delta, Node, Outer, Parens, Partial, Ref, Relation, Sum, ln
from pminusy.derivation.tree.letters import L, R, W, b, d, eta, j, k, lam, p, power_of_e, x, zeta

__all__ = ["gradient_step", "lines", "why_stop_at_z"]


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
        "Every parameter reaches the loss through the logits alone, so the gradient at the "
        "logits is used by W, b and every earlier layer.",
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
        "W_kd stands in one logit only, beside x_d.",
        ("derivative of a sum", "Kronecker δ"),
    )
    yield Line(
        "dL_dW_entry",
        "A single weight",
        Relation.equal(Partial(L, W[k, d]), Partial(L, first[k]) * x[d], *_plain(case, k, x[d])),
        "δ leaves the one path through the class's own logit.",
        ("Kronecker δ",),
        OUTLINE,
    )
    yield Line(
        "dL_dw_k",
        "One class's weights",
        Relation.equal(Partial(L, W[k]), Partial(L, first[k]) * x),
        "The whole row w_k: the error of class k times the input.",
        ("vector form",),
    )
    yield Line(
        "dL_dW",
        "All weights: an outer product",
        Relation.equal(Partial(L, W), Outer(_logit_gradient(case), x)),
        "Row k of the matrix is the line before.",
        ("outer product",),
        RESULT,
    )


def _bias(case: Case) -> Iterator[Line]:
    yield Line(
        "dL_db",
        "Bias",
        Relation.equal(Partial(L, b), _logit_gradient(case)),
        f"The bias is added to its logit unchanged: ∂{case.logit_letter.name}_k/∂b_k = 1.",
        ("derivative of a sum",),
        RESULT,
    )


def _inputs(case: Case) -> Iterator[Line]:
    """The upstream gradient of the layer before."""
    yield Line(
        "dL_dx_entry",
        "A single input",
        Relation.equal(Partial(L, x[d]), Sum(k, Partial(L, case.logit_letter[k]) * W[k, d])),
        "An input reaches every logit, each through its own weight.",
        ("chain rule over all paths",),
    )
    yield Line(
        "dL_dx",
        "Inputs: the upstream gradient of the layer before",
        Relation.equal(Partial(L, x), W.T @ _logit_gradient(case)),
        "The sum over classes is a product with Wᵀ.",
        ("matrix product",),
        RESULT,
    )


def _ridge() -> Iterator[Line]:
    yield Line(
        "ridge",
        "Ridge penalty, weights",
        Relation.equal(Partial(R, W[k, d]), Partial(L, W[k, d]) + lam * W[k, d]),
        "R = L + (λ/2) Σ W²: the derivative of ½ W² is W.",
        ("derivative of a square",),
    )
    yield Line(
        "ridge_bias",
        "Ridge penalty, bias",
        Relation.equal(Partial(R, b[k]), Partial(L, b[k])),
        "The bias is not in the penalty.",
        ("derivative of a sum",),
    )


def gradient_step(case: Case) -> Iterator[Line]:
    """What one step of gradient descent on this sample does."""
    yield from _parameters_after()
    yield from _logits_after(case)
    yield from _loss_after(case)


def _parameters_after() -> Iterator[Line]:
    yield Line(
        "step_weights",
        "One step against the gradient, weights",
        Relation.equal(Ref("W_new")[k, d], W[k, d] - eta * Partial(L, W[k, d])),
        "Downhill, with the rate η.",
        ("gradient step",),
        OUTLINE,
    )
    yield Line(
        "step_bias",
        "One step against the gradient, bias",
        Relation.equal(Ref("b_new")[k], b[k] - eta * Partial(L, b[k])),
        "Downhill, with the rate η.",
        ("gradient step",),
    )


def _logits_after(case: Case) -> Iterator[Line]:
    """Of the layer, and as the softmax sees them."""
    old, new = case.logit_letter, Ref(f"{case.logit_letter.name}_new")
    yield Line(
        "step_logits",
        "What the step does to this sample's logits",
        Relation.equal(
            new[k],
            old[k] - eta * Parens(Sum(d, x[d] ** 2) + 1) * Partial(L, old[k]),
        ),
        "Both changes add up: each logit moves against its own error, by η (‖x‖² + 1).",
        ("matrix product",),
        OUTLINE,
    )
    if case.transforms:
        yield Line(
            "step_transform",
            "The logits after the step, as the softmax sees them",
            Relation.equal(Ref("z_new")[k], case.logits(new)),
            "Cap and temperature apply as before.",
            ("definition",),
        )


def _loss_after(case: Case) -> Iterator[Line]:
    """Computed anew, not estimated from the gradient."""
    z_new, p_new = Ref("z_new"), Ref("p_new")
    yield Line(
        "step_probabilities",
        "The probabilities after the step",
        Relation.equal(p_new[k], power_of_e(k, z_new) / Sum(j, power_of_e(j, z_new))),
        "The softmax of the new logits: computed, not estimated.",
        ("definition",),
        OUTLINE,
    )
    yield Line(
        "step_loss",
        "The cross-entropy after the step" if case.z_loss else "The loss after the step",
        Relation.equal(case.cross_entropy_after, -Sum(k, case.target[k] * ln(p_new[k]))),
        "The same target, the new probabilities.",
        ("definition",),
        OUTLINE,
    )
    if case.z_loss:
        z_loss = case.scaled(zeta) * Ref("lse_new") ** 2
        yield Line(
            "step_loss_total",
            "The whole loss after the step",
            Relation.equal(Ref("L_new"), case.cross_entropy_after + z_loss),
            "The z-loss of the new logits beside it.",
            ("definition",),
            OUTLINE,
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
