"""A bound function: called with our letters, answering in our letters.

`binding` chooses, by behaviour, how each letter lies in the learner's arrays; `results` finds out
which letter each returned array is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pminusy.diagnosis.bind.layouts import LAYOUTS
from pminusy.diagnosis.bind.objects import held, steps_to_make
from pminusy.diagnosis.bind.results import (
    SHAPE_OF,
    Asked,
    Reading,
    classes,
    follow,
    in_words,
    layout_of,
    our_shape,
    parts,
    readings,
    their_shape,
)
from pminusy.diagnosis.bind.signatures import Candidate, Proposal, backward_of
from pminusy.diagnosis.catalogue.exercise import EXERCISES, Exercise
from pminusy.diagnosis.catalogue.probes import Probe
from pminusy.diagnosis.run.session import Answer, Raised, Session

__all__ = ["Seen", "Subject"]

Array = NDArray[Any]
Path = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """What one call showed: arrays by letter, what was raised, which inputs were changed."""

    values: Mapping[str, Array] = field(default_factory=dict)
    raised: Raised | None = None
    changed: tuple[str, ...] = ()
    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    dtypes: Mapping[str, str] = field(default_factory=dict)
    after: Mapping[str, Array] = field(default_factory=dict)  # inputs that were changed


@dataclass(frozen=True)
class Subject:
    """A function with a letter for each argument and a layout for each letter."""

    session: Session
    candidate: Candidate
    proposal: Proposal
    layouts: Mapping[str, str]
    readings: tuple[Reading, ...] = ()
    nothing: str = ""  # what it returned where numbers were expected
    unread: tuple[tuple[int, ...], ...] = ()  # shapes of results that are no letter

    @property
    def exercise(self) -> Exercise:
        """What it is asked to compute."""
        return EXERCISES[self.proposal.exercise]

    @property
    def single(self) -> bool:
        """Whether it takes one sample, not a batch."""
        return self.layouts.get("z", self.layouts.get("p", self.layouts.get("X"))) == "K"

    @property
    def given(self) -> tuple[str, ...]:
        """Letters its arguments stand for, and those its object holds."""
        letters = [role for role in self.proposal.roles if role is not None]
        return tuple(dict.fromkeys([*letters, *held(self.candidate, self.proposal)]))

    @property
    def regularised(self) -> bool:
        """Whether a strength r is among its arguments."""
        return "r" in self.given

    def parameter(self, letter: str) -> str:
        """What the learner calls a letter."""
        pairs = zip(self.proposal.roles, self.candidate.entry["parameters"], strict=False)
        held = (
            {"W": "W2", "b": "b2"}.get(letter, letter)
            if self.exercise.name == "network"
            else letter
        )
        return next((str(p["name"]) for role, p in pairs if role == letter), held)

    def letters(self) -> tuple[str, ...]:
        """Letters it returns."""
        return tuple(reading.letter for reading in self.readings)

    def call(self, inputs: Mapping[str, Any], readonly: bool = False) -> Seen:
        """Call it."""
        answer, names, _ = self._ask(inputs, readonly)
        if answer.raised is not None:
            return Seen(raised=answer.raised)
        after = {
            names[i]: answer.after[i]
            for i in answer.changed
            if i < min(len(names), len(answer.after))
        }
        values, shapes, dtypes = {}, {}, {}
        for reading in self.readings:
            found = follow(answer, reading.path)
            if isinstance(found, np.ndarray):
                shapes[reading.letter] = found.shape
                dtypes[reading.letter] = str(found.dtype)
                value = self._ours(reading.letter, found, inputs)
                if value is not None:
                    values[reading.letter] = value
        changed = tuple(names[i] for i in answer.changed if i < len(names))
        return Seen(values, None, changed, shapes, dtypes, after)

    def read(self, probe: Probe) -> Subject | Raised:
        """The same with its results understood, from one call where all shapes differ."""
        answer, names, _ = self._ask(probe.inputs)
        if answer.raised is not None:
            return answer.raised
        found = tuple(readings(Asked(self.exercise, self.layouts, probe.inputs, names), answer))
        nothing = "" if found else in_words(answer.results[0] if answer.results else None)
        read = {reading.path for reading in found}
        unread = tuple(
            array.shape for path, _, array in parts(answer.results, ()) if path not in read
        )
        return Subject(
            self.session, self.candidate, self.proposal, self.layouts, found, nothing, unread
        )

    # ------------------------------------------------------------------------------ calling

    def _ask(
        self, inputs: Mapping[str, Any], readonly: bool = False
    ) -> tuple[Answer, list[str], list[Array]]:
        arrays: list[Array] = []
        names: list[str] = []

        def argument(letter: str) -> dict[str, Any]:
            value = self._theirs(letter, inputs)
            if not isinstance(value, np.ndarray):
                return {"value": value}
            arrays.append(value)
            names.append(letter)
            return {"array": len(arrays) - 1}

        steps = steps_to_make(
            self.candidate, self.proposal, self.session.inventory.functions, argument
        )
        keyed, args, kwargs = False, [], {}
        for parameter, role in zip(
            self.candidate.entry["parameters"], self.proposal.roles, strict=True
        ):
            keyed = keyed or role is None or parameter["keyword_only"]
            if role is not None and keyed:
                kwargs[parameter["name"]] = argument(role)
            elif role is not None:
                args.append(argument(role))
        call: dict[str, Any] = {
            "call": self.candidate.entry["name"],
            "args": args,
            "kwargs": kwargs,
        }
        if steps:
            call["on"] = 0
        steps.append(call)
        returned = [[len(steps) - 1]]
        backward = backward_of(self.candidate.entry, self.session.inventory.functions)
        if backward is not None:
            upstream = [{"value": 1.0} for p in backward["parameters"] if not p["optional"]]
            steps.append({"on": 0, "call": "backward", "args": upstream})
            returned.append([len(steps) - 1])
        program = {"steps": steps, "return": returned, "readonly": readonly, "after": True}
        return self.session.run(program, arrays), names, arrays

    def laid_out(self, letter: str, value: Any, inputs: Mapping[str, Any]) -> Any:
        """A letter of ours (input or output) as it lies in the learner's arrays."""
        source = SHAPE_OF.get("dL_dz" if letter == "dL_dz_i" else letter, letter)
        if source not in LAYOUTS or not isinstance(value, np.ndarray) or value.ndim == 0:
            return value
        if source not in ("y",) and source not in inputs and source not in ("b", "z"):
            return value
        layout = LAYOUTS[source][layout_of(source, self.layouts)]
        return layout.there(value, classes(inputs))

    def _theirs(self, letter: str, inputs: Mapping[str, Any]) -> Any:
        value = inputs[letter]
        if letter not in self.layouts:
            return value
        return LAYOUTS[letter][self.layouts[letter]].there(value, classes(inputs))

    # ------------------------------------------------------------------------------ reading

    def _ours(self, letter: str, found: Array, inputs: Mapping[str, Any]) -> Array | None:
        """An output in our layout, or None where its shape does not fit at all."""
        if letter in ("L", "R"):
            return found.reshape(()) if found.size == 1 else None
        if letter == "L_i":
            return found.reshape(-1) if found.size == inputs["y"].size else None
        source = SHAPE_OF["dL_dz" if letter == "dL_dz_i" else letter]
        shape = our_shape(source, inputs)
        name = layout_of(source, self.layouts)
        expected = their_shape(source, self.layouts, inputs)
        oddity = next(r.oddity for r in self.readings if r.letter == letter)
        if oddity == "transposed" and found.shape == expected[::-1]:
            found = found.T
        elif found.shape != expected and found.size == int(np.prod(expected)):
            found = found.reshape(expected)
        elif found.shape != expected:
            return None
        return np.asarray(LAYOUTS[source][name].back(found, shape))
