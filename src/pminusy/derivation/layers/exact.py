"""Small arrays of arbitrary numbers, in which the lines about a layer are proved exactly."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from pminusy.derivation.engine.algebra import Algebra
from pminusy.derivation.engine.environment import Environment, defined, variable
from pminusy.derivation.engine.evaluate import Evaluator
from pminusy.derivation.layers.form import Axis, Form
from pminusy.derivation.layers.statements import statements
from pminusy.derivation.layers.symbols import layer_symbols
from pminusy.derivation.tree import Node, Ref, Sum

__all__ = ["environments"]

_SPARE = 32
"""Generators for functions of single entries: e^(−a), Φ(a), …"""

_LARGE = 9
"""Kernels of more entries than this are proved with one channel each way."""


def environments(form: Form) -> list[Evaluator]:
    """Two shapes; where a layer has kinks, each on two sides of them."""
    return [
        _environment(form, shape, region) for shape in (0, 1) for region in range(1 + form.kinked)
    ]


@lru_cache(maxsize=256)
def _environment(form: Form, shape: int, region: int) -> Evaluator:
    sizes = _sizes(form, shape)
    symbols = layer_symbols(form)
    shapes = {
        name: tuple(sizes[space] for space in symbol.spaces)
        for name, symbol in symbols.items()
        if symbol.body is None
    }
    about = statements(form)
    spaces = tuple(index.space for index in about.outputs)
    shapes["c"] = tuple(sizes[space] for space in spaces)
    roots = _roots(form, sizes)
    squashed = shapes["a"] if form.kind == "sigmoid" else (0,)
    field = Algebra({**shapes, "root": (roots,), "squashed": squashed}, spare=_SPARE)
    values = {name: field[name] for name in shapes}
    if form.kind == "sigmoid":  # with s = σ(a), any number between 0 and 1, e^(−a) is 1/s − 1
        for a, s in zip(values["a"].ravel(), field["squashed"].ravel(), strict=True):
            field.register("exp", -a, 1 / s - 1)
    if form.kinked:
        field.assume_near(_point(list(field.generators), shape, region))
    body: Node = Ref("c", about.outputs) * Ref("o", about.outputs)
    for index in reversed(about.outputs):
        body = Sum(index, body)
    # c is what comes after: L = Σ c ⊙ o, so that ∂L/∂o = c is arbitrary
    symbols |= {"c": variable("c", *spaces), "L": defined("L", by=body)}
    evaluator = Evaluator(Environment(symbols, sizes, values), field)
    for feature in range(roots):
        field.register_root(field["root"][feature], evaluator.array("var")[feature] + values["eps"])
    return evaluator


def _count(shape: tuple[int, ...]) -> int:
    return int(np.prod(shape))


def _sizes(form: Form, shape: int) -> dict[str, int]:
    """Two shapes with different lengths everywhere, and a row or column that no window reaches."""
    if not form.axes:
        first = {"N": 2, "D": 2, "K": 3, "C": 2, "T": 1, "U": 2, "V": 3}
        second = {"N": 3, "D": 1, "K": 2, "C": 1, "T": 2, "U": 1, "V": 2}
        return (first, second)[shape]
    large = _count(tuple(axis.kernel for axis in form.axes)) > _LARGE
    sizes = {"N": 2 - shape, "C": 1 + (shape and not large), "O": 2 - (shape or large)}
    if form.kind == "maxpool":
        sizes["N"], sizes["C"] = 1, 1 + shape
    for place, axis in enumerate(form.axes):
        windows = _windows(axis, 2 + (place + shape) % 2)
        sizes |= {
            "TU"[place]: axis.length(windows) + shape * (axis.stride - 1),
            "QR"[place]: windows,
            "EF"[place]: axis.kernel,
            "VX"[place]: axis.stride * (windows - 1) + 1,
        }
    return sizes


def _windows(axis: Axis, fewest: int) -> int:
    """At least so many, and enough that padding does not cover all."""
    return next(count for count in range(fewest, 1000) if axis.length(count) >= 1)


def _roots(form: Form, sizes: dict[str, int]) -> int:
    """How many √(σ² + ε) are generators: exact up to squares, which `is_zero` puts back."""
    if not form.kind.startswith("batchnorm"):
        return 0
    return sizes["D" if form.rank == 2 else "C"]


def _point(names: list[str], shape: int, region: int) -> dict[str, int]:
    """A point where every layer is differentiable: signs alternate, no two sizes are equal."""
    drawn = np.random.default_rng([shape, region]).permutation(range(1, 2 * len(names) + 1))
    return {
        name: int(value) * (-1) ** (i + region)
        for i, (name, value) in enumerate(zip(names, drawn, strict=False))
    }
