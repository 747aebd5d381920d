"""Sigmoid and tanh: their steps, their mistakes, and the inputs they are tried on."""

# ruff: noqa: E501  # a table of sentences: one to a line
from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from pminusy.core import activations
from pminusy.diagnosis.catalogue.exercise import Layer, layer
from pminusy.diagnosis.catalogue.mistake import Mistake
from pminusy.diagnosis.catalogue.probes import Inputs, Probe, small_numbers
from pminusy.diagnosis.catalogue.recipe import Recipe, Step

__all__ = ["SIGMOID", "TANH"]

Forward = Callable[[Any], tuple[Any, Any]]


def _recipe(forward: Forward, formula: str, slope: str) -> Recipe:
    return Recipe((
        Step("out", lambda t: forward(t["X"])[0], formula, "where the output is computed"),
        Step(
            "dL_dX", lambda t: t["g"] * forward(t["X"])[1], f"dX = g ⊙ {slope}",
            "where the gradient of the inputs is computed",
        ),
    ))  # fmt: skip


def _backward(name: str, forward: Forward, slope: str) -> tuple[Mistake, ...]:
    """Slips in the gradient that both functions have alike."""
    letter = {"sigmoid": "σ", "tanh": "tanh"}[name]
    return (
        Mistake(
            f"{name}.slope_missing", "dL_dX", lambda t: t["g"], "g",
            f"The gradient passes as it is: the slope {slope} is missing.", "A factor is missing.",
        ),
        Mistake(
            f"{name}.gradient_missing", "dL_dX", lambda t: forward(t["X"])[1], slope,
            "The upstream gradient is missing: only the slope is returned.", "A factor is missing.",
        ),
        Mistake(
            f"{name}.gradient_sign", "dL_dX", lambda t: -t["g"] * forward(t["X"])[1], f"−g ⊙ {slope}",
            "The gradient has the wrong sign.", "The sign is turned.",
        ),
        Mistake(
            f"{name}.output_as_factor", "dL_dX", lambda t: t["g"] * forward(t["X"])[0], f"g ⊙ {letter}(a)",
            "The gradient is multiplied by the output, not by the slope.", "It is another factor.",
        ),
    )  # fmt: skip


def _sigmoid(a: Any) -> Any:
    return activations.sigmoid(a)[0]


_OF_SIGMOID = (
    Mistake(
        "sigmoid.sign_in_exponent", "out", lambda t: _sigmoid(-t["X"]), "1 / (1 + e^a)",
        "The sign in the exponent is turned: this is 1 − σ(a).", "The sign is turned.",
    ),
    Mistake(
        "sigmoid.is_tanh", "out", lambda t: np.tanh(t["X"]), "tanh a", "This is tanh.",
        "It is another function.",
    ),
    Mistake(
        "sigmoid.one_missing", "out", lambda t: np.exp(t["X"]), "e^a",
        "Nothing is added to the exponential in the denominator.", "A term is missing.",
    ),
    Mistake(
        "sigmoid.factor_missing", "dL_dX", lambda t: t["g"] * (1 - _sigmoid(t["X"])), "g ⊙ (1 − σ(a))",
        "The factor σ(a) is missing.", "A factor is missing.",
    ),
    Mistake(
        "sigmoid.of_output", "dL_dX", lambda t: t["g"] * activations.sigmoid(_sigmoid(t["X"]))[1],
        "g ⊙ σ(o) (1 − σ(o))", "The sigmoid is taken once more: what is kept is its output already.",
        "The function is applied twice.",
    ),
    Mistake(
        "sigmoid.input_in_slope", "dL_dX", lambda t: t["g"] * t["X"] * (1 - t["X"]), "g ⊙ a (1 − a)",
        "The slope is that of the output o (1 − o), with the input put in.", "It is another quantity.",
    ),
    *_backward("sigmoid", activations.sigmoid, "σ(a) (1 − σ(a))"),
)  # fmt: skip
_OF_TANH = (
    Mistake(
        "tanh.is_sigmoid", "out", lambda t: _sigmoid(t["X"]), "σ(a)", "This is the sigmoid.",
        "It is another function.",
    ),
    Mistake(
        "tanh.half", "out", lambda t: np.tanh(t["X"] / 2), "tanh(a / 2)",
        "The exponentials have a in the place of 2 a: this is tanh(a / 2).", "A factor is missing.",
    ),
    Mistake(
        "tanh.square_missing", "dL_dX", lambda t: t["g"] * (1 - np.tanh(t["X"])), "g ⊙ (1 − tanh a)",
        "tanh is not squared.", "The square is missing.",
    ),
    Mistake(
        "tanh.sigmoid_slope", "dL_dX", lambda t: t["g"] * np.tanh(t["X"]) * (1 - np.tanh(t["X"])),
        "g ⊙ o (1 − o)", "This is the slope of the sigmoid.", "It is another function's gradient.",
    ),
    Mistake(
        "tanh.of_output", "dL_dX", lambda t: t["g"] * activations.tanh(np.tanh(t["X"]))[1],
        "g ⊙ (1 − tanh² o)", "tanh is taken once more: what is kept is its output already.",
        "The function is applied twice.",
    ),
    Mistake(
        "tanh.input_in_slope", "dL_dX", lambda t: t["g"] * (1 - t["X"] ** 2), "g ⊙ (1 − a²)",
        "The slope is that of the output 1 − o², with the input put in.", "It is another quantity.",
    ),
    *_backward("tanh", activations.tanh, "(1 − tanh² a)"),
)  # fmt: skip


def _ordinary() -> list[Probe]:
    draw = np.random.default_rng(3).normal
    shapes = ((5, 4), (2, 3, 4))
    return [Probe(f"shape {s}", {"X": draw(size=s), "g": draw(size=s)}) for s in shapes]


def _small() -> Iterator[Inputs]:
    for shape in ((1, 2), (1, 4), (2, 3), (1, 2, 2)):
        for sign in (1, -1):
            yield {"X": small_numbers(*shape), "g": sign * small_numbers(*shape, start=2)}


def _layer(name: str, recipe: Recipe, mistakes: tuple[Mistake, ...]) -> Layer:
    return layer(
        name, recipe, mistakes, functions=name, arguments=("X",), ordinary=_ordinary, small=_small,
        derivation=name, lines={"out": "forward", "dL_dX": "da"},
    )  # fmt: skip


SIGMOID = _layer(
    "sigmoid", _recipe(activations.sigmoid, "1 / (1 + e^(−a))", "σ(a) (1 − σ(a))"), _OF_SIGMOID
)
TANH = _layer("tanh", _recipe(activations.tanh, "tanh a", "(1 − tanh² a)"), _OF_TANH)
