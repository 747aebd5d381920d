"""The layers before the head as mathematics: forward, every path, and backward.

Letters are the same for every layer: a goes in, o comes out, g = ∂L/∂o is what comes back. An image
has channels c, rows t and columns u; the windows of a convolution or a pool are numbered q, r, and
a place within one is e, f.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from pminusy.derivation.layers.form import Axis, Form
from pminusy.derivation.tree import (
    Add,
    Apply,
    ArgMaxIndicator,
    Delta,
    Div,
    Index,
    Indicator,
    Max,
    Mul,
    Node,
    Offset,
    Parens,
    Partial,
    Power,
    Ref,
    Relation,
    Size,
    Sum,
    children,
    exp,
    node,
    rebuild,
)

__all__ = ["LayerSymbol", "Statements", "statements"]

n, m = Index("n", "N"), Index("m", "N")
d, k = Index("d", "D"), Index("k", "K")
c, kernel = Index("c", "C"), Index("k", "O")
T, U = (Index("t", "T"), Index("v", "T")), (Index("u", "U"), Index("w", "U"))
PLACES, WINDOWS = (T[0], U[0]), (Index("q", "Q"), Index("r", "R"))
INSIDE, SPREAD = (Index("e", "E"), Index("f", "F")), (Index("v", "V"), Index("w", "X"))
word = Index("v", "V")
a, o, g, h, L, W, b, E = (Ref(name) for name in "aoghLWbE")
rho, cubic = Ref("rho"), Ref("cubic")
mask, rate, gamma, beta = Ref("mask"), Ref("rate"), Ref("gamma"), Ref("beta")
mu, var, xhat, eps = Ref("mu"), Ref("var"), Ref("xhat"), Ref("eps")


@dataclass(frozen=True)
class LayerSymbol:
    """A letter of a layer: the index sets of what is given, or a definition."""

    name: str
    indices: tuple[Index, ...] = ()
    body: Node | None = None

    @property
    def ref(self) -> Ref:
        """The letter with its indices."""
        return Ref(self.name, self.indices)


@dataclass(frozen=True)
class Statements:
    """Everything that is said about a layer.

    Attributes
    ----------
    inputs, outputs
        Indices of a and of o.
    given, defined
        Parameters, and quantities between a and o, by letter.
    forward
        o with its indices, by what it is made of.
    between
        Derivatives of the quantities between.
    stages
        ∂L by those quantities, on the way back to the input.
    paths, local
        The chain rule over all paths from an entry of a, and what one of those paths passes on.
    backward
        ∂L/∂parameter and ∂L/∂a.
    """

    inputs: tuple[Index, ...]
    outputs: tuple[Index, ...]
    forward: Node
    backward: Mapping[str, tuple[Node, Node]]
    paths: Node | None = None
    local: tuple[Node, Node] | None = None
    parameters: tuple[LayerSymbol, ...] = ()
    defined: tuple[LayerSymbol, ...] = ()
    between: Mapping[str, Relation] = field(default_factory=dict)
    stages: Mapping[str, Relation] = field(default_factory=dict)


@lru_cache(maxsize=256)
def statements(form: Form) -> Statements:
    """The mathematics of a layer."""
    rank, axes = form.rank, form.axes
    made: dict[str, Callable[[], Statements]] = {
        "linear": _linear,
        "embedding": _embedding,
        "relu": lambda: _relu(rank),
        "tanh": lambda: _tanh(rank),
        "sigmoid": lambda: _sigmoid(rank),
        "gelu": lambda: _gelu(rank),
        "gelu_tanh": lambda: _gelu_tanh(rank),
        "dropout": lambda: _dropout(rank),
        "dropout_test": lambda: _dropout_test(rank),
        "batchnorm": lambda: _batch_norm(rank),
        "batchnorm_test": lambda: _batch_norm_test(rank),
        "maxpool": lambda: _max_pool(axes),
        "conv": lambda: _convolution(axes),
    }
    about = made[form.kind]()
    return _without_parameters(about, form.kind) if form.plain else about


def _without_parameters(about: Statements, kind: str) -> Statements:
    """The same without a bias, or without γ and β."""
    left_out = {"b", "gamma", "beta"}
    ones = {gamma: node(1), beta: node(0), b: node(0)}

    def plain(tree: Node) -> Node:
        if isinstance(tree, Ref) and Ref(tree.name) in ones:
            return ones[Ref(tree.name)]
        new = rebuild(tree, tuple(map(plain, children(tree))))
        if isinstance(new, Add):
            terms = tuple(term for term in new.terms if term != node(0))
            return terms[0] if len(terms) == 1 else Add(terms)
        if isinstance(new, Mul):
            factors = tuple(factor for factor in new.factors if factor != node(1))
            return factors[0] if len(factors) == 1 else Mul(factors)
        return new

    def pair(sides: tuple[Node, Node]) -> tuple[Node, Node]:
        return plain(sides[0]), plain(sides[1])

    return replace(
        about,
        forward=plain(about.forward),
        paths=None if about.paths is None else plain(about.paths),
        local=None if about.local is None else pair(about.local),
        backward={
            key: pair(sides) for key, sides in about.backward.items()
            if key not in ("db", "dgamma", "dbeta")
        },
        parameters=tuple(part for part in about.parameters if part.name not in left_out),
        stages={
            key: Relation(tuple(map(plain, line.sides)), line.signs)
            for key, line in about.stages.items()
        },
    )  # fmt: skip


def _inputs(rank: int) -> tuple[Index, ...]:
    return (n, d) if rank == 2 else (n, c, *PLACES[: rank - 2])


def _sum(over: tuple[Index, ...], body: Node) -> Node:
    for index in reversed(over):
        body = Sum(index, body)
    return body


def _linear() -> Statements:
    return Statements(
        inputs=(n, d), outputs=(n, k),
        parameters=(LayerSymbol("W", (k, d)), LayerSymbol("b", (k,))),
        forward=Sum(d, W[k, d] * a[n, d]) + b[k],
        paths=Sum(k, g[n, k] * Partial(o[n, k], a[n, d])),
        local=(Partial(o[n, k], a[n, d]), W[k, d]),
        backward={
            "dW": (Partial(L, W[k, d]), Sum(n, g[n, k] * a[n, d])),
            "db": (Partial(L, b[k]), Sum(n, g[n, k])),
            "da": (Partial(L, a[n, d]), Sum(k, g[n, k] * W[k, d])),
        },
    )  # fmt: skip


def _relu(rank: int) -> Statements:
    at = _inputs(rank)
    return _entry_by_entry(at, Apply("relu", a[at]), Indicator(a[at]), g[at] * Indicator(a[at]))


def _tanh(rank: int) -> Statements:
    at = _inputs(rank)
    slope = Parens(1 - o[at] ** 2)
    return _entry_by_entry(at, Apply("tanh", a[at]), 1 - o[at] ** 2, g[at] * slope)


def _sigmoid(rank: int) -> Statements:
    at = _inputs(rank)
    slope = o[at] * Parens(1 - o[at])
    return _entry_by_entry(at, 1 / Parens(1 + exp(-a[at])), slope, g[at] * slope)


def _gelu(rank: int) -> Statements:
    at = _inputs(rank)
    below, density = Apply("Φ", Parens(a[at])), Apply("φ", Parens(a[at]))
    slope = below + a[at] * density
    return _entry_by_entry(at, a[at] * below, slope, g[at] * Parens(slope))


def _gelu_tanh(rank: int) -> Statements:
    """GELU with tanh in the place of Φ: s is what tanh is taken of."""
    at = _inputs(rank)
    half = Div(a[at], node(2))
    inner = LayerSymbol("inner", at, rho * Parens(a[at] + cubic * a[at] ** 3))
    squashed, sech2 = Apply("tanh", inner.ref), Apply("sech2", inner.ref)
    slope = Div(1 + squashed, node(2)) + half * sech2 * rho * Parens(1 + 3 * cubic * a[at] ** 2)
    made = _entry_by_entry(
        at, half * Parens(1 + squashed), slope, g[at] * Parens(slope),
        (LayerSymbol("rho"), LayerSymbol("cubic")),
    )  # fmt: skip
    return replace(made, defined=(inner,))


def _embedding() -> Statements:
    """A linear layer of rows with a single 1; nothing goes on to codes, which are no numbers."""
    return Statements(
        inputs=(n, word), outputs=(n, d), parameters=(LayerSymbol("E", (word, d)),),
        forward=Sum(word, a[n, word] * E[word, d]),
        backward={"dE": (Partial(L, E[word, d]), Sum(n, a[n, word] * g[n, d]))},
    )  # fmt: skip


def _dropout(rank: int) -> Statements:
    at = _inputs(rank)
    parameters = (LayerSymbol("mask", at), LayerSymbol("rate"))
    kept = mask[at] / Parens(1 - rate)
    back = g[at] * mask[at] / Parens(1 - rate)
    return _entry_by_entry(at, a[at] * mask[at] / Parens(1 - rate), kept, back, parameters)


def _dropout_test(rank: int) -> Statements:
    at = _inputs(rank)
    return _entry_by_entry(at, a[at], node(1), g[at])


def _entry_by_entry(
    at: tuple[Index, ...],
    forward: Node,
    slope: Node,
    back: Node,
    parameters: tuple[LayerSymbol, ...] = (),
) -> Statements:
    local = Partial(o[at], a[at])
    return Statements(
        inputs=at, outputs=at, parameters=parameters, forward=forward, paths=g[at] * local,
        local=(local, slope), backward={"da": (Partial(L, a[at]), back)},
    )  # fmt: skip


def _normalised(rank: int) -> tuple[tuple[Index, ...], Index, Node, Node]:
    """Indices of a, the feature or channel, γ over the standard deviation, and x̂."""
    at = _inputs(rank)
    feature = at[1]
    root = Apply("sqrt", Parens(var[feature] + eps))
    return at, feature, Div(gamma[feature], root), Parens(a[at] - mu[feature]) / root


def _batch_norm_test(rank: int) -> Statements:
    """With running statistics μ and σ² are fixed numbers, and the layer a linear map."""
    at, feature, slope, normalised = _normalised(rank)
    local = Partial(o[at], a[at])
    parameters = tuple(LayerSymbol(name, (feature,)) for name in ("gamma", "beta", "mu", "var"))
    return Statements(
        inputs=at, outputs=at, parameters=(*parameters, LayerSymbol("eps")),
        defined=(LayerSymbol("xhat", at, normalised),),
        forward=gamma[feature] * xhat[at] + beta[feature],
        paths=g[at] * local, local=(local, slope),
        backward={**_scale_and_shift(at), "da": (Partial(L, a[at]), slope * g[at])},
    )  # fmt: skip


def _batch_norm(rank: int) -> Statements:
    at, feature, slope, normalised = _normalised(rank)
    rest = tuple(index for index in at if index != feature)
    also = (m, *(pair[1] for pair in (T, U)[: rank - 2]))
    there = (also[0], feature, *also[1:])
    sizes = tuple(Size(index.space) for index in rest)
    count: Node = sizes[0] if len(sizes) == 1 else Mul(sizes)
    same = Delta(m, n) if rank == 2 else Mul(tuple(map(Delta, also, rest)))
    parameters = (
        LayerSymbol("gamma", (feature,)),
        LayerSymbol("beta", (feature,)),
        LayerSymbol("eps"),
    )
    mean, variance = (
        LayerSymbol(letter, (feature,), (1 / count) * _sum(rest, body))
        for letter, body in (("mu", a[at]), ("var", Parens(a[at] - mu[feature]) ** 2))
    )
    return Statements(
        inputs=at, outputs=at, parameters=parameters,
        defined=(mean, variance, LayerSymbol("xhat", at, normalised)),
        forward=gamma[feature] * xhat[at] + beta[feature],
        between={
            "mean_by": Relation.equal(Partial(mu[feature], a[at]), 1 / count),
            "variance_by": Relation.equal(
                Partial(var[feature], a[at]), Div(2 * Parens(a[at] - mu[feature]), count)
            ),
        },
        stages=_by_stages(at, also, there, count),
        paths=_sum(also, g[there] * Partial(o[there], a[at])),
        local=(
            Partial(o[there], a[at]),
            slope * Parens(same - 1 / count - xhat[there] * xhat[at] / count),
        ),
        backward={
            **_scale_and_shift(at),
            "da": (
                Partial(L, a[at]),
                slope * Parens(
                    g[at] - _sum(also, g[there]) / count
                    - xhat[at] * (_sum(also, g[there] * xhat[there]) / count)
                ),
            ),
        },
    )  # fmt: skip


def _by_stages(
    at: tuple[Index, ...], also: tuple[Index, ...], there: tuple[Index, ...], count: Node
) -> dict[str, Relation]:
    """From g to x̂, from there to the variance and the mean, and the three paths to the input."""
    feature = at[1]
    root = Apply("sqrt", Parens(var[feature] + eps))
    by_xhat, by_var, by_mu = (
        Partial(L, xhat[there]), Partial(L, var[feature]), Partial(L, mu[feature])
    )  # fmt: skip
    centred = Parens(a[there] - mu[feature])
    return {
        "dxhat": Relation.equal(Partial(L, xhat[at]), g[at] * gamma[feature]),
        "xhat_by": Relation.equal(
            Partial(xhat[at], var[feature]),
            -Div(a[at] - mu[feature], 2 * Power(root, 3)),
        ),
        "dvar": Relation.equal(by_var, -_sum(also, by_xhat * Div(centred, 2 * Power(root, 3)))),
        "dmu": Relation.equal(by_mu, -_sum(also, by_xhat * Div(node(1), root))),
        "three_paths": Relation.equal(
            Partial(L, a[at]),
            Partial(L, xhat[at]) * Div(node(1), root)
            + by_var * Div(2 * Parens(a[at] - mu[feature]), count)
            + by_mu * Div(node(1), count),
        ),
    }


def _scale_and_shift(at: tuple[Index, ...]) -> dict[str, tuple[Node, Node]]:
    """γ and β act on every entry of their feature or channel."""
    feature = at[1]
    rest = tuple(index for index in at if index != feature)
    return {
        "dgamma": (Partial(L, gamma[feature]), _sum(rest, g[at] * xhat[at])),
        "dbeta": (Partial(L, beta[feature]), _sum(rest, g[at])),
    }


def _seen(axes: tuple[Axis, ...]) -> tuple[Offset | Index, ...]:
    """Which entry of a stands at a place e, f of the window q, r: stride · q + e − padding."""
    return tuple(
        Offset(((axis.stride, window), (1, inside)), -axis.padding)
        for axis, window, inside in zip(axes, WINDOWS, INSIDE, strict=False)
    )


def _max_pool(axes: tuple[Axis, ...]) -> Statements:
    windows, inside, places = (all_[: len(axes)] for all_ in (WINDOWS, INSIDE, PLACES))
    entry, window = (n, c, *places), a[(n, c, *_seen(axes))]
    out = (n, c, *windows)
    indicator = ArgMaxIndicator(inside, window, places)
    return Statements(
        inputs=entry, outputs=out, forward=Max(inside, window),
        paths=_sum(windows, g[out] * Partial(o[out], a[entry])),
        local=(Partial(o[out], a[entry]), indicator),
        backward={"da": (Partial(L, a[entry]), _sum(windows, g[out] * indicator))},
    )  # fmt: skip


def _convolution(axes: tuple[Axis, ...]) -> Statements:
    windows, inside, places = (all_[: len(axes)] for all_ in (WINDOWS, INSIDE, PLACES))
    entry, out, weight = (n, c, *places), (n, kernel, *windows), (kernel, c, *inside)
    window = a[(n, c, *_seen(axes))]
    reached = W[(kernel, c, *(
        Offset(((1, place), (-axis.stride, q)), axis.padding)
        for axis, place, q in zip(axes, places, windows, strict=True)
    ))]  # fmt: skip
    return Statements(
        inputs=entry,
        outputs=out,
        parameters=(LayerSymbol("W", weight), LayerSymbol("b", (kernel,))),
        forward=_sum((c, *inside), window * W[weight]) + b[kernel],
        paths=_sum((kernel, *windows), g[out] * Partial(o[out], a[entry])),
        local=(Partial(o[out], a[entry]), reached),
        backward={
            "dW": (Partial(L, W[weight]), _sum((n, *windows), g[out] * window)),
            "db": (Partial(L, b[kernel]), _sum((n, *windows), g[out])),
            "da": (Partial(L, a[entry]), _sum((kernel, *windows), g[out] * reached)),
        },
        **_full_convolution(axes),
    )


def _full_convolution(axes: tuple[Axis, ...]) -> dict[str, Any]:
    """∂L/∂a as the full convolution of g, spread by the stride, and with the kernel flipped."""
    windows, inside, places = (all_[: len(axes)] for all_ in (WINDOWS, INSIDE, PLACES))
    entry, weight = (n, c, *places), (kernel, c, *inside)
    spread = any(axis.stride > 1 for axis in axes)
    from_, spots = (h, SPREAD[: len(axes)]) if spread else (g, windows)
    full = from_[(n, kernel, *(
        Offset(((1, place), (-1, e)), axis.padding)
        for axis, place, e in zip(axes, places, inside, strict=True)
    ))]  # fmt: skip
    flipped = from_[(n, kernel, *(
        Offset(((1, place), (1, e)), axis.padding - axis.kernel + 1)
        for axis, place, e in zip(axes, places, inside, strict=True)
    ))]  # fmt: skip
    turned = W[(kernel, c, *(
        Offset(((-1, e),), axis.kernel - 1) for axis, e in zip(axes, inside, strict=True)
    ))]  # fmt: skip
    over = (kernel, *inside)
    between = {
        "full": Relation.equal(Partial(L, a[entry]), _sum(over, full * W[weight])),
        "flipped": Relation.equal(Partial(L, a[entry]), _sum(over, flipped * turned)),
    }
    if not spread:
        return {"between": between}
    at = tuple(
        Delta(spot, Offset(((axis.stride, q),)))
        for spot, axis, q in zip(spots, axes, windows, strict=True)
    )
    body = _sum(windows, Mul((*at, g[(n, kernel, *windows)])))
    return {"between": between, "defined": (LayerSymbol("h", (n, kernel, *spots), body),)}
