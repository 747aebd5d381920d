"""The head under a network: the loss of a batch of logits with every option, in exact numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pminusy.core.options import Options
from pminusy.core.target_mass import class_factors, counted, row_mass
from pminusy.derivation.engine.decimals import decimals, exact_array
from pminusy.derivation.engine.environment import Symbol, defined, variable
from pminusy.derivation.input.targets import Targets
from pminusy.derivation.tree import Apply, Index, Node, Parens, Ref, Sum, exp, ln

__all__ = ["HeadNumbers", "head_numbers", "head_symbols"]

n = Index("n", "N")


@dataclass(frozen=True, eq=False)
class HeadNumbers:
    """Options, and the letters of the loss: target mass Q, Ω and the constants."""

    options: Options
    values: Mapping[str, Any]


def head_numbers(targets: Targets, options: Options, upstream: Any) -> HeadNumbers:
    """Target mass in decimals: the formulas of `core.target_mass`, without their rounding.

    With reduction "none" each row's loss, and so its mass, is multiplied by its `upstream` (N,).
    """
    mpf, labels = decimals.mpf, targets.labels
    N, K = targets.Y.shape
    weight = exact_array(np.ones(K) if options.weight is None else options.weight)
    omega = exact_array(np.ones(N) if options.sample_weight is None else options.sample_weight)
    rows = np.where(targets.ignored, mpf(0), omega)
    Q = row_mass(exact_array(targets.Y), rows[:, None], *class_factors(options, weight, K, mpf))
    total = counted(rows, weight, labels).sum() if options.reduction == "mean" else mpf(1)
    if options.reduction == "none":
        Q = Q * exact_array(upstream)[:, None]
    values = {
        "Q": Q, "Omega": total if total else mpf(1), "zeta": mpf(options.z_loss),
        "T": mpf(options.temperature), "kappa": mpf(options.softcap or 1.0),
        "B": mpf(options.log_base or 2.0),
    }  # fmt: skip
    return HeadNumbers(options, values)


def head_symbols(head: HeadNumbers, logits: str, space: str) -> dict[str, Symbol]:
    """L as it is made from the last layer's output."""
    k, j = Index("k", space), Index("j", space)
    options, Q, Z, lse = head.options, Ref("Q"), Ref("Z"), Ref("lse")
    u = Ref(logits)[n, k]
    z: Node = u
    if options.softcap is not None:
        z = Ref("kappa") * Apply("tanh", u / Ref("kappa"))
    row = Sum(k, Q[n, k] * Parens(lse[n] - Z[n, k])) + Ref("zeta") * Sum(k, Q[n, k]) * lse[n] ** 2
    loss = Sum(n, Parens(row)) / Ref("Omega")
    if options.log_base is not None:
        loss = loss / ln(Ref("B"))
    made = [
        *(variable(name) for name in ("Omega", "zeta", "T", "kappa", "B")),
        variable("Q", "N", space),
        defined("Z", n, k, by=z / Ref("T")),
        defined("lse", n, by=ln(Sum(j, exp(Z[n, j])))),
        defined("L", by=loss),
    ]
    return {symbol.name: symbol for symbol in made}
