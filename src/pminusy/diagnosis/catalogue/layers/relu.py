"""ReLU: its steps, its mistakes, and the inputs it is tried on."""

# ruff: noqa: E501  # a table of sentences: one to a line
from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pminusy.core import layers
from pminusy.diagnosis.catalogue.exercise import Ties, layer
from pminusy.diagnosis.catalogue.mistake import Mistake
from pminusy.diagnosis.catalogue.probes import Inputs, Probe, small_numbers
from pminusy.diagnosis.catalogue.recipe import Recipe, Step

__all__ = ["RELU"]


def _leaky(slope: float) -> Mistake:
    return Mistake(
        f"relu.leaky_{slope:g}", "out",
        lambda t: np.where(t["X"] > 0, t["X"], slope * t["X"]), f"max(a, {slope:g} a)",
        "Negative inputs leak through: this is leaky ReLU.", "It is another function.",
    )  # fmt: skip


_RECIPE = Recipe((
    Step("out", lambda t: layers.relu(t["X"])[0], "max(a, 0)", "where the output is computed"),
    Step(
        "dL_dX", lambda t: layers.relu_backward(t["g"], t["X"] > 0), "dX = g ⊙ [a > 0]",
        "where the gradient of the inputs is computed",
    ),
))  # fmt: skip

_MISTAKES = (
    Mistake(
        "relu.missing", "out", lambda t: t["X"], "a", "Nothing is cut off.", "A function is missing.",
    ),
    Mistake(
        "relu.absolute", "out", lambda t: np.abs(t["X"]), "|a|",
        "The absolute value is taken in place of max(a, 0).", "It is another function.",
    ),
    Mistake(
        "relu.minimum", "out", lambda t: np.minimum(t["X"], 0), "min(a, 0)",
        "The minimum is taken in place of the maximum.", "It is another function.",
    ),
    *(_leaky(slope) for slope in (0.01, 0.1, 0.2)),
    Mistake(
        "relu.step", "out", lambda t: (t["X"] > 0).astype(float), "[a > 0]",
        "The mask is returned, not the masked input.", "A factor is missing.",
    ),
    Mistake(
        "relu.mask_missing", "dL_dX", lambda t: t["g"], "g",
        "The gradient passes unmasked: where a ≤ 0 nothing passes.", "A factor is missing.",
    ),
    Mistake(
        "relu.gradient_clipped", "dL_dX", lambda t: np.maximum(t["g"], 0), "max(g, 0)",
        "The gradient itself is clipped at 0: the mask belongs to the sign of the forward value.",
        "The mask looks at the wrong array.",
    ),
    Mistake(
        "relu.masked_by_gradient", "dL_dX", lambda t: np.maximum(t["g"], 0) * (t["X"] > 0),
        "max(g, 0) ⊙ [a > 0]", "The gradient is clipped at 0 as well as masked.",
        "There is a mask too many.",
    ),
    Mistake(
        "relu.mask_turned", "dL_dX", lambda t: t["g"] * (t["X"] < 0), "g ⊙ [a < 0]",
        "The mask is turned round.", "The mask is turned round.",
    ),
    Mistake(
        "relu.sigmoid_gradient", "dL_dX",
        lambda t: t["g"] * (s := 1 / (1 + np.exp(-t["X"]))) * (1 - s), "g ⊙ σ(a) (1 − σ(a))",
        "This is the gradient of the sigmoid.", "It is another function's gradient.",
    ),
    Mistake(
        "relu.gradient_sign", "dL_dX", lambda t: -t["g"] * (t["X"] > 0), "−g ⊙ [a > 0]",
        "The gradient has the wrong sign.", "The sign is turned.",
    ),
    Mistake(
        "relu.input_itself", "dL_dX", lambda t: t["g"] * t["X"], "g ⊙ a",
        "The gradient is multiplied by the input; the derivative of ReLU is 0 or 1.",
        "It is another factor.",
    ),
    Mistake(
        "relu.input_as_factor", "dL_dX", lambda t: t["g"] * np.maximum(t["X"], 0), "g ⊙ max(a, 0)",
        "The gradient is multiplied by the output; the derivative of ReLU is 0 or 1.",
        "It is another factor.",
    ),
    Mistake(
        "relu.gradient_missing", "dL_dX", lambda t: (t["X"] > 0).astype(float), "[a > 0]",
        "The upstream gradient is missing: only the mask is returned.", "A factor is missing.",
    ),
)  # fmt: skip


def _ordinary() -> list[Probe]:
    draw = np.random.default_rng(3).normal
    shapes = ((5, 4), (2, 3, 4))
    return [Probe(f"shape {s}", {"X": draw(size=s), "g": draw(size=s)}) for s in shapes]


def _small() -> Iterator[Inputs]:
    for shape in ((1, 2), (1, 4), (2, 3), (1, 2, 2)):
        for sign in (1, -1):
            yield {"X": small_numbers(*shape), "g": sign * small_numbers(*shape, start=2)}


def _at_zero() -> Ties:
    X, g = np.array([[0.0, 1.0], [-1.0, 0.0]]), np.array([[2.0, 3.0], [5.0, -7.0]])
    above, at = (X > 0) * g, (X == 0) * g
    return Ties("relu.ties", "where inputs are 0", {"X": X, "g": g}, {
        "at a = 0 the gradient is 0": above,
        "at a = 0 the gradient passes": above + at,
        "at a = 0 half of the gradient passes": above + at / 2,
    })  # fmt: skip


RELU = layer(
    "ReLU", _RECIPE, _MISTAKES, functions="relu", arguments=("X",), ordinary=_ordinary,
    small=_small, derivation="relu", lines={"out": "forward", "dL_dX": "da"}, ties=_at_zero(),
)  # fmt: skip
