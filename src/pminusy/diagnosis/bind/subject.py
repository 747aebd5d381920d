"""A function of a submission with our letters: which argument is which quantity, and how it lies.

`binding` chooses, by behaviour, how each quantity lies in the learner's arrays; `results` finds out
which quantity each returned array is; `call` calls it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pminusy.diagnosis.bind.layouts import LAYOUTS
from pminusy.diagnosis.bind.signatures import (
    Entry,
    backward_name,
    backward_of,
    constructor_of,
    layer_setting,
    role_of,
)
from pminusy.diagnosis.catalogue.conventions import Conventions
from pminusy.diagnosis.catalogue.exercise import Exercise, Layer
from pminusy.diagnosis.run.session import Raised, Session

__all__ = ["IN_DICTIONARY", "Result", "Seen", "Subject", "expanded", "number_of_classes"]

Array = NDArray[Any]
Inputs = Mapping[str, Any]

_LIES_AS = {  # an output lies as the input of the same shape
    "dL_dW": "W", "dR_dW": "W", "dD_dW": "W", "dL_dW1": "W1", "dR_dW1": "W1", "dD_dW1": "W1",
    "a1": "X0", "dL_da1": "X0", "dL_db": "b", "dL_db1": "b1", "dL_dX": "X",
    "dL_dz": "z", "dL_dz_i": "z", "dL_dp": "p", "dL_dp_i": "p", "p": "z",
    "log_p": "z", "after_W": "W", "after_W1": "W1",
}  # fmt: skip
_SETTING_NAMES = {
    "size": "window size", "old_mean": "running mean before", "old_var": "running variance before",
}  # fmt: skip


IN_DICTIONARY = ("W1", "b1", "W", "b")  # what a dictionary of a network's parameters holds
_FORWARD = {"a1": "a1", "h": "X", "z": "z", "p": "p"}  # arguments a forward pass has computed


@dataclass(frozen=True, slots=True)
class Result:
    """Where in what is returned a quantity is, and what is odd about its shape there."""

    letter: str
    path: tuple[Any, ...]
    oddity: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """What one call showed: arrays by letter, what was raised, which inputs were changed."""

    values: Mapping[str, Array] = field(default_factory=dict)
    raised: Raised | None = None
    changed: tuple[str, ...] = ()
    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    after: Mapping[str, Array] = field(default_factory=dict)  # inputs that were changed


@dataclass(frozen=True)
class Subject:
    """A function, or a layer's pair of functions, bound.

    Parameters
    ----------
    session
        Where it runs.
    entry
        What the inventory says of it.
    exercise
        What it is taken to compute.
    roles
        The letter of each parameter, None where its default is left; empty for a layer.
    layouts
        How each letter lies in the learner's arrays, by name.
    results
        Which quantities it returns, and where.
    nothing
        What it returned where numbers were expected.
    unread
        Shapes of results that are no quantity.
    absent
        Quantities that its form promises and that did not come: what came in their place, in words.
    blank
        Whether everything it returned is 0 or None, as in a starter that nobody has touched.
    numbers
        What its arrays are: "arrays" of NumPy, "tensors" of torch, or the name of a class of the
        file whose objects are numbers that keep their derivatives.
    """

    session: Session
    entry: Entry
    exercise: Exercise
    roles: tuple[str | None, ...]
    layouts: Mapping[str, str]
    results: tuple[Result, ...] = ()
    nothing: str = ""
    unread: tuple[tuple[int, ...], ...] = ()
    absent: tuple[tuple[str, str], ...] = ()
    blank: bool = False
    numbers: str = "arrays"

    @property
    def single(self) -> bool:
        """Whether it takes one sample, not a batch."""
        return self.layouts.get("z", self.layouts.get("p", self.layouts.get("X"))) == "K"

    @property
    def given(self) -> tuple[str, ...]:
        """Letters its arguments stand for, and those its object holds."""
        if isinstance(self.exercise, Layer):
            return ("X",)
        if self.exercise.name == "network_backward":
            return self.exercise.given  # what its arguments are computed from
        letters = expanded(self.roles)
        of_backward = {"softmax layer": ("g",), "softmax and labels": ("y",)}
        upstream = of_backward.get(self.exercise.name, ())
        return tuple(dict.fromkeys([*letters, *self.attributes, *upstream]))

    @property
    def attributes(self) -> tuple[str, ...]:
        """Letters the object of a method holds as attributes or in `params`."""
        if not self.entry["owner"] or {"W", "parameters"} & {*self.roles}:
            return ()
        held = {"network": IN_DICTIONARY, "linear": ("W", "b") if self._holds_bias else ("W",)}
        letters = held.get(self.exercise.name, ())
        strength = self.strength_of_object is not None and "r" not in self.roles
        return (*letters, "r") if strength and self.exercise.regularised else letters

    @property
    def _holds_bias(self) -> bool:
        """Whether a method of one layer reads a bias of its object."""
        return bool({"['b1']", "['b']", "b", "bias"} & {*self.entry["attributes"]})

    @property
    def strength_of_object(self) -> str | None:
        """The constructor's argument for the regulariser's strength that the method reads."""
        constructor = constructor_of(self.entry, self.session.inventory.functions)
        names = [p["name"] for p in constructor["parameters"]] if constructor else []
        read = {name.strip("_") for name in self.entry["attributes"]}
        strengths = (n for n in names if role_of(n) == "r" and len(n) > 1)
        return next((name for name in strengths if name.strip("_") in read), None)

    @property
    def backward(self) -> Entry | None:
        """The function of the backward pass that is called after this one, if there is one."""
        functions = self.session.inventory.functions
        if isinstance(self.exercise, Layer):
            by_name = {entry["name"]: entry for entry in functions}
            return by_name.get(backward_name(self.entry["name"], by_name))
        if self.exercise.name in ("softmax", "log_softmax"):
            return None
        return backward_of(self.entry, functions)

    @property
    def regularised(self) -> bool:
        """Whether a strength r is among its arguments."""
        return "r" in self.given

    @property
    def gradients(self) -> tuple[str, ...]:
        """Letters of the gradients it returns."""
        return tuple(letter for letter in self.letters() if letter.startswith("dL_d"))

    def letters(self) -> tuple[str, ...]:
        """Letters of the quantities it returns."""
        return tuple(result.letter for result in self.results)

    def parameter(self, letter: str) -> str:
        """What the learner calls a quantity."""
        if letter == "g":
            parameters = self.backward["parameters"] if self.backward else ()
            return str(parameters[0]["name"]) if parameters else "g"
        if isinstance(self.exercise, Layer):
            return self._parameter_of_layer(self.exercise, letter)
        pairs = zip(self.roles, self.entry["parameters"], strict=False)
        if letter == "r" and "r" not in self.roles:
            return self.strength_of_object or letter
        two = self.exercise.name in ("network", "network_backward")
        second = {"W": "W2", "b": "b2"} if two else {}
        own = second.get(letter, letter)
        return next((str(p["name"]) for role, p in pairs if role == letter), own)

    def _parameter_of_layer(self, layer: Layer, letter: str) -> str:
        arguments = iter(layer.arguments)
        for parameter in self.entry["parameters"]:
            if letter == (layer_setting(parameter["name"]) or next(arguments, "")):
                return str(parameter["name"])
        return _SETTING_NAMES.get(letter, letter)

    # ------------------------------------------------------------------------------ layouts

    def argument(self, letter: str, inputs: Inputs) -> Any:
        """An input as it lies in the learner's arrays."""
        if self.exercise.name == "network_backward" and letter in _FORWARD:
            record = self.exercise.truth({**inputs, **Conventions().letters, "r": 0.0})
            rows = LAYOUTS["X"][self.layouts["X0"]]
            return rows.encode(np.asarray(record[_FORWARD[letter]]), 0).copy()
        value = inputs[letter]
        if letter not in self.layouts:
            return value
        return LAYOUTS[letter][self.layouts[letter]].encode(value, number_of_classes(inputs))

    def laid_out(self, letter: str, value: Any, inputs: Inputs) -> Any:
        """An input or output of ours as it lies in the learner's arrays."""
        source = _LIES_AS.get(letter, letter)
        if source not in LAYOUTS or not isinstance(value, np.ndarray) or value.ndim == 0:
            return value
        if source not in inputs and source not in ("y", "b", "z"):
            return value
        layout = LAYOUTS[source][self._layout(source)]
        return layout.encode(value, number_of_classes(inputs))

    def in_our_layout(self, result: Result, found: Array, inputs: Inputs) -> Array | None:
        """An output in our layout, or None where its shape does not fit at all."""
        letter = result.letter
        if letter in ("L", "R"):
            return found.reshape(()) if found.size == 1 else None
        if letter == "L_i":
            return found.reshape(-1) if found.size == inputs["y"].size else None
        source = _LIES_AS[letter]
        expected = self.shape(letter, inputs)
        if result.oddity == "transposed" and found.shape == expected[::-1]:
            found = found.T
        elif found.shape != expected and found.size == int(np.prod(expected)):
            found = found.reshape(expected)
        elif found.shape != expected:
            return None
        shape = _our_shape(source, inputs)
        return np.asarray(LAYOUTS[source][self._layout(source)].decode(found, shape))

    def shape(self, letter: str, inputs: Inputs) -> tuple[int, ...]:
        """Shape that an output has in the learner's arrays."""
        source = _LIES_AS[letter]
        ours = np.zeros(_our_shape(source, inputs))
        layout = LAYOUTS[source][self._layout(source)]
        return np.shape(layout.encode(ours, number_of_classes(inputs)))

    def can_be(self, letter: str, inputs: Inputs) -> bool:
        """Whether an output belongs to something that is given: a gradient, to what it is of."""
        source = _LIES_AS[letter]
        of_layer = source == "b" and self.exercise.name == "linear"
        if letter == "p" and "p" in self.given:
            return False  # it was given them
        return source in inputs or source == "z" or of_layer

    def _layout(self, source: str) -> str:
        """How a letter lies; scores lie as the inputs do."""
        if source in self.layouts:
            return self.layouts[source]
        if source == "z":
            lying = (self.layouts.get(letter) for letter in ("X", "X0", "p"))
            return self.layouts.get("scores") or next(filter(None, lying), "N×K")
        return next(iter(LAYOUTS[source]))


def _our_shape(source: str, inputs: Inputs) -> tuple[int, ...]:
    if source in inputs:
        return tuple(inputs[source].shape)
    if source == "b":
        return (number_of_classes(inputs),)
    rows = next(inputs[letter] for letter in ("y", "X", "X0") if letter in inputs)
    return (len(rows), number_of_classes(inputs))


def expanded(roles: Sequence[str | None]) -> list[str]:
    """The letters of roles: a dictionary of parameters is what it holds, a cache is none."""
    letters = [role for role in roles if role is not None and role != "cache"]
    held = [letter for letter in IN_DICTIONARY if "parameters" in letters]
    return [letter for letter in letters if letter != "parameters"] + held


def number_of_classes(inputs: Inputs) -> int:
    """K, by the shapes of some inputs."""
    for letter, axis in (("z", 1), ("p", 1), ("W", 0)):
        if letter in inputs:
            return int(inputs[letter].shape[axis])
    return 0
