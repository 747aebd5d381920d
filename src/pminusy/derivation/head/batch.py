"""Where the lines about a batch are proved: algebra for two rows, and the reader's numbers."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from pminusy.core.options import Options
from pminusy.derivation.engine.algebra import Algebra
from pminusy.derivation.engine.decimals import WORKING_DIGITS, Decimals, as_array, exact_array
from pminusy.derivation.engine.environment import Environment, Symbol, defined, variable, variables
from pminusy.derivation.engine.evaluate import Evaluator
from pminusy.derivation.engine.proof import mentions
from pminusy.derivation.head.core_run import CoreRun
from pminusy.derivation.statements.case import BatchCase
from pminusy.derivation.steps.confirm import Computed
from pminusy.derivation.tree import (
    Node,
    Partial,
    Ref,
    Relation,
    Sum,
    exp,
    ln,
    node,
)
from pminusy.derivation.tree import letters as o

__all__ = ["BatchContext", "batch_symbols"]

i, j, k, d, n = o.i, o.j, o.k, o.d, o.n
_ROWS = 2


@lru_cache(maxsize=64)
def batch_symbols(case: BatchCase) -> Mapping[str, Symbol]:
    """Every letter of a batch."""
    row = case.row
    first = case.logit_letter.name
    lse, S = Ref("lse_n"), Ref("S_n")
    row_loss = Sum(k, o.Q[n, k] * (lse[n] - o.Z[n, k]))
    if row.z_loss:
        row_loss = row_loss + o.zeta * S[n] * lse[n] ** 2  # type: ignore[assignment]  # a longer sum
    over = o.Omega if case.reduction == "mean" else None
    total: Node = Sum(n, o.L_n[n] if case.reduction != "none" else o.g[n] * o.L_n[n])
    made = [
        *variables({"X": "ND", "W": "KD", "b": "K", "Y": "NK", "V": "KD", "V_b": "K", "w": "K"}),
        *variables({"omega_n": "N", "r": "N", "g": "N", "epsilon": ""}),
        *variables(dict.fromkeys(_CONSTANTS, "")),
        defined("Q", n, k, by=case.target_mass()),
        defined("Omega", by=Sum(n, case.row_weight())),
        defined("lse_n", n, by=ln(Sum(j, exp(o.Z[n, j])))),
        defined("S_n", n, by=Sum(k, o.Q[n, k])),
        defined("P", n, k, by=exp(o.Z[n, k]) / Sum(j, exp(o.Z[n, j]))),
        defined("L_n", n, by=row_loss),
        defined("L", by=node(0) if case.empty else total / over if over else total),
        defined("L_B", by=o.L / ln(o.B)),
        defined("M", by=Sum(n, o.L_n[n])),
        defined("A_n", n, k, by=Sum(d, o.V[k, d] * o.X[n, d]) + o.V_b[k]),
        defined("W_new", k, d, by=o.W[k, d] - o.eta * Partial(o.L, o.W[k, d])),
    ]  # fmt: skip
    body = Sum(d, o.W[k, d] * o.X[n, d]) + o.b[k]
    made.append(defined(first, n, k, by=body) if case.layer else variable(first, "N", "K"))
    if row.transforms:
        made.append(defined("Z", n, k, by=_with_row(row.logits(Ref("U")))))
    return {symbol.name: symbol for symbol in made}


def _with_row(tree: Any) -> Any:
    """The transform of one row's u_k, for U_nk."""
    from pminusy.derivation.tree import children, rebuild

    if isinstance(tree, Ref) and tree.name == "U":
        return Ref("U")[n, k]
    return rebuild(tree, tuple(_with_row(part) for part in children(tree)))


@dataclass(frozen=True, eq=False)
class BatchContext:
    """A batch: `values` has X, W, b or logits, Y and the constants of the loss.

    `rows` says which rows of a larger batch these are, `classes` which classes, where some are
    masked.
    """

    case: BatchCase
    values: Mapping[str, Any]
    sizes: Mapping[str, int]
    rows: tuple[int, ...]
    classes: tuple[int, ...] = ()
    digits: int = WORKING_DIGITS
    options: Options = field(default_factory=Options)
    numbers: Evaluator = field(init=False, repr=False)
    _runs: dict[Any, CoreRun] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        """Make the evaluator at the reader's numbers."""
        exact = {name: exact_array(value) for name, value in self.values.items()}
        labels = {"N": self.rows} | ({"K": self.classes} if self.classes else {})
        environment = Environment(
            batch_symbols(self.case), self.sizes, exact, {}, self.digits, labels
        )
        object.__setattr__(self, "numbers", Evaluator(environment, Decimals()))

    @property
    def kind(self) -> Hashable:
        """Which letters there are."""
        return self.case

    def exact_environments(self, relation: Relation, sizes: tuple[int, ...]) -> list[Evaluator]:
        """One world a number of classes, with two rows and two features."""
        wanted = [K for K in sizes if K <= 3] or [2]
        return [_algebra(self.case, K, mentions(relation)) for K in wanted]

    def computed(self, step: str) -> Iterator[Computed]:
        """The quantities of `core.trace` that a step shows."""
        for name in _OF_STEP.get(step, ()):
            if name == "gradient":
                name = "dL_du" if self.case.row.transforms else "dL_dz"
            elif name == "logits":
                name = self.case.logit_letter.name.lower()
            letter = _LETTERS.get(step, {}).get(name, "")
            yield self._run(step).computed(name, letter=letter)

    def _run(self, step: str) -> CoreRun:
        """The run of `core` with the options that belong to a step."""
        options, factors = self.options, self.values["g"]
        if step not in _OTHER_BASE:
            options = replace(options, log_base=None)
        if step in _ROW_BY_ROW:
            options, factors = replace(options, reduction="sum"), None
        elif options.reduction != "none":
            factors = None
        key = (options.log_base, options.reduction)
        if key not in self._runs:
            self._runs[key] = self._new_run(options, factors)
        return self._runs[key]

    def _new_run(self, options: Options, factors: Any) -> CoreRun:
        values, case = self.values, self.case
        target = values["Y"]
        if case.labels:
            target = np.where(values["r"] > 0, target.argmax(1), options.ignore_index)
        u = np.array(self.numbers.array(case.logit_letter.name), dtype=np.float64)
        layer = (values["X"], values["W"], values["b"]) if case.layer else None
        return CoreRun(
            target, u, options, layer,
            exact=not case.layer and not case.row.transforms,
            differences=not case.plain, factors=factors,
        )  # fmt: skip


_OF_STEP = {
    "batch_logits": ("logits",), "batch_mass": ("q",), "batch_row_loss": ("L_i", "p", "z"),
    "batch_loss": ("L",), "batch_total": ("L",), "batch_none": ("L",), "batch_sum": ("L",),
    "batch_empty": ("L", "gradient"), "batch_dL_dZ": ("gradient",), "batch_upstream": ("gradient",),
    "batch_dL_dW": ("dL_dW",), "batch_dL_db": ("dL_db",), "batch_dL_dX": ("dL_dX",),
    "batch_log_base": ("L",), "batch_dL_B_dZ": ("gradient",), "batch_dL_B_dW": ("dL_dW",),
}  # fmt: skip
"""Quantities of `core.trace` that a step shows."""

_LETTERS = {"batch_row_loss": {"p": "P", "z": "Z"}, "batch_empty": {"L": "L"}}
"""Quantities compared with the letters of these names, and not with the value of the step."""

_ROW_BY_ROW = ("batch_mass", "batch_row_loss", "batch_sum")
"""Steps about rows before they are put together: their sum, whatever the reduction."""

_OTHER_BASE = ("batch_log_base", "batch_dL_B_dZ", "batch_dL_B_dW")

_MAKES_MASS = frozenset({"w", "epsilon", "omega_n", "r"})
_CONSTANTS = ("C", "eta", "T", "kappa", "zeta", "B")


@lru_cache(maxsize=64)
def _algebra(case: BatchCase, K: int, named: frozenset[str]) -> Evaluator:
    """Exact algebra for two rows, of which the second is ignored where some are."""
    N, D = _ROWS, 2
    NK = N * K
    made_of = case.empty or bool(named & _MAKES_MASS)
    names = [f"{letter}{index}" for letter in "pyqz" for index in range(NK)]
    if case.layer:
        names += [f"{a}{index}" for a in ("W", "V") for index in range(K * D)]
        names += [f"X{index}" for index in range(N * D)]
        names += [f"{a}{index}" for a in ("b", "V_b") for index in range(K)]
    names += [f"w{index}" for index in range(K)] + [f"omega{row}" for row in range(N)]
    names += [f"{a}{row}" for a in ("Z", "lse", "g") for row in range(N)]
    names += ["Omega", "epsilon", *_CONSTANTS]
    field_ = Algebra(names)

    def pick(a: str, *shape: int) -> Any:
        return as_array([field_[f"{a}{index}"] for index in range(prod(shape))]).reshape(shape)

    values: dict[str, Any] = {a: field_[a] for a in _CONSTANTS}
    values |= {"Y": pick("y", N, K), "g": pick("g", N), "epsilon": field_["epsilon"]}
    values |= {"w": pick("w", K), "omega_n": pick("omega", N)}
    values["r"] = as_array([field_.number(Fraction(1 - row)) for row in range(N)])
    if case.empty:  # whatever is on counts nothing
        for letter in ("r", "w", "omega_n"):
            values[letter] = as_array([field_.number(Fraction(0)) for _ in values[letter]])
    for row in range(N):
        field_.sum_to_one([f"y{row * K + column}" for column in range(K)])
        field_.sum_to_one([f"p{row * K + column}" for column in range(K)])
    if not case.plain and not made_of:  # any mass, over any sum: what is proved of it is more
        values |= {"Q": pick("q", N, K), "Omega": field_["Omega"]}
        if case.ignored:
            values["Q"][1] = field_.number(Fraction(0))
    if case.layer:
        values |= {"W": pick("W", K, D), "V": pick("V", K, D), "X": pick("X", N, D)}
        values |= {"b": pick("b", K), "V_b": pick("V_b", K)}
    else:
        values[case.logit_letter.name] = pick("z", N, K)
    environment = Environment(batch_symbols(case), {"N": N, "D": D, "K": K}, values)
    evaluator = Evaluator(environment, field_)
    logits = evaluator.array("Z")
    for row in range(N):
        big, lse = field_[f"Z{row}"], field_[f"lse{row}"]
        field_.register("ln", big, lse)
        field_.register("exp", lse, big)
        for column in range(K):
            p = field_[f"p{row * K + column}"]
            field_.register("exp", logits[row, column], p * big)
            field_.register("ln", p, logits[row, column] - lse)
        if K == 2:  # sigmoid(z_1 − z_0) = e^{z_1} / (e^{z_0} + e^{z_1})
            field_.register("sigmoid", logits[row, 1] - logits[row, 0], field_[f"p{row * K + 1}"])
    return evaluator
