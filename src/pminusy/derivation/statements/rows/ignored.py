"""An ignored row: no loss, no gradient, and the softmax is the same."""

from __future__ import annotations

from collections.abc import Iterator

from pminusy.derivation.statements.case import Case
from pminusy.derivation.statements.forward.linear_layer import logits
from pminusy.derivation.statements.forward.softmax import softmax
from pminusy.derivation.statements.line import OUTLINE, RESULT, Line
from pminusy.derivation.statements.sentence import because, remark, says
from pminusy.derivation.tree import (
    Node,
    Parens,
    Partial,
    Relation,
    Sum,
    ln,
)
from pminusy.derivation.tree.letters import (
    L_B,
    B,
    L,
    S,
    W,
    b,
    d,
    k,
    lse,
    p,
    q,
    t,
    x,
    z,
    zeta,
)

__all__ = ["before", "lines"]


def before(case: Case) -> Iterator[Line]:
    """Lines up to the probabilities: the same as in a row that counts."""
    yield from logits(case)
    yield from softmax()


def lines(case: Case) -> Iterator[Line]:
    """Target mass 0, and what follows from it."""
    yield from _mass()
    yield from _loss_and_gradient(case)
    if case.transforms:
        yield _gradient_given(case)
    if case.log_base:
        yield _in_any_base()
    if case.layer:
        yield from _parameters(case)


def _mass() -> Iterator[Line]:
    yield Line(
        "ignored_mass",
        "An ignored row has no target mass",
        Relation.equal(q[k], 0),
        remark(
            "Its label is the mark ignore_index, no class; smoothing and weights have nothing to "
            "act on."
        ),
        ("definition",),
        OUTLINE,
    )
    yield Line(
        "ignored_total",
        "Nor has it a total",
        Relation.equal(S, Sum(k, q[k]), 0),
        says("So it counts nothing in the sum that a mean is divided by, either."),
        ("sum of zeros",),
    )


def _loss_and_gradient(case: Case) -> Iterator[Line]:
    """Both have a factor 0 in every term."""
    loss: Node = Sum(k, q[k] * (lse - z[k]))
    loss = loss + zeta * S * lse**2 if case.z_loss else loss
    yield Line(
        "ignored_loss",
        "Its loss is 0",
        Relation.equal(L, loss, 0),
        says("Every term has a factor 0, whatever the logits are."),
        ("target mass 0",),
        RESULT,
    )
    factor = S * Parens(1 + 2 * zeta * lse) if case.z_loss else S
    yield Line(
        "ignored_gradient",
        "Its gradient is exactly 0",
        Relation.equal(Partial(L, z[k]), factor * p[k] - q[k], 0),
        because(
            "S p − q as ever, and both are 0: the row neither raises nor lowers any logit.",
            Relation.equal(S, 0),
            Relation.equal(q[k], 0),
        ),
        ("target mass 0",),
        RESULT,
    )


def _gradient_given(case: Case) -> Line:
    return Line(
        "ignored_gradient_given",
        "Nor do the logits that were given have a gradient",
        Relation.equal(Partial(L, case.logit_letter[k]), t[k] * Partial(L, z[k]), 0),
        says("Cap and temperature multiply a 0."),
        ("chain rule",),
    )


def _in_any_base() -> Line:
    return Line(
        "ignored_log_base",
        "In any base",
        Relation.equal(L_B, L / ln(B), 0),
        because("0 over ln B is 0.", Relation.equal(L, 0)),
        ("change of base",),
    )


def _parameters(case: Case) -> Iterator[Line]:
    signal = Partial(L, case.logit_letter[k])
    yield Line(
        "ignored_dL_dW",
        "No weight has a gradient",
        Relation.equal(Partial(L, W[k, d]), signal * x[d], 0),
        because(
            "Its error is 0, and so is the outer product with x, whatever x is.",
            Relation.equal(signal, 0),
        ),
        ("outer product",),
        OUTLINE,
    )
    yield Line(
        "ignored_dL_db",
        "Nor has any bias",
        Relation.equal(Partial(L, b[k]), signal, 0),
        says("The gradient of the bias is the error itself."),
        ("derivative of a sum",),
    )
