"""Temperature and label smoothing: mistakes where they are arguments, and where they are built in.

What is built in has a size that nobody tells: `FITTED` holds families of mistakes with one number,
which `fitting` finds from what was returned.
"""

# ruff: noqa: E501  # a table of sentences: one to a line
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from pminusy.diagnosis.catalogue.head import logits
from pminusy.diagnosis.catalogue.mistake import Mistake
from pminusy.diagnosis.catalogue.recipe import Change, Record

__all__ = ["FITTED", "FORWARD_TEMPERATURE", "SMOOTHING", "TEMPERATURE", "Family"]


def _plain(t: Record) -> Any:
    """The one-hot of the labels, whatever the smoothing."""
    return (t["y"][:, None] == np.arange(t["p"].shape[1])).astype(float)


def _mass(t: Record, smoothing: float, others: int) -> Any:
    """1 − ε for the label, ε shared by all K classes (`others` 0) or by the K − 1 others (1)."""
    Y, K = _plain(t), t["p"].shape[1]
    if others:
        return (1 - smoothing) * Y + smoothing / (K - 1) * (1 - Y)
    return (1 - smoothing) * Y + smoothing / K


def _loss(mass: Callable[[Record], Any]) -> Change:
    return lambda t: -(mass(t) * np.log(t["p"])).sum(1)


def _gradient(mass: Callable[[Record], Any]) -> Change:
    return lambda t: (t["p"] - mass(t)) / t.get("T", 1.0)


def _smoothed(
    name: str, mass: Callable[[Record], Any], wrong: str, sentence: str, off: str
) -> Mistake:
    return Mistake(
        f"smoothing.{name}", "L_i", _loss(mass), wrong, sentence, off,
        right="q = (1 − ε) Y + ε / K in loss and gradient", also={"dL_dz_i": _gradient(mass)},
        group="smoothing",
    )  # fmt: skip


TEMPERATURE = (
    Mistake(
        "temperature.ignored", "z", lambda t: logits(t) * t["T"], "z",
        "The temperature has no effect on the scores.", "An argument has no effect.", right="z / T",
        also={"dL_dz_i": lambda t: t["p"] - _plain(t)}, group="temperature",
    ),
    Mistake(
        "temperature.multiplies", "z", lambda t: logits(t) * t["T"] ** 2, "z · T",
        "The scores are multiplied by the temperature; they are divided by it.",
        "An operation is turned round.", right="z / T", group="temperature",
    ),
    Mistake(
        "temperature.gradient_not_divided", "dL_dz_i", lambda t: (t["p"] - _plain(t)) + 0 * t["T"],
        "p − Y",
        "The scores are divided by the temperature and the gradient is not: the chain rule gives "
        "(p − Y) / T.",
        "A factor of the chain rule is missing.", right="∂L_i/∂z_i = (p_i − Y_i) / T",
    ),
    Mistake(
        "temperature.gradient_multiplied", "dL_dz_i", lambda t: (t["p"] - _plain(t)) * t["T"],
        "T (p − Y)", "The gradient is multiplied by the temperature; the chain rule divides by it.",
        "An operation is turned round.", right="∂L_i/∂z_i = (p_i − Y_i) / T",
    ),
    Mistake(
        "temperature.after_exp", "e", lambda t: np.exp(t["z"] * t["T"]) / t["T"], "e^z / T",
        "exp is divided by the temperature; it belongs inside the exponent.",
        "A bracket closes too early.", right="e^(z / T)", group="temperature",
    ),
)  # fmt: skip

FORWARD_TEMPERATURE = tuple(m for m in TEMPERATURE if not m.step.startswith("dL_"))

SMOOTHING = (
    _smoothed(
        "other_classes", lambda t: _mass(t, t["eps"], 1), "ε / (K − 1) on the other classes",
        "The share ε is spread over the K − 1 other classes; label smoothing spreads it over all K, "
        "the true class included.",
        "The share is divided among the wrong classes.",
    ),
    _smoothed(
        "label_kept", lambda t: _plain(t) + t["eps"] / t["p"].shape[1], "Y + ε / K",
        "The share ε is added and never taken from the label: the targets sum to 1 + ε.",
        "The targets do not sum to 1.",
    ),
    _smoothed(
        "not_shared", lambda t: (1 - t["eps"]) * _plain(t) + t["eps"], "(1 − ε) Y + ε",
        "Each class gets all of ε, not ε / K: the targets do not sum to 1.",
        "The targets do not sum to 1.",
    ),
    _smoothed(
        "ignored", lambda t: _plain(t) + 0 * t["eps"], "Y",
        "The label smoothing has no effect.", "An argument has no effect.",
    ),
    Mistake(
        "smoothing.gradient_not_smoothed", "dL_dz_i", lambda t: t["p"] - _plain(t) + 0 * t["eps"],
        "p − Y", "The loss has smoothed targets and the gradient plain ones.",
        "Loss and gradient do not see the same targets.",
        right="∂L_i/∂z_i = p_i − q_i, q = (1 − ε) Y + ε / K",
    ),
    Mistake(
        "smoothing.loss_not_smoothed", "L_i",
        lambda t: -(_plain(t) * np.log(t["p"])).sum(1) + 0 * t["eps"], "−ln p_y",
        "The gradient has smoothed targets and the loss plain ones.",
        "Loss and gradient do not see the same targets.",
        right="L_i = −Σ_k q_k ln p_ik, q = (1 − ε) Y + ε / K",
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Family:
    """Mistakes that differ in one number: how to make one, and where the number may lie."""

    make: Callable[[float], Mistake]
    low: float
    high: float


_ASKED = "It is a convention, not a slip; the plain loss that was asked for has none."


def _built_in_smoothing(smoothing: float) -> Mistake:
    return Mistake(
        "smoothing.built_in", "L_i", _loss(lambda t: _mass(t, smoothing, 0)),
        f"q = (1 − ε) Y + ε / K, ε = {smoothing:.4g}",
        f"The targets are smoothed, with ε = {smoothing:.4g} of each spread over all classes. {_ASKED}",
        "The targets are not the labels.",
        also={"dL_dz_i": _gradient(lambda t: _mass(t, smoothing, 0))},
    )  # fmt: skip


def _built_in_smoothing_of_others(smoothing: float) -> Mistake:
    return Mistake(
        "smoothing.built_in_other_classes", "L_i", _loss(lambda t: _mass(t, smoothing, 1)),
        f"q = 1 − ε for the label, ε / (K − 1) for the others, ε = {smoothing:.4g}",
        f"The targets are smoothed, with ε = {smoothing:.4g} spread over the K − 1 other classes "
        "(label smoothing proper spreads it over all K). The plain loss that was asked for has none.",
        "The targets are not the labels.",
        also={"dL_dz_i": _gradient(lambda t: _mass(t, smoothing, 1))},
    )  # fmt: skip


def _built_in_temperature(temperature: float) -> Mistake:
    return Mistake(
        "temperature.built_in", "z", lambda t: logits(t) / temperature, f"z / {temperature:.4g}",
        f"The scores are divided by a temperature of {temperature:.4g}. {_ASKED}",
        "The scores are scaled before the softmax.",
        also={"dL_dz_i": lambda t: (t["p"] - _plain(t)) / temperature},
    )  # fmt: skip


def _temperature_of_the_loss_alone(temperature: float) -> Mistake:
    return Mistake(
        "temperature.built_in_gradient_not_divided", "z", lambda t: logits(t) / temperature,
        f"z / {temperature:.4g}, and p − Y",
        f"The scores are divided by a temperature of {temperature:.4g} and the gradient is not: the "
        "chain rule gives (p − Y) / T.",
        "The scores are scaled before the softmax, and a factor of the chain rule is missing.",
        also={"dL_dz_i": lambda t: t["p"] - _plain(t)},
    )  # fmt: skip


def _guarded_denominator(guard: float) -> Mistake:
    return Mistake(
        "softmax.guarded_denominator", "s", lambda t: t["e"].sum(1, keepdims=True) + guard,
        f"e_k / (Σ_j e_j + {guard:.3g})",
        f"{guard:.3g} is added to the denominator, so rows do not sum to 1. After the shift the sum "
        "is at least 1: there is nothing to guard.",
        "There is a term too many.",
    )  # fmt: skip


def _guarded_logarithm(guard: float) -> Mistake:
    return Mistake(
        "loss.guard", "L_i", lambda t: -(_plain(t) * np.log(t["p"] + guard)).sum(1),
        f"−ln(p_y + {guard:.3g})",
        f"{guard:.3g} is added to the probability before the logarithm, which changes every loss. "
        "Computed from the scores, as ln Σ_j e^(z_j) − z_y, the loss needs no guard.",
        "There is a term too many.",
        right="L_i = m + ln Σ_j e^(z_j − m) − z_y",
    )  # fmt: skip


def _focal(power: float) -> Mistake:
    return Mistake(
        "loss.focal", "L_i",
        lambda t: -(_plain(t) * (1 - t["p"]) ** power * np.log(t["p"])).sum(1),
        f"−(1 − p_y)^{power:.4g} ln p_y",
        f"This is the focal loss, with exponent {power:.4g}: another loss, which has another gradient.",
        "There is a factor too many.",
    )  # fmt: skip


FITTED = (
    Family(_built_in_smoothing, 1e-3, 0.9), Family(_built_in_smoothing_of_others, 1e-3, 0.9),
    Family(_built_in_temperature, 0.02, 50.0), Family(_temperature_of_the_loss_alone, 0.02, 50.0),
    Family(_guarded_denominator, 1e-5, 100.0), Family(_guarded_logarithm, 1e-7, 1.0),
    Family(_focal, 0.25, 8.0),
)  # fmt: skip
