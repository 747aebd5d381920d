"""Exact environments of the head: any logits and targets, as generators, for a few sizes."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from fractions import Fraction
from functools import lru_cache
from typing import Any

from pminusy.derivation.engine.algebra import Algebra
from pminusy.derivation.engine.decimals import as_array
from pminusy.derivation.engine.environment import Environment
from pminusy.derivation.engine.evaluate import Evaluator
from pminusy.derivation.head.symbols import batch_symbols, masked_symbols, symbols
from pminusy.derivation.statements.case import BatchCase, Case
from pminusy.derivation.tree import Node, names

__all__ = [
    "batch_environment", "depends_on", "forget", "masked_environments", "row_environment",
]  # fmt: skip


_VECTORS = ("u", "q", "w", "v", "t", "V_b", "u_new", "z_new", "p_new")
_MATRICES = ("W", "V")


def row_environment(case: Case, K: int, c: int | None, mentions: frozenset[str]) -> Evaluator:
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
        Letters of the statement. Logits and the target mass are generators unless the statement
        has the letters that they are computed from: what holds for any holds for these.
    """
    made_of, used = _made_of(case, c is not None, mentions)
    return _row(case, K, c, made_of, used & _EXTRA)


def depends_on(case: Case, per_class: bool, mentions: frozenset[str]) -> Hashable:
    """What an exact proof of a line with these letters depends on; often little of the case."""
    if _given_after_step(case, mentions):
        return case
    made_of, used = _made_of(case, per_class, mentions)
    given = {"z"} - ({"z"} if made_of & {"layer", "inputs"} else set())
    given |= set() if "mass" in made_of else {"q"}
    layer = (case.logit_letter, case.softcap) if made_of & {"layer", "inputs"} else ()
    return made_of, used & _EXTRA, layer, _definitions(case, frozenset(given), mentions)


@lru_cache(maxsize=1024)
def _definitions(
    case: Case, given: frozenset[str], mentions: frozenset[str]
) -> frozenset[tuple[str, Node | None]]:
    """The letters that are met, each with its definition unless it is a generator."""
    known, found, waiting = symbols(case), {}, set(mentions)
    while waiting:
        name = waiting.pop()
        body = None if name in given else known[name].body
        found[name] = body
        waiting |= (set() if body is None else names(body)) - found.keys()
    return frozenset(found.items())


def _made_of(
    case: Case, per_class: bool, mentions: frozenset[str]
) -> tuple[frozenset[str], frozenset[str]]:
    """Which letters come from others that the line has too, and every letter that is met."""
    made_of: set[str] = set()
    if case.transforms and mentions & {"u", "T", "kappa", "t", "curve"}:
        made_of.add("inputs")
    if case.layer and mentions & _LAYER:
        made_of.add("layer")
        made_of |= {"inputs"} if case.transforms else set()
    if case.mass and (
        case.ignored or per_class or mentions & {"y", "w", "epsilon", "omega", "H", "KL", "E2"}
    ):
        made_of.add("mass")
    step = _given_after_step(case, mentions)
    used: frozenset[str] = (
        frozenset() if step else frozenset().union(*(_ancestors(case)[m] for m in mentions))
    )
    if step:
        made_of.clear()
        used = mentions | {case.target.name}
    used = used - _AFTER_STEP | ({step} if step else set())
    if "layer" in made_of:
        used |= {"W", "x"}
    if "inputs" in made_of:
        used |= _ancestors(case)["z"]
    return frozenset(made_of), used


def _given_after_step(case: Case, mentions: frozenset[str]) -> str:
    """Of a line about what follows a gradient step, the quantity that it starts from."""
    if "lse_new" in mentions:
        return "z_new"
    if mentions & {"CE_new", "L_new"}:
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
        "L_new",
        "lse_new",
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
def _row(
    case: Case, K: int, c: int | None, made_of: frozenset[str], extra: frozenset[str]
) -> Evaluator:
    D = 2
    capped = case.softcap and "inputs" in made_of
    shapes: dict[str, tuple[int, ...]] = dict.fromkeys("pzy", (K,))
    shapes |= dict.fromkeys(sorted(extra & {*_VECTORS}), (K,))
    shapes |= dict.fromkeys(sorted(extra & {*_MATRICES}), (K, D))
    shapes |= {"f": (K if capped else 0,)} | ({"x": (D,)} if "x" in extra else {})
    shapes |= dict.fromkeys(("Z", "lse", "keep", *sorted(extra & {*_CONSTANTS})), ())
    field = Algebra(shapes)
    values: dict[str, Any] = {letter: field[letter] for letter in extra}
    if "epsilon" in extra:
        field.sum_to_one([field["epsilon"], field["keep"]])  # so that 1 − ε is seen to be ≥ 0
    if "V_b" in extra and "V" in extra:  # any direction A of the logits is met
        values["V_b"] = field["V_b"] - values["V"] @ values["x"]
    if "mass" in made_of:
        values.pop("q", None)
    values["y"] = field["y"] if c is None else _one_hot(field, K, c)
    if c is None:
        field.sum_to_one(field["y"])
    _give_logits(case, field, made_of, values)
    sizes, fixed = {"K": K, "D": D}, {} if c is None else {"c": c}
    z = Evaluator(Environment(symbols(case), sizes, values), field).array("z")
    _register_softmax(field, z, field["p"], field["Z"], field["lse"])
    return Evaluator(Environment(symbols(case), sizes, values, fixed), field)


def _one_hot(field: Algebra, K: int, c: int) -> Any:
    return as_array([field.number(Fraction(int(index == c))) for index in range(K)])


def _give_logits(
    case: Case, field: Algebra, made_of: frozenset[str], values: dict[str, Any]
) -> None:
    """z as generators; or u, or b, so that the layers before come out as those generators."""
    if "inputs" in made_of:
        first = values["u"]
        values.pop("t", None)
        if case.softcap:
            for u_k, f_k in zip(first, field["f"], strict=True):
                field.register("tanh", u_k / field["kappa"], f_k)
    else:
        first = values["z"] = field["z"]
    if "layer" in made_of:
        values.pop(case.logit_letter.name, None)
        values["b"] = first - values["W"] @ values["x"]


def _register_softmax(field: Algebra, z: Any, p: Any, Z: Any, lse: Any) -> None:
    """e^{z_k} = p_k Z where Σ_k p_k = 1: then Σ_j e^{z_j} is Z, and most divisors are one term."""
    field.sum_to_one(p)
    field.register("ln", Z, lse)
    field.register("exp", lse, Z)
    for z_k, p_k in zip(z, p, strict=True):
        field.register("exp", z_k, p_k * Z)
        field.register("ln", p_k, z_k - lse)


_MAKES_MASS = frozenset({"Y", "w", "epsilon", "omega_n", "r"})
_COUNTED = ("r", "w", "omega_n")
_BATCH_CONSTANTS = ("C", "eta", "T", "kappa", "zeta", "B", "Omega", "epsilon")


@lru_cache(maxsize=64)
def batch_environment(case: BatchCase, K: int, mentions: frozenset[str]) -> Evaluator:
    """Exact algebra for two rows, of which the second is ignored where some are."""
    N, D = 2, 2
    layer = {"W": (K, D), "V": (K, D), "X": (N, D), "b": (K,), "V_b": (K,)} if case.layer else {}
    field = Algebra(
        dict.fromkeys("pyqz", (N, K)) | layer | {"w": (K,)}
        | dict.fromkeys(("omega_n", "Z", "lse", "g"), (N,))
        | dict.fromkeys(_BATCH_CONSTANTS, ())
    )  # fmt: skip
    zero = field.number(Fraction(0))
    values = {letter: field[letter] for letter in (*_BATCH_CONSTANTS, *layer, "g", "w", "omega_n")}
    values |= {"Y": field["y"], "r": as_array([field.number(Fraction(1 - n)) for n in range(N)])}
    if case.empty:  # whatever is on counts nothing
        values |= {letter: as_array([zero] * len(values[letter])) for letter in _COUNTED}
    if not layer:
        values[case.logit_letter.name] = field["z"]
    defines_omega = mentions == {"Omega"}  # as the number of rows
    if case.plain or case.empty or mentions & _MAKES_MASS or defines_omega:
        del values["Omega"]
    else:  # any mass, over any sum: what is proved of it is more
        values["Q"] = field["q"]
        if case.ignored:
            values["Q"][1] = zero
    sizes = {"N": N, "D": D, "K": K}
    evaluator = Evaluator(Environment(batch_symbols(case), sizes, values), field)
    logits, p = evaluator.array("Z"), field["p"]
    for n in range(N):
        field.sum_to_one(field["y"][n])
        _register_softmax(field, logits[n], p[n], field["Z"][n], field["lse"][n])
        if K == 2:  # sigmoid(z_1 − z_0) = e^{z_1} / (e^{z_0} + e^{z_1})
            field.register("sigmoid", logits[n, 1] - logits[n, 0], p[n, 1])
    return evaluator


def forget() -> None:
    """Make environments anew when they are next asked for.

    Functions of values that no line has use up the generators that an environment has to spare.
    """
    _row.cache_clear()
    batch_environment.cache_clear()


@lru_cache(maxsize=16)
def masked_environments(case: Case) -> list[Evaluator]:
    """Two and three classes, and one and two masked beside them: e^{z_h} is 0."""
    return [_masked(case, K, M) for K, M in ((2, 1), (3, 1), (2, 2))]


def _masked(case: Case, K: int, M: int) -> Evaluator:
    field = Algebra(
        dict.fromkeys("pzyq", (K,)) | {"h": (M,)} | dict.fromkeys(("Z", "lse", "zeta"), ())
    )
    zero, target = field.number(Fraction(0)), case.target.name
    if not case.mass:
        field.sum_to_one(field["y"])
    _register_softmax(field, field["z"], field["p"], field["Z"], field["lse"])
    for z_h in field["h"]:
        field.register("exp", z_h, zero)
    values = {
        "z": field["z"], "z_M": field["h"], target: field[target],
        f"{target}_M": as_array([zero] * M), "zeta": field["zeta"],
    }  # fmt: skip
    return Evaluator(Environment(masked_symbols(case), {"K": K, "M": M}, values), field)
