"""The steps of calling a function or a method, whose object is made and given its parameters."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from pminusy.diagnosis.bind.signatures import Entry, backward_of, constructor_of, role_of
from pminusy.diagnosis.bind.subject import Subject, number_of_classes

__all__ = ["steps"]

Argument = Callable[[str], dict[str, Any]]

_SIZES = {
    r"d|input\w*|n_?in\w*|in_\w+|n_?features|num_?features|feature\w*": "D",
    r"h|hidden\w*|n_?hidden|num_?hidden": "H",
    r"c|k|out\w*|n_?out\w*|num_?class\w*|n_?class\w*|classes": "K",
}
_STORED = r"(?i)outputs?|p|probs?|probabilities|proba|softmax|a|y_?hat|y_?pred"  # by forward
_RESULT = r"(?i)d_?(inputs?|x|z|logits|scores)|grad\w*|inputs?_grad"  # by backward
_CONTAINERS = ("params", "weights", "parameters")  # dictionaries of parameters
_GRADIENTS = ("gradients", "grads", "grad", "dparams")  # dictionaries of their gradients
_NO_SIZE = 5  # of a constructor's argument with another name


def steps(
    subject: Subject, inputs: Mapping[str, Any], argument: Argument
) -> tuple[list[dict[str, Any]], list[list[int]]]:
    """Steps of one call (see `inside.calls`), and which of them return something."""
    functions = subject.session.inventory.functions
    made = list(_object(subject, functions, inputs, argument)) if subject.entry["owner"] else []
    steps = made or list(_before(subject, functions, argument))
    if subject.numbers not in ("arrays", "tensors"):
        return _with_engine(subject, argument)
    called = len(steps)
    steps.append(_call(subject, argument, called - 1) | ({"on": 0} if made else {}))
    returned = [[called]]
    kept = _kept(subject, constructor_of(subject.entry, functions)) if made else ""
    if kept:
        steps.append({"on": 0, "get": kept})
        returned = [[len(steps) - 1]] if not subject.entry["returns"] else [*returned, [called + 1]]
    backward = backward_of(subject.entry, functions)
    if backward is not None and subject.exercise.name not in ("softmax", "log_softmax"):
        done = len(steps)
        if any(role_of(p["name"]) == "cache" for p in backward["parameters"]):
            returned[0] = [called, 0]  # what comes with the result is for the way back
        steps += _backward(subject, backward, argument, done, called)
        returned += [[i] for i in range(done, len(steps)) if "get" not in steps[i]]
        returned += [[len(steps) - 1]] if "get" in steps[-1] else []
    return steps, returned


def _with_engine(
    subject: Subject, argument: Argument
) -> tuple[list[dict[str, Any]], list[list[int]]]:
    """A call on objects that keep their derivatives; of a loss, `backward` and the derivatives."""
    scores = {"value": argument("z")}
    parameters, roles = subject.entry["parameters"], subject.roles
    args = [
        {"result": [0]} if role == "z" else _value(role, argument, 0)
        for role, p in zip(roles, parameters, strict=True)
        if role is not None or not p["optional"]
    ]
    call = {"call": subject.entry["name"], "args": args}
    if "y" not in roles:
        return [scores, call], [[1]]
    return [scores, call, {"on": 1, "call": "backward"}, {"on": 0, "each": "grad"}], [[1], [3]]


def _kept(subject: Subject, constructor: Entry | None) -> str:
    """The attribute that holds what a method does not return: its result, or its gradients."""
    names = [*subject.entry["attributes"]]
    made = constructor["attributes"] if constructor else ()
    if not subject.entry["returns"]:
        return next(filter(re.compile(_STORED).fullmatch, names), "")
    if subject.exercise.name in ("linear", "network"):
        return next((name for name in _GRADIENTS if name in {*names, *made}), "")
    return ""


def _before(
    subject: Subject, functions: Sequence[Entry], argument: Argument
) -> Iterator[dict[str, Any]]:
    """The forward pass, where a backward pass takes its cache."""
    if "cache" not in subject.roles:
        return
    for entry in functions:
        if "forward" in entry["name"].lower() and not entry["owner"]:
            roles = [role_of(p["name"]) for p in entry["parameters"]]
            if {"X", "parameters"} <= {*roles}:
                letters = ["X0" if role == "X" else role for role in roles]
                yield {"call": entry["name"], "args": [argument(letter) for letter in letters]}
                return


def _backward(
    subject: Subject, backward: Entry, argument: Argument, done: int, called: int
) -> Iterator[dict[str, Any]]:
    """The backward call, after the attribute with the probabilities that it may take as argument.

    Its result may be an attribute that it sets.
    """
    stored = next(filter(re.compile(_STORED).fullmatch, subject.entry["attributes"]), "")
    needed = [p for p in backward["parameters"] if not p["optional"]]
    roles = [role_of(p["name"]) for p in needed]
    takes_labels = "y" in roles
    given = "p" in subject.given  # probabilities are what it was called with
    get = [{"on": 0, "get": stored}] if stored and takes_labels and not given else []
    yield from get
    arguments: list[dict[str, Any]] = []
    for role in roles:
        if role == "y" and "y" in subject.given:
            arguments.append(argument("y"))
        elif role == "cache":
            arguments.append({"result": [called, 1]})
        elif get:
            arguments.append({"result": [done]})
        elif given and takes_labels:
            arguments.append(argument("p"))
        elif takes_labels and subject.exercise.name == "softmax and labels":
            arguments.append({"result": [called]})
        else:
            arguments.append(argument("g") if "g" in subject.given else {"value": 1.0})
    yield {"on": 0, "call": "backward", "args": arguments}
    result = next(filter(re.compile(_RESULT).fullmatch, backward["attributes"]), "")
    if result and not backward["returns"]:
        yield {"on": 0, "get": result}


def _call(subject: Subject, argument: Argument, before: int) -> dict[str, Any]:
    """The call: by position up to the first argument that is left out, by name from there on."""
    by_name, args, kwargs = False, [], {}
    for parameter, role in zip(subject.entry["parameters"], subject.roles, strict=True):
        left_out = role is None and parameter["optional"]
        by_name = by_name or left_out or parameter["keyword_only"]
        if left_out:
            continue
        value = _value(role, argument, before)
        if by_name:
            kwargs[parameter["name"]] = value
        else:
            args.append(value)
    return {"call": subject.entry["name"], "args": args, "kwargs": kwargs}


def _value(role: str | None, argument: Argument, before: int) -> dict[str, Any]:
    if role == "cache":
        return {"result": [before, 1]}
    return {"value": None} if role is None else argument(role)


def _object(
    subject: Subject, functions: Sequence[Entry], inputs: Mapping[str, Any], argument: Argument
) -> Iterator[dict[str, Any]]:
    """Steps that make the object of a method and give it its parameters."""
    owner = subject.entry["owner"]
    constructor = constructor_of(subject.entry, functions)
    parameters = constructor["parameters"] if constructor else ()
    strength = subject.strength_of_object if "r" in subject.attributes else None
    kwargs = dict(_sizes([p for p in parameters if p["name"] != strength], inputs))
    if strength is not None:
        kwargs[strength] = argument("r")
    yield {"call": owner, "kwargs": kwargs}
    read = {*(constructor["attributes"] if constructor else ()), *subject.entry["attributes"]}
    keyed = any(name.startswith("['") for name in read)
    container = next((name for name in _CONTAINERS if name in read and keyed), "")
    if not container and constructor is not None and "params" in constructor["attributes"]:
        container = "params"
    if container:
        yield {"on": 0, "get": container}
    for letter in (letter for letter in subject.attributes if letter != "r"):
        yield {
            "on": 1 if container else 0, "set": _held_as(subject, letter, read),
            "value": argument(letter),
        }  # fmt: skip


def _held_as(subject: Subject, letter: str, read: set[str]) -> str:
    """The name by which an object holds a parameter."""
    if subject.exercise.name == "network":
        return {"W": "W2", "b": "b2"}.get(letter, letter)
    return f"{letter}1" if f"['{letter}1']" in read else letter


def _sizes(
    parameters: Sequence[Mapping[str, Any]], inputs: Mapping[str, Any]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Sizes for a constructor, by name: those of the inputs, where the name says which."""
    sizes = {"K": number_of_classes(inputs)}
    data = next((inputs[name] for name in ("X0", "X") if name in inputs), None)
    sizes |= {} if data is None else {"D": data.shape[1]}
    sizes |= {"H": len(inputs["W1"])} if "W1" in inputs else {}
    for parameter in parameters:
        name = str(parameter["name"])
        size = next((s for names, s in _SIZES.items() if re.fullmatch(names, name.lower())), "")
        if size in sizes or not parameter["optional"]:
            yield name, {"value": sizes.get(size, _NO_SIZE)}
