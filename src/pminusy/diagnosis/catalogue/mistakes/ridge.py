"""Mistakes in the regulariser, in the loss and in the gradient.

In the record `half` is the factor in the loss, so `R = half · r ‖W‖²` and `dR_dW = 2 half · r W`.
"""

# ruff: noqa: E501  # a table of sentences: one to a line
from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from pminusy.diagnosis.catalogue.head import penalised
from pminusy.diagnosis.catalogue.mistake import Mistake
from pminusy.diagnosis.catalogue.recipe import Change, Record

__all__ = ["RIDGE", "averaged"]

Penalty = Callable[[Any, Record], Any]


def _weights(t: Record) -> list[Any]:
    weights = [penalised(t, name) for name in ("W", "W1") if name in t]
    return weights + [t[name] for name in ("b", "b1") if name in t and t.get("biases")]


def _loss(penalty: Penalty) -> Change:
    return lambda t: sum(penalty(W, t) for W in _weights(t))


def _gradients(gradient: Penalty) -> Mapping[str, Change]:
    def of(name: str) -> Change:
        return lambda t: gradient(penalised(t, name), t) if name in t else 0.0

    def of_bias(name: str) -> Change:
        return lambda t: gradient(t[name], t) if name in t and t.get("biases") else 0.0

    return {
        "dR_dW": of("W"), "dR_dW1": of("W1"), "dR_db": of_bias("b"), "dR_db1": of_bias("b1"),
    }  # fmt: skip


def _in_loss(name: str, penalty: Penalty, wrong: str, sentence: str, off: str) -> Mistake:
    return Mistake(f"ridge.{name}", "R", _loss(penalty), wrong, sentence, off)


def _in_gradient(name: str, gradient: Penalty, wrong: str, sentence: str, off: str) -> Mistake:
    changes = _gradients(gradient)
    also = {name: change for name, change in changes.items() if name != "dR_dW"}
    return Mistake(f"ridge.{name}", "dR_dW", changes["dR_dW"], wrong, sentence, off, also=also)


def _in_both(
    name: str, penalty: Penalty, gradient: Penalty, wrong: str, sentence: str, off: str
) -> Mistake:
    return Mistake(
        f"ridge.{name}", "R", _loss(penalty), wrong, sentence, off, also=_gradients(gradient)
    )


def _square(W: Any, t: Record) -> Any:
    return t["half"] * t["r"] * np.sum(W**2)


def _slope(W: Any, t: Record) -> Any:
    return 2 * t["half"] * t["r"] * W


def _loss_times(factor: Callable[[Record], float]) -> Penalty:
    return lambda W, t: factor(t) * _square(W, t)


def _gradient_times(factor: Callable[[Record], float]) -> Penalty:
    return lambda W, t: factor(t) * _slope(W, t)


def _only_column(W: Any, column: int) -> Any:
    kept = np.zeros(W.shape[1])
    kept[column] = 1.0
    return W * kept


def _all_but(W: Any, column: int) -> Any:
    return W - _only_column(W, column)


def _bias_in_loss(t: Record) -> Any:
    biases = [t[name] for name in ("b", "b1") if name in t]
    return _loss(_square)(t) + sum(_square(b, t) for b in biases)


def N(t: Record) -> int:  # the letter of the formulas below
    """Number of samples."""
    return int(t["y"].size)


_NO_EFFECT = "The regulariser has no effect here."

RIDGE = (
    _in_gradient(
        "gradient_halved", _gradient_times(lambda _: 0.5), "dR_dW = ½ of the derivative of R",
        "The regulariser's loss and gradient do not belong together: the derivative of r ‖W‖² is "
        "2 r W, that of ½ r ‖W‖² is r W.",
        "A factor 2 between the loss and the gradient.",
    ),
    _in_gradient(
        "gradient_doubled", _gradient_times(lambda _: 2.0), "dR_dW = 2 r W",
        "The regulariser's gradient has a factor 2 too many for its loss.",
        "A factor 2 between the loss and the gradient.",
    ),
    _in_loss(
        "loss_halved", _loss_times(lambda _: 0.5), "half of what it should be",
        "The regulariser's loss does not belong to its gradient: the derivative of ½ r ‖W‖² is r W, "
        "that of r ‖W‖² is 2 r W. The loss is half, or the gradient twice, what it should be.",
        "A factor 2 between the loss and the gradient.",
    ),
    _in_loss(
        "loss_doubled", _loss_times(lambda _: 2.0), "twice what it should be",
        "The regulariser's loss does not belong to its gradient: the derivative of r ‖W‖² is 2 r W, "
        "that of ½ r ‖W‖² is r W. The ½ is missing in the loss, or the 2 in the gradient.",
        "A factor 2 between the loss and the gradient.",
    ),
    _in_both(
        "missing", lambda W, t: 0.0, lambda W, t: 0.0 * W, "no regulariser",
        "The regulariser is missing in the loss and in the gradient: a gradient check still passes.",
        _NO_EFFECT,
    ),
    _in_loss(
        "missing_in_loss", lambda W, t: 0.0, "L without R",
        "The regulariser is in the gradient and not in the loss.", _NO_EFFECT,
    ),
    _in_gradient(
        "missing_in_gradient", lambda W, t: 0.0 * W, "dL_dW without r W",
        "The regulariser is in the loss and not in the gradient.", _NO_EFFECT,
    ),
    _in_loss(
        "strength_missing_in_loss", lambda W, t: np.sum(W**2), "R = ‖W‖²",
        "The strength r is missing in the regulariser's loss.",
        "The strength has no effect here.",
    ),
    _in_loss(
        "strength_missing_in_loss_halved", lambda W, t: 0.5 * np.sum(W**2), "R = ½ ‖W‖²",
        "The strength r is missing in the regulariser's loss.",
        "The strength has no effect here.",
    ),
    _in_gradient(
        "strength_missing_in_gradient", lambda W, t: W, "dR_dW = W",
        "The strength r is missing in the regulariser's gradient.",
        "The strength has no effect here.",
    ),
    _in_gradient(
        "strength_missing_in_gradient_doubled", lambda W, t: 2 * W, "dR_dW = 2 W",
        "The strength r is missing in the regulariser's gradient.",
        "The strength has no effect here.",
    ),
    _in_loss(
        "loss_averaged", _loss_times(lambda t: 1 / N(t)), "R = r ‖W‖² / N",
        "The regulariser's loss is divided by N: it does not belong to the mean over samples.",
        "The brackets of the average close too late.",
    ),
    _in_gradient(
        "gradient_averaged", _gradient_times(lambda t: 1 / N(t)), "(XᵀD + r W) / N",
        "The regulariser's gradient is divided by N: it does not belong to the mean over samples.",
        "The brackets of the average close too late.",
    ),
    _in_both(
        "averaged", _loss_times(lambda t: 1 / N(t)), _gradient_times(lambda t: 1 / N(t)),
        "(Σ L_i + R) / N",
        "The regulariser is divided by N, in the loss and in the gradient: it does not belong to "
        "the mean over samples.",
        "The brackets of the average close too late.",
    ),
    _in_loss(
        "loss_once_a_sample", _loss_times(lambda t: float(N(t))), "N R",
        "The regulariser's loss is added once for each sample.", "It stands inside a loop.",
    ),
    _in_gradient(
        "gradient_once_a_sample", _gradient_times(lambda t: float(N(t))), "N r W",
        "The regulariser's gradient is added once for each sample.", "It stands inside a loop.",
    ),
    _in_loss(
        "loss_once_a_class", _loss_times(lambda t: float(t["p"].shape[1])), "K R",
        "The regulariser's loss is added once for each class.", "It stands inside a loop.",
    ),
    _in_loss(
        "loss_sign", _loss_times(lambda _: -1.0), "−R",
        "The regulariser is subtracted from the loss: large weights are rewarded.",
        "The sign is turned.",
    ),
    _in_gradient(
        "gradient_sign", _gradient_times(lambda _: -1.0), "−r W",
        "The regulariser is subtracted from the gradient: large weights are rewarded.",
        "The sign is turned.",
    ),
    _in_loss(
        "norm_not_squared", lambda W, t: 2 * t["half"] * t["r"] * np.sqrt(np.sum(W**2)), "r ‖W‖",
        "The norm is not squared.", "There is a square root too many.",
    ),
    _in_loss(
        "norm_not_squared_halved", lambda W, t: t["half"] * t["r"] * np.sqrt(np.sum(W**2)), "½ r ‖W‖",
        "The norm is not squared.", "There is a square root too many.",
    ),
    _in_loss(
        "absolute_values", lambda W, t: t["r"] * np.sum(np.abs(W)), "r Σ |W|",
        "The absolute values are summed (L1), not the squares.", "It is another regulariser.",
    ),
    _in_gradient(
        "gradient_signs", lambda W, t: t["r"] * np.sign(W), "r sign(W)",
        "This is the gradient of r Σ |W| (L1), not of the squares.", "It is another regulariser.",
    ),
    _in_loss(
        "not_squared", lambda W, t: t["half"] * t["r"] * np.sum(W), "½ r Σ W",
        "The weights are summed, not their squares.", "The square is missing.",
    ),
    _in_loss(
        "not_squared_doubled", lambda W, t: 2 * t["half"] * t["r"] * np.sum(W), "r Σ W",
        "The weights are summed, not their squares.", "The square is missing.",
    ),
    _in_loss(
        "square_of_sum", lambda W, t: t["half"] * t["r"] * np.sum(W) ** 2, "½ r (Σ W)²",
        "The sum of the weights is squared, not each weight.", "Two operations are in the wrong order.",
    ),
    _in_loss(
        "mean_of_squares", lambda W, t: t["half"] * t["r"] * np.mean(W**2), "½ r mean(W²)",
        "The squares are averaged over the weights, not summed.", "Mean and sum.",
    ),
    _in_loss(
        "matrix_product", lambda W, t: t["half"] * t["r"] * np.sum(W @ W.T), "½ r ΣΣ W Wᵀ",
        "The matrix product is taken in place of the elementwise square.", "It is another product.",
    ),
    _in_loss(
        "matrix_product_transposed", lambda W, t: t["half"] * t["r"] * np.sum(W.T @ W),
        "½ r ΣΣ Wᵀ W",
        "The matrix product is taken in place of the elementwise square.", "It is another product.",
    ),
    _in_loss(
        "strength_squared", _loss_times(lambda t: t["r"]), "½ r² ‖W‖²",
        "The strength is squared in the loss.", "The strength enters twice.",
    ),
    _in_gradient(
        "gradient_strength_squared", _gradient_times(lambda t: t["r"]), "r² W",
        "The strength is squared in the gradient.", "The strength enters twice.",
    ),
    *(_in_loss(  # with r = 0 too, where the reading of ½ is not known
        name, lambda W, t, factor=factor: t["r"] + factor * np.sum(W**2), wrong,  # type: ignore[misc]  # bound now
        "The strength is added to the norm, not multiplied with it.", "It is another operation.",
    ) for name, factor, wrong in (
        ("strength_added", 1.0, "r + ‖W‖²"), ("strength_added_to_half", 0.5, "r + ½ ‖W‖²"),
    )),
    _in_loss(
        "strength_added_to_factor", lambda W, t: (0.5 + t["r"]) * np.sum(W**2), "(½ + r) ‖W‖²",
        "The strength is added to the factor ½, not multiplied with it.", "It is another operation.",
    ),
    _in_gradient(
        "gradient_strength_added", lambda W, t: t["r"] + W, "r + W",
        "The strength is added to the weights, not multiplied with them.", "It is another operation.",
    ),
    _in_gradient(
        "strength_alone", lambda W, t: t["r"] + 0 * W, "dR_dW = r",
        "The weights are missing in the regulariser's gradient.", "A factor is missing.",
    ),
    _in_gradient(
        "loss_as_gradient", lambda W, t: _square(W, t) + 0 * W, "dR_dW = ½ r ‖W‖²",
        "The regulariser's loss, a single number, is added to every entry of the gradient.",
        "It was not differentiated.",
    ),
    _in_gradient(
        "gradient_summed", lambda W, t: 2 * t["half"] * t["r"] * np.sum(W) + 0 * W, "dR_dW = r Σ W",
        "The sum of the weights is added to every entry of the gradient.", "There is a sum too many.",
    ),
    _in_gradient(
        "gradient_squared", lambda W, t: t["half"] * t["r"] * W**2, "dR_dW = ½ r W²",
        "The squares were not differentiated.", "It was not differentiated.",
    ),
    _in_gradient(
        "gradient_squared_doubled", lambda W, t: 2 * t["half"] * t["r"] * W**2, "dR_dW = r W²",
        "The squares were not differentiated.", "It was not differentiated.",
    ),
    _in_loss(
        "inputs_in_place_of_weights",
        lambda W, t: t["half"] * t["r"] * np.sum(t["X"] ** 2) if "X" in t else 0.0, "½ r ‖X‖²",
        "The inputs are penalised, not the weights.", "It is another array.",
    ),
    _in_loss(
        "last_column_left_out_in_loss", lambda W, t: _square(_all_but(W, -1), t),
        "R without the last feature's weights",
        "The last feature's weights (the bias) are regularised in the gradient and not in the loss.",
        "Loss and gradient do not see the same weights.",
    ),
    _in_gradient(
        "last_column_left_out_in_gradient", lambda W, t: _slope(_all_but(W, -1), t),
        "dR_dW without the last feature's weights",
        "The last feature's weights (the bias) are regularised in the loss and not in the gradient.",
        "Loss and gradient do not see the same weights.",
    ),
    _in_loss(
        "first_column_left_out_in_loss", lambda W, t: _square(_all_but(W, 0), t),
        "R without the first feature's weights",
        "The first feature's weights (the bias) are regularised in the gradient and not in the loss.",
        "Loss and gradient do not see the same weights.",
    ),
    _in_gradient(
        "first_column_left_out_in_gradient", lambda W, t: _slope(_all_but(W, 0), t),
        "dR_dW without the first feature's weights",
        "The first feature's weights (the bias) are regularised in the loss and not in the gradient.",
        "Loss and gradient do not see the same weights.",
    ),
    Mistake(
        "ridge.biases_missing_in_gradient", "dR_db", lambda t: 0.0 * t["b"], "dR_db = 0",
        "The biases are regularised in the loss and not in the gradient.",
        "Loss and gradient do not see the same parameters.", right="dR_db = 2 r b, as in the loss",
        also={"dR_db1": lambda t: 0.0 * t["b1"] if "b1" in t else 0.0},
    ),
    Mistake(
        "ridge.bias_in_loss", "R", _bias_in_loss, "½ r (‖W‖² + ‖b‖²)",
        "The bias is regularised in the loss; the same terms belong in loss and gradient, and the "
        "bias is usually left out.",
        "There is a term too many.",
    ),
    Mistake(
        "ridge.multiplied_with_loss", "L", lambda t: t["L_data"] * (t["R"] if t["r"] else 1.0), "L · R",
        "The regulariser multiplies the loss; it is added to it.", "It is another operation.",
    ),
    Mistake(
        "ridge.divided_by_sum", "dL_dW",
        lambda t: t["dD_dW"] * N(t) / (N(t) + t["dR_dW"]) if t["dD_dW"] is not None else None,
        "XᵀD / (N + r W)",
        "The gradient is divided by the sum N + r W: `/=` takes all of what follows it.",
        "Precedence: an assignment operator and a sum.",
    ),
    Mistake(
        "ridge.loss_divided_by_sum", "L", lambda t: t["L_i"].sum() / (N(t) + t["R"]),
        "Σ_i L_i / (N + R)",
        "The loss is divided by the sum N + R: `/=` takes all of what follows it.",
        "Precedence: an assignment operator and a sum.",
    ),
    Mistake(
        "ridge.gradient_replaces", "dL_dW",
        lambda t: t["dR_dW"] if t["dD_dW"] is not None and np.any(t["r"]) else t["dD_dW"],
        "dL_dW = r W", "The regulariser's gradient replaces the data's; it is added to it.",
        "It is another operation.",
    ),
    Mistake(
        "ridge.loss_subtracted_after", "L", lambda t: t["R"] - t["L_data"], "R − L",
        "The data's loss is subtracted from the regulariser.", "The sign of one term is turned.",
    ),
)  # fmt: skip


def averaged(mistakes: tuple[Mistake, ...]) -> tuple[Mistake, ...]:
    """The mistakes of a penalty that is averaged over the batch like the losses, R = r ‖W‖² / (2 N)."""
    return tuple(
        replace(m, change=_over_rows(m.change)) for m in mistakes if m.step == "R" and not m.also
    )


def _over_rows(change: Change) -> Change:
    return lambda t: change(t) / N(t)
