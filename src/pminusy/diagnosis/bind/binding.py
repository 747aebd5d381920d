"""Every way to bind a function: which letter each argument is, and how each letter lies in it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pminusy.diagnosis.bind.call import with_results
from pminusy.diagnosis.bind.signatures import Candidate, Proposal
from pminusy.diagnosis.bind.subject import Subject
from pminusy.diagnosis.catalogue.exercise import Layer
from pminusy.diagnosis.catalogue.exercises import EXERCISES
from pminusy.diagnosis.run.session import Raised, Session

__all__ = ["bindings"]


def bindings(
    session: Session,
    candidate: Candidate,
    proposal: Proposal,
    pins: Mapping[str, Any],
    square: str = "",
) -> Iterator[Subject | Raised]:
    """Every way in which the arrays of a proposal may lie, called once.

    With `square` it is tried on inputs two of whose sizes agree.
    """
    exercise, entry = EXERCISES[proposal.exercise], candidate.entry
    if isinstance(exercise, Layer):
        kinds = ("D×K", "K×D") if exercise.name == "linear layer" else ("K×D",)
        arrangements: Iterator[dict[str, str]] = ({"W": kind} for kind in kinds)
    else:
        arrangements = _arrangements(proposal, candidate, pins)
    for layouts in arrangements:
        subject = Subject(session, entry, exercise, proposal.roles, layouts)
        probe = exercise.probes(subject.given, subject.single, square)[0]
        yield with_results(subject, probe, required=bool(pins.get("gradient")))


def _arrangements(
    proposal: Proposal, candidate: Candidate, pins: Mapping[str, Any]
) -> Iterator[dict[str, str]]:
    letters = [role for role in proposal.roles if role is not None]
    names = {
        r: p["name"] for r, p in zip(proposal.roles, candidate.entry["parameters"], strict=True)
    }
    axes = {"axis=", "keepdims=", "newaxis", *(("mean", "average") if "y" in letters else ())}
    counts = "y" in letters and "len" in candidate.entry["names"]
    batched = counts or bool(axes & set(candidate.entry["attributes"]))
    for base in _orientations(proposal, letters):
        if "K" in base.values() and (batched or pins.get("batch")):
            continue  # code that names an axis, or averages losses, is about a batch
        if pins.get("samples", _samples(base)) != _samples(base):
            continue
        columns = "K×N" in base.values()
        single = "K" in base.values()
        kinds = _label_layouts(names.get("y", ""), columns, single) if "y" in letters else [""]
        if "y" in pins:
            kinds = [kind for kind in kinds if kind.startswith(pins["y"])] or [pins["y"]]
        biases = [("K×1",), ("K",)] if columns else [("K",), ("1×K",)]
        if "b" in pins:
            biases = [(pins["b"],)]
        for kind, (bias,) in itertools.product(kinds, biases if "b" in letters else [("K",)]):
            layouts = dict(base)
            if kind:
                layouts["y"] = kind
            for letter in ("b", "b1"):
                layouts[letter] = bias
            yield layouts


def _samples(layouts: Mapping[str, str]) -> str:
    """How the samples of a batch lie in the inputs or scores: in rows or in columns."""
    inputs = {name for letter, name in layouts.items() if letter in ("X", "X0", "z", "p")}
    if "K" in inputs:
        return "one sample"
    return "columns" if "K×N" in inputs else "rows"


def _orientations(proposal: Proposal, letters: Sequence[str]) -> Iterator[dict[str, str]]:
    exercise = proposal.exercise
    if exercise in ("logits", "probabilities", "softmax", "log_softmax", "softmax layer"):
        letter = "p" if exercise == "probabilities" else "z"
        for name in ("N×K", "K×N", "K"):
            yield {letter: name, "g": name} if exercise == "softmax layer" else {letter: name}
        return
    if exercise == "ridge":
        yield {"W": "D×K"}
        return
    inputs = [letter for letter in letters if letter in ("X", "X0")]
    for weights, rows in (
        ("D×K", "N×K"), ("K×D", "K×N"), ("K×D", "N×K"), ("flat D×K", "N×K"), ("flat K×D", "N×K"),
    ):  # fmt: skip
        yield {"W": weights, "W1": weights, **dict.fromkeys(inputs, rows)}


def _label_layouts(name: str, columns: bool, single: bool) -> list[str]:
    if single:
        return ["scalar", "one-hot K", "index"]
    kinds = ["index", "one-hot K×N" if columns else "one-hot", "column"]
    if re.search(r"hot|enc", name.lower()) or (name in ("Y", "T")):
        kinds[0], kinds[1] = kinds[1], kinds[0]
    return kinds
