"""The smallest inputs, in whole and half numbers, on which a submission is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pminusy.diagnosis.bind.call import call
from pminusy.diagnosis.bind.subject import Seen
from pminusy.diagnosis.catalogue.conventions import formula
from pminusy.diagnosis.catalogue.exercise import Layer
from pminusy.diagnosis.catalogue.quantities import OUTPUT_NAMES
from pminusy.diagnosis.findings.as_written import as_written, called
from pminusy.diagnosis.findings.shared_cause import implied_probabilities, shared_cause
from pminusy.diagnosis.match.trial import Trial
from pminusy.diagnosis.report.verdict import Comparison
from pminusy.diagnosis.report.wording import number, told_apart

__all__ = [
    "Counterexample",
    "comparisons",
    "inputs_in_words",
    "on_the_way",
    "smallest_counterexample",
]


@dataclass(frozen=True)
class Counterexample:
    """Inputs, what came back on them, what is right, and letters of the quantities that differ."""

    inputs: Mapping[str, Any]
    seen: Seen
    right: Mapping[str, Any]
    letters: tuple[str, ...]


def smallest_counterexample(trial: Trial) -> Counterexample | None:
    """The first of ever larger inputs that shows a difference which the diagnosis accounts for.

    If there is none, the first that shows a difference.
    """
    subject, fallback = trial.subject, None
    for inputs in subject.exercise.small_inputs(subject.given, subject.single):
        seen, right = call(subject, inputs), trial.right(inputs)
        if seen.raised is not None or right is None:
            continue
        differing = tuple(
            letter for letter, value in seen.values.items() if _differs(value, right[letter])
        )
        if differing:
            found = Counterexample(inputs, seen, right, differing)
            if _accounted_for(trial, found):
                return found
            fallback = fallback or found
    return fallback


def _differs(value: Any, right: Any) -> bool:
    right = np.asarray(right, dtype=np.float64)
    value = np.asarray(value, dtype=np.float64)
    if value.shape != right.shape:
        return True
    with np.errstate(all="ignore"):
        same = np.abs(value - right) <= 1e-4 * max(np.abs(right).max(initial=0.0), 1e-3)
    return not bool(np.all(same))


def _accounted_for(trial: Trial, found: Counterexample) -> bool:
    """Whether the recognised mistakes return what came back."""
    made = _with_mistakes(trial, found.inputs)
    if made is None:
        return False
    return all(
        made.get(letter) is not None
        and np.shape(made[letter]) == value.shape
        and np.allclose(
            value, np.asarray(made[letter], float), rtol=1e-4, atol=1e-7, equal_nan=True
        )
        for letter, value in found.seen.values.items()
    )


def _with_mistakes(trial: Trial, inputs: Mapping[str, Any]) -> Mapping[str, Any] | None:
    return trial.outputs.run(inputs, trial.best.mistakes, float(inputs.get("r", 0.0)))


# --------------------------------------------------------------------------------- in words


def inputs_in_words(trial: Trial, found: Counterexample) -> tuple[tuple[str, str], ...]:
    """The inputs by the learner's own names, as they can be typed into Python."""
    subject = trial.subject
    if subject.exercise.name == "network_backward" and not isinstance(subject.exercise, Layer):
        letters = [role for role in subject.roles if role not in (None, "cache", "parameters")]
        if len(letters) == len(subject.roles):  # all that it takes, what is computed as well
            return tuple(
                (subject.parameter(letter), _typed(subject.argument(letter, found.inputs)))
                for letter in map(str, letters)
            )
    return tuple(
        (subject.parameter(letter), _typed(subject.laid_out(letter, value, found.inputs)))
        for letter, value in found.inputs.items()
    )


def _typed(value: Any) -> str:
    array = np.asarray(value).round(6)
    if array.ndim > 2:
        flat = array.reshape(-1, array.shape[-1]) if array.size > array.shape[-1] else array.ravel()
        return f"np.reshape({flat.tolist()}, {array.shape})"
    return str(array.tolist())


def comparisons(trial: Trial, found: Counterexample) -> tuple[Comparison, ...]:
    """The learner's numbers beside the right ones; what the diagnosis infers, where it differs."""
    results = tuple(_of_results(trial, found))
    shown = {(comparison.yours, comparison.right) for comparison in results}
    first = (c for c in _of_first_mistake(trial, found) if (c.yours, c.right) not in shown)
    return (*first, *results)


def _of_first_mistake(trial: Trial, found: Counterexample) -> Iterator[Comparison]:
    """The step that is wrong, as the diagnosis has it: the program need not return it."""
    p = implied_probabilities(trial, found.inputs, found.seen)
    if p is not None and shared_cause(trial) is not None:
        yield Comparison("p", "p", *_numbers(trial, found, "p", p), inferred=True)
    for mistake in trial.best.mistakes[:1]:
        made = _with_mistakes(trial, found.inputs)
        if mistake.step in found.seen.values:
            return  # it is among the results
        if made is None or mistake.step not in found.right or not _numeric(made.get(mistake.step)):
            return  # a reference has no steps, only results
        step = trial.subject.exercise.recipe.step(mistake.step)
        usual = formula(step.name, step.formula, trial.best.conventions)
        yield Comparison(
            mistake.step, as_written(trial.subject, mistake.right or usual),
            *_numbers(trial, found, mistake.step, made[mistake.step]),
            inferred=True,
        )  # fmt: skip


_ON_THE_WAY = {  # right steps to show before a result that no mistake explains
    "L": ("p", "L_i"), "L_i": ("p",), "dL_dz": ("p",), "dL_dW": ("p", "dL_dz"),
    "dL_db": ("dL_dz",), "dL_dW1": ("dL_dz", "dL_da1"), "dL_db1": ("dL_da1",),
}  # fmt: skip


def on_the_way(trial: Trial, found: Counterexample) -> tuple[tuple[str, str], ...]:
    """Right values of the steps before a result that no mistake explains, by formula."""
    subject, shown = trial.subject, {}
    if trial.best.mistakes or trial.against or isinstance(subject.exercise, Layer):
        return ()
    steps = {step.name: step.formula for step in subject.exercise.recipe.steps}
    wrong = "p" if shared_cause(trial) is not None else ""
    for letter in (name for name in found.letters if (name, "data") in trial.best.unexplained):
        for step in _ON_THE_WAY.get(letter, ()):
            given = step in subject.given or step in subject.letters() or step == wrong
            if step in steps and _numeric(found.right.get(step)) and not given:
                said = as_written(subject, formula(step, steps[step], trial.best.conventions))
                value = subject.laid_out(step, found.right[step], found.inputs)
                shown[said] = number(value)
    return tuple(shown.items())


def _of_results(trial: Trial, found: Counterexample) -> Iterator[Comparison]:
    for letter in found.letters:
        yield Comparison(
            letter, _formula_of(trial, letter),
            *_numbers(trial, found, letter, found.seen.values[letter]),
        )  # fmt: skip


def _numbers(trial: Trial, found: Counterexample, letter: str, value: Any) -> tuple[str, str]:
    """Theirs and the right one, as the learner lays them out."""
    both = (trial.subject.laid_out(letter, v, found.inputs) for v in (value, found.right[letter]))
    return told_apart(*both)


def _numeric(value: Any) -> bool:
    return isinstance(value, int | float | np.ndarray | np.generic)


def _formula_of(trial: Trial, letter: str) -> str:
    if trial.against == "numbers":
        return OUTPUT_NAMES[letter]
    steps = {step.name: step.formula for step in trial.subject.exercise.recipe.steps}
    if letter not in steps:
        return called(trial.subject, letter) if letter in OUTPUT_NAMES else letter
    said = formula(letter, steps[letter], trial.best.conventions)
    if not trial.subject.regularised:
        said = re.sub(r" \+ (R|(2 )?r W₁?)$", "", said)
    return as_written(trial.subject, said)
