"""What z-loss, another base, a temperature or a soft-cap add to the gradient."""

from __future__ import annotations

from collections.abc import Iterator

from pminusy.derivation.statements.case import Case
from pminusy.derivation.statements.line import OUTLINE, RESULT, Line
from pminusy.derivation.statements.sentence import because, says
from pminusy.derivation.tree import (
    Apply,
    Delta,
    Log,
    Parens,
    Partial,
    Relation,
    ln,
)
from pminusy.derivation.tree.letters import (
    L_B,
    B,
    L,
    j,
    k,
    kappa,
    lse,
    p,
    t,
    u,
    z,
    zeta,
)

__all__ = ["options"]


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
        because(
            "The square gives 2 lse, and the derivative of lse is p_k.",
            Relation.equal(Partial(lse**2, lse), 2 * lse),
            Relation.equal(Partial(lse, z[k]), p[k]),
        ),
        ("chain rule", "derivative of a square"),
        OUTLINE,
    )
    factor = Parens(1 + 2 * zeta * lse)
    body = case.total * factor * p[k] if case.mass else factor * p[k]
    yield Line(
        "dL_dz_total",
        "Gradient of both together",
        Relation.equal(Partial(L, z[k]), body - case.target[k]),
        says("The derivative of a sum; both terms have the factor p_k."),
        ("derivative of a sum", "distributive law"),
        RESULT,
    )


def _log_base(case: Case) -> Iterator[Line]:
    yield Line(
        "log_base_rule",
        "Derivative of a logarithm of base B",
        Relation.equal(Partial(Log(B, p[k]), p[k]), 1 / Parens(p[k] * ln(B))),
        because(
            "d log_B x / dx = 1 / (x ln B): the natural logarithm is the base without a factor.",
            Relation.equal(Partial(ln(p[k]), p[k]), 1 / p[k]),
            Relation.equal(Log(B, p[k]), ln(p[k]) / ln(B)),
        ),
        ("derivative of the logarithm with its base",),
        OUTLINE,
    )
    yield Line(
        "dL_B_dz",
        "Gradient with a logarithm of base B",
        Relation.equal(Partial(L_B, z[k]), Partial(L, z[k]) / ln(B)),
        says("One constant divides the loss, and so its gradient."),
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
            because(
                "d tanh x / dx = sech² x, and the inner derivative 1 / κ, which the outer κ "
                "cancels.",
                Relation.equal(Partial(u[k] / kappa, u[k]), 1 / kappa),
                Relation.equal(kappa * (1 / kappa), 1),
            ),
            ("chain rule",),
        )
    yield Line(
        "slope",
        "Each z by its own u",
        Relation.equal(Partial(z[k], u[j]), Delta(j, k) * Parens(case.slope())),
        because(
            "Entry by entry: no logit moves another.",
            Relation.equal(Partial(z[k], u[j]), 0).where(k, "≠", j),
        ),
        ("chain rule", "Kronecker δ"),
        OUTLINE,
    )
    yield Line(
        "dL_du",
        "Gradient at the logits that were given",
        Relation.equal(Partial(L, u[k]), t[k] * Partial(L, z[k])),
        because(
            "One path leads from u_k to the loss, through z_k; its slope is t_k = ∂z_k/∂u_k.",
            Relation.equal(t[k], Partial(z[k], u[k])),
        ),
        ("chain rule",),
        RESULT,
    )
    if case.log_base:
        yield Line(
            "dL_B_du",
            "Gradient at the logits that were given, with base B",
            Relation.equal(Partial(L_B, u[k]), Partial(L, u[k]) / ln(B)),
            says("The same constant divides it."),
            ("constant factor",),
            RESULT,
        )
