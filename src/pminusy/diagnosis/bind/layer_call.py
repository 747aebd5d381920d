"""The steps of calling a layer, `*_forward` and `*_backward`, and which quantity each result is.

Arguments that are settings may come in a dictionary (`bn_param`, `pool_param`, `conv_param`) or by
name. Weights of a linear layer may lie as (D, K) or (K, D).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from pminusy.diagnosis.bind.signatures import backward_name, layer_setting
from pminusy.diagnosis.bind.subject import Result, Subject
from pminusy.diagnosis.catalogue.exercise import Layer
from pminusy.diagnosis.run.session import Answer

__all__ = ["in_our_layout", "results", "steps"]

Argument = Callable[[str], dict[str, Any]]
Inputs = Mapping[str, Any]

_GRADIENT_OF = {
    "dL_dX": "X", "dL_dW": "W", "dL_db": "b", "dL_dgamma": "gamma", "dL_dbeta": "beta",
}  # fmt: skip


def steps(
    subject: Subject, layer: Layer, inputs: Inputs, argument: Argument
) -> tuple[list[dict[str, Any]], list[list[int]]]:
    """Forward, backward with the cache, forward in test mode; and which steps return something."""
    steps: list[dict[str, Any]] = []
    returned = _forward(subject, layer, steps, argument, inputs, mode="train")
    backward = _backward(subject)
    if backward:
        cache = {"result": [returned[0][0], 1]}
        steps.append({"call": backward, "args": [argument("g"), cache]})
        returned.append([len(steps) - 1])
    if layer.test_mode:
        returned += _forward(subject, layer, steps, argument, inputs, mode="test")[:1]
    return steps, returned


def _backward(subject: Subject) -> str:
    names = [entry["name"] for entry in subject.session.inventory.functions]
    return backward_name(subject.entry["name"], names)


def _forward(
    subject: Subject,
    layer: Layer,
    steps: list[dict[str, Any]],
    argument: Argument,
    inputs: Inputs,
    mode: str,
) -> list[list[int]]:
    """Steps of one forward call: its result, then the settings' dictionary if there is one."""
    letters = iter(layer.arguments)
    args, kwargs, dictionaries = [], {}, []
    for parameter in subject.entry["parameters"]:
        name = parameter["name"]
        setting = layer_setting(name)
        letter = "settings" if setting else next(letters, "settings")
        if letter != "settings":
            args.append(argument(letter))
        elif setting == "mode":
            kwargs[name] = {"value": mode}
        elif setting in inputs:
            kwargs[name] = argument(setting)
        elif not setting and re.search(r"param|config|opts?|cfg|settings", name):
            entries = {key: argument(of) for key, of in layer.settings.items()}
            entries |= {"mode": {"value": mode}} if layer.test_mode else {}
            steps.append({"value": {"dict": entries}})
            dictionaries.append([len(steps) - 1])
            args.append({"result": dictionaries[-1]})
    steps.append({"call": subject.entry["name"], "args": args, "kwargs": kwargs})
    return [[len(steps) - 1], *dictionaries]


def results(subject: Subject, layer: Layer, answer: Answer, inputs: Inputs) -> Iterator[Result]:
    """The quantities in what one call returned."""
    yield Result("out", _first_of(answer, 0))
    dictionaries = [i for i, r in enumerate(answer.results) if isinstance(r, dict) and "mode" in r]
    if dictionaries and layer.test_mode:
        for letter in ("running_mean", "running_var"):
            if isinstance(answer.results[dictionaries[0]].get(letter), np.ndarray):
                yield Result(letter, (dictionaries[0], letter))
    if _backward(subject):
        yield from _gradients(layer, answer, inputs, default=2 if dictionaries else 1)
    if layer.test_mode:
        yield Result("out_test", _first_of(answer, len(answer.results) - 1))


def _first_of(answer: Answer, place: int) -> tuple[int, ...]:
    """A result, or the first of several where a cache comes with it."""
    return (place, 0) if isinstance(answer.results[place], tuple) else (place,)


def _gradients(layer: Layer, answer: Answer, inputs: Inputs, default: int) -> Iterator[Result]:
    places = (i for i, r in enumerate(answer.results) if i and not isinstance(r, dict))
    place = next(places, default)
    gradients = answer.results[place]
    for i, letter in enumerate(layer.gradients):
        if isinstance(gradients, tuple) and i < len(gradients):
            yield Result(letter, (place, i), _oddity(letter, gradients[i], inputs))
        else:  # one array alone is the first of them
            alone = i == 0 and isinstance(gradients, np.ndarray)
            yield Result(letter, (place,) if alone else (place, "missing"))


def _oddity(letter: str, found: Any, inputs: Inputs) -> str:
    vector = letter in ("dL_db", "dL_dgamma", "dL_dbeta")
    if not vector or not isinstance(found, np.ndarray):
        return ""
    return "" if found.shape == inputs[_GRADIENT_OF[letter]].shape else f"shape {found.shape}"


def in_our_layout(subject: Subject, letter: str, found: Any, inputs: Inputs) -> Any:
    """A result in our layout; one of another size as it came, for its shape to be reported."""
    value = (
        found.T
        if letter == "dL_dW" and subject.layouts.get("W") == "D×K" and found.ndim == 2
        else found
    )
    source = _GRADIENT_OF.get(letter)
    expected = inputs[source].shape if source else value.shape
    return value.reshape(expected) if value.size == np.prod(expected) else value
