"""The steps of calling a function or a method, whose object is made and given its parameters."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from pminusy.diagnosis.bind.signatures import Entry, backward_of, constructor_of, role_of
from pminusy.diagnosis.bind.subject import Subject

__all__ = ["steps"]

Argument = Callable[[str], dict[str, Any]]

_SIZES = {
    r"d|input\w*|n_?in\w*|in_\w+|n_?features|num_?features|feature\w*": 5,
    r"h|hidden\w*|n_?hidden|num_?hidden": 9,
    r"c|k|out\w*|n_?out\w*|num_?class\w*|n_?class\w*|classes": 4,
}
_STORED = r"(?i)outputs?|p|probs?|probabilities|proba|softmax|a|y_?hat|y_?pred"  # by forward
_RESULT = r"(?i)d_?(inputs?|x|z|logits|scores)|grad\w*|inputs?_grad"  # by backward
_NO_SIZE = 5  # of a constructor's argument with another name


def steps(subject: Subject, argument: Argument) -> tuple[list[dict[str, Any]], list[list[int]]]:
    """Steps of one call (see `inside.calls`), and which of them return something."""
    functions = subject.session.inventory.functions
    made = list(_object(subject, functions, argument)) if subject.entry["owner"] else []
    steps = [*made, _call(subject, argument) | ({"on": 0} if made else {})]
    returned = [[len(steps) - 1]]
    backward = backward_of(subject.entry, functions)
    if backward is not None and subject.exercise.name not in ("softmax", "log_softmax"):
        steps += _backward(subject, backward, argument, len(steps))
        returned += [[i] for i in range(returned[0][0] + 1, len(steps)) if "get" not in steps[i]]
        returned += [[len(steps) - 1]] if "get" in steps[-1] else []
    return steps, returned


def _backward(
    subject: Subject, backward: Entry, argument: Argument, done: int
) -> Iterator[dict[str, Any]]:
    """The backward call, after the attribute with the probabilities that it may take as argument.

    Its result may be an attribute that it sets.
    """
    stored = next(filter(re.compile(_STORED).fullmatch, subject.entry["attributes"]), "")
    needed = [p for p in backward["parameters"] if not p["optional"]]
    takes_labels = [role_of(p["name"]) == "y" for p in needed]
    get = [{"on": 0, "get": stored}] if stored and any(takes_labels) else []
    yield from get
    arguments: list[dict[str, Any]] = []
    for labels in takes_labels:
        if labels and "y" in subject.given:
            arguments.append(argument("y"))
        elif get:
            arguments.append({"result": [done]})
        else:
            arguments.append(argument("g") if "g" in subject.given else {"value": 1.0})
    yield {"on": 0, "call": "backward", "args": arguments}
    result = next(filter(re.compile(_RESULT).fullmatch, backward["attributes"]), "")
    if result and not backward["returns"]:
        yield {"on": 0, "get": result}


def _call(subject: Subject, argument: Argument) -> dict[str, Any]:
    """The call: by position up to the first argument that is left out, by name from there on."""
    by_name, args, kwargs = False, [], {}
    for parameter, role in zip(subject.entry["parameters"], subject.roles, strict=True):
        by_name = by_name or role is None or parameter["keyword_only"]
        if role is not None and by_name:
            kwargs[parameter["name"]] = argument(role)
        elif role is not None:
            args.append(argument(role))
    return {"call": subject.entry["name"], "args": args, "kwargs": kwargs}


def _object(
    subject: Subject, functions: Sequence[Entry], argument: Argument
) -> Iterator[dict[str, Any]]:
    """Steps that make the object of a method and give it its parameters."""
    owner = subject.entry["owner"]
    constructor = constructor_of(subject.entry, functions)
    parameters = constructor["parameters"] if constructor else ()
    strength = subject.strength_of_object if "r" in subject.attributes else None
    sized = [p for p in parameters if p["name"] != strength and not p["optional"]]
    kwargs = {str(p["name"]): {"value": size} for p, size in zip(sized, _sizes(sized), strict=True)}
    if strength is not None:
        kwargs[strength] = argument("r")
    yield {"call": owner, "kwargs": kwargs}
    in_dictionary = constructor is not None and "params" in constructor["attributes"]
    if in_dictionary:
        yield {"on": 0, "get": "params"}
    for letter in (letter for letter in subject.attributes if letter != "r"):
        names = {"W": ("W2", "W"), "b": ("b2", "b")}.get(letter, (letter,))
        name = names[0] if subject.exercise.name == "network" else names[-1]
        yield {"on": 1 if in_dictionary else 0, "set": name, "value": argument(letter)}


def _sizes(parameters: Sequence[Mapping[str, Any]]) -> Iterator[int]:
    """Sizes for a constructor; they are replaced at once by the parameters of each probe."""
    for parameter in parameters:
        name = parameter["name"].lower()
        yield next((s for names, s in _SIZES.items() if re.fullmatch(names, name)), _NO_SIZE)
