"""The first wrong line of the derivation, from the derivation itself, at the numbers shown.

The one place that knows which line of the derivation a step of the head is. A mistake that breaks
another line, and a layer, say so in the catalogue.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from pminusy.derivation.build import derive
from pminusy.derivation.layers.form import Axis, Form
from pminusy.derivation.layers.lines import lines
from pminusy.derivation.render.text import TextPrinter
from pminusy.derivation.steps.derivation import Derivation
from pminusy.derivation.tree.notation import notation
from pminusy.diagnosis.bind.subject import Subject
from pminusy.diagnosis.catalogue.exercise import Layer
from pminusy.diagnosis.catalogue.mistake import Mistake
from pminusy.diagnosis.findings.counterexample import Counterexample
from pminusy.diagnosis.match.trial import Trial
from pminusy.diagnosis.report.verdict import DerivationLine

__all__ = ["broken_line", "layer_line"]

_OF_STEP = {  # a step of a recipe: the line of a batch, and of one sample
    "z": ("linear", "linear"), "m": ("shift", "shift"), "e": ("softmax", "softmax"),
    "s": ("softmax", "softmax"), "p": ("softmax", "softmax"), "log_p": ("ln_p", "ln_p"),
    "L_i": ("cross_entropy_one_hot", "cross_entropy_one_hot"), "L_data": ("batch_loss", ""),
    "dL_dz_i": ("dL_dz", "dL_dz"), "dL_dz": ("batch_dL_dZ", ""),
    "dD_dW": ("batch_dL_dW", "dL_dW"), "dL_db": ("batch_dL_db", "dL_db"),
    "dL_dX": ("batch_dL_dX", "dL_dx"),
}  # fmt: skip
_OF_HIDDEN_LAYER = {  # steps of a network before its head
    "a1": ("linear", "forward"), "X": ("relu", "forward"), "dL_da1": ("relu", "da"),
    "dD_dW1": ("linear", "dW"), "dL_db1": ("linear", "db"),
}  # fmt: skip
_MOST_NUMBERS = 3
_SHIFTED = ("e", "s")  # steps after the shift, whose numbers the line of the softmax does not have


def broken_line(trial: Trial, found: Counterexample) -> DerivationLine | None:
    """The line of the first mistake, or of the first result of a layer that differs."""
    if trial.against:
        return None
    exercise = trial.subject.exercise
    mistake = next(iter(trial.best.mistakes), None)
    if isinstance(exercise, Layer):
        step = mistake.step if mistake is not None else found.letters[0]
        name = exercise.lines.get(step, "")
        called = _of_layer(trial.subject)
        return layer_line(exercise.derivation, name, found.inputs, called)
    if mistake is None:
        return None
    kind, name = _OF_HIDDEN_LAYER.get(mistake.step, ("", ""))
    if not name:
        return _line(mistake, found.right, summed=trial.best.conventions.reduction == "sum")
    return layer_line(kind, name, found.inputs, _of_hidden_layer(trial.subject, kind))


def layer_line(
    kind: str, name: str, inputs: Mapping[str, Any], called: Mapping[str, str] | None = None
) -> DerivationLine | None:
    """The line of a layer's derivation: for any size, with the stride and padding of the inputs.

    Its letters a and g are explained where it has them, by what they are `called` in the program.
    """
    if not name:
        return None
    form = _form(kind, inputs)
    found = next(line for line in lines(form, "layer") if line.name == f"layer_{name}")
    statement = TextPrinter(notation("p")).relation(found.statement)
    meaning = {"a": "what goes in", "g": "the gradient that comes from above"}
    used = [
        f"{letter} is {f'{(called or {})[letter]}, ' if letter in (called or {}) else ''}{words}"
        for letter, words in meaning.items()
        if re.search(rf"(?<!\w){letter}(?=_|\W|$)", statement)
    ]
    why = found.why + (f" Here {', and '.join(used)}." if used and name != "forward" else "")
    return DerivationLine(f"{form.name}_{name}", found.title, statement, why)


def _of_layer(subject: Subject) -> dict[str, str]:
    """What the learner calls the input of a layer, and the gradient from above."""
    called = {"a": subject.parameter("X"), "g": subject.parameter("g")}
    return {letter: name for letter, name in called.items() if name != letter}


def _of_hidden_layer(subject: Subject, kind: str) -> dict[str, str]:
    """The same of a network's hidden layer, whose values need not be among the arguments."""
    if kind == "relu":
        before = {"a": subject.parameter("a1")} if "a1" in subject.roles else {}
        return {**before, "g": "dL_dh"}
    return {"a": subject.parameter("X0"), "g": "dL_da"}


def _form(kind: str, inputs: Mapping[str, Any]) -> Form:
    """The layer as the derivation has it: windows slide along both axes of an image."""
    if kind not in ("maxpool", "conv"):
        return Form(kind)
    kernel = inputs["W"].shape[2:] if kind == "conv" else (int(inputs["size"]),) * 2
    stride, padding = int(inputs.get("stride", 1)), int(inputs.get("pad", 0))
    return Form(kind, 4, tuple(Axis(size, stride, padding) for size in kernel))


def _line(mistake: Mistake, record: Mapping[str, Any], summed: bool) -> DerivationLine | None:
    """The line a mistake breaks, with its proof's own words and the numbers of a right record.

    `summed`: whether the loss is asked for as the sum over the batch.
    """
    if not mistake.line and _beside_the_fault(mistake, record):
        return None
    batch = "y" in record and record["y"].size > 1
    key = mistake.line or _OF_STEP.get(mistake.step, ("", ""))[not batch]
    derivation = _derivation(record, summed) if key else None
    if derivation is None or key not in derivation:
        return None
    step = derivation[key]
    printer = TextPrinter(derivation.notation, 5)
    rows = () if mistake.step in _SHIFTED else step.rows[:_MOST_NUMBERS]
    numbers = tuple(printer.relation(row.statement) for row in rows)
    return DerivationLine(key, step.title, printer.relation(step.statement), step.why, numbers)


def _beside_the_fault(mistake: Mistake, record: Mapping[str, Any]) -> bool:
    """Whether the line of a step says nothing of what is wrong there.

    The derivation's line of z has no temperature, that of a bias no regulariser, and its p − y is
    not the backward pass of a softmax alone.
    """
    of_option = mistake.id.startswith(("temperature.", "smoothing.", "class_weights.", "focal."))
    of_bias = mistake.step == "dL_db" and mistake.of_regulariser
    no_bias = mistake.step == "z" and "b" not in record
    return of_option or of_bias or no_bias or "g" in record


def _derivation(record: Mapping[str, Any], summed: bool) -> Derivation | None:
    """The derivation at a record's inputs: of its layer if it has one, else of its scores."""
    labels = record.get("y", np.zeros(len(record["z"]), dtype=int)) if "z" in record else None
    if labels is None or not np.isfinite(record["z"]).all() or np.any(labels < 0):
        return None
    one = labels.size == 1
    y: Any = int(labels[0]) if one else labels
    reduction = "sum" if summed and not one else "mean"
    if "X" in record and "W" in record and "W1" not in record:
        x = record["X"][0] if one else record["X"]
        r = float(record.get("r", 0.0))
        ridge = r or 0.1
        return derive(x=x, W=record["W"], b=record.get("b"), y=y, ridge=ridge, reduction=reduction)
    return derive(z=record["z"][0] if one else record["z"], y=y, reduction=reduction)
