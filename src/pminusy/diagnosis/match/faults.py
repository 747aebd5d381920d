"""What is wrong with a function besides its numbers.

Shapes that are odd, probes that raise, inputs that are changed, answers that vary.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from pminusy.diagnosis.bind.call import call
from pminusy.diagnosis.bind.subject import Result, Subject
from pminusy.diagnosis.catalogue.probes import Probe, extremes, probes
from pminusy.diagnosis.catalogue.quantities import OUTPUT_NAMES
from pminusy.diagnosis.match.trial import Trial
from pminusy.diagnosis.report.verdict import Finding
from pminusy.diagnosis.report.wording import words_of

__all__ = ["faults", "same_twice"]

_PARAMETERS = ("W", "W1", "b", "b1")
_WORK_ON_A_COPY = "whoever called it finds the array different afterwards. Work on a copy."


def faults(trial: Trial) -> Iterator[Finding]:
    """Shapes that are odd, probes that raise, inputs that are changed, answers that vary."""
    for result in trial.subject.results:
        if result.oddity and not _shape_is_open(trial, result):
            yield _odd_shape(trial, result)
    yield from _unread(trial)
    yield from _absent(trial)
    by_rows = any("rows" in mistake.id for mistake in trial.best.mistakes)
    for probe, (without, with_r) in zip(trial.probes, trial.seen, strict=True):
        raised = without.raised or (with_r.raised if with_r is not None else None)
        if raised is not None and not (by_rows and raised.type == "IndexError"):
            yield Finding(
                "runs.sometimes", f"It raises {raised} on {probe.name}"
                f"{f' ({probe.meaning})' if probe.meaning else ''}, and runs on other inputs.",
                "shape",
            )  # fmt: skip
            break
    if trial.square and not any("not_kept" in m.id for m in trial.best.mistakes):
        yield _only_square(trial)
    yield from _of_one_sample(trial)
    yield from _changed_inputs(trial)
    if not same_twice(trial):
        yield Finding(
            "purity.varies", "The same inputs give another answer the second time.", "repeat"
        )


def _of_one_sample(trial: Trial) -> Iterator[Finding]:
    """A softmax that asks how many axes there are is right for one sample, if it takes one."""
    subject = trial.subject
    asks = "ndim" in subject.entry["attributes"]
    in_rows = subject.layouts.get("z") == "N×K"
    if subject.exercise.name not in ("softmax", "log_softmax") or not (asks and in_rows):
        return
    one = replace(subject, layouts={**subject.layouts, "z": "K"})
    ordinary = subject.exercise.probes(subject.given, True)
    how = next(filter(None, (_differently(trial, one, probe) for probe in ordinary)), "")
    beyond = (_differently(trial, one, probe) for probe in extremes(subject.given, True))
    how_beyond = "" if how else next(filter(None, beyond), "")
    if how or how_beyond:
        where = "" if how else " with extreme scores"
        yield Finding(
            "softmax.one_sample",
            f"It asks how many axes its argument has; for one sample{where}, of shape (K,), "
            f"{how or how_beyond}.",
            "s" if how else "purity",
            hints=("Look at the branch for one sample.", "One of two branches is wrong.",
                   "It should be the same formula for one sample as for a row of many."),
        )  # fmt: skip


def _differently(trial: Trial, subject: Subject, probe: Probe) -> str:
    """What is wrong with the numbers that another reading of the function returns, or nothing."""
    letter = subject.letters()[0]
    seen, right = call(subject, probe.inputs), trial.right(probe.inputs)
    value, tolerance = seen.values.get(letter), 1e-3 if trial.single_precision else 1e-5
    if seen.raised is not None or value is None or right is None:
        return ""  # it takes no single sample, as a guard may say, or makes a row of it
    same = np.allclose(value, right[letter], rtol=tolerance, atol=tolerance)
    return "" if same else "its numbers are not the softmax's"


def _shape_is_open(trial: Trial, result: Result) -> bool:
    """Whether its parameter, whose shape it should have, is not among what the function sees."""
    exercise = trial.subject.exercise.name
    unseen_bias = result.letter.startswith("dL_db") and "b" not in trial.subject.roles
    return exercise == "epoch" or (exercise == "network_backward" and unseen_bias)


def _only_square(trial: Trial) -> Finding:
    """It runs on inputs two of whose sizes agree, and on no others."""
    subject = trial.subject
    inputs = dict(probes(subject.given, subject.single)[0].inputs)
    ordinary = call(subject, inputs)
    whole = call(subject, {**inputs, "batch": inputs["y"].size}) if "batch" in inputs else ordinary
    if whole.raised is None and ordinary.raised is not None:
        return Finding(
            "runs.short_batch",
            f"It runs only where the batch size divides the number of samples: on a last batch "
            f"that is shorter it raises {ordinary.raised}. Take the size from the batch itself.",
            "rows", "the size of every batch", "the last batch as short as it is",
            hints=("Look at the line that raises: which size does it take?",
                   "The last batch may be shorter than the others.",
                   "It should be the number of samples in this batch."),
        )  # fmt: skip
    raised = f": elsewhere it raises {ordinary.raised}" if ordinary.raised is not None else ""
    return Finding(
        "shape.square",
        f"It runs only where there are {trial.square}{raised}. One size stands where another "
        "belongs, or a sum lost its axis (keepdims).",
        "shape",
        hints=(
            "Look at the line that raises, and at every shape before it.",
            "Two different sizes are taken for one.",
            "It should be the shape that the line of the derivation says, whatever the sizes.",
        ),
    )


_GRADIENT_OF = {"dL_dz": "z", "dL_dW": "W", "dL_db": "b"}


def _unread(trial: Trial) -> Iterator[Finding]:
    """A result whose shape fits nothing, where a gradient is missing."""
    subject = trial.subject
    missing = [
        (letter, source)
        for letter, source in _GRADIENT_OF.items()
        if letter in subject.exercise.outputs
        and source in subject.given
        and letter not in dict(subject.absent)
        and not {letter, f"{letter}_i"} & set(subject.letters())
    ]
    if missing and subject.unread and subject.exercise.name in ("linear", "logits"):
        letter, source = missing[0]
        inputs = trial.probes[0].inputs
        expected = np.shape(subject.laid_out(source, inputs[source], inputs))
        yield Finding(
            "shape.gradient",
            f"A result of shape {subject.unread[0]} is no gradient of an argument: "
            f"{OUTPUT_NAMES[letter]} has its parameter's shape, here {expected}.",
            "shape",
        )


_AN_ARRAY = "an array of shape "


def _absent(trial: Trial) -> Iterator[Finding]:
    """Quantities that the form of what is returned promises and that do not come."""
    by_place: dict[str, list[str]] = {}
    for letter, place in trial.subject.absent:
        if letter.startswith("dL_d") and place.startswith(_AN_ARRAY):
            yield _of_another_shape(trial, letter, place.removeprefix(_AN_ARRAY))
            continue
        by_place.setdefault(place, []).append(OUTPUT_NAMES[letter])
    for place, names in by_place.items():
        many = len(names) > 1
        sentence = f"{words_of(names)} {'do' if many else 'does'} not come"
        where = f": {place} stands in {'their' if many else 'its'} place" if place else ""
        yield Finding(
            "absent.output", f"{sentence[0].upper()}{sentence[1:]}{where}.", "shape",
            hints=("Look at what is returned.", "A result is missing.",
                   f"It should return {words_of(names)} as well."),
        )  # fmt: skip


def _of_another_shape(trial: Trial, letter: str, shape: str) -> Finding:
    """A gradient in whose place an array of another size comes."""
    subject, inputs = trial.subject, trial.probes[0].inputs
    sizes = {"samples": _length(inputs, ("y", "X", "X0", "z", "p"))}
    numbers = [int(size) for size in re.findall(r"\d+", shape) if size != "1"]
    many = next((word for word, size in sizes.items() if numbers == [size]), "")
    bias = letter.startswith("dL_db")
    ours = subject.shape(letter, inputs)
    expected = f"{ours}"
    if bias and letter.removeprefix("dL_d") not in subject.roles:
        expected = f"{(ours[0],)} or {(ours[0], 1)}" if len(ours) == 1 else expected
    name = subject.parameter(letter.removeprefix("dL_d"))
    units = "hidden units" if letter == "dL_db1" else "classes"
    why = f" It has one number for each of the {sizes[many]} {many}" if many else ""
    why += f", not of the {ours[0]} {units}." if many and bias else "." if many else ""
    over = "It should be summed over the samples." if bias and many else ""
    look = f"where the gradient of {name} is computed" + (": over what does it sum" if over else "")
    return Finding(
        "absent.output",
        f"The gradient of {name} has the shape {shape} where {expected} is right: a gradient has "
        f"its parameter's shape.{why}{' ' * bool(over)}{over}",
        "shape", f"shape {shape}", f"shape {expected}", (OUTPUT_NAMES[letter],),
        (f"Look {look}.", "A result has another shape than its parameter.",
         f"It should be of shape {expected}."),
    )  # fmt: skip


def _length(inputs: Mapping[str, Any], letters: Sequence[str]) -> int:
    return next((len(inputs[letter]) for letter in letters if letter in inputs), 0)


def _odd_shape(trial: Trial, result: Result) -> Finding:
    found = trial.seen[0][0].shapes.get(result.letter, ())
    what = "is transposed" if result.oddity == "transposed" else "has an axis too many or too few"
    return Finding(
        "shape.gradient",
        f"{OUTPUT_NAMES[result.letter].capitalize()} {what} (shape {found}): a gradient has its "
        "parameter's shape.",
        "shape",
    )  # fmt: skip


def same_twice(trial: Trial) -> bool:
    """Whether the first probe gives the same numbers the second time."""
    first, again = trial.seen[0][0], trial.again.values
    return all(
        letter in again and np.array_equal(value, again[letter], equal_nan=True)
        for letter, value in first.values.items()
    )


# ---------------------------------------------------------------------- inputs that are changed


def _changed_inputs(trial: Trial) -> Iterator[Finding]:
    """Inputs that are changed in place: for data a side effect, for parameters a mistake."""
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
