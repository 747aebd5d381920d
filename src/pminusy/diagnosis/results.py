"""Which letter of ours each part of a result is: by its key, or by its shape."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pminusy.diagnosis.session import Answer, Opaque

if TYPE_CHECKING:
    from pminusy.diagnosis.subject import Subject

__all__ = ["SHAPE_OF", "Reading", "classes", "follow", "in_words", "our_shape", "parts", "readings"]

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


def readings(
    subject: Subject, answer: Answer, inputs: Mapping[str, Any], names: Sequence[str]
) -> Iterator[Reading]:
    """The letters in what one call returned, on inputs where no two shapes agree."""
    taken: set[str] = set()
    found = list(parts(answer.results, ()))
    if subject.exercise.outputs[0].startswith("after_"):
        yield from _after(subject, answer, found, inputs, names)
        return
    rows = "y" in inputs and not any(a.size == 1 for _, _, a in found) and inputs["y"].size > 1
    for path, key, array in found:
        reading = _reading(subject, path, key, array, inputs, taken, rows)
        if reading is not None:
            taken.add(reading.letter)
            yield reading


def _reading(
    subject: Subject,
    path: Path,
    key: str,
    array: Array,
    inputs: Mapping[str, Any],
    taken: set[str],
    rows: bool,
) -> Reading | None:
    named = _by_key(key)
    outputs = [named] if named else list(subject.exercise.outputs)
    for letter in outputs:
        if letter in taken or letter not in (*subject.exercise.outputs,):
            continue
        if letter in ("L", "R"):
            if array.size == 1:
                return Reading(letter, path)
            flat = array.shape in ((inputs["y"].size,), (inputs["y"].size, 1)) if rows else False
            if flat and letter == "L":
                return Reading("L_i", path)
        elif letter in SHAPE_OF:
            oddity = _oddity(subject, letter, array, inputs)
            if oddity is not None:
                per_row = letter == "dL_dz" and "L_i" in taken
                return Reading("dL_dz_i" if per_row else letter, path, oddity)
    return None


def _oddity(subject: Subject, letter: str, array: Array, inputs: Mapping[str, Any]) -> str | None:
    """None where an array cannot be this letter; otherwise what is odd about its shape."""
    source = SHAPE_OF[letter]
    of_layer = source == "b" and subject.proposal.exercise == "linear"
    if source not in inputs and source != "z" and not of_layer:
        return None
    expected = subject.their_shape(source, inputs)
    if array.shape == expected:
        return ""
    if array.size == 1 or letter in ("p", "dL_dX", "log_p"):
        return None
    if array.shape == expected[::-1]:
        return "transposed"
    return f"shape {array.shape}" if sorted(_long(array.shape)) == sorted(_long(expected)) else None


def _after(
    subject: Subject,
    answer: Answer,
    found: list[Any],
    inputs: Mapping[str, Any],
    names: Sequence[str],
) -> Iterator[Reading]:
    """Parameters after training: the arrays themselves, or what was returned."""
    for letter in subject.exercise.outputs:
        source = SHAPE_OF[letter]
        index = names.index(source)
        expected = subject.their_shape(source, inputs)
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
