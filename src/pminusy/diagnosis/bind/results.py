"""Which quantity each part of what a function returned is: by its key, or by its shape."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pminusy.diagnosis.bind.subject import Result, Subject
from pminusy.diagnosis.run.session import Answer, Opaque

__all__ = ["absent_results", "arrays_in", "at", "in_words", "results_of_function"]

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
        if named in ("dL_dW1", "dL_db1") and "W1" not in subject.given:
            named = named.removesuffix("1")  # the only layer there is
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
    return Result(letter, path, oddity)


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


_MAIN = {"L": ("L", "L_i"), "R": ("R",), "p": ("p",)}  # the form's own output, and its forms
_OF_PARAMETER = {
    "W": "dL_dW", "W1": "dL_dW1", "b": "dL_db", "b1": "dL_db1", "z": "dL_dz", "p": "dL_dp",
}  # fmt: skip


def absent_results(
    subject: Subject, answer: Answer, found: Sequence[Result], required: bool
) -> Iterator[tuple[str, str]]:
    """Quantities that the form of what is returned promises and that are not there.

    A loss is promised wherever something is returned in its place; the gradient of a parameter,
    where that of another one comes, where what is no number stands in its place, where a tuple has
    the loss alone, where a backward pass returns something else, and where it is `required`.
    """
    outputs, letters = subject.exercise.outputs, {result.letter for result in found}
    paths = {result.path for result in found}
    others = [(path, leaf) for path, leaf in _leaves(answer.results, ()) if path not in paths]
    main = next((m for m in _MAIN if m in outputs), "")
    if main and others and not letters & {*_MAIN[main]}:
        yield main, in_words(others[0][1])
    gradients = [
        gradient
        for letter, gradient in _OF_PARAMETER.items()
        if letter in subject.given and gradient in outputs
    ]
    missing = [g for g in gradients if not letters & {g, f"{g}_i"}]
    if subject.exercise.name == "network_backward" and not others:
        missing = [g for g in missing if not g.startswith("dL_db")]  # it has no biases
    empty = [leaf for _, leaf in others if _is_nothing(leaf)]
    alone = any(isinstance(part, tuple) and len(part) == 1 for part in answer.results)
    backward = len(answer.results) > 1
    if len(missing) < len(gradients) or empty or alone or backward or required:
        place = in_words((empty or [leaf for _, leaf in others])[0]) if empty or others else ""
        yield from ((gradient, place) for gradient in missing)


def _leaves(tree: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    """Every part of a result that is no container with something in it, and its place."""
    if isinstance(tree, tuple | dict) and tree:
        named = tree.items() if isinstance(tree, dict) else enumerate(tree)
        for name, part in named:
            yield from _leaves(part, (*path, name))
    else:
        yield path, tree


def _is_nothing(leaf: Any) -> bool:
    """Whether it is no number, array or cache of some: None, nothing, text, a function."""
    return leaf is None or isinstance(leaf, Opaque) or (isinstance(leaf, tuple | dict) and not leaf)


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
    return "a dictionary" if value else "an empty dictionary"
