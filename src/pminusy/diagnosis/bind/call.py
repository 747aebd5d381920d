"""Call a bound function: our inputs go in, our quantities come out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from pminusy.diagnosis.bind import function_call, layer_call
from pminusy.diagnosis.bind.results import (
    absent_results,
    arrays_in,
    at,
    in_words,
    results_of_function,
)
from pminusy.diagnosis.bind.subject import IN_DICTIONARY, Result, Seen, Subject
from pminusy.diagnosis.catalogue.exercise import Layer
from pminusy.diagnosis.catalogue.probes import STRENGTH, Probe
from pminusy.diagnosis.run.session import Answer, Raised

__all__ = ["call", "with_results"]


def call(subject: Subject, inputs: Mapping[str, Any], readonly: bool = False) -> Seen:
    """What a function shows on some inputs; with `readonly`, on arrays that cannot be changed."""
    answer, names = _ask(subject, inputs, readonly)
    if answer.raised is not None:
        return Seen(raised=answer.raised)
    changed = [i for i in answer.changed if i < len(names)]
    after = {names[i]: answer.after[i] for i in changed if i < len(answer.after)}
    values, shapes = {}, {}
    for result in subject.results:
        found = at(answer, result.path)
        if isinstance(found, np.ndarray):
            shapes[result.letter] = found.shape
            if isinstance(subject.exercise, Layer):
                value = layer_call.in_our_layout(subject, result.letter, found, inputs)
            else:
                value = subject.in_our_layout(result, found, inputs)
            if value is not None:
                values[result.letter] = value
    return Seen(values, None, tuple(names[i] for i in changed), shapes, after)


def with_results(subject: Subject, probe: Probe, required: bool = False) -> Subject | Raised:
    """The same subject with its results understood, from one call where all shapes differ.

    With `required` a gradient has to come even where nothing else promises it.
    """
    answer, names = _ask(subject, probe.inputs)
    if answer.raised is not None:
        return answer.raised
    if isinstance(subject.exercise, Layer):
        return _of_layer(subject, subject.exercise, answer, probe)
    found = tuple(results_of_function(subject, answer, probe.inputs, names))
    nothing = "" if found else in_words(answer.results[0] if answer.results else None)
    read = {result.path for result in found}
    arrays = arrays_in(answer.results, ())  # a single number may be an accuracy
    unread = [a.shape for path, _, a in arrays if path not in read and a.size > 1]
    trains = any(result.letter.startswith("after_") for result in found)
    required = required or _loss_twice(subject, probe, answer, found)
    absent = () if trains else tuple(absent_results(subject, answer, found, required))
    blank = not any(np.any(a) for _, _, a in arrays_in(answer.results, ())) and not (
        trains and answer.changed
    )
    return replace(
        subject, results=found, nothing=nothing, unread=tuple(unread), absent=absent, blank=blank
    )


def _loss_twice(subject: Subject, probe: Probe, answer: Answer, found: tuple[Result, ...]) -> bool:
    """Whether the loss comes twice, also with a regulariser, where its gradient is usual."""
    loss = next((result.path for result in found if result.letter == "L"), None)
    if loss is None or len(found) > 1 or len(_numbers(answer)) < 2:
        return False
    if subject.regularised:
        answer, _ = _ask(subject, {**probe.inputs, "r": STRENGTH})
    numbers = _numbers(answer)
    first = numbers.pop(loss, None)
    return first is not None and first in numbers.values()


def _numbers(answer: Answer) -> dict[tuple[Any, ...], float]:
    """Single numbers that were returned, by their place."""
    arrays = arrays_in(answer.results, ())
    return {path: float(array.reshape(())) for path, _, array in arrays if array.size == 1}


def _of_layer(subject: Subject, layer: Layer, answer: Answer, probe: Probe) -> Subject:
    """A layer's results; what its two functions promise and do not return is absent."""
    came, absent = [], []
    for result in layer_call.results(subject, layer, answer, probe.inputs):
        value = at(answer, result.path)
        if isinstance(value, np.ndarray):
            came.append(result)
        else:
            absent.append((result.letter, in_words(value)))
    nothing = "" if any(result.letter == "out" for result in came) else "no output array"
    blank = not any(np.any(at(answer, result.path)) for result in came)
    return replace(subject, results=tuple(came), nothing=nothing, absent=tuple(absent), blank=blank)


def _ask(
    subject: Subject, inputs: Mapping[str, Any], readonly: bool = False
) -> tuple[Answer, list[str]]:
    """Run the program of one call; names of the arrays it was given, in order."""
    arrays: list[Any] = []
    names: list[str] = []

    def argument(letter: str) -> dict[str, Any]:
        if letter == "parameters":
            return {"dict": {_KEYS.get(key, key): argument(key) for key in IN_DICTIONARY}}
        value = subject.argument(letter, inputs)
        if not isinstance(value, np.ndarray):
            return {"value": value}
        arrays.append(value)
        names.append(letter)
        return _form(subject.numbers, letter, len(arrays) - 1)

    steps, returned = _steps(subject, inputs, argument)
    program = {"steps": steps, "return": returned, "readonly": readonly, "after": True}
    return subject.session.run(program, arrays), names


def _form(numbers: str, letter: str, place: int) -> dict[str, Any]:
    """An array as the submission's numbers are; labels are no such numbers."""
    if numbers == "tensors":
        return {"tensor": place}
    return (
        {"array": place} if numbers == "arrays" or letter == "y" else {"objects": [place, numbers]}
    )


_KEYS = {"W": "W2", "b": "b2"}  # of a network's parameters in a dictionary


def _steps(
    subject: Subject, inputs: Mapping[str, Any], argument: Callable[[str], dict[str, Any]]
) -> tuple[list[dict[str, Any]], list[list[int]]]:
    if isinstance(subject.exercise, Layer):
        return layer_call.steps(subject, subject.exercise, inputs, argument)
    return function_call.steps(subject, inputs, argument)
