"""The smallest inputs, in whole and half numbers, on which a submission is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pminusy.diagnosis.bind.call import call
from pminusy.diagnosis.bind.subject import Seen
from pminusy.diagnosis.catalogue.conventions import formula
from pminusy.diagnosis.catalogue.quantities import OUTPUT_NAMES
from pminusy.diagnosis.match.trial import Trial
from pminusy.diagnosis.report.verdict import Comparison
from pminusy.diagnosis.report.wording import told_apart

__all__ = ["Counterexample", "comparisons", "inputs_in_words", "smallest_counterexample"]


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
    """The learner's numbers beside the right ones; of equal ones the one returned is kept."""
    unique: dict[tuple[str, str], Comparison] = {}
    for comparison in (*_of_first_mistake(trial, found), *_of_results(trial, found)):
        key = comparison.formula, comparison.yours
        if key not in unique or unique[key].inferred:
            unique[key] = comparison
    return tuple(unique.values())


def _of_first_mistake(trial: Trial, found: Counterexample) -> Iterator[Comparison]:
    """The step that is wrong, as the diagnosis has it: the program need not return it."""
    for mistake in trial.best.mistakes[:1]:
        made = _with_mistakes(trial, found.inputs)
        if made is None or mistake.step not in found.right or not _numeric(made.get(mistake.step)):
            return  # a reference has no steps, only results
        step = trial.subject.exercise.recipe.step(mistake.step)
        usual = formula(step.name, step.formula, trial.best.conventions)
        yield Comparison(
            mistake.step, mistake.right or usual,
            *_numbers(trial, found, mistake.step, made[mistake.step]),
            inferred=mistake.step not in found.seen.values,
        )  # fmt: skip


def _of_results(trial: Trial, found: Counterexample) -> Iterator[Comparison]:
    steps = [mistake.step for mistake in trial.best.mistakes[:1]]
    for letter in (letter for letter in found.letters if letter not in steps):
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
        return OUTPUT_NAMES.get(letter, letter)
    said = formula(letter, steps[letter], trial.best.conventions)
    if trial.subject.regularised:
        return said
    return said.replace(" + R", "").replace(" + 2 r W", "").replace(" + r W", "")
