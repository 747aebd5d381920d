"""The linear layer: its steps, its mistakes, and the inputs it is tried on."""

# a table of sentences: one to a line
from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pminusy.diagnosis.catalogue.exercise import layer
from pminusy.diagnosis.catalogue.mistake import Mistake
from pminusy.diagnosis.catalogue.probes import Inputs, Probe, small_numbers
from pminusy.diagnosis.catalogue.recipe import Recipe, Step

__all__ = ["LINEAR"]


_RECIPE = Recipe((
    Step("out", lambda t: t["X"] @ t["W"].T + t["b"], "X Wᵀ + b", "where the output is computed"),
    Step(
        "dL_dX", lambda t: t["g"] @ t["W"], "dX = g W",
        "where the gradient of the inputs is computed",
    ),
    Step(
        "dL_dW", lambda t: t["g"].T @ t["X"], "dW = gᵀ X",
        "where the gradient of the weights is computed",
    ),
    Step(
        "dL_db", lambda t: t["g"].sum(0), "db = Σ_i g_i",
        "where the gradient of the bias is computed",
    ),
))  # fmt: skip

_MISTAKES = (
    Mistake(
        "linear.bias_missing", "out", lambda t: t["X"] @ t["W"].T, "X Wᵀ",
        "The bias is never added.", "One of the parameters has no effect.",
    ),
    Mistake(
        "dL_db.total", "dL_db", lambda t: np.full(t["b"].shape, t["g"].sum()), "ΣΣ g",
        "The sum has no axis: every output gets the same number.", "The sum runs over too much.",
    ),
    Mistake(
        "dL_db.averaged", "dL_db", lambda t: t["g"].mean(0), "mean_i g_i",
        "The gradient of the bias is averaged; g already carries any 1/N.", "A factor N.",
    ),
    Mistake(
        "linear.bias_subtracted", "out", lambda t: t["X"] @ t["W"].T - t["b"], "X Wᵀ − b",
        "The bias is subtracted where it should be added.", "The sign of one term is turned.",
    ),
    Mistake(
        "linear.bias_twice", "out", lambda t: t["X"] @ t["W"].T + 2 * t["b"], "X Wᵀ + 2 b",
        "The bias is added twice.", "There is a term too many.",
    ),
    Mistake(
        "dL_db.last_sample", "dL_db", lambda t: t["g"][-1], "g_N",
        "Only the last sample's gradient is left: accumulate over the samples.",
        "Not every sample counts.",
    ),
    Mistake(
        "dL_db.sign", "dL_db", lambda t: -t["g"].sum(0), "−Σ_i g_i",
        "The gradient of the bias has the wrong sign.", "The sign is turned.",
    ),
    Mistake(
        "dL_db.missing", "dL_db", lambda t: 0 * t["b"], "0",
        "The gradient of the bias is zero: it is never computed.", "A step is missing.",
    ),
    Mistake(
        "dL_dW.last_sample", "dL_dW", lambda t: np.outer(t["g"][-1], t["X"][-1]), "g_N ⊗ x_N",
        "Only the last sample's gradient is left: accumulate over the samples.",
        "Not every sample counts.",
    ),
    Mistake(
        "dL_dW.inputs_missing", "dL_dW",
        lambda t: np.repeat(t["g"].sum(0)[:, None], t["X"].shape[1], 1), "Σ_i g_i",
        "The inputs are missing: each weight's gradient carries the feature it multiplies.",
        "A factor is missing.",
    ),
    Mistake(
        "dL_db.ones", "dL_db", lambda t: np.ones(t["b"].shape), "1",
        "The gradient of the bias ignores the upstream gradient.", "A factor is missing.",
    ),
    Mistake(
        "dL_dW.averaged", "dL_dW", lambda t: t["g"].T @ t["X"] / len(t["X"]), "gᵀ X / N",
        "The gradient of the weights is divided by N; g already carries any 1/N.", "A factor N.",
    ),
    Mistake(
        "dL_dW.sign", "dL_dW", lambda t: -t["g"].T @ t["X"], "−gᵀ X",
        "The gradient of the weights has the wrong sign.", "The sign is turned.",
    ),
    Mistake(
        "dL_dX.sign", "dL_dX", lambda t: -t["g"] @ t["W"], "−g W",
        "The gradient of the inputs has the wrong sign.", "The sign is turned.",
    ),
    Mistake(
        "dL_dX.averaged", "dL_dX", lambda t: t["g"] @ t["W"] / len(t["X"]), "g W / N",
        "The gradient of the inputs is divided by N; g already carries any 1/N.", "A factor N.",
    ),
)  # fmt: skip


def _ordinary() -> list[Probe]:
    draw = np.random.default_rng(3).normal
    return [
        Probe(f"{N} rows", {
            "X": draw(size=(N, 4)), "W": draw(size=(3, 4)), "b": draw(size=3),
            "g": draw(size=(N, 3)),
        })
        for N in (5, 1)
    ]  # fmt: skip


def _small() -> Iterator[Inputs]:
    sizes = ((1, 1, 1), (1, 2, 1), (1, 1, 2), (2, 1, 1), (2, 1, 2), (2, 2, 2), (2, 3, 2))
    for N, D, K in sizes:
        yield {
            "X": small_numbers(N, D), "W": small_numbers(K, D, start=2),
            "b": small_numbers(K, start=4), "g": small_numbers(N, K, start=1),
        }  # fmt: skip


LINEAR = layer(
    "linear layer", _RECIPE, _MISTAKES, functions=r"affine|linear|fc|dense",
    arguments=("X", "W", "b"), ordinary=_ordinary, small=_small, derivation="linear",
    lines={"out": "forward", "dL_dX": "da", "dL_dW": "dW", "dL_db": "db"},
)  # fmt: skip
