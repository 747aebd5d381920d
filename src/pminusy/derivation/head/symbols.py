"""The letters of the head, each a variable or defined: of one sample, of a batch, under a mask."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from pminusy.derivation.engine.environment import Symbol, defined, variable, variables
from pminusy.derivation.statements.case import BatchCase, Case
from pminusy.derivation.tree import (
    Apply,
    Neg,
    Node,
    Partial,
    Ref,
    Sum,
    children,
    exp,
    ln,
    node,
    rebuild,
)
from pminusy.derivation.tree import letters as o

__all__ = ["batch_symbols", "masked_symbols", "symbols"]

_BATCH_CONSTANTS = ("C", "eta", "T", "kappa", "zeta", "B")
i, j, k, d, c, n = o.i, o.j, o.k, o.d, o.c, o.n
_CONSTANTS = ("T", "kappa", "zeta", "epsilon", "omega", "B", "eta", "lambda", "a", "m")


def _softmax(letter: Ref) -> Node:
    return exp(letter[k]) / Sum(j, exp(letter[j]))


@lru_cache(maxsize=64)
def symbols(case: Case) -> Mapping[str, Symbol]:
    """Every letter of a case."""
    target = case.target
    layer = Sum(d, o.W[k, d] * o.x[d]) + o.b[k]
    made = [
        *variables({"x": "D", "W": "KD", "b": "K", "y": "K", "w": "K", "v": "K", "V": "KD"}),
        *variables({"V_b": "K"} | dict.fromkeys(_CONSTANTS, "")),
        defined("p", k, by=_softmax(o.z)),
        defined("S_e", by=Sum(j, exp(o.z[j]))),
        defined("lse", by=ln(Sum(j, exp(o.z[j])))),
        defined("s", by=Sum(j, exp(o.z[j] - o.m))),
        defined("s_o", by=Sum(j, exp(o.z[j] - o.m), without=c)),
        defined(case.cross_entropy.name, by=Neg(Sum(k, target[k] * ln(o.p[k])))),
        defined("S", by=Sum(k, o.q[k])),
        defined("q", k, by=case.target_mass()),
        defined("L_B", by=o.L / ln(o.B)),
        defined("H", by=Neg(Sum(k, Apply("xlnx", o.y[k])))),
        defined("KL", by=Sum(k, Apply("xlnx", o.y[k]) - o.y[k] * ln(o.p[k]))),
        defined("E2", by=(node(1) / 2) * Sum(k, (o.p[k] - o.y[k]) ** 2)),
        defined("J", i, j, by=Partial(o.p[i], o.z[j])),
        defined("g", k, by=Partial(o.L, o.z[k])),
        defined("R", by=o.L + (o.lam / 2) * Sum(k, Sum(d, o.W[k, d] ** 2))),
        defined("A", k, by=Sum(d, o.V[k, d] * o.x[d]) + o.V_b[k]),
        # one gradient step on this row alone: ∂L/∂W_kd is ∂L/∂u_k x_d, a step of its own
        defined("W_new", k, d, by=o.W[k, d] - o.eta * Partial(o.L, case.logit_letter[k]) * o.x[d]),
        defined("b_new", k, by=o.b[k] - o.eta * Partial(o.L, case.logit_letter[k])),
        defined(
            f"{case.logit_letter.name}_new", k,
            by=Sum(d, Ref("W_new")[k, d] * o.x[d]) + Ref("b_new")[k],
        ),
        defined("p_new", k, by=_softmax(Ref("z_new"))),
        defined(case.cross_entropy_after.name, by=Neg(Sum(k, target[k] * ln(Ref("p_new")[k])))),
        defined("W_t", by=o.W.T),
        defined("S_of_z", k, by=_softmax(o.z)),
        defined("error", k, by=Neg(o.y[k] * ln(o.p[k]))),
    ]  # fmt: skip
    if case.z_loss:
        made.append(defined("L", by=o.CE + case.scaled(o.zeta) * o.lse**2))
        made.append(defined("lse_new", by=ln(Sum(j, exp(Ref("z_new")[j])))))
        after = case.scaled(o.zeta) * Ref("lse_new") ** 2
        made.append(defined("L_new", by=case.cross_entropy_after + after))
    first = case.logit_letter.name
    made.append(defined(first, k, by=layer) if case.layer else variable(first, "K"))
    if case.transforms:
        made += [defined("z", k, by=case.logits()), defined("t", k, by=case.slope())]
        made.append(defined("z_new", k, by=case.logits(Ref("u_new"))))
    if case.softcap:
        made.append(defined("curve", k, by=case.curvature()))
    return {symbol.name: symbol for symbol in made}


@lru_cache(maxsize=64)
def batch_symbols(case: BatchCase) -> Mapping[str, Symbol]:
    """Every letter of a batch."""
    first = case.logit_letter.name
    lse, S = Ref("lse_n"), Ref("S_n")
    row_loss = Sum(k, o.Q[n, k] * (lse[n] - o.Z[n, k]))
    if case.z_loss:
        row_loss = row_loss + o.zeta * S[n] * lse[n] ** 2  # type: ignore[assignment]  # a longer sum
    over = o.Omega if case.reduction == "mean" else None
    total: Node = Sum(n, o.L_n[n] if case.reduction != "none" else o.g[n] * o.L_n[n])
    made = [
        *variables({"X": "ND", "W": "KD", "b": "K", "Y": "NK", "V": "KD", "V_b": "K", "w": "K"}),
        *variables({"omega_n": "N", "r": "N", "g": "N", "epsilon": ""}),
        *variables(dict.fromkeys(_BATCH_CONSTANTS, "")),
        defined("Q", n, k, by=case.target_mass()),
        defined("Omega", by=Sum(n, case.row_weight())),
        defined("lse_n", n, by=ln(Sum(j, exp(o.Z[n, j])))),
        defined("S_n", n, by=Sum(k, o.Q[n, k])),
        defined("P", n, k, by=exp(o.Z[n, k]) / Sum(j, exp(o.Z[n, j]))),
        defined("L_n", n, by=row_loss),
        defined("L", by=node(0) if case.empty else total / over if over else total),
        defined("L_B", by=o.L / ln(o.B)),
        defined("M", by=Sum(n, o.L_n[n])),
        defined("error_n", n, k, by=Neg(o.Q[n, k] * ln(o.P[n, k]))),
        defined("A_n", n, k, by=Sum(d, o.V[k, d] * o.X[n, d]) + o.V_b[k]),
        defined("W_new", k, d, by=o.W[k, d] - o.eta * Partial(o.L, o.W[k, d])),
    ]  # fmt: skip
    body = Sum(d, o.W[k, d] * o.X[n, d]) + o.b[k]
    made.append(defined(first, n, k, by=body) if case.layer else variable(first, "N", "K"))
    if case.transforms:
        made.append(defined("Z", n, k, by=_with_row(case.logits(Ref("U")))))
    return {symbol.name: symbol for symbol in made}


def _with_row(tree: Node) -> Node:
    """The transform of one row's u_k, for U_nk."""
    if isinstance(tree, Ref) and tree.name == "U":
        return Ref("U")[n, k]
    return rebuild(tree, tuple(_with_row(part) for part in children(tree)))


@lru_cache(maxsize=64)
def masked_symbols(case: Case) -> Mapping[str, Symbol]:
    """Letters of the classes that are left, and of those masked (index set M)."""
    h, j, k, ell = o.h, o.j, o.k, o.ell
    whole = Sum(j, exp(o.z[j])) + Sum(ell, exp(o.z_M[ell]))
    loss = Sum(k, case.target[k] * (o.lse - o.z[k]))
    if case.z_loss:
        loss = loss + case.scaled(o.zeta) * o.lse**2  # type: ignore[assignment]  # a longer sum
    total = Sum(k, o.q[k]) if case.mass else node(1)
    made = [
        variable("z", "K"), variable("z_M", "M"), variable(case.target.name, "K"),
        variable(f"{case.target.name}_M", "M"), variable("zeta"),
        defined("S_e", by=whole), defined("S", by=total), defined("lse", by=ln(whole)),
        defined("p", k, by=exp(o.z[k]) / whole), defined("p_M", h, by=exp(o.z_M[h]) / whole),
        defined("L", by=loss),
    ]  # fmt: skip
    return {symbol.name: symbol for symbol in made}
