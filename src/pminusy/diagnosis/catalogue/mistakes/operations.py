"""Another operation in the place of the right one: every line with + − · / has the other three.

A line is declared once, with its two sides; the mistakes are made from it. They are the last of
their exercise, so that a mistake with a name of its own comes before them, and are never looked
for in pairs.
"""

# ruff: noqa: E501  # a table of formulas: one to a line
from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from pminusy.diagnosis.catalogue.head import batch, logits, one_hot, penalised
from pminusy.diagnosis.catalogue.mistake import Mistake
from pminusy.diagnosis.catalogue.recipe import Record

__all__ = ["EPOCH", "HIDDEN", "LINEAR", "LOGITS", "LOSS", "PENALTY", "SOFTMAX", "WEIGHTS"]

_OPERATIONS: dict[str, tuple[str, Callable[[Any, Any], Any], str]] = {
    "+": ("added", lambda a, b: a + b, "{a} and {b} are added"),
    "−": ("subtracted", lambda a, b: a - b, "{b} is subtracted from {a}"),
    "·": ("multiplied", lambda a, b: a * b, "{a} and {b} are multiplied"),
    "/": ("divided", lambda a, b: a / b, "{a} is divided by {b}"),
}


@dataclass(frozen=True)
class _Line:
    """A line `left operation right`, and what is done with its value.

    Parameters
    ----------
    name, step
        Of the mistakes, and the step of the recipe that the line is in.
    a, b
        Both sides, as letters of the formulas.
    left, right
        What they are.
    operation
        The right one.
    then
        From the value of the line to that of the step.
    """

    name: str
    step: str
    a: str
    operation: str
    b: str
    left: Callable[[Record], Any]
    right: Callable[[Record], Any]
    then: Callable[[Record, Any], Any] = lambda _, value: value

    def mistakes(self) -> Iterator[Mistake]:
        """The other operations in the place of the right one."""
        usual = f"{self.a} {self.operation} {self.b}"
        for sign, (word, _, said) in _OPERATIONS.items():
            if sign != self.operation:
                sentence = said.format(a=self.a, b=self.b)
                yield Mistake(
                    f"{self.name}.{word}", self.step, self._change(sign),
                    f"{self.a} {sign} {self.b}",
                    f"{sentence}, where {usual} belongs.", "An operation is another one.",
                    right=usual, alone=True, batch=self.b == "N",
                )  # fmt: skip

    def _change(self, sign: str) -> Callable[[Record], Any]:
        compute = _OPERATIONS[sign][1]
        return lambda t: self.then(t, compute(self.left(t), self.right(t)))


def _of(*lines: _Line) -> tuple[Mistake, ...]:
    return tuple(mistake for line in lines for mistake in line.mistakes())


def _another(name: str, step: str, change: Any, wrong: str, right: str) -> Mistake:
    """Another function in the place of the right one."""
    return Mistake(
        name, step, change, wrong, f"It computes {wrong}, where {right} belongs.",
        "A function is another one.", right=right, alone=True,
    )  # fmt: skip


def _size(t: Record) -> float:
    return float(t["y"].size)


def _own(t: Record, values: Any) -> Any:
    return values[np.arange(t["y"].size), t["y"]]


def _before_bias(t: Record) -> Any:
    return t["X"] @ t["W"].T


def _with_bias(t: Record, value: Any) -> Any:
    return value + t["b"] if "b" in t else value


LINEAR = _of(
    _Line("operation.bias", "z", "X Wᵀ", "+", "b", _before_bias, lambda t: t["b"]),
    _Line(
        "operation.temperature", "z", "z", "/", "T", lambda t: _with_bias(t, _before_bias(t)),
        lambda t: t["T"],
    ),
)  # fmt: skip
SOFTMAX = (
    *_of(
        _Line("operation.shift", "e", "z", "−", "m", lambda t: t["z"], lambda t: t["m"], lambda _, v: np.exp(v)),
        _Line("operation.normalisation", "p", "e", "/", "s", lambda t: t["e"], lambda t: t["s"]),
    ),
    _another("function.log_1p_of_sum", "s", lambda t: 1 + t["e"].sum(1, keepdims=True), "ln(1 + Σ_j e_j)", "ln Σ_j e_j"),
    _another(
        "function.log_2_of_sum", "s", lambda t: np.exp(np.log2(t["e"].sum(1, keepdims=True))), "log₂ Σ_j e_j", "ln Σ_j e_j"
    ),
    _another(
        "function.exp_2_in_sum", "s", lambda t: np.exp2(t["z"] - t["m"]).sum(1, keepdims=True), "Σ_j 2^(z_j − m)",
        "Σ_j e^(z_j − m)",
    ),
    _another("operation.scores.multiplied", "z", lambda t: logits(t) * logits(t).max(1, keepdims=True), "z · m", "z − m"),
)  # fmt: skip
LOSS = (
    *_of(
        _Line(
            "operation.target_and_log", "L_i", "Y", "·", "ln p", one_hot, lambda t: np.log(t["p"]),
            lambda _, v: -v.sum(1),
        ),
        _Line("operation.average", "L_data", "Σ_i L_i", "/", "N", lambda t: t["L_i"].sum(), _size),
        _Line(
            "operation.reciprocal", "L_data", "1", "/", "N", lambda _: 1.0, _size,
            lambda t, v: v * t["L_i"].sum(),
        ),
    ),
    _another("function.exp_for_log", "L_i", lambda t: -np.exp(_own(t, t["p"])), "−e^(p_y)", "−ln p_y"),
    _another(
        "function.exp_for_log_of_target", "L_i", lambda t: -(one_hot(t) * np.exp(t["p"])).sum(1), "−Y e^p", "−Y ln p"
    ),
    _another("function.log_1p", "L_i", lambda t: -(one_hot(t) * np.log1p(t["p"])).sum(1), "−Y ln(1 + p)", "−Y ln p"),
    _another("function.max_for_sum", "L_data", lambda t: t["L_i"].max() / _size(t), "max_i L_i / N", "Σ_i L_i / N"),
    _another("function.min_for_sum", "L_data", lambda t: t["L_i"].min() / _size(t), "min_i L_i / N", "Σ_i L_i / N"),
    _another("function.max_for_mean", "L_data", lambda t: t["L_i"].max(), "max_i L_i", "Σ_i L_i / N"),
    _another("function.min_for_mean", "L_data", lambda t: t["L_i"].min(), "min_i L_i", "Σ_i L_i / N"),
    _another(
        "function.mean_of_entries", "L_data", lambda t: t["L_i"].sum() / _size(t) ** 2 / t["p"].shape[1],
        "Σ_i L_i / (N² K)", "Σ_i L_i / N",
    ),
    _another("function.mean_for_sum", "L_data", lambda t: t["L_i"].sum() / _size(t) ** 2, "Σ_i L_i / N²", "Σ_i L_i / N"),
)  # fmt: skip
LOGITS = (
    *_of(
        _Line("operation.target", "dL_dz_i", "p", "−", "Y", lambda t: t["p"], one_hot, lambda t, v: v / t.get("T", 1.0)),
        _Line("operation.gradient_average", "dL_dz", "(p − Y)", "/", "N", lambda t: t["dL_dz_i"], _size),
    ),
    _another("function.exp_2_of_log", "dL_dz_i", lambda t: np.exp2(np.log(t["p"])) - one_hot(t), "2^(ln p) − Y", "e^(ln p) − Y"),
    _another("number.target_doubled", "dL_dz_i", lambda t: t["p"] - 2 * one_hot(t), "p − 2 Y", "p − Y"),
    _another("number.target_tripled", "dL_dz_i", lambda t: t["p"] - 3 * one_hot(t), "p − 3 Y", "p − Y"),
    _another(
        "function.target_is_one", "dL_dz_i", lambda t: np.where(one_hot(t) > 0, 1.0, t["p"]), "1 at the label",
        "p − 1 at the label",
    ),
    _another(
        "function.target_is_minus_one", "dL_dz_i", lambda t: np.where(one_hot(t) > 0, -1.0, t["p"]),
        "−1 at the label", "p − 1 at the label",
    ),
)  # fmt: skip


def _with_penalty(name: str) -> Callable[[Record, Any], Any]:
    return lambda t, value: value + t[name]


WEIGHTS = _of(
    _Line(
        "operation.weights_average", "dD_dW", "dL_dzᵀ X", "/", "N",
        lambda t: t["dL_dz_i"].T @ t["X"], _size,
    ),
    _Line(
        "operation.bias_average", "dL_db", "Σ_i dL_dz_i", "/", "N",
        lambda t: t["dL_dz_i"].sum(0), _size, _with_penalty("dR_db"),
    ),
)  # fmt: skip


def _penalised(t: Record) -> list[Any]:
    return [penalised(t, name) for name in ("W", "W1") if name in t]


def _in_penalty(name: str, of: Callable[[Any, Record], Any], wrong: str) -> Mistake:
    return _another(
        f"ridge.{name}", "R", lambda t: sum(of(W, t) for W in _penalised(t)), wrong, "½ r Σ W²"
    )


PENALTY = (
    _in_penalty("operation_doubled_in_loss", lambda W, t: t["half"] * t["r"] * np.sum(2 * W), "½ r Σ 2 W"),
    _in_penalty("operation_two_added_in_loss", lambda W, t: t["half"] * t["r"] * np.sum(W + 2), "½ r Σ (W + 2)"),
    _in_penalty("operation_cubed_in_loss", lambda W, t: t["half"] * t["r"] * np.sum(W**3), "½ r Σ W³"),
    _in_penalty("operation_maximum_in_loss", lambda W, t: t["half"] * t["r"] * np.max(W**2), "½ r max W²"),
    _in_penalty("operation_added_in_loss", lambda W, t: t["half"] * (t["r"] + np.sum(W**2)), "½ (r + Σ W²)"),
    _in_penalty("operation_halved_after_in_loss", lambda W, t: t["r"] + t["half"] * np.sum(W**2), "r + ½ Σ W²"),
    _in_penalty("operation_half_added_in_loss", lambda W, t: (t["half"] + t["r"]) * np.sum(W**2), "(½ + r) Σ W²"),
    _in_penalty("operation_sum_added_in_loss", lambda W, t: t["half"] * t["r"] + np.sum(W**2), "½ r + Σ W²"),
    _in_penalty("operation_divided_in_loss", lambda W, t: t["r"] / t["half"] * np.sum(W**2), "r / ½ Σ W²"),
    _in_penalty("operation_root_in_loss", lambda W, t: t["half"] * t["r"] * 2 * np.sqrt(np.sum(W**2)), "r ‖W‖"),
    _in_penalty("operation_norm_and_two_in_loss", lambda W, t: t["half"] * t["r"] * (2 + np.sqrt(np.sum(W**2))), "½ r (‖W‖ + 2)"),
    _another(
        "ridge.operation_gradient_added", "dR_dW", lambda t: t["r"] + t["W"], "dR_dW = r + W", "r W",
    ),
    _another(
        "ridge.operation_gradient_divided", "dR_dW", lambda t: t["r"] / t["W"] if np.any(t["r"]) else 0 * t["W"],
        "dR_dW = r / W", "r W",
    ),
)  # fmt: skip


def _trained(name: str, step: Callable[[Any, Any, Any], Any], wrong: str) -> Mistake:
    def change(t: Record) -> Record:
        return {of: step(t[of], t["lr"], t[f"dL_d{of}"]) for of in t["trained"]}

    return _another(f"operation.{name}", "update", change, wrong, "θ ← θ − η dL_dθ")


EPOCH = (
    _trained("step_multiplied", lambda W, lr, g: W * lr * g, "θ ← θ · η dL_dθ"),
    _trained("step_divided", lambda W, lr, g: W / (lr * g), "θ ← θ / (η dL_dθ)"),
    _trained("rate_added", lambda W, lr, g: W - (lr + g), "θ ← θ − (η + dL_dθ)"),
    _trained("rate_over_gradient", lambda W, lr, g: W - lr / g, "θ ← θ − η / dL_dθ"),
    _trained("rate_first", lambda W, lr, g: (W - lr) * g, "θ ← (θ − η) dL_dθ"),
)
HIDDEN = _of(
    _Line(
        "operation.first_bias", "a1", "X W₁ᵀ", "+", "b₁", lambda t: t["X0"] @ t["W1"].T,
        lambda t: t["b1"],
    ),
    _Line(
        "operation.mask", "dL_da1", "dL_dh", "·", "[a > 0]", lambda t: t["dL_dX"],
        lambda t: (t["a1"] > 0).astype(float),
    ),
    _Line(
        "operation.first_weights_average", "dD_dW1", "dL_daᵀ X", "/", "N",
        lambda t: t["dL_da1"].T @ t["X0"] * batch(t), _size,
    ),
    _Line(
        "operation.first_bias_average", "dL_db1", "Σ_i dL_da_i", "/", "N",
        lambda t: t["dL_da1"].sum(0) * batch(t), _size, _with_penalty("dR_db1"),
    ),
)  # fmt: skip
