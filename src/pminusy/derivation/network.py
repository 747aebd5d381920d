"""Where the lines about a layer are proved.

For any size: L = Σ c ⊙ o with arbitrary c, so that ∂L/∂o = c stands for whatever comes after. At the
reader's numbers: L is the real loss, through every later layer and the head, so the gradient at the
first layer's input is proved from end to end.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from pminusy.derivation.chapters.network import FORWARD
from pminusy.derivation.domains import Algebra, Decimals, as_array, decimals
from pminusy.derivation.evaluate import Evaluator
from pminusy.derivation.proof import ProofError
from pminusy.derivation.tree import (
    Apply,
    Fence,
    Flatten,
    Index,
    Node,
    Partial,
    Ref,
    Relation,
    Size,
    Sum,
    exp,
    ln,
)
from pminusy.derivation.world import Symbol, World, defined, given

if TYPE_CHECKING:
    from pminusy.derivation.step import Step

__all__ = ["LayerArena", "LayerNumbers", "layer_symbols"]

n, d = Index("n", "N"), Index("d", "D")


@dataclass(frozen=True, eq=False)
class LayerNumbers:
    """One layer of a network with its numbers.

    `kind` is a key of `chapters.network.FORWARD`; `values` its parameters by letter; `inputs` what
    goes in; `outputs` what comes out and `gradients` what `core.layers` gives, by step suffix.
    """

    kind: str
    stride: int
    width: int
    values: Mapping[str, Any]
    inputs: Any
    outputs: Any
    gradients: Mapping[str, Any]


def layer_symbols(kind: str, stride: int) -> dict[str, Symbol]:
    """Letters of one layer: a, parameters, o."""
    out, body = FORWARD[kind](stride)
    parameters = tuple(slot for slot in out.indices if isinstance(slot, Index))
    image = kind in ("maxpool", "conv")
    made = [
        given("a", *(("N", "C", "T") if image else ("N", "D"))),
        given("W", *(("O", "C", "E") if image else ("K", "D"))),
        given("b", "O" if image else "K"),
        given("mask", "N", "D"), given("rate"), given("gamma", "D"), given("beta", "D"), given("eps"),
        Symbol("o", tuple(index.space for index in parameters), parameters, body),
        Symbol("g", tuple(index.space for index in parameters), parameters,
               Partial(Ref("L"), Ref("o")[parameters])),
    ]  # fmt: skip
    if kind == "batchnorm":
        a, mu, var = Ref("a"), Ref("mu"), Ref("var")
        root = Apply("sqrt", Fence(var[d] + Ref("eps")))
        made += [
            defined("mu", d, by=Sum(n, a[n, d]) / Size("N")),
            defined("var", d, by=Sum(n, (a[n, d] - mu[d]) ** 2) / Size("N")),
            defined("xhat", n, d, by=(a[n, d] - mu[d]) / root),
        ]
    return {symbol.name: symbol for symbol in made}


@dataclass(frozen=True, eq=False)
class LayerArena:
    """One layer, and the loss as a function of what comes out of it."""

    layer: LayerNumbers
    later: tuple[LayerNumbers, ...]
    labels: Any

    @property
    def kind(self) -> Hashable:
        """Kind of layer, and what of its shape a statement depends on."""
        return ("layer", self.layer.kind, self.layer.stride, self.layer.width)

    @property
    def numbers(self) -> Evaluator:
        """The reader's numbers, with every later layer behind them."""
        return _numbers(self)

    def algebra(self, relation: Relation, sizes: tuple[int, ...]) -> list[Evaluator]:
        """Small worlds of different sizes, and for kinks in different regions."""
        return [
            _algebra(self.layer.kind, self.layer.stride, self.layer.width, size, region)
            for size in (2, 3)
            for region in (0, 1)
        ]

    def confirm(self, step: Step) -> None:
        """`core.layers` gives the same numbers, within the rounding of float64."""
        suffix = step.name.rpartition("_")[2]
        known = {**self.layer.gradients, "forward": self.layer.outputs}.get(suffix)
        if known is None or step.value.left_out:
            return
        known = np.asarray(known, dtype=np.float64).reshape(-1)
        exact = np.array([float(v) for _, v in sorted(step.value.entries.items())])
        scale = max(1.0, float(np.abs(known).max(initial=0.0)))
        if known.shape != exact.shape or not np.all(np.abs(known - exact) <= 1e-11 * scale):
            raise ProofError(f"step {step.name}: core.layers gives other numbers")


@lru_cache(maxsize=256)
def _numbers(arena: LayerArena) -> Evaluator:
    layer = arena.layer
    symbols, values = layer_symbols(layer.kind, layer.stride), {}
    values |= {name: _exactly(value) for name, value in layer.values.items()}
    values["a"] = _exactly(layer.inputs)
    sizes = _sizes(layer)
    last = "o"
    for place, after in enumerate(arena.later):
        last = _append(symbols, values, sizes, after, place, last)
    _append_head(symbols, values, sizes, arena.labels, last)
    return Evaluator(World(symbols, sizes, values), Decimals())


def _sizes(layer: LayerNumbers) -> dict[str, int]:
    a, out = layer.inputs.shape, layer.outputs.shape
    if layer.kind in ("maxpool", "conv"):
        return {"N": a[0], "C": a[1], "T": a[2], "O": out[1], "Q": out[2], "E": layer.width}
    return {"N": a[0], "D": a[1], "K": out[1]}


def _append(
    symbols: dict[str, Symbol], values: dict[str, Any], sizes: dict[str, int],
    layer: LayerNumbers, place: int, source: str,
) -> str:  # fmt: skip
    """Add a later layer under names of its own; the name of its output."""
    from pminusy.derivation.tree import children, rebuild

    mark = f"_{place + 1}"
    if layer.kind == "flatten":
        sizes["D" + mark] = layer.outputs.shape[1]
        flat = Symbol("o" + mark, ("N", "D" + mark), (), Flatten(Ref(source)))
        symbols[flat.name] = flat
        return flat.name
    own = layer_symbols(layer.kind, layer.stride)
    rename = {name: name + mark for name in own if name != "a"} | {"a": source}
    for space, length in _sizes(layer).items():
        sizes[space + mark if space != "N" else "N"] = length

    def index(slot: Any) -> Any:
        if isinstance(slot, Index):
            return slot if slot.space == "N" else Index(slot.name, slot.space + mark)
        if hasattr(slot, "backwards"):
            return type(slot)(index(slot.index), index(slot.by), slot.stride, slot.backwards)
        return slot

    def renamed(tree: Any) -> Node:
        from dataclasses import fields, replace

        new = rebuild(tree, tuple(renamed(part) for part in children(tree)))
        if isinstance(new, Ref):
            return Ref(rename[new.name], tuple(index(slot) for slot in new.indices))
        changes = {
            f.name: index(getattr(new, f.name))
            for f in fields(new)  # type: ignore[arg-type]  # every node is a dataclass
            if isinstance(getattr(new, f.name), Index)
        }
        return replace(new, **changes)  # type: ignore[type-var]  # every node is a dataclass

    for name, symbol in own.items():
        if name in ("a", "g"):
            continue
        body = None if symbol.body is None else renamed(symbol.body)
        spaces = tuple(s if s == "N" else s + mark for s in symbol.spaces)
        parameters = tuple(index(slot) for slot in symbol.parameters)
        symbols[rename[name]] = Symbol(rename[name], spaces, parameters, body)
    values |= {name + mark: _exactly(value) for name, value in layer.values.items()}
    return rename["o"]


def _append_head(
    symbols: dict[str, Symbol], values: dict[str, Any], sizes: dict[str, int], labels: Any, last: str
) -> None:
    k, j = Index("k", symbols[last].spaces[-1]), Index("j", symbols[last].spaces[-1])
    z = Ref(last)
    values["Y"] = _exactly(np.eye(sizes[k.space])[labels])
    symbols["Y"] = given("Y", "N", k.space)
    loss = Sum(n, Sum(k, Ref("Y")[n, k] * (ln(Sum(j, exp(z[n, j]))) - z[n, k])))
    symbols["L"] = defined("L", by=loss / Size("N"))


def _exactly(value: Any) -> Any:
    array = np.asarray(value)
    if array.ndim == 0:
        return decimals.mpf(float(array))
    return as_array([decimals.mpf(float(v)) for v in array.ravel()]).reshape(array.shape)


@lru_cache(maxsize=256)
def _algebra(kind: str, stride: int, width: int, size: int, region: int) -> Evaluator:
    N, D, K = (2, 2, 2) if size == 2 else (3, 2, 2)
    if kind in ("maxpool", "conv"):
        Q = 2 if size == 2 else 3
        sizes = {"N": 1, "C": size - 1, "T": stride * (Q - 1) + width, "O": 2, "Q": Q, "E": width}
        if kind == "maxpool":
            sizes["O"] = sizes["C"]
    else:
        sizes = {"N": N, "D": D, "K": K if kind == "linear" else D}
    symbols = layer_symbols(kind, stride)
    shapes = {
        name: tuple(sizes[space] for space in symbol.spaces)
        for name, symbol in symbols.items()
        if symbol.body is None and all(space in sizes for space in symbol.spaces)
    }
    shapes["c"] = tuple(sizes[space] for space in symbols["o"].spaces)
    names = [f"{name}.{i}" for name, shape in shapes.items() for i in range(int(np.prod(shape)))]
    roots = [f"root.{i}" for i in range(sizes.get("D", 0))] if kind == "batchnorm" else []
    field_ = Algebra([*names, *roots])
    values = {
        name: as_array([field_[f"{name}.{i}"] for i in range(int(np.prod(shape)))]).reshape(shape)
        for name, shape in shapes.items()
    }
    values = {name: value[()] if value.ndim == 0 else value for name, value in values.items()}
    drawn = np.random.default_rng([size, region]).permutation(range(1, 2 * len(names) + 1))
    signed = {
        name: int(value) * (-1) ** (i + region)
        for i, (name, value) in enumerate(zip(names, drawn, strict=False))
    }
    field_.look_near(signed)
    coefficients = values.pop("c")
    parameters = symbols["o"].parameters
    body: Node = Ref("c")[parameters] * Ref("o")[parameters]
    for parameter in reversed(parameters):
        body = Sum(parameter, body)
    symbols = {**symbols, "c": given("c", *symbols["o"].spaces), "L": defined("L", by=body)}
    values["c"] = coefficients
    evaluator = Evaluator(World(symbols, sizes, values), field_)
    if kind == "batchnorm":
        _register_roots(evaluator, field_, sizes["D"])
    return evaluator


def _register_roots(at: Evaluator, field_: Algebra, D: int) -> None:
    """√(σ² + ε) as generators: exact up to their squares, which `is_zero` puts back."""
    variance, eps = at.array("var"), at.array("eps")
    for feature in range(D):
        square = variance[feature] + eps
        field_.register_root(field_[f"root.{feature}"], square)


