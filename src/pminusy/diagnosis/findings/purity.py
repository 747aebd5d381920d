"""Inputs that are not what they were after a call: shifted scores, trained or emptied weights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from pminusy.diagnosis.findings.wording import words_of
from pminusy.diagnosis.match.trial import Trial
from pminusy.diagnosis.report.content import Finding

__all__ = ["changed_inputs"]

_PARAMETERS = ("W", "W1", "b", "b1")
_WORK_ON_A_COPY = "whoever called it finds the array different afterwards. Work on a copy."


def changed_inputs(trial: Trial) -> Iterator[Finding]:
    """Inputs that are changed in place: data is a fault of manners, parameters are a mistake."""
    subject = trial.subject
    trained = {letter.removeprefix("after_") for letter in subject.letters()}
    changed = {
        name for pair in trial.seen for seen in pair if seen is not None for name in seen.changed
    } - trained
    parameters = [letter for letter in _PARAMETERS if letter in changed]
    for letter in parameters:
        yield _of_parameter(trial, letter)
    if changed - set(parameters):
        names = words_of([subject.parameter(x) for x in sorted(changed - set(parameters))])
        yield Finding(
            "purity.inputs_changed", f"It changes {names} in place: {_WORK_ON_A_COPY}",
            "purity", "z −= max z, on the caller's array", "z′ = z − max z, a new array",
            hints=("Look for assignments into an argument (−=, [...] =).",
                   "A function of its arguments changes one of them.", "It should be a copy."),
        )  # fmt: skip


def _of_parameter(trial: Trial, letter: str) -> Finding:
    name = trial.subject.parameter(letter)
    if _is_step(trial, letter):
        return Finding(
            "purity.trains_inside",
            f"It trains inside the loss: {name} is moved along its gradient, so every call changes "
            "the model. Return the gradient; the training loop takes the step.",
            "weights",
            f"{name} ← {name} − η dL_d{letter}, inside the loss", f"dL_d{letter}, returned",
            hints=("Look for an update of the weights.", "A loss is a function of its arguments.",
                   "It should return the gradient and leave the weights as they are."),
        )  # fmt: skip
    zeroed = _zeroed(trial, letter)
    part = "a part of it is set to 0" if zeroed else "in place"
    return Finding(
        "purity.weights_changed",
        f"It changes the weights {name} ({part}): after `V = {name}` both names are one array, and "
        f"what is done to one is done to the other. Use `V = {name}.copy()`.",
        "weights", f"V = {name}, then V[…] = 0", f"V = a copy of {name}",
        hints=("Look for a second name of the weights, and assignments into it.",
               "An alias is not a copy.", "It should be a copy of the weights."),
    )  # fmt: skip


def _pairs(trial: Trial, letter: str) -> Iterator[tuple[Any, Any, Any]]:
    """Weights before and after a call, and the right gradient, as the learner lays them out."""
    subject = trial.subject
    for probe, (seen, _) in zip(trial.probes, trial.seen, strict=True):
        right = trial.right(probe.inputs)
        if letter in seen.after and right is not None:
            before = subject.laid_out(letter, probe.inputs[letter], probe.inputs)
            gradient = right.get(f"dL_d{letter}")
            laid = None if gradient is None else subject.laid_out(letter, gradient, probe.inputs)
            yield np.asarray(before), np.asarray(seen.after[letter]), laid


def _is_step(trial: Trial, letter: str) -> bool:
    """Whether the change is a multiple of the gradient."""
    for before, after, gradient in _pairs(trial, letter):
        if gradient is None or before.shape != after.shape or gradient.shape != after.shape:
            return False
        change, slope = (before - after).ravel(), gradient.ravel()
        rate = float(change @ slope) / max(float(slope @ slope), 1e-300)
        if not np.allclose(change, rate * slope, rtol=1e-6, atol=1e-9):
            return False
    return True


def _zeroed(trial: Trial, letter: str) -> bool:
    return all(
        before.shape == after.shape and bool(np.all(after[before != after] == 0))
        for before, after, _ in _pairs(trial, letter)
    )
