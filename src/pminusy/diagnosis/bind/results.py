"""Which quantity each part of what a function returned is: by its key, or by its shape."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pminusy.diagnosis.bind.subject import Result, Subject
from pminusy.diagnosis.run.session import Answer, Opaque

__all__ = ["arrays_in", "at", "in_words", "results_of_function"]

Array = NDArray[Any]
Path = tuple[Any, ...]

_KEYS = {
    r"d?(w1|weights?1)": "dL_dW1", r"d?(b1|bias1)": "dL_db1", r"d?(w2?|weights?2?)": "dL_dW",
    r"d?(b2?|bias2?)": "dL_db", r"loss|cost|l": "L", r"dx": "dL_dX", r"dz|dlogits|dscores": "dL_dz",
}  # fmt: skip


def results_of_function(
    subject: Subject, answer: Answer, inputs: Mapping[str, Any], names: Sequence[str]
) -> Iterator[Result]:
    """The quantities in what one call returned, on inputs where no two shapes agree."""
    found = list(arrays_in(answer.results, ()))
    if subject.exercise.outputs[0].startswith("after_"):
        yield from _trained(subject, answer, inputs, names, found)
        return
    scalar = any(array.size == 1 for _, _, array in found)
    rows = inputs["y"].size if "y" in inputs and not scalar and inputs["y"].size > 1 else 0
    taken: set[str] = set()
    for path, key, array in found:
        named = _by_key(key)
        outputs = subject.exercise.outputs
        possible = [x for x in ([named] if named else outputs) if x in outputs and x not in taken]
        results = (
            _result(subject, letter, path, array, inputs, taken, rows) for letter in possible
        )
        result = next((r for r in results if r is not None), None)
        if result is not None:
            taken.add(result.letter)
            yield result


def _result(
    subject: Subject,
    letter: str,
    path: Path,
    array: Array,
    inputs: Mapping[str, Any],
    taken: set[str],
    rows: int,
) -> Result | None:
    """The array as this quantity, if its shape allows it; `rows` where losses are one a row."""
    if letter in ("L", "R"):
        if array.size == 1:
            return Result(letter, path)
        per_row = bool(rows) and letter == "L" and array.shape in ((rows,), (rows, 1))
        return Result("L_i", path) if per_row else None
    oddity = _oddity(subject, letter, array, inputs)
    if oddity is None:
        return None
    per_row = letter == "dL_dz" and "L_i" in taken
    return Result("dL_dz_i" if per_row else letter, path, oddity)


def _oddity(subject: Subject, letter: str, array: Array, inputs: Mapping[str, Any]) -> str | None:
    """None where an array cannot be this quantity; otherwise what is odd about its shape."""
    if not subject.can_be(letter, inputs):
        return None
    expected = subject.shape(letter, inputs)
    if array.shape == expected:
        return ""
    if array.size == 1 or letter in ("p", "dL_dX", "log_p"):
        return None
    if array.shape == expected[::-1]:
        return "transposed"
    return f"shape {array.shape}" if sorted(_long(array.shape)) == sorted(_long(expected)) else None


def _trained(
    subject: Subject,
    answer: Answer,
    inputs: Mapping[str, Any],
    names: Sequence[str],
    found: list[Any],
) -> Iterator[Result]:
    """Parameters after training: the arrays themselves, or what was returned."""
    for letter in subject.exercise.outputs:
        index = names.index(letter.removeprefix("after_"))
        expected = subject.shape(letter, inputs)
        returned = next((path for path, _, a in found if a.shape == expected), None)
        in_place = index in answer.changed or returned is None
        yield Result(letter, ("after", index) if in_place else returned or ())


def at(answer: Answer, path: Path) -> Any:
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


def arrays_in(tree: Any, path: Path, key: str = "") -> Iterator[tuple[Path, str, Array]]:
    """Every array in a result: its place, the last key on the way to it, and itself."""
    if isinstance(tree, np.ndarray):
        yield path, key, tree
    elif isinstance(tree, tuple):
        for i, part in enumerate(tree):
            yield from arrays_in(part, (*path, i), key)
    elif isinstance(tree, dict):
        for name, part in tree.items():
            yield from arrays_in(part, (*path, name), name)


def _by_key(key: str) -> str:
    lowered = key.lower().strip("_").removeprefix("grad_").removeprefix("grad")
    return next((letter for names, letter in _KEYS.items() if re.fullmatch(names, lowered)), "")


def _long(shape: tuple[int, ...]) -> list[int]:
    return [size for size in shape if size != 1]


def in_words(value: Any) -> str:
    """What a result is, where it is no quantity."""
    if value is None:
        return "None"
    if isinstance(value, Opaque):
        return value.description
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}" if value.ndim else "a single number"
    if isinstance(value, tuple):
        return "(" + ", ".join(map(in_words, value)) + ")"
    return "a dictionary"
