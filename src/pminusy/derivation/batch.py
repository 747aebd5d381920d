"""Where the lines about a batch are proved: algebra for two rows, and the reader's numbers."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pminusy.derivation import letters as o
from pminusy.derivation.domains import Algebra, Decimals, as_array, decimals
from pminusy.derivation.evaluate import Evaluator
from pminusy.derivation.model import Case
from pminusy.derivation.proof import mentions
from pminusy.derivation.tree import Partial, Ref, Relation, Sum, exp, ln
from pminusy.derivation.world import Symbol, World, defined, given

if TYPE_CHECKING:
    from pminusy.derivation.step import Step

__all__ = ["BatchArena", "batch_symbols"]

i, j, k, d, n = o.i, o.j, o.k, o.d, o.n
_ROWS = 2


@lru_cache(maxsize=64)
def batch_symbols(case: Case, layer: bool) -> Mapping[str, Symbol]:
    """Every letter of a batch."""
    first = "U" if case.transforms else "Z"
    lse, S = Ref("lse_n"), Ref("S_n")
    row_loss = Sum(k, o.Q[n, k] * (lse[n] - o.Z[n, k]))
    if case.z_loss:
        row_loss = row_loss + o.zeta * S[n] * lse[n] ** 2  # type: ignore[assignment]  # a longer sum
    made = [
        given("X", "N", "D"), given("W", "K", "D"), given("b", "K"), given("Y", "N", "K"),
        given("Q", "N", "K"), given("Omega"), given("C"), given("eta"), given("V", "K", "D"),
        given("V_b", "K"), given("T"), given("kappa"), given("zeta"),
        defined("lse_n", n, by=ln(Sum(j, exp(o.Z[n, j])))),
        defined("S_n", n, by=Sum(k, o.Q[n, k])),
        defined("P", n, k, by=exp(o.Z[n, k]) / Sum(j, exp(o.Z[n, j]))),
        defined("L_n", n, by=row_loss),
        defined("L", by=Sum(n, o.L_n[n]) / o.Omega),
        defined("M", by=Sum(n, o.L_n[n])),
        defined("A_n", n, k, by=Sum(d, o.V[k, d] * o.X[n, d]) + o.V_b[k]),
        defined("W_new", k, d, by=o.W[k, d] - o.eta * Partial(o.L, o.W[k, d])),
    ]  # fmt: skip
    body = Sum(d, o.W[k, d] * o.X[n, d]) + o.b[k]
    made.append(defined(first, n, k, by=body) if layer else given(first, "N", "K"))
    if case.transforms:
        cap = case.logits(Ref("U"))
        made.append(defined("Z", n, k, by=_with_row(cap)))
    return {symbol.name: symbol for symbol in made}


def _with_row(tree: Any) -> Any:
    """The transform of one row's u_k, for U_nk."""
    from pminusy.derivation.tree import children, rebuild

    if isinstance(tree, Ref) and tree.name == "U":
        return Ref("U")[n, k]
    return rebuild(tree, tuple(_with_row(part) for part in children(tree)))


@dataclass(frozen=True, eq=False)
class BatchArena:
    """A batch: `values` has X, W, b or logits, Y, Q, Omega and the constants of the loss."""

    case: Case
    layer: bool
    plain: bool
    values: Mapping[str, Any]
    sizes: Mapping[str, int]
    numbers: Evaluator = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Make the evaluator at the reader's numbers."""
        exact = {name: _exactly(value) for name, value in self.values.items()}
        world = World(batch_symbols(self.case, self.layer), self.sizes, exact)
        object.__setattr__(self, "numbers", Evaluator(world, Decimals()))

    @property
    def kind(self) -> Hashable:
        """Which letters there are."""
        return ("batch", self.case, self.layer, self.plain)

    def algebra(self, relation: Relation, sizes: tuple[int, ...]) -> list[Evaluator]:
        """One world a number of classes, with two rows and two features."""
        named = mentions(relation)
        return [_algebra(self.case, self.layer, self.plain, K, named) for K in self._proved(sizes)]

    def exact_for(self, sizes: tuple[int, ...]) -> str:
        """Numbers of classes."""
        return f"two rows of K = {', '.join(map(str, self._proved(sizes)))}"

    def _proved(self, sizes: tuple[int, ...]) -> list[int]:
        return [K for K in sizes if K <= 3] or [2]

    def confirm(self, step: Step) -> None:
        """`core` is compared row by row, where a row is derived."""


def _exactly(value: Any) -> Any:
    import numpy as np

    array = np.asarray(value)
    if array.ndim == 0:
        return decimals.mpf(float(array))
    return as_array([decimals.mpf(float(v)) for v in array.ravel()]).reshape(array.shape)


@lru_cache(maxsize=64)
def _algebra(case: Case, layer: bool, plain: bool, K: int, named: frozenset[str]) -> Evaluator:
    N, D = _ROWS, 2
    NK = N * K
    names = [f"{letter}{index}" for letter in "pyq" for index in range(NK)]
    names += [f"z{index}" for index in range(NK)]
    if layer:
        names += [f"{a}{index}" for a in ("W", "V") for index in range(K * D)]
        names += [f"X{index}" for index in range(N * D)]
        names += [f"{a}{index}" for a in ("b", "V_b") for index in range(K)]
    names += [f"{a}{row}" for a in ("Z", "lse") for row in range(N)]
    names += ["Omega", "C", "eta", "T", "kappa", "zeta"]
    field_ = Algebra(names)

    def pick(a: str, *shape: int) -> Any:
        count = _count(shape)
        return as_array([field_[f"{a}{index}"] for index in range(count)]).reshape(shape)

    values: dict[str, Any] = {a: field_[a] for a in ("Omega", "C", "eta", "T", "kappa", "zeta")}
    values["Y"] = pick("y", N, K)
    for row in range(N):
        field_.sum_to_one([f"y{row * K + column}" for column in range(K)])
        field_.sum_to_one([f"p{row * K + column}" for column in range(K)])
    values["Q"] = values["Y"] if plain else pick("q", N, K)
    if plain:
        values["Omega"] = field_.number(Fraction(N))
    first = "U" if case.transforms else "Z"
    if layer:
        values |= {"W": pick("W", K, D), "V": pick("V", K, D), "X": pick("X", N, D)}
        values |= {"b": pick("b", K), "V_b": pick("V_b", K)}
    else:
        values[first] = pick("z", N, K)
    symbols = batch_symbols(case, layer)
    world = World(symbols, {"N": N, "D": D, "K": K}, values)
    evaluator = Evaluator(world, field_)
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


def _count(shape: tuple[int, ...]) -> int:
    result = 1
    for length in shape:
        result *= length
    return result
