"""Why softmax and cross-entropy belong together."""

from __future__ import annotations

from collections.abc import Iterator

from pminusy.derivation.statements.line import OUTLINE, Line
from pminusy.derivation.statements.sentence import because, says
from pminusy.derivation.tree import (
    Apply,
    Delta,
    Neg,
    Parens,
    Partial,
    Relation,
    Sum,
    exp,
    ln,
)
from pminusy.derivation.tree.letters import (
    KL,
    H,
    L,
    c,
    j,
    k,
    p,
    squared,
    y,
    z,
)

__all__ = ["lines"]


def lines() -> Iterator[Line]:
    """Likelihood, H + KL, and squared error's gradient for comparison."""
    yield _likelihood()
    yield from _divergence()
    yield from _squared_error()


def _likelihood() -> Line:
    return Line(
        "likelihood",
        "The loss is the negative log-likelihood of the label",
        Relation.equal(exp(Neg(L)), p[c]),
        says(
            "e^(−L) is the probability that the model gives to what happened: the smallest loss "
            "is the "
            "largest likelihood."
        ),
        ("logarithm and exponential",),
        OUTLINE,
    )


def _divergence() -> Iterator[Line]:
    """What the loss measures beside the target's own doubt."""
    yield Line(
        "entropy_kl",
        "Cross-entropy is entropy plus divergence",
        Relation.equal(-Sum(k, y[k] * ln(p[k])), H + KL),
        because(
            "H(y) does not depend on the model (0 for one-hot), so lowering the loss is bringing "
            "p to y in "
            "the sense of KL(y ‖ p).",
            Relation.equal(Partial(H, z[k]), 0),
            Relation.equal(Apply("xlnx", Delta(k, c)), 0),
        ),
        ("definition",),
        OUTLINE,
    )
    yield Line(
        "entropy",
        "Entropy of the target",
        Relation.equal(H, -Sum(k, Apply("xlnx", y[k]))),
        because(
            "With 0 · ln 0 = 0; a one-hot target leaves no doubt, and H = 0.",
            Relation.equal(Apply("xlnx", Delta(k, c)), 0),
        ),
        ("definition",),
    )
    yield Line(
        "divergence",
        "Divergence of the model from the target",
        Relation.equal(KL, Sum(k, Apply("xlnx", y[k])) - Sum(k, y[k] * ln(p[k]))),
        because(
            "KL(y ‖ p) = Σ y_k ln(y_k / p_k): how much longer messages get that are coded for p "
            "where "
            "y is true.",
            Relation.equal(KL, Sum(k, Apply("xlnx", y[k]) - y[k] * ln(p[k]))),
        ),
        ("logarithm of a quotient",),
    )


def _squared_error() -> Iterator[Line]:
    """What the gradient would be with another loss."""
    yield Line(
        "squared_error",
        "Squared error, for comparison",
        Relation.equal(Partial(squared, z[k]), Sum(j, Partial(p[j], z[k]) * Parens(p[j] - y[j]))),
        because(
            "E = ½ Σ (p_k − y_k)² has the gradient J (p − y): the Jacobian stays in the way.",
            Relation.equal(squared, Sum(k, (p[k] - y[k]) ** 2) / 2),
        ),
        ("chain rule over all paths",),
        OUTLINE,
    )
    yield Line(
        "squared_error_vanishes",
        "It vanishes when the model is confidently wrong",
        Relation.equal(
            Partial(squared, z[c]), p[c] * Parens(p[c] - 1 - Sum(j, p[j] * Parens(p[j] - y[j])))
        ),
        says(
            "The factor p_c in front goes to 0 just when the true class is given no probability; "
            "p_c − 1 goes to −1."
        ),
        ("distributive law",),
        OUTLINE,
    )
