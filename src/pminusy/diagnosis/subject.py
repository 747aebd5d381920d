"""A bound function: called with our letters, answering in our letters.

Binding chooses, by behaviour, how each letter lies in the learner's arrays; reading finds out which
letter each returned array is, by its key or its shape, on inputs where no two shapes agree.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pminusy.diagnosis.exercise import EXERCISES, Exercise
from pminusy.diagnosis.layouts import LAYOUTS
from pminusy.diagnosis.probes import Probe, probes
from pminusy.diagnosis.session import Answer, Opaque, Raised, Session
from pminusy.diagnosis.signatures import Candidate, Proposal, backward_of

__all__ = ["Reading", "Seen", "Subject", "bindings"]

Array = NDArray[Any]
Path = tuple[Any, ...]

_SHAPE_OF = {  # an output lies as the input of the same shape
    "dL_dW": "W", "dR_dW": "W", "dL_dW1": "W1", "dL_db": "b", "dL_db1": "b1", "dL_dX": "X",
    "dL_dz": "z", "p": "z", "log_p": "z", "after_W": "W", "after_W1": "W1",
}  # fmt: skip
_KEYS = {
    r"d?(w1|weights?1)": "dL_dW1", r"d?(b1|bias1)": "dL_db1", r"d?(w2?|weights?2?)": "dL_dW",
    r"d?(b2?|bias2?)": "dL_db", r"loss|cost|l": "L", r"dx": "dL_dX", r"dz|dlogits|dscores": "dL_dz",
}  # fmt: skip
_SIZES = {
    r"d|input\w*|n_?in\w*|in_\w+|n_?features|num_?features|feature\w*": "D",
    r"h|hidden\w*|n_?hidden|num_?hidden": "H",
    r"c|k|out\w*|n_?out\w*|num_?class\w*|n_?class\w*|classes": "K",
}


@dataclass(frozen=True, slots=True)
class Seen:
    """What one call showed: arrays by letter, what was raised, which inputs were changed."""

    values: Mapping[str, Array] = field(default_factory=dict)
    raised: Raised | None = None
    changed: tuple[str, ...] = ()
    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    dtypes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reading:
    """Where in a result a letter is, and what is odd about its shape there."""

    letter: str
    path: Path
    oddity: str = ""


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
        return tuple(dict.fromkeys([*letters, *self._held()]))

    @property
    def regularised(self) -> bool:
        """Whether a strength r is among its arguments."""
        return "r" in self.given

    def letters(self) -> tuple[str, ...]:
        """Letters it returns."""
        return tuple(reading.letter for reading in self.readings)

    def call(self, inputs: Mapping[str, Any], readonly: bool = False) -> Seen:
        """Call it."""
        answer, names, _ = self._ask(inputs, readonly)
        if answer.raised is not None:
            return Seen(raised=answer.raised)
        values, shapes, dtypes = {}, {}, {}
        for reading in self.readings:
            found = _follow(answer, reading.path)
            if isinstance(found, np.ndarray):
                shapes[reading.letter] = found.shape
                dtypes[reading.letter] = str(found.dtype)
                value = self._ours(reading.letter, found, inputs)
                if value is not None:
                    values[reading.letter] = value
        changed = tuple(names[i] for i in answer.changed if i < len(names))
        return Seen(values, None, changed, shapes, dtypes)

    def read(self, probe: Probe) -> Subject | Raised:
        """The same with its results understood, from one call where all shapes differ."""
        answer, names, _ = self._ask(probe.inputs)
        if answer.raised is not None:
            return answer.raised
        readings = tuple(self._readings(answer, probe.inputs, names))
        nothing = "" if readings else _in_words(answer.results[0] if answer.results else None)
        read = {reading.path for reading in readings}
        parts = _parts(answer.results, ())
        unread = tuple(array.shape for path, _, array in parts if path not in read)
        return Subject(
            self.session, self.candidate, self.proposal, self.layouts, readings, nothing, unread
        )

    # ------------------------------------------------------------------------------ calling

    def _held(self) -> tuple[str, ...]:
        """Letters the object of a method holds as attributes or in `params`."""
        if not self.candidate.entry["owner"] or "W" in self.proposal.roles:
            return ()
        held = {"network": ("W1", "b1", "W", "b"), "linear": ("W",)}
        return held.get(self.proposal.exercise, ())

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

        steps = self._object(argument)
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

    def _object(self, argument: Any) -> list[dict[str, Any]]:
        """Steps that make the object of a method and give it its parameters."""
        owner = self.candidate.entry["owner"]
        if not owner:
            return []
        maker = self._entry(owner, "__init__")
        sizes = _constructor(maker["parameters"] if maker else ())
        make = {"call": owner, "args": [{"value": size} for size in sizes]}
        steps: list[dict[str, Any]] = [make]
        attributes = set(maker["attributes"]) if maker else set()
        in_dict = "params" in attributes
        if in_dict:
            steps.append({"on": 0, "get": "params"})
        for letter in self._held():
            names = {"W": ("W2", "W"), "b": ("b2", "b")}.get(letter, (letter,))
            name = names[0] if self.proposal.exercise == "network" else names[-1]
            steps.append({"on": 1 if in_dict else 0, "set": name, "value": argument(letter)})
        return steps

    def _entry(self, owner: str, name: str) -> Mapping[str, Any] | None:
        entries = self.session.inventory.functions
        return next((e for e in entries if e["owner"] == owner and e["name"] == name), None)

    def laid_out(self, letter: str, value: Any, inputs: Mapping[str, Any]) -> Any:
        """A letter of ours (input or output) as it lies in the learner's arrays."""
        source = _SHAPE_OF.get("dL_dz" if letter == "dL_dz_i" else letter, letter)
        if source not in LAYOUTS or not isinstance(value, np.ndarray) or value.ndim == 0:
            return value
        if source not in ("y",) and source not in inputs and source not in ("b", "z"):
            return value
        layout = LAYOUTS[source][self._output_layout(source)]
        return layout.there(value, _classes(inputs))

    def _theirs(self, letter: str, inputs: Mapping[str, Any]) -> Any:
        value = inputs[letter]
        if letter not in self.layouts:
            return value
        return LAYOUTS[letter][self.layouts[letter]].there(value, _classes(inputs))

    # ------------------------------------------------------------------------------ reading

    def _ours(self, letter: str, found: Array, inputs: Mapping[str, Any]) -> Array | None:
        """An output in our layout, or None where its shape does not fit at all."""
        if letter in ("L", "R"):
            return found.reshape(()) if found.size == 1 else None
        if letter == "L_i":
            return found.reshape(-1) if found.size == inputs["y"].size else None
        source = _SHAPE_OF["dL_dz" if letter == "dL_dz_i" else letter]
        shape = _our_shape(source, inputs)
        name = self._output_layout(source)
        expected = self._their_shape(source, inputs)
        oddity = next(r.oddity for r in self.readings if r.letter == letter)
        if oddity == "transposed" and found.shape == expected[::-1]:
            found = found.T
        elif found.shape != expected and found.size == int(np.prod(expected)):
            found = found.reshape(expected)
        elif found.shape != expected:
            return None
        return np.asarray(LAYOUTS[source][name].back(found, shape))

    def _output_layout(self, source: str) -> str:
        if source in self.layouts:
            return self.layouts[source]
        return self.layouts.get("X", "N×K") if source == "z" else next(iter(LAYOUTS[source]))

    def _their_shape(self, source: str, inputs: Mapping[str, Any]) -> tuple[int, ...]:
        ours = np.zeros(_our_shape(source, inputs))
        laid = LAYOUTS[source][self._output_layout(source)].there(ours, _classes(inputs))
        return np.shape(laid)

    def _readings(
        self, answer: Answer, inputs: Mapping[str, Any], names: Sequence[str]
    ) -> Iterator[Reading]:
        taken: set[str] = set()
        found = list(_parts(answer.results, ()))
        if self.exercise.outputs[0].startswith("after_"):
            yield from self._after(answer, found, inputs, names)
            return
        rows = "y" in inputs and not any(a.size == 1 for _, _, a in found) and inputs["y"].size > 1
        for path, key, array in found:
            reading = self._reading(path, key, array, inputs, taken, rows)
            if reading is not None:
                taken.add(reading.letter)
                yield reading

    def _reading(
        self,
        path: Path,
        key: str,
        array: Array,
        inputs: Mapping[str, Any],
        taken: set[str],
        rows: bool,
    ) -> Reading | None:
        named = _by_key(key)
        outputs = [named] if named else list(self.exercise.outputs)
        for letter in outputs:
            if letter in taken or letter not in (*self.exercise.outputs,):
                continue
            if letter in ("L", "R"):
                if array.size == 1:
                    return Reading(letter, path)
                flat = (
                    array.shape in ((inputs["y"].size,), (inputs["y"].size, 1)) if rows else False
                )
                if flat and letter == "L":
                    return Reading("L_i", path)
            elif letter in _SHAPE_OF:
                oddity = self._oddity(letter, array, inputs)
                if oddity is not None:
                    per_row = letter == "dL_dz" and "L_i" in taken
                    return Reading("dL_dz_i" if per_row else letter, path, oddity)
        return None

    def _oddity(self, letter: str, array: Array, inputs: Mapping[str, Any]) -> str | None:
        """None where an array cannot be this letter; otherwise what is odd about its shape."""
        source = _SHAPE_OF[letter]
        of_layer = source == "b" and self.proposal.exercise == "linear"
        if source not in inputs and source != "z" and not of_layer:
            return None
        expected = self._their_shape(source, inputs)
        if array.shape == expected:
            return ""
        if array.size == 1 or letter in ("p", "dL_dX", "log_p"):
            return None
        if array.shape == expected[::-1]:
            return "transposed"
        return (
            f"shape {array.shape}"
            if sorted(_long(array.shape)) == sorted(_long(expected))
            else None
        )

    def _after(
        self, answer: Answer, found: list[Any], inputs: Mapping[str, Any], names: Sequence[str]
    ) -> Iterator[Reading]:
        """Parameters after training: the arrays themselves, or what was returned."""
        for letter in self.exercise.outputs:
            source = _SHAPE_OF[letter]
            index = names.index(source)
            expected = self._their_shape(source, inputs)
            returned = next((path for path, _, a in found if a.shape == expected), None)
            in_place = index in answer.changed or returned is None
            yield Reading(letter, ("after", index) if in_place else returned or ())


def _follow(answer: Answer, path: Path) -> Any:
    if path and path[0] == "after":
        return answer.after[path[1]]
    found: Any = answer.results
    for part in path:
        try:
            found = found[part]
        except (IndexError, KeyError, TypeError):
            return None
    return found


def _parts(tree: Any, path: Path, key: str = "") -> Iterator[tuple[Path, str, Array]]:
    if isinstance(tree, np.ndarray):
        yield path, key, tree
    elif isinstance(tree, tuple):
        for i, part in enumerate(tree):
            yield from _parts(part, (*path, i), key)
    elif isinstance(tree, dict):
        for name, part in tree.items():
            yield from _parts(part, (*path, name), name)


def _by_key(key: str) -> str:
    lowered = key.lower().strip("_").removeprefix("grad_").removeprefix("grad")
    return next((letter for names, letter in _KEYS.items() if re.fullmatch(names, lowered)), "")


def _long(shape: tuple[int, ...]) -> list[int]:
    return [size for size in shape if size != 1]


def _in_words(value: Any) -> str:
    if value is None:
        return "None"
    if isinstance(value, Opaque):
        return value.description
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}" if value.ndim else "a single number"
    if isinstance(value, tuple):
        return "(" + ", ".join(map(_in_words, value)) + ")"
    return "a dictionary"


def _classes(inputs: Mapping[str, Any]) -> int:
    for letter, axis in (("z", 1), ("p", 1), ("W", 0)):
        if letter in inputs:
            return int(inputs[letter].shape[axis])
    return 0


def _our_shape(source: str, inputs: Mapping[str, Any]) -> tuple[int, ...]:
    if source in inputs:
        return tuple(inputs[source].shape)
    if source == "b":
        return (_classes(inputs),)
    return (inputs["y"].size, _classes(inputs))


def _constructor(parameters: Sequence[Mapping[str, Any]]) -> list[int]:
    """Sizes for a constructor; they are replaced at once by the parameters of each probe."""
    sizes = {"D": 5, "H": 9, "K": 4}
    found = []
    for parameter in (p for p in parameters if not p["optional"]):
        name = parameter["name"].lower()
        letter = next((s for names, s in _SIZES.items() if re.fullmatch(names, name)), "D")
        found.append(sizes[letter])
    return found


# --------------------------------------------------------------------------------- binding


def bindings(
    session: Session, candidate: Candidate, pins: Mapping[str, Any]
) -> list[Subject | Raised]:
    """Every way to bind a candidate that runs and returns numbers; failures where none does."""
    bound: list[Subject | Raised] = []
    failures: list[Subject | Raised] = []
    for proposal in candidate.proposals:
        for layouts in _arrangements(proposal, candidate, pins):
            subject = Subject(session, candidate, proposal, layouts)
            probe = probes(subject.given, subject.single)[0]
            read = subject.read(probe)
            good = isinstance(read, Subject) and not read.nothing
            (bound if good else failures).append(read)
        if bound and len(candidate.proposals) < 6:
            break
    return bound or failures[:1]


def _arrangements(
    proposal: Proposal, candidate: Candidate, pins: Mapping[str, Any]
) -> Iterator[dict[str, str]]:
    letters = [role for role in proposal.roles if role is not None]
    names = {
        r: p["name"] for r, p in zip(proposal.roles, candidate.entry["parameters"], strict=True)
    }
    batched = bool({"axis=", "keepdims=", "newaxis"} & set(candidate.entry["attributes"]))
    for base in _orientations(proposal, letters):
        if batched and "K" in base.values():
            continue  # whoever names an axis means a batch
        columns = "K×N" in base.values()
        single = "K" in base.values()
        kinds = _label_layouts(names.get("y", ""), columns, single) if "y" in letters else [""]
        if "y" in pins:
            kinds = [kind for kind in kinds if kind.startswith(pins["y"])] or [pins["y"]]
        biases = [("K×1",), ("K",)] if columns else [("K",), ("1×K",)]
        for kind, (bias,) in itertools.product(kinds, biases if "b" in letters else [("K",)]):
            layouts = dict(base)
            if kind:
                layouts["y"] = kind
            for letter in ("b", "b1"):
                layouts[letter] = bias
            yield layouts


def _orientations(proposal: Proposal, letters: Sequence[str]) -> Iterator[dict[str, str]]:
    exercise = proposal.exercise
    if exercise in ("logits", "probabilities", "softmax", "log_softmax"):
        letter = "p" if exercise == "probabilities" else "z"
        for name in ("N×K", "K×N", "K"):
            yield {letter: name}
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
