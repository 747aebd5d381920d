"""Steps that make the object of a method and give it the parameters of a probe."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pminusy.diagnosis.subject import Subject

__all__ = ["held", "steps_to_make"]

_SIZES = {
    r"d|input\w*|n_?in\w*|in_\w+|n_?features|num_?features|feature\w*": "D",
    r"h|hidden\w*|n_?hidden|num_?hidden": "H",
    r"c|k|out\w*|n_?out\w*|num_?class\w*|n_?class\w*|classes": "K",
}


def held(subject: Subject) -> tuple[str, ...]:
    """Letters the object of a method holds as attributes or in `params`."""
    if not subject.candidate.entry["owner"] or "W" in subject.proposal.roles:
        return ()
    letters = {"network": ("W1", "b1", "W", "b"), "linear": ("W",)}
    return letters.get(subject.proposal.exercise, ())


def steps_to_make(
    subject: Subject, argument: Callable[[str], dict[str, Any]]
) -> list[dict[str, Any]]:
    """Steps that make the object of a method and give it its parameters."""
    owner = subject.candidate.entry["owner"]
    if not owner:
        return []
    maker = _entry(subject, owner, "__init__")
    sizes = _constructor(maker["parameters"] if maker else ())
    make = {"call": owner, "args": [{"value": size} for size in sizes]}
    steps: list[dict[str, Any]] = [make]
    attributes = set(maker["attributes"]) if maker else set()
    in_dict = "params" in attributes
    if in_dict:
        steps.append({"on": 0, "get": "params"})
    for letter in held(subject):
        names = {"W": ("W2", "W"), "b": ("b2", "b")}.get(letter, (letter,))
        name = names[0] if subject.proposal.exercise == "network" else names[-1]
        steps.append({"on": 1 if in_dict else 0, "set": name, "value": argument(letter)})
    return steps


def _entry(subject: Subject, owner: str, name: str) -> Mapping[str, Any] | None:
    entries = subject.session.inventory.functions
    return next((e for e in entries if e["owner"] == owner and e["name"] == name), None)


def _constructor(parameters: Sequence[Mapping[str, Any]]) -> list[int]:
    """Sizes for a constructor; they are replaced at once by the parameters of each probe."""
    sizes = {"D": 5, "H": 9, "K": 4}
    found = []
    for parameter in (p for p in parameters if not p["optional"]):
        name = parameter["name"].lower()
        letter = next((s for names, s in _SIZES.items() if re.fullmatch(names, name)), "D")
        found.append(sizes[letter])
    return found
