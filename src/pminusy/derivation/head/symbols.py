"""The letters of one sample, each given or defined, for every case."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from pminusy.derivation.engine.environment import Symbol, defined, variable, variables
from pminusy.derivation.statements.case import Case
from pminusy.derivation.tree import Apply, Neg, Node, Partial, Ref, Sum, exp, ln, node
from pminusy.derivation.tree import letters as o

__all__ = ["symbols"]

i, j, k, d, c = o.i, o.j, o.k, o.d, o.c
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
        defined("CE_new", by=Neg(Sum(k, target[k] * ln(Ref("p_new")[k])))),
        defined("W_t", by=o.W.T),
    ]  # fmt: skip
    if case.z_loss:
        made.append(defined("L", by=o.CE + case.scaled(o.zeta) * o.lse**2))
    first = case.logit_letter.name
    made.append(defined(first, k, by=layer) if case.layer else variable(first, "K"))
    if case.transforms:
        made += [defined("z", k, by=case.logits()), defined("t", k, by=case.slope())]
        made.append(defined("z_new", k, by=case.logits(Ref("u_new"))))
    if case.softcap:
        made.append(defined("curve", k, by=case.curvature()))
    return {symbol.name: symbol for symbol in made}
