"""A mini-batch: how the losses of the rows are put together, and its gradient."""

from __future__ import annotations

from collections.abc import Iterator

from pminusy.derivation.statements.case import BatchCase
from pminusy.derivation.statements.line import OUTLINE, RESULT, Line
from pminusy.derivation.statements.rows.batch_parameters import (
    conventions,
    other_base,
    parameters,
    row_gradient,
    two_classes,
)
from pminusy.derivation.statements.sentence import because, remark, says
from pminusy.derivation.tree import (
    Index,
    Node,
    Parens,
    Partial,
    Ref,
    Relation,
    Size,
    Sum,
    ln,
)
from pminusy.derivation.tree.letters import (
    L,
    L_n,
    Omega,
    P,
    Q,
    W,
    X,
    Y,
    b,
    d,
    g,
    k,
    n,
    r,
)

__all__ = ["lines"]


_M, _m = Ref("M"), Index("m", "N")


def lines(case: BatchCase, *, K: int) -> Iterator[Line]:
    """Lines about a batch of K classes."""
    if case.layer:
        yield Line(
            "batch_logits",
            "Logits of a batch",
            Relation.equal(case.logit_letter[n, k], Sum(d, W[k, d] * X[n, d]) + b[k]),
            says("Row by row the same layer: all rows at once are X Wᵀ, and b is added to each."),
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
        says("Each row is what was derived above."),
        ("definition",),
    )
    yield from _REDUCED[case.reduction](case)
    yield Line(
        "batch_dL_dZ",
        "Gradient at the logits of a batch",
        Relation.equal(Partial(L, case.logit_letter[n, k]), case.weighted(row_gradient(case))),
        because(
            "A row's logits are in that row's loss alone.",
            Relation.equal(Partial(L_n[n], case.logit_letter[_m, k]), 0).where(_m, "≠", n),
        ),
        ("derivative of a sum", "constant factor"),
        RESULT,
    )
    if case.ignored:
        yield from _ignored(case)
    if case.layer:
        yield from parameters(case)
        yield from conventions(case)
    if case.log_base:
        yield from other_base(case)
    if K == 2 and not case.transforms:
        yield from two_classes(case.layer)


def _mass(case: BatchCase) -> Iterator[Line]:
    yield Line(
        "batch_mass",
        "Target mass of a batch",
        Relation.equal(Q[n, k], case.target_mass()),
        (
            says("Row by row the target mass from above."),
            *(
                (
                    because(
                        "r_i is 0 where the row is ignored, else 1.",
                        here=(Relation.equal(r[n] * Parens(1 - r[n]), 0),),
                    ),
                )
                if case.ignored
                else ()
            ),
        ),
        ("definition",),
    )
    if case.reduction == "mean":
        yield Line(
            "batch_denominator",
            "What the mean is divided by",
            Relation.equal(Omega, Sum(n, case.row_weight())),
            says(_what_counts(case)),
            ("definition",),
            OUTLINE,
        )


def _empty(case: BatchCase) -> Line:
    return Line(
        "batch_empty",
        "A mean of nothing is 0",
        Relation.equal(L, Partial(L, case.logit_letter[n, k]), Omega, 0),
        because(
            "No row counts, Ω is 0, and a mean over nothing would be 0 / 0: loss and gradients are "
            "defined as 0 instead, never NaN.",
            Relation.equal(Omega, 0),
        ),
        ("definition",),
        RESULT,
    )


def _what_counts(case: BatchCase) -> str:
    rows = "the rows that are not ignored" if case.ignored else "all rows"
    counted = [
        word
        for word, used in (
            ("the class weight", case.weights and case.one_hot),
            ("the sample weight", case.sample_weight),
        )
        if used
    ]
    if not counted:
        return f"Ω is not of q: it counts {rows}, each as 1, as torch does."
    more = "" if case.one_hot else " Soft targets have no one class whose weight could count."
    as_torch = "" if case.sample_weight else ", as in torch"
    return f"Ω is the sum over {rows} of {' times '.join(counted)}{as_torch}.{more}"


def _mean(case: BatchCase) -> Iterator[Line]:
    yield Line(
        "batch_loss",
        "Loss of a batch: the mean",
        Relation.equal(L, case.reduced(L_n[n])),
        says(
            "Divided by the number of rows, so that the rate does not depend on it."
            if case.plain
            else "Divided by what the rows count together, Ω."
        ),
        ("definition",),
        RESULT,
    )
    yield Line(
        "batch_sum",
        f"The sum over a data set is the same without 1/{'N' if case.plain else 'Ω'}",
        Relation.equal(_M, case.over * L),
        because(
            "Mean and sum differ by one factor, and so do their gradients.",
            Relation.equal(
                Partial(_M, case.logit_letter[n, k]),
                case.over * Partial(L, case.logit_letter[n, k]),
            ),
        ),
        ("constant factor",),
    )


def _sum(case: BatchCase) -> Iterator[Line]:
    yield Line(
        "batch_total",
        "Loss of a batch: the sum",
        Relation.equal(L, case.reduced(L_n[n])),
        says("Nothing is divided: twice the rows, twice the loss and twice the gradient."),
        ("definition",),
        RESULT,
    )


def _none(case: BatchCase) -> Iterator[Line]:
    yield Line(
        "batch_none",
        "Losses one by one: what is made of them later has a factor for each",
        Relation.equal(L, case.reduced(L_n[n])),
        (
            remark("With reduction none the losses stay one by one."),
            because(
                "Whatever loss L is made of them, row i reaches it through L_i alone: g_i = "
                "∂L/∂L_i is the "
                "upstream gradient of that row (grad_output).",
                Relation.equal(Partial(L, L_n[n]), g[n]),
            ),
            because(
                "All g_i = 1 is the sum, all g_i = 1/N the mean.",
                Relation.equal(_M, Sum(n, 1 * L_n[n])),
                Relation.equal(_M / Size("N"), Sum(n, 1 / Size("N") * L_n[n])),
            ),
        ),
        ("chain rule",),
        RESULT,
    )
    yield Line(
        "batch_upstream",
        "Each row's gradient has its own factor",
        Relation.equal(
            Partial(L, case.logit_letter[n, k]), g[n] * Partial(L_n[n], case.logit_letter[n, k])
        ),
        because(
            "No row's logits are in another row's loss, so no other factor comes in.",
            Relation.equal(Partial(L_n[n], case.logit_letter[_m, k]), 0).where(_m, "≠", n),
        ),
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
        because(
            "Where r_i = 0 every q_ik is 0, and so is every term.", Relation.equal(out * Q[n, k], 0)
        ),
        ("target mass 0",),
        OUTLINE,
    )
    yield Line(
        "ignored_row_gradient",
        "An ignored row has no gradient",
        Relation.equal(out * Partial(L, case.logit_letter[n, k]), 0),
        because(
            "S_i = 0 as well: S p − q is 0 whatever the logits are, and so are the row's parts of "
            "the "
            "gradients of W, b and what came before.",
            Relation.equal(out * Ref("S_n")[n], 0),
            Relation.equal(out * Q[n, k], 0),
        ),
        ("target mass 0",),
        OUTLINE,
    )


def _row_loss(case: BatchCase) -> Node:
    target = Y if case.plain else Q
    body: Node = -Sum(k, target[n, k] * ln(P[n, k]))
    if case.z_loss:
        body = body + Ref("zeta") * Sum(k, target[n, k]) * Ref("lse_n")[n] ** 2
    return body
