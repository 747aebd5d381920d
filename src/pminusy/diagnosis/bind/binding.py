"""Every way to bind a function: which letter each argument is, and how each letter lies in it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pminusy.diagnosis.bind.call import with_results
from pminusy.diagnosis.bind.signatures import Candidate, Proposal, engine_of
from pminusy.diagnosis.bind.subject import Subject, expanded
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
        yield _bound(
            Subject(session, entry, exercise, proposal.roles, layouts),
            _numbers(session, entry, exercise.name), square, required=bool(pins.get("gradient")),
        )  # fmt: skip


def _bound(
    subject: Subject, numbers: Sequence[str], square: str, required: bool
) -> Subject | Raised:
    """The subject on the first kind of numbers on which it runs."""
    first: Raised | None = None
    probe = subject.exercise.probes(subject.given, subject.single, square)[0]
    for kind in numbers:
        bound = with_results(replace(subject, numbers=kind), probe, required)
        if isinstance(bound, Subject):
            return bound
        first = first or bound
    assert first is not None
    return first


_BY_ENGINE = ("logits", "softmax", "log_softmax")


def _numbers(session: Session, entry: Mapping[str, Any], exercise: str) -> Sequence[str]:
    """Kinds of numbers a function may take: tensors where it names torch, else arrays first."""
    functions = session.inventory.functions
    engine = engine_of(functions) if exercise in _BY_ENGINE else ""
    if engine and entry["owner"] != engine:
        return (engine, "arrays")
    if not any("torch" in f["names"] or "keepdim=" in f["attributes"] for f in functions):
        return ("arrays",)
    return ("arrays", "tensors") if {"np", "numpy"} & {*entry["names"]} else ("tensors", "arrays")


def _arrangements(
    proposal: Proposal, candidate: Candidate, pins: Mapping[str, Any]
) -> Iterator[dict[str, str]]:
    letters = expanded(proposal.roles)
    letters += ["y"] if proposal.exercise == "softmax and labels" else []
    names = {
        r: p["name"] for r, p in zip(proposal.roles, candidate.entry["parameters"], strict=True)
    }
    axes = {"axis=", "keepdims=", *(("mean", "average") if "y" in letters else ())}
    axes |= set() if "W" in letters else {"newaxis"}  # an outer product of one sample has it too
    counts = f"len({names.get('y')})" in candidate.entry["attributes"]
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
    if exercise in _OF_ROWS:
        for name in ("N×K", "K×N", "K"):
            beside = _weights_of(name) if "W" in letters else {}
            upstream = {"g": name} if exercise == "softmax layer" else {}
            yield {"p" if "p" in letters else "z": name, **upstream, **beside}
        return
    if exercise == "ridge":
        yield {"W": "D×K"}
        return
    inputs = [letter for letter in letters if letter in ("X", "X0")]
    for weights, rows in _WEIGHTS_AND_ROWS:
        lying = {"W": weights, "W1": weights, **dict.fromkeys(inputs, rows)}
        if rows == "K" and exercise not in ("linear", "class probabilities"):
            continue  # one sample at a time is asked of a single layer alone
        yield lying
        if exercise == "class probabilities" and rows == "N×K":
            yield {**lying, "scores": "K×N"}  # samples in rows, their probabilities in columns


_OF_ROWS = (
    "logits", "probabilities", "probabilities to scores", "probabilities and parameters",
    "probabilities and weights", "softmax", "log_softmax", "softmax layer", "softmax and labels",
    "weighted logits",
)  # fmt: skip
_WEIGHTS_AND_ROWS = (
    ("D×K", "N×K"), ("K×D", "K×N"), ("K×D", "N×K"), ("flat D×K", "N×K"), ("flat K×D", "N×K"),
    ("K×D", "K"), ("D×K", "K"),
)  # fmt: skip


def _weights_of(rows: str) -> dict[str, str]:
    """How weights lie beside samples that lie so."""
    weights = "K×D" if rows == "K×N" else "D×K"
    return {"W": weights, "W1": weights}


def _label_layouts(name: str, columns: bool, single: bool) -> list[str]:
    if single:
        return ["scalar", "one-hot K", "index"]
    kinds = ["index", "one-hot K×N" if columns else "one-hot", "column"]
    if re.search(r"hot|enc", name.lower()) or (name in ("Y", "T")):
        kinds[0], kinds[1] = kinds[1], kinds[0]
    return kinds
