"""Formulas as a learner's arrays lie, and with the names of the function's own arguments."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from pminusy.diagnosis.bind.subject import Subject
from pminusy.diagnosis.catalogue.quantities import OUTPUT_NAMES

__all__ = ["as_written", "called"]

_OF_LAYERS = ("linear", "network", "network_backward", "epoch", "network_epoch")
_NAMED = (("W", "W"), ("W₁", "W1"), ("W₂", "W"), ("r", "r"), ("T", "T"), ("η", "lr"))
_Match = Callable[["re.Match[str]"], str]
_PRODUCTS: Mapping[str, Mapping[str, _Match]] = {  # for (K, D) weights and samples in rows: as is
    "columns": {
        r"(dL_dz|dL_da)ᵀ (X|h)\b": lambda m: f"{m[1]} {m[2]}ᵀ",
        r"\b(X|h) (W[₁₂]?)ᵀ": lambda m: f"{m[2]} {m[1]}",
        r"(dL_dz|\(p − Y\)) (W[₁₂]?)(?![\w₁₂ᵀ])": lambda m: f"{m[2]}ᵀ {m[1]}",
    },
    "D×K": {
        r"(dL_dz|dL_da)ᵀ (X|h)\b": lambda m: f"{m[2]}ᵀ {m[1]}",
        r"\b(X|h) (W[₁₂]?)ᵀ": lambda m: f"{m[1]} {m[2]}",
        r"(dL_dz|\(p − Y\)) (W[₁₂]?)(?![\w₁₂ᵀ])": lambda m: f"{m[1]} {m[2]}ᵀ",
    },
}  # fmt: skip


def as_written(subject: Subject, formula: str) -> str:
    """A formula of the catalogue, which has W as (K, D) and samples in rows, as the learner has it.

    Of a network, the last layer's W and b are W₂ and b₂, and its inputs are h.
    """
    if subject.exercise.name == "softmax layer":
        return re.sub(r"\bg(?=_|\b)", subject.parameter("g"), formula)
    if subject.exercise.name not in _OF_LAYERS or subject.single:
        return formula
    if "W1" in subject.given:
        formula = re.sub(r"(dL_d|dR_d|(?<![\w₁₂]))([Wb])(?=ᵀ|\W|$)", r"\1\2₂", formula)
        formula = re.sub(r"(dL_dzᵀ) X\b", r"\1 h", formula)
    rows = subject.layouts.get("X0", subject.layouts.get("X"))
    lying = "columns" if rows == "K×N" else subject.layouts.get("W", "")
    for pattern, written in _PRODUCTS.get(lying, {}).items():
        formula = re.sub(pattern, written, formula)
    return _named(subject, formula)


def _named(subject: Subject, formula: str) -> str:
    """With the names of the weights, the strength and the temperature, where they are others."""
    for letter, quantity in _NAMED:
        name = subject.parameter(quantity) if quantity in subject.given else letter
        plain = {"W1": "W₁", "W2": "W₂"}.get(name, name)
        if plain != letter and name.isidentifier():
            before = r"(dL_d|dR_d|(?<![\w₁₂]))"
            formula = re.sub(rf"{before}{letter}(?=ᵀ|\W|$)", rf"\1{plain}", formula)
    return formula


def called(subject: Subject, letter: str) -> str:
    """What a report calls a result: of a network's four parameters by the learner's names."""
    of = letter.removeprefix("dL_d").removeprefix("after_")
    if of == letter or of not in ("W", "W1", "b", "b1") or "W1" not in subject.given:
        return OUTPUT_NAMES[letter]
    name = subject.parameter(of)
    return f"the gradient of {name}" if letter.startswith("dL_d") else f"the trained {name}"
