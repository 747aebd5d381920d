"""What an exercise leaves open: mean or sum, ½ or not, which weights are regularised."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from pminusy.errors import InputError

__all__ = ["PINS", "Conventions", "allowed", "formula", "in_words", "parse_pins"]


@dataclass(frozen=True, slots=True)
class Conventions:
    """The conventions one submission follows.

    Parameters
    ----------
    reduction
        "mean" or "sum" of the losses, "weighted": their mean by the rows' weights, or "none": one
        loss a row. "none, mean": one loss a row, and the gradient of their mean.
    half
        Factor of the regulariser, `half · r ‖W‖²`.
    free
        Column of W that the regulariser leaves out as the bias, or None.
    biases
        Whether the regulariser has the biases in it as well, in the loss and in the gradient.
    """

    reduction: str = "mean"
    half: float = 0.5
    free: int | None = None
    biases: bool = False

    @property
    def letters(self) -> Mapping[str, Any]:
        """The same, as a recipe's inputs."""
        return {
            "mean": self.reduction in ("mean", "weighted", "none, mean"), "half": self.half,
            "weighted": self.reduction == "weighted", "free": self.free, "biases": self.biases,
        }  # fmt: skip

    @property
    def usual(self) -> bool:
        """Whether the regulariser has all weights and no bias in it."""
        return self.free is None and not self.biases


_WORDS = {
    ("reduction", "mean"): "the loss is the mean over the batch",
    ("reduction", "sum"): "the loss is the sum over the batch",
    ("reduction", "none"): "there is one loss for each row",
    (
        "reduction",
        "none, mean",
    ): "there is one loss for each row, and the gradient is of their mean",
    ("reduction", "weighted"): "the loss is the mean over the batch, by the rows' weights",
    ("half", 0.5): "the regulariser is ½ r ‖W‖²",
    ("half", 1.0): "the regulariser is r ‖W‖²",
    ("free", -1): "the last feature's weights are the bias, and not regularised",
    ("free", 0): "the first feature's weights are the bias, and not regularised",
    ("biases", True): "the biases are regularised too",
}
_VALUES: Mapping[str, tuple[Any, ...]] = {
    "reduction": ("mean", "sum"),
    "half": (0.5, 1.0),
    "free": (None, -1, 0),
    "biases": (False, True),
}
PINS: Mapping[str, tuple[str, Any]] = {
    "mean": ("reduction", "mean"),
    "sum": ("reduction", "sum"),
    "half": ("half", 0.5),
    "full": ("half", 1.0),
    "all-weights": ("free", None),
    "last-column-bias": ("free", -1),
    "first-column-bias": ("free", 0),
    "weights-alone": ("biases", False),
    "biases-too": ("biases", True),
    "bias-vector": ("b", "K"),
    "bias-row": ("b", "1×K"),
    "index": ("y", "index"),
    "one-hot": ("y", "one-hot"),
    "column": ("y", "column"),
    "rows": ("samples", "rows"),
    "columns": ("samples", "columns"),
    "batch": ("batch", True),
    "gradient-required": ("gradient", True),
    "drop": ("dropout", "drop"),
    "keep": ("dropout", "keep"),
}


_FULL = {
    "R": "R = r ‖W‖²", "dR_dW": "dR_dW = 2 r W", "dR_dW1": "dR_dW₁ = 2 r W₁",
    "dL_dW": "dL_dW = dL_dzᵀ X + 2 r W", "dL_dW1": "dL_dW₁ = dL_daᵀ X + 2 r W₁",
}  # fmt: skip
_SUMMED = {"L_data": "L = Σ_i L_i", "L": "L = Σ_i L_i + R", "dL_dz": "dL_dz = p − Y"}


def formula(step: str, usual: str, conventions: Conventions) -> str:
    """The formula of a step as these conventions read it."""
    if conventions.half == 1.0 and step in _FULL:
        return _FULL[step]
    return _SUMMED.get(step, usual) if conventions.reduction == "sum" else usual


def parse_pins(text: str | Iterable[str]) -> dict[str, Any]:
    """Pinned conventions by name, from "mean,half".

    Raises
    ------
    InputError
        A word that is no convention, or two that exclude each other.
    """
    words = text.split(",") if isinstance(text, str) else list(text)
    pins: dict[str, Any] = {}
    for word in (word.strip() for word in words if word.strip()):
        if word not in PINS:
            raise InputError("pin", f"one of {', '.join(PINS)}", repr(word))
        name, value = PINS[word]
        if name in pins and pins[name] != value:
            raise InputError("pin", "conventions that can hold together", repr(",".join(words)))
        pins[name] = value
    return pins


def allowed(
    pins: Mapping[str, Any], regularised: bool, averaged: bool, biased: bool = False
) -> list[Conventions]:
    """Conventions a submission may follow, the usual ones first."""
    open_names = {
        "reduction": averaged, "half": regularised, "free": regularised,
        "biases": regularised and biased,
    }  # fmt: skip
    names = [field.name for field in fields(Conventions)]
    choices = [
        (pins[name],) if name in pins else _VALUES[name] if open_names[name] else _VALUES[name][:1]
        for name in names
    ]
    return [
        Conventions(**dict(zip(names, values, strict=True)))
        for values in sorted(itertools.product(*choices), key=_unusual)
    ]


def _unusual(values: tuple[Any, ...]) -> int:
    reduction, half, free, biases = values
    odd = (
        8 * biases
        + 4 * (free is not None)
        + 2 * (reduction != "mean")
        + (half != 0.5)
        + (free == 0)
    )
    return int(odd)


def in_words(conventions: Conventions, names: Iterable[str]) -> list[str]:
    """The conventions that were found, in words."""
    pairs = [(name, getattr(conventions, name)) for name in names]
    return [_WORDS[pair] for pair in pairs if pair in _WORDS]
