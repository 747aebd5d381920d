"""One step of gradient descent."""

from __future__ import annotations

from collections.abc import Iterator

from pminusy.derivation.statements.case import Case
from pminusy.derivation.statements.line import OUTLINE, Line
from pminusy.derivation.statements.sentence import says
from pminusy.derivation.tree import (
    Parens,
    Partial,
    Ref,
    Relation,
    Sum,
    ln,
)
from pminusy.derivation.tree.letters import (
    L,
    W,
    b,
    d,
    eta,
    j,
    k,
    power_of_e,
    x,
    zeta,
)

__all__ = ["gradient_step"]


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
        says("Downhill, with the rate η."),
        ("gradient step",),
        OUTLINE,
    )
    yield Line(
        "step_bias",
        "One step against the gradient, bias",
        Relation.equal(Ref("b_new")[k], b[k] - eta * Partial(L, b[k])),
        says("Downhill, with the rate η."),
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
        says("Both changes add up: each logit moves against its own error, by η (‖x‖² + 1)."),
        ("matrix product",),
        OUTLINE,
    )
    if case.transforms:
        yield Line(
            "step_transform",
            "The logits after the step, as the softmax sees them",
            Relation.equal(Ref("z_new")[k], case.logits(new)),
            says("Cap and temperature apply as before."),
            ("definition",),
        )


def _loss_after(case: Case) -> Iterator[Line]:
    """Computed anew, not estimated from the gradient."""
    z_new, p_new = Ref("z_new"), Ref("p_new")
    yield Line(
        "step_probabilities",
        "The probabilities after the step",
        Relation.equal(p_new[k], power_of_e(k, z_new) / Sum(j, power_of_e(j, z_new))),
        says("The softmax of the new logits: computed, not estimated."),
        ("definition",),
        OUTLINE,
    )
    yield Line(
        "step_loss",
        "The cross-entropy after the step" if case.z_loss else "The loss after the step",
        Relation.equal(case.cross_entropy_after, -Sum(k, case.target[k] * ln(p_new[k]))),
        says("The same target, the new probabilities."),
        ("definition",),
        OUTLINE,
    )
    if case.z_loss:
        z_loss = case.scaled(zeta) * Ref("lse_new") ** 2
        yield Line(
            "step_loss_total",
            "The whole loss after the step",
            Relation.equal(Ref("L_new"), case.cross_entropy_after + z_loss),
            says("The z-loss of the new logits beside it."),
            ("definition",),
            OUTLINE,
        )
