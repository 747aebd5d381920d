"""Which letter of ours each part of a result is: by its key, or by its shape."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pminusy.diagnosis.bind.layouts import LAYOUTS
from pminusy.diagnosis.catalogue.exercise import Exercise
from pminusy.diagnosis.run.session import Answer, Opaque

__all__ = [
    "SHAPE_OF", "Asked", "Reading", "classes", "follow", "in_words", "layout_of", "our_shape",
    "parts", "readings", "their_shape",
]  # fmt: skip

Array = NDArray[Any]
Path = tuple[Any, ...]

SHAPE_OF = {  # an output lies as the input of the same shape
    "dL_dW": "W", "dR_dW": "W", "dL_dW1": "W1", "dL_db": "b", "dL_db1": "b1", "dL_dX": "X",
    "dL_dz": "z", "p": "z", "log_p": "z", "after_W": "W", "after_W1": "W1",
}  # fmt: skip
_KEYS = {
    r"d?(w1|weights?1)": "dL_dW1", r"d?(b1|bias1)": "dL_db1", r"d?(w2?|weights?2?)": "dL_dW",
    r"d?(b2?|bias2?)": "dL_db", r"loss|cost|l": "L", r"dx": "dL_dX", r"dz|dlogits|dscores": "dL_dz",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reading:
    """Where in a result a letter is, and what is odd about its shape there."""

    letter: str
    path: Path
    oddity: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a call was asked: the exercise, how letters lie, the inputs and their letters."""

    exercise: Exercise
    layouts: Mapping[str, str]
    inputs: Mapping[str, Any]
    names: Sequence[str]

    def shape(self, source: str) -> tuple[int, ...]:
        """Shape a letter has in the learner's arrays."""
        return their_shape(source, self.layouts, self.inputs)


def readings(asked: Asked, answer: Answer) -> Iterator[Reading]:
    """The letters in what one call returned, on inputs where no two shapes agree."""
    inputs = asked.inputs
    taken: set[str] = set()
    found = list(parts(answer.results, ()))
    if asked.exercise.outputs[0].startswith("after_"):
        yield from _after(asked, answer, found)
        return
    rows = "y" in inputs and not any(a.size == 1 for _, _, a in found) and inputs["y"].size > 1
    for path, key, array in found:
        reading = _reading(asked, path, key, array, taken, rows)
        if reading is not None:
            taken.add(reading.letter)
            yield reading


def _reading(
    asked: Asked,
    path: Path,
    key: str,
    array: Array,
    taken: set[str],
    rows: bool,
) -> Reading | None:
    named = _by_key(key)
    inputs, outputs = asked.inputs, [named] if named else list(asked.exercise.outputs)
    for letter in outputs:
        if letter in taken or letter not in asked.exercise.outputs:
            continue
        if letter in ("L", "R"):
            if array.size == 1:
                return Reading(letter, path)
            flat = array.shape in ((inputs["y"].size,), (inputs["y"].size, 1)) if rows else False
            if flat and letter == "L":
                return Reading("L_i", path)
        elif letter in SHAPE_OF:
            oddity = _oddity(asked, letter, array)
            if oddity is not None:
                per_row = letter == "dL_dz" and "L_i" in taken
                return Reading("dL_dz_i" if per_row else letter, path, oddity)
    return None


def _oddity(asked: Asked, letter: str, array: Array) -> str | None:
    """None where an array cannot be this letter; otherwise what is odd about its shape."""
    source = SHAPE_OF[letter]
    of_layer = source == "b" and asked.exercise.name == "linear"
    if source not in asked.inputs and source != "z" and not of_layer:
        return None
    expected = asked.shape(source)
    if array.shape == expected:
        return ""
    if array.size == 1 or letter in ("p", "dL_dX", "log_p"):
        return None
    if array.shape == expected[::-1]:
        return "transposed"
    return f"shape {array.shape}" if sorted(_long(array.shape)) == sorted(_long(expected)) else None


def _after(asked: Asked, answer: Answer, found: list[Any]) -> Iterator[Reading]:
    """Parameters after training: the arrays themselves, or what was returned."""
    for letter in asked.exercise.outputs:
        source = SHAPE_OF[letter]
        index = asked.names.index(source)
        expected = asked.shape(source)
        returned = next((path for path, _, a in found if a.shape == expected), None)
        in_place = index in answer.changed or returned is None
        yield Reading(letter, ("after", index) if in_place else returned or ())


def follow(answer: Answer, path: Path) -> Any:
    """What is at a place of a result, None if nothing is."""
    if path and path[0] == "after":
        return answer.after[path[1]]
    found: Any = answer.results
    for part in path:
        try:
            found = found[part]
        except (IndexError, KeyError, TypeError):
            return None
    return found


def parts(tree: Any, path: Path, key: str = "") -> Iterator[tuple[Path, str, Array]]:
    """Every array in a result: its place, the last key on the way to it, and itself."""
    if isinstance(tree, np.ndarray):
        yield path, key, tree
    elif isinstance(tree, tuple):
        for i, part in enumerate(tree):
            yield from parts(part, (*path, i), key)
    elif isinstance(tree, dict):
        for name, part in tree.items():
            yield from parts(part, (*path, name), name)


def _by_key(key: str) -> str:
    lowered = key.lower().strip("_").removeprefix("grad_").removeprefix("grad")
    return next((letter for names, letter in _KEYS.items() if re.fullmatch(names, lowered)), "")


def _long(shape: tuple[int, ...]) -> list[int]:
    return [size for size in shape if size != 1]


def in_words(value: Any) -> str:
    """What a result is, where it is no letter."""
    if value is None:
        return "None"
    if isinstance(value, Opaque):
        return value.description
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}" if value.ndim else "a single number"
    if isinstance(value, tuple):
        return "(" + ", ".join(map(in_words, value)) + ")"
    return "a dictionary"


def classes(inputs: Mapping[str, Any]) -> int:
    """Number of classes of some inputs."""
    for letter, axis in (("z", 1), ("p", 1), ("W", 0)):
        if letter in inputs:
            return int(inputs[letter].shape[axis])
    return 0


def our_shape(source: str, inputs: Mapping[str, Any]) -> tuple[int, ...]:
    """Shape of a letter in our layout."""
    if source in inputs:
        return tuple(inputs[source].shape)
    if source == "b":
        return (classes(inputs),)
    return (inputs["y"].size, classes(inputs))


def layout_of(source: str, layouts: Mapping[str, str]) -> str:
    """How a letter lies; scores lie as the inputs do."""
    if source in layouts:
        return layouts[source]
    return layouts.get("X", "N×K") if source == "z" else next(iter(LAYOUTS[source]))


def their_shape(
    source: str, layouts: Mapping[str, str], inputs: Mapping[str, Any]
) -> tuple[int, ...]:
    """Shape of a letter in the learner's arrays."""
    ours = np.zeros(our_shape(source, inputs))
    return np.shape(LAYOUTS[source][layout_of(source, layouts)].there(ours, classes(inputs)))
