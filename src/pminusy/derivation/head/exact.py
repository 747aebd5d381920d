"""Exact environments of one sample: arbitrary logits and targets as generators, for K = 2, 3, 4."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache
from typing import Any

from pminusy.derivation.engine.algebra import Algebra
from pminusy.derivation.engine.decimals import as_array
from pminusy.derivation.engine.environment import Environment
from pminusy.derivation.engine.evaluate import Evaluator
from pminusy.derivation.head.symbols import symbols
from pminusy.derivation.statements.case import Case

__all__ = ["algebra"]


_VECTORS = ("u", "q", "w", "v", "t", "V_b", "u_new", "z_new", "p_new")
_MATRICES = ("W", "V")


def algebra(case: Case, K: int, c: int | None, mentions: frozenset[str]) -> Evaluator:
    """Evaluator in exact algebra for K classes (and two features).

    Parameters
    ----------
    case
        Letters and definitions.
    K
        Number of classes.
    c
        True class of a one-hot y, or None for any y ≥ 0 with Σ_k y_k = 1.
    mentions
        Letters of the statement. Logits are taken as given unless it speaks of what they are made
        of, and so is the target mass: what is proved for any is proved for these.
    """
    made_of: set[str] = set()
    if case.transforms and mentions & {"u", "T", "kappa", "t", "curve"}:
        made_of.add("inputs")
    if case.layer and mentions & _LAYER:
        made_of.add("layer")
        made_of |= {"inputs"} if case.transforms else set()
    if case.mass and (
        case.ignored or c is not None or mentions & {"y", "w", "epsilon", "omega", "H", "KL", "E2"}
    ):
        made_of.add("mass")
    step = _given_after_step(case, mentions)
    used: frozenset[str] = (
        frozenset() if step else frozenset().union(*(_ancestors(case)[m] for m in mentions))
    )
    if step:
        made_of.clear()
        used = mentions
    used = used - _AFTER_STEP | ({step} if step else set())
    if "layer" in made_of:
        used |= {"W", "x"}
    if "inputs" in made_of:
        used |= _ancestors(case)["z"]
    return _algebra(case, K, c, frozenset(made_of), used & _EXTRA)


def _given_after_step(case: Case, mentions: frozenset[str]) -> str:
    """Of a line about what follows a gradient step, the quantity that it starts from."""
    if "CE_new" in mentions:
        return "p_new"
    if "p_new" in mentions:
        return "z_new"
    return "u_new" if "z_new" in mentions and case.transforms else ""


_AFTER_STEP = frozenset({"u_new", "z_new", "p_new"})
_LAYER = frozenset(
    {
        "W",
        "x",
        "b",
        "V",
        "V_b",
        "A",
        "R",
        "W_new",
        "b_new",
        "u_new",
        "z_new",
        "p_new",
        "CE_new",
        "W_t",
    }
)
_CONSTANTS = ("T", "kappa", "zeta", "epsilon", "omega", "B", "eta", "lambda", "a", "m")
_EXTRA = frozenset({*_CONSTANTS, *_VECTORS, *_MATRICES, "x"})


@lru_cache(maxsize=64)
def _ancestors(case: Case) -> Mapping[str, frozenset[str]]:
    environment = Environment(symbols(case), {}, {})
    return {name: environment.made_from(name) for name in environment.symbols}


@lru_cache(maxsize=512)
def _algebra(
    case: Case, K: int, c: int | None, made_of: frozenset[str], extra: frozenset[str]
) -> Evaluator:
    D = 2
    names = [f"{letter}{index}" for letter in "pzy" for index in range(K)]
    names += [f"{letter}{index}" for letter in sorted(extra & {*_VECTORS}) for index in range(K)]
    names += [
        f"{letter}{index}" for letter in sorted(extra & {*_MATRICES}) for index in range(K * D)
    ]
    names += [f"f{index}" for index in range(K if case.softcap and "inputs" in made_of else 0)]
    names += [f"x{index}" for index in range(D if "x" in extra else 0)]
    names += ["Z", "lse", "keep", *sorted(extra & {*_CONSTANTS})]
    field = Algebra(names)
    values: dict[str, Any] = {name: field[name] for name in extra & {*_CONSTANTS}}
    for letter in extra & {*_VECTORS}:
        values[letter] = _generators(field, letter, K)
    for letter in extra & {*_MATRICES}:
        values[letter] = _generators(field, letter, K * D).reshape(K, D)
    if "x" in extra:
        values["x"] = _generators(field, "x", D)
    if "epsilon" in extra:
        field.sum_to_one(["epsilon", "keep"])  # so that 1 − ε is seen to be ≥ 0
    if "V_b" in extra and "V" in extra:  # any direction A of the logits is met
        values["V_b"] = _generators(field, "V_b", K) - values["V"] @ values["x"]
    if "mass" in made_of:
        values.pop("q", None)
    values["y"] = _targets(field, K, c)
    _give_logits(case, field, K, made_of, values)
    z = Evaluator(Environment(symbols(case), {"K": K, "D": D}, values), field).array("z")
    _register_softmax(field, z, K)
    fixed = {} if c is None else {"c": c}
    return Evaluator(Environment(symbols(case), {"K": K, "D": D}, values, fixed), field)


def _generators(field: Algebra, letter: str, count: int) -> Any:
    return as_array([field[f"{letter}{index}"] for index in range(count)])


def _targets(field: Algebra, K: int, c: int | None) -> Any:
    if c is not None:
        return as_array([field.number(Fraction(int(index == c))) for index in range(K)])
    field.sum_to_one([f"y{index}" for index in range(K)])
    return _generators(field, "y", K)


def _give_logits(
    case: Case, field: Algebra, K: int, made_of: frozenset[str], values: dict[str, Any]
) -> None:
    """z as generators; or u, or b, so that the layers before come out as those generators."""
    z = _generators(field, "z", K)
    if "inputs" in made_of:
        first = values["u"]
        values.pop("t", None)
        if case.softcap:
            _register_cap(field, first, K)
    else:
        first = values["z"] = z
    if "layer" in made_of:
        values.pop(case.logit_letter.name, None)
        values["b"] = first - values["W"] @ values["x"]


def _register_cap(field: Algebra, u: Any, K: int) -> None:
    """tanh(u / κ) as generators."""
    for index in range(K):
        field.register("tanh", u[index] / field["kappa"], field[f"f{index}"])


def _register_softmax(field: Algebra, z: Any, K: int) -> None:
    """e^{z_k} = p_k Z where Σ_k p_k = 1: then Σ_j e^{z_j} is Z, and most divisors are one term."""
    p, Z, lse = _generators(field, "p", K), field["Z"], field["lse"]
    field.sum_to_one([f"p{index}" for index in range(K)])
    field.register("ln", Z, lse)
    field.register("exp", lse, Z)
    for z_k, p_k in zip(z, p, strict=True):
        field.register("exp", z_k, p_k * Z)
        field.register("ln", p_k, z_k - lse)
