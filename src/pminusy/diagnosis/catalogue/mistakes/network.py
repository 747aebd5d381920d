"""Mistakes of two-layer networks and of training over one epoch."""

# ruff: noqa: E501  # a table of sentences: one to a line
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pminusy.diagnosis.catalogue.mistake import Mistake
from pminusy.diagnosis.catalogue.network import NETWORK
from pminusy.diagnosis.catalogue.recipe import Record

__all__ = ["EPOCH", "FORWARD", "NETWORK_ONLY", "PENALTIES"]

NETWORK_ONLY = (
    Mistake(
        "relu.missing", "X", lambda t: t["a1"], "h = a",
        "ReLU is missing between the two layers: the network is linear.", "A function is missing.",
    ),
    Mistake(
        "relu.absolute", "X", lambda t: np.abs(t["a1"]), "h = |a|",
        "The absolute value is taken in place of max(a, 0).", "It is another function.",
    ),
    Mistake(
        "relu.sigmoid", "X", lambda t: 1 / (1 + np.exp(-t["a1"])), "h = 1 / (1 + e^(−a))",
        "The hidden layer uses the sigmoid, not ReLU.", "It is another function.",
    ),
    Mistake(
        "relu.minimum", "X", lambda t: np.minimum(t["a1"], 0), "h = min(a, 0)",
        "The minimum is taken in place of the maximum.", "It is another function.",
    ),
    Mistake(  # h > 0 is the mask, and nowhere true
        "relu.minimum_masked", "X", lambda t: np.minimum(t["a1"], 0), "h = min(a, 0)",
        "The minimum is taken in place of the maximum.", "It is another function.",
        also={"dL_da1": lambda t: 0.0 * t["dL_dX"]}, called="relu.minimum",
    ),
    Mistake(
        "relu.mask_missing", "dL_da1", lambda t: t["dL_dX"], "dL_da = dL_dh",
        "The gradient passes ReLU unmasked: where a ≤ 0 nothing passes.", "A factor is missing.",
    ),
    Mistake(
        "relu.gradient_clipped", "dL_da1", lambda t: np.maximum(t["dL_dX"], 0), "max(dL_dh, 0)",
        "The gradient itself is clipped at 0: the mask belongs to the sign of the forward value.",
        "The mask looks at the wrong array.",
    ),
    Mistake(
        "relu.masked_by_gradient", "dL_da1",
        lambda t: t["dL_dX"] * (t["dL_dX"] > 0) * (t["a1"] > 0), "max(dL_dh, 0) ⊙ [a > 0]",
        "The gradient is clipped at 0 as well as masked.", "There is a mask too many.",
    ),
    Mistake(
        "relu.mask_turned", "dL_da1", lambda t: t["dL_dX"] * (t["a1"] < 0), "dL_dh ⊙ [a < 0]",
        "The mask is turned round.", "The mask is turned round.",
    ),
    Mistake(
        "relu.hidden_as_factor", "dL_da1", lambda t: t["dL_dX"] * t["X"], "dL_dh ⊙ h",
        "The gradient is multiplied by h, whether or not it is masked as well; the derivative of ReLU is 0 or 1.", "It is another factor.",
    ),
    Mistake(
        "network.first_bias_missing", "a1", lambda t: t["X0"] @ t["W1"].T, "a = X W₁ᵀ",
        "The first bias is never added.", "One of the parameters has no effect.",
    ),
    Mistake(
        "network.first_bias_total", "dL_db1",
        lambda t: t["dL_da1"].sum() + np.zeros(t["a1"].shape[1]) + t["dR_db1"], "ΣΣ dL_da",
        "The sum has no axis: every hidden unit gets the same number.", "The sum runs over too much.",
    ),
    Mistake(
        "network.first_bias_averaged", "dL_db1", lambda t: t["dL_da1"].mean(0) + t["dR_db1"],
        "(1/N) Σ_i dL_da_i",
        "The gradient of the first bias is divided by N once more.", "A factor N.",
    ),
    Mistake(
        "network.first_bias_zero", "dL_db1", lambda t: np.zeros(t["a1"].shape[1]), "0",
        "The gradient of the first bias is never computed.", "A step is missing.",
    ),
    Mistake(
        "network.first_weights_averaged", "dD_dW1",
        lambda t: t["dL_da1"].T @ t["X0"] / t["y"].size, "(1/N) dL_daᵀ X",
        "The gradient of the first weights is divided by N once more.", "A factor N.",
    ),
    Mistake(
        "network.first_weights_zero", "dD_dW1", lambda t: 0 * t["W1"], "0",
        "The gradient of the first weights is never computed.", "A step is missing.",
    ),
    Mistake(
        "network.probability_not_logits", "dL_dX", lambda t: t["dL_dz_i"] @ t["W"], "(p − Y) W",
        "The gradient goes back to the hidden layer before it is averaged.", "A factor 1/N.",
    ),
    Mistake(
        "ridge.first_weights_left_out_in_loss", "R",
        lambda t: t["half"] * t["r"] * np.sum(t["W"] ** 2), "R = ½ r ‖W₂‖²",
        "The first weights are missing in the regulariser's loss.", "Not every weight counts.",
    ),
    Mistake(
        "ridge.first_weights_left_out_in_gradient", "dR_dW1", lambda t: 0 * t["W1"], "dR_dW₁ = 0",
        "The first weights are missing in the regulariser's gradient.", "Not every weight counts.",
    ),
    Mistake(
        "ridge.second_weights_left_out_in_loss", "R",
        lambda t: t["half"] * t["r"] * np.sum(t["W1"] ** 2), "R = ½ r ‖W₁‖²",
        "The second weights are missing in the regulariser's loss.", "Not every weight counts.",
    ),
    Mistake(
        "ridge.second_weights_left_out_in_gradient", "dR_dW", lambda t: 0 * t["W"], "dR_dW = 0",
        "The second weights are missing in the regulariser's gradient.", "Not every weight counts.",
    ),
)  # fmt: skip
FORWARD = tuple(m for m in NETWORK_ONLY if m.step in ("a1", "X") and not m.also)
PENALTIES = tuple(m for m in NETWORK_ONLY if m.id.startswith("ridge.") and m.step == "R")


def _full_batches(t: Record) -> list[Any]:
    size = t["batch"]
    return [np.arange(i * size, (i + 1) * size) for i in range(t["y"].size // size)]


def _first_skipped(t: Record) -> list[Any]:
    N, size = t["y"].size, t["batch"]
    return [np.arange(start, min(start + size, N)) for start in range(size, N, size)]


def _step(scale: Callable[[Record], float], sign: float = -1.0) -> Callable[[Record], Record]:
    return lambda t: {
        name: t[name] + sign * t["lr"] * scale(t) * t[f"dL_d{name}"] for name in t["trained"]
    }


def _not_trained(missing: str) -> Callable[[Record], Record]:
    return lambda t: {
        name: t[name] - (t["lr"] if name != missing else 0.0) * t[f"dL_d{name}"]
        for name in t["trained"]
    }


def _one_after_the_other(t: Record) -> Record:
    """The last layer's weights are updated before the gradient passes back through them."""
    W = t["W"] - t["lr"] * t["dL_dW"]
    given = {k: t[k] for k in ("X0", "W1", "b1", "b", "y", "r", "half", "free", "mean") if k in t}
    stale = NETWORK.run(given | {"W": t["W"]}, {"dL_dX": lambda u: u["dL_dz"] @ W})
    updated = {name: t[name] - t["lr"] * stale[f"dL_d{name}"] for name in t["trained"]}
    return updated | {"W": W}


EPOCH = (
    Mistake(
        "epoch.last_batch_dropped", "rows", _full_batches, "⌊N / B⌋ batches",
        "The last, short batch is dropped: the tail of the data is never trained on.",
        "Not every row is used.",
    ),
    Mistake(
        "epoch.first_batch_only", "rows", lambda t: [np.arange(min(t["batch"], t["y"].size))],
        "the first batch only",
        "Only the first batch is trained on: a return stands inside the loop.",
        "Not every row is used.",
    ),
    Mistake(
        "epoch.first_batch_skipped", "rows", _first_skipped, "the first batch skipped",
        "The first batch is skipped.", "Not every row is used.",
    ),
    Mistake(
        "epoch.whole_data", "rows", lambda t: [np.arange(t["y"].size)], "one batch of all rows",
        "All rows are used in one step; the batch size has no effect.",
        "The batch size has no effect.",
    ),
    Mistake(
        "epoch.repeated_first_batch", "rows",
        lambda t: [np.arange(min(t["batch"], t["y"].size))] * -(-t["y"].size // t["batch"]),
        "the first batch every time",
        "Every step uses the first batch: the loop's index is not used.", "Not every row is used.",
    ),
    Mistake(
        "epoch.full_batch_size", "update", _step(lambda t: t["y"].size / t["batch"]),
        "θ ← θ − η Σ_i ∂L_i/∂θ / B, in the short batch too",
        "The short last batch is divided by the full batch size: divide by the rows there are.",
        "The last batch's step is too small.", right="θ ← θ − η Σ_i ∂L_i/∂θ / the rows of the batch",
    ),
    Mistake(
        "epoch.data_size", "update",
        lambda t: _step(lambda u: u["y"].size / u["before"]["y"].size)(t), "θ ← θ − η Σ_i ∂L_i/∂θ / N, of all rows",
        "Each step is divided by the size of the data, not of the batch.",
        "Every step is too small.", right="θ ← θ − η Σ_i ∂L_i/∂θ / B, of the batch's rows",
    ),
    Mistake(
        "epoch.sign", "update", _step(lambda t: 1.0, 1.0), "θ ← θ + η dL_dθ",
        "The step goes up the gradient: the loss grows.", "The sign is turned.",
    ),
    Mistake(
        "epoch.rate_missing", "update", _step(lambda t: 1.0 / t["lr"]), "θ ← θ − dL_dθ",
        "The learning rate is missing in the step.", "The learning rate has no effect.",
    ),
    Mistake(
        "epoch.rate_squared", "update", _step(lambda t: t["lr"]), "θ ← θ − η² dL_dθ",
        "The learning rate is applied twice.", "The learning rate enters twice.",
    ),
    Mistake(
        "epoch.rate_divides", "update", _step(lambda t: 1.0 / t["lr"] ** 2), "θ ← θ − dL_dθ / η",
        "The gradient is divided by the learning rate.", "An operation is turned round.",
    ),
    Mistake(
        "epoch.no_update", "update", lambda t: {name: t[name] for name in t["trained"]}, "θ ← θ",
        "The parameters are not changed: update the array itself (θ -= …), not a new name for it.",
        "The caller's array stays as it was.",
    ),
    Mistake(
        "epoch.gradient_replaces", "update",
        lambda t: {name: -t["lr"] * t[f"dL_d{name}"] for name in t["trained"]}, "θ ← −η dL_dθ",
        "The parameters are replaced by the step.", "An operation is missing.",
    ),
    Mistake(
        "epoch.stale_gradient", "update",
        lambda t: _one_after_the_other(t) if "W1" in t else _step(lambda _: 1.0)(t),
        "dL_dh = dL_dz W₂, after W₂ was updated",
        "The last weights are updated before the gradient passes back through them: compute all "
        "gradients first.",
        "Two lines are in the wrong order.", right="dL_dh = dL_dz W₂, before W₂ is updated",
    ),
    Mistake(
        "epoch.first_weights_not_trained", "update", _not_trained("W1"), "W₁ ← W₁",
        "The first weights are not updated.", "One parameter stays as it was.",
    ),
    Mistake(
        "epoch.last_weights_not_trained", "update",
        lambda t: _not_trained("W")(t) if "W1" in t else _step(lambda _: 1.0)(t), "W₂ ← W₂",
        "The last weights are not updated.", "One parameter stays as it was.",
    ),
)  # fmt: skip
