"""Mistakes where rows count differently: class weights, ignored rows, the focal factor."""

# ruff: noqa: E501  # a table of sentences: one to a line
from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from pminusy.diagnosis.catalogue.mistake import Mistake
from pminusy.diagnosis.catalogue.recipe import Change, Record
from pminusy.diagnosis.catalogue.weighted import divisor, kept_labels, own, target

__all__ = ["FOCAL", "WEIGHTS", "of_weighted_rows"]


def of_weighted_rows(mistakes: tuple[Mistake, ...]) -> tuple[Mistake, ...]:
    """The mistakes of a plain loss, each row weighted, the labels of ignored rows taken for 0.

    What is divided by N in place of the rows' weights has a name of its own among `WEIGHTS`.
    """
    return tuple(_weighted(mistake) for mistake in mistakes if not mistake.id.endswith(".averaged"))


def _weighted(mistake: Mistake) -> Mistake:
    changes = {name: _change(name, change) for name, change in mistake.changes.items()}
    also = {name: change for name, change in changes.items() if name != mistake.step}
    return replace(mistake, change=changes[mistake.step], also=also)


def _change(step: str, change: Change) -> Change:
    def of(t: Record) -> Any:
        plain = change({**t, "y": kept_labels(t), "mean": t["mean"]})
        if step == "L_i":
            return t["v"] * plain
        return t["v"][:, None] * plain if step == "dL_dz_i" else plain

    return of


def _only(letters: str, change: Callable[[Record], Any]) -> Change:
    """A change that can be made only where one of these letters is given."""

    def of(t: Record) -> Any:
        if not set(letters.split()) & t.keys():
            raise KeyError(letters)
        return change(t)

    return of


def _plain_gradient(t: Record) -> Any:
    return t["p"] - target(t)


WEIGHTS = (
    Mistake(
        "class_weights.missing_in_gradient", "dL_dz", _only("cw sw", lambda t: _plain_gradient(t) / t["y"].size),
        "(1/N) (p − Y)", "The weights are in the loss and not in the gradient.",
        "Loss and gradient do not see the same weights.", right="dL_dz = v (p − Y) / Σ_i v_i", group="weights gradient",
    ),
    Mistake(
        "class_weights.not_in_row_gradients", "dL_dz_i", _only("cw sw", _plain_gradient), "p − Y",
        "The gradients of the rows are not weighted, the losses are.",
        "Loss and gradient do not see the same weights.", called="class_weights.missing_in_gradient", group="weights gradient",
    ),
    Mistake(
        "class_weights.missing_in_loss", "L", _only("cw sw", lambda t: -own(t, "log_p").mean()), "−(1/N) Σ_i ln p_i,y_i",
        "The weights are in the gradient and not in the loss.",
        "Loss and gradient do not see the same weights.", right="L = Σ_i L_i / Σ_i v_i", group="weights loss",
    ),
    Mistake(
        "class_weights.not_in_row_losses", "L_i", _only("cw sw", lambda t: -own(t, "log_p")), "−ln p_i,y_i",
        "The losses of the rows are not weighted.",
        "Loss and gradient do not see the same weights.", called="class_weights.missing_in_loss", group="weights loss",
    ),
    Mistake(
        "class_weights.gradient_of_other_classes", "dL_dz_i", _only("cw", lambda t: t["cw"][None, :] * _plain_gradient(t)),
        "w_k (p_ik − Y_ik)",
        "Each column is weighted by its own class; a whole row has the weight of its label.",
        "The weights run along the wrong axis.",
    ),
    Mistake(
        "class_weights.squared", "L_i", _only("cw", lambda t: -t["v"] ** 2 * own(t, "log_p")), "−v_i² ln p_i,y_i",
        "The weights are applied twice.", "There is a factor too many.",
    ),
    Mistake(
        "weighted.loss_divided_by_rows", "L_data",
        lambda t: t["L_i"].sum() / (t["y"].size if t.get("weighted") else t["v"].sum()), "divided by another total",
        "Loss and gradient are divided by different totals: one by the number of rows, one by the sum of their weights.",
        "Loss and gradient are not of one average.",
    ),
    Mistake(
        "weighted.gradient_divided_by_rows", "dL_dz",
        lambda t: t["dL_dz_i"] / (t["y"].size if t.get("weighted") else t["v"].sum()), "divided by another total",
        "Loss and gradient are divided by different totals: one by the number of rows, one by the sum of their weights.",
        "Loss and gradient are not of one average.", called="weighted.loss_divided_by_rows",
    ),
    Mistake(
        "ignored.gradient_not_zero", "dL_dz_i", _only("ignore", _plain_gradient), "p − Y in ignored rows too",
        "Rows that are ignored have a gradient: it is zero there.", "Not only the rows that count have a gradient.",
    ),
    Mistake(
        "ignored.gradient_of_probabilities", "dL_dz_i",
        _only("ignore", lambda t: t["p"] - target(t) * (t["v"] != 0)[:, None]), "p in ignored rows",
        "Rows that are ignored have a gradient: it is zero there.", "Not only the rows that count have a gradient.",
        called="ignored.gradient_not_zero",
    ),
    Mistake(
        "ignored.loss_counted", "L", _only("ignore", lambda t: -own(t, "log_p").mean()), "−(1/N) Σ_i ln p_i,y_i, over all rows",
        "The losses of ignored rows are counted.", "Not only the rows that count are summed.",
        right="L = Σ_i L_i / Σ_i v_i",
    ),
    Mistake(
        "ignored.losses_summed", "L_data", _only("ignore", lambda t: -own(t, "log_p").sum() / divisor(t)),
        "−Σ_i ln p_i,y_i / Σ_i v_i",
        "The losses of ignored rows are counted.", "Not only the rows that count are summed.", called="ignored.loss_counted",
    ),
)  # fmt: skip


def _focal(factor: Callable[[Any, Any], Any]) -> Change:
    """−factor(p_y, γ) ln p_y."""
    return _only("gamma", lambda t: -t["v"] * factor(own(t, "p"), t["gamma"]) * own(t, "log_p"))


FOCAL = (
    Mistake(
        "focal.missing", "L_i", _focal(lambda p, _: np.ones_like(p)), "−ln p_y",
        "The factor (1 − p_y)^γ is missing.", "A factor is missing.", right="−(1 − p_y)^γ ln p_y",
    ),
    Mistake(
        "focal.power_of_p", "L_i", _focal(lambda p, power: p**power), "−p_y^γ ln p_y",
        "The power is taken of p_y, not of 1 − p_y: what is certain counts the most.", "It is another factor.",
        right="−(1 − p_y)^γ ln p_y",
    ),
    Mistake(
        "focal.times_power", "L_i", _focal(lambda p, power: (1 - p) * power), "−γ (1 − p_y) ln p_y",
        "1 − p_y is multiplied by γ, not raised to its power.", "It is another operation.",
        right="−(1 − p_y)^γ ln p_y",
    ),
    Mistake(
        "focal.power_missing", "L_i", _focal(lambda p, _: 1 - p), "−(1 − p_y) ln p_y",
        "The exponent γ has no effect.", "An argument has no effect.", right="−(1 − p_y)^γ ln p_y",
    ),
    Mistake(
        "focal.log_missing", "L_i", _only("gamma", lambda t: -t["v"] * (1 - own(t, "p")) ** t["gamma"]),
        "−(1 − p_y)^γ", "The logarithm is missing.", "A function is missing.", right="−(1 − p_y)^γ ln p_y",
    ),
    Mistake(
        "focal.sign", "L_i", _focal(lambda p, power: -((1 - p) ** power)), "(1 − p_y)^γ ln p_y",
        "The minus sign is missing.", "The sign is turned.", right="−(1 − p_y)^γ ln p_y",
    ),
    Mistake(
        "focal.gradient_of_plain_loss", "dL_dz_i",
        _only("gamma", lambda t: t["v"][:, None] * _plain_gradient(t)), "p − Y",
        "This is the gradient of the plain cross-entropy, without the focal factor.",
        "Loss and gradient are not of one loss.",
        right="((1 − p_y)^γ − γ (1 − p_y)^(γ − 1) p_y ln p_y) (p − Y)",
    ),
    Mistake(
        "focal.factor_not_derived", "dL_dz_i",
        _only("gamma", lambda t: (t["v"] * (1 - own(t, "p")) ** t["gamma"])[:, None] * _plain_gradient(t)),
        "(1 − p_y)^γ (p − Y)",
        "The focal factor is taken for a constant: it depends on the scores as well.",
        "The product rule has a second term.",
        right="((1 − p_y)^γ − γ (1 − p_y)^(γ − 1) p_y ln p_y) (p − Y)",
    ),
)  # fmt: skip
