"""Steps that make the object of a method and give it the parameters of a probe."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pminusy.diagnosis.bind.signatures import Candidate, Proposal

__all__ = ["held", "steps_to_make"]

Entry = Mapping[str, Any]

_SIZES = {
    r"d|input\w*|n_?in\w*|in_\w+|n_?features|num_?features|feature\w*": "D",
    r"h|hidden\w*|n_?hidden|num_?hidden": "H",
    r"c|k|out\w*|n_?out\w*|num_?class\w*|n_?class\w*|classes": "K",
}


def held(candidate: Candidate, proposal: Proposal) -> tuple[str, ...]:
    """Letters the object of a method holds as attributes or in `params`."""
    if not candidate.entry["owner"] or "W" in proposal.roles:
        return ()
    letters = {"network": ("W1", "b1", "W", "b"), "linear": ("W",)}
    return letters.get(proposal.exercise, ())


def steps_to_make(
    candidate: Candidate,
    proposal: Proposal,
    functions: Sequence[Entry],
    argument: Callable[[str], dict[str, Any]],
) -> list[dict[str, Any]]:
    """Steps that make the object of a method and give it its parameters."""
    owner = candidate.entry["owner"]
    if not owner:
        return []
    maker = _constructor(owner, functions)
    sizes = _sizes(maker["parameters"] if maker else ())
    make = {"call": owner, "args": [{"value": size} for size in sizes]}
    steps: list[dict[str, Any]] = [make]
    attributes = set(maker["attributes"]) if maker else set()
    in_dict = "params" in attributes
    if in_dict:
        steps.append({"on": 0, "get": "params"})
    for letter in held(candidate, proposal):
        names = {"W": ("W2", "W"), "b": ("b2", "b")}.get(letter, (letter,))
        name = names[0] if proposal.exercise == "network" else names[-1]
        steps.append({"on": 1 if in_dict else 0, "set": name, "value": argument(letter)})
    return steps


def _constructor(owner: str, functions: Sequence[Entry]) -> Entry | None:
    return next((e for e in functions if e["owner"] == owner and e["name"] == "__init__"), None)


def _sizes(parameters: Sequence[Mapping[str, Any]]) -> list[int]:
    """Sizes for a constructor; they are replaced at once by the parameters of each probe."""
    sizes = {"D": 5, "H": 9, "K": 4}
    found = []
    for parameter in (p for p in parameters if not p["optional"]):
        name = parameter["name"].lower()
        letter = next((s for names, s in _SIZES.items() if re.fullmatch(names, name)), "D")
        found.append(sizes[letter])
    return found
