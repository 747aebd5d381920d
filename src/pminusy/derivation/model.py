"""The reader's case: what is given, which options are on, and what every letter then means.

`Case` says which letters exist and how they are defined; a proof for any K needs no more. `Setup`
adds the reader's numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np

from pminusy.core.options import Options
from pminusy.derivation import letters as o
from pminusy.derivation.domains import WORKING_DIGITS, Algebra, Decimals, as_array, decimals
from pminusy.derivation.evaluate import Evaluator
from pminusy.derivation.tree import (
    Apply,
    Div,
    Mul,
    Neg,
    Node,
    Partial,
    Ref,
    Size,
    Sum,
    exp,
    ln,
    node,
)
from pminusy.derivation.world import Symbol, World, defined, given

__all__ = ["Case", "Setup", "algebra"]

i, j, k, d, c = o.i, o.j, o.k, o.d, o.c


@dataclass(frozen=True)
class Case:
    """Which letters exist.

    `source` is "logits", "probabilities" or "layer". `one_hot` is whether the target is one class,
    `ignored` whether it is the mark of a row that is not to count.
    The rest are the options that change a formula.
    """

    source: str = "logits"
    one_hot: bool = True
    ignored: bool = False
    smoothing: bool = False
    weights: bool = False
    sample_weight: bool = False
    temperature: bool = False
    softcap: bool = False
    z_loss: bool = False
    log_base: bool = False

    @property
    def mass(self) -> bool:
        """Whether targets are a target mass q with a total S other than 1."""
        return not self.one_hot or self.smoothing or self.weights or self.sample_weight

    @property
    def transforms(self) -> bool:
        """Whether the logits given, u, are not yet the logits z of the softmax."""
        return self.temperature or self.softcap

    @property
    def layer(self) -> bool:
        """Whether the linear layer belongs to it."""
        return self.source == "layer"

    @property
    def target(self) -> Ref:
        """Letter of the target: y, or q once options apply."""
        return o.q if self.mass else o.y

    @property
    def total(self) -> Node:
        """Its sum over the classes: 1, or S."""
        return o.S if self.mass else node(1)

    @property
    def cross_entropy(self) -> Ref:
        """Letter of the cross-entropy: L, or CE when the z-loss is added to it."""
        return o.CE if self.z_loss else o.L

    @property
    def inputs(self) -> Ref:
        """Letter of the logits that are given or come from the layer."""
        return o.u if self.transforms else o.z

    def scaled(self, tree: Node) -> Node:
        """S times a tree; the tree itself where S = 1."""
        return self.total * tree if self.mass else tree

    def target_mass(self) -> Node:
        """q_k in terms of y, w, ε and ω: only the options that are on; 0 in an ignored row."""
        if self.ignored:
            return node(0)
        keep, spread = 1 - o.epsilon, o.epsilon / Size("K")
        if self.one_hot:
            own: Node = keep * o.y[k] if self.smoothing else o.y[k]
            own = o.w[c] * own if self.weights else own
            even: Node = o.w[k] * spread if self.weights else spread
            body = own + even if self.smoothing else own
        else:
            body = keep * o.y[k] + spread if self.smoothing else o.y[k]
            body = o.w[k] * body if self.weights else body
        return o.omega * body if self.sample_weight else body

    def logits(self, u: Ref = o.u) -> Node:
        """z_k in terms of u_k."""
        body: Node = u[k]
        if self.softcap:
            body = o.kappa * Apply("tanh", u[k] / o.kappa)
        return body / o.T if self.temperature else body

    def slope(self) -> Node:
        """t_k = dz_k/du_k."""
        top: Node = Apply("sech2", o.u[k] / o.kappa) if self.softcap else node(1)
        return top / o.T if self.temperature else top

    def curvature(self) -> Node:
        """d²z_k/du_k²."""
        return Neg(Mul((Div(node(2), o.kappa), Apply("tanh", o.u[k] / o.kappa), o.t[k])))


def _softmax(letter: Ref) -> Node:
    return exp(letter[k]) / Sum(j, exp(letter[j]))


@lru_cache(maxsize=64)
def symbols(case: Case) -> Mapping[str, Symbol]:
    """Every letter of a case."""
    target = case.target
    layer = Sum(d, o.W[k, d] * o.x[d]) + o.b[k]
    made = [
        given("x", "D"), given("W", "K", "D"), given("b", "K"), given("y", "K"),
        given("w", "K"), *(given(name) for name in _CONSTANTS), given("v", "K"),
        given("V", "K", "D"),
        given("V_b", "K"),
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
        defined("W_new", k, d, by=o.W[k, d] - o.eta * Partial(o.L, case.inputs[k]) * o.x[d]),
        defined("b_new", k, by=o.b[k] - o.eta * Partial(o.L, case.inputs[k])),
        defined(
            f"{case.inputs.name}_new", k,
            by=Sum(d, Ref("W_new")[k, d] * o.x[d]) + Ref("b_new")[k],
        ),
        defined("p_new", k, by=_softmax(Ref("z_new"))),
        defined("CE_new", by=Neg(Sum(k, target[k] * ln(Ref("p_new")[k])))),
        defined("W_t", by=o.W.T),
    ]  # fmt: skip
    if case.z_loss:
        made.append(defined("L", by=o.CE + case.scaled(o.zeta) * o.lse**2))
    first = case.inputs.name
    made.append(defined(first, k, by=layer) if case.layer else given(first, "K"))
    if case.transforms:
        made += [defined("z", k, by=case.logits()), defined("t", k, by=case.slope())]
        made.append(defined("z_new", k, by=case.logits(Ref("u_new"))))
    if case.softcap:
        made.append(defined("curve", k, by=case.curvature()))
    return {symbol.name: symbol for symbol in made}


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
    world = World(symbols(case), {}, {})
    return {name: world.made_from(name) for name in world.symbols}


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
    z = Evaluator(World(symbols(case), {"K": K, "D": D}, values), field).array("z")
    _register_softmax(field, z, K)
    fixed = {} if c is None else {"c": c}
    return Evaluator(World(symbols(case), {"K": K, "D": D}, values, fixed), field)


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
        values.pop(case.inputs.name, None)
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


@dataclass(frozen=True)
class Setup:
    """The reader's numbers.

    Parameters
    ----------
    case
        Which letters there are.
    values
        Given values by letter: floats, or mpmath numbers where they are exact.
    K, D
        Classes and features (D is 1 without a layer).
    c
        True class, None for soft targets.
    classes, features
        Names to show.
    options
        The same options for `core`.
    digits
        Digits that decimals are worked in: as many as these logits need.
    labels
        The classes among all, where some are masked and left out.
    """

    case: Case
    values: Mapping[str, Any]
    K: int
    D: int
    c: int | None
    classes: tuple[str, ...]
    features: tuple[str, ...] = ()
    options: Options = field(default_factory=Options)
    digits: int = WORKING_DIGITS
    labels: tuple[int, ...] = ()
    numbers: Evaluator = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Make the evaluator at the reader's numbers."""
        values = {name: _exactly(value) for name, value in self.values.items()}
        fixed = {} if self.c is None else {"c": self.c}
        labels = {"K": self.labels} if self.labels else {}
        sizes = {"K": self.K, "D": self.D}
        world = World(symbols(self.case), sizes, values, fixed, self.digits, labels)
        object.__setattr__(self, "numbers", Evaluator(world, Decimals()))


def _exactly(value: Any) -> Any:
    """mpmath numbers of the very values given: a float64 is taken to its last bit."""
    array = np.asarray(value)
    if array.ndim == 0:
        return _number(array[()])
    return as_array([_number(item) for item in array.ravel()]).reshape(array.shape)


def _number(value: Any) -> Any:
    return value if isinstance(value, decimals.mpf) else decimals.mpf(float(value))
