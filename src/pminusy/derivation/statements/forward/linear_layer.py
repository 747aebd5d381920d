"""Logits: of a linear layer, and as the softmax sees them."""

from __future__ import annotations

from collections.abc import Iterator

from pminusy.derivation.statements.case import Case
from pminusy.derivation.statements.line import OUTLINE, Line
from pminusy.derivation.statements.sentence import remark, says
from pminusy.derivation.tree import (
    Index,
    Relation,
    Sum,
    Transpose,
)
from pminusy.derivation.tree.letters import (
    W,
    b,
    d,
    k,
    x,
    z,
)

__all__ = ["logits", "logits_of_class"]


def logits(case: Case) -> Iterator[Line]:
    """Lines up to the logits of the softmax."""
    first = case.logit_letter
    if case.layer:
        body = Sum(d, W[k, d] * x[d]) + b[k]
        yield Line(
            "linear",
            "Linear layer, one logit",
            Relation.equal(first[k], body),
            says("Each class weighs every feature and adds its bias."),
            ("definition",),
            OUTLINE,
        )
        yield Line(
            "linear_vector",
            "Linear layer, all logits",
            Relation.equal(first, W @ x + b),
            says("Row k of W belongs to class k, so one matrix product gives all logits."),
            ("matrix product",),
        )
    if case.transforms:
        what = {(True, False): "soft-cap", (False, True): "temperature"}.get(
            (case.softcap, case.temperature), "soft-cap, then temperature"
        )
        yield Line(
            "transform",
            f"Logits after {what}",
            Relation.equal(z[k], case.logits()),
            remark("The softmax is applied to these logits, not to those that were given."),
            ("definition",),
            OUTLINE,
        )


def logits_of_class(k: Index) -> Iterator[Line]:
    """The logit of one class as a product of its weights and the input; both slopes."""
    yield Line(
        "logit_of_class",
        "The logit of one class",
        Relation.equal(z[k], Transpose(W[k]) @ x + b[k]),
        says("Each class has weights of its own, as many as there are inputs, and a bias."),
        ("definition",),
        OUTLINE,
    )
