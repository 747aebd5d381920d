"""The short ways: sparse (one row of the Jacobian), direct (log-sum-exp), and the result."""

from __future__ import annotations

from collections.abc import Iterator

from pminusy.derivation.statements import row_of_class
from pminusy.derivation.statements.case import Case
from pminusy.derivation.statements.line import OUTLINE, RESULT, Line
from pminusy.derivation.tree import (
    Abs,
    Apply,
    Delta,
    Log,
    Node,
    Parens,
    Partial,
    Relation,
    Sum,
    exp,
    ln,
)
from pminusy.derivation.tree.letters import (
    L_B,
    B,
    L,
    c,
    j,
    k,
    kappa,
    lse,
    p,
    t,
    u,
    y,
    z,
    zeta,
)

__all__ = ["direct", "options", "result", "sparse"]


def sparse(case: Case) -> Iterator[Line]:
    """The sparse route, for a one-hot target."""
    C, q = case.cross_entropy, case.target
    own = q[c] if case.mass else 1
    factor: Node = Parens(-(own / p[c]))
    yield Line(
        "sparse_chain",
        "Only row c of the Jacobian is met",
        Relation.equal(Partial(C, z[k]), Partial(C, p[c]) * Partial(p[c], z[k])),
        "∂L/∂p_j is 0 for every class but the true one, so a single path is left.",
        ("one-hot target", "chain rule"),
        OUTLINE,
    )
    entries = (*row_of_class.own_entry(k, j), *row_of_class.other_entry(k, j))
    yield from (line for line in entries if not line.name.endswith("set_up"))
    yield Line(
        "sparse_row",
        "Row c of the Jacobian",
        Relation.equal(Partial(p[c], z[k]), p[c] * (Delta(c, k) - p[k])),
        "−p_1 p_c, …, p_c (1 − p_c), …, −p_K p_c.",
        ("Kronecker δ",),
    )
    yield Line(
        "sparse_own",
        "The entry of the true class",
        Relation.equal(
            Partial(C, z[c]),
            factor * Parens(p[c] * (1 - p[c])),
            q[c] * p[c] - q[c] if case.mass else p[c] - 1,
        ),
        "p_c cancels and the sign turns 1 − p_c round.",
        ("cancel a common factor",),
        OUTLINE,
    )
    yield Line(
        "sparse_other",
        "The entry of any other class",
        Relation.equal(
            Partial(C, z[k]),
            factor * Parens(-(p[k] * p[c])),
            q[c] * p[k] if case.mass else p[k],
        ).where(k, "≠", c),
        "Two minus signs and the p_c cancel.",
        ("cancel a common factor",),
        OUTLINE,
    )
    yield Line(
        "dL_dz_sparse",
        "Result of the sparse route",
        Relation.equal(Partial(C, z[k]), case.scaled(p[k]) - q[k]),
        "Both entries in one.",
        ("Kronecker δ",),
        OUTLINE,
    )


def direct(case: Case) -> Iterator[Line]:
    """The direct route through log-sum-exp."""
    C, q = case.cross_entropy, case.target
    plain = case.one_hot and not case.mass
    loss: Node = (
        ln(Sum(j, exp(z[j]))) - z[c]
        if plain
        else case.scaled(ln(Sum(j, exp(z[j])))) - Sum(j, q[j] * z[j])
    )
    yield Line(
        "direct_loss",
        "The loss without probabilities",
        Relation.equal(C, loss),
        "−ln p_c = −ln e^(z_c) + ln Σ_j e^(z_j), and the logarithm undoes the exponential."
        if plain
        else "−Σ q_k ln p_k with ln p_k = z_k − ln Σ_j e^(z_j).",
        ("logarithm of a quotient",),
        OUTLINE,
    )
    yield Line(
        "direct_lse",
        "Derivative of log-sum-exp",
        Relation.equal(Partial(lse, z[k]), exp(z[k]) / Sum(j, exp(z[j])), p[k]),
        "1 over the sum, times the derivative of the sum: the softmax comes by itself.",
        ("derivative of the logarithm", "chain rule"),
        OUTLINE,
    )
    if plain:
        yield Line(
            "direct_own",
            "The entry of the true class",
            Relation.equal(Partial(L if not case.z_loss else C, z[c]), p[c] - 1),
            "z_c is also subtracted on its own: minus 1.",
            ("derivative of a sum",),
            OUTLINE,
        )
        yield Line(
            "direct_other",
            "The entry of any other class",
            Relation.equal(Partial(C, z[k]), p[k]).where(k, "≠", c),
            "z_k is in the log-sum-exp alone.",
            ("derivative of a sum",),
            OUTLINE,
        )
    yield Line(
        "dL_dz_direct",
        "Result of the direct route",
        Relation.equal(Partial(C, z[k]), case.scaled(p[k]) - q[k]),
        "Both entries in one: the derivative of a sum, term by term.",
        ("Kronecker δ",),
        OUTLINE,
    )


def options(case: Case) -> Iterator[Line]:
    """What z-loss, another base, a temperature or a soft-cap add to the gradient."""
    if case.z_loss:
        yield from _z_loss(case)
    if case.log_base:
        yield from _log_base(case)
    if case.transforms:
        yield from _transforms(case)


def _z_loss(case: Case) -> Iterator[Line]:
    yield Line(
        "z_loss_gradient",
        "Gradient of the z-loss",
        Relation.equal(
            Partial(case.scaled(zeta) * lse**2, z[k]), 2 * case.scaled(zeta) * lse * p[k]
        ),
        "The square gives 2 lse, and the derivative of lse is p_k.",
        ("chain rule", "derivative of a square"),
        OUTLINE,
    )
    factor = Parens(1 + 2 * zeta * lse)
    body = case.total * factor * p[k] if case.mass else factor * p[k]
    yield Line(
        "dL_dz_total",
        "Gradient of both together",
        Relation.equal(Partial(L, z[k]), body - case.target[k]),
        "The derivative of a sum; both terms have the factor p_k.",
        ("derivative of a sum", "distributive law"),
        RESULT,
    )


def _log_base(case: Case) -> Iterator[Line]:
    yield Line(
        "log_base_rule",
        "Derivative of a logarithm of base B",
        Relation.equal(Partial(Log(B, p[k]), p[k]), 1 / Parens(p[k] * ln(B))),
        "d log_B x / dx = 1 / (x ln B): the natural logarithm is the base without a factor.",
        ("derivative of the logarithm with its base",),
        OUTLINE,
    )
    yield Line(
        "dL_B_dz",
        "Gradient with a logarithm of base B",
        Relation.equal(Partial(L_B, z[k]), Partial(L, z[k]) / ln(B)),
        "One constant divides the loss, and so its gradient.",
        ("constant factor",),
        RESULT,
    )


def _transforms(case: Case) -> Iterator[Line]:
    if case.softcap:
        yield Line(
            "tanh",
            "Derivative of the hyperbolic tangent",
            Relation.equal(
                Partial(Apply("tanh", u[k] / kappa), u[k]), Apply("sech2", u[k] / kappa) / kappa
            ),
            "d tanh x / dx = sech² x, and the inner derivative 1 / κ, which the outer κ cancels.",
            ("chain rule",),
        )  # fmt: skip
    yield Line(
        "slope",
        "Each z by its own u",
        Relation.equal(Partial(z[k], u[j]), Delta(j, k) * Parens(case.slope())),
        "Entry by entry: no logit moves another.",
        ("chain rule", "Kronecker δ"),
        OUTLINE,
    )
    yield Line(
        "dL_du",
        "Gradient at the logits that were given",
        Relation.equal(Partial(L, u[k]), t[k] * Partial(L, z[k])),
        "One path leads from u_k to the loss, through z_k; its slope is t_k = ∂z_k/∂u_k.",
        ("chain rule",),
        RESULT,
    )


def result(case: Case) -> Iterator[Line]:
    """The result, its signs, its sum, its size."""
    C, q, _S = case.cross_entropy, case.target, case.total
    yield Line(
        "dL_dz",
        "Result: S p − q" if case.mass else "Result: p − y",
        Relation.equal(Partial(C, z), case.scaled(p) - q),
        "What the model says minus what it should have said.",
        (),
        RESULT,
    )
    if case.one_hot and not case.mass:
        yield Line(
            "sign_own",
            "The true class is raised",
            Relation.chain(Partial(C, z[c]), "=", p[c] - 1, "<", 0),
            "Its entry is negative, so a step against the gradient raises its logit.",
            ("the other classes have p > 0",),
            OUTLINE,
        )
        yield Line(
            "sign_other",
            "Every other class is lowered",
            Relation.chain(Partial(C, z[k]), "=", p[k], ">", 0).where(k, "≠", c),
            "Its entry is positive, so a step against the gradient lowers its logit.",
            ("p > 0",),
            OUTLINE,
        )
        yield Line(
            "signs",
            "What it means: the true class is raised, every other lowered",
            Relation.chain(Partial(C, z[c]), "<", 0, "<", Partial(C, z[k])).where(k, "≠", c),
            "p_c − 1 is below 0 and every other p_k above it, and a step goes against the "
            "gradient. The farther p is from y, the larger the step.",
            ("0 < p < 1",),
            OUTLINE,
        )
        yield Line(
            "size",
            "Its size is how wrong the model is",
            Relation.equal(Sum(k, Abs(p[k] - y[k])), 2 * Parens(1 - p[c])),
            "The mass missing at the true class is the mass spread over the others: 0 exactly "
            "when the model is certain and right.",
            ("Σ p = 1",),
        )
    yield Line(
        "row_sum",
        "The entries sum to zero",
        Relation.equal(Sum(k, Partial(C, z[k])), 0),
        f"Σ p_k = 1 and Σ {q.name}_k = {'S' if case.mass else '1'}: what one class is given "
        "another loses.",
        ("Σ p = 1",),
        OUTLINE,
    )
    if case.z_loss:
        yield Line(
            "row_sum_z_loss",
            "With the z-loss they no longer do",
            Relation.equal(Sum(k, Partial(L, z[k])), 2 * case.scaled(zeta) * lse),
            "The z-loss depends on the level of the logits, and the softmax does not.",
            ("Σ p = 1",),
        )
