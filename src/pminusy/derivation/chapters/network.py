"""The layers before the head: each forward, and backward from the gradient of what comes after.

Letters are the same for every layer: a goes in, o comes out, g = ∂L/∂o is what the next layer tells.
"""

from __future__ import annotations

from collections.abc import Iterator

from pminusy.derivation.step import OUTLINE, RESULT, Line
from pminusy.derivation.tree import (
    Apply,
    Div,
    Fence,
    Index,
    Indicator,
    Max,
    Node,
    Offset,
    Partial,
    Ref,
    Relation,
    Size,
    Sum,
    Wins,
)

__all__ = ["BACKWARD", "FORWARD", "lines"]

n = Index("n", "N")
d, k = Index("d", "D"), Index("k", "K")
t, q, e = Index("t", "T"), Index("q", "Q"), Index("e", "E")
r, s = Index("c", "C"), Index("o", "O")  # in- and out-channel
a, o, g, L, W, b = Ref("a"), Ref("o"), Ref("g"), Ref("L"), Ref("W"), Ref("b")
m, rate, gamma, beta = Ref("mask"), Ref("rate"), Ref("gamma"), Ref("beta")
mu, var, xhat, eps = Ref("mu"), Ref("var"), Ref("xhat"), Ref("eps")


def _root(index: Index) -> Node:
    return Apply("sqrt", Fence(var[index] + eps))


def _window(stride: int) -> Ref:
    return a[n, r, Offset(q, e, stride)]


FORWARD = {
    "linear": lambda _: (o[n, k], Sum(d, W[k, d] * a[n, d]) + b[k]),
    "relu": lambda _: (o[n, d], Apply("relu", a[n, d])),
    "dropout": lambda _: (o[n, d], a[n, d] * m[n, d] / Fence(1 - rate)),
    "batchnorm": lambda _: (o[n, d], gamma[d] * xhat[n, d] + beta[d]),
    "maxpool": lambda stride: (o[n, r, q], Max(e, _window(stride))),
    "conv": lambda stride: (o[n, s, q], Sum(r, Sum(e, _window(stride) * W[s, r, e])) + b[s]),
}
"""Output of each layer, by its input."""

BACKWARD = {
    "linear": lambda _: {
        "dW": (Partial(L, W[k, d]), Sum(n, g[n, k] * a[n, d])),
        "db": (Partial(L, b[k]), Sum(n, g[n, k])),
        "da": (Partial(L, a[n, d]), Sum(k, g[n, k] * W[k, d])),
    },
    "relu": lambda _: {"da": (Partial(L, a[n, d]), g[n, d] * Indicator(a[n, d]))},
    "dropout": lambda _: {"da": (Partial(L, a[n, d]), g[n, d] * m[n, d] / Fence(1 - rate))},
    "batchnorm": lambda _: {
        "dgamma": (Partial(L, gamma[d]), Sum(n, g[n, d] * xhat[n, d])),
        "dbeta": (Partial(L, beta[d]), Sum(n, g[n, d])),
        "da": (
            Partial(L, a[n, d]),
            Div(gamma[d], _root(d))
            * Fence(
                g[n, d]
                - Sum(_n2, g[_n2, d]) / Size("N")
                - xhat[n, d] * (Sum(_n2, g[_n2, d] * xhat[_n2, d]) / Size("N"))
            ),
        ),
    },
    "maxpool": lambda stride: {
        "da": (Partial(L, a[n, r, t]), Sum(q, g[n, r, q] * Wins(e, _window(stride), t)))
    },
    "conv": lambda stride: {
        "dW": (Partial(L, W[s, r, e]), Sum(n, Sum(q, g[n, s, q] * _window(stride)))),
        "db": (Partial(L, b[s]), Sum(n, Sum(q, g[n, s, q]))),
        "da": (
            Partial(L, a[n, r, t]),
            Sum(s, Sum(e, g[n, s, Offset(t, e, 1, True)] * W[s, r, e])),
        ),
    },
}
"""Gradients of each layer: of its parameters and its input."""

_n2 = Index("m", "N")

_WHY = {
    "linear": ("Linear layer", "The same three products as at the head."),
    "relu": ("ReLU", "Where a was positive g passes, elsewhere nothing does; a = 0, the kink, is excluded."),
    "dropout": ("Dropout", "The same mask and the same scale as on the way forward."),
    "batchnorm": (
        "Batch norm",
        "Mean and variance move with every row, so each row is told what the others are told too.",
    ),
    "maxpool": (
        "Max pool",
        "g goes to the largest entry of each window (the first, on ties, which are excluded here); "
        "overlapping windows add up.",
    ),
    "conv": (
        "Convolution",
        "Input and g correlated for the kernel; for the input the full convolution of g with the "
        "kernel, in- and out-channels exchanged.",
    ),
}
_NAMES = {"da": "its input", "dW": "its weights", "db": "its bias", "dgamma": "γ", "dbeta": "β"}


def lines(kind: str, prefix: str, stride: int = 1) -> Iterator[Line]:
    """Forward and backward of one layer; `prefix` makes the names its own."""
    title, why = _WHY[kind]
    if kind == "batchnorm":
        yield from _statistics(prefix)
    yield Line(
        f"{prefix}_forward", f"{title}, forward", Relation.equal(*FORWARD[kind](stride)),
        "What goes in is a, what comes out is o.", ("definition",), OUTLINE,
    )  # fmt: skip
    for name, sides in BACKWARD[kind](stride).items():
        yield Line(
            f"{prefix}_{name}", f"{title}, backward: {_NAMES[name]}", Relation.equal(*sides),
            why, ("chain rule over all paths",), RESULT if name == "da" else OUTLINE,
        )  # fmt: skip


def _statistics(prefix: str) -> Iterator[Line]:
    yield Line(
        f"{prefix}_mean", "Batch norm: mean of each feature",
        Relation.equal(mu[d], (1 / Size("N")) * Sum(n, a[n, d])),
        "Over the rows of the batch.", ("definition",),
    )  # fmt: skip
    yield Line(
        f"{prefix}_variance", "Batch norm: variance of each feature",
        Relation.equal(var[d], (1 / Size("N")) * Sum(n, Fence(a[n, d] - mu[d]) ** 2)),
        "Biased: divided by N.", ("definition",),
    )  # fmt: skip
    yield Line(
        f"{prefix}_normalised", "Batch norm: normalised input",
        Relation.equal(xhat[n, d], Fence(a[n, d] - mu[d]) / _root(d)),
        "Mean 0 and variance 1, but for ε.", ("definition",),
    )  # fmt: skip
